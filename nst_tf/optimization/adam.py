"""Adam for one large tensor, with an averaged iterate; see `optimizer`."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from nst_tf.core.errors import expected
from nst_tf.optimization.line_search import is_finite
from nst_tf.optimization.optimizer import NOT_FINITE, RUNNING, BoxOptimizer, Objective
from nst_tf.optimization.preconditioner import State

WARM = 10_000  # steps after which Adam's moments have no bias left


@dataclasses.dataclass(frozen=True)
class Adam(BoxOptimizer):
    """Adam with bias correction and an averaged iterate.

    Attributes:
        learning_rate: step size.
        beta1, beta2, epsilon: as in the paper.
        bounds: (low, high) to which every entry is clipped after a step; None for none.
        averaging: decay of the average of the iterates, 0 for none (the average is the
            iterate).

    Reference:
        Kingma, Ba 2015 (arXiv:1412.6980), algorithm 1; its section 7.2 for the
        averaging.
    """

    learning_rate: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.99
    epsilon: float = 1e-8
    bounds: tuple[float, float] | None = None
    averaging: float = 0.0

    def __post_init__(self):
        if not self.learning_rate > 0:
            raise expected("a step size above 0", self.learning_rate, "Try 0.02.")

    def start(
        self,
        objective: Objective,
        x: tf.Tensor,
        moments: tuple[tf.Tensor, tf.Tensor] | None = None,
    ) -> State:
        """Evaluates the first point [n]; returns the state before the first iteration.

        Args:
            objective: what is minimized.
            x: the first point.
            moments: first and second moment [n], without the bias of their start, such
                as `carry_over` brings from a coarser grid; None for none.
        """
        x = self._clip(x)
        value, gradient, terms = objective(x)
        zeros = tf.zeros_like(x)
        first, second = (zeros, zeros) if moments is None else moments
        return {
            "x": x,
            "value": value,
            "gradient": gradient,
            "terms": terms,
            "first": first,
            "second": second,
            "average": zeros,
            # Moments carried over are already unbiased: start at an age where bias
            # correction is 1.
            "age": tf.constant(0 if moments is None else WARM),
            "averaged": tf.constant(0),
            "evaluations": tf.constant(1),
            "iterations": tf.constant(0),
            "status": tf.where(is_finite(value, gradient), RUNNING, NOT_FINITE),
        }

    def carry_over(
        self, state: State, grow: Callable[[tf.Tensor], tf.Tensor], ratio: float
    ) -> dict:
        """Returns what a `start` on a finer grid takes over: both moments, by name.

        Args:
            state: at the end of the coarse grid.
            grow: coarse [n] -> fine [m].
            ratio: of the fine grid's gradients to the coarse ones'.
        """
        age = tf.cast(tf.maximum(state["age"], 1), state["x"].dtype)
        first = state["first"] / (1 - self.beta1**age)
        second = state["second"] / (1 - self.beta2**age)
        return {
            "moments": (ratio * grow(first), ratio**2 * tf.maximum(grow(second), 0))
        }

    def result(self, state: State) -> tf.Tensor:
        """Returns the averaged iterate, or the last one without averaging."""
        if not self.averaging:
            return state["x"]
        age = tf.cast(state["averaged"], state["x"].dtype)
        return tf.where(
            age > 0,
            state["average"] / (1 - self.averaging ** tf.maximum(age, 1)),
            state["x"],
        )

    def _iterate(self, objective, state):
        gradient, age = state["gradient"], state["age"] + 1
        power = tf.cast(age, gradient.dtype)
        first = self.beta1 * state["first"] + (1 - self.beta1) * gradient
        second = self.beta2 * state["second"] + (1 - self.beta2) * gradient * gradient
        corrected = first / (1 - self.beta1**power)
        size = tf.sqrt(second / (1 - self.beta2**power)) + self.epsilon
        x = self._clip(state["x"] - self.learning_rate * corrected / size)
        value, new_gradient, terms = objective(x)
        finite = is_finite(value, new_gradient)
        moved = {
            **state,
            "x": x,
            "value": value,
            "gradient": new_gradient,
            "terms": terms,
            "first": first,
            "second": second,
            "age": age,
            "averaged": state["averaged"] + 1,
            "average": self.averaging * state["average"] + (1 - self.averaging) * x,
            "iterations": state["iterations"] + 1,
        }
        stopped = {**state, "status": tf.constant(NOT_FINITE)}
        after = {name: tf.where(finite, moved[name], stopped[name]) for name in state}
        return {**after, "evaluations": state["evaluations"] + 1}
