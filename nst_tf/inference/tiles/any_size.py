"""Paints pictures of any size: whole where they fit into memory, else in bands."""

import dataclasses
import math

import numpy as np
import tqdm

from nst_tf.config.painting.stylize import EXACT, SAMPLED
from nst_tf.core.errors import UserError, expected
from nst_tf.core.memory import available_memory
from nst_tf.inference.memory_check import BASE, MOST, PHOTO, resident_memory
from nst_tf.inference.runtimes.runtime import Runtime
from nst_tf.inference.tiles import bands
from nst_tf.inference.tiles.picture import Picture
from nst_tf.inference.tiles.plan import Plan, make_plan

SHARE = 0.9  # of what is free that a photo and its painting may take
BANDS_SHARE = 0.5  # and bands: runtimes take more than the maps that they hold


class AnySize(Runtime):
    """A runtime that paints in bands what does not fit into memory; else as the one given.

    Args:
        runtime: what runs the model.
        memory: bytes that this process may hold; None for what the machine or its
            container has.
        moments: `EXACT` or `SAMPLED`, of pictures that are painted in bands: those of
            the whole picture, or of strips of it, which takes one pass instead of one
            a norm.
    """

    def __init__(
        self, runtime: Runtime, memory: float | None = None, moments: str = EXACT
    ):
        self.name = runtime.name
        self.styles = runtime.styles
        self.has_strength = runtime.has_strength
        self._runtime = runtime
        self._memory, self._moments = memory, moments
        self._largest = 0
        self._held_before: int | None = None
        self._plan: Plan | None = None

    def encode(self, picture: np.ndarray) -> np.ndarray:
        return self._runtime.encode(picture)

    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        """See `Runtime.draw`; raises `UserError` where there is no memory even for bands."""
        height, width = image.shape[:2]
        if height * width <= self._largest or self._draws_whole(height * width):
            drawn = self._runtime.draw(image, code, strength)
            self._largest = max(self._largest, height * width)
            return drawn
        drawn = np.empty_like(image)
        rest = [drawn]

        def write(rows: np.ndarray) -> None:
            rest[0][: len(rows)] = rows
            rest[0] = rest[0][len(rows) :]

        def read(first: int, last: int) -> np.ndarray:
            return image[first:last]

        self.draw_rows(Picture(read, (height, width), write), code, strength)
        return drawn

    def draw_rows(self, picture: Picture, code: np.ndarray, strength: float) -> None:
        """See `Runtime.draw_rows`; a bar on stderr shows how far it is."""
        settings = self._runtime.make_settings(code, strength)
        if self._plan is None:
            graph = self._runtime.make_graph()
            if graph is None:
                raise self._refuse(*picture.size)
            self._plan = make_plan(graph, settings, self._moments == SAMPLED)
        with tqdm.tqdm(
            total=100, unit="%", desc="painting in bands", disable=None, leave=False
        ) as bar:

            def report(share: float) -> None:
                bar.update(round(100 * share) - bar.n)

            memory = BANDS_SHARE * self.find_free()
            shown = dataclasses.replace(picture, report=report)
            bands.paint_in_bands(self._plan, settings, shown, memory)

    def close(self) -> None:
        self._runtime.close()

    def fits(self, pixels: int) -> bool:
        return PHOTO * pixels <= SHARE * self.find_free()

    def _draws_whole(self, pixels: int) -> bool:
        return pixels <= self._find_limit(pixels)

    def _find_limit(self, pixels: int) -> float:
        """Returns how many pixels can be painted as a whole, if more than those given."""
        free, limit = self.find_free(), self._runtime.most_pixels
        # What surely fits is not estimated.
        if BASE + MOST * pixels > free:
            limit = min(limit, (free - BASE) / self._runtime.bytes_a_pixel)
        return limit

    def find_free(self) -> float:
        """See `Runtime.find_free`; within --memory."""
        held = resident_memory()
        if self._held_before is None:
            self._held_before = held
        free = float(available_memory())
        if self._memory is not None:
            free = min(free, self._memory - held)
        # What earlier pictures have left allocated is used again.
        return free + max(0, held - self._held_before)

    def _refuse(self, height: int, width: int) -> UserError:
        pixels = height * width
        free, limit = self.find_free(), self._find_limit(pixels)
        # A little less, since what is free varies.
        fits = math.floor(0.95 * max(height, width) * math.sqrt(max(limit, 0) / pixels))
        if limit == self._runtime.most_pixels:
            needed, received = (
                f"{limit / 1e6:.0f} megapixels at most without oneDNN",
                "",
            )
        else:
            bytes_needed = BASE + self._runtime.bytes_a_pixel * pixels
            needed = f"{bytes_needed / 1e9:.1f} GB of free memory"
            received = f"{free / 1e9:.1f} GB, "
        remedy = "Close other programs, or use a smaller model."
        if fits >= 16:
            remedy = f"--image_size={fits // 16 * 16} fits; a texture needs a smaller --texture_size."
        return expected(
            f"{needed} to paint with {self.name}",
            f"{received}{width}x{height} pixels",
            remedy,
        )
