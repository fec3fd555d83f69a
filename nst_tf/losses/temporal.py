"""How far paintings of two frames follow the frames: what videos flicker by.

Both measures are relative to the contrast of what is painted, so that a network gains
nothing by painting softly: 0 where all follows, 2 where two paintings have nothing in
common.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf

from nst_tf.ops.statistics import spatial_mean
from nst_tf.ops.warping import warp

LAYER = "relu2_1"  # of the features that are compared: ours, half of the size

Features = Callable[[tf.Tensor], Mapping[str, tf.Tensor]]


class Moved(NamedTuple):
    """The next frame of a photo, from `nst_tf.training.moved_photos`.

    Attributes:
        frame: [B, S, S, 3], with noise.
        clean: the same without noise.
        flow: [B, S, S, 2], pixels: what is at x in the frame was at x + flow.
        known: [B, S, S, 1], 1 where it was in the photo, else 0.
    """

    frame: tf.Tensor
    clean: tf.Tensor
    flow: tf.Tensor
    known: tf.Tensor


def temporal_error(
    features: Features,
    photos: tf.Tensor,
    moved: Moved,
    pictures: tf.Tensor,
    moved_pictures: tf.Tensor,
) -> tf.Tensor:
    """Returns the mean of four errors for each photo, [B] float32.

    Along the known motion the paintings are equal, in pixels and in features (Ruder,
    Dosovitskiy, Brox 2016, arXiv:1604.08610, equation 7; Gao et al. 2018,
    arXiv:1807.01197, equation 4 for features), and their difference is that of the
    frames, likewise (Xu, Li, Wang, Wang, Liu 2021, arXiv:2102.05822, equations 2 and 3).

    Args:
        features: delivers at least `LAYER`.
        photos: [B, S, S, 3] in [0, 1].
        moved: their next frames.
        pictures, moved_pictures: both, painted; gradients flow to them.
    """
    shown = tf.concat([photos, moved.clean, pictures, moved_pictures], 0)
    maps = tf.split(tf.cast(features(shown)[LAYER], tf.float32), 4)
    size = tf.shape(maps[0])[1:3]
    share = tf.cast(size[1], tf.float32) / tf.cast(tf.shape(photos)[2], tf.float32)
    flow = share * tf.image.resize(moved.flow, size, tf.image.ResizeMethod.AREA)
    known = tf.image.resize(moved.known, size, tf.image.ResizeMethod.AREA)
    return (
        follow_error(pictures, moved_pictures, moved.flow, moved.known)
        + difference_error(photos, moved.clean, pictures, moved_pictures)
        + follow_error(maps[2], maps[3], flow, tf.floor(known))
        + difference_error(*maps)
    ) / 4


def follow_error(
    pictures: tf.Tensor, moved: tf.Tensor, flow: tf.Tensor, known: tf.Tensor
) -> tf.Tensor:
    """Returns the mean squared error of `moved` to `pictures` moved, relative to its variance.

    Args:
        pictures, moved: [B, H, W, C].
        flow: [B, H, W, 2], pixels.
        known: [B, H, W, 1], 1 where the flow leads to what it shows, else 0.
    """
    errors = known * tf.math.squared_difference(moved, warp(pictures, flow))
    area = tf.maximum(tf.reduce_sum(known, [1, 2, 3]), 1.0)
    channels = tf.cast(tf.shape(moved)[-1], tf.float32)
    return tf.reduce_sum(errors, [1, 2, 3]) / (area * channels * _variance(moved))


def difference_error(
    photos: tf.Tensor,
    moved_photos: tf.Tensor,
    pictures: tf.Tensor,
    moved_pictures: tf.Tensor,
) -> tf.Tensor:
    """Returns the mean squared error of the difference of paintings to that of their
    photos, relative to the variance of the paintings; all [B, H, W, C].
    """
    wanted = moved_photos - photos
    errors = tf.math.squared_difference(moved_pictures - pictures, wanted)
    return tf.reduce_mean(errors, [1, 2, 3]) / _variance(moved_pictures)


def _variance(pictures: tf.Tensor) -> tf.Tensor:
    """Returns the variance over places, mean over channels, [B]."""
    spread = tf.square(pictures - spatial_mean(pictures))
    return tf.maximum(tf.reduce_mean(spread, [1, 2, 3]), 1e-6)
