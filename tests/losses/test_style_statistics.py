"""Masked moments, matrix roots and the distance of normal distributions, against NumPy
and SciPy.
"""

import numpy as np
import pytest
import scipy.linalg
import tensorflow as tf

from nst_tf.config.registries import STATISTICS
from nst_tf.core.errors import UserError
from nst_tf.ops import statistics


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(0.3, 1.0, shape).astype(np.float32)


def mask_of_left_half(width=8):
    mask = np.zeros((1, 6, width, 1), np.float32)
    mask[:, :, : width // 2] = 1
    return mask


# -- masks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STATISTICS)
def test_a_mask_of_one_value_changes_nothing(name):
    describe, features = STATISTICS[name].describe, noise(2, 6, 8, 4)
    for value in (1.0, 0.3):
        masked = describe(features, np.full((1, 6, 8, 1), value, np.float32))
        for some, whole in zip(masked, describe(features, None)):
            np.testing.assert_allclose(some, whole, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_masked_region_counts_as_a_picture_of_its_own(name):
    describe, features = STATISTICS[name].describe, noise(1, 6, 8, 4)
    for some, alone in zip(
        describe(features, mask_of_left_half()), describe(features[:, :, :4], None)
    ):
        np.testing.assert_allclose(some, alone, rtol=1e-4, atol=1e-6)


def test_a_gray_mask_weighs_positions():
    features, weights = (
        noise(1, 3, 4, 2),
        np.random.default_rng(1).random((1, 3, 4, 1), np.float32),
    )
    flat, w = (
        features.reshape(-1, 2).astype(np.float64),
        weights.reshape(-1).astype(np.float64),
    )
    np.testing.assert_allclose(
        statistics.gram_matrix(features, weights)[0],
        (flat.T * w) @ flat / w.sum(),
        rtol=1e-5,
    )
    mean, covariance = statistics.mean_covariance(features, weights)
    np.testing.assert_allclose(mean[0], np.average(flat, axis=0, weights=w), rtol=1e-5)
    np.testing.assert_allclose(
        covariance[0], np.cov(flat.T, aweights=w, ddof=0), rtol=1e-4
    )


# -- moments ---------------------------------------------------------------------------------------


def test_covariance_equals_numpys_also_where_means_are_large():
    features = noise(2, 5, 7, 4) + 1000
    _, covariance = statistics.mean_covariance(features)
    for index in range(2):
        wanted = np.cov(features[index].reshape(-1, 4).T.astype(np.float64), ddof=0)
        np.testing.assert_allclose(covariance[index], wanted, rtol=1e-3, atol=1e-3)


def test_mean_and_deviation_equal_numpys():
    features = noise(2, 5, 7, 4)
    mean, deviation = statistics.mean_std(features)
    np.testing.assert_allclose(mean, features.mean((1, 2)), rtol=1e-5)
    np.testing.assert_allclose(deviation, features.std((1, 2)), rtol=1e-4)


def test_the_deviation_of_a_constant_map_has_a_finite_gradient():
    features = tf.Variable(np.ones((1, 4, 4, 2), np.float32))
    with tf.GradientTape() as tape:
        _, deviation = statistics.mean_std(features)
    assert np.isfinite(tape.gradient(deviation, features)).all()


# -- wasserstein2 ----------------------------------------------------------------------------------


def covariance_of(seed, size=5):
    return np.cov(noise(4 * size, size, seed=seed).T.astype(np.float64), ddof=0)


def test_the_root_of_a_matrix_equals_scipys():
    matrix = covariance_of(0)
    np.testing.assert_allclose(
        statistics.matrix_root(tf.constant(matrix[None], tf.float32))[0],
        scipy.linalg.sqrtm(matrix),
        rtol=1e-4,
        atol=1e-5,
    )


def test_the_distance_of_normal_distributions_equals_the_formula_in_scipy():
    mean, wanted_mean = noise(1, 5), noise(1, 5, seed=1)
    covariance, wanted = covariance_of(2), covariance_of(3)
    root = scipy.linalg.sqrtm(wanted)
    distance = (
        np.sum((mean - wanted_mean) ** 2)
        + np.trace(covariance)
        + np.trace(wanted)
        - 2 * np.trace(scipy.linalg.sqrtm(root @ covariance @ root))
    )
    np.testing.assert_allclose(
        statistics.wasserstein2(
            mean,
            tf.constant(covariance[None], tf.float32),
            wanted_mean,
            tf.constant(root[None], tf.float32),
        )[0],
        distance,
        rtol=1e-4,
    )


def test_the_distance_in_one_dimension_is_that_of_means_and_deviations():
    value = statistics.wasserstein2(
        tf.constant([[1.0]]),
        tf.constant([[[9.0]]]),
        tf.constant([[3.0]]),
        tf.constant([[[5.0]]]),
    )
    assert float(value[0]) == pytest.approx((1 - 3) ** 2 + (3 - 5) ** 2)


def test_the_gradient_of_the_trace_of_the_root_equals_differences():
    matrix = covariance_of(4, 4)
    variable = tf.Variable(matrix[None], dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = statistics.trace_of_root(variable)
    gradient = tape.gradient(value, variable).numpy()[0]
    for i, j in ((0, 0), (1, 1), (2, 3)):
        bump = np.zeros((4, 4))
        bump[i, j] = bump[j, i] = 1e-4  # the root is of symmetric matrices
        slope = (
            np.trace(
                scipy.linalg.sqrtm(matrix + bump) - scipy.linalg.sqrtm(matrix - bump)
            )
            / 2e-4
        )
        np.testing.assert_allclose(np.sum(gradient * bump) / 1e-4, slope, rtol=1e-3)


def test_the_gradient_is_finite_where_there_are_fewer_positions_than_channels():
    features, style = tf.Variable(noise(1, 2, 3, 16)), noise(1, 9, 9, 16, seed=1)
    statistic = STATISTICS["wasserstein2"]
    target = statistic.target(statistic.describe(style, None))
    with tf.GradientTape() as tape:
        error = statistic.error(statistic.describe(features, None), target)
    gradient = tape.gradient(error, features).numpy()
    assert np.isfinite(gradient).all() and np.abs(gradient).max() < 100


# -- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STATISTICS)
def test_the_error_is_0_for_the_style_itself_and_about_1_for_features_that_are_0(name):
    statistic, style = STATISTICS[name], noise(1, 9, 9, 4)
    target = statistic.target(statistic.describe(style, None))
    assert float(statistic.error(statistic.describe(style, None), target)[0]) < 1e-5
    nothing = statistic.error(statistic.describe(np.zeros_like(style), None), target)
    np.testing.assert_allclose(nothing, 1.0, atol=0.01)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_step_against_the_gradient_lowers_the_error(name):
    statistic, style = STATISTICS[name], noise(1, 9, 9, 4)
    target = statistic.target(statistic.describe(style, None))
    features = tf.Variable(2 * noise(1, 8, 7, 4, seed=1))
    with tf.GradientTape() as tape:
        before = statistic.error(statistic.describe(features, None), target)
    gradient = tape.gradient(before, features)
    features.assign_sub(0.1 * gradient / tf.norm(gradient))
    assert float(
        statistic.error(statistic.describe(features, None), target)[0]
    ) < float(before[0])


def test_an_unknown_statistic_is_refused_with_the_known_names():
    with pytest.raises(UserError, match="gram, mean_std, wasserstein2"):
        STATISTICS["gramm"]
