"""The format tflite_integer: convolutions in integers that draw the network's picture."""

import json
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from support import tiny
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils

from nst_tf.config.export import ExportSettings
from nst_tf.core.errors import UserError
from nst_tf.exporters import export_network, parity, run as export_run
from nst_tf.exporters.tflite import (
    conversion,
    integer as tflite_integer,
    integer_range,
    litert_layers,
)
from nst_tf.images import io as image_io
from nst_tf.layers.normalization import InstanceNormalization
from nst_tf.models import transform_net
from nst_tf.ops import statistics

pytestmark = pytest.mark.slow

SHAPES = [
    {},
    {"padding": "zeros"},
    {"block": "separable"},
    {"styles": 2, "strength": True},
]


def network(**shape):
    """The tiny network with paler colors: few of its pixels lie in the flat ends of
    tanh, as in trained ones.
    """
    built = tiny.network(**shape)
    last = built.get_layer(transform_net.OUTPUT)
    last.set_weights([weight / 4 for weight in last.get_weights()])
    return built


@pytest.fixture(scope="module", autouse=True)
def small_calibration():
    """Five photos, small."""
    with mock.patch.multiple(integer_range, SIDE=96, TONES=integer_range.TONES[:1]):
        yield


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    network().save(folder / "network.keras")
    output = folder / "night"
    export_run.export(ExportSettings(str(folder), ("tflite_integer",), str(output)))
    return output


@pytest.fixture(scope="module")
def graph(exported):
    """The file's model, its graph, and its operations as (name, operation)."""
    data = (exported / "tflite" / "night_integer.tflite").read_bytes()
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(data))
    names = {
        value: name
        for name, value in vars(schema.BuiltinOperator).items()
        if isinstance(value, int)
    }
    main = model.subgraphs[0]
    return (
        model,
        main,
        [
            (names[model.operatorCodes[op.opcodeIndex].builtinCode], op)
            for op in main.operators
        ],
    )


# -- the file --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", tiny.SIZES, ids="{0[0]}x{0[1]}".format)
def test_it_draws_the_networks_picture_at_every_size(exported, size):
    photo = image_io.to_float(tiny.photo(*size))
    drawn = tiny.open_painter(exported / "tflite" / "night_integer.tflite")(photo)
    assert drawn.shape == photo.shape and drawn.min() >= 0 and drawn.max() <= 1
    # The deepest norms see four pixels of the smallest pictures: nothing averages out.
    assert parity.psnr(drawn, tiny.draw(network(), photo)) >= (
        32 if max(size) > 8 or size == (1, 1) else 20
    )


def test_every_convolution_takes_holds_and_gives_integers(graph):
    _, main, operations = graph
    convolutions = [op for name, op in operations if name == "CONV_2D"]
    assert len(convolutions) == 8
    kinds = schema.TensorType
    for op in convolutions:
        taken, kernel, bias, given = (
            main.tensors[index].type for index in (*op.inputs, *op.outputs)
        )
        assert (taken, kernel, bias, given) == (
            kinds.INT8,
            kinds.INT8,
            kinds.INT32,
            kinds.INT8,
        )


def test_kernels_in_the_file_are_what_numpy_rounds(graph):
    model, main, operations = graph
    core = transform_net.core(network())
    fitted = litert_layers.for_litert(
        integer_range.fit_to_ranges(core, integer_range.measure_ranges(core))
    )
    stored = [
        main.tensors[op.inputs[1]] for name, op in operations if name == "CONV_2D"
    ]
    for tensor, layer in zip(stored, integer_range.convolutions(fitted), strict=True):
        kernel = layer.get_weights()[0].transpose(3, 0, 1, 2)
        wanted = kernel / np.abs(kernel).max((1, 2, 3), keepdims=True) * 127
        held = np.frombuffer(bytes(model.buffers[tensor.buffer].data), np.int8).reshape(
            tensor.shape
        )
        # A little more than a half: the ranges are measured twice, and sums of them
        # round either way.
        assert np.abs(held - wanted).max() < 0.5 + 1e-3


def test_the_card_says_which_operations_are_in_8_bits(exported):
    (entry,) = json.loads((exported / "model_card.json").read_text())["artifacts"]
    assert (
        entry["file"] == "tflite/night_integer.tflite"
        and entry["decibels_to_the_network"]["least"] >= 32
    )
    integer, all_of_them = entry["operations_in_8_bits"], entry["operations"]
    assert integer["CONV_2D"] == all_of_them["CONV_2D"] == 8
    assert integer["CONCATENATION"] == all_of_them["CONCATENATION"]
    assert not {
        "MEAN",
        "RSQRT",
        "SQUARED_DIFFERENCE",
        "TANH",
        "QUANTIZE",
        "DEQUANTIZE",
    } & set(integer)


