"""Networks that draw: photo in, stylized photo of the same size out."""

import dataclasses
import functools
import json
from collections.abc import Callable

import keras
import tensorflow as tf

from nst_tf.core.errors import expected
from nst_tf.images import padding
from nst_tf.images.padding import PADDINGS
from nst_tf.layers.normalization import AppendContentWeight, InstanceNormalization
from nst_tf.layers.padding import CropToSize, PadToMultiple, ReflectionPadding2D
from nst_tf.layers.upsampling import NearestUpsampling2D
from nst_tf.models.style_network import StyleNetwork

BLOCKS = ("residual", "separable")
EDGE_SIZES = tuple(
    range(1, 2 * padding.MINIMUM, 2)
)  # whose reflection pads fit the smallest picture
OUTPUT = "out_conv"  # name of the convolution that makes colors
STYLE_WEIGHTS = (
    "style_weights"  # name of the second input of a network of several styles
)
STRENGTHS = "strengths"  # and of one that can paint weakly


@dataclasses.dataclass(frozen=True)
class TransformNetConfig:
    """Shape of a `transform_net`.

    Attributes:
        width: channels of the first stage; the others have 2 and 4 times as many. 32 is
            Johnson's.
        residual_blocks: blocks at a quarter of the resolution. 5 is Johnson's.
        padding: "reflect" or "zeros", at every convolution.
        block: "residual", of full 3x3 convolutions, or "separable", whose 3x3 sees each
            channel alone before a 1x1 mixes them: a ninth of the weights and work.
        edge_size: side of the first and the last kernel, odd. 9 is Johnson's; half of a
            narrow network's work.
        styles: how many styles it draws.
        kept_styles: how many of these, the first ones, are kept as they are, with all
            that styles share: only norms of the other styles learn.
        strength: whether the photo itself is one more style, drawn by what the weights
            of styles leave of 1.
    """

    width: int = 32
    residual_blocks: int = 5
    padding: str = "reflect"
    block: str = "residual"
    edge_size: int = 9
    styles: int = 1
    kept_styles: int = 0
    strength: bool = False

    def __post_init__(self):
        if self.width < 1:
            raise expected(
                "a network width of at least 1", self.width, "32 is the paper's."
            )
        if self.residual_blocks < 0:
            raise expected(
                "0 or more residual blocks", self.residual_blocks, "5 is the paper's."
            )
        for name, choices in (
            ("padding", PADDINGS),
            ("block", BLOCKS),
            ("edge_size", EDGE_SIZES),
        ):
            if getattr(self, name) not in choices:
                raise expected(
                    f"--{name} among {', '.join(map(str, choices))}",
                    getattr(self, name),
                    "Choose one.",
                )
        if not 0 <= self.kept_styles < self.styles:
            raise expected(
                "at least one style to learn",
                f"{self.styles}, {self.kept_styles} of them kept",
                "Name a style that the network does not know yet.",
            )


@keras.saving.register_keras_serializable("nst_tf")
class TransformNet(StyleNetwork):
    """A network with styles of its own; `transform_net` builds it."""

    @property
    def styles(self) -> int:
        return styles_of(self)

    @property
    def code_size(self) -> int:
        return self.styles

    @property
    def has_strength(self) -> bool:
        return blend_name(self) == STRENGTHS

    def get_drawing_part(self) -> keras.Model:
        return self

    def transform(self, images, codes, strengths):
        if blend_name(self) is None:
            return self(images)
        return self([images, codes * strengths if self.has_strength else codes])


