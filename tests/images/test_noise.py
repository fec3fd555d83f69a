"""Noise that networks take for a photo."""

import numpy as np
import pytest

from nst_tf.images.noise import natural_noise


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (64, 50), (33, 128)])
def test_it_has_the_size_and_the_range_of_a_photo(size):
    made = natural_noise(0, *size)
    assert (
        made.shape == (*size, 3)
        and made.dtype == np.float32
        and 0 <= made.min() <= made.max() <= 1
    )


def test_amplitudes_fall_as_one_over_frequency():
    made = natural_noise(3, 256, 256)
    power = np.abs(np.fft.fft2(made - made.mean((0, 1)), axes=(0, 1))).mean(-1) ** 2
    distance = np.hypot(*np.meshgrid(np.fft.fftfreq(256), np.fft.fftfreq(256)))
    rings = [
        (2**-n, power[(distance > 2**-n / 1.2) & (distance < 2**-n * 1.2)].mean())
        for n in range(2, 7)
    ]
    slope = np.polyfit(*np.log(rings).T, 1)[0]
    assert slope == pytest.approx(-2, abs=0.25)  # of white noise 0


def test_colors_are_independent_and_seeds_differ():
    made, other = natural_noise(0, 64, 64), natural_noise(1, 64, 64)
    assert np.abs(np.corrcoef(made.reshape(-1, 3).T) - np.eye(3)).max() < 0.5
    assert np.abs(made - other).mean() > 0.1
    np.testing.assert_array_equal(made, natural_noise(0, 64, 64))
