"""L-BFGS with a strong-Wolfe line search, for one large tensor; see `optimizer`."""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from nst_tf.core.errors import expected
from nst_tf.optimization import inverse_hessian
from nst_tf.optimization.line_search import is_finite, strong_wolfe
from nst_tf.optimization.optimizer import (
    CONVERGED,
    NO_PROGRESS,
    NOT_FINITE,
    RUNNING,
    BoxOptimizer,
    Objective,
)
from nst_tf.optimization.preconditioner import Preconditioner, State

FIRST_MOVE = 0.05  # largest change of one entry in L-BFGS's first trial step

LEARNT = "learnt_"  # prefix of the names of a preconditioner's state


@dataclasses.dataclass(frozen=True)
class Lbfgs(BoxOptimizer):
    """Limited-memory BFGS with a strong-Wolfe line search, in a box if one is given.

    In a box, entries at a bound which the gradient pushes outwards are held (a
    two-metric projection, Bertsekas 1982), and trial points are clipped.

    Attributes:
        memory: how many pairs of steps and gradient differences are kept.
        bounds: (low, high) of every entry; None for none.
        max_evaluations: of one line search.
        tolerance: largest entry of the free gradient at which the search has converged.
        noise: share of the value that rounding alone may change. Steps may rise by it,
            so that a search does not end where values can no longer tell points apart,
            but slopes can.
        preconditioner: the inverse Hessian before the first pair, up to a factor; None
            for the identity.

    Reference:
        Nocedal, Wright 2006, algorithms 7.4 (two-loop recursion), 3.5 and 3.6 (line
        search); `inverse_hessian` has the same recursion without loops.
    """

    memory: int = 10
    bounds: tuple[float, float] | None = None
    max_evaluations: int = 20
    tolerance: float = 0.0
    noise: float = 0.0
    preconditioner: Preconditioner | None = None

    def __post_init__(self):
        if self.memory < 1:
            raise expected("a memory of at least 1 pair", self.memory, "10 is usual.")

    def start(self, objective: Objective, x: tf.Tensor) -> State:
        """Evaluates the first point [n]; returns the state before the first iteration."""
        x = self._clip(x)
        value, gradient, terms = objective(x)
        n, m = tf.shape(x)[0], self.memory
        return {
            "x": x,
            "value": value,
            "gradient": gradient,
            "terms": terms,
            "steps": tf.zeros([m, n], x.dtype),
            "changes": tf.zeros([m, n], x.dtype),
            "products": tf.zeros([m, m], x.dtype),
            "pairs": tf.constant(0),
            "evaluations": tf.constant(1),
            "iterations": tf.constant(0),
            "status": tf.where(is_finite(value, gradient), RUNNING, NOT_FINITE),
            **_add_prefix(self.preconditioner.start() if self.preconditioner else {}),
        }

    def result(self, state: State) -> tf.Tensor:
        """Returns the best point: the last accepted one."""
        return state["x"]

    def carry_over(self, state: State, grow: Callable, ratio: float) -> dict:
        """Returns what a `start` on a finer grid takes over: nothing, since curvature differs there."""
        return {}

    def _iterate(self, objective, state):
        x, value, gradient = state["x"], state["value"], state["gradient"]
        free = self._find_free(x, gradient)
        held = gradient * free
        largest = tf.reduce_max(tf.abs(held))
        direction = -self._multiply_inverse(state, held) * free
        # A direction that does not descend comes from pairs of another region: start
        # again without pairs.
        uphill = tf.reduce_sum(direction * held) >= 0
        fresh = uphill | (state["pairs"] == 0)
        direction = tf.where(fresh, -held, direction)
        pairs = tf.where(uphill, 0, state["pairs"])
        first = tf.where(
            fresh, tf.cast(FIRST_MOVE, x.dtype) / tf.maximum(largest, 1e-30), 1.0
        )

        def along(length):
            at = self._clip(x + length * direction)
            new_value, new_gradient, terms = objective(at)
            inside = (
                direction
                if self.bounds is None
                else tf.where(
                    (at > self.bounds[0]) & (at < self.bounds[1]), direction, 0.0
                )
            )
            return (
                new_value,
                tf.reduce_sum(new_gradient * inside),
                (new_gradient, terms),
            )

        slope = tf.reduce_sum(held * direction)
        slack = self.noise * tf.abs(value)
        length, new_value, (new_gradient, new_terms), used = strong_wolfe(
            along,
            value,
            slope,
            (gradient, state["terms"]),
            first,
            self.max_evaluations,
            slack,
        )
        new_x = self._clip(x + length * direction)
        # An equal value means that the step was too short for the numbers' precision.
        moved = (length > 0) & (new_value < value + slack)
        step, change = new_x - x, new_gradient - gradient
        curvature = tf.reduce_sum(step * change)
        # Only pairs of positive curvature keep the matrix positive definite.
        good = moved & (curvature > 1e-10 * tf.reduce_sum(change * change))
        slot = pairs % self.memory

        def put(ring, row):
            # Choosing the row costs less than choosing the ring, which would be copied.
            return tf.tensor_scatter_nd_update(
                ring, [[slot]], [tf.where(good, row, ring[slot])]
            )

        steps = put(state["steps"], step)
        # Products of the new step with older changes are not needed.
        column = good & (tf.range(self.memory) == slot)
        products = tf.where(
            column, tf.linalg.matvec(steps, change)[:, None], state["products"]
        )
        # A search that fails far from the last pairs may do better without them.
        retry = ~moved & ~fresh & (largest > self.tolerance)
        status = tf.where(moved | retry, RUNNING, NO_PROGRESS)
        status = tf.where(largest <= self.tolerance, CONVERGED, status)
        return {
            "x": tf.where(moved, new_x, x),
            "value": tf.where(moved, new_value, value),
            "gradient": tf.where(moved, new_gradient, gradient),
            "terms": tf.where(moved, new_terms, state["terms"]),
            "steps": steps,
            "changes": put(state["changes"], change),
            "products": products,
            "pairs": tf.where(retry, 0, pairs + tf.cast(good, tf.int32)),
            "evaluations": state["evaluations"] + used,
            "iterations": state["iterations"] + 1,
            "status": status,
            **self._learn(state, step, change, good),
        }

    def _learn(self, state, step, change, good):
        if self.preconditioner is None:
            return {}
        before = _strip_prefix(state)
        return _add_prefix(
            tf.cond(
                good,
                lambda: self.preconditioner.learn(before, step, change),
                lambda: before,
            )
        )

    def _multiply_inverse(self, state, gradient):
        return inverse_hessian.multiply_inverse(
            state["steps"],
            state["changes"],
            state["products"],
            state["pairs"],
            gradient,
            lambda vector, change, curvature: self._multiply_first(
                state, vector, change, curvature
            ),
        )

    def _multiply_first(self, state, vector, change, curvature):
        """Returns H0 v: the preconditioner's matrix times v, scaled to the newest pair's
        curvature.
        """
        if self.preconditioner is None:
            energy = tf.reduce_sum(change * change)
        else:
            learnt = _strip_prefix(state)
            vector, energy = (
                self.preconditioner.apply(learnt, vector),
                self.preconditioner.energy(learnt, change),
            )
        return vector * curvature / tf.maximum(energy, 1e-30)

    def _find_free(self, x, gradient):
        if self.bounds is None:
            return tf.ones_like(x)
        low, high = self.bounds
        return tf.cast(
            ~(((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))), x.dtype
        )


def _add_prefix(state: State) -> State:
    return {LEARNT + name: value for name, value in state.items()}


def _strip_prefix(state: State) -> State:
    return {
        name.removeprefix(LEARNT): value
        for name, value in state.items()
        if name.startswith(LEARNT)
    }
