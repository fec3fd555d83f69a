"""The problem of a frame that follows others: Gatys's, and the temporal term."""

import functools

import numpy as np
import tensorflow as tf

from nst_tf.optimization import gatys
from nst_tf.optimization.gatys import Gatys, Scale
from nst_tf.optimization.loop import CompileOnce
from nst_tf.optimization.optimizer import Objective
from nst_tf.optimization.video.following import Followed

TERMS = (*gatys.TERMS, "temporal")


class FollowingFrames:
    """Poses the problem of one frame after the other, at full size; it is compiled once.

    Args:
        task: has the style, and shows the frame.
        iterations: of each frame.
        weight: of the temporal term.

    Attributes:
        scales: the one size; see `nst_tf.optimization.loop.Task`.
        compile: for `ImageOptimization`.
        open_optimizer: scale -> optimizer.
    """

    def __init__(self, task: Gatys, iterations: int, weight: float):
        scale = Scale(*task.size, iterations)
        self.scales = (scale,)
        self.compile = CompileOnce()
        self.open_optimizer = functools.cache(task.open_optimizer)
        self._task = task
        shape = [1, scale.height, scale.width]
        # What changes with the frame. The compiled step reads it anew.
        self._content = {
            layer: tf.Variable(target, trainable=False)
            for layer, target in task.content_target(scale).items()
        }
        self._picture = tf.Variable(tf.zeros([*shape, 3]), trainable=False)
        self._known = tf.Variable(tf.zeros([*shape, 1]), trainable=False)
        self._start = np.zeros((scale.height, scale.width, 3), np.float32)
        targets = task.style_targets(scale)

        def compare(picture):
            terms = task.compare(picture, self._content, targets)
            temporal = temporal_error(picture, self._picture, self._known)
            loss = terms["loss"] + weight * temporal
            return {**terms, "loss": loss, "temporal": temporal}

        self._objective = gatys.make_objective(scale, TERMS, compare)

    def pose(self, followed: Followed) -> None:
        """Takes the frame that the task shows, and what it takes from others."""
        for layer, target in self._task.content_target(self.scales[0]).items():
            self._content[layer].assign(target)
        self._picture.assign(followed.picture[None])
        self._known.assign(followed.known[None])
        self._start = followed.start

    def objective(self, scale: Scale) -> Objective:
        """Returns the objective, always the same one."""
        return self._objective

    def first_picture(self, scale: Scale) -> np.ndarray:
        """Returns what the frame begins with."""
        return self._start


def temporal_error(
    picture: tf.Tensor, followed: tf.Tensor | tf.Variable, known: tf.Tensor
) -> tf.Tensor:
    """Returns the mean over all pixels and colors of known (picture - followed)^2, [B].

    Ruder, Dosovitskiy, Brox 2016 (arXiv:1604.08610), equation 7.

    Args:
        picture: [B, H, W, 3] in [0, 1]; gradients flow to it.
        followed: [B, H, W, 3] in [0, 1].
        known: [B, H, W, 1], 1 where it counts, else 0.
    """
    errors = known * tf.math.squared_difference(picture, followed)
    return tf.reduce_mean(errors, [1, 2, 3])
