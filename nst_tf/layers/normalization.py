"""Keras layers of transformation networks; each is serializable and keeps its input's dtype."""

import keras
import tensorflow as tf

from nst_tf.layers.padding import PACKAGE
from nst_tf.ops import statistics


@keras.saving.register_keras_serializable(PACKAGE)
class InstanceNormalization(keras.layers.Layer):
    """Normalizes each channel of each picture over height and width, then scales and shifts it.

    y = scale * (x - mean) / sqrt(variance + epsilon) + offset, with biased variance and
    no running statistics: training and inference are the same function. Moments are
    float32 whatever the compute dtype. With several styles (conditional instance norm)
    each has a scale and offset of its own, and `style_weights` blend them.

    Args:
        epsilon: added to the variance, inside the root.
        styles: 0 for one scale and offset; N for N of them.
        kept_styles: how many of them, the first ones, do not learn.

    Reference:
        Ulyanov, Vedaldi, Lempitsky 2016 (arXiv:1607.08022); Dumoulin, Shlens, Kudlur
        2016 (arXiv:1610.07629), equation 5, for several styles.
    """

    def __init__(
        self, epsilon: float = 1e-5, styles: int = 0, kept_styles: int = 0, **kwargs
    ):
        # Keras would cast weights and given moments to the compute dtype on the way in.
        super().__init__(autocast=False, **kwargs)
        self.epsilon, self.styles, self.kept_styles = epsilon, styles, kept_styles

    def build(self, input_shape):
        shape = (self.styles, input_shape[-1]) if self.styles else (input_shape[-1],)
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")
        self.offset = self.add_weight(name="offset", shape=shape, initializer="zeros")

    def call(self, inputs, mean=None, variance=None, style_weights=None):
        """Normalizes `inputs` by its own moments, or by those given.

        Args:
            inputs: [B, H, W, C].
            mean, variance: both or none; broadcastable to [B, 1, 1, C]. Moments of a
                whole picture let a tile of it be drawn exactly as in the whole.
            style_weights: [B, N] or [1, N] if the layer has N styles, else None.
        """
        if (mean is None) != (variance is None):
            raise ValueError(
                "Expected mean and variance together, or neither. "
                f"Received: mean={mean}, variance={variance}. Pass both from `channel_moments`."
            )
        if mean is None:
            mean, variance = statistics.channel_moments(inputs)
        return _normalized(
            inputs,
            mean,
            variance,
            self._blended(self.scale, style_weights),
            self._blended(self.offset, style_weights),
            self.epsilon,
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "styles": self.styles,
            "kept_styles": self.kept_styles,
        }

    def _blended(self, parameters, style_weights):
        parameters = tf.cast(parameters, tf.float32)
        if not self.styles:
            return parameters
        if self.kept_styles:
            kept, learning = tf.split(
                parameters, [self.kept_styles, self.styles - self.kept_styles]
            )
            parameters = tf.concat([tf.stop_gradient(kept), learning], 0)
        return tf.matmul(tf.cast(style_weights, tf.float32), parameters)[
            :, None, None, :
        ]


# Files of networks know the class by its first name.
@keras.saving.register_keras_serializable(PACKAGE, name="WithRest")
class AppendContentWeight(keras.layers.Layer):
    """Puts before weights what they leave of 1: [B, N] -> [B, N + 1], whose sum is 1."""

    def call(self, inputs):
        return tf.concat([1.0 - tf.reduce_sum(inputs, -1, keepdims=True), inputs], -1)

    def compute_output_shape(self, input_shape):
        return input_shape[0], input_shape[1] + 1


@keras.saving.register_keras_serializable(PACKAGE)
class ModulatedNormalization(keras.layers.Layer):
    """Instance norm whose scale and offset are inputs, as other layers make them for each picture.

    Args:
        first: where in the vector of parameters this norm's C scales begin; its C
            offsets follow them.
        epsilon: as for `InstanceNormalization`.

    Reference:
        Ghiasi, Lee, Kudlur, Dumoulin, Shlens 2017 (arXiv:1705.06830), section 3.
    """

    def __init__(self, first: int, epsilon: float = 1e-5, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.first, self.epsilon = first, epsilon

    def call(self, inputs):
        """Normalizes features [B, H, W, C] and applies parameters [B or 1, N]: inputs
        are both, in a list.
        """
        features, parameters = inputs
        channels = features.shape[-1]
        chosen = tf.cast(
            parameters[:, None, None, self.first : self.first + 2 * channels],
            tf.float32,
        )
        scale, offset = tf.split(chosen, 2, axis=-1)
        mean, variance = statistics.channel_moments(features)
        return _normalized(features, mean, variance, scale, offset, self.epsilon)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "first": self.first, "epsilon": self.epsilon}


def _normalized(inputs, mean, variance, scale, offset, epsilon):
    """scale (x - mean) / sqrt(variance + epsilon) + offset in float32, then in the dtype of x."""
    factor = tf.math.rsqrt(tf.cast(variance, tf.float32) + epsilon) * scale
    centerd = tf.cast(inputs, tf.float32) - tf.cast(mean, tf.float32)
    return tf.cast(centerd * factor + offset, inputs.dtype)
