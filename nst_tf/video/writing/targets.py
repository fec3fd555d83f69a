"""What becomes of painted frames: a clip, an animation or a folder of PNGs."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from nst_tf.core.errors import expected
from nst_tf.core.files import ensure_writable_folder
from nst_tf.video.frames import Facts, Source
from nst_tf.video.reading.clip import Clip
from nst_tf.video.writing.animation import write_animation
from nst_tf.video.writing.encoders import (
    ClipEncoder,
    Encoder,
    PngEncoder,
    choose_format,
)
from nst_tf.video.writing.joining import check_streams, join_clip
from nst_tf.video.writing.parts import Parts, unwritable
from nst_tf.video.writing.picture_folder import refuse_filled, write_folder


class Target(Protocol):
    """Where painted frames go."""

    def make_encoder(self) -> Encoder:
        """Returns the encoder of one part."""

    def write(self, parts: Parts) -> None:
        """Writes all parts as what was asked for, whole or not at all."""


class ClipFile:
    """A clip, with the sound and the rest of the clip that it was painted from.

    Args:
        output: its path.
        source: of the frames.
        facts: of the frames as they are painted.
        codec, crf: of the settings.
        strip_metadata: whether title, place and the like are left out.

    Raises:
        UserError: an encoder that is missing, or streams that the container does not take.
    """

    def __init__(
        self,
        output: Path,
        source: Source,
        facts: Facts,
        codec: str,
        crf: int,
        strip_metadata: bool,
    ):
        self._output = output
        self._clip = source if isinstance(source, Clip) else None
        self.format = choose_format(output, codec, crf, facts)
        self._strip = strip_metadata
        self._kept = check_streams(self._clip, output) if self._clip else []
        self.make_encoder()  # what it refuses is said before anything is painted

    def make_encoder(self) -> Encoder:
        """See `Target`."""
        return ClipEncoder(self.format)

    def write(self, parts: Parts) -> None:
        """See `Target`."""
        with replace_file(self._output) as aside:
            join_clip(parts, self.format, aside, self._clip, self._kept, self._strip)


class AnimationFile:
    """A GIF or an animated WebP.

    Args:
        output: its path.
        facts: of the frames.
        quality: of a WebP, 1 to 100.
    """

    def __init__(self, output: Path, facts: Facts, quality: int):
        self._output, self._facts, self._quality = output, facts, quality

    def make_encoder(self) -> Encoder:
        """See `Target`."""
        return PngEncoder()

    def write(self, parts: Parts) -> None:
        """See `Target`."""
        with replace_file(self._output) as aside:
            write_animation(parts, self._facts, aside, self._quality)


class FrameFolder:
    """A folder of PNGs, 000001.png and so on.

    Args:
        output: the folder.
        overwrite: whether frames of an earlier run may be replaced.

    Raises:
        UserError: there are some, and they must stay.
    """

    def __init__(self, output: Path, overwrite: bool):
        refuse_filled(output, overwrite)
        self._output = output

    def make_encoder(self) -> Encoder:
        """See `Target`."""
        return PngEncoder()

    def write(self, parts: Parts) -> None:
        """See `Target`."""
        write_folder(parts, self._output)


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Has a file written beside another, whose place it takes when it is whole.

    Args:
        path: of the file that is there in the end; a link is followed.

    Yields:
        The path to write to, of the same suffix.

    Raises:
        UserError: it cannot be written.
    """
    real = Path(os.path.realpath(path))
    aside = real.with_name(f".{secrets.token_hex(8)}{real.suffix.lower()}")
    try:
        yield aside
        with open(aside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, real)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        aside.unlink(missing_ok=True)


def refuse_existing(output: Path, overwrite: bool) -> None:
    """Raises `UserError` if a file is there that must stay, or its folder cannot be written."""
    if output.exists() and not overwrite:
        raise expected(
            "a path where no file exists yet",
            output,
            "Choose another, or add --overwrite.",
        )
    ensure_writable_folder(output.absolute().parent)
