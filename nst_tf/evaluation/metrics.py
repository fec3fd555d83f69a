"""What painted photos are measured by beside the perceptual objective: pictures in, one number out.

Pictures are float32 [H, W, 3] RGB in [0, 1]. Gray levels are 1/255 of that range.
"""

from collections.abc import Callable

import numpy as np
import skimage.color
import skimage.metrics

BINS = 8  # a channel, of color histograms
TILE = 32  # pixels, in which the finest pattern is looked for
NOISE = 5  # gray levels, as a video's
RING = 8  # pixels, of a border
PERIOD = 4  # pixels, of a mesh, as `nst_tf.losses.regularizers.MESH_PERIOD`
LEAST_SIDE = (
    11  # pixels, of pictures whose structure is compared: the window of Wang et al.
)


def ssim(picture: np.ndarray, photo: np.ndarray) -> float:
    """Returns the mean structural similarity of the luminances, up to 1 for equal pictures.

    SSIM = (2 m m' + C1) (2 c + C2) / ((m^2 + m'^2 + C1) (v + v' + C2)) of local means
    m, variances v and covariance c under a Gaussian window of deviation 1.5, C1 =
    0.01^2, C2 = 0.03^2.

    Args:
        picture, photo: of one size, at least `LEAST_SIDE` pixels on each side.

    Reference:
        Wang, Bovik, Sheikh, Simoncelli 2004, Image quality assessment, equation 13;
        computed by scikit-image.
    """
    return float(
        skimage.metrics.structural_similarity(
            skimage.color.rgb2gray(picture),
            skimage.color.rgb2gray(photo),
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )


def color_distance(picture: np.ndarray, style: np.ndarray) -> float:
    """Returns the Hellinger distance of the color histograms, 0 (the same colors) to
    1 (none in common).

    sqrt(1/2 sum over bins of (sqrt(p) - sqrt(q))^2) over `BINS`^3 bins of RGB. The
    pictures may differ in size.

    Reference:
        Swain, Ballard 1991 for color histograms; Afifi, Brubaker, Brown 2021
        (arXiv:2011.11731), equation 3, for the distance, there of another histogram.
    """
    roots = [np.sqrt(_color_histogram(each)) for each in (picture, style)]
    return float(np.sqrt(0.5 * np.square(roots[0] - roots[1]).sum()))


def checkerboard_energy(picture: np.ndarray) -> float:
    """Returns the energy of patterns that alternate from pixel to pixel, squared gray levels.

    In half overlapping tiles of `TILE` pixels under a Hann window w, the squared
    amplitudes |sum w L s|^2 / |sum w|^2 of the luminance L at the Nyquist frequency
    along the rows, the columns and both (s = (-1)^x, (-1)^y, (-1)^(x+y)) are added; the
    mean over tiles. A checkerboard of +-a gray levels has a^2. What a photo has there
    by itself, the row of the identity says.

    Reference:
        Odena, Dumoulin, Olah 2016 (distill.pub/2016/deconv-checkerboard) for the
        artifact; the measure is ours.
    """
    gray = 255 * skimage.color.rgb2gray(picture)
    side = (
        min(TILE, *gray.shape) // 2 * 2
    )  # odd: the window would not be blind to a constant
    if not side:
        return 0.0
    tiles = np.lib.stride_tricks.sliding_window_view(gray, (side, side))
    tiles = tiles[:: side // 2, :: side // 2]
    hann = np.hanning(side + 2)[1:-1]
    steady = hann / hann.sum()
    alternating = steady * (-1.0) ** np.arange(side)
    return float(
        sum(
            np.square(np.einsum("abyx,y,x->ab", tiles, rows, columns)).mean()
            for rows, columns in (
                (steady, alternating),
                (alternating, steady),
                (alternating, alternating),
            )
        )
    )


def mesh_ratio(picture: np.ndarray) -> float:
    """Returns how much stronger a pattern that repeats every `PERIOD` pixels is than
    its neighbors, about 1 without.

    Of the Fourier transform of the luminance under a Hann window over the whole
    picture, root mean square amplitudes of blocks of 3x3 frequencies: of the block
    around a quarter of a period a pixel, to the median of the blocks from 4 frequencies
    away to a sixteenth of the side, higher and lower; mean of the ratios across, down
    and diagonally. Strokes of four pixels do not count unless they keep in step over
    the picture. Pictures with a side below 96 pixels have no neighbors to compare
    with, and 1.

    Reference:
        Odena, Dumoulin, Olah 2016 (distill.pub/2016/deconv-checkerboard) for such
        artifacts; the measure is ours.
    """
    sides = [side // PERIOD * PERIOD for side in picture.shape[:2]]
    gray = skimage.color.rgb2gray(picture)[: sides[0], : sides[1]]
    reach = min(sides) // 16
    if reach < 6:
        return 1.0
    window = np.outer(*(np.hanning(side + 2)[1:-1] for side in sides))
    power = np.square(np.abs(np.fft.fft2((gray - gray.mean()) * window)))
    away = [step for step in range(-reach, reach + 1) if abs(step) >= 4]
    ratios = []
    for direction in ((0, 1), (1, 0), (1, 1)):
        at_period, *near = (
            _block_amplitude(
                power,
                *(
                    along * (side // PERIOD + step)
                    for along, side in zip(direction, sides)
                ),
            )
            for step in (0, *away)
        )
        ratios.append(at_period / max(np.median(near), 1e-9))
    return float(np.mean(ratios))


def border_ratio(picture: np.ndarray) -> float:
    """Returns how much larger the change of color is at the border than inside, about
    1 without a frame or halo.

    The picture is cut into strips of `RING` pixels along each side. Root mean square,
    over sides and channels, of the difference between the mean colors of the first and
    the second strip; divided by the same of all neighboring strips further in, up to
    the middle. Differences below half a gray level count as that.
    """
    outer, inner = [], []
    for turned in (
        picture,
        picture[::-1],
        picture.swapaxes(0, 1),
        picture.swapaxes(0, 1)[::-1],
    ):
        count = len(turned) // 2 // RING
        if count < 3:
            continue  # no inside to compare with
        strips = (
            turned[: count * RING]
            .reshape(count, -1, picture.shape[2])
            .mean(1, dtype=np.float64)
        )
        steps = 255 * np.diff(strips, axis=0)
        outer.append(steps[0])
        inner.append(steps[1:])
    if not outer:
        return 1.0
    at_border, inside = (
        max(np.sqrt(np.square(np.concatenate(each, None)).mean()), 0.5)
        for each in (outer, inner)
    )
    return float(at_border / inside)


def saturated_share(picture: np.ndarray) -> float:
    """Returns the share of values that become 0 or 255 as bytes, 0 to 1."""
    half_a_level = 0.5 / 255
    return float(np.mean((picture <= half_a_level) | (picture >= 1 - half_a_level)))


def noise_gain(
    draw: Callable[[np.ndarray], np.ndarray],
    photo: np.ndarray,
    picture: np.ndarray,
    seed: int = 0,
) -> float:
    """Returns how much a model amplifies noise in a photo: 1 if as it is; above, videos flicker.

    Root mean square of draw(photo + noise) - draw(photo) over that of the noise, which
    is Gaussian with a deviation of `NOISE` gray levels, clipped where the photo ends.

    Args:
        draw: photo -> picture.
        photo: what it draws.
        picture: draw(photo).
        seed: of the noise.

    Reference:
        Zheng, Song, Leung, Goodfellow 2016 (arXiv:1604.04326), section 3, for noise
        that must not change what a network says; the measure is ours.
    """
    noise = (
        np.random.default_rng(seed)
        .normal(0, NOISE / 255, photo.shape)
        .astype(photo.dtype)
    )
    noisy = np.clip(photo + noise, 0, 1)
    changes = [
        np.sqrt(np.mean(np.square(one - other, dtype=np.float64)))
        for one, other in ((draw(noisy), picture), (noisy, photo))
    ]
    return float(changes[0] / changes[1])


def mean_interval(
    values: np.ndarray, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Returns the 95 % bootstrap interval of the mean: percentiles of the means of
    random resamples.

    Args:
        values: [N], one a photo.
        resamples: how many samples of N are drawn with replacement.
        seed: of the drawing.

    Reference:
        Efron, Tibshirani 1993, An introduction to the bootstrap, section 13.3.
    """
    values = np.asarray(values, np.float64)
    drawn = np.random.default_rng(seed).integers(
        0, len(values), (resamples, len(values))
    )
    low, high = np.quantile(values[drawn].mean(1), [0.025, 0.975])
    return float(low), float(high)


def _block_amplitude(power, row, column):
    """Root mean square amplitude of the 3x3 frequencies around one, of a periodic spectrum."""
    around = np.arange(-1, 2)
    return np.sqrt(power[np.ix_(row + around, column + around)].mean())


def _color_histogram(picture):
    bins = np.minimum((np.clip(picture, 0, 1) * BINS).astype(int), BINS - 1)
    flat = (bins[..., 0] * BINS + bins[..., 1]) * BINS + bins[..., 2]
    return np.bincount(flat.reshape(-1), minlength=BINS**3) / flat.size
