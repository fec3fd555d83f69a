"""TFLite: for phones, browsers and machines without TensorFlow, run by LiteRT."""

import dataclasses
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.exporters import parity
from nst_tf.exporters.tflite import flatbuffer, float16_range, litert_layers
from nst_tf.images import padding
from nst_tf.models import transform_net

SIDE = 384  # pixels; LiteRT can give a file another size before it allocates


@dataclasses.dataclass(frozen=True)
class Variant:
    """How numbers are stored.

    Attributes:
        at_least: the least ratio against the network, decibels.
        optimizations, types: the converter's settings.
        float_convolutions: how many of the first ones are float after all; see
            `tflite_contents`.
        float_upsampling: whether those that upsample are, too.
    """

    at_least: float
    optimizations: tuple = ()
    types: tuple = ()
    float_convolutions: int = 0
    float_upsampling: bool = False


FLOAT16 = Variant(60.0, (tf.lite.Optimize.DEFAULT,), (tf.float16,))
# With all convolutions in 8 bits networks fell to 35 dB on single photos, with two in
# float to 37, with three to 41.
INT8 = Variant(40.0, (tf.lite.Optimize.DEFAULT,), float_convolutions=3)
VARIANTS = {
    "": Variant(80.0),
    "_float16": FLOAT16,
    "_int8": INT8,
}  # by suffix of the file name
# With three a network of eight styles fell to 37 dB on single photos, with upsampling
# in float, too, to 43; its file is larger by a twelfth for that, which those of one
# style need not be.
OF_SEVERAL_STYLES = {
    **VARIANTS,
    "_int8": dataclasses.replace(INT8, float_upsampling=True),
}

# Operations that need another runtime, or variables that the file does not carry.
FOREIGN = ("Flex", "CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE")


def export(
    network: keras.Model, folder: Path, name: str, *, sides: Sequence[int] = ()
) -> list[parity.Artifact]:
    """Writes `folder`/tflite/NAME.tflite (float32), NAME_float16.tflite and NAME_int8.tflite.

    Each maps "image" float32 [1, H, W, 3] RGB in [0, 1], and "style_weights" or
    "strengths" float32 [1, N] if the network takes them, to "stylized" of the image's
    shape, clipped to [0, 1]. H and W are 384 as written; any that
    `nst_tf.images.padding` allows can be set by `resize_tensor_input`. int8 is
    dynamic-range: weights in 8 bits, activations quantized on the fly, but for the
    first three convolutions, which are float, and for upsampling in networks of several
    styles.

    Args:
        network: a float32 `transform_net.transform_net`.
        folder: run folder.
        name: of the style, and so of the files.
        sides: pixels; for each a NAME_SIDE_float16.tflite too, of that size as written:
            GPUs and browsers compile a file for the size that it names.

    Returns:
        The artifacts, those of fixed sizes last.

    Raises:
        UserError: the folder cannot be written, or a side that the network cannot draw.
        RuntimeError: an artifact does not draw what the network draws; it was not
            written.
    """
    check_sides(sides)
    core = core_for_phones(network)
    artifacts, whole = (
        [],
        OF_SEVERAL_STYLES if transform_net.styles_of(network) > 1 else VARIANTS,
    )
    # A fixed size has the same weights again: two photos show whether the size is
    # right.
    for side, variants, size, views in (
        (SIDE, whole, parity.SIZE, parity.VIEWS),
        *((side, {f"_{side}_float16": FLOAT16}, (side, side), 2) for side in sides),
    ):
        wanted = parity.drawn(network, size, range(views))
        for suffix, data in converted(
            stylizing(core, side, side), core.weights, variants
        ).items():
            path, at_least = (
                folder / "tflite" / f"{name}{suffix}.tflite",
                variants[suffix].at_least,
            )
            likeness = parity.compare(wanted, runner(data, path), path, at_least)
            files.write_atomically(path, data, overwrite=True)
            artifacts.append(parity.Artifact(path, len(data), likeness, at_least))
    return artifacts


def stylizing(core: keras.Model, height: int = SIDE, width: int = SIDE) -> Callable:
    """Returns what is converted of a `transform_net.core`, for pictures of one size.

    A `tf.function` of "image" [1, height, width, 3] and, if the core takes them,
    weights of styles -> "stylized", clipped to [0, 1].
    """
    _, *weights = transform_net.signature(core, batch=1)

    @tf.function(
        input_signature=[tf.TensorSpec([1, height, width, 3], name="image"), *weights]
    )
    def stylize(image, *style_weights):
        return {
            "stylized": tf.clip_by_value(
                transform_net.draw(core, image, *style_weights), 0.0, 1.0
            )
        }

    return stylize


def check_sides(
    sides: Sequence[int],
    multiple: int = padding.MULTIPLE,
    minimum: int = padding.MINIMUM,
) -> None:
    """Raises `UserError` for a fixed side that the network would have to grow."""
    for side in sides:
        if (wanted := padding.padded_side(side, multiple, minimum)) != side:
            raise expected(
                f"--sizes that are multiples of {multiple} and at least {minimum}",
                side,
                f"Try {wanted}.",
            )


def converted(
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
    written = {}
    with tempfile.TemporaryDirectory() as scratch:
        tf.saved_model.save(module, scratch, signatures={"serving_default": function})
        for suffix, variant in variants.items():
            converter = tf.lite.TFLiteConverter.from_saved_model(scratch)
            converter.optimizations = list(variant.optimizations)
            converter.target_spec.supported_types = list(variant.types)
            written[suffix] = converter.convert()
    exact = next(
        data
        for suffix, data in written.items()
        if not variants[suffix].float_convolutions
    )
    for suffix, variant in variants.items():
        if variant.float_convolutions:
            written[suffix] = flatbuffer.with_float16_convolutions(
                written[suffix],
                exact,
                variant.float_convolutions,
                variant.float_upsampling,
            )
        # The last to round weights of upsampling.
        written[suffix] = flatbuffer.with_even_phases(written[suffix], exact)
    return {suffix: flatbuffer.lean(data) for suffix, data in written.items()}


def core_for_phones(network: keras.Model) -> keras.Model:
    """Returns what is converted of a `transform_net.transform_net`: its core, of
    LiteRT's operations, within float16.
    """
    return litert_layers.for_litert(
        float16_range.within_float16(transform_net.core(network))
    )


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
            f"Expected built-in operations only in {path}. Received: {foreign}. It was not written."
        )
    return interpreter


def runner(data: bytes, path: Path) -> Callable[..., np.ndarray]:
    """Opens a converted file as a function of photos [1, H, W, 3] of any size; raises
    as `open_checked`.
    """
    stylize = open_checked(
        data, path
    ).get_signature_runner()  # gives the file each picture's size

    def run(image: np.ndarray, **style_weights: np.ndarray) -> np.ndarray:
        height, width = image.shape[1:3]
        grown = padding.pad_to_multiple(image[0])[None]
        return stylize(image=grown, **style_weights)["stylized"][:, :height, :width]

    return run
