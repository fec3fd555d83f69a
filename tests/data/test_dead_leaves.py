"""The endless source of made-up pictures."""

import numpy as np
import pytest

from nst_tf.data.dead_leaves import dead_leaves

SIDE = 192


@pytest.fixture(scope="module")
def pictures():
    return [dead_leaves((17, index), SIDE, SIDE) for index in range(16)]


def spectral_slope(picture):
    """Slope of log power over log frequency, of the radially averaged gray spectrum."""
    gray = picture.astype(float).mean(-1)
    window = np.hanning(SIDE)
    power = np.abs(np.fft.fft2((gray - gray.mean()) * window[:, None] * window)) ** 2
    cycles = np.fft.fftfreq(SIDE, 1 / SIDE)
    ring = np.round(np.hypot(cycles[:, None], cycles)).astype(int).ravel()
    average = np.bincount(ring, power.ravel()) / np.bincount(ring)
    band = np.arange(3, SIDE // 4)
    return np.polyfit(np.log(band), np.log(average[band]), 1)[0]


@pytest.mark.parametrize("seed", [0, 7, (3, 14, 15)])
def test_equal_seeds_give_equal_pictures(seed):
    np.testing.assert_array_equal(dead_leaves(seed, 40, 56), dead_leaves(seed, 40, 56))


def test_different_seeds_give_different_pictures():
    seeds = [0, 1, (0, 1), (1, 0), (1, 1)]
    pictures = {dead_leaves(seed, 24, 24).tobytes() for seed in seeds}
    assert len(pictures) == len(seeds)


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 37), (53, 1), (2, 3), (31, 47), (64, 200)]
)
def test_any_size_gives_an_rgb_picture(size):
    picture = dead_leaves(5, *size)
    assert picture.shape == (*size, 3)
    assert picture.dtype == np.uint8


def test_power_falls_with_frequency_as_in_photographs(pictures):
    assert -2.8 < np.mean([spectral_slope(picture) for picture in pictures]) < -1.5


def test_the_slope_measure_tells_noise_from_pictures():
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3))
    assert abs(spectral_slope(noise)) < 0.3


def test_lightness_varies_more_than_color(pictures):
    values = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype(
        float
    )
    light = values.mean(-1)
    warm, green = (
        values[:, 0] - values[:, 2],
        values[:, 1] - (values[:, 0] + values[:, 2]) / 2,
    )
    assert light.std() > warm.std() > green.std() > 3


def test_pictures_have_contrast_and_are_neither_black_nor_burnt_out(pictures):
    for picture in pictures:
        assert picture.mean(-1).std() > 15
        assert np.mean(picture == 0) < 0.35
        assert np.mean(picture == 255) < 0.35


def test_pictures_are_as_busy_below_as_above(pictures):
    """Leaves are strewn over the whole picture, not only where the first ones fell."""
    busy = np.mean(
        [np.abs(np.diff(p.astype(float).mean(-1), axis=1)) for p in pictures], axis=0
    )
    halves = np.array_split(busy, 2)
    quarters = [
        part.mean() for half in halves for part in np.array_split(half, 2, axis=1)
    ]
    assert max(quarters) < 1.4 * min(quarters)
