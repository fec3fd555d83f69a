"""Statistics of pictures and feature maps: pure functions, tensors in, float32 tensors out."""

from collections.abc import Callable

import tensorflow as tf

# Share of the largest eigenvalue of a covariance below which float32 cannot tell the
# others from 0.
SMALLEST = 1e-6


def gram_matrix(features: tf.Tensor, mask: tf.Tensor | None = None) -> tf.Tensor:
    """Returns the uncentered second moment of the channels of each picture.

    G[b, i, j] = sum over positions of F[b, y, x, i] * F[b, y, x, j], divided by H * W.
    The division makes the matrix independent of the picture's size; nothing is averaged
    over the batch. With a mask, positions count as much as it says, and the divisor is
    its sum, the area.

    Args:
        features: [B, H, W, C], any floating dtype. Products of bfloat16 are summed in
            float32, and the sums rounded to bfloat16, which takes half the time; all
            others are computed in float32, since squares of VGG activations overflow
            float16.
        mask: [1, H, W, 1] float32 in [0, 1], not all 0, or None for the whole picture.

    Returns:
        [B, C, C] float32, symmetric and positive semi-definite.

    Reference:
        Gatys, Ecker, Bethge 2016 (arXiv:1508.06576), equation 3, there without the
        division; masks: Gatys, Ecker, Bethge, Hertzmann, Shechtman 2017
        (arXiv:1611.07865), section 4.
    """
    shape = tf.shape(features)
    dtype = tf.bfloat16 if features.dtype == tf.bfloat16 else tf.float32
    flat = tf.reshape(
        tf.cast(features, dtype), [shape[0], shape[1] * shape[2], features.shape[-1]]
    )
    if mask is None:
        return _second_moment(flat) / tf.cast(shape[1] * shape[2], tf.float32)
    weights = tf.reshape(tf.cast(mask, dtype), [1, -1, 1])
    return _second_moment(flat, weights) / tf.reduce_sum(tf.cast(weights, tf.float32))


