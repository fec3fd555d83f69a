"""VGG19's topology at any width: its layers, and the untrained network."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import keras
import tensorflow as tf

from nst_tf.core.errors import expected
from nst_tf.features.geometry import Geometry
from nst_tf.images.padding import PADDINGS
from nst_tf.layers.padding import ReflectionPadding2D

CONVOLUTIONS = (2, 2, 4, 4, 4)  # a block; Simonyan, Zisserman 2015, table 1, E
VGG19_WIDTHS = (64, 128, 256, 512, 512)

# Measured; see `Pooling` and benchmarks/pooling_gains.py.
POOLING_GAINS = {"max": 1.0, "average": 1.5, "l2": 1.35}

# Channel means of ImageNet in RGB, 0..255, which VGG19 was trained without.
IMAGENET_MEAN = (123.68, 116.779, 103.939)


def make_geometry(convolutions: Sequence[int]) -> Geometry:
    """Returns the geometry of a VGG of so many convolutions a block."""
    return Geometry.from_steps(_steps(convolutions))


def _steps(convolutions: Sequence[int]) -> Iterator[tuple[str, int, int]]:
    for block, count in enumerate(convolutions, 1):
        for convolution in range(1, count + 1):
            yield f"relu{block}_{convolution}", 3, 1
        yield "", 2, 2


LAYERS = make_geometry(CONVOLUTIONS)
SLIM_LAYERS = Geometry(list(LAYERS.items())[:13])  # up to relu5_1


def build_topology(
    widths: Sequence[int],
    names: Collection[str],
    *,
    convolutions: Sequence[int] = CONVOLUTIONS,
    preprocessing: keras.layers.Layer | None = None,
    metric: bool = False,
    pooling: str = "max",
    padding: str = "zeros",
    dtype: str = "float32",
) -> keras.Model:
    """Builds a VGG's topology up to the deepest of `names`, with any widths and untrained weights.

    Args:
        widths: channels of the blocks; `VGG19_WIDTHS` is the paper's network.
        names: of layers, such as "relu4_2"; the outputs, in this order.
        convolutions: of each block; the default is VGG19's.
        preprocessing: from RGB in [0, 1] to what the first convolution takes; None is
            VGG19's.
        metric: whether each output passes through one more linear 1x1 convolution
            "metric_LAYER", which turns channels of a narrow network into coordinates in
            which plain squared distances approximate those between the wide network's
            features.
        pooling: a name in `POOLING_GAINS`; see `Pooling`.
        padding: "zeros", with which VGG19 was trained, or "reflect", which leaves no
            frame in pictures that are drawn from the features.
        dtype: Keras dtype policy of the convolutions, such as "mixed_bfloat16".

    Returns:
        A Keras model, [B, H, W, 3] RGB in [0, 1] -> {layer: [B, H/2^(block-1),
        W/2^(block-1), C]}, each after its ReLU. Convolutions are called "block4_conv2"
        as in keras.applications.

    Reference:
        Simonyan, Zisserman 2015 (arXiv:1409.1556), table 1, column E.
    """
    if padding not in PADDINGS:
        raise expected(
            f"a padding among {', '.join(PADDINGS)}", repr(padding), "Choose one."
        )
    geometry = make_geometry(convolutions)
    geometry.check_layers(names)
    deepest = max(map(list(geometry).index, names))
    inputs = keras.Input((None, None, 3), name="image")
    x = (preprocessing or VggPreprocessing(name="preprocessing"))(inputs)
    maps = {}
    for layer in list(geometry)[: deepest + 1]:
        block, convolution = map(int, layer.removeprefix("relu").split("_"))
        if block > 1 and convolution == 1:
            x = Pooling(pooling, name=f"block{block - 1}_pool", dtype=dtype)(x)
        if padding == "reflect":
            name = f"block{block}_pad{convolution}"
            x = ReflectionPadding2D(1, name=name, dtype=dtype)(x)
        x = keras.layers.Conv2D(
            widths[block - 1],
            3,
            padding="valid" if padding == "reflect" else "same",
            activation="relu",
            name=f"block{block}_conv{convolution}",
            dtype=dtype,
        )(x)
        maps[layer] = x
    outputs = {}
    for name in names:
        output = maps[name]
        if metric:
            output = keras.layers.Conv2D(
                output.shape[-1], 1, use_bias=False, name=f"metric_{name}", dtype=dtype
            )(output)
        outputs[name] = output
    return keras.Model(inputs, outputs)


@keras.saving.register_keras_serializable("nst_tf")
class Pooling(keras.layers.Layer):
    """Halves height and width, rounding down: maximum, mean or root mean square of 2x2 squares.

    The weights of VGG19 were trained with maxima, which are larger than means. Times
    the gain in `POOLING_GAINS` the energies of the deeper layers stay as they were,
    which keeps their biases in proportion.

    Args:
        kind: "max", "average" or "l2".

    Reference:
        Gatys, Ecker, Bethge 2016 (arXiv:1508.06576) prefer means, without a gain.
    """

    def __init__(self, kind: str, **kwargs: Any):
        super().__init__(**kwargs)
        if kind not in POOLING_GAINS:
            raise expected(
                f"a pooling among {', '.join(POOLING_GAINS)}", repr(kind), "Choose one."
            )
        self.kind = kind

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if self.kind == "max":
            return tf.nn.max_pool2d(inputs, 2, 2, "VALID")
        gain = tf.cast(POOLING_GAINS[self.kind], inputs.dtype)
        if self.kind == "average":
            return gain * tf.nn.avg_pool2d(inputs, 2, 2, "VALID")
        squares = tf.nn.avg_pool2d(tf.square(inputs), 2, 2, "VALID")
        # The root has no gradient at 0, where most squares of a ReLU's map are.
        return gain * tf.sqrt(squares + tf.cast(1e-6, inputs.dtype))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        batch, height, width, channels = input_shape
        halved = [None if side is None else side // 2 for side in (height, width)]
        return (batch, *halved, channels)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kind": self.kind}


@keras.saving.register_keras_serializable("nst_tf")
class VggPreprocessing(keras.layers.Layer):
    """RGB in [0, 1] -> BGR in 0..255 minus ImageNet's channel means, the range VGG19
    was trained on.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        bgr = tf.cast(inputs, tf.float32)[..., ::-1] * 255.0
        return tf.cast(bgr - tf.constant(IMAGENET_MEAN[::-1]), self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return input_shape
