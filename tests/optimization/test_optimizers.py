"""L-BFGS and Adam against SciPy, on functions whose minimum is known."""

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from nst_tf.optimization import adam, lbfgs, line_search, optimizer as optimizers


def quadratic(n=30, condition=1e3, seed=0):
    """x^T A x / 2 - b^T x with eigenvalues from 1 to `condition`, as NumPy and as TensorFlow."""
    rng = np.random.default_rng(seed)
    basis = np.linalg.qr(rng.normal(size=(n, n)))[0]
    a = basis * np.geomspace(1, condition, n) @ basis.T
    b = rng.normal(size=n)

    def numpy(x):
        return 0.5 * x @ a @ x - b @ x, a @ x - b

    def tensors(x):
        product = tf.linalg.matvec(tf.constant(a), x)
        return (
            0.5 * tf.reduce_sum(x * product) - tf.reduce_sum(b * x),
            product - b,
            x[:1],
        )

    return numpy, tensors, np.linalg.solve(a, b)


def rosenbrock(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = tf.reduce_sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)
    return value, tape.gradient(value, x), x[:1]


def minimized(optimizer, objective, x, iterations):
    step = tf.function(lambda state: optimizer.iterate(objective, state))
    state = optimizer.start(objective, tf.constant(x, tf.float64))
    for _ in range(iterations):
        state = step(state)
    return state


@pytest.mark.slow
def test_lbfgs_needs_no_more_evaluations_than_scipy_on_an_ill_conditioned_quadratic():
    numpy, tensors, best = quadratic()
    # A gradient of 1e-6 along the steepest axis is worth 1e-12 / 2000 of the value, as
    # little as float64 rounds it.
    wanted = scipy.optimize.minimize(
        numpy,
        np.zeros(30),
        jac=True,
        method="L-BFGS-B",
        options={"maxcor": 10, "ftol": 0, "gtol": 1e-5, "maxiter": 1000},
    )
    state = minimized(lbfgs.Lbfgs(tolerance=1e-5), tensors, np.zeros(30), 1000)
    assert int(state["status"]) == optimizers.CONVERGED
    np.testing.assert_allclose(state["x"], best, atol=1e-5)
    assert int(state["evaluations"]) <= 1.3 * wanted.nfev


@pytest.mark.parametrize("n", [2, 10, 50])
def test_lbfgs_needs_no_more_evaluations_than_scipy_on_rosenbrock(n):
    start = np.tile([-1.2, 1.0], n // 2)
    wanted = scipy.optimize.minimize(
        scipy.optimize.rosen,
        start,
        jac=scipy.optimize.rosen_der,
        method="L-BFGS-B",
        options={"maxcor": 10, "ftol": 0, "gtol": 1e-6, "maxiter": 1000},
    )
    state = minimized(lbfgs.Lbfgs(tolerance=1e-6), rosenbrock, start, 300)
    assert int(state["status"]) == optimizers.CONVERGED
    np.testing.assert_allclose(state["x"], np.ones(n), atol=1e-4)
    assert int(state["evaluations"]) <= 1.5 * wanted.nfev


def test_lbfgs_in_a_box_ends_where_scipy_does():
    numpy, tensors, _ = quadratic(condition=50.0)
    wanted = scipy.optimize.minimize(
        numpy,
        np.full(30, 0.01),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 0.02)] * 30,
        options={"ftol": 0, "gtol": 1e-10},
    )
    state = minimized(lbfgs.Lbfgs(bounds=(0.0, 0.02)), tensors, np.full(30, 0.01), 200)
    np.testing.assert_allclose(state["x"], wanted.x, atol=1e-6)
    assert (wanted.x == 0).any() and (wanted.x == 0.02).any()


def test_every_accepted_step_satisfies_the_strong_wolfe_conditions():
    optimizer = lbfgs.Lbfgs()
    state = optimizer.start(rosenbrock, tf.constant([-1.2, 1.0, -1.2, 1.0], tf.float64))
    for _ in range(30):
        after = optimizer.iterate(rosenbrock, state)
        step = (after["x"] - state["x"]).numpy()
        before_slope = step @ state["gradient"].numpy()
        after_slope = step @ after["gradient"].numpy()
        assert after["value"] <= state["value"] + line_search.DECREASE * before_slope
        assert abs(after_slope) <= line_search.CURVATURE * abs(before_slope) * (
            1 + 1e-9
        )
        state = after


