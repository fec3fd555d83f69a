"""A mosaic: a peacock of glass and stone tesserae among leaves, set along flow lines."""

import numpy as np
from scipy import ndimage, spatial

from tools.style_pictures import fields

_OVERSAMPLING = 2
_SPACING = 0.0185  # of the short side, between tesserae
_ROUNDS = 9  # of relaxation
_BODY = (0.47, 0.70)  # where the fan of feathers springs from, short sides
_ROSETTES = (
    (0.13, 0.17, 0.12),
    (1.17, 0.18, 0.13),
    (0.07, 0.80, 0.12),
    (1.2, 0.8, 0.1),
)
_FANS = (
    (0.29, 0.043, 11),
    (0.41, 0.052, 13),
    (0.54, 0.060, 15),
)  # reach, size of the eyes, count
_GROUND = ((122, 30, 24), (176, 52, 28), (206, 92, 36), (226, 140, 60))
_GOLD = ((150, 96, 20), (208, 152, 36), (244, 204, 84), (255, 238, 170))
_LEAVES = ((18, 56, 40), (30, 96, 60), (84, 140, 60), (170, 190, 90))
_FEATHER = ((10, 40, 84), (10, 84, 120), (20, 134, 132), (80, 176, 120), (190, 206, 90))
_EYES = ((20, 16, 70), (24, 60, 170), (40, 180, 190), (226, 160, 40), (140, 70, 24))
_BREAST = ((14, 18, 90), (24, 50, 170), (30, 110, 206), (80, 190, 220))
_GROUT = (52, 44, 40)


