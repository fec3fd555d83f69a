"""Contact sheets."""

import numpy as np
import pytest

from nst_tf.images import contact_sheet
from nst_tf.images.contact_sheet import CAPTION, GAP, PAPER
from nst_tf.images.io import Image, to_uint8

CELL = 120


def plain(height, width, color):
    return np.full((height, width, 3), color, np.uint8)


def found(canvas, color):
    """(top, left, height, width) of the pixels of a color, which must fill their rectangle."""
    rows, columns = np.nonzero((canvas == color).all(-1))
    top, left = rows.min(), columns.min()
    height, width = rows.max() + 1 - top, columns.max() + 1 - left
    assert len(rows) == height * width
    return top, left, height, width


RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def test_pictures_stand_in_rows_and_columns_in_the_order_given():
    canvas = contact_sheet.make_contact_sheet(
        [
            [("a", plain(60, 80, RED)), ("b", plain(60, 80, GREEN))],
            [("c", plain(30, 30, BLUE))],
        ],
        CELL,
    )
    assert canvas.dtype == np.uint8
    assert canvas.shape == (
        60 + 30 + 2 * (CAPTION + GAP) + GAP,
        2 * (CELL + GAP) + GAP,
        3,
    )
    red, green, blue = (found(canvas, color) for color in (RED, GREEN, BLUE))
    assert red[2:] == green[2:] == (60, 80) and blue[2:] == (30, 30)
    assert red[0] == green[0] < blue[0]
    assert green[1] - red[1] == CELL + GAP
    assert red[1] == GAP + (CELL - 80) // 2 and blue[1] == GAP + (CELL - 30) // 2


@pytest.mark.parametrize(
    "size, fitted",
    [
        ((240, 120), (120, 60)),
        ((60, 480), (15, 120)),
        ((119, 7), (119, 7)),
        ((1, 1), (1, 1)),
        ((1, 1000), (1, 120)),
    ],
)
def test_large_pictures_are_fitted_and_small_ones_not_enlarged(size, fitted):
    assert (
        found(contact_sheet.make_contact_sheet([[("", plain(*size, RED))]], CELL), RED)[
            2:
        ]
        == fitted
    )


def test_pixels_of_a_picture_that_fits_are_those_given():
    pixels = np.random.default_rng(0).integers(0, 256, (20, CELL, 3), np.uint8)
    canvas = contact_sheet.make_contact_sheet([[("noise", pixels)]], CELL)
    np.testing.assert_array_equal(canvas[GAP : GAP + 20, GAP : GAP + CELL], pixels)


def test_captions_stand_under_their_picture_and_not_in_it():
    def ink(caption):
        canvas = contact_sheet.make_contact_sheet(
            [[("", plain(40, 40, RED)), (caption, plain(40, 40, RED))]], CELL
        )
        dark = canvas.max(-1) < 128
        assert not dark[: GAP + 40].any() and not dark[:, : CELL + 2 * GAP].any()
        return dark[GAP + 40 : GAP + 40 + CAPTION].sum()

    assert ink("") == 0 < ink("i") < ink("starry night")


def test_the_rest_is_paper():
    canvas = contact_sheet.make_contact_sheet([[("", plain(40, 40, RED))]], CELL)
    assert ((canvas == RED).all(-1) | (canvas == PAPER).all(-1)).all()


def test_the_pictures_given_stay_as_they_were():
    pixels = plain(300, 300, RED)
    pixels.setflags(write=False)
    contact_sheet.make_contact_sheet([[("a", pixels)]], CELL)
    assert pixels.shape == (300, 300, 3) and (pixels == RED).all()


# -- arrange_images --------------------------------------------------------------------------------


def image(height, width, color, alpha=None):
    rgb = np.full((height, width, 3), color, np.float32) / 255
    return Image(rgb, alpha)


def test_images_fill_rows_from_the_left_with_their_pixels():
    images = {"a": image(40, 60, RED), "b": image(40, 60, GREEN).rgb}
    sheet = contact_sheet.arrange_images(
        {**images, "c": image(30, 30, BLUE)}, columns=2, cell=CELL
    )
    wanted = contact_sheet.make_contact_sheet(
        [
            [("a", plain(40, 60, RED)), ("b", plain(40, 60, GREEN))],
            [("c", plain(30, 30, BLUE))],
        ],
        CELL,
    )
    np.testing.assert_array_equal(to_uint8(sheet.rgb), wanted)


def test_alpha_is_laid_on_white():
    alpha = np.full((40, 40), 0.4, np.float32)
    sheet = contact_sheet.arrange_images({"a": image(40, 40, RED, alpha)}, cell=CELL)
    assert found(to_uint8(sheet.rgb), (255, 153, 153))[2:] == (40, 40)


@pytest.mark.parametrize("images, columns", [({}, 4), ({"a": image(4, 4, RED)}, 0)])
def test_no_images_or_columns_are_refused(images, columns):
    with pytest.raises(
        ValueError, match=f"Received: {len(images)} pictures, {columns}"
    ):
        contact_sheet.arrange_images(images, columns=columns)
