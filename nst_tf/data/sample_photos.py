"""Photographs that come with scikit-image, for training and previews without a download."""

import functools
import importlib.resources

import numpy as np

from nst_tf.core.errors import expected
from nst_tf.images import io as image_io

BUILTIN = "builtin:"

# File names in skimage/data: all are part of every wheel. The licenses (public domain,
# CC0 and CC BY) are listed in that package.
PHOTOS = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "motorcycle": "motorcycle_left.png",
}


@functools.cache
def builtin_photo(name: str) -> np.ndarray:
    """Returns one of `PHOTOS`, uint8 [H, W, 3]; treat it as read-only, it is shared.

    Raises:
        KeyError: a name that is not in `PHOTOS`.
    """
    resource = importlib.resources.files("skimage.data") / PHOTOS[name]
    with importlib.resources.as_file(resource) as path:
        pixels = image_io.decode_rgb8(path)
    pixels.setflags(write=False)
    return pixels


def read_photo(
    name: str,
    *,
    long_side: int | None = None,
    max_pixels: int = image_io.MAX_PIXELS,
) -> image_io.Image:
    """Reads a photo: a path, or "builtin:NAME" for one of `PHOTOS`.

    Args:
        name: what to read.
        long_side: pixels to which it is resized, or None.
        max_pixels: a larger file is refused; see `decode_rgb8`.

    Raises:
        UserError: it cannot be read, or there is no such name.
    """
    if not name.startswith(BUILTIN):
        return image_io.read_image(name, long_side=long_side, max_pixels=max_pixels)
    if name[len(BUILTIN) :] not in PHOTOS:
        raise expected(
            f"a photo among {', '.join(BUILTIN + each for each in PHOTOS)}, or a path",
            name,
            "Choose one.",
        )
    pixels = builtin_photo(name[len(BUILTIN) :])
    size = image_io.fit_size(*pixels.shape[:2], long_side=long_side)
    return image_io.Image(image_io.to_float(image_io.resize_rgb8(pixels, *size)))
