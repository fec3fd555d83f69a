"""Image files to Pillow images: every format, upright, in sRGB, nothing transparent.

The part of `nst_tf.images.io` that knows about codecs. It works from several threads at
once.
"""

import contextlib
import io
import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, JpegImagePlugin

from nst_tf.core.errors import UserError, expected
from nst_tf.images import deep_pixels, formats
from nst_tf.images.metadata import Metadata, read_metadata, srgb_profile

Source = str | os.PathLike[str] | bytes
Size = tuple[int, int]

_log = logging.getLogger(__name__)

# EXIF's orientation: what stands a picture upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_GIANT_PIXELS = 50_000_000
_giants = threading.Lock()


class NamedBytes(bytes):
    """The bytes of an image file that messages call by a name, such as its URL."""

    name: str

    def __new__(cls, data: bytes, name: str) -> "NamedBytes":
        named = super().__new__(cls, data)
        named.name = name
        return named


@dataclass(frozen=True)
class Decoded:
    """An image as it comes out of its file.

    Attributes:
        color: upright and sRGB, of mode RGB, or F with values in [0, 1] for deep gray.
            What is transparent is composited.
        alpha: of mode L, or None.
        size: the (height, width) to bring both to.
        metadata: None where there is none, and in a draft.
    """

    color: Image.Image
    alpha: Image.Image | None
    size: Size
    metadata: Metadata | None


def decode(
    source: Source,
    fit: Callable[[int, int], Size],
    max_pixels: int,
    *,
    draft: bool,
    black: bool = False,
) -> Decoded:
    """Decodes a path or bytes, after a look at the size in its header.

    An image with too many pixels is decoded at a fraction where its file allows that.

    Args:
        source: a path, or the bytes of an image file.
        fit: (height, width) -> the size that the caller will bring it to.
        max_pixels: neither size may have more.
        draft: whether a JPEG within the limit may be decoded at a half, a quarter or an
            eighth, too, never below `fit`.
        black: whether what is transparent is composited on black; else it is on the
            mean color of what is seen, since statistics of style spread what lies
            below.

    Raises:
        UserError: the source is missing, damaged, no image, too large or wholly
            transparent.
    """
    name = source_name(source)

    def read(stream: BinaryIO) -> Decoded:
        image = formats.open_image(stream, name)
        width, height = image.size
        size = fit(height, width)
        with _own_limit(height * width):
            if height * width > max_pixels:
                formats.choose_fraction(image, stream, *size)
                if image.size[0] * image.size[1] > max_pixels:
                    check_pixels(name, height, width, max_pixels)
            elif draft and isinstance(image, JpegImagePlugin.JpegImageFile):
                image.draft(None, size[::-1])
            check_pixels(f"{name} (resized)", *size, max_pixels)
            _load(image, stream, name)
        orientation = read_orientation(image, name)
        metadata = None if draft else read_metadata(image, name)
        color, alpha = color_and_alpha(image, name)
        if alpha is not None:
            color = _composite(color, alpha, black, name)
        if orientation in _TURNS:
            color = color.transpose(_TURNS[orientation])
            if alpha is not None:
                alpha = alpha.transpose(_TURNS[orientation])
        if orientation in (5, 6, 7, 8):
            size = size[::-1]
        return Decoded(color, alpha, size, metadata)

    with clear_errors(name, max_pixels), open_stream(source) as stream:
        return formats.without_excess_text(stream, name, read)


@contextlib.contextmanager
def clear_errors(name: str, max_pixels: int) -> Iterator[None]:
    """Raises what goes wrong in decoding as a `UserError` that names the image."""
    try:
        yield
    except Image.DecompressionBombError as error:
        # While opening, Pillow allocates for WebP and GIF, so there its own limit has
        # to stay.
        raise expected(
            f"at most {max_pixels} pixels",
            f"{name} with many more",
            "Use a smaller image, or save it as PNG.",
        ) from error
    except formats.DAMAGE as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise expected(
            "an image that can be read",
            f"{name} ({reason or type(error).__name__})",
            "Check the file, or save it anew as PNG or JPEG.",
        ) from error


def source_name(source: Source) -> str:
    """Returns what messages call a source: its path or name, or how many bytes it has."""
    if isinstance(source, NamedBytes):
        return source.name
    if isinstance(source, bytes):
        return f"an image of {len(source)} bytes"
    return os.fspath(source)


