"""Gives feature maps the statistics of another picture's: what any-style networks paint with.

Every transfer is two functions. `describe` turns a style's features [B, h, w, C] into a
code of fixed size, all that is kept of the style; `apply` gives features [B, H, W, C]
the statistics that a code [B, ...] states. Codes of several styles may be averaged.
Computed in float32.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from nst_tf.config.registries import FEATURE_TRANSFORMS
from nst_tf.ops import statistics

QUANTILES = 256  # a channel, in the codes that keep whole distributions
RIDGE = 1e-3  # of the mean variance, added to all variances before a root is inverted


@dataclasses.dataclass(frozen=True)
class Transfer:
    """One way to transfer a style between feature maps.

    Attributes:
        describe: features [B, h, w, C] -> code [B, N(C)] float32.
        apply: (features [B, H, W, C], code [B or 1, N(C)]) -> [B, H, W, C] float32.
        size: C -> N(C).
    """

    describe: Callable[[tf.Tensor], tf.Tensor]
    apply: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    size: Callable[[int], int]


def describe_moments(features: tf.Tensor) -> tf.Tensor:
    """Returns means and deviations of the channels, [B, 2C]."""
    return tf.concat(statistics.mean_std(features), 1)


def adain(features: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Gives each channel the code's mean and deviation.

    s' (x - m) / s + m', with deviations s = sqrt(biased variance + 1e-5) on both sides,
    so that a code of the features themselves changes nothing, and a channel that is
    constant stays finite.

    Reference:
        Huang, Belongie 2017 (arXiv:1703.06868), equation 8.
    """
    features = tf.cast(features, tf.float32)
    own_mean, own_deviation = (
        each[:, None, None] for each in statistics.mean_std(features)
    )
    mean, deviation = (each[:, None, None] for each in tf.split(code, 2, axis=1))
    return (features - own_mean) / own_deviation * deviation + mean


def describe_quantiles(features: tf.Tensor) -> tf.Tensor:
    """Returns `QUANTILES` quantiles of each channel, ascending, at ranks (i + 1/2) / N,
    [B, C N].
    """
    ascending = tf.sort(_by_channel(features), axis=2)  # [B, C, h w]
    return _flat(_at_ranks(ascending, _middles(QUANTILES)[None, None]))


