"""Metrics of pictures against hand-made cases, NumPy's FFT and SciPy."""

import functools

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import skimage.data
from support.pictures import smooth

from nst_tf.evaluation import metrics


def photo(seed=0, height=96, width=128):
    return np.asarray(smooth(height, width, seed), np.float32) / 255


def board(height, width, amplitude, across=True, down=True):
    """Mid-gray with a pattern of +-amplitude gray levels that alternates across, down or both."""
    sign = (-1.0) ** (np.arange(width) * across + np.arange(height)[:, None] * down)
    return np.repeat((0.5 + amplitude / 255 * sign)[..., None], 3, -1).astype(
        np.float32
    )


# -- structure and colors -------------------------------------------------------------------------


def test_a_photo_is_like_itself_and_noise_is_not():
    noise = np.random.default_rng(0).random((96, 128, 3), np.float32)
    assert metrics.ssim(photo(), photo()) == pytest.approx(1)
    assert metrics.ssim(noise, photo()) < 0.3


def test_ssim_of_two_constants_is_its_formula():
    a, b = (np.full((32, 32, 3), value, np.float32) for value in (0.3, 0.6))
    assert metrics.ssim(a, b) == pytest.approx(
        (2 * 0.3 * 0.6 + 1e-4) / (0.3**2 + 0.6**2 + 1e-4), rel=1e-4
    )


def test_color_distance_depends_on_colors_alone():
    picture = photo()
    shuffled = (
        np.random.default_rng(0).permutation(picture.reshape(-1, 3)).reshape(64, 192, 3)
    )
    assert metrics.color_distance(picture, shuffled) == 0


def test_colors_that_have_nothing_in_common_are_one_apart_and_half_of_them_as_the_formula_says():
    black, white = np.zeros((8, 8, 3), np.float32), np.ones((16, 4, 3), np.float32)
    both = np.concatenate([black[:4], np.ones((4, 8, 3), np.float32)])
    assert metrics.color_distance(black, white) == pytest.approx(1)
    assert metrics.color_distance(black, both) == pytest.approx(
        np.sqrt(1 - np.sqrt(0.5))
    )


# -- checkerboards ---------------------------------------------------------------------------------


@pytest.mark.parametrize("across, down", [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("height, width", [(96, 128), (33, 47), (20, 90)])
def test_a_board_of_a_gray_levels_has_energy_a_squared(height, width, across, down):
    assert metrics.checkerboard_energy(
        board(height, width, 3, across, down)
    ) == pytest.approx(9, rel=1e-3)


@pytest.mark.parametrize("size", [(96, 128), (33, 47), (3, 5), (1, 1)])
def test_a_flat_picture_has_none_of_it(size):
    assert metrics.checkerboard_energy(
        np.full((*size, 3), 0.7, np.float32)
    ) == pytest.approx(0, abs=1e-9)


def test_patterns_of_four_pixels_and_gradients_hardly_count():
    period = np.where(np.arange(128) % 4 < 2, 0.4, 0.6)
    stripes = np.broadcast_to(period[None, :, None], (96, 128, 3)).astype(np.float32)
    ramp = np.broadcast_to(np.linspace(0, 1, 128)[None, :, None], (96, 128, 3)).astype(
        np.float32
    )
    assert metrics.checkerboard_energy(stripes) < 0.01
    assert metrics.checkerboard_energy(ramp) < 0.01


def test_on_one_tile_it_is_what_the_fourier_transform_says():
    picture = np.random.default_rng(0).random((32, 32, 3), np.float32)
    gray = 255 * picture @ [0.2125, 0.7154, 0.0721]
    hann = np.hanning(34)[1:-1]
    window = np.outer(hann, hann)
    spectrum = np.abs(np.fft.fft2(gray * window) / window.sum()) ** 2
    expected = spectrum[0, 16] + spectrum[16, 0] + spectrum[16, 16]
    assert metrics.checkerboard_energy(picture) == pytest.approx(expected, rel=1e-4)


# -- meshes ----------------------------------------------------------------------------------------


def woven(picture, amplitude, across=True, down=True, period=4):
    """The picture with a weave of +-amplitude gray levels."""
    rows, columns = (
        np.cos(2 * np.pi * np.arange(side) / period) for side in picture.shape[:2]
    )
    weave = (columns if across else 1.0) * (rows[:, None] if down else 1.0)
    return np.clip(
        picture
        + amplitude / 255 * np.broadcast_to(weave, picture.shape[:2])[..., None],
        0,
        1,
    )


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_photographs_have_no_mesh(name):
    assert metrics.mesh_ratio(getattr(skimage.data, name)() / 255) == pytest.approx(
        1, abs=0.5
    )


def test_noise_and_flat_pictures_have_no_mesh():
    noise = np.random.default_rng(0).random((384, 256, 3))
    assert metrics.mesh_ratio(noise) == pytest.approx(1, abs=0.4)
    assert metrics.mesh_ratio(np.full((128, 160, 3), 0.4)) < 1.5


@pytest.mark.parametrize("across, down", [(True, True), (True, False), (False, True)])
def test_a_weave_of_three_gray_levels_is_seen_in_a_photograph_and_more_of_it_more(
    across, down
):
    plain = skimage.data.chelsea() / 255
    weak, strong = (
        metrics.mesh_ratio(woven(plain, levels, across, down)) for levels in (3, 6)
    )
    assert weak > 2 * metrics.mesh_ratio(plain)
    assert strong > 1.3 * weak


def test_a_weave_of_five_pixels_is_none_of_four():
    plain = skimage.data.chelsea() / 255
    assert metrics.mesh_ratio(woven(plain, 3, period=5)) == pytest.approx(
        metrics.mesh_ratio(plain), abs=0.2
    )


def test_strokes_of_three_to_six_pixels_out_of_step_are_no_mesh():
    random = np.random.default_rng(0)
    noise = random.normal(size=(256, 256))
    spectrum = np.fft.fft2(noise)
    distance = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256)))
    strokes = np.fft.ifft2(spectrum * (abs(distance - 0.3) < 0.15)).real
    picture = np.clip(0.5 + 0.1 * strokes / strokes.std(), 0, 1)[..., None].repeat(
        3, -1
    )
    assert metrics.mesh_ratio(picture) == pytest.approx(1, abs=0.4)


