"""Listeners of a training run: progress bar, JSON log, TensorBoard, previews."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import tensorflow as tf
import tqdm

from nst_tf.core.errors import expected
from nst_tf.runs.lock import open_locked

HIDDEN = ("learning_rate", "progress")  # in the log, not in the bar


class ProgressBar(keras.callbacks.Callback):
    """Shows steps, steps a second, time left and the named losses.

    The time left follows from the used share of the budget, so that budgets in minutes
    work too. On a terminal the bar stays in one line; in a log file there is a line
    about every 20 seconds.

    Args:
        unit: what is counted.
    """

    def __init__(self, unit: str = "step"):
        super().__init__()
        self._unit = unit

    def on_train_begin(self, logs=None):
        terminal = sys.stderr.isatty()
        self._bar = tqdm.tqdm(
            unit=self._unit,
            dynamic_ncols=terminal,
            mininterval=0.5 if terminal else 20.0,
            bar_format="{percentage:3.0f}% |{bar:20}| {unit} {n_fmt} {rate_fmt} {postfix}",
        )
        self._started, self._begun = time.monotonic(), None

    def on_train_batch_end(self, batch, logs=None):
        progress = logs["progress"]
        if self._begun is None:  # progress of an earlier part is not ours
            self._begun, self._started = progress, time.monotonic()
            self._bar.initial = self._bar.n = batch + 1
            self._bar.unpause()  # the first step's compilation is no rate
            return
        done = progress - self._begun
        left = (time.monotonic() - self._started) * (1 - progress) / done if done else 0
        self._bar.total = round((batch + 1) / progress)
        named = " ".join(
            f"{name} {value:.4g}" for name, value in logs.items() if name not in HIDDEN
        )
        self._bar.set_postfix_str(
            f"left {int(left // 60)}:{int(left % 60):02d} {named}", refresh=False
        )
        self._bar.update(1)

    def on_train_end(self, logs=None):
        self._bar.refresh()
        self._bar.close()


class JsonLog(keras.callbacks.Callback):
    """Appends one JSON object a step: step, seconds trained, named losses, step size.

    Args:
        path: of the .jsonl file; a resumed run goes on in it.
        after: steps that have been trained already. Lines beyond them are cut off: a
            run that died wrote them behind its last checkpoint, and these steps come
            again.

    `on_train_begin` raises `UserError` for a log that another process writes, or whose
    lines are none of a log.
    """

    def __init__(self, path: Path, after: int = 0):
        super().__init__()
        self._path, self._after = path, after

    def on_train_begin(self, logs=None):
        self._file = open_locked(self._path)
        lines = self._path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines[: self._after] if line.endswith(b"\n")]
        seconds = 0.0
        for number, line in enumerate(kept, 1):
            seconds = self._read_seconds(number, line)
        self._file.truncate(sum(map(len, kept)))
        self._started = time.monotonic() - seconds

    def _read_seconds(self, number, line):
        try:
            entry = json.loads(line)
            float(entry.get("loss", 0))
            return float(entry["seconds"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._file.close()
            raise expected(
                'a log of lines such as {"step": 1, "seconds": 2.5}',
                f"line {number} of {self._path}: {line[:60]!r}",
                "Put the file back, or move it away: the log then begins here.",
            ) from error

    def on_train_batch_end(self, batch, logs=None):
        entry = {
            "step": batch + 1,
            "seconds": round(time.monotonic() - self._started, 3),
            **logs,
        }
        self._file.write(json.dumps(entry) + "\n")

    def on_train_end(self, logs=None):
        self._file.close()


class TensorBoard(keras.callbacks.Callback):
    """Writes losses every few steps as TensorBoard events.

    Args:
        folder: of the events.
        every: steps between two entries.
    """

    def __init__(self, folder: Path, every: int = 10):
        super().__init__()
        self._folder, self._every = folder, every

    def on_train_begin(self, logs=None):
        self._writer = tf.summary.create_file_writer(str(self._folder))

    def on_train_batch_end(self, batch, logs=None):
        if batch % self._every == 0:
            with self._writer.as_default(step=batch + 1):
                for name, value in logs.items():
                    tf.summary.scalar(name, value)

    def on_train_end(self, logs=None):
        self._writer.close()


class Previews(keras.callbacks.Callback):
    """Draws a picture early, then every so many steps.

    Args:
        draw: (step) -> None, writes the picture.
        every: steps between pictures.
        first: step of the first picture: early, so that a wrong setting shows within a
            minute.
    """

    def __init__(self, draw: Callable[[int], None], every: int, first: int = 10):
        super().__init__()
        self._draw, self._every, self._first = draw, every, first

    def on_train_batch_end(self, batch, logs=None):
        step = batch + 1
        if step == self._first or step % self._every == 0:
            self._draw(step)
