"""Which image files are read and written, and how one is opened by its content."""

import functools
import importlib
import importlib.util
import io
import logging
import struct
import zlib
from collections.abc import Callable
from typing import BinaryIO, TypeVar

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from nst_tf.core.errors import UserError, expected

Reader = Callable[[BinaryIO], ImageFile.ImageFile]
Result = TypeVar("Result")

_log = logging.getLogger(__name__)

HEIF_ADVICE = "pip install 'nst_tf[heif]'"
_HEIF_SUFFIXES = (".heic", ".heif")

WRITTEN_AS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".webp": "WEBP",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
if AvifImagePlugin.SUPPORTED:
    WRITTEN_AS[".avif"] = "AVIF"
IMAGE_SUFFIXES = (*WRITTEN_AS, ".gif", ".jfif", ".jpe", ".mpo")
# What makes more suffixes readable: {suffix: what a user can do}.
ADVICE: dict[str, str] = {}
if importlib.util.find_spec("pillow_heif"):
    IMAGE_SUFFIXES += _HEIF_SUFFIXES
else:
    ADVICE = dict.fromkeys(_HEIF_SUFFIXES, HEIF_ADVICE)

# What Pillow raises on damaged pixels or metadata.
DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
# Image.open would do this too, but it also applies Pillow's own pixel limit, which is a
# variable of the whole process and reports by a warning. Opening by class leaves the
# limit to the caller.
_READERS: tuple[tuple[tuple[bytes, ...], Reader], ...] = (
    ((b"\xff\xd8\xff",), JpegImagePlugin.JpegImageFile),
    ((b"\x89PNG\r\n\x1a\n",), PngImagePlugin.PngImageFile),
    ((b"RIFF",), WebPImagePlugin.WebPImageFile),
    ((b"BM",), BmpImagePlugin.BmpImageFile),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImagePlugin.TiffImageFile),
    ((b"GIF87a", b"GIF89a"), GifImagePlugin.GifImageFile),
)
_TEXT_CHUNKS = (b"tEXt", b"zTXt", b"iTXt")
_MOST_PAGES = 32  # of a TIFF, that are looked at for a smaller one
# Bits of NewSubfileType.
_REDUCED = 1
_NO_PAGE = 5  # reduced, or a mask


def format_of(suffix: str) -> str:
    """Returns Pillow's name of the format that a suffix such as ".jpg" or "jpg" stands for.

    Raises:
        UserError: a suffix in which no picture can be written.
    """
    name = WRITTEN_AS.get("." + suffix.lower().lstrip("."))
    if name is None:
        raise expected(
            "an image suffix that can be written (" + " ".join(WRITTEN_AS) + ")",
            suffix or "none",
            "Choose one of these.",
        )
    return name


def open_image(stream: BinaryIO, name: str) -> ImageFile.ImageFile:
    """Reads the header only; the format is told by content, as suffixes lie.

    Raises:
        UserError: a HEIC, and no library that reads it.
        ValueError: no image of a known format. Pillow raises other errors, too.
    """
    stream.seek(0)
    head = stream.read(32)
    stream.seek(0)
    if not head:
        raise ValueError("the file is empty")
    for signatures, reader in _READERS:
        if head.startswith(signatures):
            return reader(stream)
    if head[4:8] == b"ftyp":
        brands = head[8:]
        if b"avif" in brands or b"avis" in brands:
            return AvifImagePlugin.AvifImageFile(stream)
        if any(brand in brands for brand in (b"hei", b"hev", b"mif1", b"msf1")):
            return _open_heif(stream, name)
    raise ValueError("not a JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF or HEIC")


