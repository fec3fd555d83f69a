"""Fits what convolutions take and give into 8 bits, without changing the picture."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from nst_tf.data import sample_photos
from nst_tf.exporters import network_inputs
from nst_tf.exporters.tflite import litert_layers
from nst_tf.images import io as image_io
from nst_tf.layers.normalization import InstanceNormalization
from nst_tf.layers.padding import ReflectionPadding2D
from nst_tf.models import transform_net

STEPS = 255  # of 8 bits
SIDE = 256  # pixels of the photos that ranges are measured on
# (offset, contrast) of dark, bright and hazy versions of each photo that ranges are
# measured on too: RGB = offset + contrast * RGB.
TONES = ((0.0, 1.0), (0.0, 0.4), (0.6, 0.4), (0.3, 0.4))
POSITIONS = 32  # rows and columns of features that are looked at in each photo
EPSILON = 1e-5  # as in norms: less than this is no variance


@dataclasses.dataclass(frozen=True)
class Ranges:
    """Where numbers lie; the limits are best for 8 bits, and what lies beyond them is clipped.

    Attributes:
        inputs: {name of a full convolution: lowest and highest number that it takes, or
            the first of `first_layers` before it}.
        outputs: {name of a convolution: lowest and highest of each of its channels, [C]
            and [C]}.
    """

    inputs: dict[str, tuple[float, float]]
    outputs: dict[str, tuple[np.ndarray, np.ndarray]]


class ScaledOutputRange(transform_net.OutputRange):
    """`transform_net.OutputRange` of scale * x + offset.

    Args:
        scale, offset: three numbers each, of the colors.
    """

    def __init__(self, scale, offset, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def call(self, inputs):
        return super().call(tf.cast(inputs, tf.float32) * self.scale + self.offset)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


def convolutions(core: keras.Model) -> list[keras.layers.Layer]:
    """Returns the convolutions of a `transform_net.core` in their order, with those
    that see each channel alone.
    """
    return [
        layer
        for layer in core.layers
        if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D))
    ]


def first_layers(core: keras.Model) -> dict[str, keras.layers.Layer]:
    """Returns {full convolution: the layer that takes its input}: the pad or the
    convolution of each channel alone before it, or itself.
    """
    source, first = litert_layers.producers(core), {}
    for layer in convolutions(core):
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            continue
        name = layer.name
        while isinstance(
            before := source.get(layer.name),
            (keras.layers.DepthwiseConv2D, ReflectionPadding2D),
        ):
            layer = before
        first[name] = layer
    return first


def measure_ranges(core: keras.Model) -> Ranges:
    """Measures a network on the packaged photos in several tones, in all of its styles.

    Args:
        core: from `transform_net.core`, of a `transform_net.transform_net` of one or
            several styles.
    """
    first, last = first_layers(core), convolutions(core)
    probe = keras.Model(
        core.input,
        [*(layer.input for layer in first.values()), *(layer.output for layer in last)],
    )
    seen = [
        [_sample(maps.numpy()[0]) for maps in transform_net.draw(probe, *inputs)]
        for inputs in _pictures(core)
    ]
    values = [np.stack(found) for found in zip(*seen)]  # [photos, positions, C]
    inputs = {
        name: best_limits(found.reshape(1, -1)) for name, found in zip(first, values)
    }
    inputs[next(iter(first))] = (0.0, 1.0)  # pictures have 8 bits from the start
    outputs = {}
    for layer, found in zip(last, values[len(first) :], strict=True):
        limits = [
            best_limits(found[..., channel]) for channel in range(found.shape[-1])
        ]
        outputs[layer.name] = tuple(np.array(limits, np.float32).T)
    return Ranges(inputs, outputs)


def best_limits(values: np.ndarray) -> tuple[float, float]:
    """Returns the lowest and highest number of the 8 bits that lose least.

    The loss is the squared error, of rounding within the limits and of clipping beyond
    them, in relation to each photo's variance: that is what a norm makes of it.

    Args:
        values: [photos, values of one].
    """
    weights = (
        np.broadcast_to(1 / (values.var(1, keepdims=True) + EPSILON), values.shape)
        .ravel()
        .astype(np.float64)
    )
    order = np.argsort(values, axis=None)
    values, weights = values.ravel()[order].astype(np.float64), weights[order]
    # How many values lie beyond each limit: none, 1, 2, 4 ... a quarter of all.
    beyond = np.array([0, *2 ** np.arange(max(len(values) // 4, 1).bit_length())])
    highs, above = _clip(values, weights, beyond)
    lows, below = _clip(-values[::-1], weights[::-1], beyond)
    steps = (highs + lows[:, None]) / STEPS
    losses = np.sum(weights) * steps**2 / 12 + above + below[:, None]
    low, high = np.unravel_index(np.argmin(losses), losses.shape)
    return -float(lows[low]), max(float(highs[high]), EPSILON - float(lows[low]))


def _clip(values, weights, beyond):
    """Limits that leave so many of the sorted values above them, and the loss of clipping these."""
    limits = values[::-1][beyond]
    # Sum of w (x - limit)^2, from the sums of w, w x and w x^2 over the values above.
    sums = [
        np.concatenate([[0], np.cumsum((weights * values**power)[::-1])])[beyond]
        for power in range(3)
    ]
    return limits, sums[2] - 2 * limits * sums[1] + limits**2 * sums[0]


def _pictures(core):
    """Inputs of the network: each photo in each tone, or each style in one of them."""
    blends = network_inputs.own_styles(core)
    if network_inputs.second_input(core) == transform_net.STRENGTHS:
        # At strength 0 the norms have other scales and offsets again.
        blends.append(np.zeros_like(blends[0]))
    turns = max(len(TONES), len(blends))
    for number, name in enumerate(sample_photos.PHOTOS):
        rgb = image_io.to_float(
            image_io.resize_rgb8(sample_photos.builtin_photo(name), SIDE, SIDE)
        )[None]
        for turn in range(turns):
            offset, contrast = TONES[(turn + number) % len(TONES)]
            blend = (blends[turn % len(blends)],) if blends else ()
            yield np.float32(offset) + np.float32(contrast) * rgb, *blend


def _sample(maps):
    """[positions, C] of [H, W, C], evenly spread."""
    rows, columns = (
        np.linspace(0, side - 1, min(side, POSITIONS)).round().astype(int)
        for side in maps.shape[:2]
    )
    return maps[rows][:, columns].reshape(-1, maps.shape[-1])


def fit_to_ranges(core: keras.Model, ranges: Ranges) -> keras.Model:
    """Returns a copy of a network that draws the same picture and whose convolutions
    give -1 to 1 within the ranges.

    A norm undoes any scale and offset of each channel that it normalizes, if its
    epsilon is scaled too. What follows the last convolution undoes its own.
    Convolutions of each channel alone are scaled only: the 1x1 undoes it.

    Args:
        core: as for `measure_ranges`.
        ranges: from there.
    """
    halves = {name: (high - low) / 2 for name, (low, high) in ranges.outputs.items()}
    middles = {name: (high + low) / 2 for name, (low, high) in ranges.outputs.items()}
    source = litert_layers.producers(core)

    def clone(layer):
        config = layer.get_config()
        if isinstance(layer, transform_net.OutputRange):
            last = source[layer.name].name
            return ScaledOutputRange(
                halves[last].tolist(), middles[last].tolist(), **config
            )
        if isinstance(layer, InstanceNormalization):
            half = halves[source[layer.name].name]
            config["epsilon"] = (config["epsilon"] / half**2).tolist()  # [C]
        return type(layer).from_config(config)

    small = keras.models.clone_model(core, clone_function=clone)
    small.set_weights(core.get_weights())
    alone = {}
    for layer in convolutions(small):
        low, high = ranges.outputs[layer.name]
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            alone[layer.name] = largest = np.maximum(np.abs(low), np.abs(high))
            layer.set_weights([layer.get_weights()[0] / largest[:, None]])
            continue
        kernel, bias = layer.get_weights()
        before = source.get(layer.name)
        if before is not None and before.name in alone:
            kernel = kernel * alone[before.name][:, None]
        half = halves[layer.name]
        layer.set_weights([kernel / half, (bias - middles[layer.name]) / half])
    return small
