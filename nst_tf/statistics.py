"""Statistics of pictures and feature maps: pure functions, tensors in, float32 tensors out."""

import tensorflow as tf


def gram_matrix(features: tf.Tensor) -> tf.Tensor:
    """Returns the uncentred second moment of the channels of each picture.

    G[b, i, j] = sum over positions of F[b, y, x, i] * F[b, y, x, j], divided by H * W. The division
    makes the matrix independent of the picture's size; nothing is averaged over the batch.

    Args:
        features: [B, H, W, C], any floating dtype. Computed in float32, since squares of VGG
            activations overflow float16.

    Returns:
        [B, C, C] float32, symmetric and positive semi-definite.

    Reference:
        Gatys, Ecker, Bethge 2016 (arXiv:1508.06576), equation 3, there without the division.
    """
    features = tf.cast(features, tf.float32)
    shape = tf.shape(features)
    positions = shape[1] * shape[2]
    flat = tf.reshape(features, [shape[0], positions, features.shape[-1]])       # [B, H*W, C]
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(positions, tf.float32)


def channel_moments(features: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and biased variance over height and width, per picture and channel.

    Args:
        features: [B, H, W, C], any floating dtype; computed in float32, two-pass, because the
            one-pass formula cancels where the mean is large against the deviation.

    Returns:
        (mean, variance), each [B, 1, 1, C] float32.

    Reference:
        Ulyanov, Vedaldi, Lempitsky 2016 (arXiv:1607.08022), equation 4.
    """
    return tf.nn.moments(tf.cast(features, tf.float32), axes=[1, 2], keepdims=True)


def total_variation(images: tf.Tensor) -> tf.Tensor:
    """Returns the mean squared difference of neighbouring pixels of each picture.

    The mean of squared horizontal differences plus the mean of squared vertical ones. A picture one
    pixel wide or high has no differences in that direction: they count as zero.

    Args:
        images: [B, H, W, C], RGB in [0, 1].

    Returns:
        [B] float32.

    Reference:
        Johnson, Alahi, Fei-Fei 2016 (arXiv:1603.08155), section 3.2; there a sum.
    """
    images = tf.cast(images, tf.float32)
    horizontal = tf.square(images[:, :, 1:] - images[:, :, :-1])
    vertical = tf.square(images[:, 1:] - images[:, :-1])
    return _mean_or_zero(horizontal) + _mean_or_zero(vertical)


def relative_squared_error(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns ||value - target||^2 / ||target||^2 for each picture of the batch.

    Dimensionless: 0 where both agree, 1 for a value of all zeros, the same under any scaling of the
    features. Because sums in numerator and denominator run over the same entries, it depends neither
    on the picture's size nor on the number of channels.

    Args:
        value: [B, ...].
        target: [B, ...] or [1, ...], the same shape behind the batch.

    Returns:
        [B] float32, at least 0.
    """
    value, target = tf.cast(value, tf.float32), tf.cast(target, tf.float32)
    axes = list(range(1, len(value.shape)))
    energy = tf.reduce_sum(tf.square(target), axes)
    # The smallest denominator keeps a black target (all features zero) finite.
    return tf.reduce_sum(tf.square(value - target), axes) / tf.maximum(energy, 1e-12)


def _mean_or_zero(differences: tf.Tensor) -> tf.Tensor:
    return tf.math.divide_no_nan(
        tf.reduce_sum(differences, [1, 2, 3]),
        tf.cast(tf.reduce_prod(tf.shape(differences)[1:]), tf.float32),
    )
