"""From a `tf.function` to the contents of .tflite files, and from these to a function again."""

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from nst_tf.exporters.tflite import flatbuffer
from nst_tf.images import padding

# Operations that need another runtime, or variables that the file does not carry.
FOREIGN = ("Flex", "CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


@dataclasses.dataclass(frozen=True)
class Variant:
    """How numbers are stored.

    Attributes:
        at_least: the least ratio against the network, decibels.
        large_at_least: the same from a megapixel on.
        optimizations, types: the converter's settings.
        float_convolutions: how many of the first ones are float after all; see
            `flatbuffer.store_convolutions_in_float16`.
        float_upsampling: whether those that upsample are, too.
    """

    at_least: float
    large_at_least: float
    optimizations: tuple = ()
    types: tuple = ()
    float_convolutions: int = 0
    float_upsampling: bool = False


FLOAT32 = Variant(80.0, 80.0)
FLOAT16 = Variant(60.0, 60.0, (tf.lite.Optimize.DEFAULT,), (tf.float16,))
# With all convolutions in 8 bits networks fell to 35 dB on single photos, with two in
# float to 37, with three to 41. All numbers of a map share one range of 8 bits: in a
# large photo it is wider. At 1024 pixels the published starry_night has 40 dB,
# starry_night_mobile 47, and 41 at 12 megapixels, where naive sums would leave 34; adain
# has 32 there.
INT8 = Variant(40.0, 30.0, (tf.lite.Optimize.DEFAULT,), float_convolutions=3)


@dataclasses.dataclass(frozen=True)
class File:
    """A converted file that is to be checked and written.

    Attributes:
        path: where it is to be.
        data: its contents.
        draw: what it draws, by the inputs of `parity.Reference`.
        at_least: the least ratio against the network, decibels.
        large_at_least: the same for a large picture; 0 if none is to be compared, which
            takes seconds.
    """

    path: Path
    data: bytes
    draw: Callable[..., np.ndarray]
    at_least: float
    large_at_least: float = 0.0


def convert(
    function: Callable,
    weights: Sequence[keras.Variable],
    variants: Mapping[str, Variant],
) -> dict[str, bytes]:
    """Converts a `tf.function` with an input signature; returns {suffix: contents of the file}.

    Args:
        function: tensors -> {name: tensor}.
        weights: all that it uses.
        variants: {suffix: settings of the converter}; one with float convolutions needs
            one without beside it.
    """
    module = tf.Module()
    module.parameters = [weight.value for weight in weights]
    files = {}
    with tempfile.TemporaryDirectory() as scratch:
        tf.saved_model.save(module, scratch, signatures={"serving_default": function})
        for suffix, variant in variants.items():
            converter = tf.lite.TFLiteConverter.from_saved_model(scratch)
            converter.optimizations = list(variant.optimizations)
            converter.target_spec.supported_types = list(variant.types)
            files[suffix] = converter.convert()
    exact = next(
        data
        for suffix, data in files.items()
        if not variants[suffix].float_convolutions
    )
    for suffix, variant in variants.items():
        if variant.float_convolutions:
            files[suffix] = flatbuffer.store_convolutions_in_float16(
                files[suffix],
                exact,
                variant.float_convolutions,
                variant.float_upsampling,
            )
        # The last to round weights of upsampling.
        files[suffix] = flatbuffer.keep_phases_even(files[suffix], exact)
    return {suffix: flatbuffer.strip(data) for suffix, data in files.items()}


def foreign_operations(interpreter: Interpreter) -> list[str]:
    """Returns the names of operations that plain LiteRT cannot run, or not without variables."""
    # LiteRT has no public list of a file's operations.
    names = {op["op_name"] for op in interpreter._get_ops_details()}
    return sorted(name for name in names if name.startswith(FOREIGN))


def open_checked(data: bytes, path: Path) -> Callable[..., np.ndarray]:
    """Opens a converted file as a function of arrays by the names of its inputs.

    Pictures are padded to a size that the file can draw, and what it draws is cropped.

    Args:
        data: contents of the file.
        path: where it is to be, for the error.

    Raises:
        RuntimeError: it has operations that plain LiteRT cannot run.
    """
    interpreter = Interpreter(model_content=data)
    if foreign := foreign_operations(interpreter):
        raise RuntimeError(
            f"Expected built-in operations only in {path}. Received: {foreign}. It was not written."
        )
    signature = interpreter.get_signature_runner()  # sets each picture's size

    def run(**inputs: np.ndarray) -> np.ndarray:
        sides = () if "image" in inputs else padding.ANY_STYLE
        values, pictures = dict(inputs), []
        for name, value in inputs.items():
            if value.ndim == 4:
                values[name] = padding.pad_to_multiple(value[0], *sides)[None]
                pictures.append(value)
        (output,) = signature(**values).values()
        if output.ndim != 4:
            return output
        height, width = pictures[0].shape[1:3]
        return output[:, :height, :width]

    return run
