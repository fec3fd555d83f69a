"""Networks of any style: encoder, a transfer of feature statistics, decoder.

Huang, Belongie 2017 (arXiv:1703.06868). A style picture becomes a small code once;
photo, code and strength become the painted photo. Both ways share the frozen encoder.
"""

import json
from collections.abc import Mapping, Sequence

import keras
import tensorflow as tf

from nst_tf.features.extractors import FeatureExtractor, register_layers
from nst_tf.images import padding
from nst_tf.layers.padding import CropToSize, PadToMultiple, ReflectionPadding2D
from nst_tf.layers.upsampling import NearestUpsampling2D
from nst_tf.models import feature_transforms
from nst_tf.models.style_network import AnyStyleNetwork, Parts

LAYER = "relu4_1"  # where styles are transferred; Huang and Belongie's
SKIPS = (
    "relu3_1",
    "relu2_1",
    "relu1_1",
)  # where they may be transferred too; the decoder's order
BLOCKS = dict(zip(SKIPS, (3, 2, 1)))  # of the decoder, which the skips are added to
OUTPUT = "out_conv"  # name of the decoder's last convolution
ALPHA = "alpha"

# The file of a network holds its encoder: to open one, Keras must know its layers.
register_layers()


@keras.saving.register_keras_serializable("nst_tf")
class AdainNet(AnyStyleNetwork):
    """Encoder, transfer of statistics, decoder; `any_style_net` builds it."""

    def _make_parts(self):
        # Made anew: a file that held them would hold the encoder twice.
        features, decoder = self.get_layer("encoder"), self.get_layer("decoder")
        transfer = self.get_layer("transfer").transfer
        style = keras.Input((None, None, 3), name="style")
        image = keras.Input((None, None, 3), name="image")
        size = feature_transforms.transfer(transfer).size
        code_size = sum(size(maps.shape[-1]) for maps in features.outputs)
        code = keras.Input((code_size,), name="code")
        alpha = keras.Input((1,), name=ALPHA)
        drawn = _painted(features, transfer, decoder, image, code, alpha)
        return Parts(
            keras.Model(style, _code(features, transfer, style), name="encode_style"),
            keras.Model([image, code, alpha], drawn, name="transform"),
        )


def any_style_net(
    encoder: FeatureExtractor,
    transfer: str = "adain",
    *,
    skips: Sequence[str] = (),
    rms: Mapping[str, float] | None = None,
    dtype: str = "float32",
) -> AdainNet:
    """Builds the network: (photo, style, alpha) -> the photo painted in the style.

    Args:
        encoder: delivers `LAYER` and `skips`; it is frozen. One that pads by reflection
            leaves no frame.
        transfer: a name in `feature_transforms.TRANSFERS`.
        skips: layers of `SKIPS` whose maps are transferred too and added to the
            decoder's of their size: what pooling has lost of the photo need not be
            invented.
        rms: {layer: root mean square of the encoder's features of photos}; the decoder
            begins by dividing by it, since VGG19's are hundreds and colors are below
            1. None for 1 everywhere.
        dtype: Keras dtype policy of the decoder's convolutions; the transfer and the
            output are float32.

    Returns:
        A Keras model of "image" [B, H, W, 3] and "style" [B or 1, h, w, 3], RGB in [0,
        1], any sizes from 1 up, and "alpha" [B or 1, 1] in [0, 1] -> [B, H, W, 3],
        about [0, 1]; clip it when it leaves as bytes. Its parts, of the same weights,
        are those of `parts_of`.

    Reference:
        Huang, Belongie 2017 (arXiv:1703.06868), sections 5 and 6.2; alpha is equation
        14's. Transfers at several depths: Sheng, Lin, Shao, Wang 2018
        (arXiv:1805.03857).
    """
    skips = tuple(layer for layer in SKIPS if layer in skips)
    outputs = [encoder.model.output[layer] for layer in (LAYER, *skips)]
    features = keras.Model(
        encoder.model.input, outputs if skips else outputs[0], name="encoder"
    )
    features.trainable = False
    widths = encoder.widths()
    decoder = mirrored_decoder(list(widths.values()), skips=skips, rms=rms, dtype=dtype)

    image = keras.Input((None, None, 3), name="image")
    style = keras.Input((None, None, 3), name="style")
    alpha = keras.Input((1,), name=ALPHA)
    code = _code(features, transfer, style)
    return AdainNet(
        [image, style, alpha],
        _painted(features, transfer, decoder, image, code, alpha),
        name="any_style_net",
        configuration=json.dumps({"transfer": transfer, "skips": skips}),
    )


