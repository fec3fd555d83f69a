"""A night sky in thick oil paint: swirls, glowing stars, a moon, cypresses, hills and a river."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from tools.style_pictures import brush, night_scene

_OVERSAMPLING = 2
_SOFTNESS = (
    0.0028  # short sides: as a camera sees paint; crisp rims are more edge than stroke
)

_SPARKS = (
    (240, 190, 60),
    (232, 120, 40),
    (120, 70, 160),
    (150, 220, 190),
    (250, 244, 210),
)


def paint(seed: int, height: int, width: int) -> np.ndarray:
    """Paints the picture.

    Args:
        seed: another seed lays other strokes on the same composition.
        height: rows.
        width: columns.

    Returns:
        uint8 [H, W, 3].
    """
    rng = np.random.default_rng(seed)
    height, width = height * _OVERSAMPLING, width * _OVERSAMPLING
    scene = night_scene.scene(rng, height, width)
    canvas = brush.Canvas(scene.color * 0.55, np.zeros((height, width), np.float32))
    everywhere = np.ones((height, width), bool)
    # Width and length in short sides, how often the area is covered, jitter of the
    # color.
    for breadth, length, coverage, jitter in (
        (0.064, 0.240, 2.0, 0.080),
        (0.035, 0.168, 2.6, 0.096),
        (0.0216, 0.120, 2.2, 0.104),
    ):
        _cover(canvas, scene, rng, everywhere, (breadth, length, coverage, jitter))
    _cover(canvas, scene, rng, scene.sky, (0.016, 0.096, 0.48, 0.12))
    _cover(canvas, scene, rng, ~scene.sky, (0.0152, 0.072, 1.08, 0.104))
    _cover(canvas, scene, rng, scene.cypress, (0.0152, 0.096, 0.96, 0.08))
    _set_lights(canvas, rng)
    _build_village(canvas, rng)
    blur = _SOFTNESS * min(height, width)
    picture = ndimage.gaussian_filter(
        brush.lit(canvas, strength=0.3, gloss=0.25), (blur, blur, 0)
    )
    picture = brush.shrunk(picture, _OVERSAMPLING)
    return np.round(picture * 255).astype(np.uint8)


def _cover(canvas, scene, rng, where, manner) -> None:
    breadth, length, coverage, jitter = manner
    height, width = canvas.relief.shape
    short = min(height, width)
    count = int(coverage * height * width / (breadth * length * short * short))
    at = rng.uniform((0, 0), (width, height), (count, 2)).astype(np.float32)
    rows, columns = at[:, 1].astype(np.intp), at[:, 0].astype(np.intp)
    kept = where[rows, columns]
    at, rows, columns = at[kept], rows[kept], columns[kept]
    count = len(at)
    lengths = length * short * rng.uniform(0.55, 1.15, count).astype(np.float32)
    path = brush.follow(scene.angle, at, lengths)
    breadths = breadth * short * rng.uniform(0.65, 1.2, count).astype(np.float32)
    color = _varied(scene.color[rows, columns], rng, jitter)
    nearby = at + rng.normal(0, 0.018 * short, at.shape)
    near_rows = np.clip(nearby[:, 1], 0, height - 1).astype(np.intp)
    near_columns = np.clip(nearby[:, 0], 0, width - 1).astype(np.intp)
    streak = _varied(scene.color[near_rows, near_columns], rng, jitter)
    spark = rng.random(count) < 0.035
    sparks = np.asarray(_SPARKS, np.float32) / 255
    streak[spark] = sparks[rng.integers(len(sparks), size=spark.sum())]
    brush.lay(canvas, brush.Strokes(path, breadths, color, streak), rng)


def _set_lights(canvas: brush.Canvas, rng: np.random.Generator) -> None:
    """Sets thick dabs of light on the stars and the moon, so that they stay crisp."""
    for index, (cx, cy, radius) in enumerate(night_scene.STARS):
        glow = night_scene.GLOWS[index % len(night_scene.GLOWS)]
        for ring, dabs, stop in (
            (0.74, 13, 4),
            (0.50, 11, 3),
            (0.30, 8, 2),
            (0.10, 3, 0),
        ):
            turn = rng.uniform(0, 2 * np.pi) + np.arange(dabs) * (2 * np.pi / dabs)
            sweep = 2.3 / dabs
            thick = radius * (0.22 if stop == 0 else 0.14)
            stops = (glow[stop], glow[max(stop - 1, 0)])
            _arcs(canvas, rng, (cx, cy, ring * radius), turn, (sweep, thick), stops)
    cx, cy, radius = night_scene.MOON
    for ring, dabs, stop in (
        (0.80, 22, 5),
        (0.66, 20, 3),
        (0.54, 17, 4),
        (0.43, 14, 2),
    ):
        turn = rng.uniform(0, 2 * np.pi) + np.arange(dabs) * (2 * np.pi / dabs)
        stops = (night_scene.MOONLIGHT[stop], night_scene.MOONLIGHT[stop - 1])
        _arcs(
            canvas,
            rng,
            (cx, cy, ring * radius),
            turn,
            (2.3 / dabs, 0.075 * radius),
            stops,
        )
    dusk = ((206, 92, 16), (236, 140, 24))
    for ring, dabs in ((0.28, 10), (0.18, 7), (0.07, 4)):
        turn = np.arange(dabs) * (2 * np.pi / dabs)
        _arcs(
            canvas,
            rng,
            (cx, cy, ring * radius),
            turn,
            (3.2 / dabs, 0.12 * radius),
            dusk,
        )
    gleam = ((255, 246, 176), (255, 220, 84))
    for offset in (0.00, 0.025, 0.05, 0.075):
        center = (cx + offset * 0.45, cy - offset * 0.15, 0.34 * radius - 0.15 * offset)
        turn = np.pi * 0.9 + np.asarray((-0.75, 0.75, 0.0))
        _arcs(canvas, rng, center, turn, (0.75, 0.07 * radius), gleam)


def _arcs(canvas, rng, circle, turn, size, stops) -> None:
    """Lays a dab at each angle of `turn` on `circle` (x, y, radius); `size`: half angle, width."""
    short = min(canvas.relief.shape)
    cx, cy, radius = circle
    half, thick = size
    count = len(turn)
    sweep = turn[:, None] + np.linspace(-half, half, 10)
    reach = radius * short * rng.uniform(0.94, 1.06, (count, 1))
    path = np.stack([np.cos(sweep) * reach, np.sin(sweep) * reach], -1) + (
        cx * short,
        cy * short,
    )
    first, second = (
        np.tile(np.asarray(stop, np.float32) / 255, (count, 1)) for stop in stops
    )
    strokes = brush.Strokes(
        path.astype(np.float32),
        (thick * short * rng.uniform(0.85, 1.2, count)).astype(np.float32),
        _varied(first, rng, 0.04),
        _varied(second, rng, 0.06),
    )
    brush.lay(canvas, strokes, rng, brush.Tool(body=1.5))


def _varied(color: np.ndarray, rng: np.random.Generator, amount: float) -> np.ndarray:
    light = 1 + 1.3 * amount * rng.standard_normal((len(color), 1)).astype(np.float32)
    hue = 0.45 * amount * rng.standard_normal(color.shape).astype(np.float32)
    return np.clip(color * light + hue * (0.25 + color), 0, 1)


_HOUSES = (
    # left, top of the wall, width, height of the wall: short sides, far ones first.
    (0.795, 0.762, 0.046, 0.034), (0.725, 0.768, 0.050, 0.036), (0.905, 0.768, 0.048, 0.036),
    (0.850, 0.776, 0.052, 0.036), (0.690, 0.800, 0.046, 0.036), (0.765, 0.798, 0.056, 0.038),
    (0.925, 0.806, 0.056, 0.038), (0.845, 0.812, 0.052, 0.038),
)  # fmt: skip
_ROOFS = ((186, 66, 30), (52, 60, 128), (222, 120, 40), (36, 84, 120))
_WALLS = ((84, 130, 178), (214, 206, 160), (60, 98, 160), (160, 150, 176))
_OUTLINE = (10, 14, 44)


def _build_village(canvas: brush.Canvas, rng: np.random.Generator) -> None:
    """Sets small houses with lit windows on the painted hills."""
    height, width = canvas.relief.shape
    short = min(height, width)
    picture, mask = Image.new("RGB", (width, height)), Image.new("1", (width, height))
    draw, cut = ImageDraw.Draw(picture), ImageDraw.Draw(mask)
    pen = max(round(0.003 * short), 1)

    def shape(points, fill, line=_OUTLINE):
        points = [(px * short, py * short) for px, py in points]
        draw.polygon(points, fill=fill, outline=line, width=pen)
        cut.polygon(points, fill=1)

    def box(left, top, wide, tall, fill, line=_OUTLINE):
        right, foot = left + wide, top + tall
        shape(((left, top), (right, top), (right, foot), (left, foot)), fill, line)

    spire = 0.828
    box(spire, 0.715, 0.024, 0.075, _WALLS[1])
    shape(
        ((spire - 0.005, 0.717), (spire + 0.029, 0.717), (spire + 0.012, 0.625)),
        _ROOFS[3],
    )
    for index, (left, top, wide, tall) in enumerate(_HOUSES):
        box(left, top, wide, tall, _WALLS[index % 4])
        ridge, eaves = top - 0.7 * tall, 0.005
        shape(
            (
                (left - eaves, top + 0.003),
                (left + 0.28 * wide, ridge),
                (left + 0.72 * wide, ridge),
                (left + wide + eaves, top + 0.003),
            ),
            _ROOFS[index % 4],
        )
        for spot in (0.16, 0.58):
            box(
                left + spot * wide,
                top + 0.3 * tall,
                0.012,
                0.014,
                (255, 212, 70),
                (190, 90, 20),
            )
    built = np.asarray(mask)
    color = np.asarray(picture, np.float32) / 255
    canvas.paint[built] = color[built]
    rows, columns = np.nonzero(built)
    chosen = rng.choice(len(rows), int(2.2 * len(rows) / (0.0045 * 0.014 * short**2)))
    at = np.stack([columns[chosen], rows[chosen]], -1).astype(np.float32)
    slant = np.where(color[..., 0] > 0.6, 0.15, 1.35).astype(np.float32)
    path = brush.follow(
        slant, at, rng.uniform(0.007, 0.016, len(at)).astype(np.float32) * short
    )
    breadth = (rng.uniform(0.0035, 0.0055, len(at)) * short).astype(np.float32)
    daubs = _varied(color[rows[chosen], columns[chosen]], rng, 0.09)
    brush.lay(
        canvas, brush.Strokes(path, breadth, daubs, _varied(daubs, rng, 0.06)), rng
    )
