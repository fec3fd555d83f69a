"""Optical flow between frames whose motion is known."""

import numpy as np
import pytest
from support.scenes import HEIGHT, WIDTH, scene

from nst_tf.video import flow as flow_module


@pytest.mark.parametrize("across, down", [(0, 0), (5, 0), (0, -3), (6, 4)])
def test_the_flow_of_a_moved_picture_is_its_move(across, down):
    finder = flow_module.FlowEstimator()
    small = [finder.shrink(scene()), finder.shrink(scene(0, across, down))]
    motion = finder.find_motion(*small)
    found = flow_module.resize_flow(motion.flow, HEIGHT, WIDTH)
    inside = found[12:-12, 12:-12].reshape(-1, 2)
    np.testing.assert_allclose(np.median(inside, 0), (-across, -down), atol=0.3)
    assert np.median(motion.certain) > 0.8


def test_a_picture_warped_by_its_move_is_the_one_before():
    flow = np.broadcast_to(np.float32([-5, 3]), (HEIGHT, WIDTH, 2))
    warped = flow_module.warp(scene(), flow)
    np.testing.assert_allclose(warped[:-4, 6:], scene(0, 5, -3)[:-4, 6:], atol=1e-6)


def test_what_comes_from_outside_of_the_picture_is_not_inside():
    flow = np.zeros((4, 5, 2), np.float32)
    flow[..., 0] = -2
    inside = flow_module.find_inside(flow)
    np.testing.assert_array_equal(inside[0], [0, 0, 1, 1, 1])
