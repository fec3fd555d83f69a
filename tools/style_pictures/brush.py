"""Oil paint: curved bristle strokes laid on a canvas that remembers how thick the paint is."""

import dataclasses

import numpy as np
from scipy import ndimage

_SAMPLES_AT_ONCE = 1_500_000  # bounds the memory of one batch of strokes


@dataclasses.dataclass
class Canvas:
    """A picture in the making.

    Attributes:
        paint: float32 [H, W, 3], 0..1.
        relief: float32 [H, W], thickness of the paint; a fresh full stroke is about 1.
    """

    paint: np.ndarray
    relief: np.ndarray


@dataclasses.dataclass(frozen=True)
class Strokes:
    """Strokes in the order they are laid, the last on top.

    Attributes:
        path: float32 [N, P, 2], (x, y) in pixels, points along the middle line.
        width: float32 [N], pixels.
        color: float32 [N, 3], 0..1.
        streak: float32 [N, 3], 0..1: the second, unmixed color in the brush.
    """

    path: np.ndarray
    width: np.ndarray
    color: np.ndarray
    streak: np.ndarray


def follow(
    angle: np.ndarray, start: np.ndarray, length: np.ndarray, points: int = 14
) -> np.ndarray:
    """Returns paths [N, points, 2] (x, y) that run along `angle` [H, W] from `start` [N, 2].

    The start is the middle of the path; `length` [N] and positions are in pixels.
    """
    height, width = angle.shape
    half = points // 2
    step = (length / (points - 1)).astype(np.float32)
    sides = []
    for sign in (-1, 1):
        at, side = start.astype(np.float32), []
        for _ in range(half):
            columns = np.clip(at[:, 0], 0, width - 1).astype(np.intp)
            rows = np.clip(at[:, 1], 0, height - 1).astype(np.intp)
            direction = angle[rows, columns]
            move = np.stack([np.cos(direction), np.sin(direction)], -1)
            at = at + sign * step[:, None] * move
            side.append(at)
        sides.append(side)
    return np.stack(sides[0][::-1] + sides[1], axis=1)


@dataclasses.dataclass(frozen=True)
class Tool:
    """How strokes end and stand out.

    Attributes:
        taper: how much narrower a stroke starts and ends, 0..1; a knife has 0.
        ragged: how unevenly its bristles end, in shares of the stroke's length.
        body: height of a full stroke.
    """

    taper: float = 0.75
    ragged: float = 0.10
    body: float = 1.0