def test_pictures_too_small_to_compare_have_no_mesh():
    assert metrics.mesh_ratio(woven(np.full((95, 200, 3), 0.5), 9)) == 1


# -- borders and saturation ------------------------------------------------------------------------


def test_a_frame_stands_out_and_a_picture_without_one_does_not():
    rng = np.random.default_rng(0)
    plain = (
        np.kron(rng.random((12, 16)), np.ones((8, 8)))[..., None]
        .repeat(3, -1)
        .astype(np.float32)
    )
    framed = plain.copy()
    for side in (framed[:8], framed[-8:], framed[:, :8], framed[:, -8:]):
        side += 1
    assert metrics.border_ratio(plain) == pytest.approx(1, abs=0.5)
    assert metrics.border_ratio(framed) > 4


def test_a_border_step_of_a_known_height_is_measured_against_those_inside():
    """Strips of 10, 0, 2, 0, 2 ... gray levels from the left: one step of 10, then steps of 2."""
    levels = np.array([10, 0, 2, 0, 2, 0, 2, 0]) / 255
    levels = np.concatenate([levels, levels[::-1]])
    picture = np.broadcast_to(np.repeat(levels, 8)[None, :, None], (40, 128, 3))
    assert metrics.border_ratio(picture) == pytest.approx(5)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (20, 20)])
def test_a_picture_too_small_for_an_inside_counts_as_1(size):
    assert metrics.border_ratio(np.random.default_rng(0).random((*size, 3))) == 1


def test_a_flat_picture_has_no_border():
    assert metrics.border_ratio(np.full((96, 128, 3), 0.4, np.float32)) == 1


def test_saturated_values_are_those_that_become_0_or_255():
    values = np.array([0, 0.4 / 255, 1 / 255, 0.5, 254 / 255, 1], np.float32).reshape(
        1, 2, 3
    )
    assert metrics.saturated_share(values) == pytest.approx(3 / 6)


# -- intervals -------------------------------------------------------------------------------------


def test_the_interval_is_scipys():
    values = np.random.default_rng(3).gamma(2, 1, 45)
    known = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=10_000, random_state=0
    ).confidence_interval
    assert metrics.mean_interval(values) == pytest.approx(
        (known.low, known.high), rel=0.02
    )


def test_equal_values_have_an_interval_of_no_width():
    assert metrics.mean_interval(np.full(5, 0.25)) == (0.25, 0.25)


# -- noise -----------------------------------------------------------------------------------------


def noise_gain(draw, rgb):
    return metrics.noise_gain(draw, rgb, draw(rgb))


@pytest.mark.parametrize("contrast", [0.0, 0.5, 1.0, 3.0])
def test_contrast_amplifies_noise_by_itself(contrast):
    assert noise_gain(
        lambda rgb: 0.5 + contrast * (rgb - 0.5), photo()
    ) == pytest.approx(contrast)


def test_a_mean_over_nine_pixels_leaves_a_third_of_the_noise():
    blur = functools.partial(scipy.ndimage.uniform_filter, size=(3, 3, 1))
    assert noise_gain(blur, photo()) == pytest.approx(1 / 3, rel=0.05)


def test_values_at_the_ends_of_the_range_stay_inside():
    seen = []
    noise_gain(lambda rgb: seen.append(rgb) or rgb, np.ones((16, 16, 3), np.float32))
    assert max(each.max() for each in seen) == 1
