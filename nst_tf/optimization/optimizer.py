"""Optimizers of one large tensor that never leaves the device: L-BFGS with a
strong-Wolfe search, and Adam.

Both are pure functions of a state, a flat dict of tensors, so that an interrupted
optimization can be saved, loaded and continued bit for bit. They know nothing of
pictures.
"""

from collections.abc import Callable

import tensorflow as tf

from nst_tf.optimization.preconditioner import State

# A flat vector [n] -> (value [], gradient [n], terms [k]), float32 or float64. The
# terms are numbers of the caller's that belong to the point; states carry those of
# their "value".
Objective = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]

RUNNING, CONVERGED, NO_PROGRESS, NOT_FINITE = range(4)
REASONS = {
    RUNNING: "all iterations done",
    CONVERGED: "the gradient vanished",
    NO_PROGRESS: "no step lowers the objective",
    NOT_FINITE: "the objective is not finite",
}


class _InBox:
    """What the optimizers share: points clipped to `bounds`, and an end after which
    nothing changes.
    """

    bounds: tuple[float, float] | None

    def iterate(self, objective: Objective, state: State) -> State:
        """Returns the state after one iteration; one that has ended stays as it is."""
        return tf.cond(
            state["status"] == RUNNING,
            lambda: self._iterate(objective, state),
            lambda: state,
        )

    def _iterate(self, objective, state):
        raise NotImplementedError

    def _clipped(self, x):
        return x if self.bounds is None else tf.clip_by_value(x, *self.bounds)
