"""A model with styles, strength and masks chosen: a function from photos to stylized photos."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nst_tf.core.errors import expected
from nst_tf.images import color, io as image_io
from nst_tf.inference.runtimes.runtime import Runtime
from nst_tf.inference.tiles.picture import Picture

# A file, or [H, W, 1] in [0, 1].
Mask = Any
NONE = "none"
BY_PIXEL = ("luminance",)  # of the ways to keep colors: needs no other pixels


class Painter:
    """Paints photos: `painter(photo)`; `Model.prepare` makes it.

    Args:
        runtime: what runs the model.
        codes: one; with masks, one for each.
        strength: 0 to 1.
        masks, preserve_color: as for `Model.prepare`.

    Raises:
        UserError: there is no such way to keep colors.
    """

    def __init__(
        self,
        runtime: Runtime,
        codes: Sequence[np.ndarray],
        strength: float,
        masks: Sequence[Mask] = (),
        preserve_color: str = NONE,
    ):
        if preserve_color not in (NONE, *color.MODES):
            raise expected(
                f"--preserve_color among none, {', '.join(color.MODES)}",
                preserve_color,
                "Choose one.",
            )
        self._runtime, self._codes, self._strength = runtime, codes, strength
        self._masks, self._preserve_color = masks, preserve_color

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Returns a photo stylized, float32 [H, W, 3] RGB in [0, 1].

        Raises:
            UserError: a mask of another size, or no memory for the photo.
        """
        if self._masks:
            drawn = self._paint_regions(image)
        else:
            drawn = self._runtime.draw(image, self._codes[0], self._strength)
        return self._keep_color(drawn, image)

    def fits(self, pixels: int) -> bool:
        """Returns whether a photo of so many pixels and its painting fit into memory."""
        return self._runtime.fits(pixels)

    def find_free(self) -> float:
        """Returns how many bytes this process may still take."""
        return self._runtime.find_free()

    def paint_rows(
        self,
        read: Callable[[int, int], np.ndarray],
        size: tuple[int, int],
        write: Callable[[np.ndarray], None],
    ) -> None:
        """Paints a photo that does not fit into memory.

        Args:
            read: gives rows `first` to `last` of the photo, float32 [n, W, 3] RGB in
                [0, 1].
            size: height and width, pixels.
            write: takes the painted rows in order.

        Raises:
            UserError: masks, or a way to keep colors that needs the whole picture; a
                model that cannot paint in bands.
        """
        refused = "--content_masks" if self._masks else ""
        if self._preserve_color not in (NONE, *BY_PIXEL):
            refused = f"--preserve_color={self._preserve_color}"
        if refused:
            raise expected(
                f"a photo that fits into memory for {refused}",
                f"{size[1]}x{size[0]} pixels",
                "Use --image_size, or leave it out.",
            )
        first = 0

        def finish(rows: np.ndarray) -> None:
            nonlocal first
            last = first + len(rows)
            if self._preserve_color != NONE:
                rows = self._keep_color(rows, read(first, last))
            write(rows)
            first = last

        picture = Picture(read, size, finish)
        self._runtime.draw_rows(picture, self._codes[0], self._strength)

    def _keep_color(self, drawn: np.ndarray, image: np.ndarray) -> np.ndarray:
        if self._preserve_color == NONE:
            return drawn
        return color.MODES[self._preserve_color](drawn, image)

    def _paint_regions(self, image: np.ndarray) -> np.ndarray:
        height, width = image.shape[:2]
        shares = [_read_mask(mask, (height, width)) for mask in self._masks]
        # Where masks add up to less than 1, the photo has the rest.
        rest = np.maximum(1 - sum(shares), 0)
        mixed = rest * image
        for share, code in zip(shares, self._codes):
            mixed = mixed + share * self._runtime.draw(image, code, self._strength)
        return np.asarray(mixed / (sum(shares) + rest), np.float32)


def _read_mask(mask: Mask, size: tuple[int, int]) -> np.ndarray:
    if isinstance(mask, np.ndarray):
        return mask.reshape(*size, 1)
    # The photo of this size has been read: its limit holds for the mask.
    limit = max(image_io.MAX_PIXELS, size[0] * size[1])
    return image_io.read_mask(os.fspath(mask), size, max_pixels=limit)
