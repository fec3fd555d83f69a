"""Opens models by path or by name, in whichever runtime they need.

Runtimes are imported when they are needed: a .tflite does without TensorFlow.
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from nst_tf.config.painting.stylize import EXACT
from nst_tf.config.registries import MODEL_FILES
from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.core.lists import split_list
from nst_tf.core.memory import AUTO, parse_memory
from nst_tf.images.io import MAX_PIXELS
from nst_tf.inference import check_card
from nst_tf.inference.model import STYLE_SIZE, Model
from nst_tf.inference.published import find_published
from nst_tf.inference.runtimes.runtime import Runtime
from nst_tf.inference.style_names import label_styles
from nst_tf.inference.tiles.any_size import AnySize
from nst_tf.runs.folder import RunFolder

if TYPE_CHECKING:
    from nst_tf.models.style_network import StyleNetwork

REMEDY = "Export or train it again."
RUNTIMES = ("tensorflow", "keras", "ai_edge_litert", "nst_tf")
KINDS = (
    "a published model's name, a run folder, a .keras file, a SavedModel folder, a .tflite file, "
    "an .onnx file or OpenVINO's .xml"
)

# Of a folder of exports, in which files are looked for in this order.
FOLDERS = {"tflite": ".tflite", "onnx": ".onnx", "openvino": ".xml"}


def load_model(
    model: str | os.PathLike[str],
    *,
    style_size: int = STYLE_SIZE,
    max_pixels: int = MAX_PIXELS,
    memory: str = AUTO,
    moments: str = EXACT,
) -> Model:
    """Opens a model to paint with.

    Args:
        model: a published model's name (`nst models` lists them), a run folder, a
            .keras file, a SavedModel (its folder, or the folder of its versions, of
            which the highest is taken), a folder of exports, or a .tflite, .onnx or
            OpenVINO's .xml file; of a pair for any style, one of both.
        style_size: short side of style pictures at most, pixels, for models of any
            style.
        max_pixels: style pictures with more pixels are refused.
        memory: what this process may hold, such as "2GB": larger photos are painted in
            bands. "auto" is what the machine or its container has.
        moments: of photos that are painted in bands: "exact" gives the whole's painting;
            "sampled" is a few times as fast, and a little different.

    Returns:
        A `Model`, for photos of any size from 1x1 up.

    Raises:
        UserError: nothing there that paints, a damaged file, or one that is not as the
            card beside it says.
    """
    path = _find_path(model)
    opened = _open_runtime(find_artifact(path))
    runtime = AnySize(opened, parse_memory(memory), moments)
    names = _find_style_names(path, runtime.styles)
    return Model(runtime, names, style_size, max_pixels)


def find_artifact(model: str | os.PathLike[str]) -> Path:
    """Returns what would be opened: a file of `MODEL_FILES`, a .keras or the folder of a SavedModel.

    It opens nothing and imports no runtime: what is no model is refused at once.

    Args:
        model: as for `load_model`.

    Raises:
        UserError: nothing there that paints.
    """
    path = _find_path(model)
    if path.suffix in MODEL_FILES and path.is_file():
        return path
    file = keras_file(path)
    if file and not zipfile.is_zipfile(file):
        raise expected(
            "a model that can be opened", f"{file} (not Keras's format)", REMEDY
        )
    found = file or saved_model_folder(path) or _find_exported_file(path)
    if found is None:
        raise nothing(path, KINDS)
    return found


def open_network(model: str | os.PathLike[str]) -> StyleNetwork:
    """Opens a trained network itself, which can be exported.

    Args:
        model: a run folder or a .keras file.

    Raises:
        UserError: no network there, a damaged file, or a network that does not draw
            pictures.
    """
    file = find_network(model)
    with opening(file):
        from nst_tf.models.load_network import load_network

        return load_network(file)


def find_network(model: str | os.PathLike[str]) -> Path:
    """Returns the .keras file of a run folder or a path, as `find_artifact`.

    Raises:
        UserError: there is none.
    """
    if keras_file(Path(model)) is None:
        raise nothing(Path(model), "a run folder or a .keras file")
    return find_artifact(model)


def _find_path(model: str | os.PathLike[str]) -> Path:
    path = Path(model)
    return path if path.exists() else find_published(os.fspath(model)) or path


def _open_runtime(artifact: Path) -> Runtime:
    with opening(artifact):
        if artifact.is_dir():
            from nst_tf.inference.runtimes.saved_model import open_saved_model

            return open_saved_model(artifact)
        if artifact.suffix == ".keras":
            from nst_tf.inference.runtimes.keras_network import open_keras

            return open_keras(artifact)
        return MODEL_FILES[artifact.suffix](artifact)


def _find_exported_file(path: Path) -> Path | None:
    """Returns a file in a folder of exports, the smallest of any size of the first kind
    that it has; None if it has none.
    """
    for folder, suffix in FOLDERS.items():
        files = [
            file
            for file in path.glob(f"{folder}/*{suffix}")
            if not any(part.isdecimal() for part in file.stem.split("_"))
        ]
        if files:
            return min(files, key=lambda file: file.stat().st_size)
    return None


def _find_style_names(path: Path, count: int) -> list[str]:
    """Returns the names of a model's own styles: by its card, by its run, or numbers."""
    if not count:
        return []
    folders = [path, *list(path.absolute().parents)[:2]]
    for folder in folders:
        names = _read_names(folder)
        if len(names) == count:
            return names
    return label_styles("", count)


