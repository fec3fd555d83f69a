"""The packages that clips need beside the core, each asked for where it is missing."""

import importlib
from typing import Any

from nst_tf.core.errors import expected


def import_av() -> Any:
    """Returns PyAV, quiet; raises `UserError` with the remedy where it is missing."""
    av = _import("av", "av (PyAV), which reads and writes clips")
    av.logging.set_level(None)
    return av


def import_cv2() -> Any:
    """Returns OpenCV; raises `UserError` with the remedy where it is missing."""
    return _import(
        "cv2", "opencv-python-headless (OpenCV), which finds motion and opens cameras"
    )


def _import(module: str, what: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise expected(
            f"the package {what}", "no such package", "Type pip install 'nst_tf[video]'"
        ) from error
