"""What videos flicker by: errors of pairs whose motion is known."""

import numpy as np
import pytest
import tensorflow as tf
from support.pictures import batch

from nst_tf.losses import temporal
from nst_tf.losses.temporal import Moved

PHOTO = tf.constant(batch(40, 48, 1))
FLOW = tf.constant(np.broadcast_to(np.float32([3, -2]), (1, 40, 48, 2)))
MOVED = tf.roll(PHOTO, [2, -3], [1, 2])  # what is at x came from x + flow
KNOWN = np.zeros((1, 40, 48, 1), np.float32)
KNOWN[:, 4:-4, 4:-4] = 1


def test_what_moves_with_the_photo_has_no_error():
    error = temporal.follow_error(PHOTO, MOVED, FLOW, tf.constant(KNOWN))
    np.testing.assert_allclose(error, [0], atol=1e-8)


def test_an_error_is_relative_to_the_contrast_and_counts_where_the_flow_is_known():
    wrong = np.array(MOVED)
    wrong[:, :4] += 5  # not known
    wrong[:, 10:20, 10:20] += 0.1
    error = temporal.follow_error(PHOTO, wrong, FLOW, tf.constant(KNOWN))
    variance = wrong[0].reshape(-1, 3).var(0).mean()
    wanted = 100 * 0.1**2 / KNOWN.sum() / variance
    np.testing.assert_allclose(error, [wanted], rtol=1e-4)


def test_two_paintings_with_nothing_in_common_have_an_error_of_2():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 1, 64, 64, 3)).astype("float32")
    still = tf.zeros([1, 64, 64, 2])
    error = temporal.follow_error(one, other, still, tf.ones([1, 64, 64, 1]))
    np.testing.assert_allclose(error, [2], rtol=0.05)


def test_paintings_may_differ_as_their_photos_do():
    painted = 1 - PHOTO
    follows = painted + (MOVED - PHOTO)
    error = temporal.difference_error(PHOTO, MOVED, painted, follows)
    np.testing.assert_allclose(error, [0], atol=1e-8)
    stays = temporal.difference_error(PHOTO, MOVED, painted, painted)
    wanted = np.square(MOVED - PHOTO).mean() / np.var(painted[0], (0, 1)).mean()
    np.testing.assert_allclose(stays, [wanted], rtol=1e-4)


@pytest.mark.parametrize("contrast", [0.1, 3.0])
def test_a_soft_painting_has_no_smaller_error(contrast):
    def features(pictures):
        return {temporal.LAYER: tf.nn.avg_pool2d(pictures, 2, 2, "VALID")}

    rng = np.random.default_rng(1)
    strokes = tf.constant(rng.normal(size=(2, 1, 40, 48, 3)).astype("float32"))
    still = Moved(PHOTO, PHOTO, 0 * FLOW, tf.ones([1, 40, 48, 1]))
    errors = [
        temporal.temporal_error(features, PHOTO, still, *(scale * strokes))
        for scale in (1.0, contrast)
    ]
    np.testing.assert_allclose(errors[0], errors[1], rtol=1e-3)


def test_a_blink_of_one_moment_has_a_gradient_that_dims_it():
    still = Moved(PHOTO, PHOTO, 0 * FLOW, tf.ones([1, 40, 48, 1]))
    blink = tf.Variable(PHOTO + tf.constant(0.2 * KNOWN))
    with tf.GradientTape() as tape:
        error = temporal.temporal_error(
            lambda pictures: {temporal.LAYER: pictures}, PHOTO, still, PHOTO, blink
        )
    gradient = tape.gradient(error, blink).numpy()
    assert error > 0
    assert (gradient[:, 8:-8, 8:-8].mean() > 0) and np.isfinite(gradient).all()
