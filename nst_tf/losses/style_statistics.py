"""Statistics of features that stand for a style, each with an error between two of them.

Every error is relative: 0 where the statistics agree, 1 for features that are all
zeros.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from nst_tf.ops import statistics

Description = tuple[tf.Tensor, ...]  # each [B, ...] float32


@dataclasses.dataclass(frozen=True)
class StyleStatistic:
    """One way to describe the style of a feature map.

    Attributes:
        describe: (features [B, H, W, C], mask [1, H, W, 1] or None) -> description.
        target: description of a style image -> what `error` compares with; computed
            once.
        error: (description, target) -> [B] float32.
    """

    describe: Callable[[tf.Tensor, tf.Tensor | None], Description]
    target: Callable[[Description], Description]
    error: Callable[[Description, Description], tf.Tensor]


def _gram(features: tf.Tensor, mask: tf.Tensor | None) -> Description:
    return (statistics.gram_matrix(features, mask),)


def _relative_error(description: Description, target: Description) -> tf.Tensor:
    return statistics.relative_squared_error(description[0], target[0])


def _mean_std(features: tf.Tensor, mask: tf.Tensor | None) -> Description:
    return (tf.concat(statistics.mean_std(features, mask), 1),)  # [B, 2C]


def _take_root(description: Description) -> Description:
    mean, covariance = description
    return mean, statistics.matrix_root(covariance)


def _compare_wasserstein2(description: Description, target: Description) -> tf.Tensor:
    mean, root = target
    # The distance to features that are all zeros.
    energy = tf.reduce_sum(tf.square(mean), 1) + tf.reduce_sum(tf.square(root), [1, 2])
    return statistics.wasserstein2(*description, *target) / tf.maximum(energy, 1e-12)


def _keep(description: Description) -> Description:
    return description


# Gatys, Ecker, Bethge 2016 (arXiv:1508.06576).
GRAM = StyleStatistic(_gram, _keep, _relative_error)

# Li, Wang, Liu, Hou 2017 (arXiv:1701.01036), section 4.2.
MEAN_STD = StyleStatistic(_mean_std, _keep, _relative_error)

# Means and covariances as normal distributions; see `statistics.wasserstein2`.
WASSERSTEIN2 = StyleStatistic(
    statistics.mean_covariance, _take_root, _compare_wasserstein2
)