def _read_names(folder: Path) -> list[str]:
    card = folder / check_card.CARD
    try:
        if card.is_file():
            return [str(name) for name in json.loads(card.read_text())["styles"]]
        style_image = str((RunFolder(folder).settings or {}).get("style_image", ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return label_styles(style_image, len(split_list(style_image)))


@contextlib.contextmanager
def opening(path: Path) -> Iterator[None]:
    """Makes one line of whatever the runtimes raise on files that are damaged or no models."""
    try:
        yield
    except UserError:
        raise
    except ImportError as error:
        # A runtime that is not installed is not the file's fault; a layer that needs
        # another package is.
        if (error.name or "nst_tf").partition(".")[0] in RUNTIMES:
            raise
        raise expected(
            "a model that needs no other package than TensorFlow",
            f"{path} ({first_line(error)})",
            "Train or export it with Keras's own layers.",
        ) from error
    # Zip, JSON, HDF5, protocol buffers and flat buffers each fail in their own way, and
    # what they raise is about the file: nothing but opening it happens inside.
    except Exception as error:
        raise expected(
            "a model that can be opened",
            f"{path} ({first_line(error).rstrip('.')})",
            REMEDY,
        ) from error


def keras_file(path: Path) -> Path | None:
    """Returns the .keras file that a path stands for, itself or in a run folder."""
    if path.is_file():
        return path if path.suffix == ".keras" else None
    return path / "network.keras" if (path / "network.keras").is_file() else None


def saved_model_folder(path: Path) -> Path | None:
    """Returns the SavedModel that a path stands for: itself, its newest version, or in
    a folder of exports.
    """
    if (path / "saved_model.pb").is_file():
        return path
    versions = [
        folder
        for folder in path.glob("*")
        if folder.name.isdecimal() and (folder / "saved_model.pb").is_file()
    ]
    if not versions and (path / "saved_model").is_dir():
        return saved_model_folder(path / "saved_model")
    return max(versions, key=lambda folder: int(folder.name), default=None)


def nothing(path: Path, wanted: str) -> UserError:
    """Returns the error that there is no model at a path."""
    run = RunFolder(path)
    if run.command == "nst_tf.optimize":
        return expected(
            "a run of nst_tf.train",
            f"{path}, which nst_tf.optimize made: a picture, not a network",
            "Train a network for the style with `python -m nst_tf.train`.",
        )
    if (path / "slim_vgg19.npz").is_file():
        return expected(
            "a run that trained a network that paints",
            f"{path}, which trained a feature network",
            "Use it with --slim_weights, or check --model.",
        )
    if run.recorded.get("method") == "classify":
        return expected(
            "a run that trained a network that paints",
            f"{path}, which trained a classifier",
            f"Use it with --feature_network={path}, or check --model.",
        )
    if run.record.is_file():
        return expected(
            "a finished run",
            f"{path}, which has no network.keras",
            "Let it finish with "
            f"`python -m nst_tf.train --flagfile={run.flags} --resume`.",
        )
    state = "none of these" if path.exists() else "there is nothing"
    return expected(wanted, f"{path} ({state})", "Check --model.")
