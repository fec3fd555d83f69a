"""Frames: what is read, what paints them in their order, where they come from."""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Protocol

import numpy as np

State = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """One frame, upright.

    Attributes:
        time: when it is shown, in units of its source's `time_base`.
        duration: how long, in these units; of the last frame alone it counts, all others
            last until the next one.
        rgb: uint8 [height, width, 3], sRGB or the clip's own colors.
        alpha: uint8 [height, width], 0 is transparent; None for none.
    """

    time: int
    duration: int
    rgb: np.ndarray
    alpha: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Colors:
    """Which colors the numbers of a clip stand for, by H.273's numbers.

    Attributes:
        matrix: of luma and chroma, 1 for BT.709, 5 or 6 for BT.601.
        primaries: 1 for BT.709.
        transfer: 1 for BT.709.
    """

    matrix: int = 1
    primaries: int = 1
    transfer: int = 1


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is known of a source before it is read.

    Attributes:
        size: height and width of its frames, pixels.
        time_base: seconds of a unit of `Frame.time`.
        rate: frames a second, on average.
        count: of its frames, as its header says; 0 if unknown.
        pixel_aspect: width over height of a pixel.
        colors: of its clip.
        plays: how often an animation is shown; 0 for without end.
    """

    size: tuple[int, int]
    time_base: Fraction
    rate: Fraction
    count: int = 0
    pixel_aspect: Fraction = Fraction(1)
    colors: Colors = Colors()
    plays: int = 0


class Source(Protocol):
    """Where frames come from.

    Attributes:
        facts: known at once.
        faults: what is wrong with the content, one line each; complete once all is read.
    """

    facts: Facts
    faults: list[str]

    def read(self, skip: int = 0, after: int | None = None) -> Iterator[Frame]:
        """Yields the frames in their order.

        Args:
            skip: frames at the beginning that are left out.
            after: the time of the last one of these; None for none.
        """


class FramePainter(Protocol):
    """Paints the frames of one clip in their order; it may remember earlier ones."""

    def paint(self, rgb: np.ndarray) -> np.ndarray:
        """Returns the next frame stylized, float32 [H, W, 3] RGB in [0, 1], as it takes it."""

    def reset(self) -> None:
        """Forgets all frames: the next one is the first of its clip."""

    def state(self) -> State:
        """Returns all that it remembers, with which another one goes on as this would."""

    def restore(self, state: State) -> None:
        """Remembers what `state` has returned."""


class EachFrame:
    """Paints every frame by itself.

    Args:
        paint: paints a frame, float32 [H, W, 3] in [0, 1] both.
    """

    def __init__(self, paint: Callable[[np.ndarray], np.ndarray]):
        self._paint = paint

    def paint(self, rgb: np.ndarray) -> np.ndarray:
        """See `FramePainter`."""
        return self._paint(rgb)

    def reset(self) -> None:
        """There is nothing to forget."""

    def state(self) -> State:
        """Returns {}: it remembers nothing."""
        return {}

    def restore(self, state: State) -> None:
        """There is nothing to remember."""
