"""The pictures of the package, by name."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from nst_tf.core.errors import UserError
from nst_tf.data.read_sample import read_sample
from nst_tf.data.sample_photos import PHOTOS
from nst_tf.data.style_images import packaged_styles


def test_a_photo_is_that_of_scikit_image():
    np.testing.assert_array_equal(np.rint(255 * read_sample("cat").rgb), data.chelsea())


def test_a_style_is_the_packaged_picture():
    with Image.open(packaged_styles()["mosaic"]) as picture:
        pixels = np.asarray(picture)
    np.testing.assert_array_equal(np.rint(255 * read_sample("mosaic").rgb), pixels)


@pytest.mark.parametrize("name", [*PHOTOS, *packaged_styles()])
def test_all_are_read_in_the_size_asked_for_and_named_in_the_docstring(name):
    assert max(read_sample(name, long_side=60).size) == 60
    assert name in read_sample.__doc__


def test_another_name_is_one_line_with_all_names():
    with pytest.raises(UserError) as error:
        read_sample("dog")
    for name in (*PHOTOS, *packaged_styles(), "'dog'"):
        assert name in str(error.value)
