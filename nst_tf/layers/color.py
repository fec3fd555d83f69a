"""Keras layers that give a painting the colors of a photo or a style; all are serializable."""

import itertools

import keras
import numpy as np
import tensorflow as tf

from nst_tf.layers.padding import PACKAGE
from nst_tf.ops import statistics

COLOR_NUMBERS = 9  # a mean, and a triangle of 3 by 3
# Lightness, then two differences of colors, by rows: at right angles, so that channels of
# pictures hardly depend on each other; of whole numbers, which no export rounds.
_OPPONENT = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]], np.float32)
_BACK = np.linalg.inv(_OPPONENT).T.astype(np.float32)  # row by row to RGB
# Kernels of 1x1: convolutions of whole pictures take a fifth of the time of slices. The
# first makes opponents and the sums of two of them, the others a matrix for each picture:
# every channel thrice, and the sums of three.
_SIX = (
    np.concatenate(
        [
            _OPPONENT,
            [one + other for one, other in itertools.combinations(_OPPONENT, 2)],
        ]
    )
    .T[None, None]
    .astype(np.float32)
)  # [1, 1, 3, 6]
_SPREAD = np.repeat(np.eye(3, dtype=np.float32), 3, 1)[None, None]  # [1, 1, 3, 9]
_GATHER = np.tile(np.eye(3, dtype=np.float32), (3, 1))[None, None]  # [1, 1, 9, 3]


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


@keras.saving.register_keras_serializable(PACKAGE)
class DescribeColors(keras.layers.Layer):
    """Describes the colors of pictures by mean and covariance: [B, H, W, 3] -> [B, 9].

    Three means in opponent colors, then the triangle L, row by row, of the covariance L
    L^T. Lightness comes first, so that L has its deviation, what the other two owe to
    it, and what they have of their own. Triangles can be blended as deviations can.

    Args:
        epsilon: added to variances, for pictures of one color.
    """

    def __init__(self, epsilon: float = 3e-4, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, pictures):
        """Takes RGB in [0, 1]."""
        return _describe_colors(pictures, self.epsilon)

    def compute_output_shape(self, input_shape):
        return input_shape[0], COLOR_NUMBERS

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


@keras.saving.register_keras_serializable(PACKAGE)
class MatchColors(keras.layers.Layer):
    """Gives a painting mean and covariance of a style's colors, or by what its strength
    leaves of 1 those of the photo.

    An affine map of colors, T (x - m) + m', T = L' L^-1 with the triangles of
    `DescribeColors`; lightness comes of lightness alone.

    Args:
        epsilon: as for `DescribeColors`.

    Reference:
        Gatys, Ecker, Bethge, Hertzmann, Shechtman 2017 (arXiv:1611.07865), section 5.3,
        the variant by Cholesky's decomposition; here it is a part of the network, which
        learns with it.
    """

    def __init__(self, epsilon: float = 3e-4, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def call(self, inputs):
        """Inputs are a list: paintings and photos [B, H, W, 3], a style's colors [B or
        1, 9] from `DescribeColors`, alpha [B or 1, 1].
        """
        painting, photo, colors, alpha = inputs
        own, photos = (
            _describe_colors(picture, self.epsilon) for picture in (painting, photo)
        )
        mean, wanted = own[:, :3], alpha * colors + (1.0 - alpha) * photos
        # In RGB: painting times map plus shift, both of each picture.
        rows = _divide_triangles(wanted[:, 3:], own[:, 3:])  # T, by its rows
        turned = [
            sum(rows[row][column] * _BACK[row] for row in range(column, 3))
            for column in range(3)
        ]  # column k of T in RGB, [B, 3]
        maps = [
            sum(turned[column] * _OPPONENT[column, channel] for column in range(3))
            for channel in range(3)
        ]  # what each channel of the painting gives, [B, 3]
        shift = sum(
            wanted[:, row : row + 1] * _BACK[row] - mean[:, row : row + 1] * turned[row]
            for row in range(3)
        )
        factors = tf.concat(maps, -1)[:, None, None]  # [B, 1, 1, 9]
        spread = tf.nn.conv2d(painting, _SPREAD, 1, "VALID") * factors
        return tf.nn.conv2d(spread, _GATHER, 1, "VALID") + shift[:, None, None]

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "epsilon": self.epsilon}


def _describe_colors(pictures, epsilon):
    # Covariances of variances alone: 2 cov(a, b) = var(a + b) - var(a) - var(b).
    six = tf.nn.conv2d(pictures, _SIX, 1, "VALID")
    mean, variance = statistics.channel_moments(six)
    mean, variance = mean[:, 0, 0], variance[:, 0, 0]
    (a, b, c), (ab, ac, bc) = (
        tf.split(part, 3, -1) for part in tf.split(variance, 2, -1)
    )
    ab, ac, bc = (ab - a - b) / 2, (ac - a - c) / 2, (bc - b - c) / 2
    # Cholesky's decomposition, written out.
    aa = tf.sqrt(a + epsilon)
    ba, ca = ab / aa, ac / aa
    bb = tf.sqrt(tf.nn.relu(b - ba * ba) + epsilon)
    cb = (bc - ba * ca) / bb
    cc = tf.sqrt(tf.nn.relu(c - ca * ca - cb * cb) + epsilon)
    return tf.concat([mean[:, :3], aa, ba, bb, ca, cb, cc], -1)


def _divide_triangles(wanted, own):
    """L' L^-1 of triangles [B, 6] by rows, as rows of columns [B, 1]."""
    (aa, ba, bb, ca, cb, cc), (oaa, oba, obb, oca, ocb, occ) = (
        tf.split(each, 6, -1) for each in (wanted, own)
    )
    # T L = L', solved from the last column on.
    t11, t22, t33 = aa / oaa, bb / obb, cc / occ
    t21 = (ba - t22 * oba) / oaa
    t32 = (cb - t33 * ocb) / obb
    t31 = (ca - t32 * oba - t33 * oca) / oaa
    return [[t11], [t21, t22], [t31, t32, t33]]


@keras.saving.register_keras_serializable(PACKAGE)
class MixPhoto(keras.layers.Layer):
    """Mixes a photo into its painting, as far as the painting lacks strength.

    painting + (1 - alpha)^2 (photo - painting): without strength the photo itself, at
    half strength a quarter of it. What networks give back of a photo at alpha = 0 is
    soft. While it is trained nothing is mixed, so that the network learns to give the
    photo back as well as it can.
    """

    def call(self, inputs, training=False):
        """Inputs are a list: paintings and photos [B, H, W, 3], alpha [B or 1, 1]."""
        painting, photo, alpha = inputs
        if training:
            return painting
        share = tf.square(1.0 - alpha)[:, :, None, None]
        return painting + share * (photo - painting)

    def compute_output_shape(self, input_shape):
        return input_shape[0]
