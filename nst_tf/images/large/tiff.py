"""TIFF in rows: an encoder of tiles, as BigTIFF from 4 GB on.

The header is Pillow's, so EXIF and place are in it as Pillow writes them. Pixels are not
compressed, as no library compresses one tile after the other and keeps these.

Reference:
    Adobe, TIFF revision 6.0, 1992: section 15 (tiles). BigTIFF: the design of libtiff,
    version 43 of the header with offsets of 8 bytes.
"""

import io
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

TILE = 256  # pixels, side
_CLASSIC_BYTES = 2**32 - 2**24  # with room for a header
_BIG_HEADER = b"II\x2b\0\x08\0\0\0" + bytes(8)
_CLASSIC_HEADER = b"II\x2a\0" + bytes(4)


class TiffRows:
    """Encodes a TIFF of tiles from rows of uint8.

    Args:
        file: that it writes to, as the rows come.
        size: (height, width) in pixels.
        channels: 3, or 4 with alpha.
        tags: options of Pillow's `save`: metadata and the tag of sRGB.
    """

    def __init__(
        self, file: BinaryIO, size: tuple[int, int], channels: int, tags: dict[str, Any]
    ):
        self._file, self._rest = file, size[0]
        across = -(-size[1] // TILE)
        # Rows of the tiles that are being filled.
        self._band = np.zeros((TILE, across * TILE, channels), np.uint8)
        self._width, self._filled = size[1], 0
        _write_header(file, size, channels, tags)

    def write(self, rows: np.ndarray) -> None:
        """Appends rows, uint8 [n, W, channels]."""
        while len(rows):
            part = rows[: TILE - self._filled]
            self._band[self._filled : self._filled + len(part), : self._width] = part
            self._filled += len(part)
            self._rest -= len(part)
            rows = rows[len(part) :]
            if self._filled == TILE or not self._rest:
                self._write_tiles()

    def finish(self) -> None:
        """Does nothing: the last row has ended the file."""

    def _write_tiles(self) -> None:
        self._band[self._filled :] = 0
        for left in range(0, self._band.shape[1], TILE):
            self._file.write(self._band[:, left : left + TILE].tobytes())
        self._filled = 0


def _write_header(
    file: BinaryIO, size: tuple[int, int], channels: int, options: dict[str, Any]
) -> None:
    (height, width), tile_bytes = size, TILE * TILE * channels
    count = -(-height // TILE) * -(-width // TILE)
    big = count * tile_bytes > _CLASSIC_BYTES
    tags = TiffImagePlugin.ImageFileDirectory_v2(
        _BIG_HEADER if big else _CLASSIC_HEADER
    )
    exif = options.get("exif", Image.Exif())
    for tag in exif:
        inner = tag in TiffTags.TAGS_V2_GROUPS
        tags[tag] = exif.get_ifd(tag) if inner else exif[tag]
    if "dpi" in options:
        tags[ExifTags.Base.ResolutionUnit] = 2  # inch
        tags[ExifTags.Base.XResolution], tags[ExifTags.Base.YResolution] = options[
            "dpi"
        ]
    tags[ExifTags.Base.InterColorProfile] = options["icc_profile"]
    tags[ExifTags.Base.ImageWidth], tags[ExifTags.Base.ImageLength] = width, height
    tags[ExifTags.Base.BitsPerSample] = (8,) * channels
    tags[ExifTags.Base.SamplesPerPixel] = channels
    tags[ExifTags.Base.Compression] = 1  # none
    tags[ExifTags.Base.PhotometricInterpretation] = 2  # RGB
    tags[ExifTags.Base.PlanarConfiguration] = 1
    if channels == 4:
        tags[ExifTags.Base.ExtraSamples] = 2  # alpha, not multiplied
    tags[ExifTags.Base.TileWidth] = tags[ExifTags.Base.TileLength] = TILE
    tags.tagtype[ExifTags.Base.TileByteCounts] = TiffTags.LONG
    tags[ExifTags.Base.TileByteCounts] = (tile_bytes,) * count
    tags.tagtype[ExifTags.Base.TileOffsets] = TiffTags.LONG8 if big else TiffTags.LONG
    # The header's length does not depend on where the tiles lie, which is behind it.
    tags[ExifTags.Base.TileOffsets] = (0,) * count
    start = tags.save(io.BytesIO())
    tags[ExifTags.Base.TileOffsets] = tuple(
        start + tile * tile_bytes for tile in range(count)
    )
    tags.save(file)
