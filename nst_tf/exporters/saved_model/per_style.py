"""SavedModel: for TensorFlow Serving, GPUs and everything that loads TensorFlow graphs."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.core import files
from nst_tf.exporters import parity
from nst_tf.exporters.saved_model import (
    image_bytes as saved_model_image_bytes,
    serving_files,
)
from nst_tf.images import io as image_io
from nst_tf.models import transform_net

AT_LEAST = 80.0  # decibels; the same graph on the same machine draws equal pictures


def export(network: keras.Model, folder: Path, name: str) -> list[parity.Artifact]:
    """Writes `folder`/saved_model/1 with three signatures, each for batches of any size.

    serving_default: "image" uint8 [B, H, W, 3] -> "stylized" uint8 [B, H, W, 3].
    serving_float: "image" float32 RGB in [0, 1] -> "stylized" float32 in [0, 1].
    serving_bytes: "image_bytes" string [B], JPEG, PNG, WebP, BMP or GIF of any sizes ->
        "stylized_bytes" string [B], JPEG, and "error" string [B]; see
        `image_bytes.paint_each` for what is read and what an error is.

    All take "style_weights" or "strengths" float32 [B or 1, N] too, if the network
    does; see `transform_net.transform_net`.

    Args:
        network: RGB in [0, 1] -> about [0, 1], [B, H, W, 3]; see
            `transform_net.transform_net`.
        folder: run folder; the "1" below is the version folder that TensorFlow Serving
            expects.
        name: not used; the folder's name is the model's.

    Returns:
        The one artifact.

    Raises:
        UserError: the folder cannot be written.
        RuntimeError: the artifact does not draw what the network draws; it was not
            written.
    """
    module = variables_of(network)

    @tf.function(input_signature=transform_net.signature(network))
    def serving_float(image, *style_weights):
        drawn = transform_net.draw(network, image, *style_weights)
        return {"stylized": tf.clip_by_value(drawn, 0.0, 1.0)}

    @tf.function(input_signature=transform_net.signature(network, tf.uint8))
    def serving_default(image, *style_weights):
        return {
            "stylized": to_bytes(
                serving_float(from_bytes(image), *style_weights)["stylized"]
            )
        }

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None], tf.string, name="image_bytes"),
            *transform_net.signature(network)[1:],
        ],
    )
    def serving_bytes(image_bytes, *style_weights):
        return saved_model_image_bytes.paint_each(
            lambda image, *blend: serving_default(image, *blend)["stylized"],
            {"image_bytes": image_bytes},
            *style_weights,
        )

    def check(loaded, path):
        return parity.check(
            network,
            lambda **inputs: run(loaded, "serving_float", "stylized", **inputs),
            path,
            AT_LEAST,
        )

    rgb8, jpeg = serving_files.photo()
    blend_name = transform_net.blend_name(network)
    blend = (
        {blend_name: np.eye(1, transform_net.styles_of(network), dtype=np.float32)}
        if blend_name
        else {}
    )
    return [
        written(
            module,
            {
                "serving_default": serving_default,
                "serving_float": serving_float,
                "serving_bytes": serving_bytes,
            },
            folder,
            check,
            {
                "serving_default": {"image": rgb8, **blend},
                "serving_bytes": {"image_bytes": jpeg, **blend},
            },
        )
    ]


def run(
    loaded: tf.Module, signature: str, output: str, **inputs: np.ndarray
) -> np.ndarray:
    """Returns one output of a loaded SavedModel's signature for inputs by name."""
    tensors = {name: tf.constant(value) for name, value in inputs.items()}
    return loaded.signatures[signature](**tensors)[output].numpy()


def written(
    module: tf.Module,
    signatures: Mapping[str, Callable],
    folder: Path,
    check: Callable[[tf.Module, Path], parity.Likeness],
    warm_up: serving_files.Requests,
) -> parity.Artifact:
    """Writes `folder`/saved_model/1, if it passes a check; an older one is replaced.

    Args:
        module: tracks the variables.
        signatures: {name: `tf.function` with an input signature}.
        folder: run folder.
        check: (what was loaded from disk, its path for the error) -> likeness, as
            `parity.check`.
        warm_up: requests for TensorFlow Serving to begin with.

    Raises:
        UserError: the folder cannot be written.
        RuntimeError: the check's.
    """
    path = files.ensure_writable_folder(folder / "saved_model") / "1"
    # Beside its place, under a name that TensorFlow Serving does not take for a
    # version: what is wrong or half written never gets the name.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export") as scratch:
        unchecked = Path(scratch) / "1"
        tf.saved_model.save(module, str(unchecked), signatures=dict(signatures))
        likeness = check(tf.saved_model.load(str(unchecked)), path)
        serving_files.write_warm_up(unchecked, warm_up)
        size = sum(
            file.stat().st_size for file in unchecked.rglob("*") if file.is_file()
        )
        if path.exists():
            shutil.rmtree(path)
        unchecked.rename(path)
    return parity.Artifact(path, size, likeness, AT_LEAST)


def variables_of(network: keras.Model) -> tf.Module:
    """Returns a module with a network's variables alone.

    The network itself stays in the signatures' closures: tracking it too would store
    every weight twice.
    """
    module = tf.Module()
    module.parameters = [weight.value for weight in network.weights]
    return module


def from_bytes(image: tf.Tensor) -> tf.Tensor:
    """Returns uint8 values as float32 in [0, 1].

    From a table, because TensorFlow replaces a division by 255 with a product, which is
    not always the same number: now and then a pixel would be a gray level off.
    """
    return tf.gather(
        image_io.to_float(np.arange(256, dtype=np.uint8)), tf.cast(image, tf.int32)
    )


def to_bytes(image: tf.Tensor) -> tf.Tensor:
    """Returns float32 values in [0, 1] as uint8."""
    return tf.cast(tf.round(image * 255.0), tf.uint8)
