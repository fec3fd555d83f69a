"""Paints by OpenVINO on the CPU, without TensorFlow: with its own .xml, and by its front
ends with .onnx, .tflite and SavedModels.
"""

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.core.packages import import_package
from nst_tf.inference.runtimes.litert import plain_name
from nst_tf.inference.runtimes.model_file import ModelFile, Tensor, open_file
from nst_tf.inference.runtimes.runtime import Runtime

FLOAT32, BFLOAT16 = "f32", "bf16"  # OpenVINO's names of what it computes in
PACKAGE = ("openvino", "openvino, which runs its .xml files", "openvino")
# Where a file of ours says which of them it is for.
PRECISION = ["nst_tf", "precision"]
_TYPES = {"f32": "float32", "f64": "float64", "u8": "uint8"}


class OpenVinoModel(ModelFile):
    """A model that OpenVINO reads; of a SavedModel its signature `serving_default`.

    Args:
        path: an .xml with its .bin beside it, an .onnx, a .tflite, or the folder of a
            SavedModel's version.
        threads: None for as many as the processor has.
        precision: `FLOAT32` or `BFLOAT16`; None for the file's own, else float32.

    Attributes:
        precision: what it computes in; asked for bfloat16, a processor that does not
            know it computes in float32.
    """

    def __init__(
        self, path: Path, threads: int | None = None, precision: str | None = None
    ):
        openvino = import_package(*PACKAGE)
        core = open_core()
        self.path, self._threads, self._asked = path, threads, precision
        try:
            model = core.read_model(str(path))
        except RuntimeError as error:
            raise ValueError(_find_reason(error)) from error
        wanted = precision or FLOAT32
        if precision is None and model.has_rt_info(PRECISION):
            wanted = model.get_rt_info(PRECISION).astype(str)
        if path.suffix == ".tflite" and not model.inputs[0].partial_shape.is_dynamic:
            self.resizable = True
            sizes = {each: _free_sides(each) for each in model.inputs}
            model.reshape(
                {each: openvino.PartialShape(size) for each, size in sizes.items()}
            )
        self.inputs = {_name_of(each): _read_tensor(each) for each in model.inputs}
        self.outputs = {_name_of(each): _read_tensor(each) for each in model.outputs}
        self._places = {name: place for place, name in enumerate(self.inputs)}
        compiled = core.compile_model(
            model,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": wanted,
                "INFERENCE_NUM_THREADS": threads or os.cpu_count() or 1,
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        self.precision = BFLOAT16 if used in ("bf16", "bfloat16") else FLOAT32
        self._request = compiled.create_infer_request()

    def __call__(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        places = {self._places[name]: value for name, value in values.items()}
        # A copy, since the next call writes into the same memory.
        return np.array(self._request.infer(places)[0])

    def open_again(self) -> ModelFile:
        return OpenVinoModel(self.path, self._threads, self._asked)


@functools.cache
def open_core() -> Any:
    """Returns the process's one `openvino.Core`.

    On a processor with AMX each core that compiles sets up a stack for signals, and puts
    the one before back when it goes. After two that went in the order in which they came
    that stack is no longer there, and Ctrl-C ended the process with a segmentation fault.
    """
    return import_package(*PACKAGE).Core()


def open_openvino(path: Path) -> Runtime:
    """Opens a file or folder that OpenVINO reads; raises as `model_file.open_file`."""
    return open_file(path, OpenVinoModel)


def _find_reason(error: RuntimeError) -> str:
    """Returns the line that says what is wrong; OpenVINO's first ones say where it was found."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith("Exception from")]
    return said[0] if said else "OpenVINO cannot read it"


def _name_of(port: Any) -> str:
    return plain_name(port.get_any_name())


def _read_tensor(port: Any) -> Tensor:
    kind = port.element_type.get_type_name()
    shape = tuple(
        None if side.is_dynamic else int(side.get_length())
        for side in port.partial_shape
    )
    return Tensor(_TYPES.get(kind, kind), shape)


def _free_sides(port: Any) -> list[int]:
    sides = [int(side.get_length()) for side in port.partial_shape]
    return [sides[0], -1, -1, sides[3]] if len(sides) == 4 else sides
