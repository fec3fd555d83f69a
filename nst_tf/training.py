"""The fit loop that trains every network: one compiled step, Keras callbacks, checkpoint and resume."""

import dataclasses
import math
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import tensorflow as tf

from nst_tf.data import Shard
from nst_tf.distribution import Distribution
from nst_tf.errors import UserError, expected


class Task(Protocol):
    """What is trained, and by which loss.

    Attributes:
        network: its trainable weights are changed, saved and resumed.
        state: further variables that a resumed run needs.
    """

    network: keras.Model
    state: Mapping[str, tf.Variable]

    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns named values, each [B]; "loss" is made small, the others are shown."""


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """Budget, step size and checkpoints of a run.

    Attributes:
        steps: -1 for no limit.
        minutes: -1 for no limit; the time of an interrupted run counts, so a budget in minutes is
            not repeatable bit for bit.
        learning_rate: Adam's step size at the start.
        schedule: "constant" or "cosine" (to zero at the end of the budget).
        batch_size: examples a step over all replicas.
        checkpoint_steps, checkpoint_minutes: what comes first saves a checkpoint.
    """

    steps: int
    minutes: float
    learning_rate: float
    schedule: str
    batch_size: int
    checkpoint_steps: int
    checkpoint_minutes: float

    def progress(self, step: int, seconds: float) -> float:
        """Returns the share of the budget that is used, 0 to 1."""
        by_steps = step / self.steps if self.steps > 0 else 0.0
        by_time = seconds / 60 / self.minutes if self.minutes > 0 else 0.0
        return min(1.0, max(by_steps, by_time))

    def step_size(self, progress: float) -> float:
        """Returns Adam's step size at `progress` of the budget."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


@dataclasses.dataclass(frozen=True)
class FitResult:
    """How a run ended.

    Attributes:
        steps: steps trained in all, earlier parts of a resumed run counted in.
        seconds: time trained in all.
        reason: "steps", "minutes", "stopped by a callback" or "interrupted".
        logs: named values of the last step.
        step_share: part of the time of the steps spent in the compiled step; the rest waited for data
            and callbacks.
    """

    steps: int
    seconds: float
    reason: str
    logs: Mapping[str, float]
    step_share: float


