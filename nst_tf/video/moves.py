"""The motion from one frame to another, as exact as optical flow has it, and where it is known."""

from __future__ import annotations

import dataclasses

import numpy as np

from nst_tf.video.flow import find_inside, to_gray, warp
from nst_tf.video.packages import import_cv2

# Flow that is estimated counts where both directions agree: Sundaram, Brox, Keutzer 2010.
SPREAD, SLACK = 0.01, 0.5
# Flow has an edge where its squared gradient is above this share of its squared length
# and this slack, pixels: Ruder, Dosovitskiy, Brox 2016 (arXiv:1604.08610), section 4.1.
EDGE_SPREAD, EDGE_SLACK = 0.01, 0.002


@dataclasses.dataclass(frozen=True)
class Move:
    """The motion from a frame to a later one.

    Attributes:
        flow: float32 [H, W, 2], across and down, pixels: what is at x is at x + flow then.
        known: bool [H, W], where that is right and to be seen then.
    """

    flow: np.ndarray
    known: np.ndarray

    def follow(self, next_move: Move) -> Move:
        """Returns the motion of both, one after the other."""
        flow = self.flow + warp(next_move.flow, self.flow)
        seen = warp(next_move.known.astype(np.float32), self.flow) > 0.99
        inside = find_inside(flow) > 0
        return Move(flow, self.known & seen & inside)


class MoveEstimator:
    """Estimates the motion between frames by dense inverse search at full size, as fine as
    it goes. `FlowEstimator` is faster.
    """

    def __init__(self) -> None:
        self._cv2 = import_cv2()
        preset = self._cv2.DISOPTICAL_FLOW_PRESET_MEDIUM
        self._search = self._cv2.DISOpticalFlow_create(preset)
        self._search.setFinestScale(0)

    def estimate(self, frame: np.ndarray, following: np.ndarray) -> Move:
        """Returns the motion from a frame to the next one, float32 [H, W, 3] both."""
        one, other = (to_gray(each) for each in (frame, following))
        flow = self._search.calc(one, other, None)
        back = warp(self._search.calc(other, one, None), flow)
        gap = np.square(flow + back).sum(-1)
        lengths = np.square(flow).sum(-1) + np.square(back).sum(-1)
        agree = gap < SPREAD * lengths + SLACK
        return Move(flow, agree & (find_inside(flow) > 0))


def find_edges(flow: np.ndarray) -> np.ndarray:
    """Returns where a flow [H, W, 2], pixels, changes so much that it is an edge of what
    moves, bool [H, W]; there it is seldom right.
    """
    squares = np.zeros(flow.shape[:2], np.float32)
    for axis in (0, 1):
        if flow.shape[axis] > 1:
            squares += np.square(np.gradient(flow, axis=axis)).sum(-1)
    lengths = np.square(flow).sum(-1)
    return np.asarray(squares > EDGE_SPREAD * lengths + EDGE_SLACK)
