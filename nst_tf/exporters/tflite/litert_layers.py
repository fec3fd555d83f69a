"""The same pictures from operations that LiteRT runs faster: what a network is made of
when it is converted.
"""

from collections.abc import Iterator, Mapping

import keras
import numpy as np
import tensorflow as tf

from nst_tf.layers.padding import ReflectionPadding2D
from nst_tf.layers.upsampling import NearestUpsampling2D


class SlicedReflectionPadding2D(ReflectionPadding2D):
    """The same picture from slices and concatenations.

    XNNPACK does not know reflection pads: each would split the network into one more
    part that copies its data in and out.
    """

    def call(self, inputs):
        for axis in (1, 2):
            near = range(self.padding, 0, -1)
            far = range(-2, -self.padding - 2, -1)
            inputs = tf.concat(
                [_line(inputs, axis, index) for index in near]
                + [inputs]
                + [_line(inputs, axis, index) for index in far],
                axis,
            )
        return inputs


class EdgePadding2D(ReflectionPadding2D):
    """Repeats the lines at the edge: what a reflection of one line is after upsampling,
    done before it.
    """

    def call(self, inputs):
        for axis in (1, 2):
            inputs = tf.concat(
                [_line(inputs, axis, 0), inputs, _line(inputs, axis, -1)], axis
            )
        return inputs


class FoldedConvolution(keras.layers.Conv2D):
    """A convolution that computes 2x2 pixels at once, as channels, and then spreads them.

    Attributes:
        step: of its windows over what it takes, lines.
        surplus: lines of the result on each side that lie outside of the picture.
    """

    step = 1
    surplus = 0

    @staticmethod
    def lines(size: int) -> np.ndarray:
        """Which line of a window each line of a kernel meets, for both lines of the
        result: [2, window, size].
        """
        raise NotImplementedError

    @classmethod
    def fold(cls, kernel: np.ndarray) -> np.ndarray:
        """[k, k, C, filters] -> [window, window, C, 4 filters], as
        `tf.nn.depth_to_space` spreads them.
        """
        lines = cls.lines(len(kernel))
        folded = np.einsum("yak,xbl,klcf->abcyxf", lines, lines, kernel)
        return folded.reshape(*folded.shape[:3], -1)

    @classmethod
    def folded_config(cls, config: dict) -> dict:
        """The layer's config from that of the plain one."""
        window = cls.lines(config["kernel_size"][0]).shape[1]
        return {
            **config,
            "kernel_size": (window, window),
            "strides": (cls.step, cls.step),
            "filters": 4 * config["filters"],
        }

    def call(self, inputs):
        spread = tf.nn.depth_to_space(self.folded(inputs), 2)
        return (
            spread[:, self.surplus : -self.surplus, self.surplus : -self.surplus]
            if self.surplus
            else spread
        )

    def folded(self, inputs):
        """The convolution itself: [B, h, w, C] -> [B, H / 2, W / 2, 4 filters]."""
        return super().call(inputs)

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = super().compute_output_shape(input_shape)
        return (
            batch,
            *(None if side is None else 2 * (side - self.surplus) for side in sides),
            channels // 4,
        )


class UpsamplingConvolution(FoldedConvolution):
    """Nearest upsampling and the 3x3 convolution behind it, in 4/9 of the work.

    Of the nine pixels that a kernel sees there, at most four differ: each pixel of the
    result is a 2x2 convolution of what was upsampled, and the four of one window share
    it. Its input is padded by one line.

    Reference:
        Shi et al. 2016 (arXiv:1609.07009): a convolution of upsampled features is one
        of the features themselves.
    """

    surplus = 1  # windows over the pads' lines make pixels beyond the edge

    @staticmethod
    def lines(size):
        # A window of lines m - 1 and m makes lines 2m - 1 and 2m: the first lies in
        # line m - 1, which its kernel meets twice, before line m once; the second is
        # its mirror image.
        return np.float32([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]])


