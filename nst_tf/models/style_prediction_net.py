"""Networks of any style for phones: a per-style network whose norms follow the code of a style.

What `transform_net.transform_net` learns for one style, the scales and offsets of its
norms, is computed here from the moments of a style picture's features. The style's
encoder may be large, since a style is encoded once; what draws is as small and fast as
a per-style network.
"""

import dataclasses
import json
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from nst_tf.features.extractors import FeatureExtractor
from nst_tf.images import padding
from nst_tf.layers.color import (
    COLOR_NUMBERS,
    DescribeColors,
    MatchColors,
    MatchContentColors,
    MixPhoto,
)
from nst_tf.layers.normalization import ModulatedNormalization
from nst_tf.layers.padding import PadToMultiple
from nst_tf.models import adain_net, transform_net
from nst_tf.models.style_network import AnyStyleNetwork, Parts
from nst_tf.models.transform_net import TransformNetConfig

LAYERS = (
    "relu1_1",
    "relu2_1",
    "relu3_1",
    "relu4_1",
)  # whose moments are a style's code
BOTTLENECK = 128  # numbers between code and norms; Ghiasi et al. have 100
# What a code asks for counts so much: one step moves it about as far as a norm's own
# parameters. Without, the sum over the bottleneck moves many times as far, and channels
# die behind their ReLUs: flat gray areas after 300 steps.
GAIN = 0.1


@keras.saving.register_keras_serializable("nst_tf")
class StylePredictionNet(AnyStyleNetwork):
    """A per-style network and what sets its norms; `modulated_net` builds it."""

    def _make_parts(self):
        return Parts(self.get_layer("encode_style"), self.get_layer("transform"))


def modulated_net(
    encoder: FeatureExtractor,
    config: TransformNetConfig,
    known: Sequence[np.ndarray],
    *,
    style_colors: bool = False,
    dtype: str = "float32",
) -> StylePredictionNet:
    """Builds the network: (photo, style, alpha) -> the photo painted in the style.

    Without strength, alpha = 0, norms have parameters of their own, which learn to
    reproduce the photo; alpha times what the style asks for is added. So neither needs
    the photo's own code. Colors are the photo's by what alpha leaves of 1, see
    `color.MatchContentColors`; or, with `style_colors`, alpha times the style's besides,
    see `color.MatchColors`, and the photo is mixed in, see `color.MixPhoto`.

    Args:
        encoder: delivers `LAYERS`; it is frozen.
        config: of the network that draws; one style.
        known: pictures, float32 [h, w, 3] RGB in [0, 1], by whose codes codes are
            standardized.
        style_colors: whether colors are brought over by their mean and covariance, which
            the code has then, too, and the photo is mixed in where strength is lacking.
            The weights are the same.
        dtype: Keras dtype policy of the drawing convolutions.

    Returns:
        A Keras model with the inputs and the output of `adain_net.any_style_net`; its
        parts are layers of it.

    Reference:
        Ghiasi, Lee, Kudlur, Dumoulin, Shlens 2017 (arXiv:1705.06830), figure 2; there
        the code is an Inception network's.
    """
    encode_style = style_encoder(encoder, style_colors)
    codes = np.concatenate([encode_style(picture[None]).numpy() for picture in known])
    if style_colors:
        codes = codes[:, :-COLOR_NUMBERS]
    transform = build_transform(
        config,
        codes.mean(0),
        np.square(_spread(codes, encoder)),
        style_colors=style_colors,
        dtype=dtype,
    )
    image = keras.Input((None, None, 3), name="image")
    style = keras.Input((None, None, 3), name="style")
    alpha = keras.Input((1,), name=adain_net.ALPHA)
    return StylePredictionNet(
        [image, style, alpha],
        transform([image, encode_style(style), alpha]),
        name="modulated_net",
        configuration=json.dumps(dataclasses.asdict(config)),
    )