class Fit:
    """A training run that can be interrupted and continued exactly.

    Args:
        task: what is trained; build it inside `distribution.strategy.scope()`.
        config: budget and step size.
        distribution: where the step runs.
        checkpoints: folder of the checkpoints.
    """

    def __init__(
        self, task: Task, config: FitConfig, distribution: Distribution, checkpoints: Path
    ):
        self.task, self.config, self._distribution = task, config, distribution
        strategy = distribution.strategy
        # Raised here, before any work, if the batch cannot be shared evenly.
        Shard(config.batch_size, 0, strategy.num_replicas_in_sync)
        with strategy.scope():
            self._optimizer = keras.optimizers.Adam(config.learning_rate)
            self._optimizer.build(task.network.trainable_variables)
        self._step = tf.Variable(0, dtype=tf.int64, name="step")
        self._next_index = tf.Variable(0, dtype=tf.int64, name="next_index")
        self._seconds = tf.Variable(0.0, dtype=tf.float64, name="seconds")
        checkpoint = tf.train.Checkpoint(
            network=task.network, optimizer=self._optimizer, step=self._step,
            next_index=self._next_index, seconds=self._seconds, state=dict(task.state))
        # Every worker saves, because saving may be a collective; only the chief's counts.
        folder = checkpoints if distribution.is_chief else checkpoints / f"worker{distribution.worker}"
        self._restored_from = checkpoints
        self._manager = tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=2)

    @property
    def step(self) -> int:
        """Steps trained so far."""
        return int(self._step.numpy())

    def restore(self) -> int:
        """Continues from the newest checkpoint, if there is one; returns its step, else 0."""
        newest = tf.train.latest_checkpoint(str(self._restored_from))
        if newest is None:
            return 0
        try:
            self._manager.checkpoint.restore(newest).assert_existing_objects_matched()
        except (ValueError, AssertionError, tf.errors.OpError) as error:
            raise expected(
                "a checkpoint of the same network", f"{newest} ({str(error).splitlines()[0]})",
                "Resume with the run's own settings, or start anew with --overwrite.") from error
        return self.step

    def run(
        self,
        open_batches: Callable[[Shard, int], tf.data.Dataset],
        callbacks: Sequence[keras.callbacks.Callback] = (),
        check_data: Callable[[], None] = lambda: None,
    ) -> FitResult:
        """Trains until the budget is used up, a callback stops it, or Ctrl-C.

        Callbacks get Keras's protocol: `on_train_begin`, `on_train_batch_begin(step)`,
        `on_train_batch_end(step, logs)`, `on_train_end(logs)`; steps count from 0, logs are floats,
        `network.stop_training = True` stops.

        Args:
            open_batches: (shard, start) -> batches with "image" and "index" from running number
                `start` on; see `nst_tf.data.crops`.
            callbacks: Keras callbacks.
            check_data: raises `UserError` if the data turned out to be unusable.

        Raises:
            UserError: unusable data, a loss that is not finite, a checkpoint that cannot be written.
        """
        network = self.task.network
        network.stop_training = False
        callbacks = keras.callbacks.CallbackList(list(callbacks), model=network)
        batches = iter(self._distribute(open_batches))
        before, started = float(self._seconds.numpy()), time.monotonic()
        saved_at, saved_step = started, self.step
        inside, first, logs = 0.0, None, {}
        callbacks.on_train_begin()
        reason = None
        with _Interruptible() as interrupt:
            while reason is None:
                step = self.step
                progress = self.config.progress(step, float(self._seconds.numpy()))
                if progress >= 1:
                    reason = "steps" if 0 < self.config.steps <= step else "minutes"
                    break
                callbacks.on_train_batch_begin(step)
                batch = self._next(batches, check_data)
                self._optimizer.learning_rate.assign(self.config.step_size(progress))
                entered = time.monotonic()
                values = self._train_step(batch)
                logs = {name: float(value) for name, value in values.items()}
                left = time.monotonic()
                if first is None:
                    first = left            # the first step compiles: it tells nothing of the rest
                else:
                    inside += left - entered
                if not all(math.isfinite(value) for value in logs.values()):
                    raise self._not_finite(step, logs)
                self._advance(batch, before + left - started)
                logs["learning_rate"] = float(self.config.step_size(progress))
                logs["progress"] = self.config.progress(self.step, float(self._seconds.numpy()))
                callbacks.on_train_batch_end(step, logs)
                check_data()
                if network.stop_training:
                    reason = "stopped by a callback"
                if interrupt.received:
                    reason = "interrupted"
                minutes = (time.monotonic() - saved_at) / 60
                if (self.step - saved_step >= self.config.checkpoint_steps
                        or minutes >= self.config.checkpoint_minutes):
                    self.save()
                    saved_at, saved_step = time.monotonic(), self.step
        ended = time.monotonic()
        if self.step > saved_step:
            self.save()
        callbacks.on_train_end(logs)
        share = inside / max(ended - first, 1e-9) if first is not None and inside else 1.0
        return FitResult(self.step, float(self._seconds.numpy()), reason, logs, share)

    def save(self) -> str:
        """Saves a checkpoint; the one before stays until the new one is whole. Returns its path."""
        for variable in self.task.network.trainable_variables:
            if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
                raise self._not_finite(self.step, {"weights": math.nan})
        try:
            return self._manager.save(checkpoint_number=self.step)
        except (OSError, tf.errors.OpError) as error:
            raise UserError(
                f"Expected to write a checkpoint at step {self.step}. Received: "
                f"{str(error).splitlines()[0]}. Free disk space and use --resume: it continues from "
                f"{self._manager.latest_checkpoint or 'the start'}.") from error

    @tf.function(reduce_retracing=True)
    def _train_step(self, batch):
        strategy = self._distribution.strategy
        values = strategy.run(self._replica_step, args=(batch,))
        return {
            name: strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for name, value in values.items()
        }

    def _replica_step(self, batch):
        network = self.task.network
        with tf.GradientTape() as tape:
            terms = self.task.terms(batch)
            # Sums over the global batch: replicas' gradients and values add up to those of one device.
            means = {
                name: tf.reduce_sum(value) / self.config.batch_size for name, value in terms.items()}
        gradients = tape.gradient(means["loss"], network.trainable_variables)
        self._optimizer.apply_gradients(zip(gradients, network.trainable_variables))
        return means

    def _distribute(self, open_batches):
        start = int(self._next_index.numpy())
        distribution = self._distribution
        strategy = distribution.strategy
        if strategy.num_replicas_in_sync == 1:
            return open_batches(Shard(self.config.batch_size), start)

        def shard(context):
            # Consecutive batches of this stream feed this worker's replicas in turn.
            local = open_batches(
                Shard(self.config.batch_size, distribution.worker, distribution.workers), start)
            return local.unbatch().batch(
                self.config.batch_size // context.num_replicas_in_sync, drop_remainder=True)

        return strategy.distribute_datasets_from_function(shard)

    def _next(self, batches, check_data):
        try:
            return next(batches)
        except tf.errors.OpError as error:
            check_data()             # the stream's own error hides the text: this one names the files
            raise UserError(
                f"Expected more training photos. Received: {str(error).splitlines()[0]}. "
                "Check --content.") from error

    def _advance(self, batch, seconds):
        indices = self._distribution.strategy.experimental_local_results(batch["index"])
        following = 1 + max(int(tf.reduce_max(index)) for index in indices)
        if self._distribution.workers > 1:
            following = math.ceil(following / self.config.batch_size) * self.config.batch_size
        self._next_index.assign(following)
        self._step.assign_add(1)
        self._seconds.assign(seconds)

    def _not_finite(self, step, logs):
        names = ", ".join(name for name, value in logs.items() if not math.isfinite(value))
        return UserError(
            f"Expected finite losses. Received: {names} is not finite at step {step}. The last good "
            f"checkpoint is {self._manager.latest_checkpoint or 'not yet written'}: lower "
            "--learning_rate and train anew.")


class _Interruptible:
    """Lets Ctrl-C and SIGTERM end the loop after the step; a second Ctrl-C ends it at once."""

    def __enter__(self):
        self.received = False
        self._previous = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        except ValueError:                # not in the main thread: leave signals to who started it
            pass
        return self

    def _note(self, number, frame):
        if self.received:
            raise KeyboardInterrupt
        self.received = True

    def __exit__(self, *unused):
        for number, handler in self._previous.items():
            signal.signal(number, handler)