def lay(
    canvas: Canvas, strokes: Strokes, rng: np.random.Generator, tool: Tool = Tool()
) -> None:
    """Lays `strokes` on `canvas` in place, with `tool`."""
    legs = np.linalg.norm(np.diff(strokes.path, axis=1), axis=-1).sum(1)
    along = max(int(legs.max(initial=0) / 0.65), 4)
    across = max(int(strokes.width.max(initial=0) / 0.65), 3)
    batch = max(_SAMPLES_AT_ONCE // (along * across), 1)
    for first in range(0, len(strokes.path), batch):
        part = slice(first, first + batch)
        _lay_batch(
            canvas,
            Strokes(
                strokes.path[part],
                strokes.width[part],
                strokes.color[part],
                strokes.streak[part],
            ),
            rng,
            (along, across),
            tool,
        )


def _lay_batch(
    canvas: Canvas,
    strokes: Strokes,
    rng: np.random.Generator,
    samples: tuple[int, int],
    tool: Tool,
) -> None:
    along, across = samples
    count = len(strokes.path)
    middle, normal = _ribbon(strokes.path, along)
    u = np.linspace(0, 1, along, dtype=np.float32)
    v = np.linspace(-1, 1, across, dtype=np.float32)
    taper = np.sqrt(np.clip(np.minimum(u / 0.16, (1 - u) / 0.30), 0, 1))
    reach = 0.5 * strokes.width[:, None] * (1 - tool.taper * (1 - taper))
    at = middle[:, :, None] + (reach[..., None] * v)[..., None] * normal[:, :, None]

    bristle = _bristles(rng, count, across, grain=1.1)
    load = _bristles(rng, count, across, grain=2.5)
    lift = 0.6 * tool.ragged + tool.ragged * np.abs(
        _bristles(rng, count, across, grain=1.5)
    )
    wobble = _bristles(rng, count, along, grain=9.0)
    round_end = 0.13 * tool.taper * v * v
    inside = (u[:, None] > (round_end + 0.4 * lift)[:, None]) & (
        u[:, None] < (1 - round_end - lift)[:, None]
    )
    share = 0.5 + 0.5 * np.tanh(1.6 * (load[:, None] + 0.5 * wobble[:, :, None] - 0.7))
    tone = (1 + 0.07 * bristle + 0.05 * load)[:, None, :, None]
    color = strokes.color[:, None, None] * (1 - share[..., None])
    color = (color + strokes.streak[:, None, None] * share[..., None]) * tone

    edge = np.sqrt(np.clip(1 - v**4, 0, 1)) * (1 + 0.35 * v * v)
    level = rng.uniform(0.0, 0.5, (count, 1, 1)).astype(np.float32)
    thick = level + edge + 0.22 * bristle[:, None] + 0.10 * wobble[:, :, None]
    thick = thick * (0.8 + 0.35 * u[:, None] ** 2)

    height, width = canvas.relief.shape
    columns, rows = (
        np.floor(at[..., 0]).astype(np.intp),
        np.floor(at[..., 1]).astype(np.intp),
    )
    inside = inside & (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    rows, columns = rows[inside], columns[inside]
    canvas.paint[rows, columns] = color[
        inside
    ]  # of a repeated index, the last value stays
    canvas.relief[rows, columns] = tool.body * thick[inside]


def _ribbon(path: np.ndarray, along: int) -> tuple[np.ndarray, np.ndarray]:
    place = np.linspace(0, path.shape[1] - 1.001, along)
    left = place.astype(np.intp)
    share = (place - left).astype(np.float32)[:, None]
    middle = path[:, left] * (1 - share) + path[:, left + 1] * share
    heading = np.gradient(path, axis=1)
    heading = heading[:, left] * (1 - share) + heading[:, left + 1] * share
    heading /= np.linalg.norm(heading, axis=-1, keepdims=True) + 1e-6
    return middle, np.stack([-heading[..., 1], heading[..., 0]], -1)


def _bristles(
    rng: np.random.Generator, count: int, length: int, grain: float
) -> np.ndarray:
    rough = rng.standard_normal((count, length)).astype(np.float32)
    soft = ndimage.gaussian_filter1d(rough, grain, axis=1, mode="wrap")
    return soft / (soft.std() + 1e-6)


def lit(canvas: Canvas, strength: float, gloss: float) -> np.ndarray:
    """Returns the paint [H, W, 3] lit from the upper left, 0..1.

    Args:
        canvas: the painting.
        strength: contrast of the slopes; 0 is flat.
        gloss: brightness of the highlights on wet ridges.
    """
    relief = ndimage.gaussian_filter(canvas.relief, 0.7)
    down, right = np.gradient(relief)
    slope = np.tanh(1.2 * (0.6 * right + 0.8 * down))
    shade = 1 + strength * slope
    shine = gloss * np.clip(slope - 0.25, 0, 1) ** 2
    return np.clip(canvas.paint * shade[..., None] + shine[..., None], 0, 1)


def shrunk(picture: np.ndarray, factor: int) -> np.ndarray:
    """Returns `picture` [H*factor, W*factor, 3] averaged down to [H, W, 3]."""
    height, width = picture.shape[0] // factor, picture.shape[1] // factor
    blocks = picture[: height * factor, : width * factor]
    return blocks.reshape(height, factor, width, factor, 3).mean(axis=(1, 3))
