"""What the header of an image file tells: how large it is, and how its rows can be had."""

import dataclasses
from typing import BinaryIO

from PIL import ExifTags, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from nst_tf.images import codecs, formats
from nst_tf.images.large import png

# Bytes a pixel that Pillow takes at most to decode a picture whole: four of its own, and
# as much again where it is turned, converted or composited. Of 16 bits a value both bytes
# are decoded.
_PLAIN, _DEEP = 10, 36
# What a decoder holds of a JPEG of several scans.
_PROGRESSIVE = 6
_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK")
_ASSOCIATED = 1  # of ExtraSamples: color is multiplied by alpha


@dataclasses.dataclass(frozen=True)
class Header:
    """An image file before its pixels are read.

    Attributes:
        image: as Pillow opened it, with the file's mode, profile and metadata; of a PNG
            its twin of one pixel.
        stored: (height, width) as the pixels lie in the file.
        orientation: EXIF's, 1 to 8.
        deep: whether a value has 16 bits.
        whole_bytes: what it takes to decode the picture whole.
        streams: whether its rows can be decoded one after the other.
    """

    image: ImageFile.ImageFile
    stored: tuple[int, int]
    orientation: int
    deep: bool
    whole_bytes: int
    streams: bool


def read_header(stream: BinaryIO, name: str) -> Header:
    """Reads a header; no pixels.

    Raises:
        UserError, ValueError: as `formats.open_image`. Pillow raises other errors, too.
    """
    image = formats.open_image(stream, name)
    height, width, streams = image.height, image.width, True
    orientation, deep = 1, image.mode.startswith("I")
    bytes_a_pixel = _PLAIN
    if isinstance(image, PngImagePlugin.PngImageFile):
        twin, (height, width), interlaced = png.make_twin(stream)
        image = formats.without_excess_text(
            twin, name, lambda each: formats.open_image(each, name)
        )
        image.load()
        deep = _png_depth(twin) == 16
        streams = not interlaced
        orientation = codecs.read_orientation(image, name)
    elif isinstance(image, JpegImagePlugin.JpegImageFile):
        orientation = codecs.read_orientation(image, name)
        if image.info.get("progressive"):
            bytes_a_pixel += _PROGRESSIVE
    elif isinstance(image, TiffImagePlugin.TiffImageFile):
        # Pillow tells the size upright, and takes the orientation away as it loads.
        orientation = image.tag_v2.get(ExifTags.Base.Orientation, 1)
        if orientation in (5, 6, 7, 8):
            height, width = width, height
        deep = image.tag_v2.get(ExifTags.Base.BitsPerSample, (8,))[0] > 8
        streams = _is_plain(image)
    else:
        streams = False
    if image.mode not in _MODES and not (deep and image.mode.startswith("I;16")):
        streams = False
    if deep:
        bytes_a_pixel = _DEEP
    whole_bytes = bytes_a_pixel * height * width
    return Header(image, (height, width), orientation, deep, whole_bytes, streams)


def _png_depth(twin: BinaryIO) -> int:
    twin.seek(24)  # behind signature, IHDR's length and name, width and height
    return twin.read(1)[0]


def _is_plain(image: TiffImagePlugin.TiffImageFile) -> bool:
    """Returns whether a TIFF's values mean what they mean to Pillow, whoever decodes them."""
    tags = image.tag_v2
    bits = set(tags.get(ExifTags.Base.BitsPerSample, (1,)))
    if bits == {16}:
        white_is_0 = tags.get(ExifTags.Base.PhotometricInterpretation) == 0
        planes = tags.get(ExifTags.Base.PlanarConfiguration, 1) == 2
        if white_is_0 or planes:
            return False
    elif bits != {8}:
        return False
    kinds = set(tags.get(ExifTags.Base.SampleFormat, (1,)))
    return kinds == {1} and _ASSOCIATED not in tags.get(ExifTags.Base.ExtraSamples, ())
