"""Terms of a loss beside the perceptual ones: smoothness, meshes, identity."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from nst_tf.ops.statistics import relative_squared_error

# Pixels. The coarsest features of transform networks have a quarter of the picture's
# size, so artifacts of upsampling repeat with this period.
MESH_PERIOD = 4
MESH_TILE = 128  # pixels, a multiple of the period, in which a mesh is looked for

IDENTITY_PERIOD = 8  # one crop of so many is the network's to reproduce unchanged


def total_variation(images: tf.Tensor) -> tf.Tensor:
    """Returns the mean squared difference of neighboring pixels of each picture.

    The mean of squared horizontal differences plus the mean of squared vertical ones. A
    picture one pixel wide or high has no differences in that direction: they count as
    zero.

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


def mesh_energy(images: tf.Tensor) -> tf.Tensor:
    """Returns the variance of patterns that repeat every `MESH_PERIOD` pixels, squared gray levels.

    In half overlapping tiles of `MESH_TILE` pixels, smaller in a smaller picture, the
    means under a Hann window of the pixels of each phase (y mod period, x mod period)
    are what such a pattern has there; all else averages out. Their variance over the
    phases, by Parseval's theorem the power at the period's frequencies, (0, 0) left
    out; mean over tiles and channels. A cosine of the period with an amplitude of a
    gray levels has a^2 / 2.

    Args:
        images: [B, H, W, C], RGB in [0, 1], sides of at least `MESH_PERIOD`.

    Returns:
        [B] float32. Photos at 384 pixels have about 1.

    Reference:
        The measure is ours. Upsampling by resizing (Odena, Dumoulin, Olah 2016,
        distill.pub/2016/deconv-checkerboard) gives constant features to constant
        pictures, but features that vary vary less where they are interpolated, which
        rectifiers turn into a mean that depends on the phase.
    """
    side = tf.minimum(
        MESH_TILE, tf.reduce_min(tf.shape(images)[1:3]) // MESH_PERIOD * MESH_PERIOD
    )
    waves = _mesh_waves(side)
    levels = 255 * tf.cast(images, tf.float32)
    tiles = tf.signal.frame(levels, side, side // 2, axis=1)  # [B, tiles, side, W, C]
    tiles = tf.signal.frame(
        tf.einsum("btywc,yi->btiwc", tiles, waves), side, side // 2, axis=3
    )
    power = tf.reduce_mean(
        tf.square(tf.einsum("btisxc,xj->btsijc", tiles, waves)), [1, 2, 5]
    )
    return tf.reduce_sum(
        tf.reshape(power, [-1, MESH_PERIOD**2])[:, 1:], 1
    )  # without the constant, which is first


def _mesh_waves(side: tf.Tensor) -> tf.Tensor:
    """Orthonormal waves over the four phases times a Hann window of sum 1, [side, 4];
    the constant comes first.
    """
    place = tf.range(tf.cast(side, tf.float32))
    hann = 1 - tf.cos(2 * np.pi * (place + 1) / (tf.cast(side, tf.float32) + 1))
    phase = 2 * np.pi * place / MESH_PERIOD
    waves = [
        tf.ones_like(phase),
        2**0.5 * tf.cos(phase),
        2**0.5 * tf.sin(phase),
        tf.cos(2 * phase),
    ]
    return tf.stack(waves, 1) * (hann / tf.reduce_sum(hann))[:, None]


def _mean_or_zero(differences: tf.Tensor) -> tf.Tensor:
    return tf.math.divide_no_nan(
        tf.reduce_sum(differences, [1, 2, 3]),
        tf.cast(tf.reduce_prod(tf.shape(differences)[1:]), tf.float32),
    )


def add_identity(
    terms: Mapping[str, tf.Tensor],
    pictures: tf.Tensor,
    photos: tf.Tensor,
    mask: tf.Tensor,
    weight: float,
) -> dict[str, tf.Tensor]:
    """Returns the terms [B] of stylized crops, and the "identity" error of those that
    were to stay as they are.

    They are scaled so that means over many crops are the means over the stylized ones
    and over the others.

    Args:
        terms: as if all crops had been stylized.
        pictures, photos: [B, H, W, 3].
        mask: [B], 1.0 for one crop in `IDENTITY_PERIOD`, which is to stay, else 0.0.
        weight: of the identity term in the sum, beside terms of the stylized crops.
    """
    share = 1 / IDENTITY_PERIOD
    stylized = {
        name: value * (1.0 - mask) / (1.0 - share) for name, value in terms.items()
    }
    identity = mask * relative_squared_error(pictures, photos) / share
    return stylized | {
        "identity": identity,
        "loss": stylized["loss"] + weight * share * identity,
    }


def add_term(
    terms: Mapping[str, tf.Tensor], name: str, values: tf.Tensor, weight: float
) -> dict[str, tf.Tensor]:
    """Returns the terms [B] and one more, `values` [B], that counts by `weight` in "loss"."""
    return {**terms, name: values, "loss": terms["loss"] + weight * values}
