"""Photographs that come with scikit-image: to train on, to preview and to show without a download."""

import functools
import importlib.resources

import numpy as np

from nst_tf import images

# File names in skimage/data: all are part of every wheel. The licences (public domain, CC0 and CC BY)
# are listed in that package.
PHOTOS = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "rocket": "rocket.jpg",
    "motorcycle": "motorcycle_left.png",
}


@functools.lru_cache(maxsize=None)
def builtin_photo(name: str) -> np.ndarray:
    """Returns one of `PHOTOS`, uint8 [H, W, 3]; treat it as read-only, it is shared.

    Raises:
        KeyError: a name that is not in `PHOTOS`.
    """
    resource = importlib.resources.files("skimage.data") / PHOTOS[name]
    with importlib.resources.as_file(resource) as path:
        pixels = images.decode_rgb8(path)
    pixels.setflags(write=False)
    return pixels
