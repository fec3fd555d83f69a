"""Networks as they are converted draw the same pictures from fewer and cheaper operations."""

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from support import tiny

from nst_tf.exporters.tflite import conversion, flatbuffer, litert_layers, per_style
from nst_tf.layers.padding import ReflectionPadding2D
from nst_tf.layers.upsampling import NearestUpsampling2D
from nst_tf.models import adain_net, transform_net

pytestmark = pytest.mark.slow

SHAPES = [
    {},
    {"edge_size": 5},
    {"block": "separable"},
    {"styles": 2, "strength": True},
    {"padding": "zeros"},
]


def features(height, width, channels=3):
    return (
        np.random.default_rng(height)
        .standard_normal((2, height, width, channels))
        .astype("float32")
    )


def convolved(cls, layer, x):
    """What a folded convolution makes of x with the weights of a plain one."""
    folded = cls.from_config(cls.folded_config(layer.get_config()))
    folded.build(x.shape)
    kernel, bias = layer.get_weights()
    folded.set_weights([cls.fold(kernel), np.tile(bias, 4)])
    assert folded.compute_output_shape(x.shape) == folded(x).shape
    return folded(x)


def plain(kernel_size, filters, channels):
    layer = keras.layers.Conv2D(filters, kernel_size, bias_initializer="normal")
    layer.build((None, None, None, channels))
    return layer


def reflected(values, size):
    return np.pad(values, ((0, 0), (size, size), (size, size), (0, 0)), "reflect")


@pytest.mark.parametrize("padding", [1, 2, 4])
def test_sliced_pads_equal_reflection_pads(padding):
    values = features(5, 7)
    np.testing.assert_array_equal(
        litert_layers.SlicedReflectionPadding2D(padding)(values),
        reflected(values, padding),
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 4), (5, 3)])
def test_one_convolution_equals_upsampling_padding_and_convolution(size):
    values, layer = features(*size), plain(3, 5, 3)
    upsampled = values.repeat(2, 1).repeat(2, 2)
    wanted = layer(reflected(upsampled, 1))
    drawn = convolved(
        litert_layers.UpsamplingConvolution,
        layer,
        litert_layers.EdgePadding2D(1)(values),
    )
    np.testing.assert_allclose(drawn, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [1, 3, 5, 9])
