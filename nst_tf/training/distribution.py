"""Where a step runs: one device, all devices of a machine, or several machines."""

import dataclasses
import json
import os

import tensorflow as tf

from nst_tf.core.errors import expected, first_line


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

    def agree(self, seconds: float, *flags: bool) -> tuple[float | bool, ...]:
        """Returns the chief's `seconds`, and for each flag whether any worker has it.

        What is decided from these is the same on every worker. Without it one worker
        would leave the loop or lower the step size alone, and the others would wait for
        it for ever.
        """
        if self.workers == 1:
            return (seconds, *flags)
        mine = tf.constant(
            [seconds if self.is_chief else 0.0, *map(float, flags)], tf.float64
        )
        total = self._total(mine).numpy()
        # Every device of a worker brought the same numbers.
        devices = self.strategy.num_replicas_in_sync // self.workers
        return (float(total[0]) / devices, *(bool(flag) for flag in total[1:] > 0))

    @tf.function
    def _total(self, mine):
        each = self.strategy.run(tf.identity, (mine,))
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, each, axis=None)


def open_distribution(name: str) -> Distribution:
    """Opens one_device, mirrored or multi_worker; the last must come before any other
    TensorFlow work.

    Raises:
        UserError: multi_worker without a usable TF_CONFIG, or workers that cannot be
            reached.
    """
    if name == "mirrored":
        # Named one by one: left alone, the strategy takes only the first of several
        # logical CPUs.
        devices = tf.config.list_logical_devices(
            "GPU"
        ) or tf.config.list_logical_devices("CPU")
        return Distribution(
            tf.distribute.MirroredStrategy([device.name for device in devices])
        )
    if name == "one_device":
        return Distribution(tf.distribute.get_strategy())
    try:
        config = json.loads(os.environ["TF_CONFIG"])
        workers = config["cluster"]["worker"]
        worker = int(config["task"]["index"])
        if config["task"]["type"] != "worker" or not 0 <= worker < len(workers):
            raise ValueError(
                f"task {config['task']} is not one of {len(workers)} workers"
            )
    except (KeyError, ValueError, TypeError) as error:
        raise expected(
            'TF_CONFIG such as {"cluster": {"worker": ["host:port", ...]}, '
            '"task": {"type": "worker", "index": 0}}',
            f"{os.environ.get('TF_CONFIG', 'nothing')} ({type(error).__name__}: {error})",
            "Set it in the environment of every worker.",
        ) from error
    try:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    except (tf.errors.OpError, RuntimeError, ValueError) as error:
        raise expected(
            f"all of {', '.join(workers)} to be reachable",
            first_line(error),
            "Check TF_CONFIG and that every worker has been started.",
        ) from error
    return Distribution(strategy, worker, len(workers))
