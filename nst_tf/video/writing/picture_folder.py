"""Writes painted frames as numbered PNGs of a folder."""

from __future__ import annotations

from pathlib import Path

from nst_tf.core.errors import expected
from nst_tf.core.files import write_atomically
from nst_tf.video.writing.parts import Parts


def write_folder(parts: Parts, folder: Path) -> None:
    """Writes painted frames as 000001.png and so on.

    Args:
        parts: PNGs of the frames.
        folder: missing ones are made; files of the same names are replaced.

    Raises:
        UserError: a file cannot be written.
    """
    for number, packet in enumerate(parts.read(), 1):
        write_atomically(folder / f"{number:06d}.png", packet.data, overwrite=True)


def refuse_filled(folder: Path, overwrite: bool) -> None:
    """Raises `UserError` if frames of an earlier run lie in a folder and must stay."""
    if not overwrite and any(folder.glob("[0-9]*.png")):
        raise expected(
            "a folder without frames",
            folder,
            "Choose another, or add --overwrite.",
        )
