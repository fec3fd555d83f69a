"""Stylizes the photo on stdin, or one for stdout."""

import sys
from collections.abc import Sequence
from pathlib import Path

from nst_tf.config.painting.folder import STREAM, FolderSettings
from nst_tf.core.interrupts import interrupt_on_terminate
from nst_tf.core.results import CommandResult
from nst_tf.images import codecs, io as image_io
from nst_tf.inference.folder import (
    identify,
    refuse_original,
    run_folder,
    stylize_photo,
)
from nst_tf.inference.model import Paint


def run(
    paint: Paint,
    settings: FolderSettings,
    concurrency: int = 1,
    keep: Sequence[str] = (),
) -> CommandResult:
    """Stylizes what a command's settings name: a stream, or files as `run_folder` does.

    Args:
        paint, settings, concurrency, keep: as for `run_folder`.

    Raises:
        UserError: nothing to stylize, an unreadable photo, one that the model cannot
            paint, or an output that cannot be written.
    """
    if STREAM not in (settings.content, settings.output):
        return run_folder(paint, settings, concurrency, keep)
    photo: Path | codecs.NamedBytes = Path(settings.content)
    if settings.content == STREAM:
        photo = codecs.NamedBytes(sys.stdin.buffer.read(), "stdin")
    drawn = stylize_photo(
        paint,
        photo,
        settings.reading_size,
        settings.max_pixels,
        settings.strip_metadata,
    )
    write_picture(drawn, settings, keep)
    print("photos painted: 1", file=sys.stderr)
    return CommandResult({"written": [settings.output]})


def write_picture(
    drawn: image_io.Image, settings: FolderSettings, keep: Sequence[str]
) -> None:
    """Writes one picture to --output, a file or stdout.

    Args:
        drawn: the picture.
        settings: of the command.
        keep: files that are never replaced.

    Raises:
        UserError: the file exists, is one of those to keep, or cannot be written.
    """
    target = settings.output
    if target == STREAM:
        data = image_io.encode(drawn, settings.stdout_format, settings.quality)
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
        return
    if identify(target) in set(map(identify, keep)) - {None}:
        raise refuse_original(target)
    with interrupt_on_terminate():
        image_io.write_image(
            target, drawn, overwrite=settings.overwrite, quality=settings.quality
        )
