"""How much memory painting a picture takes, and how large a picture this machine can paint."""

import math

import keras
import psutil

from nst_tf.core.errors import expected
from nst_tf.features import vgg

# Peak memory of one evaluation over the size of all maps of the forward pass, which the
# backward pass needs again. Measured with benchmarks/optimize_memory.py, as BASE is: at
# 256, 512 and 1024 pixels the estimate lies 0.05 to 0.12 GB above the peak with VGG19,
# up to 0.25 GB with the slim VGG19.
PEAK = 2.0
# TensorFlow, the network's weights and what the allocator keeps, bytes.
BASE = 1.0e9


def painting_bytes(model: keras.Model, height: int, width: int, vectors: int) -> float:
    """Estimates the peak memory of optimizing one picture, bytes.

    Args:
        model: the feature network, from `vgg.build_topology`.
        height, width: of the picture, pixels.
        vectors: how many float32 tensors of the picture's size the optimizer holds.
    """
    pixels = height * width
    maps = sum(
        layer.output.shape[-1] * 4 * pixels / vgg.layer_stride(layer.name) ** 2
        for layer in model.layers
        if not isinstance(layer, keras.layers.InputLayer)
    )
    return BASE + PEAK * maps + vectors * 3 * 4 * pixels


def check_memory(needed: float, long_side: int, limit: float = 0.0) -> None:
    """Refuses a picture that does not fit.

    Args:
        needed: from `painting_bytes`.
        long_side: of the picture, pixels.
        limit: bytes that may be used; 0 for what the machine has free now.

    Raises:
        UserError: it names the largest size that fits.
    """
    free = limit or psutil.virtual_memory().available
    if needed <= free:
        return
    fits = max(
        0, math.floor(long_side * math.sqrt(max(free - BASE, 0) / (needed - BASE)))
    )
    raise expected(
        f"{needed / 1e9:.1f} GB of free memory for {long_side} pixels",
        f"{free / 1e9:.1f} GB",
        f"--image_size={fits // 16 * 16} fits; close other programs, or raise --max_memory.",
    )
