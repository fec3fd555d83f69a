"""The network that draws: sizes, parameters, independence of pictures, no checkerboard."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.core.errors import UserError
from nst_tf.layers.normalization import InstanceNormalization
from nst_tf.layers.padding import CropToSize, PadToMultiple
from nst_tf.models import transform_net

SIZES = [(1, 1), (1, 7), (3, 2), (17, 33), (64, 64), (255, 101)]


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def randomize(network, seed=0):
    """Gives every weight a random value: fresh norms and biases would hide what they do."""
    rng = np.random.default_rng(seed)
    for weight in network.weights:
        if weight.name == "kernel":
            weight.assign(
                rng.normal(0, 1 / np.sqrt(np.prod(weight.shape[:-1])), weight.shape)
            )
        else:
            weight.assign(
                rng.normal(1.0 if weight.name == "scale" else 0.0, 0.3, weight.shape)
            )
    return network


def small(padding="reflect", residual_blocks=1, **options):
    config = transform_net.TransformNetConfig(4, residual_blocks, padding)
    return randomize(transform_net.transform_net(config, **options))


@pytest.fixture(scope="module", params=transform_net.PADDINGS)
def network(request):
    return small(request.param)


@pytest.fixture(scope="module")
def drawer(network):
    """The network in a graph that is traced once, as artifacts use it."""
    return tf.function(
        lambda photo: network(photo),
        input_signature=[tf.TensorSpec([None, None, None, 3])],
    )


# -- sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_picture_is_drawn_at_its_own_size(drawer, size):
    photo = noise(1, *size, 3)
    drawn = drawer(photo)
    assert drawn.shape == photo.shape and drawn.dtype == tf.float32
    assert np.isfinite(drawn).all() and -0.1 <= np.min(drawn) and np.max(drawn) <= 1.1


def test_keras_knows_the_size_before_it_is_drawn(network):
    assert network.output_shape == (None, None, None, 3)
    assert network.compute_output_shape((2, 17, 33, 3)) == (2, 17, 33, 3)


def test_a_traced_network_draws_what_an_untraced_one_draws(network, drawer):
    photo = noise(1, 17, 33, 3)
    np.testing.assert_allclose(drawer(photo), network(photo), atol=1e-5)


def test_the_core_draws_what_the_network_draws_on_drawable_sizes(network):
    core = transform_net.core(network)
    for size in ((8, 12), (64, 64)):
        photo = noise(2, *size, 3)
        np.testing.assert_array_equal(core(photo), network(photo))
    assert not any(
        isinstance(layer, (PadToMultiple, CropToSize)) for layer in core.layers
    )


def test_pictures_of_a_batch_do_not_see_each_other(drawer):
    batch = noise(3, 21, 18, 3)
    batch[0] *= 50
    drawn = drawer(batch).numpy()
    for index in range(3):
        alone = drawer(batch[index : index + 1])[0]
        np.testing.assert_allclose(drawn[index], alone, atol=1e-4)


def test_the_picture_depends_on_the_photo(drawer):
    first, second = drawer(noise(1, 32, 32, 3)), drawer(noise(1, 32, 32, 3, seed=1))
    assert np.abs(first - second).mean() > 0.01


# -- several styles --------------------------------------------------------------------------------


def test_each_style_draws_as_a_network_of_its_own():
    """All weights but the norms' are shared; the norms' rows are those of the lone networks."""
    several = randomize(
        transform_net.transform_net(transform_net.TransformNetConfig(4, 1, styles=2))
    )
    alone = transform_net.transform_net(transform_net.TransformNetConfig(4, 1))
    photo = noise(1, 17, 33, 3)
    for number, blend in enumerate(np.eye(2, dtype=np.float32)):
        for layer in alone.layers:
            weights = several.get_layer(layer.name).get_weights()
            is_norm = isinstance(layer, InstanceNormalization)
            layer.set_weights(
                [weight[number] for weight in weights] if is_norm else weights
            )
        np.testing.assert_allclose(
            several([photo, blend[None]]), alone(photo), atol=1e-5
        )


def test_the_number_of_styles_is_read_off_the_network():
    for styles in (1, 3):
        assert (
            transform_net.styles_of(
                transform_net.transform_net(
                    transform_net.TransformNetConfig(4, 0, styles=styles)
                )
            )
            == styles
        )
    other = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
    with pytest.raises(ValueError, match="not pictures to pictures"):
        transform_net.styles_of(other)


def test_beside_kept_styles_only_the_norms_learn():
    network = transform_net.transform_net(
        transform_net.TransformNetConfig(4, 1, styles=3, kept_styles=2)
    )
    assert {weight.name for weight in network.trainable_variables} == {
        "scale",
        "offset",
    }


@pytest.mark.parametrize("kept", [1, 2, -1])
def test_without_a_style_to_learn_there_is_no_network(kept):
    with pytest.raises(UserError, match="at least one style to learn"):
        transform_net.TransformNetConfig(styles=1, kept_styles=kept)


# -- shape -----------------------------------------------------------------------------------------


def test_the_classic_network_has_1679235_parameters():
    network = transform_net.transform_net(
        transform_net.TransformNetConfig(width=32, residual_blocks=5)
    )
    assert network.count_params() == 1_679_235


def test_every_convolution_but_the_last_is_normalized(network):
    convolutions = [
        layer.name for layer in network.layers if isinstance(layer, keras.layers.Conv2D)
    ]
    normalized = [
        layer.name.replace("_norm", "_conv")
        for layer in network.layers
        if layer.name.endswith("_norm")
    ]
    assert convolutions[-1] == "out_conv" and normalized == convolutions[:-1]


def test_separable_blocks_have_a_3x3_for_each_channel_and_a_1x1_for_all():
    full, separable = (
        transform_net.transform_net(transform_net.TransformNetConfig(8, 3, block=block))
        for block in transform_net.BLOCKS
    )
    channels, convolutions = 32, 6
    saved = channels * channels * 9 - (channels * 9 + channels * channels)
    assert full.count_params() - separable.count_params() == convolutions * saved


@pytest.mark.parametrize("edge_size", [1, 5, 15])
def test_pictures_of_any_size_keep_theirs_with_any_edge_kernel(edge_size):
    network = transform_net.transform_net(
        transform_net.TransformNetConfig(2, 1, block="separable", edge_size=edge_size)
    )
    assert [
        network.get_layer(name).kernel_size for name in ("down1_conv", "out_conv")
    ] == [(edge_size,) * 2] * 2
    for size in ((1, 1), (3, 7), (21, 34)):
        assert network(noise(1, *size, 3)).shape == (1, *size, 3)


@pytest.mark.parametrize(
    "options",
    [
        {"width": 0},
        {"residual_blocks": -1},
        {"padding": "mirror"},
        {"block": "dense"},
        {"edge_size": 4},
        {"edge_size": 17},
    ],
)
def test_shapes_without_meaning_are_refused(options):
    with pytest.raises(UserError):
        transform_net.TransformNetConfig(**options)


@pytest.mark.parametrize("seed", range(4))
def test_an_untrained_network_draws_nearly_gray_pictures(seed):
    """Far from the flat ends of tanh, where a color that is driven too far has no way back."""
    keras.utils.set_random_seed(seed)
    picture = transform_net.transform_net(transform_net.TransformNetConfig(8))(
        noise(1, 64, 64, 3)
    ).numpy()
    assert 0 < np.abs(picture - 0.5).max() < 0.35 and picture.std() < 0.12


def test_a_network_without_residual_blocks_draws():
    assert small(residual_blocks=0)(noise(1, 9, 9, 3)).shape == (1, 9, 9, 3)


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_draws_float32_close_to_full_precision(dtype):
    full, mixed = small(), small(dtype=dtype)
    photo = noise(1, 33, 30, 3)
    drawn = mixed(photo)
    assert drawn.dtype == tf.float32
    assert mixed.get_layer("down1_conv").compute_dtype == dtype.removeprefix("mixed_")
    assert np.abs(drawn - full(photo)).mean() < 0.03


def test_every_weight_is_saved_and_loaded_to_the_same_picture(network, tmp_path):
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    photo = noise(1, 19, 34, 3)
    np.testing.assert_array_equal(again(photo), network(photo))
    core = transform_net.core(again)
    np.testing.assert_array_equal(core(noise(1, 16, 8, 3)), network(noise(1, 16, 8, 3)))


# -- checkerboard ----------------------------------------------------------------------------------


def nyquist(picture):
    """Largest amplitude of the three patterns that alternate from one pixel to the next."""
    y, x = np.indices(picture.shape[:2])
    waves = [(-1.0) ** y, (-1.0) ** x, (-1.0) ** (y + x)]
    return max(np.abs((picture * wave[..., None]).mean((0, 1))).max() for wave in waves)


class _Transposed:
    """What `NearestUpsampling2D` stands in for."""

    def __init__(self, name, dtype):
        self._options = {"name": name, "dtype": dtype}

    def __call__(self, x):
        return keras.layers.Conv2DTranspose(
            x.shape[-1], 3, strides=2, padding="same", **self._options
        )(x)


@pytest.mark.parametrize("padding", transform_net.PADDINGS)
def test_a_constant_photo_is_drawn_without_a_checkerboard(padding, monkeypatch):
    gray = np.full((1, 128, 128, 3), 0.4, np.float32)
    inside = (0, slice(48, 80), slice(48, 80))  # border effects do not reach this far
    drawn = small(padding)(gray).numpy()[inside]
    monkeypatch.setattr(transform_net, "NearestUpsampling2D", _Transposed)
    control = small(padding)(gray).numpy()[inside]
    assert nyquist(control) > 1e-2  # the measure sees a checkerboard
    assert nyquist(drawn) < 1e-6
