"""A picture of any size in rows: decoded once, into a file on disk, and read from there.

The numbers are those of `nst_tf.images.io.read_image` for the same file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from nst_tf.core.errors import expected
from nst_tf.core.memory import available_memory
from nst_tf.images import codecs, deep_pixels, io as image_io
from nst_tf.images.codecs import Source
from nst_tf.images.large.headers import Header, read_header
from nst_tf.images.large.spool import Spool
from nst_tf.images.large.stored_rows import ADVICE, decode_rows
from nst_tf.images.metadata import Metadata, read_metadata

# Bytes up to which a picture is decoded whole although its rows could be had.
_SMALL = 400_000_000
# Of Pillow's modes.
_CHANNELS = {"LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}
_BY_CHANNELS = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_ROWS = 256  # written to disk at once


class RowSource:
    """The rows of one sRGB picture, from disk; a context manager, for several threads.

    Attributes:
        size: (height, width) in pixels, upright.
        metadata: EXIF, XMP and resolution of the file; None for none.
    """

    def __init__(
        self,
        color: Spool,
        opacity: Spool | None,
        paper: list[float] | None,
        metadata: Metadata | None,
    ):
        self.size = (color.shape[0], color.shape[1])
        self.metadata = metadata
        self._color, self._opacity, self._paper = color, opacity, paper

    @property
    def has_alpha(self) -> bool:
        """Whether the file has an alpha."""
        return self._opacity is not None

    def read(self, first: int, last: int) -> np.ndarray:
        """Returns rows `first` to `last` - 1, float32 [n, W, 3] RGB in [0, 1]."""
        rows = self._color.read(first, last)
        if self._opacity and self._paper:
            alpha = Image.fromarray(self._opacity.read(first, last))
            rows = np.asarray(codecs.lay_on(Image.fromarray(rows), alpha, self._paper))
        if rows.dtype == np.float32:  # of deep gray
            return np.repeat(rows[..., None], 3, -1)
        return image_io.to_float(rows)

    def alpha(self, first: int, last: int) -> np.ndarray | None:
        """Returns the alpha of rows `first` to `last` - 1, float32 [n, W] in [0, 1]; None
        where the file has none.
        """
        if self._opacity is None:
            return None
        return image_io.to_float(self._opacity.read(first, last))

    def close(self) -> None:
        """Removes the file on disk."""
        self._color.close()
        if self._opacity:
            self._opacity.close()

    def __enter__(self) -> RowSource:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()


def open_rows(
    source: Source,
    max_pixels: int = image_io.MAX_PIXELS,
    memory: int | None = None,
) -> RowSource:
    """Decodes a picture of any size into a file on disk, and returns its rows.

    EXIF orientation, color profile, 16 bits and transparency are treated as
    `nst_tf.images.io.read_image` does. JPEG, PNG and TIFF of more than some 40
    megapixels are decoded in rows: by pyvips, or by tifffile for a TIFF that is not
    compressed or deflated. All others are decoded whole, where there is memory for it.

    Args:
        source: a path, or the bytes of an image file.
        max_pixels: a picture with more is refused before it is decoded.
        memory: bytes that decoding may take; None for half of what is free.

    Raises:
        UserError: the source is missing, damaged, no image, too large, wholly
            transparent, or there is neither memory nor disk space for it, nor a package
            that decodes it in rows.
    """
    name = codecs.source_name(source)
    with codecs.clear_errors(name, max_pixels), codecs.open_stream(source) as stream:
        header = read_header(stream, name)
        height, width = header.stored
        codecs.check_pixels(name, height, width, max_pixels)
        allowed = available_memory() // 2 if memory is None else memory
        if header.whole_bytes > min(allowed, _SMALL):
            if bands := decode_rows(source, header):
                metadata = read_metadata(header.image, name)
                codecs.note_frames(header.image, stream, name)
                return _spool_bands(bands, header, metadata, name)
        if header.whole_bytes > allowed:
            raise _too_large(header, allowed, name)
    return _spool_whole(source, max_pixels)


def _too_large(header: Header, allowed: int, name: str) -> Exception:
    height, width = header.stored
    remedy = "Save it as TIFF, PNG or JPEG that is neither interlaced nor progressive."
    if header.streams:
        remedy = f"Type {ADVICE}, which decodes it in rows."
    return expected(
        f"{header.whole_bytes / 1e9:.1f} GB of memory to decode it whole",
        f"{allowed / 1e9:.1f} GB, {name} with {width} x {height} pixels",
        remedy,
    )


def _spool_whole(source: Source, max_pixels: int) -> RowSource:
    decoded = codecs.decode(
        source, lambda height, width: (height, width), max_pixels, draft=False
    )
    with contextlib.ExitStack() as stack:
        color = _copy_to_disk(decoded.color, stack)
        opacity = None if decoded.alpha is None else _copy_to_disk(decoded.alpha, stack)
        stack.pop_all()
    return RowSource(color, opacity, None, decoded.metadata)


def _copy_to_disk(image: Image.Image, stack: contextlib.ExitStack) -> Spool:
    bands = (3,) if image.mode == "RGB" else ()
    dtype = np.float32 if image.mode == "F" else np.uint8
    spool = Spool((image.height, image.width, *bands), dtype)
    stack.callback(spool.close)
    for first in range(0, image.height, _ROWS):
        last = min(first + _ROWS, image.height)
        spool.map()[first:last] = np.asarray(image.crop((0, first, image.width, last)))
    return spool


def _spool_bands(
    bands: Iterator[np.ndarray], header: Header, metadata: Metadata | None, name: str
) -> RowSource:
    color = opacity = None
    seen: np.ndarray | None = None
    first = 0
    with contextlib.ExitStack() as stack:
        for samples in bands:
            rows, alpha = _to_srgb(samples, header, name)
            last = first + len(samples)
            if color is None:
                color = _spool_for(rows, header, stack)
            _as_stored(color.map(), header.orientation)[first:last] = np.asarray(rows)
            if alpha is not None:
                if opacity is None:
                    opacity = _spool_for(alpha, header, stack)
                mapped = _as_stored(opacity.map(), header.orientation)
                mapped[first:last] = np.asarray(alpha)
                weighed = codecs.weigh_seen(rows, alpha)
                seen = weighed if seen is None else seen + weighed
            first = last
        if color is None or first != header.stored[0]:
            raise ValueError("the file is cut off")
        paper = None if seen is None else codecs.find_paper(seen, name)
        stack.pop_all()
    return RowSource(color, opacity, paper, metadata)


def _spool_for(rows: Image.Image, header: Header, stack: contextlib.ExitStack) -> Spool:
    height, width = header.stored
    if header.orientation in (5, 6, 7, 8):
        height, width = width, height
    bands = (3,) if rows.mode == "RGB" else ()
    spool = Spool((height, width, *bands), np.float32 if rows.mode == "F" else np.uint8)
    stack.callback(spool.close)
    return spool


def _as_stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Returns a view of an upright picture in which its pixels lie as in the file."""
    if orientation in (2, 3, 6, 7):
        upright = upright[:, ::-1]
    if orientation in (3, 4, 7, 8):
        upright = upright[::-1]
    return upright.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else upright


def _to_srgb(
    samples: np.ndarray, header: Header, name: str
) -> tuple[Image.Image, Image.Image | None]:
    """Returns color and alpha of rows as decoded, as `codecs.color_and_alpha` does."""
    image, profile = header.image, header.image.info.get("icc_profile")
    if image.mode != "P" and "transparency" not in image.info:
        # A TIFF may have more channels, which mean nothing.
        samples = samples[..., : _CHANNELS.get(image.mode, 1)]
    if samples.dtype == np.uint16:
        rounded = deep_pixels.round_colors(samples)
        if image.mode.startswith("I"):
            gray = deep_pixels.scale_rows(samples[..., 0], image)
            if not profile:
                alpha = rounded[..., 1] if rounded.shape[-1] == 2 else None
                return Image.fromarray(gray), (
                    None if alpha is None else Image.fromarray(alpha)
                )
            rounded[..., 0] = np.rint(gray * 255)
        samples = rounded
    mode = "CMYK" if image.mode == "CMYK" else _BY_CHANNELS[samples.shape[-1]]
    height, width = samples.shape[:2]
    rows = Image.frombytes(mode, (width, height), samples.tobytes())
    if profile:
        rows.info["icc_profile"] = profile
    return codecs.color_and_alpha(rows, name)
