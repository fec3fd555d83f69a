"""Averages of weights over steps, exact where a weight does not move."""

import keras
from keras import ops


class ExactAverages(keras.optimizers.Optimizer):
    """Keras's average of weights, moved by differences.

    Keras adds two products, whose rounding changes the average of a weight that stays
    as it is: the styles that a network keeps would not be kept bit for bit.
    """

    def _update_model_variables_moving_average(self, trainable_variables):
        if not self.use_ema:
            return
        averages = self._model_variables_moving_average
        # The first step's weights are the first average.
        first = ops.equal(self.iterations, 0)
        for variable, average in zip(trainable_variables, averages, strict=True):
            share = ops.where(first, 1.0, 1.0 - self.ema_momentum)
            average.assign_add(
                ops.cast(share, average.dtype) * ops.subtract(variable, average)
            )
