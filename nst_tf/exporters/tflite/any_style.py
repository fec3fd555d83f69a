"""What is converted to TFLite of a network of any style, in two parts: an app encodes a
style once and paints with its code.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.data import style_images
from nst_tf.exporters import network_inputs
from nst_tf.exporters.tflite import float16_range, litert_layers
from nst_tf.exporters.tflite.conversion import (
    FLOAT16,
    INT8,
    File,
    Variant,
    convert,
    open_checked,
)
from nst_tf.images import io as image_io, padding
from nst_tf.models import adain_net, transform_net

SIDES = (256, 384, 512)  # pixels, of the files of a fixed size
# The published one keeps 45 dB with two convolutions in float.
VARIANTS = {
    "_float16": FLOAT16,
    "_int8": dataclasses.replace(INT8, float_convolutions=2),
}
INPUTS = ("content", "code", "alpha")  # of the part that draws


class AnyStyleFiles:
    """Converts a network of any style: as float16 and dynamic-range int8.

    NAME_style: "style" float32 [1, h, w, 3] RGB in [0, 1] -> "code" float32 [1, N].
    NAME_transform: "content" float32 [1, H, W, 3], "code", "alpha" float32 [1, 1] ->
        "stylized" in [0, 1].

    Sides of pictures are multiples of 8 and at least 16, see `padding.ANY_STYLE`;
    LiteRT is given them by `resize_tensor_input`. NAME_transform_256, _384 and _512 are
    of that fixed size, for GPUs and browsers.

    Attributes: see `per_style.PerStyleFiles`, of which this has all methods.
    """

    multiples = padding.ANY_STYLE

    def __init__(self, network: keras.Model):
        self.sides = SIDES
        self._parts = network_inputs.parts_of(network)
        self._transformer = transformer_for_phones(self._parts)
        self._encode = {}

    def make(self, path_of: Callable[[str], Path], side: int | None) -> Iterator[File]:
        if side is None:
            yield from self._make_encoders(path_of)
        infix = f"_transform_{side}" if side else "_transform"
        for suffix, data in self.convert(side, side, VARIANTS).items():
            path = path_of(infix + suffix)
            # Styles are encoded by the file that an app would use beside it.
            encode = self._encode[suffix]
            draw = self.draw_with(open_checked(data, path), encode)
            variant = VARIANTS[suffix]
            large = 0.0 if side else variant.large_at_least
            yield File(path, data, draw, variant.at_least, large)

    def _make_encoders(self, path_of):
        core = litert_layers.for_litert(transform_net.core(self._parts.encode_style))
        for suffix, data in convert_part(core, ["style"], VARIANTS).items():
            path = path_of("_style" + suffix)
            self._encode[suffix] = encode = open_checked(data, path)
            draw = self.draw_with(self._draw_exactly, encode)
            yield File(path, data, draw, VARIANTS[suffix].at_least)

    def _draw_exactly(self, content, code, alpha):
        return np.clip(self._parts.transform([content, code, alpha]), 0.0, 1.0)

    def convert(
        self,
        height: int | None,
        width: int | None,
        variants: Mapping[str, Variant],
    ) -> dict[str, bytes]:
        return convert_part(self._transformer, INPUTS, variants, (height, width))

    def draw_with(
        self,
        run: Callable[..., np.ndarray],
        encode: Callable[..., np.ndarray] | None = None,
    ) -> Callable[..., np.ndarray]:
        """Returns a function of content, style and alpha that encodes the style first;
        with the network itself unless another encoder is given.
        """
        encode = encode or self._encode_exactly

        def draw(content, style, alpha):
            return run(content=content, code=encode(style=style), alpha=alpha)

        return draw

    def _encode_exactly(self, style):
        return np.asarray(self._parts.encode_style(style))


def transformer_for_phones(parts: adain_net.Parts) -> keras.Model:
    """Returns what is converted of the part that draws: its core, of LiteRT's
    operations, within float16.

    Features are measured on the packaged photos in the packaged styles, and given back.
    """
    rgb = float16_range.packaged_photos()
    full, none = tf.ones((1, 1)), tf.zeros((1, 1))
    read = functools.partial(image_io.read_image, short_side=float16_range.SIDE)
    codes = [
        parts.encode_style(read(path).rgb[None])
        for path in style_images.packaged_styles().values()
    ]
    inputs = [*([rgb, code, full] for code in codes), [rgb, codes[0], none]]
    core = float16_range.within_float16(transform_net.core(parts.transform), inputs)
    return litert_layers.for_litert(core)


def convert_part(
    core: keras.Model,
    names: Sequence[str],
    variants: Mapping[str, Variant],
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
    signature = [
        tf.TensorSpec(shapes.get(name, [1, tensor.shape[-1]]), tf.float32, name=name)
        for name, tensor in zip(names, core.inputs)
    ]

    @tf.function(input_signature=signature)
    def function(*inputs):
        output = core(list(inputs) if draws else inputs[0])
        if draws:
            return {"stylized": tf.clip_by_value(output, 0.0, 1.0)}
        return {"code": output}

    return convert(function, core.weights, variants)
