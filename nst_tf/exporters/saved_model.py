"""SavedModel: for TensorFlow Serving, GPUs and everything that loads TensorFlow graphs."""

import shutil
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf import files, images, networks
from nst_tf.exporters import parity

AT_LEAST = 80.0           # decibels; the same graph on the same machine draws equal pictures


def export(network: keras.Model, folder: Path, name: str) -> list[parity.Artefact]:
    """Writes `folder`/saved_model/1 with two signatures, each for batches of any size.

    serving_default: "image" uint8 [B, H, W, 3] -> "stylized" uint8 [B, H, W, 3].
    serving_float: "image" float32 RGB in [0, 1] -> "stylized" float32 in [0, 1].

    Both take "style_weights" float32 [B or 1, N] too, if the network has N styles.

    Args:
        network: RGB in [0, 1] -> about [0, 1], [B, H, W, 3]; see `networks.transform_net`.
        folder: run folder; the "1" below is the version folder that TensorFlow Serving expects.
        name: not used; the folder's name is the model's.

    Returns:
        The one artefact.

    Raises:
        UserError: the folder cannot be written.
        RuntimeError: the artefact does not draw what the network draws; it was not written.
    """
    # The variables alone are tracked, the network stays in the closure: tracking it too would store
    # every weight twice.
    module = tf.Module()
    module.parameters = [weight.value for weight in network.weights]

    @tf.function(input_signature=networks.signature(network))
    def serving_float(image, *style_weights):
        drawn = networks.draw(network, image, *style_weights)
        return {"stylized": tf.clip_by_value(drawn, 0.0, 1.0)}

    # A table, because TensorFlow replaces a division by 255 with a product, which is not always the
    # same number: now and then a pixel would be a grey level off.
    levels = images.to_float(np.arange(256, dtype=np.uint8))

    @tf.function(input_signature=networks.signature(network, tf.uint8))
    def serving_default(image, *style_weights):
        drawn = serving_float(tf.gather(levels, tf.cast(image, tf.int32)), *style_weights)["stylized"]
        return {"stylized": tf.cast(tf.round(drawn * 255.0), tf.uint8)}

    path = files.ensure_writable_folder(folder / "saved_model") / "1"
    # Beside its place, under a name that TensorFlow Serving does not take for a version: what is
    # wrong or half written never gets the name.
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".export") as scratch:
        written = Path(scratch) / "1"
        tf.saved_model.save(
            module, str(written),
            signatures={"serving_default": serving_default, "serving_float": serving_float})
        loaded = tf.saved_model.load(str(written)).signatures["serving_float"]

        def draw(**inputs):
            return loaded(**{name: tf.constant(value) for name, value in inputs.items()})["stylized"].numpy()

        decibels = parity.check(network, draw, path, AT_LEAST)
        size = sum(file.stat().st_size for file in written.rglob("*") if file.is_file())
        if path.exists():
            shutil.rmtree(path)
        written.rename(path)
    return [parity.Artefact(path, size, decibels, AT_LEAST)]
