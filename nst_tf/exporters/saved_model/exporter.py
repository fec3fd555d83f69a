"""SavedModel: for TensorFlow Serving, GPUs and everything that loads TensorFlow graphs."""

import functools
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.core import files
from nst_tf.exporters import network_inputs, parity
from nst_tf.exporters.exporter import Exporter, format_tensor, hash_files
from nst_tf.exporters.saved_model import any_style, per_style, serving_files
from nst_tf.inference import latency

AT_LEAST = 80.0  # decibels; the same graph on the same machine draws equal pictures


class SavedModelExporter(Exporter):
    """Writes FOLDER/saved_model/1; TensorFlow Serving expects the version "1".

    Its signatures, each for batches of any size, are those of `per_style.signatures` or
    `any_style.signatures`.
    """

    name = "saved_model"
    at_least = AT_LEAST

    def export(
        self, network: keras.Model, folder: Path, name: str
    ) -> list[parity.Artifact]:
        """Writes the one artifact; `name` is not used: the folder's is the model's."""
        any_kind = network_inputs.is_any_style(network)
        kind = any_style if any_kind else per_style
        # At no larger size: what it draws with are the network's own operations.
        references = parity.draw_all_sizes(network)
        path = folder / "saved_model" / "1"
        # A hidden folder beside its place is no version for TensorFlow Serving.
        with files.replace_folder(path) as scratch:
            tf.saved_model.save(
                _module_of_variables(network),
                str(scratch),
                signatures=kind.signatures(network),
            )
            loaded = tf.saved_model.load(str(scratch))
            likeness = min(
                parity.compare(references, draw, path, AT_LEAST)
                for draw in _ways_to_draw(loaded)
            )
            serving_files.write_warm_up(scratch, kind.warm_up_requests(network))
            written = [file for file in scratch.rglob("*") if file.is_file()]
            size = sum(file.stat().st_size for file in written)
        return [parity.Artifact(path, size, likeness, AT_LEAST, self.name)]

    def open(self, path: Path) -> Callable[..., np.ndarray]:
        """Opens the signature in float32."""
        return _ways_to_draw(tf.saved_model.load(str(path)))[0]

    def describe(self, path: Path) -> dict:
        """Returns latency, hashes of all files, inputs and outputs of all signatures."""
        described = {}
        for name, signature in tf.saved_model.load(str(path)).signatures.items():
            described[name] = {
                "inputs": _format(signature.structured_input_signature[1]),
                "outputs": _format(signature.structured_outputs),
            }
        return {
            "latency": latency.here(path),
            "sha256": hash_files(path),
            "signatures": described,
        }


def _ways_to_draw(loaded):
    """Functions of a loaded SavedModel that draw the same picture."""

    def run(signature, output="stylized", **inputs):
        tensors = {name: tf.constant(value) for name, value in inputs.items()}
        return loaded.signatures[signature](**tensors)[output].numpy()

    if "encode_style" not in loaded.signatures:
        return [functools.partial(run, "serving_float")]

    def draw_in_two_steps(content, style, alpha):
        code = run("encode_style", "code", style=style)
        return run("transform", content=content, code=code, alpha=alpha)

    return [functools.partial(run, "stylize"), draw_in_two_steps]


def _module_of_variables(network):
    """The network itself stays in the signatures' closures: tracking it too would store
    every weight twice.
    """
    module = tf.Module()
    module.parameters = [weight.value for weight in network.weights]
    return module


def _format(tensors):
    # TensorFlow's order changes from load to load.
    return {
        name: format_tensor(spec.dtype.name, spec.shape)
        for name, spec in sorted(tensors.items())
    }
