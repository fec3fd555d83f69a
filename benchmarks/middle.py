"""The middle of photos, which benchmarks compare at one size."""

from pathlib import Path

import numpy as np

from nst_tf.images import io as image_io


def read_middle(path: Path, height: int, width: int) -> np.ndarray:
    """Returns the middle of a photo, float32 [height, width, 3] RGB in [0, 1].

    Args:
        path: of the photo, whose short side becomes the longer of both.
        height, width: pixels.
    """
    rgb8 = image_io.decode_rgb8(path, short_side=max(height, width))
    top, left = (rgb8.shape[0] - height) // 2, (rgb8.shape[1] - width) // 2
    return image_io.to_float(rgb8[top : top + height, left : left + width])