def _second_moment(flat: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """F^T W F, float32, of F [B, M, C] and constant weights W [1, M, 1] of its dtype, or 1.

    Both factors are F, so that the gradient W F (D + D^T) needs one product instead of
    the two that TensorFlow would make.
    """

    def weigh(values: tf.Tensor) -> tf.Tensor:
        return values if weights is None else weights * values

    @tf.custom_gradient
    def multiply(flat: tf.Tensor) -> tuple[tf.Tensor, Callable]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            both = tf.cast(upstream + tf.linalg.matrix_transpose(upstream), flat.dtype)
            return weigh(tf.matmul(flat, both))

        return tf.cast(
            tf.matmul(weigh(flat), flat, transpose_a=True), tf.float32
        ), gradient

    return multiply(flat)


def mean_covariance(
    features: tf.Tensor, mask: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and biased covariance of the channels of each picture.

    Args:
        features, mask: as for `gram_matrix`.

    Returns:
        (mean [B, C], covariance [B, C, C]), float32.
    """
    features = tf.cast(features, tf.float32)
    mean, _ = channel_moments(features, mask)
    # Centered first, since G - m m^T would cancel where means are large.
    return mean[:, 0, 0], gram_matrix(features - mean, mask)


def mean_std(
    features: tf.Tensor, mask: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and deviation of each channel, sqrt(biased variance + 1e-5), both
    [B, C] float32.

    Args:
        features, mask: as for `gram_matrix`.

    Reference:
        Huang, Belongie 2017 (arXiv:1703.06868), equations 5 to 7.
    """
    mean, variance = channel_moments(features, mask)
    return mean[:, 0, 0], tf.sqrt(variance[:, 0, 0] + 1e-5)


def wasserstein2(
    mean: tf.Tensor,
    covariance: tf.Tensor,
    target_mean: tf.Tensor,
    target_root: tf.Tensor,
) -> tf.Tensor:
    """Returns the squared 2-Wasserstein distance of two normal distributions.

    |m - m'|^2 + tr(S + S' - 2 (S'^1/2 S S'^1/2)^1/2).

    Args:
        mean, covariance: [B, C] and [B, C, C].
        target_mean: m', [1, C].
        target_root: S'^1/2, [1, C, C], from `matrix_root`: the target is constant, its
            root is taken once.

    Returns:
        [B] float32, at least 0 but for rounding.

    Reference:
        Olkin, Pukelsheim 1982, theorem 4. As a style loss:
        github.com/crowsonkb/style-transfer-pytorch.
    """
    inner = tf.matmul(tf.matmul(target_root, covariance), target_root)
    traces = tf.linalg.trace(covariance) + tf.reduce_sum(tf.square(target_root), [1, 2])
    return (
        tf.reduce_sum(tf.square(mean - target_mean), 1)
        + traces
        - 2 * trace_of_root(inner)
    )


def matrix_root(matrix: tf.Tensor) -> tf.Tensor:
    """Returns the symmetric root of symmetric positive semi-definite matrices [B, C,
    C], float32.
    """
    values, vectors = tf.linalg.eigh(matrix)
    roots = tf.sqrt(tf.maximum(values, 0))[:, None]  # [B, 1, C]
    return tf.matmul(vectors * roots, vectors, transpose_b=True)


@tf.custom_gradient
def trace_of_root(matrix: tf.Tensor) -> tuple[tf.Tensor, Callable]:
    """Returns the trace of the root of symmetric positive semi-definite matrices [B, C, C], [B].

    Its gradient, half of the inverse root, is unbounded where an eigenvalue vanishes, so
    it counts eigenvalues below `SMALLEST` of the largest as that.
    """
    values, vectors = tf.linalg.eigh(matrix)
    floor = SMALLEST * tf.reduce_max(values, 1, keepdims=True)

    def gradient(upstream: tf.Tensor) -> tf.Tensor:
        inverse = tf.math.rsqrt(tf.maximum(tf.maximum(values, floor), 1e-20))[:, None]
        return (
            0.5
            * upstream[:, None, None]
            * tf.matmul(vectors * inverse, vectors, transpose_b=True)
        )

    return tf.reduce_sum(tf.sqrt(tf.maximum(values, 0)), 1), gradient


def channel_moments(
    features: tf.Tensor, mask: tf.Tensor | None = None
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns mean and biased variance over height and width, per picture and channel.

    Args:
        features: [B, H, W, C], any floating dtype; computed in float32, two-pass,
            because the one-pass formula cancels where the mean is large against the
            deviation.
        mask: as for `gram_matrix`.

    Returns:
        (mean, variance), each [B, 1, 1, C] float32.

    Reference:
        Ulyanov, Vedaldi, Lempitsky 2016 (arXiv:1607.08022), equation 4.
    """
    features = tf.cast(features, tf.float32)
    weights = None if mask is None else tf.cast(mask, tf.float32)
    mean = spatial_mean(features, weights)
    # The variance has no slope along the mean.
    squares = tf.math.squared_difference(features, tf.stop_gradient(mean))
    return mean, spatial_mean(squares, weights)


def spatial_mean(values: tf.Tensor, weights: tf.Tensor | None = None) -> tf.Tensor:
    """Returns the mean over height and width, each row first, then over the rows.

    Runtimes add number by number in float32. In one long sum over the 17 million pixels
    of a large photo the later ones are lost: TensorFlow's mean is right to two digits
    there, LiteRT's to one. Two short sums keep six, in the same time.

    Args:
        values: [B, H, W, C] float32.
        weights: [1, H, W, 1] float32, not all 0, or None for equal ones.

    Returns:
        [B, 1, 1, C] float32.
    """
    if weights is None:
        return tf.reduce_mean(
            tf.reduce_mean(values, 2, keepdims=True), 1, keepdims=True
        )
    return _sum(weights * values) / _sum(weights)


def _sum(values):
    return tf.reduce_sum(tf.reduce_sum(values, 2, keepdims=True), 1, keepdims=True)


def relative_squared_error(value: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Returns ||value - target||^2 / ||target||^2 for each picture of the batch.

    It has no unit: 0 where both agree, 1 for a value of all zeros, the same under any
    scaling of the features. Because sums in numerator and denominator run over the same
    entries, it depends neither on the picture's size nor on the number of channels.

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
