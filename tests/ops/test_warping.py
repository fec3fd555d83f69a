"""Pictures moved along a flow, against SciPy's interpolation."""

import numpy as np
import tensorflow as tf
from scipy import ndimage

from nst_tf.ops.warping import warp


def test_a_warped_picture_is_scipys():
    rng = np.random.default_rng(0)
    pictures = rng.uniform(size=(2, 9, 13, 3)).astype("float32")
    flow = rng.normal(0, 3, (2, 9, 13, 2)).astype("float32")
    found = warp(pictures, flow).numpy()
    rows, columns = np.mgrid[:9, :13]
    for number in range(2):
        places = [rows + flow[number, ..., 1], columns + flow[number, ..., 0]]
        for channel in range(3):
            wanted = ndimage.map_coordinates(
                pictures[number, ..., channel], places, order=1, mode="nearest"
            )
            np.testing.assert_allclose(found[number, ..., channel], wanted, atol=1e-5)


def test_a_warped_picture_sends_gradients_to_where_it_came_from():
    pictures = tf.Variable(tf.zeros([1, 4, 5, 1]))
    flow = tf.constant(np.broadcast_to(np.float32([2, 1]), (1, 4, 5, 2)))
    with tf.GradientTape() as tape:
        value = warp(pictures, flow)[0, 1, 1, 0]
    gradient = tape.gradient(value, pictures).numpy()[0, ..., 0]
    wanted = np.zeros((4, 5))
    wanted[2, 3] = 1
    np.testing.assert_array_equal(gradient, wanted)
