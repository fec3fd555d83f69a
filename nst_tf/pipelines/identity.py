"""Hashes of what makes a picture beside the photo: the model and the settings."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.config.painting.folder import split_share
from nst_tf.core import files
from nst_tf.core.errors import UserError
from nst_tf.data import style_images
from nst_tf.inference.open_model import find_artifact
from nst_tf.inference.runtimes.litert import find_pair

# Settings that decide a picture's bytes; the others say where and how it is made.
DECISIVE = (
    "style",
    "style_weights",
    "strength",
    "style_size",
    "preserve_color",
    "image_size",
    "quality",
    "strip_metadata",
)


def hash_model(model: str) -> str:
    """Returns the SHA-256 of all files of a model that are opened, with their names.

    Args:
        model: as for `load_model`.

    Raises:
        UserError: nothing there that paints.
    """
    artifact = find_artifact(model)
    root = artifact if artifact.is_dir() else artifact.parent
    found = {
        path.relative_to(root).as_posix(): files.sha256(path)
        for path in _find_files(artifact)
    }
    return _hash(found)


def hash_settings(settings: BatchSettings, any_style: bool) -> str:
    """Returns the SHA-256 of the settings that decide a picture.

    Args:
        settings: of the command.
        any_style: whether styles are pictures; then their bytes count, not their names.
    """
    values = {name: getattr(settings, name) for name in DECISIVE}
    if any_style:
        entries = map(split_share, settings.style)
        values["style"] = [
            (style_images.fetch_style(name)[1], share) for name, share in entries
        ]
    return _hash(values)


def _find_files(artifact: Path) -> Sequence[Path]:
    if artifact.is_dir():
        return [path for path in artifact.rglob("*") if path.is_file()]
    try:
        return find_pair(artifact)
    except UserError:  # it is none of a pair: a network with styles of its own
        return [artifact]


def _hash(values: object) -> str:
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
