"""Keras layers of transformation networks; each is serializable and keeps its input's dtype."""

import keras
import tensorflow as tf

from nst_tf.layers.padding import PACKAGE
from nst_tf.ops import statistics


# Files of networks know the class by its first name.
@keras.saving.register_keras_serializable(PACKAGE, name="PhotosColors")
class MatchContentColors(keras.layers.Layer):
    """Gives a painting what its strength leaves to the photo's colors: mean and
    deviation of each channel.

    Both are blended: alpha times the painting's own and 1 - alpha times the photo's.
    Norms forget how bright a photo is and how strong its contrasts are, so that no
    network of them can give it back without.

    Args:
        epsilon: added to variances, for photos and paintings of one color.

    Reference:
        Gatys, Ecker, Bethge, Hertzmann, Shechtman 2017 (arXiv:1611.07865), section 5.3,
        for matching colors by their moments; Huang, Belongie 2017 (arXiv:1703.06868),
        equation 14, for alpha.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        """Inputs are a list: paintings [B, H, W, 3], photos of the same shape, alpha [B
        or 1, 1].
        """
        painting, photo, alpha = inputs
        rest = 1.0 - alpha[:, :, None, None]
        (mean, variance), (photos_mean, photos_variance) = (
            statistics.channel_moments(picture) for picture in (painting, photo)
        )
        ratio = tf.sqrt((photos_variance + self.epsilon) / (variance + self.epsilon))
        # At full strength the painting itself, but for rounding.
        return (
            (painting - mean) * (1.0 + rest * (ratio - 1.0))
            + mean
            + rest * (photos_mean - mean)
        )

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}
