"""Keras layers of transformation networks; each is serialisable and keeps its input's dtype."""

import keras
import tensorflow as tf

from nst_tf import statistics
from nst_tf.images import padding

PACKAGE = "nst_tf"


@keras.saving.register_keras_serializable(PACKAGE)
class ReflectionPadding2D(keras.layers.Layer):
    """Pads height and width by mirroring without repeating the edge: [B, H, W, C] -> [B, H+2p, W+2p, C].

    Args:
        padding: p, pixels on each side; the input must be larger than p in both directions
            (`GrowToDrawable` sees to that).
    """

    def __init__(self, padding: int, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, inputs):
        sides = [self.padding, self.padding]
        return tf.pad(inputs, [[0, 0], sides, sides, [0, 0]], mode="REFLECT")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grown = [None if side is None else side + 2 * self.padding for side in (height, width)]
        return (batch, *grown, channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable(PACKAGE)
class GrowToDrawable(keras.layers.Layer):
    """Grows a picture at the bottom and right to a size the network can draw: `nst_tf.images.padding`.

    New pixels mirror the picture as often as needed, so that any size from 1x1 up works.
    `CropToSize` undoes it.

    Args:
        multiple, minimum: of the sides that the network can draw, pixels.
    """

    def __init__(self, multiple: int = padding.MULTIPLE, minimum: int = padding.MINIMUM, **kwargs):
        super().__init__(**kwargs)
        self.multiple, self.minimum = multiple, minimum

    def call(self, inputs):
        for axis in (1, 2):
            static = inputs.shape[axis]
            if static is not None and self._grown(static) == static:
                continue
            size = tf.shape(inputs)[axis]
            grown = tf.maximum(-(-size // self.multiple) * self.multiple, self.minimum)
            period = tf.maximum(2 * (size - 1), 1)
            phase = tf.range(grown) % period
            index = tf.minimum(tf.minimum(phase, period - phase), size - 1)
            inputs = tf.gather(inputs, index, axis=axis)
        return inputs

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grown = [None if side is None else self._grown(side) for side in (height, width)]
        return (batch, *grown, channels)

    def get_config(self):
        return {**super().get_config(), "multiple": self.multiple, "minimum": self.minimum}

    def _grown(self, side):
        return padding.grown_side(side, self.multiple, self.minimum)


@keras.saving.register_keras_serializable(PACKAGE)
class CropToSize(keras.layers.Layer):
    """Crops the first input at the bottom and right to height and width of the second."""

    def call(self, inputs):
        picture, like = inputs
        size = tf.shape(like)
        cropped = picture[:, : size[1], : size[2]]
        cropped.set_shape([picture.shape[0], like.shape[1], like.shape[2], picture.shape[3]])
        return cropped

    def compute_output_shape(self, input_shape):
        picture, like = input_shape
        return (picture[0], like[1], like[2], picture[3])


@keras.saving.register_keras_serializable(PACKAGE)
class InstanceNormalization(keras.layers.Layer):
    """Normalises each channel of each picture over height and width, then scales and shifts it.

    y = scale * (x - mean) / sqrt(variance + epsilon) + offset, with biased variance and no running
    statistics: training and inference are the same function. Moments are float32 whatever the
    compute dtype. With several styles (conditional instance norm) each has a scale and offset of its
    own, and `style_weights` blend them.

    Args:
        epsilon: added to the variance, inside the root.
        styles: 0 for one scale and offset; N for N of them.
        kept_styles: how many of them, the first ones, do not learn.

    Reference:
        Ulyanov, Vedaldi, Lempitsky 2016 (arXiv:1607.08022); Dumoulin, Shlens, Kudlur 2016
        (arXiv:1610.07629), equation 5, for several styles.
    """

    def __init__(self, epsilon: float = 1e-5, styles: int = 0, kept_styles: int = 0, **kwargs):
        # Keras would cast weights and given moments to the compute dtype on the way in.
        super().__init__(autocast=False, **kwargs)
        self.epsilon, self.styles, self.kept_styles = epsilon, styles, kept_styles

    def build(self, input_shape):
        shape = (self.styles, input_shape[-1]) if self.styles else (input_shape[-1],)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")
        self.offset = self.add_weight(name="offset", shape=shape, initializer="zeros")

    def call(self, inputs, mean=None, variance=None, style_weights=None):
        """Normalises `inputs` by its own moments, or by those given.

        Args:
            inputs: [B, H, W, C].
            mean, variance: both or none; broadcastable to [B, 1, 1, C]. Moments of a whole picture
                let a tile of it be drawn exactly as in the whole.
            style_weights: [B, N] or [1, N] if the layer has N styles, else None.
        """
        if (mean is None) != (variance is None):
            raise ValueError(
                "Expected mean and variance together, or neither. "
                f"Received: mean={mean}, variance={variance}. Pass both from `channel_moments`."
            )
        if mean is None:
            mean, variance = statistics.channel_moments(inputs)
        return _normalized(inputs, mean, variance, self._blended(self.scale, style_weights),
                           self._blended(self.offset, style_weights), self.epsilon)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon, "styles": self.styles,
                "kept_styles": self.kept_styles}

    def _blended(self, parameters, style_weights):
        parameters = tf.cast(parameters, tf.float32)
        if not self.styles:
            return parameters
        if self.kept_styles:
            kept, learning = tf.split(parameters, [self.kept_styles, self.styles - self.kept_styles])
            parameters = tf.concat([tf.stop_gradient(kept), learning], 0)
        return tf.matmul(tf.cast(style_weights, tf.float32), parameters)[:, None, None, :]


@keras.saving.register_keras_serializable(PACKAGE)
class WithRest(keras.layers.Layer):
    """Puts before weights what they leave of 1: [B, N] -> [B, N + 1], whose sum is 1."""

    def call(self, inputs):
        return tf.concat([1.0 - tf.reduce_sum(inputs, -1, keepdims=True), inputs], -1)

    def compute_output_shape(self, input_shape):
        return input_shape[0], input_shape[1] + 1


@keras.saving.register_keras_serializable(PACKAGE)
class ModulatedNormalization(keras.layers.Layer):
    """Instance norm whose scale and offset are inputs, as other layers make them for each picture.

    Args:
        first: where in the vector of parameters this norm's C scales begin; its C offsets follow them.
        epsilon: as for `InstanceNormalization`.

    Reference:
        Ghiasi, Lee, Kudlur, Dumoulin, Shlens 2017 (arXiv:1705.06830), section 3.
    """

    def __init__(self, first: int, epsilon: float = 1e-5, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.first, self.epsilon = first, epsilon

    def call(self, inputs):
        """Normalises features [B, H, W, C] and applies parameters [B or 1, N]: inputs are both, in a list."""
        features, parameters = inputs
        channels = features.shape[-1]
        chosen = tf.cast(parameters[:, None, None, self.first: self.first + 2 * channels], tf.float32)
        scale, offset = tf.split(chosen, 2, axis=-1)
        mean, variance = statistics.channel_moments(features)
        return _normalized(features, mean, variance, scale, offset, self.epsilon)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "first": self.first, "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(PACKAGE)
class PhotosColors(keras.layers.Layer):
    """Gives a painting what its strength leaves to the photo's colours: mean and deviation of each channel.

    Both are blended: alpha times the painting's own and 1 - alpha times the photo's. Norms forget how bright a photo is
    and how strong its contrasts are, so that no network of them can give it back without.

    Args:
        epsilon: added to variances, for photos and paintings of one colour.

    Reference:
        Gatys, Ecker, Bethge, Hertzmann, Shechtman 2017 (arXiv:1611.07865), section 5.3, for matching colours by their
        moments; Huang, Belongie 2017 (arXiv:1703.06868), equation 14, for alpha.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        """Inputs are a list: paintings [B, H, W, 3], photos of the same shape, alpha [B or 1, 1]."""
        painting, photo, alpha = inputs
        rest = 1.0 - alpha[:, :, None, None]
        (mean, variance), (photos_mean, photos_variance) = (
            statistics.channel_moments(picture) for picture in (painting, photo))
        ratio = tf.sqrt((photos_variance + self.epsilon) / (variance + self.epsilon))
        # At full strength the painting itself, but for rounding.
        return (painting - mean) * (1.0 + rest * (ratio - 1.0)) + mean + rest * (photos_mean - mean)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def _normalized(inputs, mean, variance, scale, offset, epsilon):
    """scale (x - mean) / sqrt(variance + epsilon) + offset in float32, then in the dtype of x."""
    factor = tf.math.rsqrt(tf.cast(variance, tf.float32) + epsilon) * scale
    centred = tf.cast(inputs, tf.float32) - tf.cast(mean, tf.float32)
    return tf.cast(centred * factor + offset, inputs.dtype)


@keras.saving.register_keras_serializable(PACKAGE)
class NearestUpsampling2D(keras.layers.Layer):
    """Doubles height and width by repeating pixels.

    Followed by a convolution it replaces the transposed convolution, whose uneven overlap draws a
    checkerboard (Odena, Dumoulin, Olah 2016, distill.pub).
    """

    def call(self, inputs):
        # Four copies of the channels spread over 2x2 pixels. Unlike a resize or repeat it needs no
        # tensor of sizes, so that a converted network can be given another size at run time.
        return tf.nn.depth_to_space(tf.tile(inputs, [1, 1, 1, 4]), 2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, *(None if side is None else 2 * side for side in (height, width)), channels)
