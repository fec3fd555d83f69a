"""Random pictures without end whose statistics are close to those of photographs.

Opaque things that hide one another, with radii distributed as r^-3, give pictures with
the edges, the clutter and the 1/f^2 power spectrum of natural ones: the dead leaves
model of A. Lee, D. Mumford and J. Huang, "Occlusion Models for Natural Images", IJCV
2001. Here the leaves also have textures, rounded shading and a common palette, and
stand at two depths that may be out of focus.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

_SMALLEST = 1.9  # pixels, the least radius
_LARGEST = 0.34  # of the longer side
_CORNERS = 18
_COVERAGE = 2.6  # how often the far leaves cover the picture
_NEAR_COVERAGE = 0.35
_SOFTENING = 0.38  # pixels, a blur of the whole that smooths the steps of the outlines
# Columns of the table of leaves that shading reads.
_X, _Y, _RADIUS, _TILT_X, _TILT_Y, _BULGE, _WAVE, _WAVE_X, _WAVE_Y, _PHASE, _GRAIN = (
    range(11)
)


def dead_leaves(seed: int | Sequence[int], height: int, width: int) -> np.ndarray:
    """Makes one picture.

    Args:
        seed: a whole number of at least 0, or several; equal seeds give equal pictures.
        height: rows, at least 1.
        width: columns, at least 1.

    Returns:
        uint8 [height, width, 3], RGB.

    Example:
        >>> dead_leaves((3, 14), 64, 96).shape
        (64, 96, 3)
    """
    parts = np.atleast_1d(seed).tolist()
    # The count comes first, since NumPy takes (1,) and (1, 0) for the same seed.
    rng = np.random.default_rng(np.random.SeedSequence([len(parts), *parts]))
    palette = _draw_palette(rng)
    grain = _draw_pink_noise(rng, height, width)
    smallest = _SMALLEST * np.exp(rng.uniform(0, 1.1))
    picture = np.empty((height, width, 3), np.uint8)
    _strew(rng, picture, palette, grain, _COVERAGE, smallest)
    if rng.random() < 0.15:
        picture = _blur(picture, rng.uniform(0.7, 1.3))
    near = picture.copy()
    mask = _strew(
        rng, near, palette, grain, _NEAR_COVERAGE, rng.uniform(2, 8) * _SMALLEST
    )
    if rng.random() < 0.2:
        blur = rng.uniform(0.8, 2.4)
        layers = (Image.fromarray(_blur(layer, blur)) for layer in (near, mask))
        near = np.asarray(
            Image.composite(next(layers), Image.fromarray(picture), next(layers))
        )
    return _expose(rng, _blur(near, _SOFTENING).astype(np.float32))


def _draw_palette(rng: np.random.Generator) -> np.ndarray:
    """Returns the picture's colors [8, 3], 0..1: mostly lightness, then warm-cool, then green."""
    count = 8
    light = np.clip(rng.normal(rng.uniform(0.35, 0.55), 0.26, count), 0.03, 0.97)
    spread = rng.choice((0.04, 0.09, 0.16))
    warm = rng.normal(rng.normal(0.02, 0.05), spread, count)
    green = rng.normal(rng.normal(0.0, 0.025), 0.45 * spread, count)
    shade = 0.35 + 1.3 * np.minimum(light, 1 - 0.5 * light)
    warm, green = warm * shade, green * shade
    colors = np.stack(
        [light + warm - 0.3 * green, light + 0.7 * green, light - warm], -1
    )
    return colors.astype(np.float32)


