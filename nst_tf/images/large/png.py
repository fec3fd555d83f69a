"""PNG in rows: its chunks, and an encoder that holds a few rows at a time.

Pillow encodes whole pictures only, and pyvips has no place for the tag of sRGB, so the
encoder is our own. Pillow still makes every chunk but those of the pixels.

Reference:
    W3C, Portable Network Graphics (PNG) Specification (Third Edition): 5 (chunks),
    9.2 (filters), 12.7 (the filter whose output has the least sum of absolute values).
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of each color type
_ROWS = 64  # filtered at once
_OF_PIXELS = (b"IHDR", b"IDAT", b"IEND")


class PngRows:
    """Encodes a PNG from rows of uint8.

    Args:
        file: that it writes to, as the rows come.
        size: (height, width) in pixels.
        channels: 3, or 4 with alpha.
        tags: options of Pillow's `save`: metadata and the tag of sRGB.
    """

    def __init__(
        self, file: BinaryIO, size: tuple[int, int], channels: int, tags: dict[str, Any]
    ):
        self._file, self._channels = file, channels
        self._above = np.zeros((1, size[1] * channels), np.uint8)
        self._packer = zlib.compressobj(strategy=zlib.Z_FILTERED)
        color = 6 if channels == 4 else 2
        sample = io.BytesIO()
        Image.new("RGBA" if channels == 4 else "RGB", (1, 1)).save(
            sample, "PNG", **tags
        )
        file.write(_SIGNATURE)
        head = struct.pack(">IIBBBBB", size[1], size[0], 8, color, 0, 0, 0)
        file.write(_make_chunk(b"IHDR", head))
        for kind, body in _read_chunks(sample):
            if kind not in _OF_PIXELS:
                file.write(_make_chunk(kind, body))

    def write(self, rows: np.ndarray) -> None:
        """Appends rows, uint8 [n, W, channels]."""
        for first in range(0, len(rows), _ROWS):
            part = rows[first : first + _ROWS].reshape(-1, self._above.shape[1])
            packed = self._packer.compress(self._filter(part))
            self._above = part[-1:].copy()
            if packed:
                self._file.write(_make_chunk(b"IDAT", packed))

    def finish(self) -> None:
        """Writes what is left after the last row."""
        self._file.write(_make_chunk(b"IDAT", self._packer.flush()))
        self._file.write(_make_chunk(b"IEND", b""))

    def _filter(self, rows: np.ndarray) -> bytes:
        """Returns rows with the filter for each that leaves the least to compress."""
        above = np.concatenate([self._above, rows[:-1]])
        left, corner = _shift(rows, self._channels), _shift(above, self._channels)
        a, b, c = (each.astype(np.int16) for each in (left, above, corner))
        predicted = a + b - c
        to_a, to_b, to_c = (np.abs(predicted - each) for each in (a, b, c))
        nearest = np.where(to_b <= to_c, above, corner)
        paeth = np.where((to_a <= to_b) & (to_a <= to_c), left, nearest)
        average = ((a + b) // 2).astype(np.uint8)
        guesses = (left, above, average, paeth)
        filtered = np.stack([rows - guess for guess in guesses])
        cost = np.abs(filtered.view(np.int8).astype(np.int16)).sum(-1, dtype=np.int64)
        best = cost.argmin(0)
        chosen = filtered[best, np.arange(len(rows))]
        return np.column_stack([best.astype(np.uint8) + 1, chosen]).tobytes()


def make_twin(stream: BinaryIO) -> tuple[io.BytesIO, tuple[int, int], bool]:
    """Returns a PNG of one pixel with all that another says beside its pixels.

    Args:
        stream: the other one; its pixels are passed over.

    Returns:
        The twin, the (height, width) of the other, and whether that is interlaced.

    Raises:
        ValueError: the file is cut off.
    """
    twin = io.BytesIO(_SIGNATURE)
    twin.seek(0, io.SEEK_END)
    size, interlaced = (0, 0), False
    for kind, body in _read_chunks(stream):
        if kind == b"IHDR":
            width, height, depth, color, *_, interlace = struct.unpack(">IIBBBBB", body)
            size, interlaced = (height, width), interlace != 0
            one = struct.pack(">IIBBBBB", 1, 1, depth, color, 0, 0, 0)
            twin.write(_make_chunk(kind, one))
            pixel = bytes(1 + (depth * _CHANNELS.get(color, 4) + 7) // 8)
        elif kind == b"IEND":
            twin.write(_make_chunk(b"IDAT", zlib.compress(pixel)))
            twin.write(_make_chunk(kind, body))
            return twin, size, interlaced
        elif kind != b"IDAT":
            twin.write(_make_chunk(kind, body))
    raise ValueError("the file is cut off")


def _read_chunks(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yields kind and content of each chunk; of pixels no content."""
    stream.seek(len(_SIGNATURE))
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            stream.seek(length + 4, io.SEEK_CUR)
            yield kind, b""
        else:
            yield kind, stream.read(length + 4)[:-4]


def _make_chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def _shift(rows: np.ndarray, channels: int) -> np.ndarray:
    """Returns each pixel's left neighbor; 0 at the border."""
    shifted = np.zeros_like(rows)
    shifted[:, channels:] = rows[:, :-channels]
    return shifted
