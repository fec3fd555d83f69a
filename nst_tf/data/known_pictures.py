"""The pictures that come with the package, by which networks of any style scale features."""

import numpy as np

from nst_tf.data import sample_photos, style_images
from nst_tf.images import io as image_io

SIDE = 256  # pixels, long side


def read_known_photos() -> list[np.ndarray]:
    """Returns the sample photos, float32 [H, W, 3] in [0, 1]."""
    names = [sample_photos.BUILTIN + name for name in sample_photos.PHOTOS]
    return [sample_photos.read_photo(name, long_side=SIDE).rgb for name in names]


def read_known_styles() -> list[np.ndarray]:
    """Returns the packaged style pictures, float32 [H, W, 3] in [0, 1]."""
    paths = style_images.packaged_styles().values()
    return [image_io.read_image(path, long_side=SIDE).rgb for path in paths]