def test_rounded_values_do_not_end_the_search_when_it_knows_of_them():
    _, tensors, best = quadratic(condition=100.0)

    def rounded(x):  # the slopes stay exact
        value, gradient, terms = tensors(x)
        return tf.round(value * 1000) / 1000, gradient, terms

    blind, knowing = (
        minimized(lbfgs.Lbfgs(noise=noise), rounded, np.zeros(30), 200)
        for noise in (0.0, 1e-3)
    )
    assert int(blind["status"]) == optimizers.NO_PROGRESS
    distances = [
        np.linalg.norm(state["x"] - best) / np.linalg.norm(best)
        for state in (blind, knowing)
    ]
    assert distances[0] > 0.01 > 1e-6 > distances[1]


def test_the_memory_is_a_ring_of_the_newest_pairs():
    optimizer = lbfgs.Lbfgs(memory=3)
    state = optimizer.start(rosenbrock, tf.constant([-1.2, 1.0], tf.float64))
    newest = []
    for _ in range(7):
        after = optimizer.iterate(rosenbrock, state)
        newest.append((after["x"] - state["x"]).numpy())
        state = after
    kept = {tuple(np.round(row, 12)) for row in state["steps"].numpy()}
    assert kept == {tuple(np.round(step, 12)) for step in newest[-3:]}


def two_loops(pairs, first, vector):
    """Algorithm 7.4 of Nocedal and Wright as it is printed; pairs from the oldest to the newest."""
    q, factors = vector, []
    for step, change in reversed(pairs):
        factors.append(step @ q / (step @ change))
        q = q - factors[-1] * change
    r = first @ q
    for (step, change), factor in zip(pairs, reversed(factors)):
        r = r + step * (factor - change @ r / (step @ change))
    return r


@pytest.mark.parametrize("iterations", [1, 2, 4, 5, 11])
def test_the_direction_is_that_of_the_two_loops(iterations):
    n, memory = 30, 4
    _, tensors, _ = quadratic(n)
    optimizer = lbfgs.Lbfgs(memory=memory)
    state, pairs = optimizer.start(tensors, tf.zeros([n], tf.float64)), []
    for _ in range(iterations):
        after = optimizer.iterate(tensors, state)
        pairs.append(
            tuple((after[name] - state[name]).numpy() for name in ("x", "gradient"))
        )
        state = after
    newest_step, newest_change = pairs[-1]
    first = np.eye(n) * (newest_step @ newest_change) / (newest_change @ newest_change)
    wanted = -two_loops(pairs[-memory:], first, state["gradient"].numpy())
    moved = (optimizer.iterate(tensors, state)["x"] - state["x"]).numpy()
    np.testing.assert_allclose(
        moved / np.linalg.norm(moved), wanted / np.linalg.norm(wanted), atol=1e-9
    )


def test_evaluations_are_counted():
    calls = []

    def counted(x):
        calls.append(1)
        return rosenbrock(x)

    optimizer = lbfgs.Lbfgs()
    tf.config.run_functions_eagerly(True)
    try:
        state = optimizer.start(counted, tf.constant([-1.2, 1.0], tf.float64))
        for _ in range(8):
            state = optimizer.iterate(counted, state)
    finally:
        tf.config.run_functions_eagerly(False)
    assert int(state["evaluations"]) == len(calls)


def test_a_flat_objective_has_converged_and_a_step_changes_nothing_more():
    def flat(x):
        return tf.reduce_sum(0.0 * x), 0.0 * x, x

    state = minimized(lbfgs.Lbfgs(), flat, np.ones(3), 3)
    assert int(state["status"]) == optimizers.CONVERGED
    assert int(state["iterations"]) == 1
    np.testing.assert_array_equal(state["x"], np.ones(3))


def test_an_objective_that_no_step_lowers_ends_and_says_why():
    def contradictory(x):  # the gradient points the wrong way
        return tf.reduce_sum(x), -tf.ones_like(x), x

    state = minimized(lbfgs.Lbfgs(), contradictory, np.ones(3), 5)
    assert int(state["status"]) == optimizers.NO_PROGRESS
    np.testing.assert_array_equal(state["x"], np.ones(3))


@pytest.mark.slow
def test_a_search_that_meets_nan_goes_back():
    def walled(x):  # not a number beyond 2; lowest at 1.9
        value, gradient = tf.reduce_sum((x - 1.9) ** 2), 2 * (x - 1.9)
        beyond = tf.reduce_any(x > 2.0)
        return tf.where(beyond, np.float64("nan"), value), gradient, x

    state = minimized(lbfgs.Lbfgs(), walled, np.zeros(3), 20)
    np.testing.assert_allclose(state["x"], 1.9, atol=1e-6)


@pytest.mark.parametrize("optimizer", [lbfgs.Lbfgs(), adam.Adam()])
def test_a_start_that_is_not_finite_is_reported_and_not_moved(optimizer):
    def broken(x):
        return tf.reduce_sum(x) * float("nan"), tf.ones_like(x), x

    state = minimized(optimizer, broken, np.ones(3), 2)
    assert int(state["status"]) == optimizers.NOT_FINITE
    np.testing.assert_array_equal(state["x"], np.ones(3))


