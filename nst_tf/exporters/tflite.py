"""TFLite: for phones, browsers and machines without TensorFlow, run by LiteRT."""

import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from nst_tf import files, networks
from nst_tf.exporters import parity

SIDE = 384              # pixels; LiteRT can give a file another size before it allocates
# {suffix of the file name: (converter settings, least PSNR against the network in decibels)}
VARIANTS = {
    "": ({}, 80.0),
    "_float16": ({"optimizations": [tf.lite.Optimize.DEFAULT], "types": [tf.float16]}, 50.0),
    "_int8": ({"optimizations": [tf.lite.Optimize.DEFAULT]}, 30.0),
}


def export(network: keras.Model, folder: Path, name: str) -> list[str]:
    """Writes `folder`/tflite/NAME.tflite (float32), NAME_float16.tflite and NAME_int8.tflite.

    Each maps "image" float32 [1, H, W, 3] RGB in [0, 1] to "stylized" of the same shape, clipped to
    [0, 1]. H and W are 384 as written; any that `nst_tf.padding` allows can be set by
    `resize_tensor_input`. int8 is dynamic-range: weights in 8 bits, activations quantised on the fly.

    Args:
        network: a `networks.transform_net`.
        folder: run folder.
        name: of the style, and so of the files.

    Returns:
        Lines for the user.
    """
    core = networks.core(network)
    module = tf.Module()
    module.parameters = [weight.value for weight in core.weights]

    @tf.function(input_signature=[tf.TensorSpec([1, SIDE, SIDE, 3], tf.float32, name="image")])
    def stylize(image):
        return {"stylized": tf.clip_by_value(core(image), 0.0, 1.0)}

    lines = []
    with tempfile.TemporaryDirectory() as scratch:
        tf.saved_model.save(module, scratch, signatures={"serving_default": stylize})
        for suffix, (settings, at_least) in VARIANTS.items():
            converter = tf.lite.TFLiteConverter.from_saved_model(scratch)
            converter.optimizations = settings.get("optimizations", [])
            converter.target_spec.supported_types = settings.get("types", [])
            data = converter.convert()
            path = folder / "tflite" / f"{name}{suffix}.tflite"
            files.write_atomically(path, data, overwrite=True)
            decibels = parity.check(network, _runner(path), str(path), at_least)
            lines.append(f"wrote {path} ({len(data) / 1e6:.2f} MB, {parity.text(decibels)})")
    return lines


def _runner(path):
    interpreter = Interpreter(model_path=str(path))
    foreign = [op["op_name"] for op in interpreter._get_ops_details()
               if op["op_name"].startswith(("Flex", "CUSTOM", "VAR_HANDLE"))]
    if foreign:
        raise RuntimeError(f"Expected built-in operations only in {path}. Received: {foreign}.")

    def run(photo: np.ndarray) -> np.ndarray:
        interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], photo.shape)
        runner = interpreter.get_signature_runner()
        return runner(image=photo)["stylized"]

    return run
