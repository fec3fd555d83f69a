"""From a network to the contents of .onnx files."""

import logging
from collections.abc import Callable

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from nst_tf.exporters import network_inputs
from nst_tf.exporters.converters import silence
from nst_tf.exporters.tflite import litert_layers
from nst_tf.models import transform_net

OPSET = 17  # ONNX Runtime reads it from version 1.12 on
# Of the sides of a picture that can be set, and of the others.
PICTURE, OTHER = ("batch", "height", "width"), ("batch", "numbers")


def functions_of(network: keras.Model) -> dict[str, Callable]:
    """Returns what is converted of a network, {what follows NAME in the file's name: a
    `tf.function` of batches of any size}.

    Of one or several styles "": "image" [B, H, W, 3], and "style_weights" or
    "strengths" [B or 1, N] if the network takes them, -> "stylized", clipped to [0, 1].
    Of any style "_style": "style" [B, h, w, 3] -> "code" [B, N]; and "_transform":
    "content", "code" [B or 1, N], "alpha" [B or 1, 1] -> "stylized".

    They grow and crop pictures themselves. What LiteRT runs faster, other runtimes do
    too: at 384 pixels ONNX Runtime takes a quarter less.
    """
    if not network_inputs.is_any_style(network):
        return {"": _stylize_function(_for_onnx(network))}
    parts = network_inputs.parts_of(network)
    encoder, transformer = _for_onnx(parts.encode_style), _for_onnx(parts.transform)
    picture = tf.TensorSpec([None, None, None, 3], name="style")

    @tf.function(input_signature=[picture])
    def encode_style(style):
        return {"code": encoder(style)}

    content = tf.TensorSpec([None, None, None, 3], name="content")
    numbers = [
        tf.TensorSpec([None, each.shape[-1]], name=name)
        for name, each in zip(("code", "alpha"), transformer.inputs[1:])
    ]

    @tf.function(input_signature=[content, *numbers])
    def transform(content, code, alpha):
        drawn = transformer([content, code, alpha])
        return {"stylized": tf.clip_by_value(drawn, 0.0, 1.0)}

    return {"_style": encode_style, "_transform": transform}


def convert(function: Callable) -> bytes:
    """Converts a `tf.function` with an input signature; returns the file's contents.

    Raises:
        RuntimeError: it has operations that ONNX has not.
    """
    # They report each step, and what is obsolete.
    with silence("tf2onnx", "tensorflow", below=logging.CRITICAL):
        model, _ = tf2onnx.convert.from_function(
            function, function.input_signature, opset=OPSET
        )
    foreign = sorted({node.op_type for node in model.graph.node if not _is_known(node)})
    if foreign:
        raise RuntimeError(
            f"Expected operations that ONNX has. Received: {', '.join(foreign)}. "
            "There is no such file of this network."
        )
    for value in (*model.graph.input, *model.graph.output):
        sides = value.type.tensor_type.shape.dim
        for side, name in zip(sides, PICTURE if len(sides) == 4 else OTHER):
            if not side.HasField("dim_value"):
                side.dim_param = name
    return model.SerializeToString()


class _ConstantNormalization(keras.layers.Normalization):
    """The same, whose numbers are constants: tf2onnx would take Keras's for inputs."""

    def call(self, inputs):
        mean, variance = np.asarray(self.mean), np.asarray(self.variance)
        deviation = np.maximum(np.sqrt(variance), keras.backend.epsilon())
        return (inputs - mean) / deviation


def _for_onnx(network):
    classes = {keras.layers.Normalization: _ConstantNormalization}
    return litert_layers.for_litert(network, classes)


def _stylize_function(network):
    @tf.function(input_signature=transform_net.signature(network))
    def stylize(image, *style_weights):
        drawn = transform_net.draw(network, image, *style_weights)
        return {"stylized": tf.clip_by_value(drawn, 0.0, 1.0)}

    return stylize


def _is_known(node):
    return not node.domain and onnx.defs.has(node.op_type, OPSET)
