"""The packages that clips need beside the core, each asked for where it is missing."""

from typing import Any

from nst_tf.core.packages import import_package


def import_av() -> Any:
    """Returns PyAV, quiet; raises `UserError` with the remedy where it is missing."""
    av = import_package("av", "av (PyAV), which reads and writes clips", "video")
    av.logging.set_level(None)
    return av


def import_cv2() -> Any:
    """Returns OpenCV; raises `UserError` with the remedy where it is missing."""
    return import_package(
        "cv2",
        "opencv-python-headless (OpenCV), which finds motion and opens cameras",
        "video",
    )
