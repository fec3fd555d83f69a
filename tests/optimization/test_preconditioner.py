"""The preconditioner of pictures: its matrix, what it learns, and what it saves,
against NumPy and SciPy.
"""

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf

from nst_tf.optimization import lbfgs
from nst_tf.optimization.preconditioner import BANDS, PicturePreconditioner

SIZES = [(16, 24), (15, 21), (1, 9), (1, 1)]


def noise(seed, *size):
    return (
        np.random.default_rng(seed)
        .normal(size=(*size, 3))
        .astype(np.float32)
        .reshape(-1)
    )


def taught(size, hessian, pairs=12):
    """A preconditioner and its state after random steps of a quadratic whose Hessian is
    a function.
    """
    preconditioner = PicturePreconditioner(*size)
    state = preconditioner.start()
    for seed in range(pairs):
        step = noise(seed, *size)
        state = preconditioner.learn(
            state, tf.constant(step), tf.constant(hessian(step))
        )
    return preconditioner, state


def matrix(size):
    """A positive definite quadratic without any structure."""
    n = 3 * size[0] * size[1]
    factor = np.random.default_rng(7).normal(size=(n, n)).astype(np.float32)
    return factor @ factor.T / n + 0.1 * np.eye(n, dtype=np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_before_the_first_pair_it_changes_nothing(size):
    preconditioner = PicturePreconditioner(*size)
    np.testing.assert_allclose(
        preconditioner.apply(preconditioner.start(), tf.constant(noise(1, *size))),
        noise(1, *size),
        atol=1e-5,
    )


@pytest.mark.parametrize("size", [(8, 10), (7, 9)])
def test_its_matrix_is_symmetric_and_positive_definite(size):
    hessian = matrix(size)
    preconditioner, state = taught(size, lambda step: hessian @ step)
    n = 3 * size[0] * size[1]
    found = np.stack(
        [
            preconditioner.apply(state, tf.constant(row)).numpy()
            for row in np.eye(n, dtype=np.float32)
        ]
    )
    np.testing.assert_allclose(found, found.T, atol=1e-5 * np.abs(found).max())
    assert np.linalg.eigvalsh((found + found.T) / 2).min() > 0


@pytest.mark.parametrize("size", SIZES)
def test_its_energy_is_the_product_of_a_vector_with_its_matrix_times_the_vector(size):
    bends = (
        np.random.default_rng(3)
        .uniform(0.5, 20, 3 * size[0] * size[1])
        .astype(np.float32)
    )
    preconditioner, state = taught(size, lambda step: bends * step)
    vector = noise(42, *size)
    wanted = vector @ preconditioner.apply(state, tf.constant(vector)).numpy()
    np.testing.assert_allclose(
        preconditioner.energy(state, tf.constant(vector)), wanted, rtol=1e-4
    )


@pytest.mark.parametrize("size", SIZES)
def test_of_a_multiple_of_the_identity_it_learns_the_inverse(size):
    preconditioner, state = taught(size, lambda step: 8 * step)
    np.testing.assert_allclose(
        preconditioner.apply(state, tf.constant(noise(99, *size))),
        noise(99, *size) / 8,
        atol=1e-4,
    )


def blurred(size, power):
    """v -> v with its frequencies f weighed by (1 + f)^power: a Hessian that bends
    along fine detail.
    """
    weights = (
        1
        + np.hypot(
            np.fft.fftfreq(size[0])[:, None] * size[0],
            np.fft.fftfreq(size[1])[None] * size[1],
        )
    ) ** power

    def weigh(flat):
        spectrum = np.fft.fft2(flat.reshape(*size, 3), axes=(0, 1)) * weights[..., None]
        return np.fft.ifft2(spectrum, axes=(0, 1)).real.reshape(-1).astype(flat.dtype)

    return weigh


def test_it_learns_that_fine_detail_bends_more():
    size = (32, 32)
    preconditioner, state = taught(size, blurred(size, 2))
    rows = np.arange(32)[:, None, None] * np.ones((32, 32, 3))
    gains = [
        np.linalg.norm(preconditioner.apply(state, tf.constant(wave)))
        / np.linalg.norm(wave)
        for wave in (
            np.cos(2 * np.pi * rows * cycles / 32).astype(np.float32).reshape(-1)
            for cycles in (1, 4, 12)
        )
    ]
    assert gains[0] > 2.5 * gains[1] and gains[1] > 2.5 * gains[2]


def test_it_learns_which_colors_and_which_places_bend_more():
    size = (32, 48)
    bends = np.ones((*size, 3), np.float32)
    bends[:, 24:] = 25
    preconditioner, state = taught(size, lambda step: bends.reshape(-1) * step)
    drawn = (
        preconditioner.apply(state, tf.constant(noise(5, *size)))
        .numpy()
        .reshape(*size, 3)
    )
    assert np.abs(drawn[:, :12]).mean() > 2.5 * np.abs(drawn[:, 36:]).mean()

    def lightness(step):
        pixels = step.reshape(-1, 3)
        return (pixels + 15 * pixels.mean(1, keepdims=True)).reshape(
            -1
        )  # 16 along gray, 1 across

    preconditioner, state = taught(size, lightness)
    gray = np.repeat(noise(6, *size).reshape(-1, 3)[:, :1], 3, 1).reshape(-1)
    red = (
        (noise(6, *size).reshape(-1, 3)[:, :1] * [1, 0, -1])
        .astype(np.float32)
        .reshape(-1)
    )
    gains = [
        np.linalg.norm(preconditioner.apply(state, tf.constant(each)))
        / np.linalg.norm(each)
        for each in (gray, red)
    ]
    assert gains[1] > 5 * gains[0]


def test_with_it_lbfgs_needs_half_of_scipys_evaluations_where_fine_detail_bends_most():
    size = (24, 24)
    weigh, wanted = blurred(size, 2), noise(3, *size).astype(np.float64)

    def numpy(x):
        gradient = weigh(x - wanted)
        return 0.5 * (x - wanted) @ gradient, gradient

    def tensors(x):
        value, gradient = tf.numpy_function(
            lambda x: [np.float32(each) for each in numpy(x.astype(np.float64))],
            [x],
            [tf.float32] * 2,
        )
        return tf.ensure_shape(value, []), tf.ensure_shape(gradient, x.shape), x[:1]

    values = []
    scipy.optimize.minimize(
        lambda x: (values.append(numpy(x)[0]), numpy(x))[1],
        np.zeros(wanted.size),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": 60, "ftol": 0, "gtol": 0},
    )
    optimizer = lbfgs.Lbfgs(preconditioner=PicturePreconditioner(*size))
    state = optimizer.start(tensors, tf.zeros(wanted.size))
    while float(state["value"]) > min(values[:60]):
        state = optimizer.iterate(tensors, state)
        assert int(state["evaluations"]) <= 30


def test_a_state_that_was_saved_goes_on_bit_for_bit():
    size = (12, 10)
    optimizer = lbfgs.Lbfgs(
        bounds=(0.0, 1.0), preconditioner=PicturePreconditioner(*size)
    )

    def objective(x):
        value = tf.reduce_sum(tf.square(tf.square(x) - 0.3)) + tf.reduce_sum(
            tf.square(x[1:] - x[:-1])
        )
        return value, tf.gradients(value, x)[0], x[:1]

    step = tf.function(lambda state: optimizer.iterate(objective, state))
    first = tf.function(lambda x: optimizer.start(objective, x))(
        tf.constant(noise(0, *size))
    )
    straight = first
    for _ in range(8):
        straight = step(straight)
    half = first
    for _ in range(4):
        half = step(half)
    half = {name: tf.constant(value.numpy()) for name, value in half.items()}
    for _ in range(4):
        half = step(half)
    assert sum(name.startswith(lbfgs.LEARNT) for name in half) == 4
    assert half[lbfgs.LEARNT + "step_bands"].shape == (3, BANDS)
    for name, value in straight.items():
        np.testing.assert_array_equal(half[name], value)