@pytest.mark.parametrize("epsilon", [1e-8, 0.5])
def test_adam_is_the_papers(epsilon):
    _, tensors, _ = quadratic(n=5)
    optimizer = adam.Adam(learning_rate=0.1, beta2=0.999, epsilon=epsilon)
    x, first, second = np.ones(5), np.zeros(5), np.zeros(5)
    state = optimizer.start(tensors, tf.constant(x))
    for t in range(1, 8):
        gradient = tensors(tf.constant(x))[1].numpy()
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        size = np.sqrt(second / (1 - 0.999**t)) + epsilon
        x = x - 0.1 * (first / (1 - 0.9**t)) / size
        state = optimizer.iterate(tensors, state)
        np.testing.assert_allclose(state["x"], x, rtol=1e-10)


def test_adam_averages_its_iterates_without_the_bias_of_the_start():
    _, tensors, _ = quadratic(n=5)
    optimizer = adam.Adam(learning_rate=0.1, averaging=0.8)
    state, iterates = optimizer.start(tensors, tf.ones(5, tf.float64)), []
    for _ in range(6):
        state = optimizer.iterate(tensors, state)
        iterates.append(state["x"].numpy())
    weights = 0.8 ** np.arange(6)[::-1]
    np.testing.assert_allclose(
        optimizer.result(state),
        weights @ np.stack(iterates) / weights.sum(),
        rtol=1e-10,
    )


@pytest.mark.parametrize(
    "optimizer", [lbfgs.Lbfgs(bounds=(0.0, 1.0)), adam.Adam(0.3, bounds=(0.0, 1.0))]
)
def test_bounds_hold_after_every_step(optimizer):
    _, tensors, _ = quadratic(condition=3.0)
    state = optimizer.start(tensors, tf.constant(np.linspace(-1, 2, 30)))
    for _ in range(10):
        state = optimizer.iterate(tensors, state)
        if int(state["iterations"]) > 0:
            assert (
                0 <= float(tf.reduce_min(state["x"]))
                and float(tf.reduce_max(state["x"])) <= 1
            )


@pytest.mark.parametrize("optimizer", [lbfgs.Lbfgs(memory=4), adam.Adam(averaging=0.9)])
def test_a_state_that_was_saved_and_loaded_goes_on_bit_for_bit(optimizer, tmp_path):
    straight = minimized(optimizer, rosenbrock, [-1.2, 1.0], 20)
    half = minimized(optimizer, rosenbrock, [-1.2, 1.0], 9)
    np.savez(
        tmp_path / "state.npz", **{name: value.numpy() for name, value in half.items()}
    )
    state = {
        name: tf.constant(value)
        for name, value in np.load(tmp_path / "state.npz").items()
    }
    step = tf.function(lambda state: optimizer.iterate(rosenbrock, state))
    for _ in range(11):
        state = step(state)
    for name, value in straight.items():
        np.testing.assert_array_equal(state[name], value)


@pytest.mark.parametrize("optimizer", [lbfgs.Lbfgs(), adam.Adam(0.01)])
def test_value_gradient_and_terms_of_a_state_are_those_of_its_point(optimizer):
    state = minimized(optimizer, rosenbrock, [-1.2, 1.0, 0.3], 7)
    value, gradient, terms = rosenbrock(state["x"])
    np.testing.assert_allclose(state["value"], value, rtol=1e-12)
    np.testing.assert_allclose(state["gradient"], gradient, rtol=1e-12)
    np.testing.assert_allclose(state["terms"], terms, rtol=1e-12)


def test_adam_that_steps_into_nan_keeps_the_last_good_point():
    def cliff(x):
        return tf.where(x[0] > 2.0, np.float64("nan"), -x[0]), -tf.ones_like(x), x

    state = minimized(adam.Adam(learning_rate=0.3), cliff, np.ones(1), 20)
    assert int(state["status"]) == optimizers.NOT_FINITE
    assert 1.7 < float(state["x"][0]) <= 2.0 and int(state["iterations"]) == 3


def test_adam_with_the_moments_of_a_run_goes_on_as_that_run_would():
    _, tensors, _ = quadratic(n=5)
    optimizer = adam.Adam(learning_rate=0.1)
    # 3000: until the bias of the start has gone.
    state = minimized(optimizer, tensors, np.ones(5), 3000)
    warm = optimizer.start(
        tensors,
        state["x"],
        **optimizer.carry_over(state, grow=lambda flat: flat, ratio=1.0),
    )
    np.testing.assert_allclose(
        optimizer.iterate(tensors, warm)["x"],
        optimizer.iterate(tensors, state)["x"],
        rtol=1e-9,
    )
