"""Paints with .onnx files by ONNX Runtime on the CPU, without TensorFlow."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.core.packages import import_package
from nst_tf.inference.runtimes.model_file import ModelFile, Tensor, open_file
from nst_tf.inference.runtimes.runtime import Runtime

FATAL = 4  # of ONNX Runtime's log, which repeats what it raises otherwise
_TYPES = {"tensor(float)": "float32", "tensor(double)": "float64"}


class OnnxModel(ModelFile):
    """An .onnx.

    Args:
        path: of the file.
        threads: None for as many as the processor has.
        data: the file's contents, if it is not written yet.
    """

    def __init__(
        self, path: Path, threads: int | None = None, data: bytes | None = None
    ):
        runtime = import_package(
            "onnxruntime", "onnxruntime, which runs .onnx files", "onnx"
        )
        self.path, self._threads, self._data = path, threads, data
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads or os.cpu_count() or 1
        options.log_severity_level = FATAL
        self._session = runtime.InferenceSession(
            data or str(path), options, providers=["CPUExecutionProvider"]
        )
        self.inputs = {
            each.name: _read_tensor(each) for each in self._session.get_inputs()
        }
        self.outputs = {
            each.name: _read_tensor(each) for each in self._session.get_outputs()
        }

    def __call__(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        return self._session.run(list(self.outputs)[:1], dict(values))[0]

    def open_again(self) -> ModelFile:
        return OnnxModel(self.path, self._threads, self._data)


def open_onnx(path: Path) -> Runtime:
    """Opens an .onnx; raises as `model_file.open_file`."""
    return open_file(path, OnnxModel)


def _read_tensor(value: Any) -> Tensor:
    # A side that can be set has a name, or none.
    shape = tuple(side if isinstance(side, int) else None for side in value.shape)
    return Tensor(_TYPES.get(value.type, value.type), shape)
