"""The motion from one frame to another, and where it is known."""

import numpy as np
import pytest
from support.pictures import smooth

from nst_tf.video.moves import MoveEstimator

pytest.importorskip("cv2")


def test_the_estimated_motion_of_a_moved_picture_is_its_move():
    grain = np.random.default_rng(0).normal(0, 0.1, (160, 200, 3))
    whole = (np.asarray(smooth(160, 200, 4)) / 255 + grain).clip(0, 1).astype("f4")
    move = MoveEstimator().estimate(whole[20:120, 20:180], whole[22:122, 15:175])
    np.testing.assert_allclose(
        np.median(move.flow[20:-20, 20:-20], (0, 1)), (5, -2), atol=0.2
    )
    assert move.known.mean() > 0.8
