"""ONNX: for ONNX Runtime, and all runtimes and tools that read its files."""

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np

from nst_tf.core import files
from nst_tf.core.packages import import_package
from nst_tf.exporters import network_inputs, parity
from nst_tf.exporters.converters import describe_packages
from nst_tf.exporters.exporter import Exporter, format_tensor
from nst_tf.inference import latency
from nst_tf.inference.runtimes.model_file import ModelFile
from nst_tf.inference.runtimes.onnx import OnnxModel

AT_LEAST = 80.0  # decibels, of files that compute in float32


class OnnxExporter(Exporter):
    """Writes FOLDER/onnx/NAME.onnx, of any style NAME_style.onnx and NAME_transform.onnx.

    See `conversion.functions_of` for what they take and give: batches of pictures of
    any size.

    Attributes:
        variants: {what follows the part in a file's name: least decibels to the network}.
        suffix: of a file.
    """

    name = "onnx"
    variants: ClassVar[dict[str, float]] = {"": AT_LEAST}
    suffix: ClassVar[str] = ".onnx"

    def check(self, network: keras.Model) -> None:
        super().check(network)
        # Before another format is written.
        self.check_machine()

    def check_machine(self) -> None:
        import_package("tf2onnx", "tf2onnx, which writes .onnx files", "onnx")
        import_package("onnxruntime", "onnxruntime, which runs .onnx files", "onnx")

    def export(
        self, network: keras.Model, folder: Path, name: str
    ) -> list[parity.Artifact]:
        # tf2onnx is an extra.
        from nst_tf.exporters.onnx import conversion

        references = parity.draw_all_sizes(network)
        large, left_out = parity.draw_large(network)
        artifacts, encoders = [], {}
        for part, function in conversion.functions_of(network).items():
            data = conversion.convert(function)
            for variant, at_least in self.variants.items():
                path = folder / self.name / f"{name}{part}{variant}{self.suffix}"
                with tempfile.TemporaryDirectory() as scratch:
                    own = Path(scratch) / path.name
                    self.write_file(data, own, variant)
                    file = self.open_file(own)
                    if part == "_style":
                        encoders[variant] = file
                        draw = _draw_exactly(network, file)
                    else:
                        draw = _draw_with(file, encoders.get(variant))
                    shown = references if part == "_style" else references + large
                    likeness = parity.compare(shown, draw, path, at_least)
                    likeness = dataclasses.replace(likeness, left_out=left_out)
                    written = sorted(Path(scratch).iterdir())
                    size = sum(each.stat().st_size for each in written)
                    for each in written:
                        files.write_atomically(
                            path.with_name(each.name), each.read_bytes(), overwrite=True
                        )
                artifacts.append(
                    parity.Artifact(path, size, likeness, at_least, self.name)
                )
        return artifacts

    def write_file(self, data: bytes, path: Path, variant: str) -> None:
        """Writes a variant of a network in ONNX; what belongs to it lies beside it."""
        path.write_bytes(data)

    def open_file(self, path: Path) -> ModelFile:
        """Opens a file."""
        return OnnxModel(path)

    def open(self, path: Path) -> Callable[..., np.ndarray]:
        """Opens one file; of a network of any style that is one of its two parts."""
        file = self.open_file(path)
        return lambda **inputs: file(inputs)

    def describe(self, path: Path) -> dict:
        """Returns latency, hashes, operations, inputs and outputs, and what ran the file."""
        file = self.open_file(path)
        return {
            "latency": latency.here(path),
            **self.describe_contents(path),
            "inputs": _format(file.inputs),
            "outputs": _format(file.outputs),
        }

    def describe_contents(self, path: Path) -> dict:
        """Returns what differs from format to format."""
        import onnx

        model = onnx.load(path)
        counted = Counter(node.op_type for node in model.graph.node)
        return {
            "sha256": files.sha256(path),
            "opset": model.opset_import[0].version,
            "operations": dict(sorted(counted.items())),
            "made_and_run_by": describe_packages("tf2onnx", "onnx", "onnxruntime"),
        }


def _draw_with(file, encoder):
    """An opened file as a function of the inputs of `parity.Reference`."""
    if encoder is None:
        return lambda **inputs: file(inputs)

    def draw(content, style, alpha):
        code = encoder({"style": style})
        return file({"content": content, "code": code, "alpha": alpha})

    return draw


def _draw_exactly(network, encoder):
    """The same of the network itself, with codes from an opened file."""
    transform = network_inputs.parts_of(network).transform

    def draw(content, style, alpha):
        code = encoder({"style": style})
        return np.clip(transform([content, code, alpha]), 0.0, 1.0)

    return draw


def _format(tensors):
    return {
        name: format_tensor(tensor.dtype, tensor.shape)
        for name, tensor in tensors.items()
    }
