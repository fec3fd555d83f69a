"""Ink on paper: mountains in mist, bamboo in wet and dry strokes, rippled water, a red seal."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from tools.style_pictures import brush, fields

_OVERSAMPLING = 2
_PAPER = (244, 234, 210)
_INK = (22, 24, 30)
_BLUE_INK = (44, 62, 86)
_SEAL = (190, 34, 26)
# Ridges from far to near: base, roughness, strength of the ink, seed of the shape.
_RIDGES = (
    (0.28, 0.14, 0.42, 1), (0.40, 0.17, 0.66, 2), (0.55, 0.13, 0.92, 3), (0.73, 0.09, 1.15, 4),
)  # fmt: skip


def paint(seed: int, height: int, width: int) -> np.ndarray:
    """Paints the picture; another `seed` gives other mountains and leaves.

    Returns:
        uint8 [H, W, 3].
    """
    rng = np.random.default_rng(seed)
    height, width = height * _OVERSAMPLING, width * _OVERSAMPLING
    x, y = fields.grid(height, width)
    fibres = _fibres(rng, height, width)
    ink = np.zeros((height, width), np.float32)
    ink = _sun_and_sky(rng, ink, x, y)
    for ridge in _RIDGES:
        ink = _mountain(rng, ink, x, y, ridge)
    ink = _water(rng, ink, x, y)
    ink = _bled(rng, ink, fibres)
    ink = np.maximum(ink, _strokes(rng, _pines(rng), (height, width), fibres))
    ink = np.maximum(ink, _strokes(rng, _bamboo(rng), (height, width), fibres))
    ink = np.maximum(ink, _spatter(rng, height, width))
    picture = _on_paper(ink, fibres)
    picture = _stamped(rng, picture, x, y)
    return np.round(brush.shrunk(np.clip(picture, 0, 1), _OVERSAMPLING) * 255).astype(
        np.uint8
    )


def _fibres(rng, height, width) -> np.ndarray:
    """Returns the grain of the paper, [H, W], deviation 1: short fibres and soft blotches."""
    specks = rng.standard_normal((height, width)).astype(np.float32)
    across = ndimage.gaussian_filter(specks, (0.8, 5.0))
    down = ndimage.gaussian_filter(specks[::-1], (4.0, 0.8))
    fibres = across / across.std() + down / down.std()
    fibres += 0.8 * fields.noise(rng, height, width, cell=0.05, octaves=3)
    return fibres / fibres.std()


def _sun_and_sky(rng, ink, x, y):
    cloud = fields.noise(rng, *x.shape, cell=0.35, octaves=5)
    wash = 0.10 * fields.smoothstep(-0.2, 1.6, cloud) + 0.10 * fields.smoothstep(
        0.25, 0.0, y
    )
    sun = np.hypot(x - 0.86, y - 0.20)
    halo = 0.16 * np.exp(-(((sun - 0.105) / 0.05) ** 2)) * (sun > 0.085)
    return ink + wash * fields.smoothstep(0.08, 0.095, sun) + halo


def _mountain(rng, ink, x, y, ridge):
    base, rough, strength, which = ridge
    height, width = x.shape
    shape = np.random.default_rng(which * 97 + 11)
    line = base + rough * _profile(shape, x[0])
    depth = y - line[None]
    edge = fields.noise(rng, height, width, cell=0.03, octaves=4)
    depth = depth + 0.004 * edge
    body = fields.smoothstep(0.0, 0.006, depth)
    # Texture strokes hang from the ridge and fall with the slope.
    slope = np.gradient(line) * min(height, width)
    skew = x - np.clip(slope, -2.5, 2.5)[None] * depth * 0.5
    folds = _folded(rng, skew, depth)
    fade = np.exp(-np.clip(depth, 0, None) / (0.10 + 0.10 * strength))
    crest = np.exp(-np.clip(depth, 0, None) / 0.012)
    tone = strength * (0.62 * fade + 0.38 * crest * (0.6 + 0.4 * edge.clip(-1, 1)))
    tone = tone * (0.45 + 0.85 * folds) + 0.30 * strength * folds * fade
    mist = fields.smoothstep(
        0.05, 0.30, depth + 0.04 * fields.noise(rng, height, width, 0.25, 3)
    )
    return ink * (1 - body) + body * np.clip(
        tone * (1 - 0.92 * mist) + 0.10 * ink * mist, 0, 0.93
    )


def _profile(rng, x) -> np.ndarray:
    """Returns a craggy skyline [W]: peaks of many sizes, negative is up."""
    line = np.zeros_like(x)
    for octave in range(7):
        frequency = 2.2 * 2**octave * rng.uniform(0.8, 1.2)
        wave = 1 - 2 * np.abs(np.sin(frequency * x + rng.uniform(0, 6.3)))
        line += wave * 0.56**octave
    return -line * 0.8


def _folded(rng, skew, depth) -> np.ndarray:
    """Returns the dry texture of rock, [H, W], 0..1: streaks along `skew` that break with depth."""
    lattice = rng.standard_normal((40, 700)).astype(np.float32)
    total = np.zeros_like(skew)
    for scale, share in ((90, 1.0), (210, 0.8)):
        at = np.stack([np.clip(depth * 26, 0, 38), (skew * scale) % 690])
        total += share * ndimage.map_coordinates(lattice, at, order=1, mode="nearest")
    return fields.smoothstep(-0.5, 1.3, total)


def _water(rng, ink, x, y):
    shore = 0.90 + 0.02 * np.sin(5 * x)
    ripples = fields.noise(rng, *x.shape, cell=0.10, octaves=2)
    lines = np.sin(
        190 * (y - shore) / (0.6 + 2 * np.clip(y - shore, 0, 1)) + 2.5 * ripples
    )
    near = fields.smoothstep(0.0, 0.03, y - shore)
    drawn = fields.smoothstep(0.35, 1.0, lines + 0.3 * ripples)
    return ink * (1 - 0.8 * near) + 0.55 * near * drawn


def _bled(rng, ink, fibres):
    """Lets wet ink creep along the paper and pile up at the rims of its puddles."""
    soft = ndimage.gaussian_filter(ink, 5.0)
    rim = np.clip(soft - ndimage.gaussian_filter(ink, 12.0), 0, 1)
    bloom = fields.noise(rng, *ink.shape, cell=0.09, octaves=5)
    wet = 0.72 * ink + 0.28 * soft + 0.9 * rim * (ink > 0.08)
    return np.clip(wet * (1 + 0.16 * bloom + 0.07 * fibres), 0, 0.96)


def _pines(rng):
    """Yields the strokes of pines on the near slopes.

    Each is a path [P, 2] and a breadth in short sides, the wetness in 0..1, and the
    kind.
    """
    for cx, foot, tall in (
        (0.10, 0.82, 0.26), (0.19, 0.85, 0.20), (0.03, 0.86, 0.17), (0.56, 0.86, 0.14),
        (0.62, 0.88, 0.18), (0.69, 0.88, 0.12), (0.29, 0.87, 0.13), (0.40, 0.88, 0.08),
    ):  # fmt: skip
        lean = rng.normal(0, 0.02)
        trunk = np.array(
            [[cx, foot], [cx + lean, foot - 0.5 * tall], [cx - lean, foot - tall]]
        )
        yield _curve(trunk), 0.008, 0.85, "stem"
        for rise in np.linspace(0.22, 1.0, 13):
            for _ in range(7):
                reach = tall * (0.40 - 0.33 * rise) * rng.uniform(-1.1, 1.1)
                top = foot - rise * tall + 0.10 * abs(reach) + rng.normal(0, 0.003)
                half = 0.020 * rng.uniform(0.5, 1.1)
                left, right = (
                    (cx + reach - half, top + 0.004),
                    (cx + reach + half, top + 0.004),
                )
                needle = np.array([left, (cx + reach, top - 0.004), right])
                yield (
                    _curve(needle),
                    0.009 * rng.uniform(0.6, 1.3),
                    rng.uniform(0.35, 1.0),
                    "dab",
                )


def _bamboo(rng):
    """Yields the strokes of a stand of bamboo at the right."""
    for foot, tip, wide, wet in (
        (1.00, 1.06, 0.020, 0.42), (1.24, 1.20, 0.034, 0.95), (1.12, 1.02, 0.028, 0.80),
        (1.08, 1.15, 0.016, 0.35),
    ):  # fmt: skip
        joints = np.cumsum(np.concatenate([[0], rng.uniform(0.12, 0.17, 8)]))
        for low, high in zip(joints[:-1] - 0.02, joints[1:] - 0.034):
            ends = [(foot + (tip - foot) * rise + 0.02 * np.sin(2 * rise), 1.02 - rise)
                    for rise in (low, (low + high) / 2, high)]  # fmt: skip
            yield _curve(np.array(ends)), wide, wet, "stem"
            jx, jy = ends[2]
            knot = [
                (jx - 0.6 * wide, jy - 0.008),
                (jx, jy - 0.003),
                (jx + 0.6 * wide, jy - 0.009),
            ]
            yield _curve(np.array(knot)), 0.007, 1.0, "dab"
            if rng.random() < 0.85:
                yield from _sprig(rng, jx, jy, wet)
    for _ in range(7):
        yield from _sprig(
            rng, rng.uniform(0.98, 1.28), rng.uniform(0.02, 0.5), rng.uniform(0.3, 1)
        )


def _sprig(rng, x, y, wet):
    side = rng.choice((-1, 1))
    end_x, end_y = x + side * rng.uniform(0.05, 0.12), y - rng.uniform(0.0, 0.07)
    twig = [(x, y), ((x + end_x) / 2, (y + end_y) / 2 - 0.01), (end_x, end_y)]
    yield _curve(np.array(twig)), 0.005, wet, "stem"
    for _ in range(rng.integers(4, 8)):
        share = rng.uniform(0.4, 1.0)
        sx, sy = x + (end_x - x) * share, y + (end_y - y) * share
        turn = np.pi / 2 - side * rng.uniform(-0.5, 1.2)
        long = rng.uniform(0.07, 0.15)
        dx, dy = np.cos(turn) * long, np.sin(turn) * long
        path = np.array([(sx, sy), (sx + 0.5 * dx, sy + 0.44 * dy), (sx + dx, sy + dy)])
        yield (
            _curve(path),
            rng.uniform(0.017, 0.026),
            wet * rng.uniform(0.6, 1.15),
            "leaf",
        )


def _curve(points) -> np.ndarray:
    """Returns 24 points on the parabola through three."""
    t = np.linspace(0, 1, 24)[:, None]
    first, middle, last = points
    control = 2 * middle - (first + last) / 2
    return (1 - t) ** 2 * first + 2 * t * (1 - t) * control + t * t * last


_PRESSURE = {
    # kind of stroke: breadth from its start (0) to its end (1), as a share of its full
    # breadth
    "stem": lambda u: 0.84 + 0.16 * np.abs(2 * u - 1) ** 4,
    "leaf": lambda u: (
        (u / 0.35).clip(0, 1) ** 0.7 * ((1 - u) / 0.65).clip(0, 1) ** 0.9 + 0.03
    ),
    "dab": lambda u: np.sqrt(np.sin(np.pi * u).clip(0, 1)) + 0.1,
}


def _strokes(rng, strokes, size, fibres) -> np.ndarray:
    """Returns the ink [H, W] of brush strokes: pointed, bristly, and dry towards their ends."""
    height, width = size
    short = min(size)
    ink = np.zeros(size, np.float32)
    for path, breadth, wet, kind in strokes:
        along = max(
            int(np.linalg.norm(np.diff(path, axis=0), axis=1).sum() * short / 0.6), 8
        )
        across = max(int(breadth * short / 0.6), 4)
        u, v = np.linspace(0, 1, along), np.linspace(-1, 1, across)
        at = np.stack(
            [np.interp(u * 23, np.arange(24), path[:, k]) for k in (0, 1)], -1
        )
        heading = np.gradient(at, axis=0)
        heading /= np.linalg.norm(heading, axis=1, keepdims=True) + 1e-9
        normal = np.stack([-heading[:, 1], heading[:, 0]], -1)
        press = _PRESSURE[kind](u)
        at = (
            at[:, None]
            + (0.5 * breadth * press)[:, None, None] * v[:, None] * normal[:, None]
        )
        place = (at * short).astype(np.intp)
        bristle = ndimage.gaussian_filter1d(
            rng.standard_normal(across), 0.9, mode="wrap"
        )
        bristle = bristle / (bristle.std() + 1e-6)
        inside = (
            (place >= 0).all(-1) & (place[..., 0] < width) & (place[..., 1] < height)
        )
        rows, columns = (
            place[..., 1].clip(0, height - 1),
            place[..., 0].clip(0, width - 1),
        )
        thirst = 1.9 * u[:, None] ** 2 * (1.25 - wet) + 0.25 * fibres[rows, columns] * (
            1.1 - wet
        )
        kept = inside & (thirst < 0.85 + 0.55 * bristle)
        tone = wet * (0.80 + 0.10 * bristle + 0.20 * np.abs(v) ** 3 - 0.14 * u[:, None])
        stroke = np.clip(tone, 0.08, 0.97)
        np.maximum.at(ink, (rows[kept], columns[kept]), stroke[kept].astype(np.float32))
    return ink


def _spatter(rng, height, width) -> np.ndarray:
    short = min(height, width)
    ink = Image.new("F", (width, height), 0.0)
    draw = ImageDraw.Draw(ink)
    for _ in range(90):
        px, py = rng.uniform(0, width), height * rng.beta(2, 1.5)
        radius = short * 0.0011 * np.exp(rng.normal(0, 0.6))
        box = (px - radius, py - radius, px + radius, py + radius)
        draw.ellipse(box, fill=float(rng.uniform(0.2, 0.8)))
    return np.asarray(ink)


def _on_paper(ink, fibres) -> np.ndarray:
    paper = np.asarray(_PAPER, np.float32) / 255 * (1 + 0.022 * fibres[..., None])
    black, blue = (np.asarray(color, np.float32) / 255 for color in (_INK, _BLUE_INK))
    dark = np.clip(ink, 0, 1)[..., None]
    pigment = blue * (1 - dark) + black * dark
    return paper * (1 - dark) + pigment * dark


def _stamped(rng, picture, x, y) -> np.ndarray:
    """Presses a square seal with an abstract sign into the upper left corner."""
    left, top, side = 0.055, 0.10, 0.085
    u, v = (x - left) / side, (y - top) / side
    square = np.maximum(np.abs(u - 0.5), np.abs(v - 0.5))
    wave = np.abs(v - 0.36 - 0.10 * np.sin(9 * u)) < 0.055
    ring = np.abs(np.hypot(u - 0.5, v - 0.68) - 0.13) < 0.05
    bar = (np.abs(u - 0.5) < 0.045) & (v > 0.12) & (v < 0.42)
    frame = np.abs(square - 0.42) < 0.025
    worn = fields.noise(rng, *x.shape, cell=0.012, octaves=3)
    pressed = (square < 0.5) & ~(wave | ring | bar | frame) & (worn < 1.5)
    red = np.asarray(_SEAL, np.float32) / 255 * (1 + 0.08 * worn[..., None])
    share = 0.92 * ndimage.gaussian_filter(pressed.astype(np.float32), 0.8)
    return fields.mix(picture, red.astype(np.float32), share)