def transform_net(
    config: TransformNetConfig, *, dtype: str = "float32"
) -> TransformNet:
    """Builds the per-style network: [B, H, W, 3] RGB in [0, 1] -> [B, H, W, 3], about [0, 1].

    Convolution 9x9, two of stride 2, residual blocks, two of nearest upsampling + 3x3,
    9x9; every one but the last with instance norm, all but the last and each block's
    second with ReLU. The output is 0.5 + 0.6 tanh, which reaches a little past black
    and white so that both can be drawn without saturating; clip it when it leaves as
    bytes. Height and width are those of the input, from 1 up.

    With several styles it has a second input, "style_weights" [B or 1, N]: 1 for a
    style draws that one, other numbers blend the norms' scales and offsets, which is
    all that styles do not share (Dumoulin et al. 2016, arXiv:1610.07629). With strength
    the second input is "strengths" [B or 1, N], for one style too: the norms have one
    more scale and offset, with which the network gives the photo back, and what
    strengths leave of 1 is the share of these.

    Departures from the paper: instance instead of batch norm (arXiv:1607.08022),
    reflection instead of zero padding, nearest upsampling instead of transposed
    convolution (distill.pub 2016), pads inside the residual blocks instead of one pad
    of 40 pixels and cropped shortcuts.

    Args:
        config: widths and depth.
        dtype: Keras dtype policy of the convolutions; norm moments and the output are
            float32.

    Reference:
        Johnson, Alahi, Fei-Fei 2016 (arXiv:1603.08155) and its supplement, table 1.
    """
    image = keras.Input((None, None, 3), name="image")
    inputs, blend = [image], None
    if config.styles > 1 or config.strength:
        blend = keras.Input(
            (config.styles,),
            name=STRENGTHS if config.strength else STYLE_WEIGHTS,
            dtype="float32",
        )
        inputs.append(blend)
    if config.strength:
        blend = AppendContentWeight(name="with_photo", dtype="float32")(blend)
    norm = functools.partial(_norm, config=config, blend=blend, dtype=dtype)
    outputs = painted(image, config, norm, dtype=dtype)
    network = TransformNet(
        inputs if len(inputs) > 1 else image,
        outputs,
        name="transform_net",
        configuration=json.dumps(dataclasses.asdict(config)),
    )
    if config.kept_styles:
        for layer in network.layers:
            layer.trainable = isinstance(layer, InstanceNormalization)
    return network


def painted(
    image: keras.KerasTensor,
    config: TransformNetConfig,
    norm: Callable[..., keras.KerasTensor],
    *,
    sides: tuple[int, int] = (padding.MULTIPLE, padding.MINIMUM),
    dtype: str = "float32",
    finish: Callable[..., keras.KerasTensor] = lambda painting, photo: painting,
) -> keras.KerasTensor:
    """Applies the layers of `transform_net` to a photo, with norms of the caller's.

    Args:
        image: [B, H, W, 3].
        config: widths and depth; styles are the caller's.
        norm: (features, name=) -> features of the same shape; called for each norm in
            order, see `norm_channels`.
        sides: multiple and minimum of those that are drawn, at least those of
            `padding`; others are grown.
        dtype: as for `transform_net`.
        finish: (painting, photo) -> painting, both grown.
    """
    convolution = functools.partial(_convolution, config=config, norm=norm, dtype=dtype)
    grown = PadToMultiple(*sides, dtype="float32", name="grow")(image)
    x = convolution(grown, channels=config.width, size=config.edge_size, name="down1")
    x = convolution(x, channels=2 * config.width, size=3, strides=2, name="down2")
    x = convolution(x, channels=4 * config.width, size=3, strides=2, name="down3")
    for block in range(1, config.residual_blocks + 1):
        x = _residual(
            x,
            convolution,
            config.block == "separable",
            name=f"residual{block}",
            dtype=dtype,
        )
    x = NearestUpsampling2D(name="up1_nearest", dtype=dtype)(x)
    x = convolution(x, channels=2 * config.width, size=3, name="up1")
    x = NearestUpsampling2D(name="up2_nearest", dtype=dtype)(x)
    x = convolution(x, channels=config.width, size=3, name="up2")
    x = convolution(
        x, channels=3, size=config.edge_size, norm=None, relu=False, name="out"
    )
    x = finish(OutputRange(dtype="float32", name="range")(x), grown)
    return CropToSize(dtype="float32", name="crop")([x, image])


def norm_channels(config: TransformNetConfig) -> list[int]:
    """Returns the channels of each norm of `painted`, in its order."""
    down = [config.width, 2 * config.width, 4 * config.width]
    return [
        *down,
        *[4 * config.width] * (2 * config.residual_blocks),
        2 * config.width,
        config.width,
    ]


