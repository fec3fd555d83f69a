"""How much memory optimizing a picture takes, and how large a picture this machine has it for."""

import math

from nst_tf.core.errors import expected
from nst_tf.core.memory import available_memory
from nst_tf.features.extractors import FeatureExtractor

# Peak memory of one evaluation over the size of all maps of the forward pass, which the
# backward pass needs again. Measured with benchmarks/optimize_memory.py, as BASE is: at
# 256, 512 and 1024 pixels the estimate lies 0.05 to 0.12 GB above the peak with VGG19,
# up to 0.25 GB with the slim VGG19.
PEAK = 2.0
# Bytes that TensorFlow, the network's weights and the allocator take.
BASE = 1.0e9


def peak_bytes(
    extractor: FeatureExtractor, height: int, width: int, vectors: int
) -> float:
    """Estimates the peak memory of optimizing one picture, bytes.

    Args:
        extractor: the feature network.
        height, width: of the picture, pixels.
        vectors: how many float32 tensors of the picture's size the optimizer holds.
    """
    pixels = height * width
    maps = extractor.map_bytes(height, width)
    return BASE + PEAK * maps + vectors * 3 * 4 * pixels


def check_memory(needed: float, long_side: int, limit: float = 0.0) -> None:
    """Refuses a picture that does not fit.

    Args:
        needed: from `peak_bytes`.
        long_side: of the picture, pixels.
        limit: bytes that may be used; 0 for what is free now, in its container too.

    Raises:
        UserError: it names the largest size that fits.
    """
    free = limit or available_memory()
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
