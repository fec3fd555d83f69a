"""The fit loop that trains every network: one compiled step, Keras callbacks,
checkpoint and resume.
"""

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.core.errors import UserError, expected
from nst_tf.core.interrupts import Interruptible
from nst_tf.data.pipeline import Shard
from nst_tf.runs.checkpoints import Checkpoints
from nst_tf.training.distribution import Distribution
from nst_tf.training.failures import LOST, describe
from nst_tf.training.optimizers import open_optimizer
from nst_tf.training.schedule import FitConfig, FitResult
from nst_tf.training.task import Task


class Fit:
    """A training run that can be interrupted and continued exactly.

    Args:
        task: what is trained, built inside `distribution.strategy.scope()`.
        config: budget and step size.
        distribution: where the step runs.
        checkpoints: folder of the checkpoints.
    """

    def __init__(
        self,
        task: Task,
        config: FitConfig,
        distribution: Distribution,
        checkpoints: Path,
    ):
        self.task, self.config, self._distribution = task, config, distribution
        strategy = distribution.strategy
        # Raised here, before any work, if the batch cannot be shared evenly.
        Shard(config.batch_size, 0, strategy.num_replicas_in_sync)
        with strategy.scope():
            self._optimizer = open_optimizer(config, task)
            self._optimizer.build(task.network.trainable_variables)
        self._step = tf.Variable(0, dtype=tf.int64, name="step")
        self._next_index = tf.Variable(0, dtype=tf.int64, name="next_index")
        self._seconds = tf.Variable(0.0, dtype=tf.float64, name="seconds")
        self._checkpoint = tf.train.Checkpoint(
            network=task.network,
            optimizer=self._optimizer,
            step=self._step,
            next_index=self._next_index,
            seconds=self._seconds,
            state=dict(task.state),
        )
        self._folder = checkpoints
        self._saved = self._restored = Checkpoints(checkpoints)
        if not distribution.is_chief:
            # Every worker saves, because saving may be a collective; only the chief's
            # counts.
            self._scratch = tempfile.TemporaryDirectory(prefix="nst_tf_worker_")
            self._saved = Checkpoints(Path(self._scratch.name))

    @property
    def step(self) -> int:
        """Steps trained so far."""
        return int(self._step.numpy())

    def restore(self, log: Callable[[str], None] = print) -> int:
        """Continues from the newest checkpoint that is whole; returns its step.

        Args:
            log: takes a line for each damaged checkpoint that was passed over.

        Raises:
            UserError: there is none, or it is of another network.
        """
        try:
            return self._restored.restore(self._checkpoint, log)
        except LookupError as error:
            raise expected(
                "--resume of a run with a whole checkpoint",
                f"{self._folder} ({error})",
                "Put the files back, or begin anew with --overwrite in place of --resume.",
            ) from error
        except (ValueError, AssertionError, tf.errors.OpError) as error:
            raise expected(
                "a checkpoint of the same network",
                f"{self._restored.newest} ({describe(error)})",
                "Resume with the run's own settings, or start anew with --overwrite.",
            ) from error

    def run(
        self,
        open_batches: Callable[[Shard, int], tf.data.Dataset],
        callbacks: Sequence[keras.callbacks.Callback] = (),
        check_data: Callable[[], None] = lambda: None,
    ) -> FitResult:
        """Trains until the budget is used up, a callback stops it, or Ctrl-C.

        With `FitConfig.ema` the network ends with the averaged weights; checkpoints
        hold both.

        Callbacks get Keras's protocol: `on_train_begin`, `on_train_batch_begin(step)`,
        `on_train_batch_end(step, logs)`, `on_train_end(logs)`; steps count from 0, logs
        are floats, `network.stop_training = True` stops.

        Args:
            open_batches: (shard, start) -> batches with "image" and "index" from
                running number `start` on; see `nst_tf.data.pipeline.crops`.
            callbacks: Keras callbacks.
            check_data: raises `UserError` if the data turned out to be unusable.

        Raises:
            UserError: unusable data (after a checkpoint), a loss that is not finite, a checkpoint that
                cannot be written, a worker that has died.
        """
        network = self.task.network
        network.stop_training = False
        callbacks = keras.callbacks.CallbackList(list(callbacks), model=network)
        batches = iter(self._distribute(open_batches))
        before = float(self._seconds.numpy())
        saved_at, saved_step = before, self.step
        inside, first, logs = 0.0, None, {}
        reason = self._used_up()
        callbacks.on_train_begin()
        if reason is None and network.stop_training:
            reason = "stopped by a callback"  # before the run was interrupted
        try:
            with Interruptible() as interrupt:
                while reason is None:
                    step = self.step
                    callbacks.on_train_batch_begin(step)
                    batch = self._next(batches, check_data)
                    size = self.config.step_size(self._progress())
                    self._optimizer.learning_rate.assign(size)
                    entered = time.monotonic()
                    logs = {
                        name: float(value)
                        for name, value in self._train_step(batch).items()
                    }
                    left = time.monotonic()
                    if first is None:
                        # The first step compiles: it tells nothing of the rest, and
                        # neither budget nor warm-up is used up by it.
                        first = left
                    else:
                        inside += left - entered
                    if not all(math.isfinite(value) for value in logs.values()):
                        raise self._not_finite(step + 1, logs)
                    self._advance(batch, before + left - first)
                    logs |= {"learning_rate": size, "progress": self._progress()}
                    callbacks.on_train_batch_end(step, logs)
                    self._check(check_data)
                    seconds, stopped, interrupted = self._distribution.agree(
                        before + time.monotonic() - first,
                        network.stop_training,
                        interrupt.received,
                    )
                    self._seconds.assign(seconds)
                    if stopped or interrupted:
                        reason = "stopped by a callback" if stopped else "interrupted"
                    else:
                        reason = self._used_up()
                    if (
                        reason
                        or self.step - saved_step >= self.config.checkpoint_steps
                        or (seconds - saved_at) / 60 >= self.config.checkpoint_minutes
                    ):
                        self.save()
                        saved_at, saved_step = seconds, self.step
            ended = time.monotonic()
        except LOST as error:
            if self._distribution.workers == 1:
                raise
            raise UserError(
                f"Expected all {self._distribution.workers} workers to answer. Received: "
                f"{describe(error)}. Start every worker again with --resume: it continues from "
                f"{self._last_good()}."
            ) from error
        finally:
            callbacks.on_train_end(logs)
        if self.config.ema and reason != "interrupted":
            self._optimizer.finalize_variable_values(network.trainable_variables)
        share = inside / max(ended - first, 1e-9) if inside else 1.0
        return FitResult(self.step, float(self._seconds.numpy()), reason, logs, share)

    def save(self) -> None:
        """Saves a checkpoint; the one before stays until the new one is whole."""
        # Adam's moments too: one that overflowed would stop its weight from ever moving
        # again.
        for variable in (
            *self.task.network.trainable_variables,
            *self._optimizer.variables,
        ):
            if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
                raise self._not_finite(self.step, {variable.path: math.nan})
        try:
            self._saved.save(self._checkpoint, self.step)
        except (OSError, tf.errors.OpError) as error:
            raise UserError(
                f"Expected to write a checkpoint at step {self.step}. Received: "
                f"{describe(error)}. Free disk space and use --resume: it continues from "
                f"{self._last_good()}."
            ) from error

    @tf.function(reduce_retracing=True, autograph=False)
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
            # Sums over the global batch: replicas' gradients and values add up to those
            # of one device.
            means = {
                name: tf.reduce_sum(value) / self.config.batch_size
                for name, value in terms.items()
            }
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
                Shard(
                    self.config.batch_size, distribution.worker, distribution.workers
                ),
                start,
            )
            return local.unbatch().batch(
                self.config.batch_size // context.num_replicas_in_sync,
                drop_remainder=True,
            )

        return strategy.distribute_datasets_from_function(shard)

    def _next(self, batches, check_data):
        try:
            return next(batches)
        except (tf.errors.OpError, StopIteration) as error:
            # the stream's own error hides the text: this one names the files
            self._check(check_data)
            if self._distribution.workers > 1 and isinstance(error, LOST):
                raise  # the workers ask each other whether there is a next batch
            raise UserError(
                f"Expected more training photos. Received: {describe(error)}. "
                "Check --content."
            ) from error

    def _check(self, check_data):
        try:
            check_data()
        except UserError:
            # Saving is a collective: not where other workers go on.
            if self.step and self._distribution.workers == 1:
                self.save()
            raise

    def _progress(self):
        return self.config.progress(self.step, float(self._seconds.numpy()))

    def _used_up(self):
        if self._progress() < 1:
            return None
        return "steps" if 0 < self.config.steps <= self.step else "minutes"

    def _advance(self, batch, seconds):
        indices = self._distribution.strategy.experimental_local_results(batch["index"])
        following = 1 + max(int(tf.reduce_max(index)) for index in indices)
        if self._distribution.workers > 1:
            following = (
                math.ceil(following / self.config.batch_size) * self.config.batch_size
            )
        self._next_index.assign(following)
        self._step.assign_add(1)
        self._seconds.assign(seconds)

    def _not_finite(self, step, logs):
        names = ", ".join(
            name for name, value in logs.items() if not math.isfinite(value)
        )
        return UserError(
            f"Expected finite numbers. Received: not finite at step {step}: {names}. The last good "
            f"checkpoint is {self._last_good()}: lower --learning_rate and train anew."
        )

    def _last_good(self):
        return self._restored.newest or "none: the start"
