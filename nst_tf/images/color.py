"""Whose colors a picture has: three ways to give one picture the colors of another.

NumPy only. Pictures are [H, W, 3] sRGB in [0, 1]; the two of a pair may differ in size
unless said otherwise. Computed in float64, returned as float32, clipped to [0, 1].

Reference:
    Gatys, Bethge, Hertzmann, Shechtman 2016 (arXiv:1606.05897): luminance-only transfer
    (section 4) and matching of moments or histograms (section 3).
"""

from collections.abc import Callable

import numpy as np

from nst_tf.core.errors import expected

# NTSC's YIQ: luma first. Rows are Y, I, Q as combinations of R, G, B.
YIQ = np.array(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]]
)
RIDGE = (
    1e-5  # added to variances of colors, of a range of 1: a constant picture has none
)


def luminance(picture: np.ndarray, photo: np.ndarray) -> np.ndarray:
    """Returns the picture's lightness with the photo's hue and saturation.

    Y of `picture`, I and Q of `photo`. Both have one size.

    Raises:
        UserError: the sizes differ.
    """
    if picture.shape != photo.shape:
        raise expected(
            f"a photo of {picture.shape[1]}x{picture.shape[0]} pixels",
            f"{photo.shape[1]}x{photo.shape[0]}",
            "Resize one of the two.",
        )
    lightness = picture.astype(np.float64) @ YIQ[0]
    yiq = photo.astype(np.float64) @ YIQ.T
    yiq[..., 0] = lightness
    return _clipped(yiq @ np.linalg.inv(YIQ).T)


def gray_in_the_tones_of(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns `picture` in gray, with mean and deviation of the luma of `reference`.

    What a style image becomes before a transfer of lightness alone (section 4, equation
    9).
    """
    own, wanted = (each.astype(np.float64) @ YIQ[0] for each in (picture, reference))
    gain = np.sqrt((wanted.var() + RIDGE) / (own.var() + RIDGE))
    return _clipped(
        np.repeat(((own - own.mean()) * gain + wanted.mean())[..., None], 3, -1)
    )


def histogram(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns `picture` with the histogram of `reference` in every channel.

    A value becomes the quantile of the reference at the value's own mean rank; equal
    values stay equal, so that a constant picture becomes the reference's median.
    """
    result = np.empty(picture.shape, np.float64)
    for channel in range(3):
        values, place, counts = np.unique(
            picture[..., channel], return_inverse=True, return_counts=True
        )
        ranks = (np.cumsum(counts) - 0.5 * counts) / picture[..., channel].size
        wanted = np.sort(reference[..., channel].astype(np.float64), axis=None)
        quantiles = np.interp(
            ranks, (np.arange(wanted.size) + 0.5) / wanted.size, wanted
        )
        result[..., channel] = quantiles[place].reshape(picture.shape[:2])
    return _clipped(result)


def coral(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Returns `picture` with mean and covariance of the colors of `reference`.

    x -> (x - m) A + m', A = (S + eps)^-1/2 (S' + eps)^1/2 with biased covariances S
    (over N): whitened, then colored.

    Reference:
        Sun, Feng, Saenko 2016 (arXiv:1511.05547), algorithm 1.
    """
    own, wanted = (
        each.reshape(-1, 3).astype(np.float64) for each in (picture, reference)
    )
    whiten, color = _power(own, -0.5), _power(wanted, 0.5)
    return _clipped(
        ((own - own.mean(0)) @ whiten @ color + wanted.mean(0)).reshape(picture.shape)
    )


def rotate_hue(
    picture: np.ndarray, angle: float, saturation: float = 1.0
) -> np.ndarray:
    """Returns `picture` with all hues turned: the same lightness, other colors.

    Args:
        picture: [H, W, 3] sRGB in [0, 1].
        angle: in the plane of I and Q, radians.
        saturation: factor of both.
    """
    cosine, sine = saturation * np.cos(angle), saturation * np.sin(angle)
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    return _clipped(picture.astype(np.float64) @ (np.linalg.inv(YIQ) @ turn @ YIQ).T)


# How `--preserve_color` is called: (picture, photo) -> picture in the photo's colors.
MODES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "luminance": luminance,
    "histogram": histogram,
    "coral": coral,
}


def _power(colors: np.ndarray, exponent: float) -> np.ndarray:
    centered = colors - colors.mean(0)
    values, vectors = np.linalg.eigh(
        centered.T @ centered / len(colors) + RIDGE * np.eye(3)
    )
    return (vectors * values**exponent) @ vectors.T


def _clipped(rgb: np.ndarray) -> np.ndarray:
    return np.clip(rgb, 0, 1).astype(np.float32)
