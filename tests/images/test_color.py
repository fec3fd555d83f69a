"""Colors of one picture on another, against what defines them."""

import colorsys

import numpy as np
import pytest
import scipy.stats

from nst_tf.core.errors import UserError
from nst_tf.images import color


def picture(height=20, width=30, seed=0, low=0.2, high=0.8):
    """Noise with correlated channels, away from black and white, so that nothing is clipped."""
    rng = np.random.default_rng(seed)
    base = rng.random((height, width, 1))
    rgb = 0.6 * base + 0.4 * rng.random((height, width, 3)) * (
        0.5 + 0.5 * rng.random(3)
    )
    return (low + (high - low) * rgb).astype(np.float32)


GREY = np.repeat(np.linspace(0.3, 0.7, 48, dtype=np.float32).reshape(6, 8, 1), 3, -1)
CONSTANT = np.full((5, 7, 3), (0.2, 0.5, 0.6), np.float32)
HARD = {"gray": GREY, "constant": CONSTANT, "one pixel": CONSTANT[:1, :1]}


def test_luminance_keeps_the_pictures_luma_and_the_photos_chroma():
    drawn, photo = (
        picture(seed=1, low=0.4, high=0.6),
        picture(seed=2, low=0.4, high=0.6),
    )
    result = color.luminance(drawn, photo)
    for at in ((0, 0), (7, 11), (19, 29)):
        y, i, q = colorsys.rgb_to_yiq(*map(float, result[at]))
        assert y == pytest.approx(
            colorsys.rgb_to_yiq(*map(float, drawn[at]))[0], abs=5e-3
        )
        assert (i, q) == pytest.approx(
            colorsys.rgb_to_yiq(*map(float, photo[at]))[1:], abs=5e-3
        )


def test_luminance_of_the_photo_itself_is_the_photo():
    np.testing.assert_allclose(
        color.luminance(picture(), picture()), picture(), atol=1e-6
    )


def test_luminance_wants_pictures_of_one_size():
    with pytest.raises(
        UserError, match="Expected a photo of 30x20 pixels. Received: 8x6."
    ):
        color.luminance(picture(), GREY)


def test_gray_in_the_tones_of_has_no_color_and_the_moments_of_the_reference():
    result = color.gray_in_the_tones_of(picture(seed=1), picture(seed=2))
    assert np.ptp(result, axis=-1).max() == 0
    wanted = picture(seed=2) @ color.YIQ[0]
    assert result.mean() == pytest.approx(wanted.mean(), abs=1e-3)
    assert result[..., 0].std() == pytest.approx(wanted.std(), rel=1e-2)


@pytest.mark.parametrize("shape", [(20, 30), (11, 9), (40, 41)])
def test_histogram_gives_the_distribution_of_the_reference(shape):
    result, wanted = (
        color.histogram(picture(seed=1), picture(*shape, seed=2)),
        picture(*shape, seed=2),
    )
    for channel in range(3):
        apart = scipy.stats.ks_2samp(
            result[..., channel].ravel(), wanted[..., channel].ravel()
        )
        assert (
            apart.statistic < 1.5 / min(wanted[..., 0].size, result[..., 0].size) + 1e-3
        )


def test_histogram_keeps_the_order_of_values_and_equal_ones_equal():
    drawn = np.round(picture(seed=1) * 10) / 10
    result = color.histogram(drawn, picture(seed=2))
    for channel in range(3):
        assert scipy.stats.kendalltau(
            drawn[..., channel], result[..., channel]
        ).statistic == pytest.approx(1)


def test_coral_gives_mean_and_covariance_of_the_reference():
    result = color.coral(picture(seed=1), picture(13, 9, seed=2)).reshape(-1, 3)
    wanted = picture(13, 9, seed=2).reshape(-1, 3)
    np.testing.assert_allclose(result.mean(0), wanted.mean(0), atol=2e-3)
    np.testing.assert_allclose(
        np.cov(result.T, bias=True), np.cov(wanted.T, bias=True), atol=5e-4
    )


@pytest.mark.parametrize("mode", ["histogram", "coral"])
def test_a_picture_with_the_photos_colors_stays_as_it_is(mode):
    np.testing.assert_allclose(
        color.MODES[mode](picture(), picture()), picture(), atol=1e-5
    )


@pytest.mark.parametrize("mode", ["histogram", "coral"])
@pytest.mark.parametrize("reference", HARD)
@pytest.mark.parametrize("source", HARD)
def test_gray_and_constant_pictures_give_finite_colors_near_the_reference(
    mode, source, reference
):
    result, wanted = color.MODES[mode](HARD[source], HARD[reference]), HARD[reference]
    assert result.shape == HARD[source].shape and result.dtype == np.float32
    assert np.isfinite(result).all()
    np.testing.assert_allclose(result.mean((0, 1)), wanted.mean((0, 1)), atol=0.02)


@pytest.mark.parametrize("mode", color.MODES)
def test_results_stay_in_the_unit_range(mode):
    harsh = (picture(seed=3, low=0, high=1) > 0.5).astype(np.float32)
    result = color.MODES[mode](harsh, picture(seed=4, low=0, high=1))
    assert result.min() >= 0 and result.max() <= 1


# -- turned hues -----------------------------------------------------------------------------------


def test_turned_hues_keep_the_luma_and_turn_the_chroma_by_the_angle():
    rgb = picture(low=0.4, high=0.6)
    result = color.rotate_hue(rgb, 1.0, 0.5)
    for at in ((0, 0), (7, 11), (19, 29)):
        y, i, q = colorsys.rgb_to_yiq(*map(float, rgb[at]))
        turned = colorsys.rgb_to_yiq(*map(float, result[at]))
        wanted = 0.5 * complex(i, q) * np.exp(1j)
        assert turned == pytest.approx((y, wanted.real, wanted.imag), abs=5e-3)


@pytest.mark.parametrize("angle", [0.0, 2 * np.pi])
def test_a_full_turn_changes_nothing(angle):
    np.testing.assert_allclose(color.rotate_hue(picture(), angle), picture(), atol=1e-6)


def test_gray_has_no_hue_to_turn():
    np.testing.assert_allclose(color.rotate_hue(GREY, 2.0, 1.5), GREY, atol=1e-3)
