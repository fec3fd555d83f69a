"""A photo that is painted in rows: where they come from, and where the painting goes."""

import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass(frozen=True)
class Picture:
    """A photo and where its painting goes.

    Attributes:
        read: gives rows `first` to `last` of the photo, float32 [n, W, 3] in [0, 1].
        size: height and width, pixels.
        write: takes the painted rows in order, float32 [n, W, 3] in [0, 1].
        report: takes the share of the work that is done, 0 to 1.
    """

    read: Callable[[int, int], np.ndarray]
    size: tuple[int, int]
    write: Callable[[np.ndarray], None]
    report: Callable[[float], None] = lambda share: None