def efdm(features: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Gives each channel the code's distribution; equal values are told apart by their place.

    The value of rank r among a channel's becomes the code's quantile of the same rank.
    ReLU's many zeros become different values, in order of their position.

    Reference:
        Zhang, Li, Li, Jia, Zhang 2022 (arXiv:2203.07740), equation 6; there between
        maps of one size, without quantiles.
    """
    values = _by_channel(features)
    order = tf.argsort(values, axis=2, stable=True)
    ranks = tf.argsort(order, axis=2)  # [B, C, H W]
    count = tf.cast(tf.shape(values)[2], tf.float32)
    return _like(
        features,
        _at_ranks(_quantiles(code, values), (tf.cast(ranks, tf.float32) + 0.5) / count),
    )


def histogram(features: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Gives each channel the code's distribution; equal values stay equal, and get their mean rank.

    Reference:
        Gonzalez, Woods, Digital image processing, section 3.3, of each channel;
        compared with other transfers by Zhang et al. 2022 (arXiv:2203.07740), table 1.
    """
    values = _by_channel(features)
    shape = tf.shape(values)
    flat = tf.reshape(values, [-1, shape[2]])
    ascending = tf.sort(flat, axis=1)
    below, upto = (tf.searchsorted(ascending, flat, side) for side in ("left", "right"))
    ranks = tf.cast(below + upto, tf.float32) / (2 * tf.cast(shape[2], tf.float32))
    return _like(
        features, _at_ranks(_quantiles(code, values), tf.reshape(ranks, shape))
    )


def describe_correlations(features: tf.Tensor) -> tf.Tensor:
    """Returns the means of the channels and the symmetric root of their covariance, [B,
    C + C C].
    """
    mean, covariance = statistics.mean_covariance(features)
    return tf.concat([mean, _flat(statistics.matrix_root(covariance))], 1)


def correlation(features: tf.Tensor, code: tf.Tensor) -> tf.Tensor:
    """Gives the channels the code's means and covariance: whitened by their own, then colored.

    S'^1/2 (S + ridge)^-1/2 (x - m) + m'. The ridge, `RIDGE` of the mean variance, keeps
    directions that the photo does not use from being blown up.

    Reference:
        Li, Fang, Yang, Wang, Lu, Yang 2017 (arXiv:1705.08086), equations 5 and 6.
    """
    features = tf.cast(features, tf.float32)
    channels = features.shape[-1]
    mean, root = (
        code[:, :channels],
        tf.reshape(code[:, channels:], [-1, channels, channels]),
    )
    own_mean, covariance = statistics.mean_covariance(features)
    ridge = RIDGE * tf.linalg.trace(covariance) / channels + 1e-8
    values, vectors = tf.linalg.eigh(covariance)
    scales = tf.math.rsqrt(tf.maximum(values, 0) + ridge[:, None])[:, None]
    whitening = tf.matmul(
        vectors * scales, vectors, transpose_b=True
    )  # [B, C, C], symmetric
    centerd = features - own_mean[:, None, None]
    return (
        tf.einsum("bhwc,bcd->bhwd", centerd, tf.matmul(whitening, root))
        + mean[:, None, None]
    )


TRANSFERS = {
    "adain": Transfer(describe_moments, adain, lambda channels: 2 * channels),
    "efdm": Transfer(describe_quantiles, efdm, lambda channels: QUANTILES * channels),
    "histogram": Transfer(
        describe_quantiles, histogram, lambda channels: QUANTILES * channels
    ),
    "wct": Transfer(
        describe_correlations, correlation, lambda channels: channels * (channels + 1)
    ),
}


def transfer(name: str) -> Transfer:
    """Returns the entry `name` of `TRANSFERS`, which may be an earlier name; raises
    `UserError` if there is none.
    """
    return TRANSFERS[FEATURE_TRANSFORMS.canonical(name)]


def _by_channel(features):
    """[B, H, W, C] -> float32 [B, C, H W]."""
    shape = tf.shape(features)
    flat = tf.reshape(
        tf.cast(features, tf.float32),
        [shape[0], shape[1] * shape[2], features.shape[-1]],
    )
    return tf.transpose(flat, [0, 2, 1])


def _like(features, values):
    """[B, C, H W] -> the shape of `features`."""
    return tf.reshape(tf.transpose(values, [0, 2, 1]), tf.shape(features))


def _flat(values):
    return tf.reshape(values, [tf.shape(values)[0], values.shape[1] * values.shape[2]])


def _middles(count):
    return (tf.range(count, dtype=tf.float32) + 0.5) / count


def _quantiles(code, values):
    """The code as [B, C, N], one for each of `values`."""
    quantiles = tf.reshape(code, [-1, values.shape[1], QUANTILES])
    return tf.broadcast_to(quantiles, [tf.shape(values)[0], values.shape[1], QUANTILES])


def _at_ranks(ascending, ranks):
    """Reads ascending values [B, C, N] at ranks in [0, 1], [B or 1, C or 1, M]; linear
    between, constant beyond.
    """
    count = tf.shape(ascending)[2]
    place = tf.clip_by_value(
        ranks * tf.cast(count, tf.float32) - 0.5, 0.0, tf.cast(count - 1, tf.float32)
    )
    place = tf.broadcast_to(
        place, tf.concat([tf.shape(ascending)[:2], tf.shape(ranks)[2:]], 0)
    )
    low = tf.cast(tf.floor(place), tf.int32)
    high = tf.minimum(low + 1, count - 1)
    share = place - tf.cast(low, tf.float32)
    below, above = (tf.gather(ascending, index, batch_dims=2) for index in (low, high))
    return below + share * (above - below)
