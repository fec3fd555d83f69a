"""A color print from wood blocks: striped breakers, round foam, a mountain, clouds and a sun."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import interpolate, ndimage

from tools.style_pictures import brush, fields

_OVERSAMPLING = 2
_PRUSSIAN = (16, 36, 84)
_INDIGO = (28, 66, 122)
_AZURE = (74, 132, 176)
_PALE = (166, 202, 208)
_FOAM = (246, 238, 216)
_CREAM = (240, 224, 184)
_PEACH = (238, 176, 120)
_VERMILION = (206, 62, 40)
_PINE = (62, 96, 72)
_MOSS = (136, 156, 96)
_KEY = (18, 22, 40)  # the block of the lines

_CLOUDS = (
    (0.045, 0.2),
    (0.115, 2.6),
    (0.19, 4.4),
    (0.33, 1.0),
    (0.41, 3.3),
)  # height, phase

# A breaker's back and face, both from the foot to the tip of its lip, and its foot:
# short sides.
_BACK = (
    (-0.25, 1.02),
    (-0.10, 0.52),
    (0.08, 0.26),
    (0.28, 0.135),
    (0.47, 0.17),
    (0.575, 0.315),
)
_FOAM_SIZES = (
    (0.042, 0.030, 34),
    (0.027, 0.050, 34),
    (0.013, 0.085, 40),
)  # radius, reach, count
_FACE = (
    (1.05, 1.02),
    (0.62, 0.86),
    (0.40, 0.66),
    (0.345, 0.47),
    (0.42, 0.345),
    (0.575, 0.315),
)


class _Print:
    """Colors and outlines: every `put` is a flat piece of the print with a line around it."""

    def __init__(self, height: int, width: int) -> None:
        self.short = min(height, width)
        self.color = np.zeros((height, width, 3), np.float32)
        self.piece = np.zeros((height, width), np.int32)

    def put(self, mask: np.ndarray, color) -> None:
        """Lays a color (three numbers, 0..255, or a 0..1 array [H, W, 3]) on `mask` [H, W]."""
        self.piece[mask] = self.piece.max() + 1
        flat = isinstance(color, tuple)
        self.color[mask] = np.asarray(color, np.float32) / 255 if flat else color[mask]

    def put_polygon(self, points, color) -> None:
        """Lays a flat polygon; `points` [P, 2] are in short sides."""
        height, width = self.piece.shape
        mask = Image.new("1", (width, height))
        ImageDraw.Draw(mask).polygon(
            (np.asarray(points) * self.short).ravel().tolist(), fill=1
        )
        self.put(np.asarray(mask), color)

    def put_disk(self, x, y, radius, color) -> None:
        """Lays a flat disk; all in short sides."""
        turn = np.linspace(0, 2 * np.pi, 40)
        rim = np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], -1)
        self.put_polygon(rim, color)


def paint(seed: int, height: int, width: int) -> np.ndarray:
    """Prints the picture; another `seed` gives other foam, grain and wear.

    Returns:
        uint8 [H, W, 3].
    """
    rng = np.random.default_rng(seed)
    height, width = height * _OVERSAMPLING, width * _OVERSAMPLING
    x, y = fields.grid(height, width)
    sheet = _Print(height, width)
    _sky(sheet, x, y)
    _mountain(sheet, x, y)
    for layer in range(3):
        _swell(rng, sheet, x, y, layer)
    _breaker(rng, sheet, lambda p: np.asarray(p) * (-0.62, 0.62) + (1.36, 0.40))
    _swell(rng, sheet, x, y, 3)
    _breaker(rng, sheet, lambda p: np.asarray(p, float))
    _swell(rng, sheet, x, y, 4)
    picture = _pressed(rng, sheet)
    return np.round(brush.shrunk(np.clip(picture, 0, 1), _OVERSAMPLING) * 255).astype(
        np.uint8
    )


def _stops(values, *colors):
    return fields.ramp(np.clip(values, 0, 1), colors)


def _sky(sheet: _Print, x, y) -> None:
    shade = _stops(y / 0.62, _PRUSSIAN, _AZURE, _PALE, _CREAM, _PEACH, _PEACH)
    sheet.put(np.ones(x.shape, bool), shade)
    sun = np.hypot(x - 0.93, y - 0.25)
    for radius, tone in ((0.150, 0.0), (0.128, 0.5), (0.106, 1.0)):
        glow = _stops(tone + 0.5 * (y - 0.1), _PEACH, _VERMILION, _VERMILION)
        sheet.put(sun < radius, glow)
    for row, (top, phase) in enumerate(_CLOUDS):
        for lane in range(3):
            level = top + 0.021 * lane
            wave = np.sin(4.1 * x + phase + 1.9 * lane) + 0.55 * np.sin(
                9.7 * x + 2 * phase - lane
            )
            end = np.clip(wave - 0.35, 0, None)
            thick = 0.0125 * np.sqrt(np.clip(end * 6, 0, 1))
            bar = np.abs(y - level) < thick
            tint = _stops(0.35 * row / 4 + (y - level) * 20 + 0.3, _FOAM, _CREAM, _PALE)
            sheet.put(bar, tint)


def _mountain(sheet: _Print, x, y) -> None:
    away = np.abs(x - 0.80)
    side = 0.335 + 0.62 * away**0.82 - 0.02 * np.cos(70 * away) * np.exp(-away * 9)
    body = y > side
    sheet.put(body, _stops((y - 0.33) * 3.2, _INDIGO, _AZURE, _PALE, _CREAM))
    snow = body & (
        y < 0.42 + 0.022 * np.sin(62 * x) + 0.016 * np.sin(131 * x + 1) + 0.05 * away
    )
    sheet.put(snow, _FOAM)
    for level, tall, color, phase in (
        (0.60, 0.050, _MOSS, 0.0),
        (0.635, 0.045, _PINE, 1.7),
    ):
        top = (
            level
            - tall * np.abs(np.sin(6.5 * x + phase)) ** 0.6
            - 0.006 * np.sin(90 * x)
        )
        hills = _stops((y - top) * 9, color, _CREAM)
        sheet.put(y > top, hills)
        for stripe in (0.014, 0.030):
            sheet.put(np.abs(y - top - stripe) < 0.0028, _PINE)


def _swell(rng, sheet: _Print, x, y, layer: int) -> None:
    """Lays one row of waves: stripes along the crests, dark to light, and foam on some crests."""
    base = (0.655, 0.705, 0.765, 0.850, 0.945)[layer]
    tall = (0.012, 0.018, 0.028, 0.040, 0.042)[layer]
    pitch = (26, 19, 13, 9.5, 8.0)[layer]
    phase = 1.3 * layer + 0.5
    row = x[0]
    crest = base - tall * (1.6 * np.abs(np.cos(pitch / 2 * row + phase)) ** 1.6 - 0.6)
    crest -= 0.5 * tall * np.sin(0.37 * pitch * row + 2 * phase)
    depth = y - crest
    step = tall * 0.52
    tints = (
        _PALE,
        _PRUSSIAN,
        _AZURE,
        _INDIGO,
        _PALE,
        _INDIGO,
        _AZURE,
        _PRUSSIAN,
        _INDIGO,
    )
    sheet.put(depth > 0, _stops(depth / (9 * step), _AZURE, _INDIGO, _PRUSSIAN))
    for index, tint in enumerate(tints):
        fold = step * (index + 0.25 * np.sin(2.3 * pitch * x + index))
        sheet.put((depth > fold) & (depth < fold + 0.62 * step), tint)
    if layer == 0:
        return
    peaks = np.flatnonzero((crest[1:-1] < crest[:-2]) & (crest[1:-1] <= crest[2:])) + 1
    for peak in peaks:
        for _ in range(3 + 2 * layer):
            at = peak + rng.normal(0, 0.9 * tall) * sheet.short
            at = int(np.clip(at, 0, len(row) - 1))
            radius = tall * rng.uniform(0.12, 0.30)
            _bubble(sheet, row[at], crest[at] + rng.uniform(-0.2, 0.5) * radius, radius)


def _bubble(sheet: _Print, x, y, radius) -> None:
    sheet.put_disk(x, y, radius, _FOAM)
    if radius > 0.018:
        sheet.put_disk(x + 0.14 * radius, y + 0.24 * radius, 0.56 * radius, _PALE)


def _spline(points, count: int = 160) -> np.ndarray:
    points = np.asarray(points, float)
    place = np.linspace(0, 1, len(points))
    return interpolate.CubicSpline(place, points)(np.linspace(0, 1, count))


def _breaker(rng, sheet: _Print, moved) -> None:
    """Lays a great wave whose stripes run from its foot into its lip; `moved` places points."""
    back, face = _spline(_BACK), _spline(_FACE)
    ends = moved(((1, 0), (0, 0)))
    scale = abs(ends[0, 0] - ends[1, 0])
    whole = np.concatenate([back, face[::-1]])
    sheet.put_polygon(moved(whole), _INDIGO)
    tints = (
        _PRUSSIAN,
        _PALE,
        _INDIGO,
        _AZURE,
        _PRUSSIAN,
        _FOAM,
        _INDIGO,
        _PALE,
        _AZURE,
    )
    edges = np.linspace(0.0, 1.0, 30)
    for index, (low, high) in enumerate(zip(edges[:-1], edges[1:])):
        high = low + (high - low) * (0.95 if index % 2 else 0.7)
        first, second = back + (face - back) * low, back + (face - back) * high
        stripe = np.concatenate([first, second[::-1]])
        sheet.put_polygon(moved(stripe), tints[(index * 4 + index // 5) % len(tints)])
    for size, spread, count in _FOAM_SIZES:
        for place in np.sort(rng.uniform(0.42, 1.0, count)):
            spot = back[int(place * 159)]
            heading = (
                back[min(int(place * 159) + 1, 159)]
                - back[max(int(place * 159) - 1, 0)]
            )
            heading = heading / (np.linalg.norm(heading) + 1e-9)
            outward = np.array([heading[1], -heading[0]])
            grown = (place - 0.3) / 0.7
            spot = spot + outward * rng.uniform(-0.25, 0.9) * spread * grown
            spot = spot + heading * rng.uniform(0, 1.0) * spread * (place > 0.93)
            radius = size * rng.uniform(0.55, 1.1) * (0.45 + 0.6 * grown)
            px, py = moved(spot)
            _bubble(sheet, px, py, radius * scale)
    for _ in range(46):
        spray = np.array([0.54, 0.34]) + rng.normal(0, (0.11, 0.10))
        px, py = moved(spray)
        sheet.put_disk(px, py, rng.uniform(0.002, 0.006), _FOAM)


def _pressed(rng, sheet: _Print) -> np.ndarray:
    """Returns the inked sheet: lines around the pieces, grain of the blocks, wear and paper."""
    height, width = sheet.piece.shape
    piece = sheet.piece
    step = np.zeros((height, width), np.float32)
    step[:, 1:] += piece[:, 1:] != piece[:, :-1]
    step[1:] += piece[1:] != piece[:-1]
    hand = fields.noise(rng, height, width, cell=0.06, octaves=3)
    near = ndimage.distance_transform_edt(step == 0)
    reach = (1.15 + 0.5 * hand) * sheet.short / 1088
    line = fields.smoothstep(0.8, -0.3, near - reach)
    slip = max(round(sheet.short * 0.0014), 1)
    color = np.roll(
        sheet.color, (slip, -slip), (0, 1)
    )  # the color blocks sit a little off
    x, y = fields.grid(height, width)
    rings = y + 0.05 * fields.noise(rng, height, width, cell=0.5, octaves=2)
    grain = np.sin(
        330 * rings + 2.0 * fields.noise(rng, height, width, cell=0.10, octaves=2)
    )
    pores = rng.standard_normal((height, width)).astype(np.float32)
    pores = ndimage.gaussian_filter(pores, (0.7, 9.0))
    pores /= pores.std()
    mottle = fields.noise(rng, height, width, cell=0.015, octaves=3)
    color = color * (1 + 0.045 * grain + 0.045 * pores + 0.03 * mottle)[..., None]
    bare = fields.smoothstep(1.9, 3.0, pores + 0.8 * mottle)
    color = fields.mix(color, np.asarray(_FOAM, np.float32) / 255, 0.5 * bare)
    return fields.mix(
        color, np.asarray(_KEY, np.float32) / 255, 0.94 * line * (1 - 0.3 * bare)
    )
