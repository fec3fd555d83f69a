"""Writes a picture of any size from its rows, whole or not at all."""

from __future__ import annotations

import contextlib
import io
import logging
import mmap
import os
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np
from PIL import Image

from nst_tf.core.errors import expected
from nst_tf.core.files import open_atomically, unwritable
from nst_tf.core.memory import available_memory
from nst_tf.images import formats, io as image_io
from nst_tf.images.large.png import PngRows
from nst_tf.images.large.spool import Spool
from nst_tf.images.large.tiff import TiffRows
from nst_tf.images.metadata import Metadata, make_save_options, with_less

# The longest side in pixels that each format, or the library that encodes it, can hold.
LONGEST_SIDE = {
    "JPEG": 65500,  # by the standard 65535; libjpeg leaves some out
    "WEBP": 16383,
    "AVIF": 32768,  # that libavif reads
    "BMP": 2**31 - 1,
    "PNG": 2**31 - 1,
    "TIFF": 2**31 - 1,
}
_WITHOUT_ALPHA = ("JPEG", "BMP")
# Bytes a pixel that the encoders of other formats take, which hold the picture whole.
_WHOLE = 20
_IN_ROWS = ("JPEG", "PNG", "TIFF")

_log = logging.getLogger(__name__)


def check_can_hold(
    suffix: str, size: tuple[int, int], memory: int | None = None
) -> None:
    """Raises `UserError` if a picture of a size cannot be written in a format.

    Args:
        suffix: such as ".jpg".
        size: (height, width) in pixels.
        memory: bytes that encoding may take; None for half of what is free.
    """
    name, (height, width) = image_io.format_of(suffix), size
    if max(size) > LONGEST_SIDE[name]:
        others = [each for each in _IN_ROWS if max(size) <= LONGEST_SIDE[each]]
        raise expected(
            f"sides of at most {LONGEST_SIDE[name]} pixels for {name}",
            f"{width} x {height}",
            f"Write it as {' or '.join(others)}.",
        )
    if name in _IN_ROWS:
        return
    allowed = available_memory() // 2 if memory is None else memory
    if _WHOLE * height * width > allowed:
        raise expected(
            f"{_WHOLE * height * width / 1e9:.1f} GB of memory to write {name}",
            f"{allowed / 1e9:.1f} GB, {width} x {height} pixels",
            f"Write it as {', '.join(_IN_ROWS)}, which need none.",
        )


