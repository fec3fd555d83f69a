"""TFLite whose convolutions are integers throughout, for processors and accelerators
that are made for these.

Convolutions are nearly all of a network's work. Here they take, hold and give 8 bits,
within ranges that the file fixes, and pads and upsampling move 8 bits. Norms, the sums
of residual blocks and the last activation stay in float32: 8 bits are too few for the
moments of a norm.
"""

from pathlib import Path

import keras
import tensorflow as tf

from nst_tf.core.errors import UserError
from nst_tf.exporters import parity
from nst_tf.exporters.tflite import (
    conversion,
    integer_range,
    litert_layers,
    per_style,
)
from nst_tf.exporters.tflite.exporter import TfliteExporter
from nst_tf.models import transform_net

INTEGER = conversion.Variant(32.0, 30.0, (tf.lite.Optimize.DEFAULT,))


class IntegerTfliteExporter(TfliteExporter):
    """Writes FOLDER/tflite/NAME_integer.tflite.

    Inputs, output and sizes are those of `per_style.PerStyleFiles`. Ranges are measured
    on the packaged photos.
    """

    name = "tflite_integer"
    options = ()
    any_style = False

    def export(
        self, network: keras.Model, folder: Path, name: str
    ) -> list[parity.Artifact]:
        """Writes the one file.

        Raises:
            UserError: the folder cannot be written; or in 8 bits the network does not
                draw what it should, and no file was written.
            RuntimeError: the file has operations that plain LiteRT cannot run.
        """
        core = round_to_8_bits(transform_net.core(network))
        function = per_style.stylize_function(core)
        data = conversion.convert(function, core.weights, {"": INTEGER})[""]
        path = folder / "tflite" / f"{name}_integer.tflite"
        draw = conversion.open_checked(data, path)
        file = conversion.File(
            path, data, draw, INTEGER.at_least, INTEGER.large_at_least
        )
        references = parity.draw_all_sizes(network), *parity.draw_large(network)
        try:
            return [self._write(file, *references)]
        except RuntimeError as error:
            # Here it is the network that may not bear 8 bits: not every one does, least
            # of all of many styles.
            raise UserError(
                f"{error} Use the format tflite: its int8 file is nearer to the network."
            ) from error


def round_to_8_bits(core: keras.Model) -> keras.Model:
    """Returns a copy of a network that rounds to 8 bits what its convolutions take and
    give, as the file does.

    Args:
        core: from `transform_net.core`, of a `transform_net.transform_net` of one or
            several styles.
    """
    ranges = integer_range.measure_ranges(core)
    fitted = integer_range.fit_to_ranges(core, ranges)
    copy = litert_layers.for_litert(fitted, ROUNDED)
    for convolution, first in integer_range.first_layers(core).items():
        copy.get_layer(first.name).taken = ranges.inputs[convolution]
    for convolution in ranges.outputs:
        copy.get_layer(convolution).given = (-1.0, 1.0)
    return copy


class _Rounded:
    """A layer that rounds its input and output; the converter makes integers of what is between.

    Attributes:
        taken, given: lowest and highest number of input and output; None where there is
            nothing to round.
    """

    taken: tuple[float, float] | None = None
    given: tuple[float, float] | None = None

    def call(self, inputs):
        return _round(super().call(_round(inputs, self.taken)), self.given)


def _round(values, limits):
    return (
        values
        if limits is None
        else tf.quantization.fake_quant_with_min_max_args(values, *limits)
    )


class _Pad(_Rounded, litert_layers.SlicedReflectionPadding2D):
    pass


class _EdgePad(_Rounded, litert_layers.EdgePadding2D):
    pass


class _Convolution(_Rounded, keras.layers.Conv2D):
    pass


class _ConvolutionOfChannels(_Rounded, keras.layers.DepthwiseConv2D):
    pass


class _RoundedBeforeItSpreads:
    """A `litert_layers.FoldedConvolution` that rounds what its convolution gives; the
    pad before it rounds the input.
    """

    given: tuple[float, float] | None = None

    def folded(self, inputs):
        return _round(super().folded(inputs), self.given)


class _UpsamplingConvolution(
    _RoundedBeforeItSpreads, litert_layers.UpsamplingConvolution
):
    pass


class _ColorConvolution(_RoundedBeforeItSpreads, litert_layers.ColorConvolution):
    pass


ROUNDED = {
    keras.layers.Conv2D: _Convolution,
    keras.layers.DepthwiseConv2D: _ConvolutionOfChannels,
    litert_layers.SlicedReflectionPadding2D: _Pad,
    litert_layers.EdgePadding2D: _EdgePad,
    litert_layers.UpsamplingConvolution: _UpsamplingConvolution,
    litert_layers.ColorConvolution: _ColorConvolution,
}
