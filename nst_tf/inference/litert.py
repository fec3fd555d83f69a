"""Opens what draws pictures (run folder, .keras, SavedModel, .tflite) as one function on photos.

Runtimes are imported when they are needed: a .tflite does without TensorFlow.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    pass


class LiteRtModel:
    """A .tflite as a function of arrays by the names of its inputs, for any of their
    shapes that it can take.

    Attributes:
        inputs: {name: LiteRT's detail}.
        outputs: LiteRT's details; a call returns the first.
        signature_outputs: their names in the signature; [] for a file without one.
    """

    def __init__(self, path: Path):
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(
            model_path=str(path), num_threads=os.cpu_count()
        )
        # The name in the signature, as far as files have one.
        self.inputs = {
            detail["name"].removeprefix("serving_default_").partition(":")[0]: detail
            for detail in self._interpreter.get_input_details()
        }
        self.outputs = self._interpreter.get_output_details()
        signature = self._interpreter.get_signature_list().get("serving_default", {})
        self.signature_outputs = signature.get("outputs", [])
        self._allocated = None

    def __call__(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        shapes = {name: value.shape for name, value in values.items()}
        if shapes != self._allocated:
            # Forgotten first: after a failure nothing is allocated.
            self._allocated = None
            for name, shape in shapes.items():
                self._interpreter.resize_tensor_input(self.inputs[name]["index"], shape)
            self._interpreter.allocate_tensors()
            self._allocated = shapes
        for name, value in values.items():
            self._interpreter.set_tensor(self.inputs[name]["index"], value)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self.outputs[0]["index"])