def style_encoder(encoder: FeatureExtractor, style_colors: bool = False) -> keras.Model:
    """Builds style [B, h, w, 3] -> code [B, N]: means and deviations of each channel at
    `LAYERS`; then, with `style_colors`, the picture's colors by `color.DescribeColors`.
    """
    features = keras.Model(
        encoder.model.input,
        [encoder.model.output[layer] for layer in LAYERS],
        name="encoder",
    )
    features.trainable = False
    style = keras.Input((None, None, 3), name="style")
    grown = PadToMultiple(*padding.ANY_STYLE, name="grow_style", dtype="float32")(style)
    moments = [
        adain_net.StyleCode("adain", name=f"moments_{layer}", dtype="float32")(maps)
        for layer, maps in zip(LAYERS, features(grown))
    ]
    if style_colors:
        moments.append(DescribeColors(name="style_colors", dtype="float32")(grown))
    return keras.Model(
        style,
        keras.layers.Concatenate(name="code", dtype="float32")(moments),
        name="encode_style",
    )


@keras.saving.register_keras_serializable("nst_tf")
class NormParameters(keras.layers.Layer):
    """What norms get: own + GAIN alpha asked, [B, N], of what the style asks [B or 1,
    N] and alpha [B or 1, 1].

    Args:
        channels: of the norms in order; each has so many scales, then so many offsets.
            Its own begin at 1 and 0.
    """

    def __init__(self, channels: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        self.channels = list(channels)

    def build(self, input_shape):
        own = np.concatenate([np.repeat([1.0, 0.0], count) for count in self.channels])
        self.own = self.add_weight(
            name="own",
            shape=own.shape,
            initializer=lambda shape, dtype: tf.cast(own, dtype),
        )

    def call(self, inputs):
        asked, alpha = inputs
        return self.own + GAIN * alpha * asked

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "channels": self.channels}


def build_transform(
    config: TransformNetConfig,
    center: np.ndarray,
    variance: np.ndarray,
    *,
    style_colors: bool = False,
    dtype: str = "float32",
) -> keras.Model:
    """Builds the part that draws: (photo, a style's code, alpha [B, 1]) -> painting.

    Args:
        config: of the network that draws; one style.
        center, variance: [N], by which codes [B, N] are standardized.
        style_colors: whether codes are [B, N + 9], with a style's colors at their end,
            which the painting gets.
        dtype: Keras dtype policy of the drawing convolutions.
    """
    image = keras.Input((None, None, 3), name="image")
    numbers = len(center)
    code = keras.Input((numbers + style_colors * COLOR_NUMBERS,), name="code")
    alpha = keras.Input((1,), name=adain_net.ALPHA)
    channels = transform_net.norm_channels(config)
    x = keras.layers.Normalization(
        mean=center, variance=variance, name="standardized", dtype="float32"
    )(code[:, :numbers] if style_colors else code)
    x = keras.layers.Dense(BOTTLENECK, "relu", name="bottleneck", dtype="float32")(x)
    # Small at first: the untrained network paints every style alike, as a per-style one
    # begins.
    asked = keras.layers.Dense(
        2 * sum(channels),
        name="asked",
        dtype="float32",
        kernel_initializer=keras.initializers.VarianceScaling(1.0, "fan_in"),
    )(x)
    parameters = NormParameters(channels, name="parameters", dtype="float32")(
        [asked, alpha]
    )
    ends = iter(np.cumsum(channels))

    def norm(x, name):
        first = 2 * (int(next(ends)) - x.shape[-1])
        return ModulatedNormalization(first, name=name, dtype=dtype)([x, parameters])

    def finish(painting, photo):
        if style_colors:
            painting = MatchColors(name="colors", dtype="float32")(
                [painting, photo, code[:, numbers:], alpha]
            )
            return MixPhoto(name="mix", dtype="float32")([painting, photo, alpha])
        return MatchContentColors(name="colors", dtype="float32")(
            [painting, photo, alpha]
        )

    drawn = transform_net.painted(
        image, config, norm, sides=padding.ANY_STYLE, dtype=dtype, finish=finish
    )
    return keras.Model([image, code, alpha], drawn, name="transform")


def _spread(codes, encoder):
    """The deviation of each number of a code over pictures, never much below others of
    its layer's.
    """
    spread, first = codes.std(0), 0
    for layer in LAYERS:
        count = 2 * encoder.model.output[layer].shape[-1]
        part = spread[first : first + count]
        spread[first : first + count] = np.maximum(part, 0.3 * part.mean() + 1e-6)
        first += count
    return spread
