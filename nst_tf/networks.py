"""Networks that draw: photo in, stylised photo of the same size out."""

import dataclasses
import functools
from collections.abc import Callable

import keras
import tensorflow as tf

from nst_tf import layers, padding
from nst_tf.errors import expected
from nst_tf.padding import PADDINGS

BLOCKS = ("residual", "separable")
EDGE_SIZES = tuple(range(1, 2 * padding.MINIMUM, 2))       # whose reflection pads fit the smallest picture
OUTPUT = "out_conv"                            # name of the convolution that makes colours
STYLE_WEIGHTS = "style_weights"                # name of the second input of a network of several styles


@dataclasses.dataclass(frozen=True)
class TransformNetConfig:
    """Shape of a `transform_net`.

    Attributes:
        width: channels of the first stage; the others have 2 and 4 times as many. 32 is Johnson's.
        residual_blocks: blocks at a quarter of the resolution. 5 is Johnson's.
        padding: "reflect" or "zeros", at every convolution.
        block: "residual", of full 3x3 convolutions, or "separable", whose 3x3 sees each channel alone before a
            1x1 mixes them: a ninth of the weights and work.
        edge_size: side of the first and the last kernel, odd. 9 is Johnson's; half of a narrow network's work.
        styles: how many styles it draws.
        kept_styles: how many of these, the first ones, are kept as they are, with all that styles share:
            only norms of the other styles learn.
    """

    width: int = 32
    residual_blocks: int = 5
    padding: str = "reflect"
    block: str = "residual"
    edge_size: int = 9
    styles: int = 1
    kept_styles: int = 0

    def __post_init__(self):
        if self.width < 1:
            raise expected("a network width of at least 1", self.width, "32 is the paper's.")
        if self.residual_blocks < 0:
            raise expected("0 or more residual blocks", self.residual_blocks, "5 is the paper's.")
        for name, choices in (("padding", PADDINGS), ("block", BLOCKS), ("edge_size", EDGE_SIZES)):
            if getattr(self, name) not in choices:
                raise expected(f"--{name} among {', '.join(map(str, choices))}", getattr(self, name),
                               "Choose one.")
        if not 0 <= self.kept_styles < self.styles:
            raise expected("at least one style to learn", f"{self.styles}, {self.kept_styles} of them kept",
                           "Name a style that the network does not know yet.")


def transform_net(config: TransformNetConfig, *, dtype: str = "float32") -> keras.Model:
    """Builds the per-style network: [B, H, W, 3] RGB in [0, 1] -> [B, H, W, 3], about [0, 1].

    Convolution 9x9, two of stride 2, residual blocks, two of nearest upsampling + 3x3, 9x9; every one
    but the last with instance norm, all but the last and each block's second with ReLU. The output is
    0.5 + 0.6 tanh, which reaches a little past black and white so that both can be drawn without
    saturating; clip it when it leaves as bytes. Height and width are those of the input, from 1 up.

    With several styles it has a second input, "style_weights" [B or 1, N]: 1 for a style draws that one,
    other numbers blend the norms' scales and offsets, which is all that styles do not share (Dumoulin et
    al. 2016, arXiv:1610.07629).

    Departures from the paper: instance instead of batch norm (arXiv:1607.08022), reflection instead
    of zero padding, nearest upsampling instead of transposed convolution (distill.pub 2016), pads
    inside the residual blocks instead of one pad of 40 pixels and cropped shortcuts.

    Args:
        config: widths and depth.
        dtype: Keras dtype policy of the convolutions; norm moments and the output are float32.

    Reference:
        Johnson, Alahi, Fei-Fei 2016 (arXiv:1603.08155) and its supplement, table 1.
    """
    image = keras.Input((None, None, 3), name="image")
    several = config.styles > 1
    blend = keras.Input((config.styles,), name=STYLE_WEIGHTS, dtype="float32") if several else None
    norm = functools.partial(_norm, config=config, blend=blend, dtype=dtype)
    outputs = painted(image, config, norm, dtype=dtype)
    network = keras.Model([image, blend] if several else image, outputs, name="transform_net")
    if config.kept_styles:
        for layer in network.layers:
            layer.trainable = isinstance(layer, layers.InstanceNormalization)
    return network


def painted(
    image: keras.KerasTensor, config: TransformNetConfig, norm: Callable[..., keras.KerasTensor], *,
    sides: tuple[int, int] = (padding.MULTIPLE, padding.MINIMUM), dtype: str = "float32",
) -> keras.KerasTensor:
    """Applies the layers of `transform_net` to a photo, with norms of the caller's.

    Args:
        image: [B, H, W, 3].
        config: widths and depth; styles are the caller's.
        norm: (features, name=) -> features of the same shape; called for each norm in order, see
            `norm_channels`.
        sides: multiple and minimum of those that are drawn, at least those of `padding`; others are grown.
        dtype: as for `transform_net`.
    """
    convolution = functools.partial(_convolution, config=config, norm=norm, dtype=dtype)
    x = layers.GrowToDrawable(*sides, dtype="float32", name="grow")(image)
    x = convolution(x, channels=config.width, size=config.edge_size, name="down1")
    x = convolution(x, channels=2 * config.width, size=3, strides=2, name="down2")
    x = convolution(x, channels=4 * config.width, size=3, strides=2, name="down3")
    for block in range(1, config.residual_blocks + 1):
        x = _residual(x, convolution, config.block == "separable", name=f"residual{block}", dtype=dtype)
    x = layers.NearestUpsampling2D(name="up1_nearest", dtype=dtype)(x)
    x = convolution(x, channels=2 * config.width, size=3, name="up1")
    x = layers.NearestUpsampling2D(name="up2_nearest", dtype=dtype)(x)
    x = convolution(x, channels=config.width, size=3, name="up2")
    x = convolution(x, channels=3, size=config.edge_size, norm=None, relu=False, name="out")
    x = OutputRange(dtype="float32", name="range")(x)
    return layers.CropToSize(dtype="float32", name="crop")([x, image])


