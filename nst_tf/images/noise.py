"""Pictures of nothing: noise whose frequencies are as strong as those of photographs."""

import numpy as np

CONTRAST = 0.2  # standard deviation of each color


def natural_noise(seed: int, height: int, width: int) -> np.ndarray:
    """Makes Gaussian noise with amplitudes that fall as 1 / frequency, each color by itself.

    A network that paints photos finds in it large and small shapes as in these; in
    white noise, only grain.

    Args:
        seed: a whole number of at least 0.
        height, width: pixels, at least 1.

    Returns:
        float32 [height, width, 3] in [0, 1]. It repeats itself without seams when
        tiled, but where it is clipped.

    Reference:
        Field 1987 (JOSA A 4, 2379), figure 7, for the amplitudes of natural pictures.
    """
    white = np.random.default_rng(seed).standard_normal((height, width, 3))
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf  # the mean is gray
    spectrum = np.fft.rfft2(white, axes=(0, 1)) / frequency[..., None]
    noise = np.fft.irfft2(spectrum, (height, width), axes=(0, 1))
    deviation = noise.std((0, 1))
    noise /= np.where(deviation > 0, deviation, 1)  # one pixel has none
    return np.clip(0.5 + CONTRAST * noise, 0, 1).astype(np.float32)
