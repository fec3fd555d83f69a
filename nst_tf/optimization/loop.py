"""The loop that optimizes one picture: scale after scale, saved, resumable, watched."""

import dataclasses
import io
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from nst_tf.core import files
from nst_tf.core.errors import expected, first_line
from nst_tf.core.interrupts import Interruptible
from nst_tf.optimization.adam import Adam
from nst_tf.optimization.lbfgs import Lbfgs
from nst_tf.optimization.optimizer import NOT_FINITE, REASONS, RUNNING, Objective
from nst_tf.optimization.preconditioner import State

Compile = Callable[[str, Callable, Any], Callable]
# What opening a file as a state raises if it is none, or damaged.
DAMAGE = (
    *(OSError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError, SyntaxError),
    *(ArithmeticError, LookupError, NotImplementedError, TypeError, ValueError),
)
ROUNDING = 1e-3  # share of an objective that bfloat16 may add on the way


class Scale(Protocol):
    """One size to work at: pixels, iterations, and what they cost together."""

    height: int
    width: int
    iterations: int
    work: int


class Task(Protocol):
    """The problem at each scale; see `nst_tf.optimization.gatys.Gatys`."""

    scales: Sequence[Scale]

    def objective(self, scale: Scale) -> Objective: ...

    def first_picture(self, scale: Scale) -> np.ndarray: ...


@dataclasses.dataclass(frozen=True)
class Result:
    """What an optimization has reached, and why it ended.

    Attributes:
        picture: float32 [H, W, 3] in [0, 1], of the scale that was reached.
        reason: why it ended, in words.
        interrupted: by Ctrl-C or SIGTERM.
        failed: a number was not finite; the picture is the last good one.
        worse: (objective of the first picture, of this one) at the last scale, if this
            one's is higher; None if it is not.
        iterations, evaluations, seconds: of all scales, earlier parts of a resumed run
            counted in.
        logs: named values at the end.
    """

    picture: np.ndarray
    reason: str
    interrupted: bool
    failed: bool
    worse: tuple[float, float] | None
    iterations: int
    evaluations: int
    seconds: float
    logs: dict[str, float]

    def summarize(self) -> dict[str, Any]:
        """Returns the attributes by name, without the picture."""
        values = dict(vars(self))
        del values["picture"]
        return values


