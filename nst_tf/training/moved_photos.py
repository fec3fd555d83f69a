"""Pairs of frames made from single photos: moved, partly covered, with new noise.

As in Wang, Xu, Zhang, Wang, Liu 2020 (Consistent video style transfer via relaxation
and regularization, section III-C): a global motion and a smooth random one stand for
a clip's, so that no clips are needed. The zoom and what comes into view are ours, as
are all figures.
"""

import tensorflow as tf

from nst_tf.data.draws import Purpose
from nst_tf.losses.temporal import Moved
from nst_tf.ops.warping import find_places, warp

SHIFT = 8.0  # pixels at most, in each direction
ZOOM = 0.04  # at most, in or out
GRID, WAVE = 5, 2.0  # points of the smooth motion each way, deviation in pixels
NOISE = 5 / 255  # deviation at most; 5 gray levels as in nst_tf.evaluation.metrics
COVER = 0.25  # radius at most of what comes into view, in sides of the crop


def move_photos(photos: tf.Tensor, index: tf.Tensor, seed: int) -> Moved:
    """Makes the next frame of each photo, by draws that are the crop's own.

    Args:
        photos: [B, S, S, 3] float32, RGB in [0, 1].
        index: int64 [B], running numbers of the crops.
        seed: of the run.
    """
    side = photos.shape[1] or tf.shape(photos)[1]
    draws = tf.map_fn(
        lambda number: _draw(seed, number, side),
        index,
        fn_output_signature=(tf.float32, tf.float32, tf.float32),
    )
    numbers, waves, noise = draws
    flow = _make_flow(numbers, waves, side)
    cover = _make_cover(numbers, side)
    # What comes into view is another part of the photo, in the mirror.
    moved = warp(photos, flow)
    clean = moved + cover * (photos[:, :, ::-1] - moved)
    frame = tf.clip_by_value(clean + numbers[:, 8, None, None, None] * noise, 0.0, 1.0)
    across, down = find_places(flow)
    most = tf.cast(side - 1, tf.float32)
    inside = (across >= 0) & (across <= most) & (down >= 0) & (down <= most)
    known = (1.0 - cover) * tf.cast(inside, tf.float32)[..., None]
    return Moved(frame, clean, flow, known)


def _draw(seed, number, side):
    """Returns nine numbers in [0, 1], a grid of waves, and noise."""
    keys = [
        tf.stack([tf.constant((seed << 8) + Purpose.MOTION, tf.int64), 3 * number + n])
        for n in range(3)
    ]
    numbers = tf.random.stateless_uniform([9], keys[0])
    waves = tf.random.stateless_normal([GRID, GRID, 2], keys[1], stddev=WAVE)
    noise = tf.random.stateless_normal([side, side, 3], keys[2], stddev=NOISE)
    return numbers, waves, noise


def _make_flow(numbers, waves, side):
    """Returns shift, zoom and waves, all of them slower or faster together, [B, S, S, 2]."""
    speed = numbers[:, 0, None, None, None]
    signed = (2 * numbers - 1)[:, :, None, None, None]
    shift = SHIFT * tf.concat([signed[:, 1], signed[:, 2]], -1)
    place = tf.range(tf.cast(side, tf.float32)) - tf.cast(side - 1, tf.float32) / 2
    across, down = tf.meshgrid(place, place)
    zoom = ZOOM * signed[:, 3] * tf.stack([across, down], -1)
    smooth = tf.image.resize(waves, [side, side], "bicubic")
    return speed * (shift + zoom + smooth)


def _make_cover(numbers, side):
    """Returns 1 inside of an ellipse, in half of the crops, else 0, [B, S, S, 1]."""
    place = (tf.range(tf.cast(side, tf.float32)) + 0.5) / tf.cast(side, tf.float32)
    across = (place - numbers[:, 4, None]) / (0.01 + COVER * numbers[:, 6, None])
    down = (place - numbers[:, 5, None]) / (0.01 + COVER * numbers[:, 6, None])
    distance = tf.square(across)[:, None] + tf.square(down)[:, :, None]
    shown = (distance < 1) & (numbers[:, 7, None, None] < 0.5)
    return tf.cast(shown, tf.float32)[..., None]
