"""The design of a starry night: the color of the paint and the way of the brush, everywhere."""

import dataclasses

import numpy as np

from tools.style_pictures import fields

# (x, y, halo radius): short sides.
STARS = (
    (0.47, 0.115, 0.085),
    (0.70, 0.075, 0.055),
    (0.93, 0.135, 0.095),
    (1.20, 0.070, 0.070),
    (0.06, 0.055, 0.045),
    (0.075, 0.455, 0.075),
    (0.335, 0.385, 0.060),
    (0.56, 0.545, 0.050),
    (1.245, 0.395, 0.062),
    (0.325, 0.055, 0.036),
    (0.80, 0.565, 0.040),
)
MOON = (0.205, 0.205, 0.165)
# (x, y, radius, spin, pull).
_SWIRLS = (
    (0.655, 0.315, 0.155, 1, 0.18),
    (0.885, 0.400, 0.115, -1, 0.15),
    (0.46, 0.300, 0.085, -1, 0.10),
    (0.22, 0.500, 0.075, 1, 0.15),
    (1.07, 0.235, 0.080, 1, 0.10),
)
_SKY = (
    (6, 10, 44), (10, 20, 84), (16, 38, 132), (24, 62, 170), (28, 92, 192), (38, 130, 204),
    (66, 168, 208), (124, 204, 206), (206, 232, 206),
)  # fmt: skip
_GLOW = (
    (255, 253, 226), (255, 240, 140), (254, 214, 54), (247, 170, 22), (238, 200, 70),
    (206, 216, 122), (128, 196, 176),
)  # fmt: skip
_WARM_GLOW = (
    (255, 246, 190), (255, 214, 70), (250, 168, 24), (236, 104, 22), (242, 170, 40),
    (222, 206, 110), (120, 186, 180),
)  # fmt: skip
_COOL_GLOW = (
    (255, 255, 240), (250, 248, 170), (226, 232, 96), (246, 206, 60), (160, 214, 130),
    (96, 196, 190), (60, 150, 206),
)  # fmt: skip
GLOWS = (_GLOW, _WARM_GLOW, _GLOW, _COOL_GLOW)  # taken in turn by the stars
MOONLIGHT = (
    (255, 244, 170), (255, 214, 60), (248, 160, 20), (240, 188, 44), (246, 222, 110),
    (190, 210, 120), (92, 176, 180),
)  # fmt: skip
_HILL = (
    (8, 16, 52),
    (16, 40, 96),
    (22, 74, 118),
    (34, 112, 120),
    (88, 156, 120),
    (178, 196, 110),
)
_FIELD = ((70, 38, 20), (146, 82, 18), (206, 136, 22), (238, 184, 52), (250, 222, 120))
_RIVER = ((8, 18, 70), (18, 54, 140), (30, 104, 180), (240, 176, 40), (255, 226, 120))
_CYPRESS = (
    (6, 10, 16),
    (10, 26, 26),
    (20, 50, 34),
    (44, 76, 34),
    (104, 100, 34),
    (140, 70, 24),
)


@dataclasses.dataclass(frozen=True)
class Scene:
    """What the brush looks at.

    Attributes:
        color: float32 [H, W, 3], 0..1.
        angle: float32 [H, W], the direction of the strokes in radians, y down.
        sky: bool [H, W].
        cypress: bool [H, W].
    """

    color: np.ndarray
    angle: np.ndarray
    sky: np.ndarray
    cypress: np.ndarray


def scene(rng: np.random.Generator, height: int, width: int) -> Scene:
    """Returns the design for a canvas of that many pixels; `rng` moves only its details."""
    x, y = fields.grid(height, width)
    angle = _sky_flow(rng, x, y)
    color = _sky_color(rng, x, y, angle)
    ground = np.zeros((height, width), bool)
    for land, flow, paints in _lands(rng, x, y):
        color[land], angle[land] = paints[land], flow[land]
        ground |= land
    for tree, flow, paints in _cypresses(rng, x, y):
        color[tree], angle[tree] = paints[tree], flow[tree]
        ground |= tree
    trees = _cypress_mask(x, y)
    return Scene(color, angle, ~ground, trees)


