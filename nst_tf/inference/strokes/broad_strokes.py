"""Broad strokes on large photos: painted small, and brought back to the photo's size."""

import dataclasses

import numpy as np

from nst_tf.core.errors import expected
from nst_tf.core.memory import available_memory
from nst_tf.images.enlarging import METHODS, Enlarging, enlarge, shrink, shrink_rows
from nst_tf.images.io import fit_size
from nst_tf.inference.runtimes.runtime import Runtime
from nst_tf.inference.tiles.picture import Picture

# Bytes a pixel of the photo's own size beside the photo: what is drawn, and its copy as
# it is finished and written.
_LARGE = 40
_ROWS = 256  # enlarged at once


@dataclasses.dataclass(frozen=True)
class Strokes:
    """How broad strokes are, and how a painting comes to its photo's size.

    Attributes:
        scale: strokes are so many times as broad as the model's own; at least 1.
        image_size: instead, the long side in pixels at which the model paints; 0 for
            none. Smaller photos are painted as they are.
        upscale: among `nst_tf.images.enlarging.METHODS`.

    Raises:
        UserError: another value, or both sizes.
    """

    scale: float = 1.0
    image_size: int = 0
    upscale: str = "guided"

    def __post_init__(self) -> None:
        if not 1 <= self.scale < float("inf") or self.image_size < 0:
            raise expected(
                "--stroke_scale of at least 1",
                self.scale,
                "2 paints strokes twice as broad.",
            )
        if self.image_size and self.scale != 1:
            raise expected(
                "--image_size or --stroke_scale", "both", "Leave one of them out."
            )
        if self.upscale not in METHODS:
            raise expected(
                f"--upscale among {', '.join(METHODS)}", self.upscale, "Choose one."
            )

    def find_size(self, height: int, width: int) -> tuple[int, int]:
        """Returns the (height, width) at which a photo is painted, pixels."""
        long_side = max(height, width)
        wanted = self.image_size or max(1, round(long_side / self.scale))
        return fit_size(height, width, long_side=min(long_side, wanted))


class BroadStrokes(Runtime):
    """A runtime whose model paints a smaller photo; else as the one given."""

    def __init__(self, runtime: Runtime, strokes: Strokes):
        self.name, self.styles = runtime.name, runtime.styles
        self.has_strength = runtime.has_strength
        self._runtime, self._strokes = runtime, strokes

    def encode(self, picture: np.ndarray) -> np.ndarray:
        return self._runtime.encode(picture)

    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        """See `Runtime.draw`; raises `UserError` where there is no memory for it."""
        size = self._strokes.find_size(*image.shape[:2])
        if size == image.shape[:2]:
            return self._runtime.draw(image, code, strength)
        _check_memory(*image.shape[:2])
        small = shrink(image, size)
        painting = self._runtime.draw(small, code, strength)
        return enlarge(painting, small, image, self._strokes.upscale)

    def fits(self, pixels: int) -> bool:
        return self._runtime.fits(pixels)

    def find_free(self) -> float:
        return self._runtime.find_free()

    def draw_rows(self, picture: Picture, code: np.ndarray, strength: float) -> None:
        """See `Runtime.draw_rows`; the small photo and its painting are in memory."""
        read, size = picture.read, picture.size
        wanted = self._strokes.find_size(*size)
        if wanted == size:
            self._runtime.draw_rows(picture, code, strength)
            return
        small = shrink_rows(read, size, wanted)
        painting = self._runtime.draw(small, code, strength)
        enlarging = Enlarging(painting, small, size, self._strokes.upscale)
        for first in range(0, size[0], _ROWS):
            picture.write(
                enlarging.draw(read(first, min(first + _ROWS, size[0])), first)
            )

    def close(self) -> None:
        self._runtime.close()


def _check_memory(height: int, width: int) -> None:
    needed, free = _LARGE * height * width, available_memory()
    if needed > free:
        raise expected(
            f"{needed / 1e9:.1f} GB of free memory to bring a painting to its photo's size",
            f"{free / 1e9:.1f} GB, {width}x{height} pixels",
            "Close other programs, or leave out --upscale and --stroke_scale.",
        )
