"""The run over the scales, with a problem so small that only the run is left."""

import logging

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.optimization.gatys import Scale
from nst_tf.optimization.lbfgs import Lbfgs
from nst_tf.optimization.loop import ImageOptimization


class Quadratic:
    """Wants every pixel to be 0.3."""

    def __init__(self, sides):
        self.scales = [Scale(side, side, 2) for side in sides]

    def objective(self, scale):
        def evaluate(x):
            error = x - 0.3
            return (
                tf.reduce_sum(error * error),
                2 * error,
                tf.stack([tf.reduce_sum(error)]),
            )

        return evaluate

    def first_picture(self, scale):
        return np.zeros((scale.height, scale.width, 3), np.float32)


@pytest.mark.slow
def test_many_sizes_are_painted_without_a_warning_of_retracing(
    tmp_path, caplog, monkeypatch
):
    monkeypatch.setattr(tf.get_logger(), "propagate", True)
    task = Quadratic(range(3, 12))
    with caplog.at_level(logging.WARNING):
        painted = ImageOptimization(
            task, lambda scale: Lbfgs(), ("error",), tmp_path / "state.npz", 1.0
        ).run()
    assert "retracing" not in caplog.text
    np.testing.assert_allclose(painted.picture, np.full((11, 11, 3), 0.3), atol=1e-3)