def norm_channels(config: TransformNetConfig) -> list[int]:
    """Returns the channels of each norm of `painted`, in its order."""
    down = [config.width, 2 * config.width, 4 * config.width]
    return [*down, *[4 * config.width] * (2 * config.residual_blocks), 2 * config.width, config.width]


def styles_of(network: keras.Model) -> int:
    """Returns how many styles a network draws; 1 if it has no style weights.

    Raises:
        ValueError: it does not map pictures to pictures.
    """
    shapes = [tuple(each.shape) for each in (*network.inputs, *network.outputs)]
    if shapes[0] == shapes[-1] == (None, None, None, 3):
        if len(shapes) == 2:
            return 1
        if len(shapes) == 3 and network.inputs[1].name == STYLE_WEIGHTS:
            return shapes[1][1]
    raise ValueError(f"it maps {shapes[:-1]} to {shapes[-1]}, not pictures to pictures")


def draw(
    network: keras.Model, photos: tf.Tensor, *style_weights: tf.Tensor, training: bool = False
) -> tf.Tensor:
    """Returns what a network draws, [B, H, W, 3]; of several styles, by style weights [B or 1, N]."""
    return network([photos, *style_weights] if style_weights else photos, training=training)


def signature(
    network: keras.Model, dtype: tf.DType = tf.float32, *, batch: int | None = None, side: int | None = None
) -> list[tf.TensorSpec]:
    """Returns the inputs of a network as a function of its own: "image" and, if it has any, style weights.

    Args:
        network: a `transform_net`.
        dtype: of the image.
        batch: number of images; None for any.
        side: their height and width; None for any.
    """
    image = tf.TensorSpec([batch, side, side, 3], dtype, name="image")
    styles = styles_of(network)
    return [image] if styles == 1 else [image, tf.TensorSpec([batch, styles], tf.float32, name=STYLE_WEIGHTS)]


def core(network: keras.Model) -> keras.Model:
    """Returns a copy of a `transform_net`, or of a part of a network of any style, that neither grows nor crops.

    It draws only sizes that the network need not grow, but has no operation that depends on the size, which
    is what phones' runtimes want.
    """
    def copied(layer):
        if isinstance(layer, (layers.GrowToDrawable, layers.CropToSize)):
            return _First(name=layer.name)
        return type(layer).from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=copied, recursive=True)
    copy.set_weights(network.get_weights())
    return copy


class _First(keras.layers.Layer):
    """The first of its inputs."""

    def call(self, inputs):
        return inputs[0] if isinstance(inputs, (list, tuple)) else inputs


@keras.saving.register_keras_serializable("nst_tf")
class OutputRange(keras.layers.Layer):
    """0.5 + 0.6 tanh(x), float32: any real number to (-0.1, 1.1)."""

    def call(self, inputs):
        return 0.5 + 0.6 * tf.tanh(tf.cast(inputs, tf.float32))

    def compute_output_shape(self, input_shape):
        return input_shape


def _convolution(
    x, config, norm, channels, size, *, strides=1, relu=True, separable=False, name, dtype
):
    padding = "same"
    if config.padding == "reflect":
        x = layers.ReflectionPadding2D(size // 2, name=f"{name}_pad", dtype=dtype)(x)
        padding = "valid"
    if separable:
        x = keras.layers.DepthwiseConv2D(
            size, strides, padding, use_bias=False, name=f"{name}_depthwise", dtype=dtype)(x)
        size, strides = 1, 1
    # The network begins with pictures that are nearly grey. Those of full contrast, Glorot's, lie so far from
    # any style that the first steps drive colours into the flat ends of tanh, where some stay.
    scale = 1.0 if norm else 0.01
    x = keras.layers.Conv2D(
        channels, size, strides, padding, name=f"{name}_conv", dtype=dtype,
        kernel_initializer=keras.initializers.VarianceScaling(scale, "fan_avg", "uniform"),
    )(x)
    if norm:
        x = norm(x, name=f"{name}_norm")
    if relu:
        x = keras.layers.ReLU(name=f"{name}_relu", dtype=dtype)(x)
    return x


def _norm(x, config, blend, name, dtype):
    if blend is None:
        return layers.InstanceNormalization(name=name, dtype=dtype)(x)
    return layers.InstanceNormalization(
        styles=config.styles, kept_styles=config.kept_styles, name=name, dtype=dtype)(
            x, style_weights=blend)


def _residual(x, convolution, separable, *, name, dtype):
    channels = x.shape[-1]
    y = convolution(x, channels=channels, size=3, separable=separable, name=f"{name}a")
    y = convolution(y, channels=channels, size=3, relu=False, separable=separable, name=f"{name}b")
    return keras.layers.Add(name=f"{name}_add", dtype=dtype)([x, y])
