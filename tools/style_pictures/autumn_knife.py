"""An avenue in autumn laid on with a palette knife: slabs of warm color and a wet, bright path."""

import numpy as np

from tools.style_pictures import brush, fields

_OVERSAMPLING = 2
_VANISHING = (0.70, 0.54)  # short sides
_CROWNS = (
    (60, 12, 30), (126, 18, 28), (190, 36, 22), (226, 84, 16), (244, 136, 20), (252, 190, 40),
    (255, 228, 110),
)  # fmt: skip
_LIGHT = (
    (255, 250, 220),
    (255, 226, 130),
    (250, 176, 60),
    (214, 110, 110),
    (110, 90, 150),
)
_DISTANCE = ((44, 62, 116), (70, 110, 150), (120, 160, 160), (206, 180, 130))
_GRASS = ((54, 26, 40), (120, 40, 24), (186, 84, 22), (150, 130, 40), (236, 170, 50))
_WET = (
    (30, 28, 66), (62, 66, 122), (120, 110, 150), (226, 140, 70), (255, 214, 110), (255, 246, 210),
)  # fmt: skip
_BARK = ((18, 12, 26), (44, 26, 40), (92, 50, 40), (60, 70, 110))
_CHANCE = ((30, 110, 140), (80, 150, 90), (250, 240, 190), (150, 30, 90), (40, 50, 120))
# Trunks, far ones first: foot x, foot y, half width, height, crown radius: short sides.
_TREES = (
    (0.62, 0.600, 0.005, 0.16, 0.07), (0.80, 0.600, 0.005, 0.16, 0.07),
    (0.56, 0.630, 0.007, 0.22, 0.09), (0.87, 0.632, 0.007, 0.23, 0.09),
    (0.47, 0.675, 0.010, 0.32, 0.13), (0.96, 0.680, 0.010, 0.34, 0.13),
    (0.33, 0.740, 0.015, 0.46, 0.18), (1.08, 0.750, 0.016, 0.48, 0.18),
    (0.11, 0.850, 0.024, 0.66, 0.25), (1.25, 0.870, 0.026, 0.70, 0.24),
)  # fmt: skip


def paint(seed: int, height: int, width: int) -> np.ndarray:
    """Paints the picture; another `seed` lays other slabs on the same avenue.

    Returns:
        uint8 [H, W, 3].
    """
    rng = np.random.default_rng(seed)
    height, width = height * _OVERSAMPLING, width * _OVERSAMPLING
    x, y = fields.grid(height, width)
    color, angle, trunks = _avenue(rng, x, y)
    canvas = brush.Canvas(color * 0.6, np.zeros((height, width), np.float32))
    everywhere = np.ones((height, width), bool)
    leaves = (y < 0.60) & ~trunks
    for where, breadth, length, coverage in (
        (everywhere, 0.055, 0.090, 2.2),
        (everywhere, 0.034, 0.056, 2.4),
        (everywhere, 0.021, 0.036, 1.6),
        (trunks, 0.013, 0.060, 3.0),
        (leaves, 0.015, 0.025, 1.0),
        (~leaves & ~trunks, 0.012, 0.040, 0.8),
        (everywhere, 0.008, 0.022, 0.20),
    ):
        _cover(canvas, rng, (color, angle), where, (breadth, length, coverage))
    picture = brush.shrunk(brush.lit(canvas, strength=0.42, gloss=0.45), _OVERSAMPLING)
    return np.round(picture * 255).astype(np.uint8)


def _avenue(rng, x, y):
    """Returns the design: colors [H, W, 3], direction of the slabs [H, W], where trunks are."""
    shape = x.shape
    vx, vy = _VANISHING
    blotch = fields.noise(rng, *shape, cell=0.09, octaves=3)
    broad = fields.noise(rng, *shape, cell=0.22, octaves=2)
    away = np.hypot(x - vx, (y - vy) * 1.15)
    color = fields.ramp(np.clip(away * 1.7 + 0.06 * blotch, 0, 1), _LIGHT)
    angle = (0.9 * broad + np.arctan2(y - vy, x - vx) + np.pi / 2).astype(np.float32)
    far = (y > 0.47 + 0.03 * broad) & (y < 0.62)
    tone = np.clip(0.45 + 0.22 * blotch + 0.7 * np.exp(-away * 9), 0, 1)
    color[far] = fields.ramp(tone, _DISTANCE)[far]
    ground = y > vy + 0.045
    across = (x - vx) / (np.clip(y - vy, 0.01, 1) * 1.05)
    tone = np.clip(0.42 + 0.24 * blotch - 0.10 * (np.abs(across) - 1), 0, 1)
    color[ground] = fields.ramp(tone, _GRASS)[ground]
    angle = np.where(ground, 0.16 * (across.clip(-3, 3)) + 0.15 * broad, angle)
    path = ground & (np.abs(across + 0.06 * broad) < 0.62)
    shine = 0.95 * np.exp(-((across / 0.22) ** 2)) + 0.26 * blotch + 0.16
    shine += 0.35 * np.sin(11 * across + 2 * broad) * (np.abs(across) > 0.2)
    color[path] = fields.ramp(np.clip(shine, 0, 1), _WET)[path]
    angle = np.where(path & (rng.random(shape) < 0.45), np.pi / 2 + 0.2 * across, angle)
    trunks = np.zeros(shape, bool)
    for index, tree in enumerate(_TREES):
        color, angle, trunk = _tree(color, angle, x, y, blotch, index, tree)
        trunks |= trunk
    return color.astype(np.float32), angle.astype(np.float32), trunks


