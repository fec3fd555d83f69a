"""Keras layers of transformation networks; each is serializable and keeps its input's dtype."""

import keras
import tensorflow as tf

from nst_tf.layers.padding import PACKAGE


@keras.saving.register_keras_serializable(PACKAGE)
class NearestUpsampling2D(keras.layers.Layer):
    """Doubles height and width by repeating pixels.

    Followed by a convolution it replaces the transposed convolution, whose uneven
    overlap draws a checkerboard (Odena, Dumoulin, Olah 2016, distill.pub).
    """

    def call(self, inputs):
        # Four copies of the channels spread over 2x2 pixels. Unlike a resize or repeat
        # it needs no tensor of sizes, so that a converted network can be given another
        # size at run time. Not `tf.tile`, which OpenVINO reads as one of another axis.
        return tf.nn.depth_to_space(tf.concat([inputs] * 4, -1), 2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (
            batch,
            *(None if side is None else 2 * side for side in (height, width)),
            channels,
        )
