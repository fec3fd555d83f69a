"""Brings a small painting of a photo to the photo's size: smooth, or with its contours.

Reference:
    He, Sun, Tang 2013 (Guided Image Filtering, PAMI 35(6)), equations 5 and 6 with the
    photo as its own input: a = variance / (variance + eps), 1 at contours and 0 where a
    photo is flat or grainy. He, Sun 2015 (arXiv:1505.00996): a is computed on the small
    picture and enlarged.
    Burt, Adelson 1983: detail is what a picture loses when it is made small.

Departure: the painting is not filtered, since that blurs the strokes away where they
follow no contour of the photo (we looked at it). The photo's detail in lightness,
times a, is added to the enlarged painting instead.
"""

import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from nst_tf.images.color import YIQ

METHODS = ("bicubic", "guided")

RADIUS = 2  # pixels of the small picture; ours
EPS = 0.0004  # a deviation of 0.02 in lightness counts by a half; ours
_ROWS = 256  # of the photo, at once
_LANCZOS = 4  # pixels, three and one for rounding
_LIGHTNESS = YIQ[0].astype(np.float32)


class Enlarging:
    """A painting on its way to a photo's size, rows at a time.

    Args:
        painting: float32 [h, w, 3] in [0, 1], of the small photo.
        small: the photo as it was painted, of the same shape.
        size: (height, width) of the photo, in pixels.
        method: "bicubic", or "guided" for the photo's own contours.
    """

    def __init__(
        self,
        painting: np.ndarray,
        small: np.ndarray,
        size: tuple[int, int],
        method: str,
    ):
        self.size = size
        self._small_size = painting.shape[:2]
        self._colors = _to_planes(painting)
        self._light: list[Image.Image] = []
        if method == "guided":
            light = small @ _LIGHTNESS
            self._light = _to_planes(np.dstack([light, find_contours(light)]))

    def draw(self, photo: np.ndarray, first: int) -> np.ndarray:
        """Returns rows of the large painting, float32 [n, W, 3] in [0, 1].

        Args:
            photo: the photo's rows, float32 [n, W, 3].
            first: the first of them.
        """
        last = first + len(photo)
        drawn = self._enlarge(self._colors, first, last, Image.Resampling.BICUBIC)
        if self._light:
            light, contours = self._light
            known = self._enlarge([light], first, last, Image.Resampling.BICUBIC)
            gain = self._enlarge([contours], first, last, Image.Resampling.BILINEAR)
            drawn += gain * ((photo @ _LIGHTNESS)[..., None] - known)
        return np.clip(drawn, 0, 1)

    def _enlarge(
        self,
        planes: list[Image.Image],
        first: int,
        last: int,
        filter: Image.Resampling,
    ) -> np.ndarray:
        (height, width), (small_height, small_width) = self.size, self._small_size
        # Pixels beyond the box count in the filter, so bands meet without a seam.
        box = (
            0,
            first * small_height / height,
            small_width,
            last * small_height / height,
        )
        return np.dstack(
            [
                np.asarray(plane.resize((width, last - first), filter, box))
                for plane in planes
            ]
        )


def enlarge(
    painting: np.ndarray, small: np.ndarray, photo: np.ndarray, method: str
) -> np.ndarray:
    """Returns a painting at the size of its photo, float32 [H, W, 3] in [0, 1].

    Args:
        painting, small, method: as for `Enlarging`.
        photo: float32 [H, W, 3] in [0, 1].
    """
    enlarging = Enlarging(painting, small, photo.shape[:2], method)
    drawn = np.empty(photo.shape, np.float32)
    for first in range(0, len(photo), _ROWS):
        rows = photo[first : first + _ROWS]
        drawn[first : first + len(rows)] = enlarging.draw(rows, first)
    return drawn


def shrink(photo: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns a photo at a smaller (height, width), float32 [h, w, 3] in [0, 1], without
    aliasing.
    """
    return shrink_rows(lambda first, last: photo[first:last], photo.shape[:2], size)


def shrink_rows(
    read: Callable[[int, int], np.ndarray],
    size: tuple[int, int],
    small_size: tuple[int, int],
) -> np.ndarray:
    """Returns a photo at a smaller (height, width), as `shrink`, from its rows.

    Args:
        read: (first, last) -> the rows from `first` up to `last`, float32 [n, W, 3]; they
            are asked for from the top to the bottom, with overlaps.
        size: (height, width) of the photo.
        small_size: wanted (height, width).
    """
    (height, width), (small_height, small_width) = size, small_size
    ratio = height / small_height
    shrunk = np.empty((*small_size, 3), np.float32)
    count = max(1, int(_ROWS / ratio))
    for first in range(0, small_height, count):
        last = min(first + count, small_height)
        # Lanczos looks at three pixels of the small picture on each side.
        top = max(0, math.floor((first - _LANCZOS) * ratio))
        bottom = min(height, math.ceil((last + _LANCZOS) * ratio))
        box = (0, first * ratio - top, width, last * ratio - top)
        for channel, plane in enumerate(_to_planes(read(top, bottom))):
            rows = plane.resize(
                (small_width, last - first), Image.Resampling.LANCZOS, box
            )
            shrunk[first:last, :, channel] = np.asarray(rows)
    return np.clip(shrunk, 0, 1)  # Lanczos may overshoot


def find_contours(
    light: np.ndarray, radius: int = RADIUS, eps: float = EPS
) -> np.ndarray:
    """Returns how much of its detail a picture keeps in each place, float32 [h, w], 0 to 1.

    It is the guided filter's mean of a = variance / (variance + eps), in windows.

    Args:
        light: [h, w] in [0, 1].
        radius: of the windows, pixels.
        eps: variance that counts by a half.
    """
    values = light.astype(np.float64)
    variance = _mean_around(values**2, radius) - _mean_around(values, radius) ** 2
    variance = np.maximum(variance, 0)  # of rounding
    gain = _mean_around(variance / (variance + eps), radius)
    return gain.astype(np.float32)


def _mean_around(values: np.ndarray, radius: int) -> np.ndarray:
    """Returns the mean of the window around each pixel; at the border of what is inside."""
    for axis in (0, 1):
        count = values.shape[axis]
        padding = [(1, 0) if each == axis else (0, 0) for each in (0, 1)]
        sums = np.pad(values, padding).cumsum(axis)
        place = np.arange(count)
        last = np.minimum(place + radius + 1, count)
        first = np.maximum(place - radius, 0)
        window = sums.take(last, axis) - sums.take(first, axis)
        values = window / np.expand_dims(last - first, 1 - axis)
    return values


def _to_planes(picture: np.ndarray) -> list[Image.Image]:
    channels = np.moveaxis(np.asarray(picture, np.float32), -1, 0)
    return [Image.fromarray(np.ascontiguousarray(channel)) for channel in channels]
