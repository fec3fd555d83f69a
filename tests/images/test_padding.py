"""Growing pictures to drawable sizes: NumPy's own reflection judges both implementations."""

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.images import padding
from nst_tf.layers.padding import CropToSize, PadToMultiple

SIDES = (1, 2, 3, 4, 5, 7, 8, 9, 12, 13)


def picture(height, width):
    return np.random.default_rng(height * 100 + width).random(
        (height, width, 3), np.float32
    )


@pytest.fixture(scope="module")
def grow_unknown():
    """`PadToMultiple` in a graph that is traced once, for pictures of any size."""
    layer = PadToMultiple()
    return tf.function(
        lambda photo: layer(photo),
        input_signature=[tf.TensorSpec([None, None, None, 3])],
    )


@pytest.mark.parametrize(
    "side, grown", [(1, 8), (7, 8), (8, 8), (9, 12), (12, 12), (255, 256)]
)
def test_sides_grow_to_the_next_multiple_of_four_from_eight_on(side, grown):
    assert padding.padded_side(side) == grown


@pytest.mark.parametrize("height", SIDES)
def test_growing_is_numpys_reflection_in_both_implementations(height, grow_unknown):
    for width in SIDES:
        photo = picture(height, width)
        grown = padding.padded_side(height) - height, padding.padded_side(width) - width
        # np.pad bounces as often as needed, and repeats a single pixel.
        wanted = np.pad(photo, ((0, grown[0]), (0, grown[1]), (0, 0)), mode="reflect")
        np.testing.assert_array_equal(padding.pad_to_multiple(photo), wanted)
        np.testing.assert_array_equal(grow_unknown(photo[None])[0], wanted)
        np.testing.assert_array_equal(PadToMultiple()(photo[None])[0], wanted)


def test_mirrored_indices_bounce_between_both_ends():
    assert padding.mirrored(3, 9).tolist() == [0, 1, 2, 1, 0, 1, 2, 1, 0]
    assert padding.mirrored(1, 8).tolist() == [0] * 8


@pytest.mark.parametrize("size", [(1, 1), (3, 9), (8, 12), (13, 2)])
def test_growing_then_cropping_gives_the_picture_back(size, grow_unknown):
    photo = picture(*size)[None]
    cropped = CropToSize()([grow_unknown(photo), tf.constant(photo)])
    np.testing.assert_array_equal(cropped, photo)


def test_growing_tells_keras_the_size_that_it_gives():
    layer = PadToMultiple()
    assert layer.compute_output_shape((2, 9, None, 3)) == (2, 12, None, 3)
    assert layer(np.zeros((2, 9, 1, 3), np.float32)).shape == (2, 12, 8, 3)
