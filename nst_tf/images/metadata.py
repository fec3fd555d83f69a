"""What an image file tells beside its pixels: EXIF, XMP, resolution; and the tag of sRGB."""

import functools
import logging
import math
import re
import struct
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image, ImageCms, PngImagePlugin

_log = logging.getLogger(__name__)

_IFD = ExifTags.IFD
# Only tags that tell about the picture: a TIFF's EXIF has its strips among them, too.
# Orientation is applied when a picture is read, so it is not among them.
_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Copyright,
    ExifTags.Base.Rating,
    ExifTags.Base.XPTitle,
    ExifTags.Base.XPComment,
    ExifTags.Base.XPAuthor,
    ExifTags.Base.XPKeywords,
    ExifTags.Base.XPSubject,
)
# A maker's note holds offsets into the old file, and often a preview.
_DROPPED = (
    ExifTags.Base.MakerNote,
    ExifTags.Base.ExifImageWidth,
    ExifTags.Base.ExifImageHeight,
    ExifTags.Base.ExifInteroperabilityOffset,
)
_XMP_DROPPED = (
    rb'\s?tiff:Orientation="[^"]*"',
    rb"<tiff:Orientation>[^<]*</tiff:Orientation>",
    rb"(?s)<xmp:Thumbnails>.*?</xmp:Thumbnails>",
)
_JPEG_SEGMENT = 65_000  # bytes that fit into one segment of a JPEG, beside its header


@dataclass(frozen=True)
class Metadata:
    """What is kept of an image file beside its pixels.

    Attributes:
        exif: EXIF without orientation, thumbnail, size and maker's note; b"" is none.
        xmp: XMP without orientation and thumbnails; b"" is none.
        dpi: (horizontal, vertical) pixels per inch, or None.
    """

    exif: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None


def read_metadata(image: Image.Image, name: str) -> Metadata | None:
    """Returns the metadata of a loaded image; None if it has none.

    What is broken is left out, and the log says so.

    Args:
        image: as opened by Pillow.
        name: of the file, for the log.
    """
    try:
        exif = _read_exif(image)
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        OSError,
        SyntaxError,
        TypeError,
        ValueError,
        struct.error,
    ) as error:
        _log.warning("broken EXIF left out: %s (%s)", name, error)
        exif = b""
    found = Metadata(exif, _read_xmp(image), _read_dpi(image))
    return None if found == Metadata() else found


def make_save_options(metadata: Metadata | None, format: str) -> dict[str, Any]:
    """Returns the options of Pillow's `save` that write metadata and the tag of sRGB.

    Args:
        metadata: what to write as far as the format has a place for it; None is only
            the tag.
        format: Pillow's name, such as "JPEG". BMP has no place for the tag.
    """
    options: dict[str, Any] = {}
    known = metadata or Metadata()
    if known.dpi and format in ("JPEG", "PNG", "TIFF", "BMP"):
        options["dpi"] = known.dpi
    if format == "BMP":
        return options
    exif, xmp = known.exif, known.xmp
    if format == "JPEG" and len(exif) > _JPEG_SEGMENT:
        _log.warning("EXIF left out: %d bytes are too many for a JPEG", len(exif))
        exif = b""
    if format == "JPEG" and len(xmp) > _JPEG_SEGMENT:
        _log.warning("XMP left out: %d bytes are too many for a JPEG", len(xmp))
        xmp = b""
    if exif:
        options["exif"] = exif
    if format == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add(b"sRGB", b"\0")  # perceptual
        if xmp:
            chunks.add_itxt("XML:com.adobe.xmp", xmp.decode(errors="replace"))
        options["pnginfo"] = chunks
        return options
    if format != "AVIF":  # which says sRGB without a profile
        options["icc_profile"] = srgb_profile()
    if xmp and format == "TIFF":
        options["tiffinfo"] = {ExifTags.Base.XMLPacket: xmp}
    elif xmp:
        options["xmp"] = xmp
    return options


@functools.cache
def srgb_profile() -> bytes:
    """Returns the ICC profile of sRGB that is written; the same bytes on every day."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Bytes 24 to 35 hold the time at which it was made.
    return profile[:24] + struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + profile[36:]


def _read_exif(image: Image.Image) -> bytes:
    source, kept = image.getexif(), Image.Exif()
    for tag in _TAGS:
        if tag in source:
            kept[tag] = source[tag]
    details = dict(source.get_ifd(_IFD.Exif))
    for tag in _DROPPED:
        details.pop(tag, None)
    if ExifTags.Base.ColorSpace in details:
        details[ExifTags.Base.ColorSpace] = 1  # sRGB
    if details:
        kept[_IFD.Exif] = details
    if place := source.get_ifd(_IFD.GPSInfo):
        kept[_IFD.GPSInfo] = dict(place)
    return kept.tobytes() if len(kept) else b""


def _read_xmp(image: Image.Image) -> bytes:
    xmp = image.info.get("xmp") or b""
    if isinstance(xmp, str):
        xmp = xmp.encode()
    if not isinstance(xmp, bytes):
        return b""
    for pattern in _XMP_DROPPED:
        xmp = re.sub(pattern, b"", xmp)
    return xmp


def _read_dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        across, down = map(float, image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    # A JPEG holds whole numbers of 16 bits.
    usable = all(math.isfinite(side) and 1 <= side <= 65535 for side in (across, down))
    return (across, down) if usable else None
