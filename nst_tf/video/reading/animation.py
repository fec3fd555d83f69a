"""Reads the frames of animated pictures, with their times, loops and alpha."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from PIL import Image as PillowImage

from nst_tf.core.errors import expected, first_line
from nst_tf.images import formats, io as image_io
from nst_tf.video.frames import Facts, Frame

_MILLISECOND = Fraction(1, 1000)
# Browsers show frames of 10 ms or less for 100 ms.
_SHORTEST, _INSTEAD = 10, 100


class Animation:
    """The frames of an animated picture, as they are seen; see `frames.Source`.

    Args:
        path: of a GIF, WebP, PNG or AVIF.
        start, end: seconds; frames that begin from the first on and before the second are
            read. An end of 0 is the animation's.
        max_pixels: larger frames are refused.

    Raises:
        UserError: it cannot be read, or has no frame between the times.
    """

    def __init__(
        self,
        path: str,
        start: Fraction = Fraction(0),
        end: Fraction = Fraction(0),
        max_pixels: int = image_io.MAX_PIXELS,
    ):
        self.path = path
        self.faults: list[str] = []
        self._times, self._durations, plays, size = self._scan(max_pixels)
        self.whole = not self.faults
        stop = end * 1000 if end else np.inf
        inside = (self._times >= start * 1000) & (self._times < stop)
        if not inside.any():
            raise expected(
                "frames between --start and --end",
                f"none of {path}",
                "The animation may be shorter.",
            )
        self._begin, self._count = int(np.argmax(inside)), int(inside.sum())
        mean = max(float(np.mean(self._durations)), 1.0)
        rate = Fraction(1000 / mean).limit_denominator(1000)
        self.facts = Facts(size, _MILLISECOND, rate, self._count, plays=plays)

    def read(self, skip: int = 0, after: int | None = None) -> Iterator[Frame]:
        """See `frames.Source`."""
        with open(self.path, "rb") as stream:
            image = formats.open_image(stream, self.path)
            for number in range(self._begin + self._count):
                image.seek(number)
                if number < self._begin + skip:
                    continue
                time = int(self._times[number] - self._times[self._begin])
                rgb, alpha = _to_arrays(image)
                yield Frame(time, int(self._durations[number]), rgb, alpha)

    def _scan(
        self, max_pixels: int
    ) -> tuple[np.ndarray, np.ndarray, int, tuple[int, int]]:
        """Returns times and durations of all frames in ms, how often it plays, and its size."""
        durations: list[int] = []
        try:
            with open(self.path, "rb") as stream:
                image = formats.open_image(stream, self.path)
                width, height = image.size
                if width * height > max_pixels:
                    raise expected(
                        f"an animation of at most {max_pixels} pixels a frame",
                        f"{self.path}: {width}x{height}",
                        "Raise --max_pixels.",
                    )
                plays = _read_plays(image)
                _read_durations(image, durations)
        except formats.DAMAGE as error:
            self.faults.append(f"it is cut off ({first_line(error)})")
        if not durations:
            raise expected(
                "an animation that can be read",
                f"{self.path} ({self.faults[0] if self.faults else 'no frame'})",
                "Check the file.",
            )
        times = np.cumsum([0, *durations[:-1]])
        return times, np.array(durations), plays, (height, width)


def _read_durations(image: PillowImage.Image, durations: list[int]) -> None:
    """Appends the durations of all frames, ms; raises what Pillow does on damage."""
    for number in itertools.count():
        try:
            image.seek(number)
        except EOFError:
            return
        image.load()
        duration = round(image.info.get("duration", 0))
        durations.append(duration if duration > _SHORTEST else _INSTEAD)


def _read_plays(image: PillowImage.Image) -> int:
    """Returns how often an animation is shown, 0 for without end."""
    loop = image.info.get("loop")
    if image.format != "GIF":
        return int(loop or 0)
    if loop is None:
        return 1
    return int(loop) + 1 if loop else 0  # a GIF counts repetitions


def _to_arrays(image: PillowImage.Image) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns a frame's colors and alpha; what is transparent has the mean color of the rest."""
    pixels = np.array(image.convert("RGBA"))
    rgb, alpha = pixels[..., :3], pixels[..., 3]
    if alpha.min() == 255:
        return np.ascontiguousarray(rgb), None
    share = alpha[..., None] / 255.0
    mean = (rgb * share).sum((0, 1)) / max(float(share.sum()), 1e-6)
    return np.rint(rgb * share + mean * (1 - share)).astype(np.uint8), alpha
