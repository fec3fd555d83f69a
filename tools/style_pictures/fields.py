"""Scalar and direction fields over a picture: coordinates, noise, swirls, color ramps.

Positions are in units of the picture's short side: `y` runs down and `x` to the right,
both from 0.
"""

from collections.abc import Sequence

import numpy as np
from scipy import ndimage


def grid(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the pixel centers' `x` and `y`, each float32 [H, W], in short sides."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    short = min(height, width)
    return (x + 0.5) / short, (y + 0.5) / short


def noise(
    rng: np.random.Generator, height: int, width: int, cell: float, octaves: int = 3
) -> np.ndarray:
    """Returns smooth noise, float32 [H, W], of mean 0 and standard deviation 1.

    Args:
        rng: source of the values.
        height: rows.
        width: columns.
        cell: size of the largest bumps, in short sides.
        octaves: layers; each has half the size and half the strength of the one before.
    """
    x, y = grid(height, width)
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        step = cell / 2**octave
        rows, columns = int(y[-1, 0] / step) + 5, int(x[0, -1] / step) + 5
        lattice = rng.standard_normal((rows, columns)).astype(np.float32)
        at = np.stack([y / step + 1.5, x / step + 1.5])
        total += (
            ndimage.map_coordinates(lattice, at, order=3, mode="nearest") / 2**octave
        )
    return (total - total.mean()) / (total.std() + 1e-6)


def ranked(values: np.ndarray) -> np.ndarray:
    """Returns each value's rank, scaled to 0..1: the same picture with a flat histogram."""
    ranks = np.empty(values.size, np.float32)
    ranks[np.argsort(values, axis=None, kind="stable")] = np.linspace(0, 1, values.size)
    return ranks.reshape(values.shape)


def ramp(at: np.ndarray, colors: Sequence[Sequence[int]]) -> np.ndarray:
    """Returns the colors [..., 3] (0..1) found at `at` (0..1) on an even ramp of 0..255 stops."""
    stops = np.asarray(colors, np.float32) / 255
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(at, places, channel) for channel in stops.T], -1).astype(
        np.float32
    )


def mix(first: np.ndarray, second: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Returns `first` [..., 3] blended towards `second` by `share` [...] in 0..1."""
    share = np.clip(share, 0, 1)[..., None]
    return first * (1 - share) + second * share


def smoothstep(low: float, high: float, values: np.ndarray) -> np.ndarray:
    """Returns 0 below `low`, 1 above `high`, and an S curve between; `low` > `high` falls."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def swirl(
    angle: np.ndarray, x: np.ndarray, y: np.ndarray, vortices: Sequence[Sequence[float]]
) -> np.ndarray:
    """Returns a direction field (radians, [H, W]) that turns around the given vortices.

    Args:
        angle: direction far from every vortex, radians, y down.
        x: as from `grid`.
        y: as from `grid`.
        vortices: rows of (x, y, radius, spin, pull); `spin` is 1 or -1, and `pull`
            bends the circles into spirals.
    """
    u, v = np.cos(angle), np.sin(angle)
    for cx, cy, radius, spin, pull in vortices:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) + 1e-6
        share = 1 / (1 + (r / radius) ** 4)
        tx, ty = (-dy * spin - dx * pull) / r, (dx * spin - dy * pull) / r
        u, v = u * (1 - share) + tx * share, v * (1 - share) + ty * share
    return np.arctan2(v, u)


def drawn_along(values: np.ndarray, angle: np.ndarray, steps: int) -> np.ndarray:
    """Returns `values` [H, W] averaged along the flow lines of `angle`, `steps` pixels each way.

    Noise drawn along a flow becomes bands that follow it.
    """
    height, width = values.shape
    total = values.copy()
    for sign in (1, -1):
        py, px = np.mgrid[0:height, 0:width].astype(np.float32)
        for _ in range(steps):
            rows = np.clip(py, 0, height - 1).astype(np.intp)
            columns = np.clip(px, 0, width - 1).astype(np.intp)
            direction = angle[rows, columns]
            px += sign * np.cos(direction)
            py += sign * np.sin(direction)
            rows = np.clip(py, 0, height - 1).astype(np.intp)
            columns = np.clip(px, 0, width - 1).astype(np.intp)
            total += values[rows, columns]
    return total / (2 * steps + 1)
