"""Writes GIF and animated WebP: one palette and one pattern of dither for all frames."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from nst_tf.video.frames import Facts
from nst_tf.video.writing.joining import find_durations
from nst_tf.video.writing.parts import Parts

_SAMPLES = 500_000  # pixels of all frames, of which the palette is made
_COLORS = 255  # one more stands for what is transparent
# Each pixel has four candidates. Of its error so much is made good by the next one: ours,
# with the least error of means over 5 x 5 pixels on two clips, 1.1 levels (none 1.7,
# errors handed on 0.9, which flicker).
_PATTERN = np.array([[0, 2], [3, 1]])
_SHARE = 0.75
_LIGHTNESS = (0.299, 0.587, 0.114)  # BT.601
_TRANSPARENT = 255  # its number in the palette


def write_animation(parts: Parts, facts: Facts, aside: Path, quality: int) -> None:
    """Writes a GIF or a WebP of painted frames.

    Args:
        parts: PNGs of the frames.
        facts: of the source.
        aside: the file to write, of the output's suffix.
        quality: of a WebP, 1 to 100.
    """
    index = parts.read_index()
    durations = find_durations(index[:, 0], index) * float(1000 * facts.time_base)
    if aside.suffix == ".gif":
        _write_gif(parts, durations, facts.plays, aside)
        return
    _Frames(len(index), lambda: _read_pictures(parts)).save(
        aside,
        "WEBP",
        save_all=True,
        duration=durations.tolist(),
        loop=facts.plays,
        quality=quality,
        method=4,
    )


def _write_gif(parts: Parts, durations: np.ndarray, plays: int, aside: Path) -> None:
    colors = make_palette(parts, len(durations))
    palette = _fill_palette(colors)
    # A GIF counts hundredths; their rounding does not add up.
    ends = np.rint(np.cumsum(durations) / 10)
    hundredths = np.maximum(np.diff(ends, prepend=0), 1).astype(int)

    def read_indexed() -> Iterator[PillowImage.Image]:
        for picture in _read_pictures(parts):
            yield _index_picture(picture, colors, palette)

    options: dict[str, Any] = {} if plays == 1 else {"loop": max(plays - 1, 0)}
    _Frames(len(durations), read_indexed).save(
        aside,
        "GIF",
        save_all=True,
        palette=palette,
        duration=(10 * hundredths).tolist(),
        disposal=2 if _have_alpha(parts) else 1,
        optimize=False,
        **options,
    )


def _read_pictures(parts: Parts) -> Iterator[PillowImage.Image]:
    for packet in parts.read():
        yield PillowImage.open(io.BytesIO(packet.data))


def _have_alpha(parts: Parts) -> bool:
    return any(picture.mode == "RGBA" for picture in _read_pictures(parts))


def make_palette(parts: Parts, count: int) -> np.ndarray:
    """Returns at most 255 colors for all frames together, uint8 [N, 3], from dark to light.

    Args:
        parts: PNGs of the frames.
        count: of the frames.
    """
    share = max(_SAMPLES // count, 64)
    rng = np.random.default_rng(0)
    samples = [np.zeros((1, 3), np.uint8)]
    for picture in _read_pictures(parts):
        pixels = np.asarray(picture).reshape(-1, len(picture.getbands()))
        if pixels.shape[1] == 4:
            pixels = pixels[pixels[:, 3] >= 128, :3]
        if len(pixels):
            samples.append(pixels[rng.integers(0, len(pixels), share)])
    row = PillowImage.fromarray(np.concatenate(samples)[None])
    quantized = row.quantize(_COLORS, PillowImage.Quantize.MEDIANCUT, kmeans=3)
    palette = np.array(quantized.getpalette("RGB"), np.uint8).reshape(-1, 3)
    colors = np.unique(palette[:_COLORS], axis=0)
    return colors[np.argsort(colors @ _LIGHTNESS)]


def dither(rgb: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Returns the number of a color for each pixel, uint8 [height, width].

    Pattern dithering (Knoll 1999): for each pixel by itself as many colors as a pattern has
    places are chosen, whose mean is near to it; the pixel's place in the pattern says which
    one it gets, by lightness. So what does not change in a frame does not change in the
    result, as it would if errors were handed on to neighbors.

    Args:
        rgb: uint8 [height, width, 3].
        colors: uint8 [N, 3], N at most 255, from dark to light.
    """
    height, width = rgb.shape[:2]
    palette = PillowImage.new("P", (1, 1))
    first = np.repeat(colors[:1], 256 - len(colors), 0)
    filled = np.concatenate([colors, first])
    palette.putpalette(filled.tobytes())
    candidates = []
    error = np.zeros(rgb.shape, np.float32)
    for _ in range(_PATTERN.size):
        wanted = np.clip(np.rint(rgb + _SHARE * error), 0, 255).astype(np.uint8)
        chosen = PillowImage.fromarray(wanted).quantize(
            palette=palette, dither=PillowImage.Dither.NONE
        )
        numbers = np.asarray(chosen)
        candidates.append(np.where(numbers < len(colors), numbers, 0))
        error += rgb.astype(np.float32) - filled[numbers]
    rows, columns = np.ogrid[:height, :width]
    place = _PATTERN[rows % 2, columns % 2]
    by_lightness = np.sort(np.stack(candidates), axis=0)
    return np.take_along_axis(by_lightness, place[None], axis=0)[0].astype(np.uint8)


def _fill_palette(colors: np.ndarray) -> bytes:
    """Returns 256 colors, all different: Pillow would change the numbers of twins."""
    known = set(map(tuple, colors.tolist()))
    others = (each for each in itertools.product(range(256), repeat=3))
    fillers = (each for each in others if each not in known)
    filled = colors.tolist() + list(itertools.islice(fillers, 256 - len(colors)))
    return np.array(filled, np.uint8).tobytes()


def _index_picture(
    picture: PillowImage.Image, colors: np.ndarray, palette: bytes
) -> PillowImage.Image:
    pixels = np.asarray(picture)
    numbers = dither(pixels[..., :3], colors)
    if pixels.shape[2] == 4:
        numbers[pixels[..., 3] < 128] = _TRANSPARENT
    indexed = PillowImage.fromarray(numbers)
    indexed.putpalette(palette)
    if pixels.shape[2] == 4:
        indexed.info["transparency"] = _TRANSPARENT
    return indexed


class _Frames(PillowImage.Image):
    """Frames as one picture of Pillow, which takes one after the other when it is saved.

    Args:
        count: of the frames.
        read: begins to read them.
    """

    def __init__(self, count: int, read: Callable[[], Iterator[PillowImage.Image]]):
        super().__init__()
        self.n_frames = count
        self._read = read
        self._restart()
        self.seek(0)

    def _restart(self) -> None:
        self._pictures, self._number = self._read(), -1

    def seek(self, frame: int) -> None:
        """Moves to a frame; backwards it reads anew."""
        if frame >= self.n_frames:
            raise EOFError
        if frame < self._number:
            self._restart()
        while self._number < frame:
            picture = next(self._pictures)
            self._number += 1
            if self._number == frame:
                self._show(picture)

    def tell(self) -> int:
        """Returns the number of the frame."""
        return self._number

    def _show(self, picture: PillowImage.Image) -> None:
        picture.load()
        self._mode, self._size = picture.mode, picture.size
        self.im, self.palette, self.info = picture.im, picture.palette, picture.info
