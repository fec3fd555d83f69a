"""What the optimizers of one large tensor have in common: states, ends, a box.

An optimizer is a pure function of a state, a flat dict of tensors, so that an
interrupted optimization can be saved, loaded and continued bit for bit. It never leaves
the device, and knows nothing of pictures.
"""

from collections.abc import Callable

import tensorflow as tf

from nst_tf.optimization.preconditioner import State

# A flat vector [n] -> (value [], gradient [n], terms [k]), float32 or float64. Terms are
# any numbers that the caller wants to know of a point; a state has those of its point.
Objective = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]

RUNNING, CONVERGED, NO_PROGRESS, NOT_FINITE = range(4)
REASONS = {
    RUNNING: "all iterations done",
    CONVERGED: "the gradient vanished",
    NO_PROGRESS: "no step lowers the objective",
    NOT_FINITE: "the objective is not finite",
}


class BoxOptimizer:
    """Base of the optimizers: clips points to `bounds`, and changes nothing after the end."""

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

    def _clip(self, x):
        return x if self.bounds is None else tf.clip_by_value(x, *self.bounds)