def test_colors_of_four_pixels_at_once_equal_those_of_one(size):
    values, layer = features(size + 5, size + 3, 4), plain(size, 3, 4)
    np.testing.assert_allclose(
        convolved(litert_layers.ColorConvolution, layer, values),
        layer(values),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_converted_network_draws_the_networks_picture(shape):
    core = transform_net.core(tiny.network(**shape))
    blend = [np.float32([[0.3, 0.5]])] if len(core.inputs) > 1 else []
    photo = np.random.default_rng(0).random((1, 20, 28, 3)).astype("float32")
    np.testing.assert_allclose(
        transform_net.draw(litert_layers.for_litert(core), photo, *blend),
        transform_net.draw(core, photo, *blend),
        rtol=0,
        atol=1e-5,
    )


@pytest.mark.parametrize("kind", ["adain", "modulated", "colors"])
def test_the_part_that_draws_any_style_is_made_cheaper_too(kind):
    core = transform_net.core(adain_net.parts_of(tiny.any_style(kind)).transform)
    copy = litert_layers.for_litert(core)
    photo = np.random.default_rng(0).random((1, 16, 24, 3)).astype("float32")
    code = (
        np.random.default_rng(1).random((1, core.inputs[1].shape[-1])).astype("float32")
    )
    inputs = [photo, code, np.float32([[0.7]])]
    np.testing.assert_allclose(copy(inputs), core(inputs), rtol=0, atol=1e-5)
    kinds = {type(layer) for layer in copy._flatten_layers()}
    assert {
        litert_layers.UpsamplingConvolution,
        litert_layers.ColorConvolution,
    } <= kinds
    assert NearestUpsampling2D not in kinds and ReflectionPadding2D not in kinds


def test_an_encoder_keeps_its_last_convolution():
    core = transform_net.core(adain_net.parts_of(tiny.any_style("adain")).encode_style)
    assert not any(
        isinstance(layer, litert_layers.FoldedConvolution)
        for layer in litert_layers.for_litert(core)._flatten_layers()
    )


def test_zero_pads_are_left_to_the_convolutions():
    core = transform_net.core(tiny.network(padding="zeros"))
    assert [type(layer) for layer in litert_layers.for_litert(core).layers] == [
        type(layer) for layer in core.layers
    ]


def test_files_upsample_nothing_before_a_convolution():
    core = per_style.core_for_phones(tiny.network())
    data = conversion.convert(
        per_style.stylize_function(core, 32, 32),
        core.weights,
        {"": per_style.VARIANTS[""]},
    )[""]
    operations = [
        each["op_name"] for each in Interpreter(model_content=data)._get_ops_details()
    ]
    assert "TILE" not in operations
    # Spreading comes after convolving, twice for upsampling and once for colors.
    assert operations.count("DEPTH_TO_SPACE") == 3
    assert operations[operations.index("DEPTH_TO_SPACE") - 1] == "CONV_2D"


def test_a_subclass_can_stand_for_each_layer():
    class Marked(litert_layers.UpsamplingConvolution):
        pass

    core = transform_net.core(tiny.network())
    copy = litert_layers.for_litert(core, {litert_layers.UpsamplingConvolution: Marked})
    assert [layer.name for layer in copy.layers if isinstance(layer, Marked)] == [
        "up1_conv",
        "up2_conv",
    ]


# -- rounded weights -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files():
    return converted()


def converted():
    """Files of a network wide enough to be quantized: LiteRT leaves weights below 1024
    as they are.
    """
    network = tiny.network(width=8)
    core = per_style.core_for_phones(network)
    variants = {
        "": per_style.VARIANTS[""],
        "_float16": conversion.FLOAT16,
        "_int8": conversion.INT8,
        "_int8_of_several_styles": per_style.OF_SEVERAL_STYLES["_int8"],
    }
    return conversion.convert(
        per_style.stylize_function(core, 64, 64), core.weights, variants
    )


def roughness(data):
    """The largest difference of neighbors in a picture of one color, gray levels."""
    drawn = Interpreter(model_content=data).get_signature_runner()(
        image=np.full((1, 64, 64, 3), 0.6, "float32")
    )
    inside = 255 * drawn["stylized"][0, 8:-8, 8:-8]
    return max(np.abs(np.diff(inside, axis=axis)).max() for axis in (0, 1))


@pytest.mark.parametrize("suffix", ["", "_float16", "_int8", "_int8_of_several_styles"])
def test_a_picture_of_one_color_stays_flat(files, suffix):
    assert roughness(files[suffix]) < 1


@pytest.mark.parametrize("suffix", ["_float16", "_int8"])
def test_numbers_rounded_each_alone_would_alternate_there(suffix, monkeypatch):
    monkeypatch.setattr(flatbuffer, "keep_phases_even", lambda data, exact: data)
    assert roughness(converted()[suffix]) > 1


def test_evenly_rounded_kernels_are_near_and_have_one_sum():
    kernels = np.random.default_rng(0).uniform(-40, 40, (4, 3, 2, 2, 5))
    kernels += (kernels[:1] - kernels).mean((2, 3), keepdims=True)
    rounded = flatbuffer.round_evenly(kernels, 127)
    sums = rounded.sum((2, 3))
    assert (
        (sums == sums[0]).all()
        and (rounded == np.round(rounded)).all()
        and np.abs(rounded).max() <= 127
    )
    assert np.abs(rounded - kernels).max() < 1.5
    assert (np.abs(sums[0] - kernels.sum((2, 3)).mean(0)) <= 0.5).all()


def test_evenly_rounded_kernels_stay_within_their_range():
    kernels = np.full((4, 1, 2, 2, 1), 126.6)
    kernels[1, 0, 0, :, 0] = [126.2, 127]
    rounded = flatbuffer.round_evenly(kernels, 127)
    assert np.abs(rounded).max() <= 127 and len(set(rounded.sum((2, 3)).ravel())) == 1
