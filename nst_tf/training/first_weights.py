"""The weights that a run begins with where --init_from names another run."""

from collections.abc import Callable

import keras
import tensorflow as tf

from nst_tf.core.errors import UserError, expected
from nst_tf.inference.open_model import open_network
from nst_tf.runs.checkpoints import Checkpoints
from nst_tf.runs.folder import RunFolder
from nst_tf.training.failures import describe


def restore_weights(
    network: keras.Model, run: RunFolder, log: Callable[[str], None] = print
) -> None:
    """Takes the weights of a network that draws from another run.

    Those of network.keras: with --ema its checkpoints have others. Of a run that has
    not finished, those of its newest checkpoint.

    Args:
        log: takes a line where a checkpoint is read.

    Raises:
        UserError: there is nothing to take, or it is of another network.
    """
    if not run.network.is_file():
        step = restore_checkpoint(network, run, log)
        log(f"{run.path} has not finished: its weights are those of step {step}")
        return
    try:
        weights = open_network(run.path).get_weights()
        if [each.shape for each in weights] != [each.shape for each in network.weights]:
            raise ValueError(f"{run.network.name} has weights of other shapes")
        network.set_weights(weights)
    except (UserError, ValueError) as error:
        raise _not_the_same(run.network, error) from error


def restore_checkpoint(
    network: keras.Model,
    run: RunFolder,
    log: Callable[[str], None] = print,
    averaged: bool = False,
) -> int:
    """Takes a network's weights from the newest whole checkpoint of another run.

    Args:
        log: takes a line for each damaged checkpoint that was passed over.
        averaged: takes the averages of a run with --ema, whose weights all learn.

    Returns:
        The step of the checkpoint.

    Raises:
        UserError: there is none, or it is of another network.
    """
    parts = {"network": network}
    averaged = averaged and bool((run.settings or {}).get("ema"))
    if averaged:
        # Muon has the same variables.
        optimizer = keras.optimizers.Adam(use_ema=True)
        optimizer.build(network.trainable_variables)
        parts["optimizer"] = optimizer
    try:
        checkpoint = tf.train.Checkpoint(**parts)
        step = Checkpoints(run.checkpoints).restore(checkpoint, log)
    except (LookupError, ValueError, AssertionError, tf.errors.OpError) as error:
        raise _not_the_same(run.checkpoints, error) from error
    if averaged:
        optimizer.finalize_variable_values(network.trainable_variables)
    return step


def _not_the_same(path, error):
    return expected(
        "--init_from with a run of the same network",
        f"{path} ({describe(error)})",
        "Check the folder, and widths and depth.",
    )
