"""Opens whatever draws pictures (run folder, .keras, SavedModel, .tflite) as one function: photo to photo.

Runtimes are imported when they are needed: a .tflite does without TensorFlow.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nst_tf import padding
from nst_tf.errors import UserError, expected

Artifact = Callable[[np.ndarray], np.ndarray]


def open_artifact(model: str | os.PathLike) -> Artifact:
    """Opens a model by its path.

    Args:
        model: a run folder, a .keras file, a SavedModel (its folder, or the folder of its versions),
            or a .tflite file.

    Returns:
        A function from float32 [H, W, 3] RGB in [0, 1] to the stylised photo of the same shape, in
        [0, 1], for any H and W from 1 up.

    Raises:
        UserError: nothing there that draws pictures, or a damaged file.
    """
    path = Path(model)
    try:
        if path.suffix == ".tflite" and path.is_file():
            return _open_tflite(path)
        if path.suffix == ".keras" and path.is_file():
            return _open_keras(path)
        if (path / "network.keras").is_file():
            return _open_keras(path / "network.keras")
        if saved := _saved_model_folder(path):
            return _open_saved_model(saved)
    except (OSError, ValueError, RuntimeError, KeyError, AttributeError) as error:
        raise expected(
            "a model that can be opened", f"{path} ({(str(error).splitlines() or ['damaged'])[0]})",
            "Export or train it again.") from error
    if (path / "run.json").is_file():
        raise UserError(
            f"Expected a finished run. Received: {path}, which has no network.keras. Let it finish with "
            f"`python -m nst_tf.train --flagfile={path / 'run.flags'} --resume`.")
    raise expected(
        "a run folder, a .keras file, a SavedModel folder or a .tflite file", str(path),
        "Check --model.")


def _open_keras(path: Path) -> Artifact:
    import keras

    from nst_tf import networks  # noqa: F401  registers the layers that the file names

    return _relaxed(keras.saving.load_model(path, compile=False))


def _open_saved_model(path: Path) -> Artifact:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures["serving_float"]

    def draw(photo: np.ndarray) -> np.ndarray:
        # `loaded` owns the variables: the closure keeps it alive.
        assert loaded is not None
        return signature(image=tf.constant(photo[None]))["stylized"].numpy()[0]

    return draw


def _relaxed(network) -> Artifact:
    """One trace serves every size."""
    import tensorflow as tf

    function = tf.function(
        lambda photo: tf.clip_by_value(network(photo), 0.0, 1.0),
        input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)])
    return lambda photo: function(tf.constant(photo[None])).numpy()[0]


def _open_tflite(path: Path) -> Artifact:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count())
    details = interpreter.get_input_details()[0]
    if list(details["shape"][[0, 3]]) != [1, 3] or details["dtype"] != np.float32:
        raise ValueError(f"its input is {details['dtype'].__name__} {details['shape'].tolist()}")

    def draw(photo: np.ndarray) -> np.ndarray:
        height, width = photo.shape[:2]
        grown = padding.grow(photo)[None]
        if tuple(interpreter.get_input_details()[0]["shape"]) != grown.shape:
            interpreter.resize_tensor_input(details["index"], grown.shape)
        runner = interpreter.get_signature_runner()
        return runner(image=grown)["stylized"][0, :height, :width]

    return draw


def _saved_model_folder(path: Path) -> Path | None:
    if (path / "saved_model.pb").is_file():
        return path
    versions = [folder for folder in path.glob("*") if folder.name.isdigit()
                and (folder / "saved_model.pb").is_file()]
    return max(versions, key=lambda folder: int(folder.name), default=None)
