"""Gram matrices, moments and errors, against hand-computed cases and NumPy loops."""

import numpy as np
import pytest
import tensorflow as tf

from nst_tf.losses import regularizers
from nst_tf.ops import statistics


def noise(*shape, seed=0, dtype=np.float32):
    return np.random.default_rng(seed).normal(0.3, 1.0, shape).astype(dtype)


# -- Gram matrix -----------------------------------------------------------------------------------


def test_gram_of_two_positions_and_two_channels_by_hand():
    features = np.array([[[[1, 2], [3, 4]]]], np.float32)  # positions (1, 2) and (3, 4)
    # (1*1 + 3*3) / 2, (1*2 + 3*4) / 2, (2*2 + 4*4) / 2
    np.testing.assert_array_equal(statistics.gram_matrix(features), [[[5, 7], [7, 10]]])


def test_gram_equals_einsum_over_positions():
    features = noise(3, 5, 7, 4)
    wanted = np.einsum("bhwi,bhwj->bij", features.astype(np.float64), features) / 35
    np.testing.assert_allclose(
        statistics.gram_matrix(features), wanted, rtol=1e-5, atol=1e-6
    )


def test_gram_of_a_tiled_picture_is_that_of_one_tile():
    tile = noise(1, 6, 5, 3)
    tiled = np.tile(tile, (1, 2, 3, 1))
    np.testing.assert_allclose(
        statistics.gram_matrix(tiled),
        statistics.gram_matrix(tile),
        rtol=1e-5,
        atol=1e-6,
    )


def test_gram_is_taken_of_each_picture_and_never_over_the_batch():
    batch = noise(3, 4, 4, 2) * np.array([1, 10, 100], np.float32)[:, None, None, None]
    together = statistics.gram_matrix(batch)
    for index in range(3):
        alone = statistics.gram_matrix(batch[index : index + 1])
        # Where products of both signs cancel, rounding is as large as beside the
        # largest entry.
        np.testing.assert_allclose(
            together[index], alone[0], rtol=1e-6, atol=1e-6 * np.abs(alone).max()
        )


def test_gram_of_float16_is_float32_and_does_not_overflow():
    features = tf.fill([1, 4, 4, 2], tf.constant(300.0, tf.float16))  # 300^2 > 65504
    gram = statistics.gram_matrix(features)
    assert gram.dtype == tf.float32
    np.testing.assert_array_equal(gram, np.full((1, 2, 2), 90000))


@pytest.mark.parametrize("masked", [False, True])
def test_gram_of_bfloat16_and_its_gradient_differ_from_exact_ones_by_its_rounding(
    masked,
):
    features = tf.cast(noise(2, 16, 25, 6) + 0.5, tf.bfloat16)
    mask = tf.constant(
        np.round(np.random.default_rng(1).random((1, 16, 25, 1)), 2).astype(np.float32)
    )
    mask, upstream = mask if masked else None, tf.constant(noise(2, 6, 6, seed=2))
    with tf.GradientTape() as tape:
        tape.watch(features)
        gram = statistics.gram_matrix(features, mask)
    gradient = tape.gradient(gram, features, upstream)
    assert gram.dtype == tf.float32 and gradient.dtype == tf.bfloat16
    exact, there = (
        features.numpy().astype(np.float64),
        np.ones((1, 16, 25, 1)) if mask is None else mask.numpy(),
    )
    wanted = np.einsum("byxi,byxj->bij", there * exact, exact) / there.sum()
    both = upstream.numpy() + upstream.numpy().transpose(0, 2, 1)
    slopes = np.einsum("byxi,bij->byxj", there * exact, both) / there.sum()
    # bfloat16 rounds to 8 bits.
    assert np.abs(gram - wanted).max() < 2**-7 * np.abs(wanted).max()
    assert (
        np.abs(gradient.numpy().astype(np.float64) - slopes).max()
        < 2**-7 * np.abs(slopes).max()
    )


def test_gram_of_bfloat16_sums_more_than_bfloat16_could():
    features = tf.ones([1, 64, 64, 1], tf.bfloat16)  # where 256 + 1 is 256
    np.testing.assert_array_equal(statistics.gram_matrix(features), [[[1]]])


@pytest.mark.parametrize("masked", [False, True])
def test_the_first_and_second_derivative_of_gram_are_those_of_einsum(masked):
    features, mask = (
        tf.constant(noise(2, 4, 5, 3)),
        tf.constant(noise(1, 4, 5, 1, seed=1)),
    )
    wanted = noise(2, 3, 3, seed=2)  # not symmetric

    def reference(values):
        weights = mask if masked else tf.ones_like(mask)
        return tf.einsum("byxi,byxj->bij", weights * values, values) / tf.reduce_sum(
            weights
        )

    def derivatives(gram):
        with tf.GradientTape() as outer:
            outer.watch(features)
            with tf.GradientTape() as tape:
                tape.watch(features)
                value = tf.reduce_sum(tf.square(gram(features)) * wanted)
            first = tape.gradient(value, features)
            norm = tf.reduce_sum(tf.square(first))
        return first, outer.gradient(norm, features)

    found = derivatives(
        lambda values: statistics.gram_matrix(values, mask if masked else None)
    )
    for ours, known in zip(found, derivatives(reference)):
        np.testing.assert_allclose(ours, known, rtol=1e-4, atol=1e-6)


