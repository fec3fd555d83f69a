"""Reads pictures of a folder as frames, in the order of their names."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from nst_tf.core.errors import expected
from nst_tf.images import io as image_io
from nst_tf.video.frames import Facts, Frame

_NTSC = 1001  # rates such as 29.97 are 30000 / 1001


class PictureFolder:
    """The pictures of a folder or a glob as frames; see `frames.Source`.

    Args:
        content: the folder or the glob.
        fps: frames a second.
        start, end: seconds, as for `Clip`.
        max_pixels: larger pictures are refused.

    Raises:
        UserError: there are no pictures, or none between the times.
    """

    def __init__(
        self,
        content: str,
        fps: float,
        start: Fraction = Fraction(0),
        end: Fraction = Fraction(0),
        max_pixels: int = image_io.MAX_PIXELS,
    ):
        self.faults: list[str] = []
        rate = find_rate(fps)
        paths = image_io.find_images(content)
        first = -(-start * rate // 1)  # rounded up
        last = -(-end * rate // 1) if end else len(paths)
        self.paths = paths[int(first) : int(last)]
        if not self.paths:
            raise expected(
                "pictures between --start and --end",
                f"none of the {len(paths)} of {content}",
                "Change them.",
            )
        self._max_pixels = max_pixels
        size = self._read_picture(self.paths[0]).size
        self.facts = Facts(size, 1 / rate, rate, len(self.paths))

    def read(self, skip: int = 0, after: int | None = None) -> Iterator[Frame]:
        """See `frames.Source`."""
        for number in range(skip, len(self.paths)):
            path = self.paths[number]
            picture = self._read_picture(path)
            if picture.size != self.facts.size:
                height, width = self.facts.size
                raise expected(
                    f"pictures of the first one's size, {width}x{height}",
                    f"{path}: {picture.size[1]}x{picture.size[0]}",
                    "Frames of a clip have one size.",
                )
            alpha = picture.alpha
            yield Frame(
                number,
                1,
                image_io.to_uint8(picture.rgb),
                None if alpha is None else image_io.to_uint8(alpha),
            )

    def _read_picture(self, path: Path) -> image_io.Image:
        return image_io.read_image(path, max_pixels=self._max_pixels)


def find_rate(fps: float) -> Fraction:
    """Returns the rate that a decimal number stands for: 29.97 is 30000/1001."""
    nearest = Fraction(round(fps * _NTSC / 1000) * 1000, _NTSC)
    if fps != round(fps) and nearest and abs(float(nearest) - fps) < 0.005:
        return nearest
    return Fraction(fps).limit_denominator(1000)