def _draw_pink_noise(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Returns 1/f noise [H, W] that tiles, with mean 0 and standard deviation about 1."""
    fy = np.fft.fftfreq(height)[:, None]
    fx = np.fft.rfftfreq(width)[None]
    frequency = np.sqrt(fx * fx + fy * fy)
    frequency[0, 0] = 1
    gain = np.maximum(frequency, 4 / max(height, width)) ** -0.75
    gain[0, 0] = 0
    waves = rng.standard_normal((*gain.shape, 2), np.float32) @ np.array(
        [1, 1j], np.complex64
    )
    noise = np.fft.irfft2((gain * waves).astype(np.complex64), s=(height, width))
    return (noise / (noise.std() + 1e-9)).astype(np.float32)


def _strew(
    rng: np.random.Generator,
    picture: np.ndarray,
    palette: np.ndarray,
    grain: np.ndarray,
    coverage: float,
    smallest: float,
) -> np.ndarray:
    """Covers `picture` with leaves in place; returns where they lie, uint8 [H, W], 0 or 255.

    Leaves of `_COVERAGE` get a ground of their own; fewer leave the picture between
    them as it is.
    """
    height, width, _ = picture.shape
    radius = _draw_radii(rng, (height, width), coverage, smallest)
    table = _draw_table(rng, radius, (height, width))
    colors = palette[rng.integers(len(palette), size=len(radius))]
    colors = (
        colors
        + rng.normal(0, 0.07, (len(radius), 1))
        + rng.normal(0, 0.025, colors.shape)
    )
    index = Image.new("I", (width, height), 0)
    draw = ImageDraw.Draw(index)
    for number, outline in enumerate(_draw_outlines(rng, table).tolist(), start=1):
        draw.polygon(outline, fill=number)
    leaf = np.asarray(index).ravel()
    shown = np.arange(leaf.size) if coverage >= _COVERAGE else np.flatnonzero(leaf)
    colors = _shade(table, colors.astype(np.float32), leaf[shown], shown, grain)
    picture.reshape(-1, 3)[shown] = colors
    return ((leaf > 0) * np.uint8(255)).reshape(height, width)


def _draw_radii(
    rng: np.random.Generator, size: tuple[int, int], coverage: float, smallest: float
) -> np.ndarray:
    """Returns radii [N] in pixels, spread as r^-3; the first is the ground below all leaves."""
    height, width = size
    largest = max(_LARGEST * max(size), 2 * smallest)
    mean_area = 2 * np.pi * np.log(largest / smallest) / (smallest**-2 - largest**-2)
    reach = 0.5 * largest  # leaves beyond the border still hang into the picture
    count = int(np.ceil(coverage * (height + reach) * (width + reach) / mean_area))
    low, high = largest**-2.0, smallest**-2.0
    radius = rng.uniform(low, high, count + 1) ** -0.5
    radius[0] = max(size)
    return radius.astype(np.float32)


def _draw_table(
    rng: np.random.Generator, radius: np.ndarray, size: tuple[int, int]
) -> np.ndarray:
    """Returns the leaves' settings, float32 [N, 11], in the order of the column names above."""
    count, (height, width) = len(radius), size
    reach = 0.25 * _LARGEST * max(size)
    table = np.empty((count, 11), np.float32)
    table[:, _X] = rng.uniform(-reach, width + reach, count)
    table[:, _Y] = rng.uniform(-reach, height + reach, count)
    table[:, _RADIUS] = radius
    table[:, _TILT_X : _TILT_Y + 1] = rng.normal(0, 0.10, (count, 2))
    table[:, _BULGE] = np.maximum(rng.normal(0.02, 0.12, count), 0)
    table[:, _WAVE] = 0.16 * rng.random(count) ** 2 * (rng.random(count) < 0.5)
    pitch = np.exp(rng.uniform(np.log(2.5), np.log(24.0), count))
    turn = rng.uniform(0, np.pi, count)
    table[:, _WAVE_X] = 2 * np.pi / pitch * np.cos(turn)
    table[:, _WAVE_Y] = 2 * np.pi / pitch * np.sin(turn)
    table[:, _PHASE] = rng.uniform(0, 2 * np.pi, count)
    table[:, _GRAIN] = 0.22 * rng.random(count) ** 2
    table[0, [_X, _Y]] = width / 2, height / 2
    return table


def _draw_outlines(rng: np.random.Generator, table: np.ndarray) -> np.ndarray:
    """Returns the outlines of all leaves but the ground, [N - 1, 2 * corners], x and y in turn."""
    count = len(table) - 1
    turn = np.arange(_CORNERS, dtype=np.float32) * np.float32(2 * np.pi / _CORNERS)
    cos, sin = np.cos(turn), np.sin(turn)
    # 1 gives an ellipse, less a rounded rectangle, more a lens or a star.
    power = rng.choice(np.array([1, 1, 0.45, 0.6, 1.5], np.float32), (count, 1))
    x = np.sign(cos) * np.abs(cos) ** power
    y = np.sign(sin) * np.abs(sin) ** power
    lobes = rng.integers(2, 6, (count, 1))
    depth = np.where(
        rng.random((count, 1)) < 0.35, rng.uniform(0.1, 0.35, (count, 1)), 0
    )
    lumpy = 1 + depth * np.cos(lobes * turn + rng.uniform(0, 6.3, (count, 1)))
    long = rng.random((count, 1)) < 0.22
    stretch = np.where(
        long, rng.uniform(2.5, 6, (count, 1)), rng.uniform(1, 1.7, (count, 1))
    )
    bend = np.where(long, rng.normal(0, 0.30, (count, 1)), 0)
    root = np.sqrt(stretch)
    x, y = x * lumpy * root, y * lumpy / root
    y = y + bend * x * x
    facing = rng.uniform(0, 2 * np.pi, (count, 1))
    radius = table[1:, _RADIUS, None]
    outline = np.empty((count, 2 * _CORNERS), np.float32)
    outline[:, 0::2] = table[1:, _X, None] + radius * (
        x * np.cos(facing) - y * np.sin(facing)
    )
    outline[:, 1::2] = table[1:, _Y, None] + radius * (
        x * np.sin(facing) + y * np.cos(facing)
    )
    return outline


def _shade(
    table: np.ndarray,
    colors: np.ndarray,
    leaf: np.ndarray,
    shown: np.ndarray,
    grain: np.ndarray,
) -> np.ndarray:
    """Returns the colors, uint8 [K, 3], of pixels `shown` [K] that see the leaves `leaf` [K]."""
    y, x = (place.astype(np.float32) for place in np.divmod(shown, grain.shape[1]))
    columns = np.ascontiguousarray(table.T)
    leaf = leaf.astype(np.intp)
    at = [column.take(leaf) for column in columns]
    dx, dy = (x - at[_X]) / at[_RADIUS], (y - at[_Y]) / at[_RADIUS]
    light = at[_TILT_X] * dx + at[_TILT_Y] * dy - at[_BULGE] * (dx * dx + dy * dy)
    light += at[_WAVE] * np.sin(at[_WAVE_X] * x + at[_WAVE_Y] * y + at[_PHASE])
    light += at[_GRAIN] * grain.ravel().take(shown)
    np.clip(light, -0.5, 0.5, out=light)
    light = light[:, None]
    picture = colors.take(leaf, axis=0)
    picture *= 1 + 0.9 * light
    picture += 0.35 * light
    picture *= 255
    return np.clip(picture, 0, 255, out=picture).astype(np.uint8)


def _blur(picture: np.ndarray, blur: float) -> np.ndarray:
    """Returns `picture`, uint8, blurred by a Gaussian of standard deviation `blur` pixels."""
    return np.asarray(
        Image.fromarray(picture).filter(ImageFilter.GaussianBlur(float(blur)))
    )


def _expose(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """Returns `picture` (0..255) lit from one side, with a random exposure and a little noise."""
    height, width, _ = picture.shape
    y = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    x = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None]
    slope_y, slope_x = rng.normal(0, 0.35, 2)
    light = np.exp(rng.normal(0, 0.12) + slope_y * y + slope_x * x).astype(np.float32)
    tint = np.exp(rng.normal(0, 0.04, 3)).astype(np.float32)
    picture *= light[..., None] * tint
    noise = rng.standard_normal((height, width), np.float32) * np.float32(
        rng.uniform(0, 3)
    )
    picture += 0.5 + noise[..., None]
    return np.clip(picture, 0, 255, out=picture).astype(np.uint8)
