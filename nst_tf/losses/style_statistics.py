"""What of a picture's features is its style: statistics, each with an error between two of them.

Every error is relative: 0 where the statistics agree, 1 for features that are all
zeros.
"""

import dataclasses
from collections.abc import Callable

import tensorflow as tf

from nst_tf.core.errors import expected
from nst_tf.ops import statistics

Description = tuple[tf.Tensor, ...]  # each [B, ...] float32


@dataclasses.dataclass(frozen=True)
class StyleStatistic:
    """One way to say what the style of a feature map is.

    Attributes:
        describe: (features [B, H, W, C], mask [1, H, W, 1] or None) -> description.
        target: description of a style picture -> what `error` wants of it; computed
            once.
        error: (description, target) -> [B] float32.
    """

    describe: Callable[[tf.Tensor, tf.Tensor | None], Description]
    target: Callable[[Description], Description]
    error: Callable[[Description, Description], tf.Tensor]


def _gram(features, mask):
    return (statistics.gram_matrix(features, mask),)


def _relative_error(description, target):
    return statistics.relative_squared_error(description[0], target[0])


def _mean_std(features, mask):
    return (tf.concat(statistics.mean_std(features, mask), 1),)  # [B, 2C]


def _moments_and_root(description):
    mean, covariance = description
    return mean, statistics.matrix_root(covariance)


def _wasserstein2_error(description, target):
    mean, root = target
    # The distance to features that are all zeros.
    energy = tf.reduce_sum(tf.square(mean), 1) + tf.reduce_sum(tf.square(root), [1, 2])
    return statistics.wasserstein2(*description, *target) / tf.maximum(energy, 1e-12)


def _unchanged(description):
    return description


STATISTICS = {
    # Gatys, Ecker, Bethge 2016 (arXiv:1508.06576).
    "gram": StyleStatistic(_gram, _unchanged, _relative_error),
    # Li, Wang, Liu, Hou 2017 (arXiv:1701.01036), section 4.2.
    "mean_std": StyleStatistic(_mean_std, _unchanged, _relative_error),
    # Means and covariances as normal distributions; see `statistics.wasserstein2`.
    "wasserstein2": StyleStatistic(
        statistics.mean_covariance, _moments_and_root, _wasserstein2_error
    ),
}


def statistic(name: str) -> StyleStatistic:
    """Returns the entry `name` of `STATISTICS`; raises `UserError` if there is none."""
    if name not in STATISTICS:
        raise expected(
            f"a statistic among {', '.join(STATISTICS)}", repr(name), "Choose one."
        )
    return STATISTICS[name]
