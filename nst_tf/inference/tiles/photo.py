"""From one file to another: photos that do not fit into memory, in rows."""

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.core.errors import expected, first_line
from nst_tf.images import codecs
from nst_tf.images.large.headers import read_header
from nst_tf.images.large.row_source import open_rows
from nst_tf.images.large.row_writer import RowWriter
from nst_tf.inference.painter import Painter


def is_larger_than_memory(paint: Any, photo: Path, max_pixels: int) -> bool:
    """Returns whether a photo and its painting do not fit into memory.

    Args:
        paint: what paints it; only a `Painter` knows how much memory there is.
        photo: a file.
        max_pixels: more are refused.

    Raises:
        UserError: it cannot be read.
    """
    if not isinstance(paint, Painter):
        return False
    if pixels := codecs.pixels_of(photo):
        return not paint.fits(pixels)
    # A giant, or a file that cannot be read.
    name = codecs.source_name(photo)
    with codecs.clear_errors(name, max_pixels), codecs.open_stream(photo) as stream:
        height, width = read_header(stream, name).stored
    return not paint.fits(height * width)


@dataclasses.dataclass(frozen=True)
class RowOptions:
    """How a photo is read and written in rows; each as for `folder.stylize_folder`."""

    max_pixels: int
    overwrite: bool = False
    quality: int = 95
    strip_metadata: bool = False


def stylize_in_rows(
    painter: Any, photo: Path, target: Path, options: RowOptions
) -> None:
    """Stylizes a photo that does not fit into memory, from file to file.

    Args:
        painter: a `Painter`.
        photo, target: files.
        options: how they are read and written.

    Raises:
        UserError: it cannot be read, painted so, or written.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(explain_failures(photo))
        # Bands take the other half.
        memory = int(max(0, painter.find_free() // 2))
        source = stack.enter_context(open_rows(photo, options.max_pixels, memory))
        writer = RowWriter(
            target,
            source.size,
            overwrite=options.overwrite,
            quality=options.quality,
            metadata=None if options.strip_metadata else source.metadata,
            alpha=source.has_alpha,
            memory=memory,
        )
        with writer:
            first = 0

            def write(rows: np.ndarray) -> None:
                nonlocal first
                last = first + len(rows)
                writer.write(rows, source.alpha(first, last))
                first = last

            painter.paint_rows(source.read, source.size, write)


@contextlib.contextmanager
def explain_failures(photo: Path | str) -> Iterator[None]:
    """Makes a `UserError` that names the photo of what a runtime raises for it."""
    try:
        yield
    except (MemoryError, RuntimeError, ValueError) as error:
        reason = first_line(error)
        raise expected(
            "a photo that fits into memory and the model",
            f"{photo} ({reason})",
            "Use a smaller photo.",
        ) from error
    except Exception as error:
        # TensorFlow's own errors, named without importing it: a .tflite needs no
        # TensorFlow.
        if type(error).__module__.startswith("tensorflow"):
            raise expected(
                "a photo that fits into memory",
                f"{photo} ({type(error).__name__})",
                "Use a smaller photo.",
            ) from error
        raise
