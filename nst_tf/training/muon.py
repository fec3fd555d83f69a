"""Muon: steps for kernels that move all directions of a layer equally far."""

import keras
import tensorflow as tf

from nst_tf.training.averages import ExactAverages

# Coefficients of the quintic that takes singular values to about 1 in `ROUNDS` rounds;
# Jordan et al.
QUINTIC = (3.4445, -4.7750, 2.0315)
ROUNDS = 5


@keras.saving.register_keras_serializable("nst_tf")
class Muon(ExactAverages, keras.optimizers.Adam):
    """Muon for kernels of convolutions and dense layers, Adam for all other variables.

    Scales and offsets of norms of N styles, which learn in turn, get the root of N
    times the learning rate. N counts the styles that learn, not those that are kept.

    The momentum of a kernel, as a matrix of height x width x inputs rows and one column
    an output, is replaced by the nearest matrix with orthonormal rows or columns before
    the step. Adam's steps follow the few directions that most gradients share; these
    follow all, so that a network learns as much in a half to a third of the steps.
    Keras's own Muon leaves convolutions to Adam.

    Args:
        learning_rate: of both.
        adam_layers: parts of the paths of kernels that Adam moves, such as the last
            layer's, whose outputs are no features.
        rms: root mean square of a kernel's step, in units of the learning rate; 0.2 is
            about what Adam makes (Liu et al.).
        momentum: decay of the gradients' average.
        beta_2: of Adam.
        learning_rows: N above; 0 for all rows of such a scale or offset.

    Reference:
        Jordan et al. 2024, Muon (kellerjordan.github.io/posts/muon); Liu et al. 2025
        (arXiv:2502.16982), section 2.2, for the size of the step.
    """

    def __init__(
        self,
        learning_rate=1e-3,
        adam_layers=(),
        rms=0.4,
        momentum=0.9,
        beta_2=0.99,
        learning_rows=0,
        name="muon",
        **kwargs,
    ):
        super().__init__(learning_rate, beta_2=beta_2, name=name, **kwargs)
        self.adam_layers, self.rms, self.momentum = tuple(adam_layers), rms, momentum
        self.learning_rows = learning_rows

    def build(self, variables):
        super().build(variables)
        self._kernels = {
            index
            for index, variable in enumerate(variables)
            # Depthwise kernels have one column: there are no directions to even out.
            if len(variable.shape) in (2, 4)
            and variable.shape[-1] > 1
            and variable.path.endswith("kernel")
            and not any(part in variable.path for part in self.adam_layers)
        }
        self._rows = {
            index: self.learning_rows or variable.shape[0]
            for index, variable in enumerate(variables)
            if len(variable.shape) == 2 and variable.path.endswith(("scale", "offset"))
        }

    def update_step(self, gradient, variable, learning_rate):
        index = self._get_variable_index(variable)
        if index not in self._kernels:
            # Of N styles in turn, a norm's row has a gradient in one step of N, for
            # which Adam's steps are smaller by the root of N on average: eight styles
            # stayed alike.
            learning_rate *= self._rows.get(index, 1) ** 0.5
            super().update_step(gradient, variable, learning_rate)
            return
        gradient = tf.cast(gradient, tf.float32)
        average = self._momentums[index]
        self.assign(average, self.momentum * average + (1 - self.momentum) * gradient)
        # Nesterov's: the average as the next step will find it.
        ahead = self.momentum * average + (1 - self.momentum) * gradient
        columns = variable.shape[-1]
        rows = variable.shape.num_elements() // columns
        step = orthogonalized(tf.reshape(ahead, [rows, columns]))
        # Orthonormal columns of `rows` entries: each entry has the mean square 1 /
        # rows.
        size = tf.cast(learning_rate, tf.float32) * self.rms * max(rows, columns) ** 0.5
        self.assign_sub(variable, tf.reshape(size * step, variable.shape))

    def get_config(self):
        return {
            **super().get_config(),
            "adam_layers": self.adam_layers,
            "rms": self.rms,
            "momentum": self.momentum,
            "learning_rows": self.learning_rows,
        }


def orthogonalized(matrix: tf.Tensor) -> tf.Tensor:
    """Returns about U V^T of a matrix U S V^T, float32 [rows, columns].

    Newton-Schulz iteration with coefficients that bring every singular value near 1
    fast, to 0.7 ... 1.2, instead of to 1 at last. A matrix of zeros stays one.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    x = tf.transpose(matrix) if tall else matrix
    x /= tf.norm(x) + 1e-20
    a, b, c = QUINTIC
    for _ in range(ROUNDS):
        square = tf.matmul(x, x, transpose_b=True)
        x = a * x + tf.matmul(b * square + c * tf.matmul(square, square), x)
    return tf.transpose(x) if tall else x