def _sky_flow(rng: np.random.Generator, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    drift = 0.32 * np.sin(5.2 * x + 3 * y) + 0.25 * fields.noise(
        rng, *x.shape, cell=0.5, octaves=2
    )
    stars = [(*MOON[:2], MOON[2] * 0.95, 1, 0)]
    stars += [(cx, cy, r * 0.95, 1, 0) for cx, cy, r in STARS]
    return fields.swirl(drift.astype(np.float32), x, y, (*_SWIRLS, *stars))


def _sky_color(rng, x, y, angle) -> np.ndarray:
    height, width = x.shape
    short = min(height, width)
    # The bands are found on a small copy: they are soft.
    step = max(short // 290, 1)
    small = angle[::step, ::step]
    broad = fields.noise(rng, *small.shape, cell=0.055, octaves=2)
    fine = fields.noise(rng, *small.shape, cell=0.018, octaves=1)
    reach = max(int(0.13 * min(small.shape)), 2)
    bands = fields.ranked(fields.drawn_along(broad, small, reach)) - 0.5
    bands += 0.55 * (fields.ranked(fields.drawn_along(fine, small, reach // 2)) - 0.5)
    tone = np.repeat(np.repeat(bands, step, 0), step, 1)[:height, :width]
    tone = np.pad(
        tone, ((0, height - tone.shape[0]), (0, width - tone.shape[1])), mode="edge"
    )
    arms = np.zeros_like(tone)
    for cx, cy, radius, spin, _ in _SWIRLS:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) + 1e-4
        turn = np.cos(2 * np.arctan2(dy, dx) * spin - 13 * (r / radius) ** 0.6)
        heart = 1.2 * np.exp(-((r / (0.22 * radius)) ** 2))
        arms += (turn + 0.35 + heart) * fields.smoothstep(1.6 * radius, 0.6 * radius, r)
    value = fields.ranked(tone + 0.60 * arms + 0.25 * (y - 0.35))
    color = fields.ramp(value**1.15, _SKY)
    violet = fields.smoothstep(0.6, 2.0, fields.noise(rng, height, width, cell=0.16))
    color = fields.mix(color, color[..., [1, 0, 2]] * (1.1, 0.75, 0.95), 0.55 * violet)
    for index, (cx, cy, radius) in enumerate(STARS):
        glow = GLOWS[index % len(GLOWS)]
        color = _glow(color, np.hypot(x - cx, y - cy) / radius, tone, glow)
    cx, cy, radius = MOON
    color = _glow(color, np.hypot(x - cx, y - cy) / radius, tone, MOONLIGHT)
    return color.astype(np.float32)


def _glow(color, away, tone, stops) -> np.ndarray:
    rings = fields.ramp(
        np.clip(away + 0.05 * np.sin(22 * away) + 0.10 * tone, 0, 1), stops
    )
    broken = fields.smoothstep(1.30, 0.62, away + 0.55 * tone * (away > 0.45))
    broken *= 1 - 0.8 * ((np.sin(26 * away) > 0.55) & (away > 0.62))
    return fields.mix(color, rings, broken)


def _ridge(x: np.ndarray, base: float, waves) -> np.ndarray:
    line = np.full_like(x, base)
    for height, frequency, phase in waves:
        line += height * np.sin(frequency * x + phase)
    return line


def _lands(rng, x, y):
    shape = x.shape
    wander = fields.noise(rng, *shape, cell=0.05, octaves=3)
    far = _ridge(x, 0.655, ((0.035, 5.1, 0.6), (0.018, 11.0, 2.0)))
    middle = _ridge(x, 0.735, ((0.038, 4.3, 3.4), (0.016, 9.0, 0.4)))
    near = _ridge(x, 0.845, ((0.036, 3.9, 1.1), (0.014, 10.0, 1.0)))
    layers = []
    for top, stops, slant, stripes in (
        (far, _HILL[:5], 0.5, 60),
        (middle, _HILL, -0.6, 75),
        (near, _FIELD, 0.45, 85),
    ):
        depth = y - top
        slope = np.arctan(np.gradient(top, axis=1) * min(shape))
        flow = slope + slant * np.clip(depth * 7, 0, 1) + 0.12 * wander
        rows = 0.5 + 0.32 * np.sin(stripes * depth + 9 * slant * x + 0.8 * wander)
        crest = fields.smoothstep(0.03, 0.0, depth)
        tone = np.clip(rows + 0.13 * wander + 0.35 * crest, 0, 1)
        layers.append((depth > 0, flow, fields.ramp(tone, stops)))
    # The river comes out of the middle hills and runs to the lower left.
    depth = np.clip((y - 0.74) / 0.26, 0, 1)
    center = 0.64 - 0.33 * depth**1.2 + 0.06 * np.sin(7.0 * depth + 0.4)
    half = 0.018 + 0.125 * depth**1.3
    across = (x - center) / half
    water = (np.abs(across) < 1) & (y > 0.745)
    glints = np.sin(120 * y + 4 * np.sin(9 * across) + 1.5 * wander)
    lit_up = np.exp(-((across + 0.15) ** 2) / 0.22)
    tone = (
        0.34
        + 0.20 * wander * 0.5
        + 0.62 * lit_up * (glints > -0.1)
        - 0.2 * np.abs(across)
    )
    layers.append((water, 0.15 * wander, fields.ramp(np.clip(tone, 0, 1), _RIVER)))
    return layers


# (x of the foot, x of the tip, y of the tip, half width): short sides.
_TREES = (
    (1.135, 1.115, 0.150, 0.066),
    (1.215, 1.225, 0.430, 0.050),
    (1.045, 1.035, 0.590, 0.034),
)


def _tree_shape(x, y, tree):
    foot, tip_x, tip_y, half = tree
    rise = np.clip((y - tip_y) / (1.02 - tip_y), 0, 1)
    center = tip_x + (foot - tip_x) * rise + 0.014 * np.sin(11 * y + 40 * foot)
    profile = half * rise**0.62 * (1 - 0.35 * rise**4)
    ragged = profile * (1 + 0.22 * np.sin(55 * y + 20 * foot) + 0.12 * np.sin(113 * y))
    return rise, (x - center) / (ragged + 1e-5), (y > tip_y)


def _cypress_mask(x, y):
    found = np.zeros(x.shape, bool)
    for tree in _TREES:
        _, across, below = _tree_shape(x, y, tree)
        found |= below & (np.abs(across) < 1)
    return found


def _cypresses(rng, x, y):
    flames = fields.noise(rng, *x.shape, cell=0.04, octaves=2)
    for tree in reversed(_TREES):
        rise, across, below = _tree_shape(x, y, tree)
        inside = below & (np.abs(across) < 1)
        flow = (
            -np.pi / 2
            + 0.55 * across * (0.25 + rise)
            + 0.45 * np.sin(30 * y + 3 * across)
        )
        tone = 0.36 + 0.22 * np.sin(9 * across + 24 * y) + 0.13 * flames - 0.14 * across
        yield (
            inside,
            flow.astype(np.float32),
            fields.ramp(np.clip(tone, 0, 1), _CYPRESS),
        )
