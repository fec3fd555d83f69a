"""Optimisers of one large tensor that never leaves the device: L-BFGS with a strong-Wolfe search, and Adam.

Both are pure functions of a state, a flat dict of tensors, so that an interrupted optimisation can be
saved, loaded and continued bit for bit. They know nothing of pictures.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from nst_tf import limited_memory
from nst_tf.core.errors import expected
from nst_tf.line_search import is_finite, strong_wolfe
from nst_tf.preconditioning import Preconditioner, State

# A flat vector [n] -> (value [], gradient [n], terms [k]), float32 or float64. The terms are numbers of
# the caller's that belong to the point; states carry those of their "value".
Objective = Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor, tf.Tensor]]

FIRST_MOVE = 0.05         # largest change of one entry in L-BFGS's first trial step

WARM = 10_000             # steps after which Adam's moments have no bias left

LEARNT = "learnt_"         # before the names of a preconditioner's state

RUNNING, CONVERGED, NO_PROGRESS, NOT_FINITE = range(4)
REASONS = {
    RUNNING: "all iterations done", CONVERGED: "the gradient vanished",
    NO_PROGRESS: "no step lowers the objective", NOT_FINITE: "the objective is not finite"}


class _InBox:
    """What the optimisers share: points clipped to `bounds`, and an end after which nothing changes."""

    bounds: tuple[float, float] | None

    def iterate(self, objective: Objective, state: State) -> State:
        """Returns the state after one iteration; one that has ended stays as it is."""
        return tf.cond(state["status"] == RUNNING, lambda: self._iterate(objective, state), lambda: state)

    def _iterate(self, objective, state):
        raise NotImplementedError

    def _clipped(self, x):
        return x if self.bounds is None else tf.clip_by_value(x, *self.bounds)


@dataclasses.dataclass(frozen=True)
class Lbfgs(_InBox):
    """Limited-memory BFGS with a strong-Wolfe line search, in a box if one is given.

    In a box, entries at a bound which the gradient pushes outwards are held (a two-metric projection,
    Bertsekas 1982), and trial points are clipped.

    Attributes:
        memory: how many pairs of steps and gradient differences are kept.
        bounds: (low, high) of every entry; None for none.
        max_evaluations: of one line search.
        tolerance: largest entry of the free gradient at which the search has converged.
        noise: share of the value that rounding alone may change. Steps may rise by it, so that a search does not end
            where values can no longer tell points apart, but slopes can.
        preconditioner: what the matrix without pairs is, but for a factor; None for the identity.

    Reference:
        Nocedal, Wright 2006, algorithms 7.4 (two-loop recursion), 3.5 and 3.6 (line search); `limited_memory`
        has the same recursion without loops.
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
        x = self._clipped(x)
        value, gradient, terms = objective(x)
        n, m = tf.shape(x)[0], self.memory
        return {
            "x": x, "value": value, "gradient": gradient, "terms": terms,
            "steps": tf.zeros([m, n], x.dtype), "changes": tf.zeros([m, n], x.dtype),
            "products": tf.zeros([m, m], x.dtype), "pairs": tf.constant(0),
            "evaluations": tf.constant(1), "iterations": tf.constant(0),
            "status": tf.where(is_finite(value, gradient), RUNNING, NOT_FINITE),
            **_prefixed(self.preconditioner.start() if self.preconditioner else {})}

    def result(self, state: State) -> tf.Tensor:
        """Returns the best point: the last accepted one."""
        return state["x"]

    def carried(self, state: State, grow: Callable, ratio: float) -> dict:
        """Returns what a `start` on a finer grid takes over: nothing, its curvature is another."""
        return {}

    def _iterate(self, objective, state):
        x, value, gradient = state["x"], state["value"], state["gradient"]
        free = self._free(x, gradient)
        held = gradient * free
        largest = tf.reduce_max(tf.abs(held))
        direction = -self._inverse_times(state, held) * free
        # A direction that does not descend comes from pairs of another region: begin anew.
        uphill = tf.reduce_sum(direction * held) >= 0
        fresh = uphill | (state["pairs"] == 0)
        direction = tf.where(fresh, -held, direction)
        pairs = tf.where(uphill, 0, state["pairs"])
        first = tf.where(fresh, tf.cast(FIRST_MOVE, x.dtype) / tf.maximum(largest, 1e-30), 1.0)

        def along(length):
            at = self._clipped(x + length * direction)
            new_value, new_gradient, terms = objective(at)
            inside = direction if self.bounds is None else tf.where(
                (at > self.bounds[0]) & (at < self.bounds[1]), direction, 0.0)
            return new_value, tf.reduce_sum(new_gradient * inside), (new_gradient, terms)

        slope = tf.reduce_sum(held * direction)
        slack = self.noise * tf.abs(value)
        length, new_value, (new_gradient, new_terms), used = strong_wolfe(
            along, value, slope, (gradient, state["terms"]), first, self.max_evaluations, slack)
        new_x = self._clipped(x + length * direction)
        # Equal values: the step was too short for the numbers' precision.
        moved = (length > 0) & (new_value < value + slack)
        step, change = new_x - x, new_gradient - gradient
        curvature = tf.reduce_sum(step * change)
        # Only pairs of positive curvature keep the matrix positive definite.
        good = moved & (curvature > 1e-10 * tf.reduce_sum(change * change))
        slot = pairs % self.memory

        def put(ring, row):
            # The row is chosen, not the ring, which would be copied once more.
            return tf.tensor_scatter_nd_update(ring, [[slot]], [tf.where(good, row, ring[slot])])

        steps = put(state["steps"], step)
        # Of older changes with the new step nothing is needed.
        column = good & (tf.range(self.memory) == slot)
        products = tf.where(column, tf.linalg.matvec(steps, change)[:, None], state["products"])
        # A search that fails far from the last pairs may do better without them.
        retry = ~moved & ~fresh & (largest > self.tolerance)
        status = tf.where(moved | retry, RUNNING, NO_PROGRESS)
        status = tf.where(largest <= self.tolerance, CONVERGED, status)
        return {
            "x": tf.where(moved, new_x, x), "value": tf.where(moved, new_value, value),
            "gradient": tf.where(moved, new_gradient, gradient),
            "terms": tf.where(moved, new_terms, state["terms"]),
            "steps": steps, "changes": put(state["changes"], change), "products": products,
            "pairs": tf.where(retry, 0, pairs + tf.cast(good, tf.int32)),
            "evaluations": state["evaluations"] + used, "iterations": state["iterations"] + 1,
            "status": status, **self._learnt(state, step, change, good)}

    def _learnt(self, state, step, change, good):
        if self.preconditioner is None:
            return {}
        before = _unprefixed(state)
        return _prefixed(tf.cond(
            good, lambda: self.preconditioner.learn(before, step, change), lambda: before))

    def _inverse_times(self, state, gradient):
        return limited_memory.inverse_times(
            state["steps"], state["changes"], state["products"], state["pairs"], gradient,
            lambda vector, change, curvature: self._without_pairs(state, vector, change, curvature))

    def _without_pairs(self, state, vector, change, curvature):
        """Returns H0 v: the preconditioner's matrix, so scaled that it knows the newest pair's curvature."""
        if self.preconditioner is None:
            energy = tf.reduce_sum(change * change)
        else:
            learnt = _unprefixed(state)
            vector, energy = self.preconditioner.apply(learnt, vector), self.preconditioner.energy(learnt, change)
        return vector * curvature / tf.maximum(energy, 1e-30)

    def _free(self, x, gradient):
        if self.bounds is None:
            return tf.ones_like(x)
        low, high = self.bounds
        return tf.cast(~(((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))), x.dtype)


