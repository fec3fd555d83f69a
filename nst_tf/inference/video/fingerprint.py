"""What decides how a clip is painted, as JSON: parts of another request are not gone on with."""

import hashlib
import importlib
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

import nst_tf
from nst_tf.config.painting.video import VideoSettings
from nst_tf.core.files import sha256
from nst_tf.images import noise
from nst_tf.inference.model import Paint
from nst_tf.video.opening import describe_content

# Settings that change nothing in a frame, or that have entries of their own.
_APART = "content max_pixels model output overwrite stdout_format".split()
_PROBE = 32  # pixels


def describe_request(
    settings: VideoSettings, model: str, files: Sequence[str]
) -> dict[str, Any]:
    """Returns all that decides what is painted.

    Args:
        settings: of the clip.
        model: from `model_identity.hash_model` or `hash_paint`.
        files: pictures of styles and masks; what is no file is passed over.
    """
    flags = settings.to_flags()
    return {
        **{name: value for name, value in flags.items() if name not in _APART},
        "content": describe_content(settings.content),
        "model": model,
        "pictures": [sha256(path) for path in files if os.path.isfile(path)],
        "versions": [nst_tf.__version__, *_find_version("av")],
    }


def hash_paint(paint: Paint) -> str:
    """Returns a hash of how a small picture is painted, which stands for an opened model."""
    drawn = paint(noise.natural_noise(0, _PROBE, _PROBE))
    levels = np.rint(np.clip(drawn, 0, 1) * 16).astype(np.uint8)
    return hashlib.sha256(levels.tobytes()).hexdigest()


def _find_version(package: str) -> list[str]:
    try:
        return [importlib.import_module(package).__version__]
    except ImportError:
        return []
