"""Networks that draw: photo in, stylised photo of the same size out."""

import dataclasses

import keras
import tensorflow as tf

from nst_tf import layers
from nst_tf.errors import expected

PADDINGS = ("reflect", "zeros")
OUTPUT = "out_conv"                            # name of the convolution that makes colours


@dataclasses.dataclass(frozen=True)
class TransformNetConfig:
    """Shape of a `transform_net`.

    Attributes:
        width: channels of the first stage; the others have 2 and 4 times as many. 32 is Johnson's.
        residual_blocks: blocks at a quarter of the resolution. 5 is Johnson's.
        padding: "reflect" or "zeros", at every convolution.
    """

    width: int = 32
    residual_blocks: int = 5
    padding: str = "reflect"

    def __post_init__(self):
        if self.width < 1:
            raise expected("a network width of at least 1", self.width, "32 is the paper's.")
        if self.residual_blocks < 0:
            raise expected("0 or more residual blocks", self.residual_blocks, "5 is the paper's.")
        if self.padding not in PADDINGS:
            raise expected(f"a padding among {PADDINGS}", repr(self.padding), "Choose one.")


def transform_net(config: TransformNetConfig, *, dtype: str = "float32") -> keras.Model:
    """Builds the per-style network: [B, H, W, 3] RGB in [0, 1] -> [B, H, W, 3], about [0, 1].

    Convolution 9x9, two of stride 2, residual blocks, two of nearest upsampling + 3x3, 9x9; every one
    but the last with instance norm, all but the last and each block's second with ReLU. The output is
    0.5 + 0.6 tanh, which reaches a little past black and white so that both can be drawn without
    saturating; clip it when it leaves as bytes. Height and width are those of the input, from 1 up.

    Departures from the paper: instance instead of batch norm (arXiv:1607.08022), reflection instead
    of zero padding, nearest upsampling instead of transposed convolution (distill.pub 2016), pads
    inside the residual blocks instead of one pad of 40 pixels and cropped shortcuts.

    Args:
        config: widths and depth.
        dtype: Keras dtype policy of the convolutions; norm moments and the output are float32.

    Reference:
        Johnson, Alahi, Fei-Fei 2016 (arXiv:1603.08155) and its supplement, table 1.
    """
    inputs = keras.Input((None, None, 3), name="image")
    x = layers.GrowToDrawable(dtype="float32", name="grow")(inputs)
    x = _convolution(x, config, config.width, 9, name="down1", dtype=dtype)
    x = _convolution(x, config, 2 * config.width, 3, strides=2, name="down2", dtype=dtype)
    x = _convolution(x, config, 4 * config.width, 3, strides=2, name="down3", dtype=dtype)
    for block in range(1, config.residual_blocks + 1):
        x = _residual(x, config, name=f"residual{block}", dtype=dtype)
    x = layers.NearestUpsampling2D(name="up1_nearest", dtype=dtype)(x)
    x = _convolution(x, config, 2 * config.width, 3, name="up1", dtype=dtype)
    x = layers.NearestUpsampling2D(name="up2_nearest", dtype=dtype)(x)
    x = _convolution(x, config, config.width, 3, name="up2", dtype=dtype)
    x = _convolution(x, config, 3, 9, norm=False, relu=False, name="out", dtype=dtype)
    x = OutputRange(dtype="float32", name="range")(x)
    outputs = layers.CropToSize(dtype="float32", name="crop")([x, inputs])
    return keras.Model(inputs, outputs, name="transform_net")


def core(network: keras.Model) -> keras.Model:
    """Returns the part of a `transform_net` between growing and cropping; it shares the weights.

    It draws only sizes that `nst_tf.padding` allows, but has no operation that depends on the size, which
    is what phones' runtimes want.
    """
    return keras.Model(network.get_layer("grow").output, network.get_layer("range").output)


@keras.saving.register_keras_serializable("nst_tf")
class OutputRange(keras.layers.Layer):
    """0.5 + 0.6 tanh(x), float32: any real number to (-0.1, 1.1)."""

    def call(self, inputs):
        return 0.5 + 0.6 * tf.tanh(tf.cast(inputs, tf.float32))

    def compute_output_shape(self, input_shape):
        return input_shape


def _convolution(
    x, config, channels, size, *, strides=1, norm=True, relu=True, name, dtype
):
    padding = "same"
    if config.padding == "reflect":
        x = layers.ReflectionPadding2D(size // 2, name=f"{name}_pad", dtype=dtype)(x)
        padding = "valid"
    # The network begins with pictures that are nearly grey. Those of full contrast, Glorot's, lie so far from
    # any style that the first steps drive colours into the flat ends of tanh, where some stay.
    scale = 1.0 if norm else 0.01
    x = keras.layers.Conv2D(
        channels, size, strides, padding, name=f"{name}_conv", dtype=dtype,
        kernel_initializer=keras.initializers.VarianceScaling(scale, "fan_avg", "uniform"),
    )(x)
    if norm:
        x = layers.InstanceNormalization(name=f"{name}_norm", dtype=dtype)(x)
    if relu:
        x = keras.layers.ReLU(name=f"{name}_relu", dtype=dtype)(x)
    return x


def _residual(x, config, *, name, dtype):
    channels = x.shape[-1]
    y = _convolution(x, config, channels, 3, name=f"{name}a", dtype=dtype)
    y = _convolution(y, config, channels, 3, relu=False, name=f"{name}b", dtype=dtype)
    return keras.layers.Add(name=f"{name}_add", dtype=dtype)([x, y])
