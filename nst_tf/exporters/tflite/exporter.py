"""TFLite: for phones, browsers and machines without TensorFlow, run by LiteRT."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.exporters import network_inputs, parity
from nst_tf.exporters.exporter import Exporter, format_tensor
from nst_tf.exporters.tflite import any_style, conversion, per_style
from nst_tf.images import padding
from nst_tf.inference import latency

# What the guide of TensorFlow Lite's GPU delegate lists
# (tensorflow.org/lite/performance/gpu_advanced); drivers run more.
GPU_DELEGATE = frozenset(
    (
        "ADD",
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "EXP",
        "FULLY_CONNECTED",
        "LOGISTIC",
        "LSTM",
        "MAX_POOL_2D",
        "MAXIMUM",
        "MINIMUM",
        "MUL",
        "PAD",
        "PRELU",
        "RELU",
        "RELU6",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "SOFTMAX",
        "STRIDED_SLICE",
        "SUB",
        "TRANSPOSE_CONV",
    )
)


class TfliteExporter(Exporter):
    """Writes FOLDER/tflite/NAME*.tflite; see `per_style.PerStyleFiles` and
    `any_style.AnyStyleFiles` for what they take and give.
    """

    name = "tflite"
    options = ("sides",)

    def export(
        self,
        network: keras.Model,
        folder: Path,
        name: str,
        *,
        sides: Sequence[int] = (),
    ) -> list[parity.Artifact]:
        """Writes all files of any size, then those of fixed ones.

        Args:
            network, folder, name: as for every exporter.
            sides: pixels, of files that have this size as written; empty for none, or
                for `any_style.SIDES`.

        Raises:
            UserError: the folder cannot be written, or a side that the network cannot
                draw.
            RuntimeError: as every exporter.
        """
        source = files_of(network, sides)

        def path_of(suffix):
            return folder / "tflite" / f"{name}{suffix}.tflite"

        references = parity.draw_all_sizes(network)
        large, left_out = parity.draw_large(network)
        artifacts = [
            self._write(file, references, large, left_out)
            for file in source.make(path_of, None)
        ]
        for side in sides or source.sides:
            # The same weights again: two photos show whether the size is right.
            references = parity.draw_references(network, (side, side), range(2))
            for file in source.make(path_of, side):
                artifacts.append(self._write(file, references))
        return artifacts

    def _write(self, file, references, large=(), left_out=""):
        """Writes a `conversion.File` that passes the check."""
        path, data = file.path, file.data
        floors = file.at_least, file.large_at_least
        if file.large_at_least:
            references = [*references, *large]
        likeness = parity.compare(references, file.draw, path, *floors)
        if file.large_at_least:
            likeness = dataclasses.replace(likeness, left_out=left_out)
        files.write_atomically(path, data, overwrite=True)
        return parity.Artifact(path, len(data), likeness, file.at_least, self.name)

    def open(self, path: Path) -> Callable[..., np.ndarray]:
        """Opens one file; of a network of any style that is one of its two parts."""
        return conversion.open_checked(path.read_bytes(), path)

    def describe(self, path: Path) -> dict:
        """Returns latency, hash, operations, inputs and outputs of a file."""
        return {
            "latency": latency.here(path),
            "sha256": files.sha256(path),
            **describe_contents(path),
        }


def files_of(
    network: keras.Model, sides: Sequence[int] = ()
) -> per_style.PerStyleFiles | any_style.AnyStyleFiles:
    """Returns what converts a network.

    Raises:
        UserError: one of `sides` would have to be padded.
    """
    any_kind = network_inputs.is_any_style(network)
    kind = any_style.AnyStyleFiles if any_kind else per_style.PerStyleFiles
    multiple, minimum = kind.multiples
    for side in sides:
        if (suitable := padding.padded_side(side, multiple, minimum)) != side:
            raise expected(
                f"--sizes that are multiples of {multiple} and at least {minimum}",
                side,
                f"Try {suitable}.",
            )
    return kind(network)


def describe_contents(path: Path) -> dict:
    """Returns a file's operations, inputs and outputs, for JSON."""
    # Not allocated: a file of any size has none yet.
    interpreter = Interpreter(model_path=str(path))
    # LiteRT has no public list of a file's operations. DELEGATE stands for those that
    # XNNPACK took over.
    details = interpreter._get_ops_details()
    operations = Counter(op["op_name"] for op in details)
    operations.pop("DELEGATE", None)
    types = {
        tensor["index"]: tensor["dtype"] for tensor in interpreter.get_tensor_details()
    }
    integer = Counter()
    for op in details:
        ends = (*op["inputs"][:1], *op["outputs"])
        if all(types.get(index) is np.int8 for index in ends):
            integer[op["op_name"]] += 1
    described = {"operations": dict(sorted(operations.items()))}
    if integer:
        # All others are in float32.
        described["operations_in_8_bits"] = dict(sorted(integer.items()))
    signature = interpreter.get_signature_runner()
    return {
        **described,
        "gpu_delegate": {
            "not_in_the_published_list": sorted(set(operations) - GPU_DELEGATE),
            "run": "not on a GPU",
        },
        "inputs": _format(signature.get_input_details()),
        "outputs": _format(signature.get_output_details()),
    }


def _format(tensors):
    return {
        name: format_tensor(detail["dtype"].__name__, detail["shape_signature"])
        for name, detail in tensors.items()
    }
