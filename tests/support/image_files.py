"""Image files as bytes, and pictures to put into them."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from nst_tf.images import io as image_io


def encoded(pixels, format="PNG", **options):
    image = (
        pixels
        if isinstance(pixels, Image.Image)
        else Image.fromarray(np.asarray(pixels))
    )
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def read8(source, **options):
    """read_image, with its colors as uint8."""
    return image_io.to_uint8(image_io.read_image(source, **options).rgb)


def photo(height=6, width=9, channels=3):
    """Smooth, without any symmetry, so that every flip and swap shows."""
    y, x, c = np.meshgrid(
        np.arange(height), np.arange(width), np.arange(channels), indexing="ij"
    )
    return (20 + 130 * y / height + 70 * x / width + 11 * c).astype(np.uint8)


def png(width, height, depth, color_type, rows=b""):
    """A PNG by hand, for what Pillow cannot write."""

    def chunk(kind, data):
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
