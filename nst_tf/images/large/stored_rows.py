"""Decoders that give a picture's rows one after the other, as they are stored."""

import importlib
import importlib.util
from collections.abc import Iterator
from typing import Any

import numpy as np

from nst_tf.core.errors import first_line
from nst_tf.images.codecs import Source, open_stream
from nst_tf.images.large.headers import Header

ADVICE = "pip install 'nst_tf[large]'"
_BAND = 128  # rows
_BUFFER = 2**24  # bytes that are read at once
_LARGEST_SEGMENT = 2**26  # bytes of a tile or a strip
# What tifffile decompresses without another package, and the differences of neighbors.
_COMPRESSIONS = (1, 8, 32946)
_PREDICTORS = (1, 2)


def decode_rows(source: Source, header: Header) -> Iterator[np.ndarray] | None:
    """Returns bands of rows from the first to the last, uint8 or uint16 [n, W, channels].

    Args:
        source: path or bytes of a file.
        header: its own.

    Returns:
        The bands, with an alpha behind the colors where there is one; None if no
        package here decodes this file in rows.
    """
    if not header.streams:
        return None
    if header.image.format == "TIFF" and importlib.util.find_spec("tifffile"):
        if _is_for_tifffile(source, header.stored):
            return _decode_with_tifffile(source, header.stored)
    try:
        vips = importlib.import_module("pyvips")
    except (ImportError, OSError):  # it, or the library that it loads, is not there
        return None
    return _decode_with_vips(vips, source, header.stored)


def _decode_with_vips(
    vips: Any, source: Source, size: tuple[int, int]
) -> Iterator[np.ndarray]:
    height, width = size
    with open_stream(source) as stream:
        # libvips would map a file that it opens itself into memory.
        opened = vips.SourceCustom()
        opened.on_read(stream.read)
        opened.on_seek(stream.seek)
        yield from _fetch_rows(vips, opened, height, width)


def _fetch_rows(
    vips: Any, source: Any, height: int, width: int
) -> Iterator[np.ndarray]:
    try:
        image = vips.Image.new_from_source(
            source, "", access="sequential", fail_on="error"
        )
        dtype = {"uchar": np.uint8, "ushort": np.uint16}.get(image.format)
        if dtype is None or (image.height, image.width) != (height, width):
            raise ValueError(f"libvips reads {image}")
        region = vips.Region.new(image)
        for first in range(0, height, _BAND):
            count = min(_BAND, height - first)
            data = region.fetch(0, first, width, count)
            yield np.frombuffer(data, dtype).reshape(count, width, image.bands)
    except vips.Error as error:
        raise ValueError(first_line(error)) from error


def _is_for_tifffile(source: Source, size: tuple[int, int]) -> bool:
    with open_stream(source) as stream:
        page = importlib.import_module("tifffile").TiffFile(stream).pages[0]
        plain = page.photometric in (1, 2) and page.planarconfig == 1
        if not plain or page.fillorder != 1 or page.predictor not in _PREDICTORS:
            return False
        if _is_one_piece(page):
            return True
        rows, columns = (
            (page.tilelength, page.tilewidth)
            if page.is_tiled
            else (min(page.rowsperstrip, size[0]), size[1])
        )
        segment = rows * columns * page.samplesperpixel * page.dtype.itemsize
        return page.compression in _COMPRESSIONS and segment <= _LARGEST_SEGMENT


def _decode_with_tifffile(
    source: Source, size: tuple[int, int]
) -> Iterator[np.ndarray]:
    with open_stream(source) as stream:
        page = importlib.import_module("tifffile").TiffFile(stream).pages[0]
        if _is_one_piece(page):
            yield from _read_plain(stream, page, size)
        else:
            yield from _assemble(page, size)


def _is_one_piece(page: Any) -> bool:
    return page.compression == 1 and not page.is_tiled and page.is_contiguous


def _read_plain(stream: Any, page: Any, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Reads rows that lie in the file one behind the other."""
    dtype = page.dtype.newbyteorder(page.parent.byteorder)
    samples = page.samplesperpixel
    stream.seek(page.dataoffsets[0])
    for first in range(0, size[0], _BAND):
        count = min(_BAND, size[0] - first)
        data = stream.read(count * size[1] * samples * dtype.itemsize)
        band = np.frombuffer(data, dtype).reshape(count, size[1], samples)
        yield band.astype(page.dtype, copy=False)


def _assemble(page: Any, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Puts tiles or strips together, a row of them at a time."""
    height, width = size
    rows = page.tilelength if page.is_tiled else min(page.rowsperstrip, height)
    band = np.zeros((rows, width, page.samplesperpixel), page.dtype)
    top = 0
    for segment, (_, _, y, x, _), _ in page.segments(maxworkers=1, buffersize=_BUFFER):
        if y != top:
            yield band[: height - top]
            band, top = np.zeros_like(band), y
        if segment is not None:  # an empty one is black
            part = segment[0, : height - y, : width - x]
            band[: part.shape[0], x : x + part.shape[1]] = part
    yield band[: height - top]