def test_gram_works_where_batch_and_size_are_unknown_until_run_time():
    signature = [tf.TensorSpec([None, None, None, 4], tf.float32)]
    features = noise(2, 3, 5, 4)
    np.testing.assert_allclose(
        tf.function(statistics.gram_matrix, input_signature=signature)(features),
        statistics.gram_matrix(features),
        rtol=1e-6,
    )


# -- moments ---------------------------------------------------------------------------------------


def test_moments_equal_numpy_with_biased_variance():
    features = noise(2, 3, 5, 4)
    mean, variance = statistics.channel_moments(features)
    np.testing.assert_allclose(
        mean, features.mean((1, 2), keepdims=True), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(
        variance, features.var((1, 2), keepdims=True, ddof=0), rtol=1e-5
    )
    assert mean.shape == variance.shape == (2, 1, 1, 4)


def test_moments_of_one_pixel_are_the_pixel_and_zero():
    features = noise(2, 1, 1, 3)
    mean, variance = statistics.channel_moments(features)
    np.testing.assert_array_equal(mean, features)
    np.testing.assert_array_equal(variance, np.zeros_like(features))


def test_variance_survives_a_mean_much_larger_than_the_deviation():
    features = noise(1, 32, 32, 2) + np.float32(4000)
    wanted = features.astype(np.float64).var((1, 2), keepdims=True)
    _, variance = statistics.channel_moments(features)
    # E[x^2] - E[x]^2 in float32 would be off by more than the variance itself.
    np.testing.assert_allclose(variance, wanted, rtol=1e-3)


def test_moments_of_float16_are_float32_and_do_not_overflow():
    features = np.array([-1000, 1000], np.float16).reshape(1, 2, 1, 1)
    mean, variance = statistics.channel_moments(features)
    assert mean.dtype == variance.dtype == tf.float32
    assert mean.numpy().item() == 0 and variance.numpy().item() == 1e6


@pytest.mark.slow
def test_moments_of_a_large_photo_equal_numpys_in_float64():
    features = np.random.default_rng(0).random((1, 4096, 4096, 2), np.float32)
    features[:, :2048] += 4  # a sky above a ground
    mean, variance = statistics.channel_moments(features)
    mean64 = features.mean((1, 2), np.float64, keepdims=True)
    variance64 = features.var((1, 2), np.float64, keepdims=True)
    np.testing.assert_allclose(mean, mean64, rtol=1e-5)
    np.testing.assert_allclose(variance, variance64, rtol=1e-5)


def test_moments_under_a_mask_equal_numpys_in_float64():
    rng = np.random.default_rng(0)
    features = rng.random((1, 1024, 1024, 2), np.float32)
    features[:, :512] += 4
    mask = rng.random((1, 1024, 1024, 1), np.float32)
    weights = mask.astype(np.float64)
    mean64 = np.sum(weights * features, (1, 2), keepdims=True) / weights.sum()
    deviations = weights * np.square(features - mean64)
    variance64 = deviations.sum((1, 2), keepdims=True) / weights.sum()
    mean, variance = statistics.channel_moments(features, mask)
    np.testing.assert_allclose(mean, mean64, rtol=5e-6)
    np.testing.assert_allclose(variance, variance64, rtol=5e-6)


def test_the_gradient_of_moments_is_tensorflows():
    features, upstream = tf.constant(noise(2, 5, 7, 3)), noise(2, 1, 1, 3, seed=1)

    def gradient(moments):
        with tf.GradientTape() as tape:
            tape.watch(features)
            mean, variance = moments(features)
            value = tf.reduce_sum(upstream * (mean + variance))
        return tape.gradient(value, features)

    np.testing.assert_allclose(
        gradient(statistics.channel_moments),
        gradient(lambda values: tf.nn.moments(values, [1, 2], keepdims=True)),
        rtol=1e-4,
        atol=1e-7,
    )


# -- total variation -------------------------------------------------------------------------------


def total_variation_by_loops(picture):
    height, width, channels = picture.shape
    horizontal, vertical = [], []
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                if x + 1 < width:
                    horizontal.append((picture[y, x + 1, c] - picture[y, x, c]) ** 2)
                if y + 1 < height:
                    vertical.append((picture[y + 1, x, c] - picture[y, x, c]) ** 2)
    return sum(np.mean(steps) if steps else 0.0 for steps in (horizontal, vertical))


@pytest.mark.parametrize("size", [(4, 6), (1, 5), (5, 1), (1, 1), (2, 2)])
def test_total_variation_equals_a_loop_over_neighbors(size):
    pictures = noise(2, *size, 3)
    wanted = [
        total_variation_by_loops(picture.astype(np.float64)) for picture in pictures
    ]
    np.testing.assert_allclose(
        regularizers.total_variation(pictures), wanted, rtol=1e-5
    )


def test_total_variation_of_a_constant_picture_is_zero():
    np.testing.assert_array_equal(
        regularizers.total_variation(np.full((2, 3, 4, 3), 0.7)), [0, 0]
    )


def test_total_variation_of_an_edge_by_hand():
    picture = np.array([[0, 1], [0, 1]], np.float32)[None, :, :, None]
    assert (
        float(regularizers.total_variation(picture)[0]) == 1
    )  # two steps of 1, no others


def test_the_gradient_of_total_variation_is_finite_for_one_pixel():
    picture = tf.Variable(noise(1, 1, 1, 3))
    with tf.GradientTape() as tape:
        value = regularizers.total_variation(picture)
    np.testing.assert_array_equal(tape.gradient(value, picture), np.zeros((1, 1, 1, 3)))


# -- mesh ------------------------------------------------------------------------------------------


def mesh_by_phases(picture):
    """Variance over the 16 phases of their windowed means, tile by tile, channel by channel."""
    side = min(128, *(length // 4 * 4 for length in picture.shape[:2]))
    hann = np.hanning(side + 2)[1:-1]
    window = np.outer(hann, hann)
    variances = []
    for top in range(0, picture.shape[0] - side + 1, side // 2):
        for left in range(0, picture.shape[1] - side + 1, side // 2):
            tile = 255 * picture[top : top + side, left : left + side]
            means = [
                (tile * window[..., None])[y::4, x::4].sum((0, 1)) * 16 / window.sum()
                for y in range(4)
                for x in range(4)
            ]
            variances.append(np.var(means, 0).mean())
    return np.mean(variances)


@pytest.mark.parametrize("size", [(256, 200), (128, 128), (64, 90), (7, 5)])
def test_mesh_energy_is_the_variance_of_the_means_of_the_phases(size):
    pictures = np.random.default_rng(0).random((2, *size, 3))
    wanted = [mesh_by_phases(picture) for picture in pictures]
    np.testing.assert_allclose(regularizers.mesh_energy(pictures), wanted, rtol=1e-3)


def test_a_cosine_of_four_pixels_has_half_its_squared_amplitude_as_mesh():
    wave = 0.5 + 6 / 255 * np.cos(2 * np.pi * np.arange(192) / 4)
    picture = np.broadcast_to(wave[:, None], (1, 128, 192, 3))
    np.testing.assert_allclose(regularizers.mesh_energy(picture), [18], rtol=1e-3)


def test_flat_pictures_ramps_and_waves_of_other_lengths_have_no_mesh():
    place = np.arange(256)  # the wave has a variance of 8128
    for row in (
        np.full(256, 0.7),
        place / 255,
        0.5 + 0.5 * np.sin(2 * np.pi * place / 5),
    ):
        picture = np.broadcast_to(row[:, None], (1, 256, 256, 3))
        np.testing.assert_allclose(regularizers.mesh_energy(picture), [0], atol=0.02)


# -- relative squared error ------------------------------------------------------------------------


def test_relative_error_is_zero_where_both_agree_and_one_for_zeros():
    target = noise(2, 3, 4, 5)
    np.testing.assert_array_equal(
        statistics.relative_squared_error(target, target), [0, 0]
    )
    np.testing.assert_allclose(
        statistics.relative_squared_error(np.zeros_like(target), target),
        [1, 1],
        rtol=1e-6,
    )


def test_relative_error_by_hand():
    value, target = np.array([[4.0, 4.0]]), np.array([[3.0, 4.0]])
    np.testing.assert_allclose(
        statistics.relative_squared_error(value, target), [1 / 25]
    )


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_relative_error_does_not_change_with_the_scale_of_the_features(scale):
    value, target = noise(2, 4, 4, 3), noise(2, 4, 4, 3, seed=1)
    np.testing.assert_allclose(
        statistics.relative_squared_error(scale * value, scale * target),
        statistics.relative_squared_error(value, target),
        rtol=1e-5,
    )


def test_relative_error_is_taken_of_each_picture_against_one_shared_target():
    values, target = noise(3, 2, 2), noise(1, 2, 2, seed=1)
    wanted = [((value - target[0]) ** 2).sum() / (target**2).sum() for value in values]
    np.testing.assert_allclose(
        statistics.relative_squared_error(values, target), wanted, rtol=1e-5
    )


def test_relative_error_and_its_gradient_are_finite_for_a_black_target():
    value = tf.Variable(noise(1, 4, 4, 3))
    with tf.GradientTape() as tape:
        error = statistics.relative_squared_error(
            value, np.zeros((1, 4, 4, 3), np.float32)
        )
    assert np.isfinite(error).all() and np.isfinite(tape.gradient(error, value)).all()
    same = statistics.relative_squared_error(np.zeros((1, 4)), np.zeros((1, 4)))
    np.testing.assert_array_equal(same, [0])


def test_relative_error_of_float16_is_computed_in_float32():
    value, target = np.full((1, 64), 200, np.float16), np.full((1, 64), 100, np.float16)
    error = statistics.relative_squared_error(value, target)
    assert error.dtype == tf.float32 and float(error[0]) == 1