def without_excess_text(
    stream: BinaryIO, name: str, read: Callable[[BinaryIO], Result]
) -> Result:
    """Returns `read(stream)`, of a PNG with more text than Pillow reads without its text."""
    try:
        return read(stream)
    except ValueError as error:
        if "MAX_TEXT" not in str(error):  # how Pillow calls its two limits
            raise
        _log.warning("text left out: %s (%s)", name, error)
    stream.seek(0)
    kept = [stream.read(8)]
    while len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        body = stream.read(length + 4)  # with its checksum
        if kind not in _TEXT_CHUNKS:
            kept += [head, body]
    return read(io.BytesIO(b"".join(kept)))


def choose_fraction(
    image: ImageFile.ImageFile, stream: BinaryIO, height: int, width: int
) -> None:
    """Has an opened image decoded smaller, but not below a size, where its file allows it.

    A JPEG is decoded at a half, a quarter or an eighth, unless its decoder would need
    memory for the whole. Of a TIFF the smallest page is taken that is marked as the
    first one, reduced.

    Args:
        image: as opened from `stream`, not loaded.
        height, width: what it has to keep, as stored, before any turn.
    """
    if isinstance(image, JpegImagePlugin.JpegImageFile):
        # A decoder keeps all of a picture that has several scans. Pillow has stopped
        # behind the header of the first one: is every color in it?
        header = struct.pack(">HHB", 0xFFDA, 6 + 2 * image.layers, image.layers)
        stream.seek(-(8 + 2 * image.layers), io.SEEK_CUR)
        single = stream.read(len(header)) == header
        if single and not image.info.get("progressive"):
            image.draft(None, (width, height))
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _seek_reduced(image, height, width)


def _seek_reduced(
    image: TiffImagePlugin.TiffImageFile, height: int, width: int
) -> None:
    turn = image.tag_v2.get(ExifTags.Base.Orientation, 1)
    full, best, sizes = image.size, 0, {0: image.size}
    for page in range(1, _MOST_PAGES):
        try:
            image.seek(page)
        except EOFError:
            break
        (wide, high), tags = image.size, image.tag_v2
        # One pixel more or less comes from rounding.
        alike = abs(wide * full[1] - high * full[0]) <= max(full)
        reduced = tags.get(ExifTags.Base.NewSubfileType, 0) & _REDUCED
        if reduced and alike and tags.get(ExifTags.Base.Orientation, 1) == turn:
            if width <= wide < sizes[best][0] and height <= high:
                best, sizes[page] = page, image.size
    image.seek(best)


def has_more_frames(
    image: ImageFile.ImageFile, reopen: Callable[[], ImageFile.ImageFile]
) -> bool:
    """Returns whether an opened image is one of several frames or pages.

    Args:
        image: not loaded.
        reopen: opens it again, to look further into the file.
    """
    if isinstance(image, GifImagePlugin.GifImageFile):
        # To tell, it moves to the next frame.
        return reopen().is_animated  # type: ignore[attr-defined]
    several = getattr(image, "is_animated", False)
    if several and isinstance(image, TiffImagePlugin.TiffImageFile):
        second = reopen()
        second.seek(1)
        kind = second.tag_v2.get(ExifTags.Base.NewSubfileType, 0)  # type: ignore[attr-defined]
        return not kind & _NO_PAGE
    return several


def is_animated(path: str) -> bool:
    """Returns whether a file is a picture of several frames; whatever cannot be read is none."""
    try:
        with open(path, "rb") as stream:
            image = open_image(stream, path)
            return has_more_frames(image, lambda: open_image(stream, path))
    except (UserError, *DAMAGE):
        return False


@functools.lru_cache(10_000)
def note_frames(name: str) -> None:
    """Logs, once a file, that not all of it is read."""
    _log.warning("%s has several frames or pages: one of them is read", name)


def _open_heif(stream: BinaryIO, name: str) -> ImageFile.ImageFile:
    if not importlib.util.find_spec("pillow_heif"):
        raise expected(
            "the package pillow-heif, which reads HEIC",
            f"{name}, and no such package",
            f"Type {HEIF_ADVICE}",
        )
    return importlib.import_module("pillow_heif").HeifImageFile(stream)
