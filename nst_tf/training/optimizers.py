"""The optimizers that --optimizer names."""

import keras

from nst_tf.training.averages import ExactAverages
from nst_tf.training.muon import Muon
from nst_tf.training.schedule import FitConfig
from nst_tf.training.task import Task

MOMENTUM = 0.9  # of SGD: Sutskever et al. 2013, and nearly everybody since
NOT_DECAYED = ("bias", "gamma", "beta")  # parts of names of weights


class Adam(ExactAverages, keras.optimizers.Adam):
    """Keras's Adam with averages that are exact."""


class Sgd(ExactAverages, keras.optimizers.SGD):
    """Keras's SGD with averages that are exact."""


def open_optimizer(config: FitConfig, task: Task) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a run; with `config.ema` it averages the weights."""
    size, options = config.learning_rate, {"weight_decay": config.weight_decay or None}
    if config.ema:
        options |= {"use_ema": True, "ema_momentum": config.ema}
    if config.optimizer == "muon":
        optimizer = Muon(
            size,
            adam_layers=task.output_layers,
            learning_rows=task.learning_rows,
            **options,
        )
    elif config.optimizer == "sgd":
        optimizer = Sgd(size, MOMENTUM, nesterov=True, **options)
    else:
        optimizer = Adam(size, **options)
    if config.weight_decay:
        # Kernels alone: scales and offsets of norms have no size to keep small.
        optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    return optimizer
