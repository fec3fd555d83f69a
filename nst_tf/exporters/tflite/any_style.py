"""TFLite of a network of any style, in two parts: an app encodes a style once and
paints with its code.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.core import files
from nst_tf.data import style_images
from nst_tf.exporters import parity
from nst_tf.exporters.tflite import float16_range, litert_layers, per_style as tflite
from nst_tf.images import io as image_io, padding
from nst_tf.models import adain_net, transform_net

SIDES = (256, 384, 512)  # pixels, of the files of a fixed size
# The published one keeps 45 dB with two convolutions in float.
VARIANTS = {
    "_float16": tflite.FLOAT16,
    "_int8": dataclasses.replace(tflite.INT8, float_convolutions=2),
}


def export(
    network: keras.Model, folder: Path, name: str, *, sides: Sequence[int] = ()
) -> list[parity.Artifact]:
    """Writes `folder`/tflite/NAME_style*.tflite and NAME_transform*.tflite, as float16
    and dynamic-range int8.

    NAME_style: "style" float32 [1, h, w, 3] RGB in [0, 1] -> "code" float32 [1, N].
    NAME_transform: "content" float32 [1, H, W, 3], "code", "alpha" float32 [1, 1] ->
        "stylized" in [0, 1].

    Sides of pictures are multiples of 8 and at least 16, see `padding.ANY_STYLE`;
    LiteRT is given them by `resize_tensor_input`. NAME_transform_256, _384 and _512 are
    of that fixed size, for GPUs and browsers.

    Args:
        network: of any style, float32.
        folder: run folder.
        name: of the files.
        sides: pixels, of the fixed sizes; empty for `SIDES`.

    Returns:
        The artifacts: the style part, then the transformers.

    Raises:
        UserError: the folder cannot be written, or a side that the network cannot draw.
        RuntimeError: an artifact does not draw what the network draws; it was not
            written.
    """
    sides = sides or SIDES
    tflite.check_sides(sides, *padding.ANY_STYLE)
    parts = adain_net.parts_of(network)
    encoder = litert_layers.for_litert(transform_net.core(parts.encode_style))
    transformer = transformer_for_phones(parts)
    encoders = converted(encoder, ["style"], VARIANTS)
    # Styles are encoded by the file that an app would use beside each transformer.
    encode = {
        suffix: _encoder(data, _path(folder, f"{name}_style{suffix}"))
        for suffix, data in encoders.items()
    }

    def exact(content, code, alpha):
        return np.clip(parts.transform([content, code, alpha]), 0.0, 1.0)

    wanted = parity.drawn(network)
    artifacts = [
        _written(
            wanted,
            _path(folder, f"{name}_style{suffix}"),
            data,
            encode[suffix],
            exact,
            variant,
        )
        for (suffix, data), variant in zip(encoders.items(), VARIANTS.values())
    ]
    for side in (None, *sides):
        if side:
            # The same weights again: two photos show whether the size is right.
            wanted = parity.drawn(network, (side, side), range(2))
        transformers = converted(
            transformer, ["content", "code", "alpha"], VARIANTS, (side, side)
        )
        for (suffix, data), variant in zip(transformers.items(), VARIANTS.values()):
            path = _path(
                folder,
                f"{name}_transform{suffix}"
                if side is None
                else f"{name}_transform_{side}{suffix}",
            )
            artifacts.append(
                _written(
                    wanted,
                    path,
                    data,
                    encode[suffix],
                    _transformer(data, path),
                    variant,
                )
            )
    return artifacts


def transformer_for_phones(parts: adain_net.Parts) -> keras.Model:
    """Returns what is converted of the part that draws: its core, of LiteRT's
    operations, within float16.

    Features are measured on the packaged photos in the packaged styles, and given back.
    """
    rgb = float16_range.packaged_photos()
    full, none = tf.ones((1, 1)), tf.zeros((1, 1))
    codes = [
        parts.encode_style(
            image_io.read_picture(path, short_side=float16_range.SIDE).rgb[None]
        )
        for path in style_images.packaged_styles().values()
    ]
    inputs = [*([rgb, code, full] for code in codes), [rgb, codes[0], none]]
    return litert_layers.for_litert(
        float16_range.within_float16(transform_net.core(parts.transform), inputs)
    )


def _path(folder, stem):
    return folder / "tflite" / f"{stem}.tflite"


def converted(
    core: keras.Model,
    names: Sequence[str],
    variants: Mapping[str, tflite.Variant],
    size: tuple[int | None, int | None] = (None, None),
) -> dict[str, bytes]:
    """Converts one of `adain_net.Parts`; returns {suffix: contents of the file}.

    Args:
        core: the part as `transform_net.core` gives it.
        names: of its inputs; a part with "content" draws "stylized", another gives
            "code".
        variants: {suffix: settings of the converter}.
        size: height and width of the content, pixels; None for any.
    """
    draws = "content" in names
    shapes = {"style": [1, None, None, 3], "content": [1, *size, 3], "alpha": [1, 1]}

    @tf.function(
        input_signature=[
            tf.TensorSpec(
                shapes.get(name, [1, tensor.shape[-1]]), tf.float32, name=name
            )
            for name, tensor in zip(names, core.inputs)
        ]
    )
    def function(*inputs):
        output = core(list(inputs) if draws else inputs[0])
        return (
            {"stylized": tf.clip_by_value(output, 0.0, 1.0)}
            if draws
            else {"code": output}
        )

    return tflite.converted(function, core.weights, variants)


def _encoder(data: bytes, path: Path) -> Callable[[np.ndarray], np.ndarray]:
    encode = tflite.open_checked(data, path).get_signature_runner()
    return lambda style: encode(
        style=padding.pad_to_multiple(style[0], *padding.ANY_STYLE)[None]
    )["code"]


def _transformer(data: bytes, path: Path) -> Callable[..., np.ndarray]:
    transform = tflite.open_checked(data, path).get_signature_runner()

    def run(content, code, alpha):
        height, width = content.shape[1:3]
        grown = padding.pad_to_multiple(content[0], *padding.ANY_STYLE)[None]
        return transform(content=grown, code=code, alpha=alpha)["stylized"][
            :, :height, :width
        ]

    return run


def _written(wanted, path, data, encode, transform, variant):
    def draw(content, style, alpha):
        return transform(content=content, code=encode(style), alpha=alpha)

    likeness = parity.compare(wanted, draw, path, variant.at_least)
    files.write_atomically(path, data, overwrite=True)
    return parity.Artifact(path, len(data), likeness, variant.at_least)
