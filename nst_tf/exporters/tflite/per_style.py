"""What is converted to TFLite of a network of one or several styles: one file that
draws.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.exporters import network_inputs
from nst_tf.exporters.tflite import float16_range, litert_layers
from nst_tf.exporters.tflite.conversion import (
    FLOAT16,
    FLOAT32,
    INT8,
    File,
    Variant,
    convert,
    open_checked,
)
from nst_tf.images import padding
from nst_tf.models import transform_net

SIDE = 384  # pixels; LiteRT can give a file another size before it allocates
# By suffix of the file name.
VARIANTS = {"": FLOAT32, "_float16": FLOAT16, "_int8": INT8}
# With three a network of eight styles fell to 37 dB on single photos, with upsampling
# in float, too, to 43. This makes the file 8 % larger; networks of one style do not
# need it.
OF_SEVERAL_STYLES = {
    **VARIANTS,
    "_int8": dataclasses.replace(INT8, float_upsampling=True),
}


class PerStyleFiles:
    """Converts a network of one or several styles.

    NAME.tflite (float32), NAME_float16.tflite and NAME_int8.tflite each map "image"
    float32 [1, H, W, 3] RGB in [0, 1], and "style_weights" or "strengths" float32 [1,
    N] if the network takes them, to "stylized" of the image's shape, clipped to [0, 1].
    H and W are 384 as written; any that `nst_tf.images.padding` allows can be set by
    `resize_tensor_input`. int8 is dynamic-range: weights in 8 bits, activations
    quantized on the fly, but for the first three convolutions, which are float, and for
    upsampling in networks of several styles.

    Of a fixed size, for GPUs and browsers, which compile a file for the size that it
    names, there is NAME_SIDE_float16.tflite.

    Attributes:
        multiples: multiple and minimum of a picture's sides, pixels.
        sides: fixed ones that are written unless others are asked for, pixels.
    """

    multiples = (padding.MULTIPLE, padding.MINIMUM)
    sides = ()

    def __init__(self, network: keras.Model):
        self._core = core_for_phones(network)
        several = network_inputs.count_styles(network) > 1
        self._variants = OF_SEVERAL_STYLES if several else VARIANTS

    def make(self, path_of: Callable[[str], Path], side: int | None) -> Iterator[File]:
        """Converts all files of one size.

        Args:
            path_of: from what follows NAME in a file's name to its path.
            side: fixed one, pixels; None for any.
        """
        variants, infix = self._variants, ""
        if side:
            variants, infix = {"_float16": FLOAT16}, f"_{side}"
        for suffix, data in self.convert(side or SIDE, side or SIDE, variants).items():
            path, variant = path_of(infix + suffix), variants[suffix]
            draw = open_checked(data, path)
            # float16 is float32 but for its weights.
            large = variant.large_at_least if suffix in ("", "_int8") else 0.0
            yield File(path, data, draw, variant.at_least, large)

    def convert(
        self, height: int, width: int, variants: Mapping[str, Variant]
    ) -> dict[str, bytes]:
        """Converts what draws pictures of one size; returns {suffix: contents}."""
        function = stylize_function(self._core, height, width)
        return convert(function, self._core.weights, variants)

    def draw_with(self, run: Callable[..., np.ndarray]) -> Callable[..., np.ndarray]:
        """Returns an opened file as a function of the inputs of `parity.Reference`."""
        return run


def core_for_phones(network: keras.Model) -> keras.Model:
    """Returns what is converted of a `transform_net.transform_net`: its core, of
    LiteRT's operations, within float16.
    """
    core = float16_range.within_float16(transform_net.core(network))
    return litert_layers.for_litert(core)


def stylize_function(
    core: keras.Model, height: int = SIDE, width: int = SIDE
) -> Callable:
    """Returns what is converted of a `transform_net.core`, for pictures of one size.

    A `tf.function` of "image" [1, height, width, 3] and, if the core takes them,
    weights of styles -> "stylized", clipped to [0, 1].
    """
    _, *weights = transform_net.signature(core, batch=1)

    @tf.function(
        input_signature=[tf.TensorSpec([1, height, width, 3], name="image"), *weights]
    )
    def stylize(image, *style_weights):
        drawn = transform_net.draw(core, image, *style_weights)
        return {"stylized": tf.clip_by_value(drawn, 0.0, 1.0)}

    return stylize