def styles_of(network: keras.Model) -> int:
    """Returns how many styles a network draws; 1 if it has neither style weights nor strengths.

    Raises:
        ValueError: it does not map pictures to pictures.
    """
    shapes = [tuple(each.shape) for each in (*network.inputs, *network.outputs)]
    if shapes[0] == shapes[-1] == (None, None, None, 3):
        if len(shapes) == 2:
            return 1
        if len(shapes) == 3 and blend_name(network) in (STYLE_WEIGHTS, STRENGTHS):
            return shapes[1][1]
    raise ValueError(f"it maps {shapes[:-1]} to {shapes[-1]}, not pictures to pictures")


def blend_name(network: keras.Model) -> str | None:
    """Returns the name of a network's second input, `STYLE_WEIGHTS` or `STRENGTHS`;
    None if it has none.
    """
    return network.inputs[1].name if len(network.inputs) > 1 else None


def draw(
    network: keras.Model,
    photos: tf.Tensor,
    *style_weights: tf.Tensor,
    training: bool = False,
) -> tf.Tensor:
    """Returns what a network draws, [B, H, W, 3]; by style weights or strengths [B or
    1, N], if it takes them.
    """
    return network(
        [photos, *style_weights] if style_weights else photos, training=training
    )


def signature(
    network: keras.Model, dtype: tf.DType = tf.float32, *, batch: int | None = None
) -> list[tf.TensorSpec]:
    """Returns the inputs of a network as a function of its own: "image" and, if it
    takes them, weights of styles.

    Args:
        network: a `transform_net`.
        dtype: of the image.
        batch: number of images; None for any.
    """
    image = tf.TensorSpec([batch, None, None, 3], dtype, name="image")
    if (name := blend_name(network)) is None:
        return [image]
    return [image, tf.TensorSpec([batch, styles_of(network)], tf.float32, name=name)]


def core(network: keras.Model) -> keras.Model:
    """Returns a copy of a `transform_net`, or of a part of a network of any style, that
    neither grows nor crops.

    It draws only sizes that the network need not grow, but has no operation that
    depends on the size, which is what phones' runtimes want.
    """

    def copied(layer):
        if isinstance(layer, (PadToMultiple, CropToSize)):
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
    x,
    config,
    norm,
    channels,
    size,
    *,
    strides=1,
    relu=True,
    separable=False,
    name,
    dtype,
):
    padding = "same"
    if config.padding == "reflect":
        x = ReflectionPadding2D(size // 2, name=f"{name}_pad", dtype=dtype)(x)
        padding = "valid"
    if separable:
        x = keras.layers.DepthwiseConv2D(
            size,
            strides,
            padding,
            use_bias=False,
            name=f"{name}_depthwise",
            dtype=dtype,
        )(x)
        size, strides = 1, 1
    # The network begins with pictures that are nearly gray. Those of full contrast,
    # Glorot's, lie so far from any style that the first steps drive colors into the
    # flat ends of tanh, where some stay.
    scale = 1.0 if norm else 0.01
    x = keras.layers.Conv2D(
        channels,
        size,
        strides,
        padding,
        name=f"{name}_conv",
        dtype=dtype,
        kernel_initializer=keras.initializers.VarianceScaling(
            scale, "fan_avg", "uniform"
        ),
    )(x)
    if norm:
        x = norm(x, name=f"{name}_norm")
    if relu:
        x = keras.layers.ReLU(name=f"{name}_relu", dtype=dtype)(x)
    return x


def _norm(x, config, blend, name, dtype):
    if blend is None:
        return InstanceNormalization(name=name, dtype=dtype)(x)
    # With strength the photo is the first of the norm's styles, and kept with those
    # that are.
    photo = int(config.strength)
    return InstanceNormalization(
        styles=config.styles + photo,
        kept_styles=config.kept_styles and config.kept_styles + photo,
        name=name,
        dtype=dtype,
    )(x, style_weights=blend)


def _residual(x, convolution, separable, *, name, dtype):
    channels = x.shape[-1]
    y = convolution(x, channels=channels, size=3, separable=separable, name=f"{name}a")
    y = convolution(
        y, channels=channels, size=3, relu=False, separable=separable, name=f"{name}b"
    )
    return keras.layers.Add(name=f"{name}_add", dtype=dtype)([x, y])
