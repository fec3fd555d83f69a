"""The pictures on which artifacts are compared with their network."""

import functools

import numpy as np

from nst_tf.data import sample_photos
from nst_tf.images import io as image_io

VIEWS = 20  # of the packaged photographs
SIZE = (71, 94)  # no side is one that the network can draw without padding it
# Heights and widths of one view each: the smallest, a phone's, a screen's.
SIZES = ((1, 1), (384, 384), (1024, 1024))
MANY_PIXELS = 1024 * 1024  # from here on a picture counts as large
LARGE = (3072, 4096)  # a photo of 12 megapixels, as cameras take them


@functools.lru_cache(maxsize=2 * VIEWS)
def view(number: int, size: tuple[int, int]) -> np.ndarray:
    """Returns a part of a packaged photograph, float32 [H, W, 3]: the same for the same
    number, another for others.

    Parts, because five photographs are too few: small and large ones, with and without
    flat sky or wall, in which instance norm makes much of little.
    """
    return cut_view(number, size)


def cut_view(number: int, size: tuple[int, int]) -> np.ndarray:
    """Returns the same as `view`, which is not kept."""
    rgb8 = sample_photos.builtin_photo(
        list(sample_photos.PHOTOS)[number % len(sample_photos.PHOTOS)]
    )
    rng, (height, width) = np.random.default_rng(number), rgb8.shape[:2]
    scale = rng.uniform(0.35, 1.0) * min(height / size[0], width / size[1])
    tall, wide = (max(1, int(scale * side)) for side in size)
    top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    return image_io.to_float(
        image_io.resize_rgb8(rgb8[top : top + tall, left : left + wide], *size)
    )