class ImageOptimization:
    """Runs an optimizer over the scales of a task.

    Args:
        task: poses the problem at each scale.
        optimizer: scale -> optimizer whose points are flat pictures of that scale.
        names: of the terms of the task's objective.
        state_file: where the state is kept while the run goes on.
        checkpoint_minutes: between two savings at most.
        keep_state: whether the state is saved at the end, too, and not only if the run
            was interrupted.
        compile: (name, function, example) -> the function compiled for what is like the
            example. One that remembers names serves tasks whose objective is the same.
    """

    def __init__(
        self,
        task: Task,
        optimizer: Callable[[Scale], Lbfgs | Adam],
        names: Sequence[str],
        state_file: Path,
        checkpoint_minutes: float,
        keep_state: bool = True,
        compile: Compile | None = None,
    ):
        self._task, self._open_optimizer, self._names = task, optimizer, names
        self._enter(0)
        self._file, self._pause = state_file, 60 * checkpoint_minutes
        self._keeps_state = keep_state
        self._compile = compile or (lambda name, *given: _compile(*given))
        self._seconds = 0.0
        self._iterations = self._evaluations = 0  # of the scales before this one
        self._state: State | None = None
        self._began = 0.0  # the objective at this scale's first picture
        self._rose = False  # whether it was higher at the end of a scale

    @property
    def iterations(self) -> int:
        """Iterations done in all."""
        return self._iterations + (int(self._state["iterations"]) if self._state else 0)

    @property
    def picture(self) -> np.ndarray:
        """The best picture so far, float32 [H, W, 3] in [0, 1]."""
        scale = self._task.scales[self._scale]
        flat = self._optimizer.result(self._state).numpy()
        return flat.reshape(scale.height, scale.width, 3)

    def restore(self) -> int:
        """Continues from the saved state; returns the iterations it had.

        Raises:
            UserError: there is none, or it is damaged.
        """
        try:
            with np.load(self._file) as archive:
                arrays = dict(archive)
            scale, self._iterations, self._evaluations = (
                int(arrays.pop(name))
                for name in ("scale", "before_iterations", "before_evaluations")
            )
            if not 0 <= scale < len(self._task.scales):
                raise ValueError(f"scale {scale}")
            self._enter(scale)
            self._seconds = float(arrays.pop("seconds"))
            # States of version 0.1.0 have none of these two.
            self._began = float(arrays.pop("began", np.inf))
            self._rose = bool(arrays.pop("rose", False))
            self._state = {name: tf.constant(array) for name, array in arrays.items()}
            self._check_restored()
        except DAMAGE as error:
            raise expected(
                "the whole state of an interrupted optimization",
                f"{self._file} ({first_line(error)})",
                "Begin anew: --overwrite instead of --resume.",
            ) from error
        return self.iterations

    def save(self) -> None:
        """Saves the state; the one before stays until the new one is whole."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            scale=self._scale,
            before_iterations=self._iterations,
            before_evaluations=self._evaluations,
            seconds=self._seconds,
            began=self._began,
            rose=self._rose,
            **{name: value.numpy() for name, value in self._state.items()},
        )
        files.write_atomically(self._file, buffer.getvalue(), overwrite=True)

    def run(self, callbacks: Sequence[keras.callbacks.Callback] = ()) -> Result:
        """Optimizes until all iterations are done, nothing improves, or Ctrl-C.

        Callbacks get Keras's protocol, a batch being an iteration; logs are floats.
        """
        listeners = keras.callbacks.CallbackList(list(callbacks))
        listeners.on_train_begin()
        logs, saved_at = {}, time.monotonic()
        try:
            with Interruptible() as interrupt:
                objective = self._task.objective(self._task.scales[self._scale])
                if self._state is None:
                    self._begin(objective, self._first_picture())
                while True:
                    before, started = self._seconds, time.monotonic()
                    step = self._step(objective)
                    while not self._scale_done() and not interrupt.received:
                        self._state = step(self._state)
                        self._seconds = before + time.monotonic() - started
                        logs = self._logs()
                        listeners.on_train_batch_end(self.iterations - 1, logs)
                        if time.monotonic() - saved_at > self._pause:
                            self.save()
                            saved_at = time.monotonic()
                    status = int(self._state["status"])
                    last = self._scale == len(self._task.scales) - 1
                    self._rose |= float(self._state["value"]) > self._began
                    if interrupt.received or status == NOT_FINITE or last:
                        break
                    objective = self._next_scale()
        finally:
            listeners.on_train_end(logs)
        if self._keeps_state or interrupt.received:
            self.save()
        # The loop has compared neighbors only, and not averages of steps.
        ended = last and not interrupt.received and status != NOT_FINITE
        worse = self._compare(objective) if ended and self._rose else None
        return Result(
            self.picture,
            "interrupted" if interrupt.received else REASONS[status],
            interrupt.received,
            status == NOT_FINITE,
            worse,
            self.iterations,
            self._evaluations + int(self._state["evaluations"]),
            self._seconds,
            logs,
        )

    def _enter(self, scale: int) -> None:
        self._scale, self._optimizer = (
            scale,
            self._open_optimizer(self._task.scales[scale]),
        )

    def _step(self, objective: Objective) -> Callable[[State], State]:
        optimizer = self._optimizer
        return self._compile(
            "step", lambda state: optimizer.iterate(objective, state), self._state
        )

    def _begin(self, objective: Objective, picture: tf.Tensor, **carried) -> None:
        optimizer = self._optimizer
        start = self._compile(
            "start", lambda x: optimizer.start(objective, x, **carried), picture
        )
        self._state = start(picture)
        self._began = float(self._state["value"])

    def _first_picture(self) -> tf.Tensor:
        scale = self._task.scales[self._scale]
        return tf.reshape(self._task.first_picture(scale), [-1])

    def _compare(self, objective: Objective) -> tuple[float, float] | None:
        pictures = self._first_picture(), self._optimizer.result(self._state)
        evaluate = self._compile(
            "value", lambda picture: objective(picture)[0], pictures[0]
        )
        first, last = (float(evaluate(picture)) for picture in pictures)
        return (first, last) if last > (1 + ROUNDING) * first else None

    def _check_restored(self) -> None:
        """Raises an error if the state is not one of this optimizer at this scale."""
        scale = self._task.scales[self._scale]
        picture = tf.TensorSpec([3 * scale.height * scale.width])
        start = _compile(lambda x: self._optimizer.start(_flat, x), picture)
        like = start.structured_outputs | {"terms": tf.TensorSpec([len(self._names)])}
        if set(like) != set(self._state):
            raise ValueError(f"it has {', '.join(sorted(self._state)) or 'nothing'}")
        for name, value in self._state.items():
            spec = tf.TensorSpec(like[name].shape, like[name].dtype)
            if not spec.is_compatible_with(value):
                raise ValueError(f"{name} is {value.dtype.name} {value.shape}")

    def _next_scale(self) -> Objective:
        old, new = self._task.scales[self._scale : self._scale + 2]

        def grow(flat):
            picture = tf.reshape(flat, [old.height, old.width, 3])
            return tf.reshape(
                tf.image.resize(
                    picture, [new.height, new.width], tf.image.ResizeMethod.BICUBIC
                ),
                [-1],
            )

        # The objective is a mean over positions: the more pixels, the less each counts.
        ratio = old.height * old.width / (new.height * new.width)
        carried = self._optimizer.carry_over(self._state, grow, ratio)
        picture = tf.clip_by_value(grow(self._optimizer.result(self._state)), 0.0, 1.0)
        self._iterations += int(self._state["iterations"])
        self._evaluations += int(self._state["evaluations"])
        self._enter(self._scale + 1)
        objective = self._task.objective(self._task.scales[self._scale])
        self._begin(objective, picture, **carried)
        return objective

    def _scale_done(self):
        return (
            int(self._state["status"]) != RUNNING
            or int(self._state["iterations"])
            >= self._task.scales[self._scale].iterations
        )

    def _logs(self):
        scale = self._task.scales[self._scale]
        terms = dict(zip(self._names, self._state["terms"].numpy().tolist()))
        done = sum(each.work for each in self._task.scales[: self._scale])
        done += scale.work * int(self._state["iterations"]) / scale.iterations
        return {
            "loss": float(self._state["value"]),
            **terms,
            "size": max(scale.height, scale.width),
            "evaluations": self._evaluations + int(self._state["evaluations"]),
            "progress": min(1.0, done / sum(each.work for each in self._task.scales)),
        }


def _flat(picture: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    return tf.constant(0.0), tf.zeros_like(picture), tf.zeros([0])


class CompileOnce:
    """Compiles what has a name once: for tasks of one scale and one objective, whose
    targets are variables.
    """

    def __init__(self) -> None:
        self._compiled: dict[str, Callable] = {}

    def __call__(
        self, name: str, function: Callable, example: tf.Tensor | State
    ) -> Callable:
        """Returns what was compiled under the name first."""
        if name not in self._compiled:
            self._compiled[name] = _compile(function, example)
        return self._compiled[name]


def _compile(function: Callable, example: tf.Tensor | State) -> Callable:
    """Compiles for tensors like `example` alone: every scale and every picture has a
    graph of its own.

    TensorFlow would take that for a mistake, and warn, if the graphs were traced by
    calling. Nothing here is Python's control flow on tensors, and to look for it is
    half of the tracing.
    """
    return tf.function(function, autograph=False).get_concrete_function(example)
