"""Paints with SavedModels by TensorFlow."""

from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.images import padding
from nst_tf.inference import check_card
from nst_tf.inference.memory_check import estimate_tensorflow, find_most_pixels
from nst_tf.inference.runtimes.runtime import BLENDS, STRENGTHS, Runtime, blend_inputs
from nst_tf.inference.tiles.graph import Graph


class _SavedModel(Runtime):
    """What all SavedModels have in common.

    Args:
        path: of the folder.
        loaded: by TensorFlow.
        signature: the one that paints.
    """

    image = "image"  # the input that is the photo
    sides = (padding.MULTIPLE, padding.MINIMUM)  # multiple and minimum, pixels

    def __init__(self, path: Path, loaded: Any, signature: str):
        self.name = str(path)
        # It owns the variables, which its signatures alone would not keep alive.
        self._loaded = loaded
        self._signature = loaded.signatures[signature]
        self.most_pixels = find_most_pixels()

    @property
    def bytes_a_pixel(self) -> float:
        return estimate_tensorflow(each.shape for each in self._signature.variables)

    def make_graph(self) -> Graph:
        from nst_tf.inference.tiles.tensorflow_graph import TensorFlowGraph

        return TensorFlowGraph(self.name, self._signature, self.image, self.sides)

    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        inputs = {self.image: image[None], **self.make_settings(code, strength)}
        return _call(self._signature, inputs)["stylized"].numpy()[0]


class SavedModelNetwork(_SavedModel):
    """A SavedModel of a network with styles of its own."""

    def __init__(self, path: Path, loaded: Any):
        if "serving_float" not in loaded.signatures:
            found = ", ".join(loaded.signatures) or "none"
            raise ValueError(f"it has no signature serving_float, only {found}")
        super().__init__(path, loaded, "serving_float")
        inputs = self._signature.structured_input_signature[1]
        self._blend = next((name for name in BLENDS if name in inputs), None)
        self.has_strength = self._blend == STRENGTHS
        self.styles = inputs[self._blend].shape[1] if self._blend else 1

    def make_settings(self, code: np.ndarray, strength: float) -> dict[str, np.ndarray]:
        return blend_inputs(self._blend, code, strength)


class AnyStyleSavedModel(_SavedModel):
    """A SavedModel of a network of any style."""

    styles = 0
    has_strength = True
    image = "content"
    sides = padding.ANY_STYLE

    def __init__(self, path: Path, loaded: Any):
        super().__init__(path, loaded, "transform")

    def encode(self, picture: np.ndarray) -> np.ndarray:
        signature = self._loaded.signatures["encode_style"]
        return _call(signature, {"style": picture[None]})["code"].numpy()[0]

    def make_settings(self, code: np.ndarray, strength: float) -> dict[str, np.ndarray]:
        return {"code": code[None], "alpha": np.array([[strength]], np.float32)}


def open_saved_model(path: Path) -> Runtime:
    """Opens the folder of a SavedModel.

    A SavedModel is a program: open only those that you trust.

    Raises:
        UserError: a file is not the one that its card describes.
        ValueError: it does not paint; TensorFlow raises others on damaged files.
    """
    import tensorflow as tf

    check_card.check(path)
    loaded = tf.saved_model.load(str(path))
    if {"encode_style", "transform"} <= set(loaded.signatures):
        return AnyStyleSavedModel(path, loaded)
    return SavedModelNetwork(path, loaded)


def _call(signature: Any, inputs: dict[str, np.ndarray]) -> Any:
    import tensorflow as tf

    return signature(**{name: tf.constant(value) for name, value in inputs.items()})
