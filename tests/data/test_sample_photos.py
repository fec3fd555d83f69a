"""Photos by name, builtin or from a file."""

import numpy as np
import pytest
from PIL import Image

from nst_tf.core.errors import UserError
from nst_tf.data import sample_photos
from nst_tf.images import io as image_io


def test_max_pixels_holds_for_photos_and_masks_as_for_every_picture(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((30, 40), 255, np.uint8)).save(path)
    assert sample_photos.read_photo(str(path), max_pixels=1200).size == (30, 40)
    assert image_io.read_mask(path, (30, 40), max_pixels=1200).shape == (30, 40, 1)
    with pytest.raises(UserError, match="photo.png with 40 x 30 = 1200.*max_pixels"):
        sample_photos.read_photo(str(path), max_pixels=1199)
    with pytest.raises(UserError, match="photo.png with 40 x 30 = 1200.*max_pixels"):
        image_io.read_mask(path, (30, 40), max_pixels=1199)
