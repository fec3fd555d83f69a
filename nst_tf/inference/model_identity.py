"""What tells one model from another: the hash of its files."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from nst_tf.core import files
from nst_tf.core.errors import UserError
from nst_tf.inference.open_model import find_artifact
from nst_tf.inference.runtimes.model_file import find_pair


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
    return hash_values(found)


def hash_values(values: object) -> str:
    """Returns the SHA-256 of values as JSON, hexadecimal."""
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _find_files(artifact: Path) -> Sequence[Path]:
    if artifact.is_dir():
        return [path for path in artifact.rglob("*") if path.is_file()]
    found: tuple[Path, ...]
    try:
        found = find_pair(artifact)
    except UserError:  # it is none of a pair: a network with styles of its own
        found = (artifact,)
    if artifact.suffix == ".xml":  # OpenVINO keeps the weights beside it
        found += tuple(path.with_suffix(".bin") for path in found)
    return found