class RowWriter:
    """Writes a picture in the format that the suffix names, rows from top to bottom.

    A context manager: the file is there when the block has ended without an error, and
    as `nst_tf.images.io.write_image` would have written it, pixel by pixel; a TIFF has
    tiles and is not compressed, and from 4 GB on it is a BigTIFF.

    Args:
        path: the file to write; missing parent folders are created.
        size: (height, width) in pixels.
        overwrite: whether an existing file may be replaced.
        quality: 1 to 100, for JPEG, WebP and AVIF.
        metadata: of the photo; None for none.
        alpha: whether rows come with alpha. JPEG and BMP cannot hold it: they are
            composited on white, and the log says so.
        memory: as for `check_can_hold`.

    Raises:
        UserError: unknown suffix, unusable quality, a picture that the format cannot
            hold, a file that exists and may not be replaced, or a path that cannot be
            written; at the end of the block, rows that are missing.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        size: tuple[int, int],
        *,
        overwrite: bool = False,
        quality: int = 95,
        metadata: Metadata | None = None,
        alpha: bool = False,
        memory: int | None = None,
    ):
        check_can_hold(Path(path).suffix, size, memory)
        self.size = size
        self._path, self._overwrite = path, overwrite
        self._name = image_io.format_of(Path(path).suffix)
        self._options = image_io.quality_options(self._name, quality)
        self._metadata, self._has_alpha = metadata, alpha
        self._keeps_alpha = alpha and self._name not in _WITHOUT_ALPHA
        self._written, self._warned = 0, False
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> RowWriter:
        file = self._stack.enter_context(
            open_atomically(self._path, overwrite=self._overwrite)
        )
        channels = 4 if self._keeps_alpha else 3
        tags = _find_tags(self._metadata, self._name)
        try:
            self._encoder: _Encoder
            if self._name == "PNG":
                self._encoder = PngRows(file, self.size, channels, tags)
            elif self._name == "TIFF":
                self._encoder = TiffRows(file, self.size, channels, tags)
            else:
                spool = Spool((*self.size, 4), np.uint8)
                self._stack.callback(spool.close)
                options = self._options | tags
                self._encoder = _Whole(file, spool, self._name, channels, options)
        except BaseException:
            self._abandon()
            raise
        return self

    def write(self, rgb: np.ndarray, alpha: np.ndarray | None = None) -> None:
        """Appends rows.

        Args:
            rgb: float32 [n, W, 3] in [0, 1]; what lies beyond is clipped.
            alpha: float32 [n, W] in [0, 1] where the writer was told of it, else None.

        Raises:
            UserError: the system refuses to write.
            ValueError: rows of another shape, too many, NaN or infinite values.
        """
        expected_shape = (len(rgb), self.size[1], 3)
        if rgb.shape != expected_shape or self._written + len(rgb) > self.size[0]:
            raise ValueError(
                f"Expected rows of shape {expected_shape}, {self.size[0]} in all. "
                f"Received: {rgb.shape} after {self._written}."
            )
        if (alpha is not None) != self._has_alpha:
            raise ValueError("Expected rows with alpha, or without, as was told.")
        if alpha is not None and not self._keeps_alpha:
            if alpha.min() < 1 and not self._warned:
                image_io.note_dropped_alpha(self._name)
                self._warned = True
            rgb = image_io.on_white(rgb, alpha)
        elif alpha is not None:
            rgb = np.concatenate([rgb, alpha[..., None]], axis=-1)
        try:
            self._encoder.write(image_io.to_uint8(rgb))
        except OSError as error:
            raise unwritable("a file", self._path, error) from error
        self._written += len(rgb)

    def __exit__(self, kind: type[BaseException] | None, *unused: object) -> None:
        if kind is not None:
            self._abandon()
            return
        try:
            if self._written < self.size[0]:
                raise ValueError(
                    f"Expected {self.size[0]} rows. Received: {self._written}."
                )
            try:
                self._encoder.finish()
            except OSError as error:
                raise unwritable("a file", self._path, error) from error
        except BaseException:
            self._abandon()
            raise
        self._stack.close()

    def _abandon(self) -> None:
        """Removes what was written; an error of the block is not one of the file."""
        abandoned = _Abandoned()
        with contextlib.suppress(_Abandoned):
            if not self._stack.__exit__(_Abandoned, abandoned, None):
                raise abandoned


class _Abandoned(Exception):
    """The picture is not finished."""


class _Encoder(Protocol):
    def write(self, rows: np.ndarray) -> None: ...

    def finish(self) -> None: ...


class _Whole:
    """Encodes by Pillow, from rows on disk."""

    def __init__(
        self,
        file: BinaryIO,
        spool: Spool,
        name: str,
        channels: int,
        options: dict[str, Any],
    ):
        self._file, self._spool, self._name = file, spool, name
        self._channels, self._options = channels, options
        self._filled = 0

    def write(self, rows: np.ndarray) -> None:
        last = self._filled + len(rows)
        self._spool.map()[self._filled : last, :, : self._channels] = rows
        self._filled = last

    def finish(self) -> None:
        height, width = self._spool.shape[:2]
        pixels = self._spool.map_bytes()
        mode = "RGBA" if self._channels == 4 else "RGBX"
        # This does not copy, and an encoder of JPEG takes the pixels as they are.
        values: Any = pixels
        image = Image.frombuffer(mode, (width, height), values, "raw", mode, 0, 1)
        if mode == "RGBX" and self._name != "JPEG":
            image = image.convert("RGB")
        file: Any = _Releasing(self._file, pixels)
        image.save(file, self._name, **self._options)


class _Releasing(io.BufferedIOBase):
    """A file that, as it is written, frees the memory of the pixels that were encoded.

    They stay on disk, and those that are still needed come from there.
    """

    def __init__(self, file: BinaryIO, pixels: mmap.mmap):
        self._file, self._pixels, self._since = file, pixels, 0

    def write(self, data: Any) -> int:
        self._since += len(data)
        if self._since > 2**20 and hasattr(mmap, "MADV_DONTNEED"):
            self._pixels.madvise(mmap.MADV_DONTNEED)
            self._since = 0
        return self._file.write(data)

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


def _find_tags(metadata: Metadata | None, name: str) -> dict[str, Any]:
    """Returns what writes as much of the metadata as the format can hold."""
    while True:
        tags = make_save_options(metadata, name)
        try:
            Image.new("RGB", (1, 1)).save(io.BytesIO(), name, **tags)
            return tags
        except formats.DAMAGE as error:
            if metadata is None:
                raise
            metadata = with_less(metadata, error)