def paint(seed: int, height: int, width: int) -> np.ndarray:
    """Sets the mosaic; another `seed` places and tints the tesserae otherwise.

    Returns:
        uint8 [H, W, 3].
    """
    rng = np.random.default_rng(seed)
    height, width = height * _OVERSAMPLING, width * _OVERSAMPLING
    x, y = fields.grid(height, width)
    color, angle = _cartoon(rng, x, y)
    tile, gap = _tesserae(rng, angle)
    tone = _tile_tones(rng, tile, color)
    picture = _set(rng, tone, tile, gap)
    blocks = picture.reshape(height // 2, _OVERSAMPLING, width // 2, _OVERSAMPLING, 3)
    return np.round(blocks.mean((1, 3)) * 255).astype(np.uint8)


def _cartoon(rng, x, y) -> tuple[np.ndarray, np.ndarray]:
    """Returns the design: colors [H, W, 3] and the direction of the rows [H, W], radians."""
    height, width = x.shape
    wander = fields.noise(rng, height, width, cell=0.25, octaves=2)
    angle = (0.6 * np.sin(6 * x + 2) + 0.5 * wander + 0.8 * np.cos(5 * y)).astype(
        np.float32
    )
    waves = 0.5 + 0.35 * np.sin(55 * (y + 0.03 * np.sin(9 * x)) + 2.5 * wander)
    color = fields.ramp(np.clip(waves, 0, 1), _GROUND)
    for cx, cy, radius in _ROSETTES:
        color, angle = _rosette(color, angle, x - cx, y - cy, radius)
    color, angle = _vines(color, angle, x, y)
    color, angle = _fan(color, angle, x, y)
    color, angle = _bird(color, angle, x, y)
    edge = np.minimum(np.minimum(x, x[0, -1] - x), np.minimum(y, y[-1, 0] - y))
    border = edge < 0.045
    upright = np.minimum(x, x[0, -1] - x) < np.minimum(y, y[-1, 0] - y)
    key = np.sin(70 * np.where(upright, y, x)) > 0
    band = fields.ramp(np.where(key, 0.75, 0.15) * np.ones_like(x), _GOLD)
    dark = fields.ramp(np.full_like(x, 0.15), _BREAST)
    color[border] = np.where((edge < 0.022)[..., None], dark, band)[border]
    angle[border] = np.where(upright, np.pi / 2, 0)[border]
    return color, angle.astype(np.float32)


def _rosette(color, angle, dx, dy, radius):
    r, turn = np.hypot(dx, dy) / radius, np.arctan2(dy, dx)
    petal = 0.82 + 0.18 * np.cos(8 * turn)
    inside = r < petal
    tone = np.clip(1.1 - r / petal + 0.18 * np.cos(8 * turn), 0, 1)
    color[inside] = fields.ramp(tone, _GOLD)[inside]
    ring = (r > 0.25) & (r < 0.40)
    color[ring] = fields.ramp(0.5 + 0.5 * np.cos(12 * turn), _BREAST)[ring]
    angle = np.where(r < 1.25, turn + np.pi / 2, angle)
    return color, angle


def _vines(color, angle, x, y):
    for phase, base, sign in ((0.0, 0.10, 1), (2.1, 1.17, -1)):
        center = base + 0.055 * np.sin(9 * y + phase)
        slope = np.arctan2(1.0, 0.5 * np.cos(9 * y + phase))
        for index, place in enumerate(np.linspace(0.08, 0.98, 11)):
            side = sign if index % 2 else -sign
            cx = base + 0.055 * np.sin(9 * place + phase) + 0.055 * side
            dx, dy = x - cx, y - place + 0.02
            along = dx * side * 0.8 - dy * 0.6
            across = dx * side * 0.6 + dy * 0.8
            leaf = (along / 0.062) ** 2 + (across / 0.026) ** 2 < 1
            color[leaf] = fields.ramp(np.clip(0.5 - across * 16, 0, 1), _LEAVES)[leaf]
            angle = np.where(leaf, np.arctan2(-0.6, 0.8 * side), angle)
        stem = np.abs(x - center) < 0.010
        color[stem] = fields.ramp(np.full(stem.sum(), 0.25), _LEAVES)
        angle = np.where(np.abs(x - center) < 0.022, slope, angle)
    return color, angle


def _fan(color, angle, x, y):
    """Draws feathers around the bird: spokes, each with an eye, in three rows."""
    cx, cy = _BODY
    cx += 0.17
    dx, dy = x - cx, y - cy
    r, turn = np.hypot(dx, dy), np.arctan2(dx, -dy)  # 0 is up, to either side +-pi
    fan = (np.abs(turn) < 1.95) & (r < 0.62 + 0.015 * np.cos(30 * turn)) & (r > 0.05)
    barbs = (
        0.45 + 0.25 * np.sin(90 * r - 3 * np.abs(np.sin(11 * turn))) + 0.3 * (r - 0.3)
    )
    color[fan] = fields.ramp(np.clip(barbs, 0, 1), _FEATHER)[fan]
    angle = np.where(fan, np.arctan2(dy, dx), angle)
    for row, (reach, size, count) in enumerate(_FANS):
        for place in np.linspace(-1.80, 1.80, count) + (0.07 if row == 1 else 0):
            ex, ey = x - (cx + reach * np.sin(place)), y - (cy - reach * np.cos(place))
            outward = ex * np.sin(place) - ey * np.cos(place)
            sideways = ex * np.cos(place) + ey * np.sin(place)
            away = np.hypot(outward * 0.82, sideways * 1.15) / size
            eye = away < 1
            color[eye] = fields.ramp(np.clip(away, 0, 1), _EYES)[eye]
            angle = np.where(eye, np.arctan2(ey, ex) + np.pi / 2, angle)
    return color, angle


def _bird(color, angle, x, y):
    cx, cy = _BODY[0] + 0.17, _BODY[1]
    lift = np.clip((cy + 0.24 - y) / 0.52, 0, 1)  # 0 at the feet, 1 at the head
    center = cx - 0.035 * np.sin(3.4 * lift) + 0.02 * lift
    half = (
        0.105
        * np.sqrt(np.clip(np.sin(np.pi * np.clip(lift * 1.25 + 0.05, 0, 1)), 0, 1))
        + 0.034
    )
    across = (x - center) / half
    body = (np.abs(across) < 1) & (lift > 0) & (lift < 0.97)
    scales = np.sin(60 * lift + 2.2 * across**2) * 0.22
    color[body] = fields.ramp(np.clip(0.5 - 0.35 * across + scales, 0, 1), _BREAST)[
        body
    ]
    angle = np.where(body, np.pi / 2 + 0.9 * across, angle)
    hx, hy = cx + 0.005, cy - 0.285
    skull = np.hypot(x - hx, y - hy) < 0.058
    color[skull] = fields.ramp(np.clip((y - hy) * 9 + 0.6, 0, 1), _BREAST[::-1])[skull]
    beak = (
        (x < hx - 0.045)
        & (x > hx - 0.125)
        & (np.abs(y - hy - 0.006) < 0.42 * (x - hx + 0.125))
    )
    color[beak] = np.asarray((255, 206, 70), np.float32) / 255
    return color, angle


def _tesserae(rng, angle) -> tuple[np.ndarray, np.ndarray]:
    """Returns each pixel's tile number [H, W] and how far from its edge it is [H, W], in tiles.

    Points wander to the middles of their cells (Lloyd's relaxation). `_nearest`
    measures distance in the frame turned along the flow, which makes the cells nearly
    square and lines them up.
    """
    height, width = angle.shape
    spacing = _SPACING * min(height, width)
    rows, columns = int(height / spacing) + 1, int(width / spacing) + 1
    lattice = np.stack(np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5), -1)
    points = (
        lattice.reshape(-1, 2) + rng.uniform(-0.45, 0.45, (rows * columns, 2))
    ) * spacing
    step = max(int(spacing / 7), 1)
    y, x = np.mgrid[0:height:step, 0:width:step].astype(np.float32)
    for _ in range(_ROUNDS):
        tile, _ = _nearest(points, angle, x, y)
        count = np.bincount(tile.ravel(), minlength=len(points))
        sums = [np.bincount(tile.ravel(), c.ravel(), len(points)) for c in (x, y)]
        middle = np.stack(sums, -1) / np.maximum(count, 1)[:, None]
        points = np.where(count[:, None] > 0, middle, points)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    tile, margin = _nearest(points, angle, x, y)
    return tile, margin / spacing


