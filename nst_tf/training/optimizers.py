"""The optimizers that --optimizer names."""

import keras

from nst_tf.training.averages import ExactAverages
from nst_tf.training.muon import Muon
from nst_tf.training.schedule import FitConfig
from nst_tf.training.task import Task


class Adam(ExactAverages, keras.optimizers.Adam):
    """Keras's Adam with averages that are exact."""


def open_optimizer(config: FitConfig, task: Task) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a run; with `config.ema` it averages the weights."""
    averages = {"use_ema": True, "ema_momentum": config.ema} if config.ema else {}
    if config.optimizer == "muon":
        return Muon(
            config.learning_rate,
            adam_layers=task.output_layers,
            learning_rows=task.learning_rows,
            **averages,
        )
    return Adam(config.learning_rate, **averages)
