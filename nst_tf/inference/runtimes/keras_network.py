"""Paints with networks in Keras's format by TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nst_tf.images import padding
from nst_tf.inference.memory_check import estimate_tensorflow, find_most_pixels
from nst_tf.inference.runtimes.runtime import Runtime
from nst_tf.inference.tiles.graph import Graph

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
        self.most_pixels = find_most_pixels()
        # It owns the variables, which its functions alone would not keep alive.
        self._network = network
        image = tf.TensorSpec([1, None, None, 3])
        code = tf.TensorSpec([1, network.code_size])

        def transform(image: Any, code: Any, strength: Any) -> Any:
            drawn = network.transform(image, code, strength)
            return tf.clip_by_value(drawn, 0.0, 1.0)

        def encode(picture: Any) -> Any:
            return network.encode(picture)

        # Made here, since TensorFlow warns of many functions of one name.
        strength = tf.TensorSpec([1, 1])
        traced = tf.function(transform).get_concrete_function(image, code, strength)
        self._transform = traced
        self._encode = None
        if not self.styles:
            self._encode = tf.function(encode).get_concrete_function(image)

    @property
    def bytes_a_pixel(self) -> float:
        return estimate_tensorflow(each.shape for each in self._network.weights)

    def make_graph(self) -> Graph:
        from nst_tf.inference.tiles.tensorflow_graph import TensorFlowGraph

        sides = (padding.MULTIPLE, padding.MINIMUM)
        if not self.styles:
            sides = padding.ANY_STYLE
        return TensorFlowGraph(self.name, self._transform, "image", sides)

    def make_settings(self, code: np.ndarray, strength: float) -> dict[str, np.ndarray]:
        return {"code": code[None], "strength": np.array([[strength]], np.float32)}

    def encode(self, picture: np.ndarray) -> np.ndarray:
        if self._encode is None:
            return super().encode(picture)
        return self._encode(_tensor(picture[None])).numpy()[0]

    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        inputs = [image[None], *self.make_settings(code, strength).values()]
        return self._transform(*map(_tensor, inputs)).numpy()[0]


def open_keras(file: Path) -> Runtime:
    """Opens a .keras file; raises as `nst_tf.models.load_network.load_network`."""
    from nst_tf.models.load_network import load_network

    return KerasNetwork(str(file), load_network(file))


def _tensor(values: np.ndarray) -> Any:
    import tensorflow as tf

    return tf.constant(values)
