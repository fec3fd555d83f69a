"""How far painted frames leave the motion of their clip."""

from __future__ import annotations

import dataclasses
import functools
from collections import deque

import numpy as np

from nst_tf.video.flow import warp
from nst_tf.video.moves import Move
from nst_tf.video.packages import import_cv2

LONG = 10  # frames, over which the long error is taken
# Deviation of the lightness, and the window that it is taken in, pixels: no detail.
FLAT, WINDOW = 2 / 255, 9


@dataclasses.dataclass
class Sum:
    """Squared errors so far, and a root mean square a step."""

    total: float = 0.0
    count: int = 0
    steps: list[tuple[int, float]] = dataclasses.field(default_factory=list)

    def add(self, number: int, squares: np.ndarray) -> None:
        """Adds the squared errors of the step to frame `number`, any shape."""
        if not squares.size:
            return
        self.total += float(squares.sum(dtype=np.float64))
        self.count += squares.size
        self.steps.append((number, float(np.sqrt(squares.mean(dtype=np.float64)))))

    @property
    def value(self) -> float | None:
        """The root of the mean over all pixels and steps; None if there were none."""
        return float(np.sqrt(self.total / self.count)) if self.count else None


class WarpErrors:
    """Errors of one painting of a clip, of values in [0, 1].

    e_warp = sqrt(mean over pixels, channels and pairs of (O_t(x + flow) - O_s(x))^2),
    where the motion from frame s to frame t is known.

    Attributes:
        short: over one frame.
        long: over `LONG` frames.
        flat: over one frame, where the clip has no detail.

    Reference:
        Ruder, Dosovitskiy, Brox 2016 (arXiv:1604.08610), section 5; Lai et al. 2018
        (arXiv:1808.00449), equation 11, for the root.
    """

    def __init__(self) -> None:
        self.short, self.long, self.flat = Sum(), Sum(), Sum()
        self._pictures: deque[np.ndarray] = deque(maxlen=LONG + 1)

    def add(
        self,
        number: int,
        picture: np.ndarray,
        move: Move | None,
        long_move: Move | None,
        flat: np.ndarray | None,
    ) -> None:
        """Adds the next frame.

        Args:
            number: of the frame.
            picture: uint8 [H, W, 3].
            move, long_move: from the frame before, and from `LONG` frames before; None
                if they are not known.
            flat: bool [H, W], from `find_flat` of the frame before.
        """
        self._pictures.append(picture)
        if move is not None:
            squares = _square_errors(self._pictures[-2], picture, move)
            self.short.add(number, squares[move.known])
            if flat is not None:
                self.flat.add(number, squares[move.known & flat])
        if long_move is not None:
            squares = _square_errors(self._pictures[0], picture, long_move)
            self.long.add(number, squares[long_move.known])


class Chain:
    """Joins the moves of the last `LONG` frames."""

    def __init__(self) -> None:
        self._moves: deque[Move | None] = deque(maxlen=LONG)

    def add(self, move: Move | None) -> Move | None:
        """Adds the move from the frame before; returns that from `LONG` frames before."""
        self._moves.append(move)
        known = [each for each in self._moves if each is not None]
        if len(known) < LONG:
            return None
        return functools.reduce(Move.follow, known)


def find_flat(frame: np.ndarray) -> np.ndarray:
    """Returns where a frame, float32 [H, W, 3], has no detail, bool [H, W]."""
    cv2 = import_cv2()
    gray = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float64)
    mean = cv2.blur(gray, (WINDOW, WINDOW))
    variance = cv2.blur(np.square(gray), (WINDOW, WINDOW)) - np.square(mean)
    return np.asarray(variance < FLAT**2)


def _square_errors(earlier, later, move):
    moved = warp(later.astype(np.float32) / 255, move.flow)
    return np.square(moved - earlier.astype(np.float32) / 255)