def test_a_network_of_any_style_is_refused_in_one_line_and_nothing_is_written(tmp_path):
    tiny.any_style().save(tmp_path / "network.keras")
    settings = ExportSettings(
        str(tmp_path), ("tflite", "tflite_integer"), str(tmp_path / "new")
    )
    with pytest.raises(
        UserError, match="any style .*saved_model, tflite, web.*'tflite_integer'"
    ) as caught:
        export_run.export(settings)
    assert "\n" not in str(caught.value) and not (tmp_path / "new").exists()


def test_a_network_that_does_not_bear_8_bits_is_one_line_with_what_to_use_instead(
    tmp_path,
):
    lost = mock.patch.object(
        tflite_integer,
        "round_to_8_bits",
        lambda core: transform_net.core(tiny.network(2)),
    )
    with (
        lost,
        pytest.raises(
            UserError, match="by 32 dB. Received.*not written. Use the format tflite"
        ) as caught,
    ):
        export_network.export_network("tflite_integer", network(), tmp_path, "night")
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


# -- what makes it good ----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_fitting_ranges_leaves_the_picture_and_puts_convolutions_into_one_range(shape):
    core = transform_net.core(network(**shape))
    fitted = integer_range.fit_to_ranges(core, integer_range.measure_ranges(core))
    photo, blend = (
        image_io.to_float(tiny.photo(96, 96)),
        (0.3, 0.6) if "styles" in shape else (),
    )
    assert (
        parity.psnr(tiny.draw(fitted, photo, blend), tiny.draw(core, photo, blend))
        > 100
    )
    probe = keras.Model(
        fitted.input, [layer.output for layer in integer_range.convolutions(fitted)]
    )
    style = [np.array([[1, 0]], np.float32)] if blend else []
    for maps in transform_net.draw(probe, photo[None], *style):
        largest = np.abs(maps.numpy()).max((0, 1, 2))
        # Of every channel alike, so that none is lost in steps made for another.
        assert 0.1 < largest.min() and np.mean(np.abs(maps) <= 1) > 0.98


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rounding_to_8_bits_keeps_the_picture_of_every_kind_of_network(shape):
    core = transform_net.core(network(**shape))
    photo, blend = (
        image_io.to_float(tiny.photo(44, 60)),
        (1, 0) if "styles" in shape else (),
    )
    ratio = parity.psnr(
        tiny.draw(tflite_integer.round_to_8_bits(core), photo, blend),
        tiny.draw(core, photo, blend),
    )
    assert 32 <= ratio < 60


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.normal(3, 2, (1, 20000)),
        lambda rng: np.maximum(rng.normal(0, 1, (1, 20000)), 0),
        lambda rng: rng.standard_t(3, (1, 20000)),
    ],
    ids=["normal", "relu", "heavy tails"],
)
def test_no_limits_on_a_grid_lose_less_in_numpys_rounding(draw):
    values = draw(np.random.default_rng(0))

    def loss(low, high):
        step = (high - low) / 255
        return np.mean(
            np.square(
                low + step * np.clip(np.round((values - low) / step), 0, 255) - values
            )
        )

    limits = integer_range.best_limits(values)
    lows, highs = (
        np.quantile(values, part)
        for part in (np.linspace(0, 0.05, 12), np.linspace(0.95, 1, 12))
    )
    assert loss(*limits) < 1.1 * min(loss(low, high) for low in lows for high in highs)


def test_photos_of_little_contrast_count_as_much_as_others():
    rng = np.random.default_rng(0)
    values = np.stack([rng.normal(0, deviation, 4000) for deviation in (1, 0.01)])
    narrow, wide = (
        np.diff(integer_range.best_limits(each)) for each in (values, values[:1])
    )
    assert narrow < 0.9 * wide


def test_means_of_many_multiples_of_one_step_are_right_in_litert():
    rng = np.random.default_rng(0)
    # As convolutions give them: most near one end of the range.
    maps = (
        np.clip(np.round(rng.exponential(6, (1, 384, 384, 2))), 0, 255).astype(
            np.float32
        )
        * 2
        / 255
        - 1
    )
    exact = (maps.astype(np.float64) - maps.mean((1, 2), np.float64)) / maps.std(
        (1, 2), dtype=np.float64
    )

    def error():
        layer = InstanceNormalization()
        layer.build(maps.shape)
        function = tf.function(
            lambda image: {"stylized": layer(image)},
            input_signature=[tf.TensorSpec(maps.shape, name="image")],
        )
        data = conversion.convert(
            function, layer.weights, {"": conversion.Variant(0.0, 0.0)}
        )[""]
        drawn = Interpreter(model_content=data).get_signature_runner()(image=maps)[
            "stylized"
        ]
        return np.abs(drawn.mean((1, 2), np.float64) - exact.mean((1, 2))).max()

    assert error() < 1e-3
    with mock.patch.object(statistics, "spatial_mean", tiny.add_naively):
        assert error() > 1e-3