def _nearest(points, angle, x, y) -> tuple[np.ndarray, np.ndarray]:
    """Returns the nearest point's number and the lead over the second nearest, both [h, w].

    Distance is mostly the larger of the two offsets along and across the flow at the
    point.
    """
    height, width = angle.shape
    _, near = spatial.cKDTree(points).query(np.stack([x.ravel(), y.ravel()], -1), k=6)
    at_rows = np.clip(points[:, 1], 0, height - 1).astype(np.intp)
    at_columns = np.clip(points[:, 0], 0, width - 1).astype(np.intp)
    turn = angle[at_rows, at_columns]
    cos, sin = (
        np.cos(turn).astype(np.float32)[near],
        np.sin(turn).astype(np.float32)[near],
    )
    dx = x.reshape(-1, 1) - points[:, 0].astype(np.float32)[near]
    dy = y.reshape(-1, 1) - points[:, 1].astype(np.float32)[near]
    along, across = np.abs(dx * cos + dy * sin), np.abs(dy * cos - dx * sin)
    distance = 0.8 * np.maximum(along, across) + 0.2 * np.hypot(along, across)
    best = np.argmin(distance, 1)
    pick = np.arange(len(best))
    first = distance[pick, best]
    distance[pick, best] = np.inf
    lead = distance.min(1) - first
    return near[pick, best].reshape(x.shape), lead.reshape(x.shape)


def _tile_tones(rng, tile, color) -> np.ndarray:
    """Returns every tile's color [T, 3]: the design's in its middle, tinted by chance."""
    count = int(tile.max()) + 1
    area = np.maximum(np.bincount(tile.ravel(), minlength=count), 1)
    tone = [
        np.bincount(tile.ravel(), color[..., c].ravel(), count) / area for c in range(3)
    ]
    tone = 1.16 * np.stack(tone, -1) * np.exp(rng.normal(0, 0.20, (count, 1)))
    tone += rng.normal(0, 0.035, (count, 3))
    spark = rng.random(count) < 0.03
    tone[spark] = np.asarray(_GOLD[2]) / 255
    return np.clip(tone, 0.02, 1).astype(np.float32)


def _set(rng, tone, tile, gap) -> np.ndarray:
    height, width = tile.shape
    count = len(tone)
    face = fields.smoothstep(
        0.10, 0.20, gap + 0.02 * fields.noise(rng, height, width, 0.01, 2)
    )
    dome = np.minimum(gap, 0.42)
    down, right = np.gradient(ndimage.gaussian_filter(dome, 1.2))
    tilt = rng.normal(0, 0.10, count).astype(np.float32)[tile]
    spacing = _SPACING * min(height, width)
    slope = np.tanh(0.35 * spacing * (0.6 * right + 0.8 * down))
    grain = fields.noise(rng, height, width, cell=0.010, octaves=3)
    glass = tone[tile] * (1 + 0.40 * slope + tilt + 0.04 * grain)[..., None]
    glass += (0.25 * np.clip(slope - 0.3, 0, 1) + 0.25 * np.clip(tilt - 0.12, 0, 1))[
        ..., None
    ]
    grout = np.asarray(_GROUT, np.float32) / 255 * (1 + 0.12 * grain[..., None])
    return np.clip(fields.mix(grout, glass, face), 0, 1)
