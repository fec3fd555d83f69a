"""Paints with .tflite files by LiteRT, without TensorFlow."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.core.startup import filter_stderr
from nst_tf.inference.runtimes.model_file import ModelFile, Tensor, open_file
from nst_tf.inference.runtimes.runtime import Runtime
from nst_tf.inference.tiles.graph import Graph


class LiteRtModel(ModelFile):
    """A .tflite; outputs of a file without a signature are named as its tensors."""

    def __init__(self, path: Path):
        from ai_edge_litert.interpreter import Interpreter

        self.path = path
        threads = os.cpu_count()
        with filter_stderr("INFO: "):  # such as that it has made a delegate
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        details = self._interpreter.get_input_details()
        # The name in the signature, as far as files have one.
        self._indices = {
            plain_name(detail["name"]): detail["index"] for detail in details
        }
        self.inputs = {
            plain_name(detail["name"]): _read_tensor(detail) for detail in details
        }
        # Of the part that draws in any style operations depend on the size.
        self.resizable = "content" not in self.inputs
        outputs = self._interpreter.get_output_details()
        signatures = self._interpreter.get_signature_list()
        names = signatures.get("serving_default", {}).get("outputs", [])
        if len(names) != len(outputs):
            names = [detail["name"] for detail in outputs]
        self.outputs = {
            name: _read_tensor(detail) for name, detail in zip(names, outputs)
        }
        self._output = outputs[0]["index"]
        self._allocated: dict[str, tuple[int, ...]] | None = None

    def __call__(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        shapes = {name: value.shape for name, value in values.items()}
        if shapes != self._allocated:
            self._allocate(shapes)
        for name, value in values.items():
            self._interpreter.set_tensor(self._indices[name], value)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self._output)

    def open_again(self) -> ModelFile:
        return LiteRtModel(self.path)

    def make_graph(self, image: str, sides: tuple[int, int]) -> Graph | None:
        from nst_tf.inference.tiles.litert_graph import LiteRtGraph

        return LiteRtGraph(self.path, image, sides)

    def _allocate(self, shapes: dict[str, tuple[int, ...]]) -> None:
        # Forgotten first: after a failure nothing is allocated.
        self._allocated = None
        for name, shape in shapes.items():
            self._interpreter.resize_tensor_input(self._indices[name], shape)
        with filter_stderr("INFO: "):
            self._interpreter.allocate_tensors()
        self._allocated = shapes


def open_tflite(path: Path) -> Runtime:
    """Opens a .tflite; raises as `model_file.open_file`."""
    return open_file(path, LiteRtModel)


def plain_name(name: str) -> str:
    """Returns a tensor's name in the signature: "image" for "serving_default_image:0"."""
    return name.removeprefix("serving_default_").partition(":")[0]


def _read_tensor(detail: Mapping[str, Any]) -> Tensor:
    sides = [int(side) for side in detail["shape_signature"]]
    shape = tuple(None if side < 0 else side for side in sides)
    return Tensor(np.dtype(detail["dtype"]).name, shape)
