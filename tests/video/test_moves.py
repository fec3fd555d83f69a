"""The motion from one frame to another, and where it is known."""

import numpy as np
import pytest
from support.pictures import smooth

from nst_tf.video.moves import MoveEstimator, find_edges

pytest.importorskip("cv2")


def test_the_estimated_motion_of_a_moved_picture_is_its_move():
    grain = np.random.default_rng(0).normal(0, 0.1, (160, 200, 3))
    whole = (np.asarray(smooth(160, 200, 4)) / 255 + grain).clip(0, 1).astype("f4")
    move = MoveEstimator().estimate(whole[20:120, 20:180], whole[22:122, 15:175])
    np.testing.assert_allclose(
        np.median(move.flow[20:-20, 20:-20], (0, 1)), (5, -2), atol=0.2
    )
    assert move.known.mean() > 0.8


def test_edges_of_motion_are_where_it_jumps():
    """Section 4.1 of Ruder et al. by hand: a jump of 3 pixels between two halves."""
    flow = np.zeros((8, 10, 2), np.float32)
    flow[:, 5:, 0] = 3
    edges = find_edges(flow)
    # Central differences: half the jump, squared, on both sides of it.
    assert 1.5**2 > 0.01 * 3**2 + 0.002
    np.testing.assert_array_equal(
        edges, np.broadcast_to(np.isin(np.arange(10), (4, 5)), (8, 10))
    )
    assert not find_edges(np.full((8, 10, 2), 7, np.float32)).any()
    assert not find_edges(np.zeros((1, 1, 2), np.float32)).any()
