"""Catches what an operation raises inside a TensorFlow graph, where there is no Python to do it."""

from collections.abc import Callable

import tensorflow as tf


def catch_errors(
    function: Callable[[tf.Tensor], tf.Tensor], value: tf.Tensor, otherwise: tf.Tensor
) -> tf.Tensor:
    """Returns function(value), or `otherwise` if that raises; in any runtime of TensorFlow.

    It is a data set of one element, for data sets can leave out elements that raise.

    Args:
        function: runs on the CPU. Keep it small: it is set up at each call.
        value: its input.
        otherwise: of the dtype and rank of its output.
    """
    options = tf.data.Options()
    # Both take longer than one element is worth.
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    results = (
        tf.data.Dataset.from_tensors(value)
        .map(function)
        .ignore_errors()
        .with_options(options)
    )
    return results.reduce(otherwise, lambda _, result: result)
