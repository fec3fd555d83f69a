"""Paints with networks in Keras's format by TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nst_tf.inference.runtime import Runtime

if TYPE_CHECKING:
    from nst_tf.models.style_network import StyleNetwork


class KerasNetwork(Runtime):
    """A `StyleNetwork`; one trace of each way serves every size.

    Args:
        name: of the model, for errors.
        network: with styles of its own, or of any style.
    """

    def __init__(self, name: str, network: StyleNetwork):
        import tensorflow as tf

        self.name = name
        self.styles = network.styles
        self.has_strength = network.has_strength
        image = tf.TensorSpec([1, None, None, 3])
        code = tf.TensorSpec([1, network.code_size])

        @tf.function(input_signature=[image, code, tf.TensorSpec([1, 1])])
        def transform(image, code, strength):
            drawn = network.transform(image, code, strength)
            return tf.clip_by_value(drawn, 0.0, 1.0)

        @tf.function(input_signature=[image])
        def encode(picture):
            return network.encode(picture)

        # Made here, since TensorFlow warns of many functions of one name.
        self._transform = transform.get_concrete_function()
        self._encode = None if self.styles else encode.get_concrete_function()

    def encode(self, picture):
        if self._encode is None:
            return super().encode(picture)
        return self._encode(_tensor(picture[None])).numpy()[0]

    def draw(self, image, code, strength):
        strength = np.array([[strength]], np.float32)
        inputs = (_tensor(each) for each in (image[None], code[None], strength))
        return self._transform(*inputs).numpy()[0]


def open_keras(file: Path) -> Runtime:
    """Opens a .keras file; raises as `nst_tf.models.load_network.load_network`."""
    from nst_tf.models.load_network import load_network

    return KerasNetwork(str(file), load_network(file))


def _tensor(values: np.ndarray):
    import tensorflow as tf

    return tf.constant(values)
