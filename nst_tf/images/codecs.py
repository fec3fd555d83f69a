"""Image files to Pillow images: every format, upright, in sRGB, with its alpha apart.

The part of `nst_tf.images.io` that knows about codecs. It works from several threads at
once.
"""

import contextlib
import io
import logging
import os
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

import numpy as np
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from nst_tf.core.errors import expected
from nst_tf.images.metadata import Metadata, read_metadata, srgb_profile

Source = str | os.PathLike[str] | bytes
Size = tuple[int, int]
Reader = Callable[[BinaryIO], Image.Image]

_log = logging.getLogger(__name__)

# Image.open would do this too, but it also applies Pillow's own pixel limit, which is a
# variable of the whole process and reports by a warning. Opening by class leaves the
# limit to `_check_pixels`.
_READERS: tuple[tuple[tuple[bytes, ...], Reader], ...] = (
    ((b"\xff\xd8\xff",), JpegImagePlugin.JpegImageFile),
    ((b"\x89PNG\r\n\x1a\n",), PngImagePlugin.PngImageFile),
    ((b"RIFF",), WebPImagePlugin.WebPImageFile),
    ((b"BM",), BmpImagePlugin.BmpImageFile),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImagePlugin.TiffImageFile),
    ((b"GIF87a", b"GIF89a"), GifImagePlugin.GifImageFile),
)
# What Pillow raises on damaged pixels or metadata.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    struct.error,
    zlib.error,
)
_GIANT_PIXELS = 50_000_000
_giants = threading.Lock()


def decode(
    source: Source, fit: Callable[[int, int], Size], max_pixels: int, *, draft: bool
) -> tuple[Image.Image, Image.Image | None, Size, Metadata | None]:
    """Decodes a path or bytes, after a look at the size in its header.

    Args:
        source: a path, or the bytes of an image file.
        fit: (height, width) -> the size that the caller will bring it to.
        max_pixels: neither size may have more.
        draft: whether a JPEG may be decoded at a half, a quarter or an eighth, never
            below `fit`.

    Returns:
        The color, upright and sRGB, as a Pillow image of mode RGB, or F with values in
        [0, 1] for deep gray; the alpha as one of mode L, or None; and the (height,
        width) to bring them to.

    Raises:
        UserError: the source is missing, damaged, no image or too large.
    """
    name = source_name(source)
    try:
        with _stream(source) as stream:
            image = _open(stream)
            width, height = image.size
            _check_pixels(name, height, width, max_pixels)
            size = fit(height, width)
            _check_pixels(f"{name} (resized)", *size, max_pixels)
            if draft:
                image.draft(None, size[::-1])
            with _own_limit(height * width):
                image.load()
            if _turn_upright(image, name):
                size = size[::-1]
            metadata = None if draft else read_metadata(image, name)
            return *_color_and_alpha(image, name), size, metadata
    except Image.DecompressionBombError as error:
        # While opening, Pillow allocates for WebP and GIF, so there its own limit has
        # to stay.
        raise expected(
            f"at most {max_pixels} pixels",
            f"{name} with many more",
            "Use a smaller image, or save it as PNG.",
        ) from error
    except _DAMAGE as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise expected(
            "an image that can be read",
            f"{name} ({reason or type(error).__name__})",
            "Check the file, or save it anew as PNG or JPEG.",
        ) from error


def source_name(source: Source) -> str:
    """Returns what messages call a source: its path, or how many bytes it has."""
    if isinstance(source, bytes):
        return f"an image of {len(source)} bytes"
    return os.fspath(source)


def pixels_of(path: str | os.PathLike[str]) -> int:
    """Returns how many pixels an image file has by its header; 0 if it cannot be read,
    or has too many to open it.
    """
    try:
        with open(path, "rb") as stream:
            width, height = _open(stream).size
    except (Image.DecompressionBombError, *_DAMAGE):
        return 0
    return width * height


def _stream(source: Source) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")


def _open(stream: BinaryIO) -> Image.Image:
    """Reads the header only; the format is told by content, as suffixes lie."""
    head = stream.read(16)
    stream.seek(0)
    if not head:
        raise ValueError("the file is empty")
    for signatures, reader in _READERS:
        if head.startswith(signatures):
            return reader(stream)
    raise ValueError("not a JPEG, PNG, WebP, BMP, TIFF or GIF")


def _check_pixels(name: str, height: int, width: int, max_pixels: int) -> None:
    if height * width > max_pixels:
        raise expected(
            f"at most {max_pixels} pixels",
            f"{name} with {width} x {height} = {width * height} pixels",
            "Use a smaller image, or raise the setting max_pixels.",
        )


@contextlib.contextmanager
def _own_limit(pixels: int) -> Iterator[None]:
    """Keeps Pillow's pixel limit, which some codecs apply once more, out of an approved image.

    The limit belongs to the whole process, so only giant images touch it, one at a
    time.
    """
    if pixels <= _GIANT_PIXELS:
        yield
        return
    with _giants:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = before and max(
            before, pixels
        )  # None is no limit at all
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _turn_upright(image: Image.Image, name: str) -> bool:
    """Applies the EXIF orientation in place; returns whether height and width changed places."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except _DAMAGE as error:  # no reason to refuse the pixels
        _log.warning("broken EXIF ignored: %s (%s)", name, error)
        return False
    ImageOps.exif_transpose(image, in_place=True)
    return orientation in (5, 6, 7, 8)


def _color_and_alpha(
    image: Image.Image, name: str
) -> tuple[Image.Image, Image.Image | None]:
    profile = image.info.get("icc_profile")
    alpha = None
    if image.mode == "F" or image.mode.startswith("I"):
        deep, alpha = _deep_gray(image)
        if not profile:
            return Image.fromarray(deep), alpha
        image = Image.fromarray(np.rint(deep * 255).astype(np.uint8))
    elif image.has_transparency_data:
        # Gray stays gray until its profile, which would not fit RGB, has been applied.
        gray = image.mode in ("1", "L", "LA", "La")
        image = image.convert("LA" if gray else "RGBA")
        alpha = image.getchannel("A")
        image = image.convert("L" if gray else "RGB")
    if image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("RGB")
    return _to_srgb(image, profile, name), alpha


def _deep_gray(image: Image.Image) -> tuple[np.ndarray, Image.Image | None]:
    """Returns float32 [height, width] in [0, 1], and the alpha as a Pillow image or None."""
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise ValueError("it has NaN or infinite values")
    if image.mode == "F":
        # Nothing in the file tells the scale; these two are the usual ones.
        top = 1 if values.max() <= 1 else 255
    elif values.min() < 0 or values.max() > 65535:
        raise ValueError("its whole numbers are not in the 16-bit range of 0 to 65535")
    else:
        top = 65535
    key = image.info.get("transparency")
    alpha = (
        None
        if key is None
        else Image.fromarray(np.where(values == key, 0, 255).astype("u1"))
    )
    return np.clip(values.astype(np.float32) / top, 0, 1), alpha


def _to_srgb(image: Image.Image, profile: bytes | None, name: str) -> Image.Image:
    if profile and profile != srgb_profile():
        try:
            srgb = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(
                image, io.BytesIO(profile), srgb, outputMode="RGB"
            )
            assert converted is not None  # only a conversion in place returns nothing
            return converted
        except (ImageCms.PyCMSError, ImportError) as error:
            _log.warning("color profile ignored: %s (%s)", name, error)
    return image.convert("RGB")