def mirrored_decoder(
    widths: Sequence[int],
    *,
    skips: Sequence[str] = (),
    rms: Mapping[str, float] | None = None,
    dtype: str = "float32",
) -> keras.Model:
    """Builds the encoder's mirror: features [B, h, w, C] -> colors [B, 8h, 8w, 3].

    With `skips` its inputs are a list: the features of `LAYER`, then those of the
    skips.

    Nearest upsampling instead of pooling, reflection padding, no norm, the last
    convolution linear. It begins with faint pictures around mid-gray.

    Args:
        widths: of the encoder's four blocks.
        skips: some of `SKIPS`, in that order.
        rms: see `any_style_net`.
        dtype: Keras dtype policy of the convolutions.

    Reference:
        Huang, Belongie 2017 (arXiv:1703.06868), section 6.1; He et al. 2015
        (arXiv:1502.01852), equation 10, for the kernels at the beginning.
    """
    first, second, third, fourth = widths
    rms = rms or {}

    def scaled(maps, layer, name):
        return keras.layers.Rescaling(1 / rms.get(layer, 1.0), name=name, dtype=dtype)(
            maps
        )

    inputs = [
        keras.Input((None, None, fourth), name="features"),
        *(
            keras.Input((None, None, widths[BLOCKS[layer] - 1]), name=f"skip_{layer}")
            for layer in skips
        ),
    ]
    skipped = {
        f"block{BLOCKS[layer]}": (layer, maps) for layer, maps in zip(skips, inputs[1:])
    }
    x = scaled(inputs[0], LAYER, "rescaling")
    plan = [
        ("block4", [third]),
        ("block3", [third, third, third, second]),
        ("block2", [second, first]),
        ("block1", [first]),
    ]
    for number, (block, channels) in enumerate(plan):
        if number:
            x = NearestUpsampling2D(name=f"{block}_nearest", dtype=dtype)(x)
        if block in skipped:
            layer, maps = skipped[block]
            x = keras.layers.Add(name=f"{block}_skip", dtype=dtype)(
                [x, scaled(maps, layer, f"{block}_rescaling")]
            )
        for index, width in enumerate(channels, 1):
            # No norm makes up for what ReLU takes away: with Keras's own kernels a
            # tenth is left after eight.
            x = _convolution(
                x,
                width,
                f"{block}_{index}",
                dtype,
                activation="relu",
                kernel_initializer="he_normal",
            )
    x = _convolution(
        x,
        3,
        "out",
        dtype,
        bias_initializer=keras.initializers.Constant(0.5),
        kernel_initializer=keras.initializers.VarianceScaling(
            0.1, "fan_avg", "uniform"
        ),
    )
    colors = keras.layers.Activation("linear", dtype="float32", name="colors")(x)
    return keras.Model(inputs if skips else inputs[0], colors, name="decoder")


def is_any_style(network: keras.Model) -> bool:
    """Whether a network takes "image", "style" and "alpha"."""
    return [each.name for each in network.inputs] == ["image", "style", ALPHA]


def parts_of(network: AnyStyleNetwork) -> Parts:
    """Returns the two ways of a network of any style, which share its weights."""
    return network.get_parts()


@keras.saving.register_keras_serializable("nst_tf")
class StyleCode(keras.layers.Layer):
    """What a transfer keeps of a style: features [B, h, w, C] -> [B, N], float32.

    Args:
        transfer: a name in `feature_transforms.TRANSFERS`.
    """

    def __init__(self, transfer: str, **kwargs):
        super().__init__(**kwargs)
        feature_transforms.transfer(transfer)
        self.transfer = transfer

    def call(self, inputs):
        return feature_transforms.transfer(self.transfer).describe(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape[0], feature_transforms.transfer(self.transfer).size(
            input_shape[-1]
        )

    def get_config(self):
        return {**super().get_config(), "transfer": self.transfer}


@keras.saving.register_keras_serializable("nst_tf")
class StyleTransfer(StyleCode):
    """(features [B, H, W, C], code [B or 1, N], alpha [B or 1, 1]) -> features that
    have the code's statistics.

    alpha t + (1 - alpha) f of transferred features t and the photo's f.

    Args:
        transfer: a name in `feature_transforms.TRANSFERS`.
        first: where in the code the numbers for these features begin.
    """

    def __init__(self, transfer: str, first: int = 0, **kwargs):
        super().__init__(transfer, **kwargs)
        self.first = first

    def call(self, inputs):
        features, code, alpha = inputs
        transfer = feature_transforms.transfer(self.transfer)
        moved = transfer.apply(
            features,
            code[:, self.first : self.first + transfer.size(features.shape[-1])],
        )
        plain = tf.cast(features, tf.float32)
        return plain + alpha[:, :, None, None] * (moved - plain)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "first": self.first}


def _code(features, transfer, style):
    grown = PadToMultiple(*padding.ANY_STYLE, name="grow_style", dtype="float32")(style)
    codes = [
        StyleCode(transfer, name=_numbered("style_code", index), dtype="float32")(maps)
        for index, maps in enumerate(_maps(features, grown))
    ]
    return (
        keras.layers.Concatenate(name="code_of_all", dtype="float32")(codes)
        if len(codes) > 1
        else codes[0]
    )


def _painted(features, transfer, decoder, image, code, alpha):
    grown = PadToMultiple(*padding.ANY_STYLE, name="grow", dtype="float32")(image)
    moved, first = [], 0
    for index, maps in enumerate(_maps(features, grown)):
        moved.append(
            StyleTransfer(
                transfer, first, name=_numbered("transfer", index), dtype="float32"
            )([maps, code, alpha])
        )
        first += feature_transforms.transfer(transfer).size(maps.shape[-1])
    drawn = decoder(moved if len(moved) > 1 else moved[0])
    return CropToSize(name="crop", dtype="float32")([drawn, image])


def _maps(features, picture):
    """The encoder's maps as a list; without skips it gives a single one."""
    maps = features(picture)
    return maps if isinstance(maps, list) else [maps]


def _numbered(name, index):
    return f"{name}_{index}" if index else name


def _convolution(x, channels, name, dtype, **options):
    x = ReflectionPadding2D(1, name=f"{name}_pad", dtype=dtype)(x)
    return keras.layers.Conv2D(
        channels, 3, name=f"{name}_conv", dtype=dtype, **options
    )(x)