def pixels_of(source: Source) -> int:
    """Returns how many pixels an image file has by its header; 0 if it cannot be read,
    or has too many to open it.
    """

    name = source_name(source)

    def read(stream: BinaryIO) -> int:
        width, height = formats.open_image(stream, name).size
        return width * height

    try:
        with open_stream(source) as stream:
            return formats.without_excess_text(stream, name, read)
    except (UserError, Image.DecompressionBombError, *formats.DAMAGE):
        return 0


def open_stream(source: Source) -> BinaryIO:
    """Opens a source to read its bytes."""
    return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")


def _load(image: ImageFile.ImageFile, stream: BinaryIO, name: str) -> None:
    page = image.tell()
    note_frames(image, stream, name)

    def reopen_page() -> ImageFile.ImageFile:
        twin = formats.open_image(stream, name)
        twin.seek(page)
        return twin

    deep_pixels.load_colors(image, reopen_page)


def note_frames(image: ImageFile.ImageFile, stream: BinaryIO, name: str) -> None:
    """Logs, once a file, that a file has several frames or pages, of which one is read."""

    def reopen() -> ImageFile.ImageFile:
        return formats.open_image(stream, name)

    with contextlib.suppress(*formats.DAMAGE):  # of a later frame, which is not read
        if formats.has_more_frames(image, reopen):
            formats.note_frames(name)


def check_pixels(name: str, height: int, width: int, max_pixels: int) -> None:
    """Raises `UserError` for more than `max_pixels` pixels."""
    if height * width > max_pixels:
        raise expected(
            f"at most {max_pixels} pixels",
            f"{name} with {width} x {height} = {width * height} pixels",
            f"If it is meant to be so large, give --max_pixels={height * width}.",
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


def read_orientation(image: Image.Image, name: str) -> int:
    """Returns EXIF's orientation, 1 to 8; 1 where it is broken, and the log says so."""
    try:
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    except formats.DAMAGE as error:  # no reason to refuse the pixels
        _log.warning("broken EXIF ignored: %s (%s)", name, error)
        return 1


def color_and_alpha(
    image: Image.Image, name: str
) -> tuple[Image.Image, Image.Image | None]:
    """Returns the color of a loaded image, sRGB of mode RGB or F, and its alpha of mode L.

    It works pixel by pixel: the rows of a picture give what they give in the whole.
    """
    profile = image.info.get("icc_profile")
    alpha = None
    if image.mode == "F" or image.mode.startswith("I"):
        deep = deep_pixels.scale_gray(image, name)
        alpha = _key_alpha(image)
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


def _key_alpha(image: Image.Image) -> Image.Image | None:
    """Returns the alpha of deep gray of which one level is transparent."""
    key = image.info.get("transparency")
    if key is None:
        return None
    opaque = np.asarray(image) != key
    return Image.fromarray(opaque.astype(np.uint8) * 255)


def _composite(
    color: Image.Image, alpha: Image.Image, black: bool, name: str
) -> Image.Image:
    """Returns a color image with what is transparent on black, or on the mean of what is seen.

    Raises:
        UserError: nothing is seen.
    """
    paper = find_paper(weigh_seen(color, alpha), name)
    return lay_on(color, alpha, [0.0] * len(paper) if black else paper)


def weigh_seen(color: Image.Image, alpha: Image.Image) -> np.ndarray:
    """Returns the sum of each band's values times opacity, and of opacity, in float64.

    Those of the parts of a picture add up to those of the whole.
    """
    opacity = np.asarray(alpha)
    weighted = [
        np.multiply(np.asarray(band), opacity, dtype=np.float64).sum()
        for band in color.split()
    ]
    return np.array([*weighted, opacity.sum(dtype=np.float64)])


def find_paper(seen: np.ndarray, name: str) -> list[float]:
    """Returns the mean color of what is seen, by the sums of `weigh_seen`.

    Raises:
        UserError: nothing is seen.
    """
    if not seen[-1]:
        raise expected(
            "a picture of which something is seen",
            f"{name}, which is wholly transparent",
            "Give another one, or remove its transparency.",
        )
    return [float(each) for each in seen[:-1] / seen[-1]]


def lay_on(
    color: Image.Image, alpha: Image.Image, paper: Sequence[float]
) -> Image.Image:
    """Returns a color image with what is transparent composited on one color."""
    if np.asarray(alpha).min() == 255:
        return color
    if color.mode == "RGB":
        below = Image.new("RGB", color.size, tuple(round(level) for level in paper))
    else:
        below = Image.new("F", color.size, paper[0])
    return Image.composite(color, below, alpha)


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