def _tree(color, angle, x, y, blotch, index, tree):
    """Returns the design with one more tree, and where its bark shows, [H, W]."""
    foot, ground, half, tall, crown = tree
    lean = 0.02 * np.sin(5 * index + 9 * y) * tall
    rise = (ground - y) / tall
    inward = 1 if foot < _VANISHING[0] else -1
    leaf_x, leaf_y = foot + 0.25 * inward * crown, ground - tall * 1.02
    dx, dy = x - leaf_x, (y - leaf_y) * 1.05
    reach = np.hypot(dx, dy) / (crown * 1.25) + 0.20 * blotch
    hue = (0.56, 0.70, 0.36, 0.52, 0.66, 0.34, 0.44, 0.62, 0.40, 0.50)[index]
    tone = hue + 0.20 * blotch + 0.30 * inward * dx / crown * 0.6 - 0.22 * dy / crown
    leaves = (reach < 1) & (blotch > -1.7)
    color[leaves] = fields.ramp(np.clip(tone, 0, 1), _CROWNS)[leaves]
    turn = np.arctan2(dy, dx) + np.pi / 2 + 0.7 * blotch
    angle = np.where(leaves, turn, angle)
    width = (
        half
        * (1 + 1.2 * np.clip(0.12 - rise, 0, 1) / 0.12)
        * (1.15 - 0.6 * rise.clip(0, 1))
    )
    across = (x - foot - lean) / width
    trunk = (np.abs(across) < 1) & (rise > -0.01) & (rise < 0.95)
    for side, start in ((-1, 0.50), (1, 0.62), (-1, 0.74)):
        limb = foot + lean + side * (rise - start) * tall * 0.55
        trunk |= (
            (np.abs(x - limb) < 0.45 * half) & (rise > start) & (rise < start + 0.30)
        )
    shown = trunk & ~(leaves & (blotch > 0.55))
    bark = np.clip(0.35 + 0.4 * inward * across + 0.25 * blotch, 0, 1)
    color[shown] = fields.ramp(bark, _BARK)[shown]
    angle = np.where(shown, np.pi / 2 + 0.12 * blotch, angle)
    outward = (foot - x) * inward
    shadow = (outward > 0) & (outward < 8 * half) & (y > _VANISHING[1] + 0.05)
    shadow &= np.abs(y - ground - 0.25 * outward) < 1.4 * half
    color[shadow] = (
        0.5 * color[shadow] + 0.5 * np.asarray((46, 30, 84), np.float32) / 255
    )
    return color, angle, shown


def _cover(canvas, rng, design, where, size) -> None:
    color, angle = design
    breadth, length, coverage = size
    height, width = canvas.relief.shape
    short = min(height, width)
    count = int(coverage * height * width / (breadth * length * short * short))
    at = rng.uniform((0, 0), (width, height), (count, 2)).astype(np.float32)
    kept = where[at[:, 1].astype(np.intp), at[:, 0].astype(np.intp)]
    at = at[kept]
    rows, columns = at[:, 1].astype(np.intp), at[:, 0].astype(np.intp)
    turned = angle[rows, columns] + rng.normal(0, 0.22, len(at))
    lengths = length * short * rng.uniform(0.6, 1.3, len(at))
    reach = np.linspace(-0.5, 0.5, 14) * lengths[:, None]
    bow = rng.normal(0, 0.10, (len(at), 1)) * reach**2 / lengths[:, None]
    cos, sin = np.cos(turned)[:, None], np.sin(turned)[:, None]
    path = (
        np.stack([cos * reach - sin * bow, sin * reach + cos * bow], -1) + at[:, None]
    )
    paints = []
    for spread in (0.0, 0.03):
        near = at + rng.normal(0, spread * short + 1e-6, at.shape)
        near = np.clip(near, 0, (width - 1, height - 1)).astype(np.intp)
        mixed = color[near[:, 1], near[:, 0]] * np.exp(
            rng.normal(0, 0.16, (len(at), 1))
        )
        mixed += rng.normal(0, 0.03, mixed.shape)
        paints.append(np.clip(mixed, 0, 1).astype(np.float32))
    chance = rng.random(len(at)) < 0.05
    paints[1][chance] = (np.asarray(_CHANCE, np.float32) / 255)[
        rng.integers(5, size=chance.sum())
    ]
    breadths = (breadth * short * rng.uniform(0.55, 1.25, len(at))).astype(np.float32)
    strokes = brush.Strokes(path.astype(np.float32), breadths, *paints)
    brush.lay(canvas, strokes, rng, brush.Tool(taper=0.12, ragged=0.045, body=1.5))
