"""TFLite: for phones, browsers and machines without TensorFlow, run by LiteRT."""

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.lite.tools import flatbuffer_utils

from nst_tf import files, layers, networks, padding
from nst_tf.exporters import float16_range, parity

SIDE = 384              # pixels; LiteRT can give a file another size before it allocates


@dataclasses.dataclass(frozen=True)
class Variant:
    """How numbers are stored.

    Attributes:
        at_least: the least ratio against the network, decibels.
        optimizations, types: the converter's settings.
    """

    at_least: float
    optimizations: tuple = ()
    types: tuple = ()


FLOAT16 = Variant(50.0, (tf.lite.Optimize.DEFAULT,), (tf.float16,))
INT8 = Variant(30.0, (tf.lite.Optimize.DEFAULT,))
VARIANTS = {"": Variant(80.0), "_float16": FLOAT16, "_int8": INT8}             # by suffix of the file name

# Operations that need another runtime, or variables that the file does not carry.
FOREIGN = ("Flex", "CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def export(network: keras.Model, folder: Path, name: str) -> list[parity.Artefact]:
    """Writes `folder`/tflite/NAME.tflite (float32), NAME_float16.tflite and NAME_int8.tflite.

    Each maps "image" float32 [1, H, W, 3] RGB in [0, 1], and "style_weights" or "strengths" float32 [1, N]
    if the network takes them, to "stylized" of the image's shape, clipped to [0, 1]. H and W are 384 as written;
    any that `nst_tf.padding` allows can be set by `resize_tensor_input`. int8 is dynamic-range: weights
    in 8 bits, activations quantised on the fly.

    Args:
        network: a float32 `networks.transform_net`.
        folder: run folder.
        name: of the style, and so of the files.

    Returns:
        The three artefacts.

    Raises:
        UserError: the folder cannot be written.
        RuntimeError: an artefact does not draw what the network draws; it was not written.
    """
    core = core_for_phones(network)

    @tf.function(input_signature=networks.signature(network, batch=1, side=SIDE))
    def stylize(image, *style_weights):
        drawn = networks.draw(core, image, *style_weights)
        return {"stylized": tf.clip_by_value(drawn, 0.0, 1.0)}

    artefacts = []
    for suffix, data in converted(stylize, core.weights, VARIANTS).items():
        path, at_least = folder / "tflite" / f"{name}{suffix}.tflite", VARIANTS[suffix].at_least
        decibels = parity.check(network, _runner(data, path), path, at_least)
        files.write_atomically(path, data, overwrite=True)
        artefacts.append(parity.Artefact(path, len(data), decibels, at_least))
    return artefacts


def converted(
    function: Callable, weights: Sequence[keras.Variable], variants: Mapping[str, Variant]
) -> dict[str, bytes]:
    """Converts a `tf.function` with an input signature; returns {suffix: contents of the file}.

    Args:
        function: tensors -> {name: tensor}.
        weights: all that it uses.
        variants: {suffix: settings of the converter}.
    """
    module = tf.Module()
    module.parameters = [weight.value for weight in weights]
    written = {}
    with tempfile.TemporaryDirectory() as scratch:
        tf.saved_model.save(module, scratch, signatures={"serving_default": function})
        for suffix, variant in variants.items():
            converter = tf.lite.TFLiteConverter.from_saved_model(scratch)
            converter.optimizations = list(variant.optimizations)
            converter.target_spec.supported_types = list(variant.types)
            written[suffix] = _lean(converter.convert())
    return written


def _lean(data: bytes) -> bytes:
    """Leaves out what tensors inside need not say: a twelfth of a small network's file."""
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(data))
    for graph in model.subgraphs:
        named = {*graph.inputs, *graph.outputs}
        for index, tensor in enumerate(graph.tensors):
            if index not in named:
                tensor.name = None
            if tensor.quantization is not None and tensor.quantization.scale is None:
                tensor.quantization = None
            if model.buffers[tensor.buffer].data is None:
                tensor.buffer = 0                          # by convention the one of no data
    _drop_unused_buffers(model)
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def _drop_unused_buffers(model):
    tensors = [tensor for graph in model.subgraphs for tensor in graph.tensors]
    users = [*tensors, *(model.metadata or ())]
    kept = sorted({0, *(user.buffer for user in users)})
    place = {buffer: index for index, buffer in enumerate(kept)}
    model.buffers = [model.buffers[buffer] for buffer in kept]
    for user in users:
        user.buffer = place[user.buffer]


class _SlicedReflectionPadding2D(layers.ReflectionPadding2D):
    """The same picture from slices and concatenations.

    XNNPACK does not know reflection pads: each would split the network into one more part that
    copies its data in and out.
    """

    def call(self, inputs):
        for axis in (1, 2):
            near = range(self.padding, 0, -1)
            far = range(-2, -self.padding - 2, -1)
            inputs = tf.concat(
                [_line(inputs, axis, index) for index in near] + [inputs]
                + [_line(inputs, axis, index) for index in far], axis)
        return inputs


def _line(inputs, axis, index):
    line = slice(index, index + 1)
    return inputs[:, line] if axis == 1 else inputs[:, :, line]


def core_for_phones(network: keras.Model) -> keras.Model:
    """Returns what is converted of a `networks.transform_net`: its core, of LiteRT's operations, within float16."""
    return with_sliced_pads(float16_range.within_float16(networks.core(network)))


def with_sliced_pads(core: keras.Model) -> keras.Model:
    """Returns a copy of a network whose reflection pads are slices."""
    def clone(layer):
        reflects = isinstance(layer, layers.ReflectionPadding2D)
        cls = _SlicedReflectionPadding2D if reflects else type(layer)
        return cls.from_config(layer.get_config())

    sliced = keras.models.clone_model(core, clone_function=clone, recursive=True)
    sliced.set_weights(core.get_weights())
    return sliced


def foreign_operations(interpreter: Interpreter) -> list[str]:
    """Returns the names of operations that plain LiteRT cannot run, or not without variables."""
    # LiteRT has no public list of a file's operations.
    names = {op["op_name"] for op in interpreter._get_ops_details()}
    return sorted(name for name in names if name.startswith(FOREIGN))


def open_checked(data: bytes, path: Path) -> Interpreter:
    """Opens a converted file.

    Raises:
        RuntimeError: it has operations that plain LiteRT cannot run.
    """
    interpreter = Interpreter(model_content=data)
    if foreign := foreign_operations(interpreter):
        raise RuntimeError(
            f"Expected built-in operations only in {path}. Received: {foreign}. It was not written.")
    return interpreter


def _runner(data: bytes, path: Path) -> Callable[..., np.ndarray]:
    stylize = open_checked(data, path).get_signature_runner()         # gives the file each picture's size

    def run(image: np.ndarray, **style_weights: np.ndarray) -> np.ndarray:
        height, width = image.shape[1:3]
        grown = padding.grow(image[0])[None]
        return stylize(image=grown, **style_weights)["stylized"][:, :height, :width]

    return run
