"""Where a step runs: one device, all devices of a machine, or several machines."""

import dataclasses
import json
import os

import tensorflow as tf

from nst_tf.errors import expected


@dataclasses.dataclass(frozen=True)
class Distribution:
    """A `tf.distribute` strategy and this process's place in it.

    Attributes:
        strategy: runs the step.
        worker: number of this process, 0 for the chief.
        workers: number of processes.
    """

    strategy: tf.distribute.Strategy
    worker: int = 0
    workers: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder."""
        return self.worker == 0


def open_distribution(name: str) -> Distribution:
    """Opens one_device, mirrored or multi_worker; the last must come before any other TensorFlow work.

    Raises:
        UserError: multi_worker without a usable TF_CONFIG.
    """
    if name == "mirrored":
        return Distribution(tf.distribute.MirroredStrategy())
    if name == "one_device":
        return Distribution(tf.distribute.get_strategy())
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        workers = config["cluster"]["worker"]
        worker = int(config["task"]["index"])
        if config["task"]["type"] != "worker" or not 0 <= worker < len(workers):
            raise ValueError(f"task {config['task']} is not one of {len(workers)} workers")
    except (KeyError, ValueError, TypeError) as error:
        raise expected(
            'TF_CONFIG such as {"cluster": {"worker": ["host:port", ...]}, '
            '"task": {"type": "worker", "index": 0}}',
            f"{os.environ.get('TF_CONFIG', 'nothing')} ({type(error).__name__}: {error})",
            "Set it in the environment of every worker.") from error
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    return Distribution(strategy, worker, len(workers))
