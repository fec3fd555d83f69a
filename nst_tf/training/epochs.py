"""Listens to the training of a classifier: once an epoch, what it scores on pictures it does not learn from."""

import json
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from nst_tf.core import files
from nst_tf.runs import plots
from nst_tf.runs.folder import RunFolder


class EpochReport(keras.callbacks.Callback):
    """Writes what a classifier scores after every epoch, and stops when it learns no more.

    Writes a line into `RunFolder.epochs`, TensorBoard scalars, and the picture of the
    confusion. Means of the training's own terms come from `RunFolder.log`, so that an
    epoch that was interrupted has those of its whole.

    Args:
        run: where to write.
        steps: (epoch, from 0) -> step with which it begins.
        judge: returns validation scores, and the confusion matrix.
        classes: their names.
        tensorboard: whether to write events.
        patience: epochs without a smaller loss after which training stops; 0 never.
        keep: called after the epochs with the least validation loss yet.
        after: steps that have been trained already; lines beyond are cut off.
        log: takes a line an epoch.
    """

    def __init__(
        self,
        run: RunFolder,
        steps: Callable[[int], int],
        judge: Callable[[], tuple[dict[str, float], np.ndarray]],
        classes: tuple[str, ...],
        *,
        tensorboard: bool = False,
        patience: int = 0,
        keep: Callable[[], None] = lambda: None,
        after: int = 0,
        log: Callable[[str], None] = print,
    ):
        super().__init__()
        self._run, self._begin, self._judge = run, steps, judge
        self._classes, self._patience, self._keep = classes, patience, keep
        self._tensorboard, self._after, self._log = tensorboard, after, log

    def on_train_begin(self, logs=None):
        lines = self._run.epochs.read_text().splitlines() if self._after else []
        self._epochs = [json.loads(line) for line in lines]
        self._epochs = [each for each in self._epochs if each["step"] <= self._after]
        self._write()
        self._writer = tf.summary.create_noop_writer()
        if self._tensorboard:
            self._writer = tf.summary.create_file_writer(str(self._run.tensorboard))
        self.model.stop_training = self._learns_no_more()

    def on_train_batch_end(self, batch, logs=None):
        epoch = len(self._epochs)
        if batch + 1 < self._begin(epoch + 1):
            return
        scores, confusion = self._judge()
        means = self._average_log(self._begin(epoch))
        entry = {"epoch": epoch + 1, "step": batch + 1, **means}
        entry |= {f"validation_{name}": value for name, value in scores.items()}
        best = min((each["validation_loss"] for each in self._epochs), default=np.inf)
        self._epochs.append(entry)
        self._write()
        picture = plots.plot_confusion(confusion, self._classes)
        files.write_atomically(self._run.confusion, picture, overwrite=True)
        path = self._run.previews / f"confusion_{epoch + 1:04d}.png"
        files.write_atomically(path, picture, overwrite=True)
        with self._writer.as_default(step=batch + 1):
            for name, value in entry.items():
                tf.summary.scalar(f"epoch/{name}", value)
        named = ", ".join(f"{name} {value:.4g}" for name, value in entry.items())
        self._log(named)
        if entry["validation_loss"] < best:
            self._keep()
        self.model.stop_training = self._learns_no_more()

    def on_train_end(self, logs=None):
        self._writer.close()

    def _learns_no_more(self) -> bool:
        losses = [each["validation_loss"] for each in self._epochs]
        if not self._patience or not losses:
            return False
        return len(losses) - 1 - losses.index(min(losses)) >= self._patience

    def _average_log(self, begin: int) -> dict[str, float]:
        lines = self._run.log.read_text().splitlines()[begin:]
        entries = [json.loads(line) for line in lines]
        return {
            name: float(np.mean([entry[name] for entry in entries]))
            for name in ("loss", "top1", "top5")
        }

    def _write(self) -> None:
        lines = "".join(json.dumps(each) + "\n" for each in self._epochs)
        files.write_atomically(self._run.epochs, lines.encode(), overwrite=True)
