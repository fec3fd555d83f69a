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


def style_bytes(extractor: FeatureExtractor, height: int, width: int) -> float:
    """Estimates the memory of a style picture's statistics, bytes: maps without gradients.

    Args:
        extractor: the feature network.
        height, width: of the style picture, pixels.
    """
    return BASE + extractor.map_bytes(height, width)


def check_memory(
    needed: float, size: tuple[int, int], limit: float = 0.0, *, texture: bool = False
) -> None:
    """Refuses a picture that does not fit.

    Args:
        needed: from `peak_bytes` or `style_bytes`.
        size: height and width of the picture, pixels.
        limit: bytes that may be used; 0 for what is free now, in its container too.
        texture: whether --texture_size has set the size, and not --image_size.

    Raises:
        UserError: it names the largest size that fits.
    """
    free = limit or available_memory()
    if needed <= free:
        return
    share = math.sqrt(max(free - BASE, 0) / (needed - BASE))
    height, width = (math.floor(side * share) // 16 * 16 for side in size)
    fits = f"--image_size={max(height, width)} fits"
    if texture:
        fits = f"--texture_size={width}x{height} fits"
    if not min(height, width):
        fits = "No size fits: lower --style_scale, --memory or --margin"
    more = "raise --max_memory" if limit else "close other programs"
    raise expected(
        f"{needed / 1e9:.1f} GB of free memory for {max(size)} pixels",
        f"{free / 1e9:.1f} GB",
        f"{fits}, or {more}.",
    )
