"""A small painting at its photo's size: smooth, or with the photo's contours."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage
from support.pictures import smooth

from nst_tf.images import enlarging, io as image_io
from nst_tf.images.enlarging import (
    Enlarging,
    enlarge,
    find_contours,
    shrink,
    shrink_rows,
)

SIZE, SMALL = (301, 403), (75, 100)


def photo():
    """Half dark, half bright, with a sharp slanted border and a little grain."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    light = np.where(x > 120 + 0.4 * y, 0.8, 0.2)
    grain = np.random.default_rng(0).normal(0, 0.01, SIZE)
    return np.repeat((light + grain)[..., None], 3, -1).astype(np.float32)


def textured():
    return np.asarray(smooth(*SIZE, seed=3), np.float32) / 255


def test_bicubic_is_pillows(tmp_path):
    small = np.asarray(smooth(*SMALL), np.uint8)
    size = SIZE[::-1]
    expected = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
    painting = image_io.to_float(small)
    drawn = enlarge(painting, painting, textured(), "bicubic")
    assert np.abs(drawn * 255 - np.asarray(expected)).max() < 1.5  # it rounds twice


def test_shrinking_is_what_reading_at_that_size_is(tmp_path):
    image_io.write_image(tmp_path / "photo.png", image_io.Image(textured()))
    read = image_io.read_image(tmp_path / "photo.png").rgb
    small = image_io.read_image(tmp_path / "photo.png", long_side=SMALL[1]).rgb
    np.testing.assert_allclose(shrink(read, SMALL), small, atol=1e-5)


@pytest.mark.parametrize("small_size", [SMALL, (300, 402), (1, 1), (301, 403), (7, 9)])
def test_a_photo_shrunk_from_its_rows_is_pillows(small_size, monkeypatch):
    monkeypatch.setattr(enlarging, "_ROWS", 40)
    large, asked = textured(), []

    def read(first, last):
        asked.append((first, last))
        return large[first:last]

    shrunk = shrink_rows(read, SIZE, small_size)
    for channel in range(3):
        plane = Image.fromarray(np.ascontiguousarray(large[..., channel]))
        whole = plane.resize(small_size[::-1], Image.Resampling.LANCZOS)
        whole = np.asarray(whole).clip(0, 1)
        np.testing.assert_allclose(shrunk[..., channel], whole, atol=1e-5)
    assert asked == sorted(asked) and (small_size == (1, 1) or len(asked) > 1)


@pytest.mark.parametrize("method", enlarging.METHODS)
def test_rows_in_bands_are_those_of_the_whole(method):
    large = textured()
    small = shrink(large, SMALL)
    painting = 1 - small
    whole = Enlarging(painting, small, SIZE, method).draw(large, 0)
    np.testing.assert_allclose(
        enlarge(painting, small, large, method), whole, atol=1e-5
    )
    drawing = Enlarging(painting, small, SIZE, method)
    for first in range(0, SIZE[0], 37):
        band = drawing.draw(large[first : first + 37], first)
        np.testing.assert_allclose(band, whole[first : first + 37], atol=1e-5)


def test_contours_are_those_of_a_guided_filter_with_itself():
    """Equations 5 and 6 of He et al. with scipy's box filter, away from borders."""
    light = textured()[..., 0]

    def mean(values):
        return ndimage.uniform_filter(values.astype(float), 5, mode="nearest")

    variance = mean(light.astype(float) ** 2) - mean(light) ** 2
    expected = mean(variance / (variance + 0.0004))
    np.testing.assert_allclose(
        find_contours(light)[4:-4, 4:-4], expected[4:-4, 4:-4], atol=1e-5
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (9, 1)])
def test_contours_of_the_smallest_pictures_are_finite(size):
    gain = find_contours(np.random.default_rng(0).uniform(0, 1, size))
    assert gain.shape == size and np.isfinite(gain).all()
    assert gain.min() >= 0 and gain.max() <= 1


def test_guided_gives_a_photo_that_was_not_painted_back_where_it_has_contours():
    large = photo()
    small = shrink(large, SMALL)
    errors = {
        method: np.abs(enlarge(small, small, large, method) - large)
        for method in enlarging.METHODS
    }
    border = (
        np.abs(
            np.mgrid[: SIZE[0], : SIZE[1]][1]
            - 120
            - 0.4 * np.mgrid[: SIZE[0], : SIZE[1]][0]
        )
        < 4
    )
    assert errors["guided"][border].mean() < 0.2 * errors["bicubic"][border].mean()


def test_guided_leaves_grain_out_where_a_photo_is_flat():
    large = photo()
    small = shrink(large, SMALL)
    flat = np.full_like(small, 0.5)
    drawn = enlarge(flat, small, large, "guided")
    assert drawn[:, :60].std() < 0.1 * large[:, :60].std()


def test_guided_keeps_strokes_that_follow_no_contour():
    """What a guided filter of the painting itself would blur away."""
    large = photo()
    small = shrink(large, SMALL)
    stripes = np.zeros_like(small) + 0.3
    stripes[::6] = stripes[1::6] = 0.7
    drawn = enlarge(stripes, small, large, "guided")[:, :60]
    smooth_ones = enlarge(stripes, small, large, "bicubic")[:, :60]
    assert np.abs(drawn - smooth_ones).max() < 0.02 and drawn.std() > 0.15


@pytest.mark.parametrize("method", enlarging.METHODS)
def test_colors_stay_in_their_range(method):
    large = photo().round()
    small = shrink(large, SMALL)
    drawn = enlarge(small.round(), small, large, method)
    assert drawn.dtype == np.float32 and drawn.shape == large.shape
    assert drawn.min() >= 0 and drawn.max() <= 1
