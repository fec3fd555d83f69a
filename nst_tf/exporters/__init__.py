"""Formats that a trained network is exported to, by name: one format, one file, one line here.

A format's file has `export(network, folder, name) -> lines for the user`.
"""

from collections.abc import Mapping
from pathlib import Path

import keras

from nst_tf.errors import expected
from nst_tf.exporters import saved_model, tflite

EXPORTERS: Mapping = {
    "saved_model": saved_model.export,
    "tflite": tflite.export,
}


def check_name(name: str) -> None:
    """Raises `UserError` for a format that is not in `EXPORTERS`."""
    if name not in EXPORTERS:
        raise expected(f"a format among {', '.join(EXPORTERS)}", repr(name), "Check --export.")


def export(name: str, network: keras.Model, folder: Path, style: str) -> list[str]:
    """Exports `network` into `folder`; returns lines for the user."""
    return EXPORTERS[name](network, folder, style)
