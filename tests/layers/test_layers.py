"""The layers of transformation networks against NumPy, and against Keras's own where it has one."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.layers.color import (
    DescribeColors,
    MatchColors,
    MatchContentColors,
    MixPhoto,
)
from nst_tf.layers.normalization import InstanceNormalization
from nst_tf.layers.padding import CropToSize, PadToMultiple, ReflectionPadding2D
from nst_tf.layers.upsampling import NearestUpsampling2D
from nst_tf.ops import statistics


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(0.5, 2.0, shape).astype(np.float32)


def normalized(x, scale, offset, epsilon=1e-5):
    """Instance normalization in float64."""
    x = x.astype(np.float64)
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon) * scale + offset


def with_affine(layer, x, seed=1):
    layer(x)
    channels = x.shape[-1]
    scale, offset = noise(channels, seed=seed), noise(channels, seed=seed + 1)
    layer.set_weights([scale, offset])
    return scale, offset


# -- InstanceNormalization -------------------------------------------------------------------------


def test_instance_norm_equals_numpy():
    x, layer = noise(3, 5, 7, 4), InstanceNormalization()
    scale, offset = with_affine(layer, x)
    np.testing.assert_allclose(
        layer(x), normalized(x, scale, offset), rtol=1e-4, atol=1e-5
    )


def test_instance_norm_equals_keras_group_norm_with_one_group_a_channel():
    x, layer = noise(2, 6, 5, 4), InstanceNormalization()
    weights = with_affine(layer, x)
    reference = keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)
    reference.build(x.shape)
    reference.set_weights(weights)
    np.testing.assert_allclose(layer(x), reference(x), rtol=1e-4, atol=1e-5)


def test_instance_norm_is_the_same_in_training_and_inference():
    x, layer = noise(2, 6, 5, 4), InstanceNormalization()
    before = layer(x).numpy()
    for _ in range(3):
        layer(noise(2, 6, 5, 4, seed=9) * 50)  # would move running statistics
    np.testing.assert_array_equal(layer(x), before)
    assert not layer.non_trainable_weights


def test_instance_norm_of_one_pixel_is_the_offset():
    x, layer = noise(2, 1, 1, 3), InstanceNormalization()
    _, offset = with_affine(layer, x)
    np.testing.assert_allclose(
        layer(x), np.broadcast_to(offset, (2, 1, 1, 3)), rtol=1e-6
    )


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_a_tile_with_the_moments_of_the_whole_is_a_tile_of_the_whole(policy):
    layer = InstanceNormalization(dtype=policy)
    # A mean far from 0: moments rounded to 16 bits would shift the tile.
    x = tf.cast(noise(2, 12, 10, 3) + 300.4, layer.compute_dtype)
    with_affine(layer, x)
    mean, variance = statistics.channel_moments(x)
    whole, tile = layer(x).numpy(), x[:, 3:9, 2:7]
    np.testing.assert_array_equal(
        layer(tile, mean=mean, variance=variance), whole[:, 3:9, 2:7]
    )
    assert not np.allclose(layer(tile), whole[:, 3:9, 2:7])


@pytest.mark.parametrize("name", ["mean", "variance"])
def test_a_mean_without_a_variance_is_refused_and_so_is_the_reverse(name):
    with pytest.raises(ValueError, match="mean and variance together"):
        InstanceNormalization()(noise(1, 2, 2, 3), **{name: np.zeros((1, 1, 1, 3))})


@pytest.mark.parametrize(
    "policy, tolerance", [("mixed_float16", 2e-3), ("mixed_bfloat16", 2e-2)]
)
def test_moments_are_float32_under_mixed_precision(policy, tolerance):
    layer = InstanceNormalization(dtype=policy)
    # The variance, 1e6, overflows float16; a sum of 4096 values would stall in
    # bfloat16.
    x = tf.cast(1000 * noise(1, 64, 64, 2) + 500, layer.compute_dtype)
    drawn = layer(x)
    assert drawn.dtype == layer.compute_dtype
    wanted = normalized(x.numpy().astype(np.float64), 1.0, 0.0)
    np.testing.assert_allclose(
        drawn.numpy().astype(np.float64), wanted, atol=tolerance, rtol=tolerance
    )


def test_weights_of_instance_norm_stay_float32_under_mixed_precision():
    layer = InstanceNormalization(dtype="mixed_bfloat16")
    layer.build((None, None, None, 4))
    assert {weight.dtype for weight in layer.weights} == {"float32"}


# -- several styles --------------------------------------------------------------------------------


def conditional(styles=3, kept=0, channels=4):
    layer = InstanceNormalization(styles=styles, kept_styles=kept)
    layer.build((None, 6, 5, channels))
    rng = np.random.default_rng(1)
    layer.set_weights(
        [rng.normal(1, 0.3, (styles, channels)), rng.normal(0, 0.3, (styles, channels))]
    )
    return layer


def test_a_style_is_the_plain_norm_with_its_scale_and_offset():
    x, layer, plain = noise(2, 6, 5, 4), conditional(), InstanceNormalization()
    plain.build(x.shape)
    for number in range(3):
        plain.set_weights([weight[number] for weight in layer.get_weights()])
        np.testing.assert_allclose(
            layer(x, style_weights=np.eye(3, dtype=np.float32)[[number]]),
            plain(x),
            atol=1e-6,
        )


def test_pictures_of_a_batch_have_their_own_styles_and_blends_are_in_between():
    x, layer = noise(2, 6, 5, 4), conditional()
    first, second = (layer(x, style_weights=[np.eye(3)[number]]) for number in (0, 2))
    mixed = layer(x, style_weights=[[1, 0, 0], [0.25, 0, 0.75]])
    np.testing.assert_allclose(mixed[0], first[0], atol=1e-6)
    np.testing.assert_allclose(mixed[1], 0.25 * first[1] + 0.75 * second[1], atol=1e-6)


def test_kept_styles_do_not_learn():
    x, layer = noise(1, 6, 5, 4), conditional(kept=2)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x, style_weights=[[0.5, 0.2, 0.3]]) ** 2)
    for gradient in tape.gradient(loss, layer.trainable_variables):
        assert np.abs(gradient[:2]).max() == 0 and np.abs(gradient[2]).min() > 0


# -- MatchContentColors ----------------------------------------------------------------------------------


def test_the_photos_colors_are_numpys_moments_blended_by_alpha():
    painting, photo = (
        noise(2, 6, 5, 3),
        noise(2, 6, 5, 3, seed=1) * [3, 1, 0.5] + [1, 0, -1],
    )
    photo = photo.astype(np.float32)
    drawn = MatchContentColors()([painting, photo, np.float32([[0.0], [0.25]])]).numpy()
    for index, alpha in enumerate((0.0, 0.25)):
        for moment in (np.mean, np.std):
            wanted = alpha * moment(painting[index], (0, 1)) + (1 - alpha) * moment(
                photo[index], (0, 1)
            )
            np.testing.assert_allclose(
                moment(drawn[index], (0, 1)), wanted, rtol=1e-4, atol=1e-4
            )


def test_at_full_strength_a_painting_keeps_its_colors_and_one_of_one_color_stays_finite():
    painting, photo = noise(1, 6, 5, 3), noise(1, 6, 5, 3, seed=1)
    full = np.ones((1, 1), np.float32)
    np.testing.assert_allclose(
        MatchContentColors()([painting, photo, full]), painting, atol=1e-5
    )
    flat = np.full((1, 6, 5, 3), 0.3, np.float32)
    for pair in ([flat, photo], [painting, flat], [flat, flat]):
        assert np.isfinite(
            MatchContentColors()([*pair, np.zeros((1, 1), np.float32)])
        ).all()


# -- DescribeColors and MatchColors --------------------------------------------------------------------


def mixed_noise(*shape, seed):
    """Noise whose channels depend on each other, each pair otherwise."""
    mix = np.array([[1.0, 0.4, -0.3], [0, 0.8, 0.5], [0, 0, 0.6]])
    drawn = 0.2 * noise(*shape, seed=seed) @ mix + [0.3, 0.5, 0.7]
    return drawn.astype(np.float32)


def mean_and_covariance(picture):
    pixels = picture.reshape(-1, 3)
    return pixels.mean(0), np.cov(pixels.T, bias=True)


def test_colors_are_numpys_mean_and_choleskys_triangle():
    picture = mixed_noise(2, 16, 15, 3, seed=1)
    found = DescribeColors(epsilon=0)(picture).numpy()
    basis = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]])
    for numbers, colors in zip(found, picture @ basis.T):
        mean, covariance = mean_and_covariance(colors)
        triangle = np.linalg.cholesky(covariance)[np.tril_indices(3)]
        np.testing.assert_allclose(numbers, [*mean, *triangle], atol=1e-5)


def test_a_painting_gets_the_styles_colors_and_without_strength_the_photos():
    painting, photo = (mixed_noise(2, 16, 15, 3, seed=seed) for seed in (1, 2))
    photo = photo[..., ::-1] ** 2
    style = mixed_noise(1, 9, 12, 3, seed=3)[..., [1, 2, 0]]
    colors = DescribeColors(epsilon=1e-8)(style)
    for alpha, wanted in ((1.0, [style[0]] * 2), (0.0, photo)):
        drawn = MatchColors(epsilon=1e-8)(
            [painting, photo, colors, np.float32([[alpha]])]
        ).numpy()
        for one, other in zip(drawn, wanted):
            for moment, asked in zip(
                mean_and_covariance(one), mean_and_covariance(other)
            ):
                np.testing.assert_allclose(moment, asked, atol=1e-5)


def test_lightness_of_a_recolored_painting_comes_of_its_lightness_alone():
    painting, style = (
        mixed_noise(1, 16, 15, 3, seed=1),
        mixed_noise(1, 9, 12, 3, seed=3),
    )
    drawn = MatchColors()(
        [painting, painting, DescribeColors()(style), np.ones((1, 1), np.float32)]
    ).numpy()
    assert np.corrcoef(painting.sum(-1).ravel(), drawn.sum(-1).ravel())[0, 1] > 0.9999


def test_a_painting_of_the_photos_colors_is_kept_and_one_of_one_color_stays_finite():
    photo, flat = (
        mixed_noise(1, 6, 5, 3, seed=1),
        np.full((1, 6, 5, 3), 0.3, np.float32),
    )
    none, full = np.zeros((1, 1), np.float32), np.ones((1, 1), np.float32)
    colors = DescribeColors()(photo)
    np.testing.assert_allclose(
        MatchColors()([photo, photo, colors, none]), photo, atol=1e-5
    )
    for one in (photo, flat):
        for described in (colors, DescribeColors()(flat)):
            for alpha in (none, full):
                drawn = MatchColors()([flat, one, described, alpha]).numpy()
                assert np.isfinite(drawn).all() and np.ptp(drawn, (1, 2)).max() < 1e-4


def test_the_photo_is_mixed_in_where_strength_lacks_but_not_in_training():
    painting, photo = noise(2, 6, 5, 3), noise(2, 6, 5, 3, seed=1)
    inputs = [painting, photo, np.float32([[0.5], [0.0]])]
    mixed = MixPhoto()(inputs).numpy()
    np.testing.assert_allclose(
        mixed[0], 0.75 * painting[0] + 0.25 * photo[0], atol=1e-6
    )
    np.testing.assert_allclose(mixed[1], photo[1], atol=1e-6)
    np.testing.assert_array_equal(MixPhoto()(inputs, training=True), painting)


# -- padding and upsampling ------------------------------------------------------------------------


@pytest.mark.parametrize("side", [1, 4])
def test_reflection_padding_equals_numpy(side):
    x = noise(2, 5, 6, 3)
    wanted = np.pad(x, ((0, 0), (side, side), (side, side), (0, 0)), mode="reflect")
    np.testing.assert_array_equal(ReflectionPadding2D(side)(x), wanted)


def test_nearest_upsampling_equals_repeating_rows_and_columns():
    x = noise(2, 3, 5, 6)
    wanted = x.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_array_equal(NearestUpsampling2D()(x), wanted)


def test_cropping_takes_the_upper_left_corner():
    x, like = noise(2, 8, 8, 3), noise(2, 5, 7, 1)
    np.testing.assert_array_equal(CropToSize()([x, like]), x[:, :5, :7])


# -- what Keras is told ----------------------------------------------------------------------------

LAYERS = [
    (ReflectionPadding2D, {"padding": 2}),
    (PadToMultiple, {}),
    (InstanceNormalization, {"epsilon": 3e-4}),
    (NearestUpsampling2D, {}),
]


@pytest.mark.parametrize(
    "kind, options", LAYERS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_layer_rebuilt_from_its_config_does_the_same(kind, options):
    layer = kind(**options, name="some_name", dtype="mixed_bfloat16")
    config = keras.saving.serialize_keras_object(layer)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is kind and again.name == "some_name"
    assert again.dtype_policy.name == "mixed_bfloat16"
    x = tf.cast(noise(1, 5, 6, 4), "bfloat16")
    np.testing.assert_array_equal(
        tf.cast(again(x), "float32"), tf.cast(layer(x), "float32")
    )


@pytest.mark.parametrize(
    "kind, options", LAYERS, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_shape_told_to_keras_is_the_shape_drawn(kind, options):
    layer, x = kind(**options), noise(2, 5, 9, 4)
    assert layer.compute_output_shape(x.shape) == tuple(layer(x).shape)
    unknown = layer.compute_output_shape((None, None, None, 4))
    assert unknown == (None, None, None, 4)


@pytest.mark.parametrize(
    "kind, options", LAYERS, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_layer_keeps_the_dtype_of_its_compute_policy(kind, options):
    layer = kind(**options, dtype="mixed_float16")
    assert layer(tf.cast(noise(1, 5, 5, 4), "float16")).dtype == tf.float16
