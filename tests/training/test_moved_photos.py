"""Frames made from photos: their motion is the one that is told, and each crop has its own."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import ndimage
from support import tiny
from support.pictures import batch

from nst_tf.losses import temporal
from nst_tf.training import moved_photos
from nst_tf.training.moved_photos import move_photos

SIDE = 64
PHOTOS = tf.constant(np.concatenate([batch(SIDE, SIDE, seed) for seed in range(24)]))
INDEX = tf.range(24, dtype=tf.int64)


@pytest.fixture(scope="module")
def moved():
    return move_photos(PHOTOS, INDEX, 1)


def test_the_frame_shows_the_photo_where_the_flow_says(moved):
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for number in range(len(INDEX)):
        flow, known = moved.flow[number].numpy(), moved.known[number, ..., 0] > 0
        for channel in range(3):
            shown = ndimage.map_coordinates(
                PHOTOS[number, ..., channel].numpy(),
                [rows + flow[..., 1], columns + flow[..., 0]],
                order=1,
                mode="nearest",
            )
            found = moved.clean[number, ..., channel].numpy()
            np.testing.assert_allclose(found[known], shown[known], atol=1e-5)


def test_some_things_come_into_view_and_most_of_a_frame_is_known(moved):
    known = moved.known.numpy().mean((1, 2, 3))
    assert known.min() < 0.93 and known.mean() > 0.8
    hidden = moved.known.numpy()[..., 0] == 0
    inside = hidden[:, 16:-16, 16:-16].mean((1, 2))
    assert 2 < (inside > 0.01).sum() < 20


def test_motions_are_slow_and_fast_and_noise_weak_and_strong(moved):
    speed = np.linalg.norm(moved.flow, axis=-1).mean((1, 2))
    assert speed.min() < 1 and 4 < speed.max() < 2 * moved_photos.SHIFT
    noise = (moved.frame - moved.clean).numpy().std((1, 2, 3))
    assert noise.min() < 0.2 * moved_photos.NOISE
    assert 0.8 * moved_photos.NOISE < noise.max() < 1.1 * moved_photos.NOISE


def test_a_crops_motion_is_its_own_whatever_is_beside_it(moved):
    turned = move_photos(PHOTOS[::-1], INDEX[::-1], 1)
    np.testing.assert_allclose(turned.flow[::-1], moved.flow, atol=1e-5)
    np.testing.assert_allclose(turned.frame[::-1], moved.frame, atol=1e-5)
    other = move_photos(PHOTOS, INDEX, 2)
    assert np.abs(other.flow.numpy() - moved.flow.numpy()).mean() > 1


@pytest.mark.slow
def test_a_network_learns_to_paint_what_moves_alike():
    network = tiny.network()
    photos = tf.constant(batch(48, 48, 3))
    moved = [move_photos(photos, tf.constant([n], tf.int64), seed=1) for n in range(4)]

    def find_error(pair):
        pictures = network(photos), network(pair.frame)
        return tf.reduce_mean(
            temporal.temporal_error(
                lambda maps: {temporal.LAYER: maps}, photos, pair, *pictures
            )
        )

    before = np.mean([find_error(pair) for pair in moved])
    optimizer = keras.optimizers.Adam(3e-3)
    for step in range(40):
        with tf.GradientTape() as tape:
            error = find_error(moved[step % len(moved)])
        variables = network.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(error, variables), variables))
    unseen = move_photos(photos, tf.constant([99], tf.int64), seed=1)
    assert np.mean([find_error(pair) for pair in moved]) < 0.7 * before
    assert find_error(unseen) < 0.8 * before
