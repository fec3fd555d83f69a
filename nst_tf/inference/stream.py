"""Stylizes the photo on stdin, or one for stdout."""

import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from nst_tf.config.folder import STREAM, FolderSettings
from nst_tf.core.errors import expected
from nst_tf.core.interrupts import interrupt_on_terminate
from nst_tf.core.results import CommandResult
from nst_tf.images import codecs, io as image_io
from nst_tf.inference.folder import paint_photo, read_photo, run_folder
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
    picture = read_photo(photo, settings.image_size, settings.max_pixels)
    drawn = dataclasses.replace(
        picture,
        rgb=paint_photo(paint, picture.rgb, codecs.source_name(photo)),
        metadata=None if settings.strip_metadata else picture.metadata,
    )
    if settings.output == STREAM:
        data = image_io.encode(drawn, settings.stdout_format, settings.quality)
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
    else:
        _write(drawn, settings, keep)
    print("photos painted: 1", file=sys.stderr)
    return CommandResult({"written": [settings.output]})


def _write(
    drawn: image_io.Image, settings: FolderSettings, keep: Sequence[str]
) -> None:
    target = settings.output
    for name in keep:
        if os.path.exists(name) and os.path.exists(target):
            if os.path.samefile(name, target):
                raise expected(
                    "an output that is not one of the pictures painted from",
                    target,
                    "Use another --output.",
                )
    with interrupt_on_terminate():
        image_io.write_image(
            target, drawn, overwrite=settings.overwrite, quality=settings.quality
        )
