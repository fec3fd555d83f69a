"""What a frame takes from those that are painted: where it begins, and what it should keep."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from nst_tf.optimization.video.kept_frames import KeptFrames
from nst_tf.optimization.video.turns import Turn
from nst_tf.video.flow import (
    CERTAIN_ERROR,
    find_inside,
    measure_difference,
    warp,
)
from nst_tf.video.moves import Move, MoveEstimator, find_edges

# Of the neighbor's painting in what a frame begins with, in passes behind the first:
# the value of the authors' program.
BLEND = 0.5


@dataclasses.dataclass(frozen=True)
class Followed:
    """What a frame takes from others; all float32, in [0, 1].

    Attributes:
        start: [H, W, 3], what its optimization begins with.
        picture: [H, W, 3], earlier paintings, moved to where they are now.
        known: [H, W, 1], 1 where `picture` counts, else 0.
    """

    start: np.ndarray
    picture: np.ndarray
    known: np.ndarray


def follow(kept: KeptFrames, turn: Turn, long_term: Sequence[int]) -> Followed:
    """Returns what a frame takes from the paintings of its scene.

    Of several paintings that show a place the nearest counts: c_long of section 4.2. The
    weights of the others are 0 there, so that all terms are one squared difference to
    one picture.

    A frame begins with the last painting, moved, as far as the last frame, moved, looks
    like it, so that flat areas whose flow is doubtful stay painted; elsewhere with
    itself (ours: the paper takes the moved one everywhere). In later passes it begins
    with the mean of its last painting and the neighbor's moved one where that is known,
    else with its last painting alone.

    Args:
        kept: the frames.
        turn: which frame, in which pass; nothing is followed across a cut.
        long_term: how many frames back the paintings lie.

    Reference:
        Ruder, Dosovitskiy, Brox 2016 (arXiv:1604.08610), sections 4.1 to 4.3.
    """
    frame = kept.content(turn.number)
    begins = turn.pass_number == 1
    start = frame if begins else kept.painted(turn.pass_number - 1, turn.number)
    picture = np.zeros_like(frame)
    known = np.zeros(frame.shape[:2], bool)
    for count in sorted({1, *long_term}):
        number = turn.look_back(count)
        if number is None:
            break
        neighbor = kept.content(number)
        move = find_move(frame, neighbor)
        painted = kept.painted(turn.pass_number, number)
        moved = np.clip(warp(painted, move.flow, sharp=True), 0, 1)
        if count == 1:
            share = BLEND * move.known
            if begins:
                share = np.maximum(move.known, _find_alike(neighbor, frame, move.flow))
            start = (start + share[..., None] * (moved - start)).astype(np.float32)
        if count in long_term:
            new = move.known & ~known
            picture[new] = moved[new]
            known |= new
    return Followed(start, picture, known[..., None].astype(np.float32))


def _find_alike(
    neighbor: np.ndarray, frame: np.ndarray, flow: np.ndarray
) -> np.ndarray:
    """Returns how far a frame's neighbor, moved, looks like it, [H, W] in [0, 1]."""
    error = measure_difference(neighbor, frame, flow)
    return find_inside(flow) * np.exp(-np.square(error / CERTAIN_ERROR))


def find_move(frame: np.ndarray, painted_frame: np.ndarray) -> Move:
    """Returns the motion from a frame to one that is painted, float32 [H, W, 3] both.

    It is known where both directions agree, which occlusions do not, and the flow has
    no edge (section 4.1).
    """
    # OpenCV's search carries something over: a new one gives the same after a resume.
    move = MoveEstimator().estimate(frame, painted_frame)
    return Move(move.flow, move.known & ~find_edges(move.flow))
