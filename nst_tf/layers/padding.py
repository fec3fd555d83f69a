"""Keras layers of transformation networks; each is serializable and keeps its input's dtype."""

import keras
import tensorflow as tf

from nst_tf.images import padding

PACKAGE = "nst_tf"


@keras.saving.register_keras_serializable(PACKAGE)
class ReflectionPadding2D(keras.layers.Layer):
    """Pads height and width by mirroring without repeating the edge: [B, H, W, C] ->
    [B, H+2p, W+2p, C].

    Args:
        padding: p, pixels on each side; the input must be larger than p in both
            directions (`PadToMultiple` sees to that).
    """

    def __init__(self, padding: int, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding

    def call(self, inputs):
        sides = [self.padding, self.padding]
        return tf.pad(inputs, [[0, 0], sides, sides, [0, 0]], mode="REFLECT")

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grown = [
            None if side is None else side + 2 * self.padding
            for side in (height, width)
        ]
        return (batch, *grown, channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


# Files of networks know the class by its first name.
@keras.saving.register_keras_serializable(PACKAGE, name="GrowToDrawable")
class PadToMultiple(keras.layers.Layer):
    """Grows a picture at the bottom and right to a size the network can draw:
    `nst_tf.images.padding`.

    New pixels mirror the picture as often as needed, so that any size from 1x1 up
    works. `CropToSize` undoes it.

    Args:
        multiple, minimum: of the sides that the network can draw, pixels.
    """

    def __init__(
        self, multiple: int = padding.MULTIPLE, minimum: int = padding.MINIMUM, **kwargs
    ):
        super().__init__(**kwargs)
        self.multiple, self.minimum = multiple, minimum

    def call(self, inputs):
        for axis in (1, 2):
            static = inputs.shape[axis]
            if static is not None and self._grown(static) == static:
                continue
            size = tf.shape(inputs)[axis]
            # Of positive numbers, since ONNX's division of integers truncates.
            multiples = (size + self.multiple - 1) // self.multiple
            grown = tf.maximum(multiples * self.multiple, self.minimum)
            period = tf.maximum(2 * (size - 1), 1)
            phase = tf.range(grown) % period
            index = tf.minimum(tf.minimum(phase, period - phase), size - 1)
            inputs = tf.gather(inputs, index, axis=axis)
        return inputs

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grown = [
            None if side is None else self._grown(side) for side in (height, width)
        ]
        return (batch, *grown, channels)

    def get_config(self):
        return {
            **super().get_config(),
            "multiple": self.multiple,
            "minimum": self.minimum,
        }

    def _grown(self, side):
        return padding.padded_side(side, self.multiple, self.minimum)


@keras.saving.register_keras_serializable(PACKAGE)
class CropToSize(keras.layers.Layer):
    """Crops the first input at the bottom and right to height and width of the second."""

    def call(self, inputs):
        picture, like = inputs
        size = tf.shape(like)
        cropped = picture[:, : size[1], : size[2]]
        cropped.set_shape(
            [picture.shape[0], like.shape[1], like.shape[2], picture.shape[3]]
        )
        return cropped

    def compute_output_shape(self, input_shape):
        picture, like = input_shape
        return (picture[0], like[1], like[2], picture[3])