@dataclasses.dataclass(frozen=True)
class Adam(_InBox):
    """Adam with bias correction and an averaged iterate.

    Attributes:
        learning_rate: step size.
        beta1, beta2, epsilon: as in the paper.
        bounds: (low, high) to which every entry is clipped after a step; None for none.
        averaging: decay of the average of the iterates, 0 for none (the average is the iterate).

    Reference:
        Kingma, Ba 2015 (arXiv:1412.6980), algorithm 1; its section 7.2 for the averaging.
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
        self, objective: Objective, x: tf.Tensor, moments: tuple[tf.Tensor, tf.Tensor] | None = None
    ) -> State:
        """Evaluates the first point [n]; returns the state before the first iteration.

        Args:
            objective: what is minimised.
            x: the first point.
            moments: first and second moment [n], without the bias of their start, such as
                `carried` brings from a coarser grid; None for none.
        """
        x = self._clipped(x)
        value, gradient, terms = objective(x)
        zeros = tf.zeros_like(x)
        first, second = (zeros, zeros) if moments is None else moments
        return {
            "x": x, "value": value, "gradient": gradient, "terms": terms,
            "first": first, "second": second, "average": zeros,
            # With moments, as if they had been gathered since ever.
            "age": tf.constant(0 if moments is None else WARM), "averaged": tf.constant(0),
            "evaluations": tf.constant(1), "iterations": tf.constant(0),
            "status": tf.where(is_finite(value, gradient), RUNNING, NOT_FINITE)}

    def carried(self, state: State, grow: Callable[[tf.Tensor], tf.Tensor], ratio: float) -> dict:
        """Returns what a `start` on a finer grid takes over: both moments.

        Args:
            state: at the end of the coarse grid.
            grow: coarse [n] -> fine [m].
            ratio: of the fine grid's gradients to the coarse ones'.
        """
        age = tf.cast(tf.maximum(state["age"], 1), state["x"].dtype)
        first = state["first"] / (1 - self.beta1 ** age)
        second = state["second"] / (1 - self.beta2 ** age)
        return {"moments": (
            ratio * grow(first), ratio ** 2 * tf.maximum(grow(second), 0))}

    def result(self, state: State) -> tf.Tensor:
        """Returns the averaged iterate, or the last one without averaging."""
        if not self.averaging:
            return state["x"]
        age = tf.cast(state["averaged"], state["x"].dtype)
        return tf.where(
            age > 0, state["average"] / (1 - self.averaging ** tf.maximum(age, 1)), state["x"])

    def _iterate(self, objective, state):
        gradient, age = state["gradient"], state["age"] + 1
        power = tf.cast(age, gradient.dtype)
        first = self.beta1 * state["first"] + (1 - self.beta1) * gradient
        second = self.beta2 * state["second"] + (1 - self.beta2) * gradient * gradient
        corrected = first / (1 - self.beta1 ** power)
        size = tf.sqrt(second / (1 - self.beta2 ** power)) + self.epsilon
        x = self._clipped(state["x"] - self.learning_rate * corrected / size)
        value, new_gradient, terms = objective(x)
        finite = is_finite(value, new_gradient)
        moved = {
            **state, "x": x, "value": value, "gradient": new_gradient, "terms": terms,
            "first": first, "second": second, "age": age, "averaged": state["averaged"] + 1,
            "average": self.averaging * state["average"] + (1 - self.averaging) * x,
            "iterations": state["iterations"] + 1}
        stopped = {**state, "status": tf.constant(NOT_FINITE)}
        after = {name: tf.where(finite, moved[name], stopped[name]) for name in state}
        return {**after, "evaluations": state["evaluations"] + 1}


def _prefixed(state: State) -> State:
    return {LEARNT + name: value for name, value in state.items()}


def _unprefixed(state: State) -> State:
    return {name.removeprefix(LEARNT): value for name, value in state.items() if name.startswith(LEARNT)}
