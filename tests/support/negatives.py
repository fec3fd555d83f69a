"""A problem instead of Gatys's: a picture's negative is wanted. It needs no network."""

import types

import numpy as np
import tensorflow as tf

from nst_tf.images import io as image_io
from nst_tf.optimization import gatys
from nst_tf.optimization.adam import Adam
from nst_tf.optimization.gatys import Scale
from nst_tf.optimization.lbfgs import Lbfgs


class NegativeTask:
    """Stands for `Gatys`.

    Args:
        settings: of the command; their iterations and optimizer count.
        photo: the first frame.
    """

    def __init__(self, settings, photo):
        self._settings, self._photo = settings, photo
        self.size = photo.size
        self.scales = (Scale(*self.size, settings.iterations),)
        self.extractor = types.SimpleNamespace(note="")
        self.provenance = {"negative": True}
        self.shown = []

    def show(self, photo):
        self._photo = photo

    def content_target(self, scale):
        return {"pixels": tf.constant(1 - self._photo.rgb[None])}

    def style_targets(self, scale):
        return []

    def compare(self, picture, content, targets):
        error = tf.math.squared_difference(picture, content["pixels"])
        content = tf.reduce_mean(error, [1, 2, 3])
        none = 0 * content
        return {
            "loss": content,
            "content": content,
            "style": none,
            "total_variation": none,
        }

    def objective(self, scale):
        content = self.content_target(scale)
        return gatys.make_objective(
            scale, gatys.TERMS, lambda picture: self.compare(picture, content, [])
        )

    def first_picture(self, scale):
        return self._photo.rgb

    def open_optimizer(self, scale):
        if self._settings.optimizer == "lbfgs":
            return Lbfgs(3, bounds=(0.0, 1.0))
        return Adam(0.05, bounds=(0.0, 1.0))

    def finish_picture(self, picture):
        return image_io.Image(np.asarray(picture))


def pose(settings, log, photo=None):
    """Stands for `nst_tf.optimization.run.pose`."""
    return settings, NegativeTask(settings, photo)
