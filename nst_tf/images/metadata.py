"""What an image file tells beside its pixels: EXIF, XMP, resolution; and the tag of sRGB."""

import dataclasses
import functools
import logging
import re
import struct
from typing import Any

from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from nst_tf.images.formats import DAMAGE

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
# Of XMP, what is not true of the picture, and of parts that are not in its file.
_XMP_VALUES = (
    rb'\s?tiff:Orientation="[^"]*"',
    rb"<tiff:Orientation>[^<]*</tiff:Orientation>",
    rb'\s(?:GCamera|hdrgm):\w+="[^"]*"',  # a video, a map for brighter screens
)
_XMP_ELEMENTS = (b"xmp:Thumbnails", b"Container:Directory")


@dataclasses.dataclass(frozen=True)
class Metadata:
    """What is kept of an image file beside its pixels.

    Attributes:
        exif: EXIF without orientation, thumbnail, size and maker's note; b"" is none.
        xmp: XMP without orientation, thumbnails and what tells of a video or a gain map
            behind the picture; b"" is none.
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
    except DAMAGE as error:
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
    if format in ("JPEG", "WEBP", "TIFF"):  # an AVIF says sRGB without a profile
        options["icc_profile"] = srgb_profile()
    if format == "TIFF":
        tags = Image.Exif()
        tags.load(known.exif)
        for tag, value in tags.items():
            tags[tag] = _keep_letters(value)
        if known.xmp:
            tags[ExifTags.Base.XMLPacket] = known.xmp
        # What Pillow compresses it writes by libtiff, which loses the inner parts of
        # EXIF.
        options |= {"exif": tags} if len(tags) else {"compression": "tiff_lzw"}
    elif format != "BMP":
        if known.exif:
            options["exif"] = known.exif
        if known.xmp:
            options["xmp"] = known.xmp
    if format == "PNG":
        chunks = PngImagePlugin.PngInfo()
        chunks.add(b"sRGB", b"\0")  # perceptual
        if "xmp" in options:
            text = options.pop("xmp").decode(errors="replace")
            chunks.add_itxt("XML:com.adobe.xmp", text)
        options["pnginfo"] = chunks
    return options


def with_less(metadata: Metadata, error: BaseException) -> Metadata | None:
    """Returns metadata without XMP, or without XMP none at all, and the log says why."""
    if metadata.xmp:
        _log.warning("XMP left out: %s", error)
        return dataclasses.replace(metadata, xmp=b"")
    _log.warning("EXIF left out: %s", error)
    return None


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
            kept[tag] = _keep_letters(source[tag])
    details = {
        tag: _keep_letters(value) for tag, value in source.get_ifd(_IFD.Exif).items()
    }
    for tag in _DROPPED:
        details.pop(tag, None)
    if ExifTags.Base.ColorSpace in details:
        details[ExifTags.Base.ColorSpace] = 1  # sRGB
    if details:
        kept[_IFD.Exif] = details
    if place := source.get_ifd(_IFD.GPSInfo):
        kept[_IFD.GPSInfo] = dict(place)
    return kept.tobytes() if len(kept) else b""


def _keep_letters(value: Any) -> Any:
    # Pillow reads bytes as Latin-1, often of UTF-8, and would write ASCII.
    if isinstance(value, str) and not value.isascii():
        return value.encode("latin-1", "replace")
    return value


def _read_xmp(image: Image.Image) -> bytes:
    xmp = image.info.get("xmp") or b""
    if isinstance(xmp, str):
        xmp = xmp.encode()
    if not isinstance(xmp, bytes):
        return b""
    for pattern in _XMP_VALUES:
        xmp = re.sub(pattern, b"", xmp)
    for element in _XMP_ELEMENTS:
        head, _, rest = xmp.partition(b"<%b>" % element)
        _, closing, tail = rest.partition(b"</%b>" % element)
        xmp = head + tail if closing else xmp
    return xmp


def _read_dpi(image: Image.Image) -> tuple[float, float] | None:
    try:
        across, down = map(float, image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    # 1 stands for none; a JPEG holds whole numbers of 16 bits.
    usable = all(1 < side <= 65535 for side in (across, down))
    return (across, down) if usable else None
