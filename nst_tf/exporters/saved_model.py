"""SavedModel: for TensorFlow Serving, GPUs and everything that loads TensorFlow graphs."""

from pathlib import Path

import keras
import tensorflow as tf

from nst_tf.exporters import parity


def export(network: keras.Model, folder: Path, name: str) -> list[str]:
    """Writes `folder`/saved_model/1 with two signatures, each for batches of any size.

    serving_default: "image" uint8 [B, H, W, 3] -> "stylized" uint8 [B, H, W, 3].
    serving_float: "image" float32 RGB in [0, 1] -> "stylized" float32 in [0, 1].

    Args:
        network: RGB in [0, 1] -> about [0, 1], [B, H, W, 3].
        folder: run folder; the "1" below is the version folder that TensorFlow Serving expects.
        name: not used; the folder's name is the model's.

    Returns:
        Lines for the user.
    """
    # The variables alone are tracked, the network stays in the closure: tracking it too would store
    # every weight twice.
    module = tf.Module()
    module.parameters = [weight.value for weight in network.weights]

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.float32, name="image")])
    def serving_float(image):
        return {"stylized": tf.clip_by_value(network(image), 0.0, 1.0)}

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8, name="image")])
    def serving_default(image):
        drawn = serving_float(tf.cast(image, tf.float32) / 255.0)["stylized"]
        return {"stylized": tf.cast(tf.round(drawn * 255.0), tf.uint8)}

    path = folder / "saved_model" / "1"
    tf.saved_model.save(
        module, str(path),
        signatures={"serving_default": serving_default, "serving_float": serving_float})
    loaded = tf.saved_model.load(str(path)).signatures["serving_float"]
    decibels = parity.check(
        network, lambda photo: loaded(image=tf.constant(photo))["stylized"].numpy(), str(path),
        at_least=80.0)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return [f"wrote {path.parent} ({size / 1e6:.1f} MB, {parity.text(decibels)})"]