class ColorConvolution(FoldedConvolution):
    """A convolution to three colors, by steps of two pixels: four times the channels,
    a quarter of the places.

    Processors compute 8 or 16 channels in the time of three. Height and width of its
    result are even.
    """

    step = 2

    @staticmethod
    def lines(size):
        return np.stack(
            [np.eye(size + 1, size, k=-line, dtype=np.float32) for line in range(2)]
        )


def for_litert(
    core: keras.Model, classes: Mapping[type, type] | None = None
) -> keras.Model:
    """Returns a copy of a network, of other layers where those take less time in LiteRT.

    Reflection pads become slices; upsampling and the convolution behind it become one,
    see `UpsamplingConvolution`; the last convolution to colors computes 2x2 of them at
    once. What it draws differs by float32's rounding only.

    Args:
        core: from `transform_net.core`, of any network.
        classes: {class of a layer, in the core or as above: subclass to take in its
            place}.
    """
    classes, chosen = classes or {}, _choose_classes(core)

    def clone(layer):
        cls = chosen.get(id(layer), type(layer))
        config = layer.get_config()
        if issubclass(cls, FoldedConvolution):
            config = cls.folded_config(config)
        return classes.get(cls, cls).from_config(config)

    copy = keras.models.clone_model(core, clone_function=clone, recursive=True)
    for layer, same in zip(_leaves(core), _leaves(copy), strict=True):
        weights = layer.get_weights()
        if isinstance(same, FoldedConvolution):
            kernel, bias = weights
            weights = [same.fold(kernel), np.tile(bias, 4)]
        same.set_weights(weights)
    return copy


def _choose_classes(core):
    """{id of a layer: class to take in its place}."""
    chosen, convolutions = {}, []
    for model in _models(core):
        source = producers(model)
        for layer in model.layers:
            if isinstance(layer, ReflectionPadding2D):
                chosen.setdefault(id(layer), SlicedReflectionPadding2D)
            if type(layer) is not keras.layers.Conv2D:
                continue
            convolutions.append(layer)
            if (
                layer.padding != "valid"
                or layer.strides != (1, 1)
                or layer.kernel_size != (3, 3)
            ):
                continue
            pad = source.get(layer.name)
            upsampling = (
                source.get(pad.name) if isinstance(pad, ReflectionPadding2D) else None
            )
            if isinstance(upsampling, NearestUpsampling2D):
                chosen.update(
                    {
                        id(upsampling): keras.layers.Identity,
                        id(pad): EdgePadding2D,
                        id(layer): UpsamplingConvolution,
                    }
                )
    # The last convolution draws at the size of the picture, which is even; an encoder's
    # has more filters.
    if (
        convolutions
        and convolutions[-1].filters == 3
        and convolutions[-1].padding == "valid"
    ):
        chosen.setdefault(id(convolutions[-1]), ColorConvolution)
    return chosen


def producers(model: keras.Model) -> dict[str, keras.layers.Layer]:
    """Returns {layer's name: the layer that makes its first input}, as far as there is
    one inside the model.
    """
    makers = {}
    for layer in model.layers:
        for output in tf.nest.flatten(layer.output):
            makers[id(output)] = layer
    found = {}
    for layer in model.layers:
        inputs = tf.nest.flatten(layer.input)
        if inputs and id(inputs[0]) in makers:
            found[layer.name] = makers[id(inputs[0])]
    return found


def _models(core) -> Iterator[keras.Model]:
    for layer in core.layers:
        if isinstance(layer, keras.Model):
            yield from _models(layer)
    yield core


def _leaves(core) -> Iterator[keras.layers.Layer]:
    for layer in core.layers:
        yield from _leaves(layer) if isinstance(layer, keras.Model) else (layer,)


def _line(inputs, axis, index):
    line = slice(index, index + 1 or None)
    return inputs[:, line] if axis == 1 else inputs[:, :, line]
