"""Image files to float32 RGB in [0, 1] and back: the one place where bytes become numbers.

Color is sRGB throughout. Everything here works without TensorFlow and from several
threads at once.
"""

import dataclasses
import functools
import io
import logging
import os
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from nst_tf.core.errors import expected
from nst_tf.core.file_search import find_files
from nst_tf.core.files import write_atomically
from nst_tf.images.codecs import Source, decode, source_name
from nst_tf.images.formats import (
    ADVICE,
    DAMAGE,
    IMAGE_SUFFIXES as IMAGE_SUFFIXES,
    format_of as format_of,
)
from nst_tf.images.metadata import Metadata, make_save_options, with_less

MAX_PIXELS = 100_000_000  # a float32 RGB picture of this size takes 1.2 GB

_log = logging.getLogger(__name__)


@dataclasses.dataclass(
    frozen=True, eq=False
)  # arrays have no single truth value to compare by
class Image:
    """One sRGB picture as float32; a notebook shows it.

    Attributes:
        rgb: [height, width, 3] in [0, 1], not multiplied by alpha; as read from a file,
            with what is transparent on the mean color of what is seen.
        alpha: [height, width] in [0, 1], 0 is transparent; None where the file had
            none.
        metadata: EXIF, XMP and resolution of the file that it was read from, which
            `encode` writes; None for none.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    metadata: Metadata | None = None

    def __post_init__(self) -> None:
        shape = self.rgb.shape
        if len(shape) != 3 or shape[2] != 3 or 0 in shape:
            raise ValueError(
                f"Expected rgb of shape [height, width, 3]. Received: {shape}."
            )
        if self.alpha is not None and self.alpha.shape != shape[:2]:
            raise ValueError(
                f"Expected alpha of shape {shape[:2]}. Received: {self.alpha.shape}."
            )

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]

    def _repr_png_(self) -> bytes:
        # By this name a notebook finds what it shows of an object.
        return encode(self, "png")


def fit_size(
    height: int,
    width: int,
    *,
    short_side: int | None = None,
    long_side: int | None = None,
) -> tuple[int, int]:
    """Returns the (height, width) in pixels that brings one side to a wanted length.

    The aspect is kept up to rounding, and no side falls below 1 pixel.

    Args:
        height: present height in pixels.
        width: present width in pixels.
        short_side: wanted length of the shorter side in pixels, or None.
        long_side: wanted length of the longer side in pixels, or None. With neither of
            the two the size stays as it is.

    Raises:
        UserError: both are given, or one is below 1.
    """
    if short_side is not None and long_side is not None:
        raise expected("short_side or long_side", "both", "Leave one of them out.")
    wanted = short_side if short_side is not None else long_side
    if wanted is None:
        return height, width
    if wanted < 1:
        raise expected("a side of at least 1 pixel", wanted, "Give a positive number.")
    present = min(height, width) if short_side is not None else max(height, width)
    # Whole numbers only: a float ratio could miss the wanted side by one pixel.
    rows, columns = (
        max(1, (side * wanted + present // 2) // present) for side in (height, width)
    )
    return rows, columns


def decode_rgb8(
    source: Source,
    *,
    short_side: int | None = None,
    long_side: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decodes an image for training: fast, and without alpha.

    Transparent parts are composited on the mean color of what is seen. A JPEG that is
    to shrink a lot is decoded at a half, a quarter or an eighth, never below the wanted
    size.

    Args:
        source: a path, or the bytes of an image file.
        short_side: length in pixels that the shorter side gets, smaller images are
            enlarged; None leaves it free.
        long_side: the same for the longer side. At most one of the two.
        max_pixels: an image with more pixels is refused before it is decoded, unless
            its file allows to decode it at a fraction: a JPEG, a TIFF with reduced
            pages.

    Returns:
        uint8 [height, width, 3], sRGB.

    Raises:
        UserError: the source is missing, damaged, no image, too large or wholly
            transparent.
    """
    decoded = decode(
        source,
        functools.partial(fit_size, short_side=short_side, long_side=long_side),
        max_pixels,
        draft=True,
    )
    color = decoded.color
    if color.mode == "F":
        color = PillowImage.fromarray(to_uint8(np.asarray(color))).convert("RGB")
    return resize_rgb8(np.asarray(color), *decoded.size)


def resize_rgb8(rgb8: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns uint8 [H, W, 3] as uint8 [height, width, 3], without aliasing."""
    # Lanczos widens as the image shrinks, so nothing aliases, and keeps the most
    # detail.
    return np.array(
        PillowImage.fromarray(rgb8).resize(
            (width, height), PillowImage.Resampling.LANCZOS
        )
    )


def read_image(
    source: Source,
    *,
    short_side: int | None = None,
    long_side: int | None = None,
    max_pixels: int = MAX_PIXELS,
) -> Image:
    """Reads an image in full quality, with its alpha kept apart.

    EXIF orientation is applied, an embedded color profile is converted to sRGB, and
    16-bit gray keeps its levels (but is read as 8-bit where it has a profile; 16-bit
    color always is). Of an animation the first frame is read. What is transparent is
    composited on the mean color of what is seen, so that what lies below it counts
    nowhere.

    Args:
        source, short_side, long_side, max_pixels: as for `decode_rgb8`.

    Returns:
        An `Image`; its alpha is None where the file has none.

    Raises:
        UserError: the source is missing, damaged, no image, too large or wholly
            transparent.
    """
    return _read(source, short_side, long_side, max_pixels)


def _read(
    source: Source,
    short_side: int | None,
    long_side: int | None,
    max_pixels: int,
    black: bool = False,
) -> Image:
    decoded = decode(
        source,
        functools.partial(fit_size, short_side=short_side, long_side=long_side),
        max_pixels,
        draft=False,
        black=black,
    )
    color, alpha = decoded.color, decoded.alpha
    bands = color.split() if color.mode == "RGB" else (color,) * 3
    planes = [_scaled_plane(band, decoded.size) for band in bands]
    return Image(
        np.stack(planes, axis=-1),
        None if alpha is None else _scaled_plane(alpha, decoded.size),
        decoded.metadata,
    )


def read_mask(
    source: Source,
    size: tuple[int, int],
    of: str = "photo",
    *,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Reads a mask's lightness, float32 [H, W, 1] in [0, 1]; what is transparent is black.

    Args:
        source: path or bytes.
        size: height and width that it must have.
        of: what has that size, for the error.
        max_pixels: a mask with more pixels is refused.

    Raises:
        UserError: unreadable, another size, black all over or wholly transparent.
    """
    mask = _read(source, None, None, max_pixels, black=True)
    if mask.size != tuple(size):
        raise expected(
            f"a mask of the {of}'s size, {size[1]}x{size[0]}",
            f"{source_name(source)}: {mask.size[1]}x{mask.size[0]}",
            f"Make it of the {of} itself.",
        )
    lightness = mask.rgb.mean(-1, keepdims=True)
    if not lightness.any():
        raise expected(
            "a mask with white in it",
            f"{source_name(source)}, which is black",
            "Paint the region white.",
        )
    return lightness


def to_float(rgb8: np.ndarray) -> np.ndarray:
    """Returns uint8 values of any shape as float32 in [0, 1].

    Raises:
        ValueError: the values are not uint8.
    """
    if rgb8.dtype != np.uint8:
        raise ValueError(f"Expected uint8 values. Received: {rgb8.dtype}.")
    return np.divide(rgb8, 255, dtype=np.float32)


def to_uint8(rgb: np.ndarray) -> np.ndarray:
    """Returns float values of any shape, clipped to [0, 1], as the nearest of 0 to 255.

    Raises:
        ValueError: the values are not floats, or some are NaN or infinite.
    """
    if not np.issubdtype(rgb.dtype, np.floating):
        raise ValueError(f"Expected float values. Received: {rgb.dtype}.")
    if not np.isfinite(rgb).all():
        raise ValueError(
            "Expected finite values. Received: a picture with NaN or infinity."
        )
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def quality_options(format: str, quality: int) -> dict[str, Any]:
    """Returns the options of Pillow's `save` that say how well a format keeps pixels.

    Raises:
        UserError: a quality outside of 1 to 100.
    """
    if not 1 <= quality <= 100:
        raise expected("a quality from 1 to 100", quality, "Choose one in between.")
    options: dict[str, dict[str, Any]] = {
        "JPEG": {"quality": quality, "subsampling": 0},
        # "exact" keeps color under transparent pixels.
        "WEBP": {"quality": quality, "exact": True},
        "AVIF": {"quality": quality, "subsampling": "4:4:4"},
    }
    return options.get(format, {})


def encode(picture: Image, format: str, quality: int = 95) -> bytes:
    """Encodes a picture as the bytes of an image file, tagged as sRGB.

    PNG, WebP, TIFF and AVIF keep alpha. JPEG and BMP cannot: the picture is composited on
    white, and the log says so. JPEG keeps color in full resolution (4:4:4). Metadata is
    written as far as the format has a place for it.

    Args:
        picture: what to encode; values outside [0, 1] are clipped.
        format: a suffix among `WRITTEN_AS`, with or without a dot.
        quality: 1 to 100, for JPEG, WebP and AVIF.

    Raises:
        UserError: unknown format, unusable quality, or a picture the format cannot
            hold.
        ValueError: the picture has NaN or infinite values.
    """
    name = format_of(format)
    _ = quality_options(name, quality)  # raises, before the work
    rgb, alpha = picture.rgb, picture.alpha
    if alpha is not None and name in ("JPEG", "BMP"):
        if alpha.min() < 1:
            note_dropped_alpha(name)
        rgb, alpha = on_white(rgb, alpha), None
    if alpha is not None:
        rgb = np.concatenate([rgb, alpha[..., None]], axis=-1)
    image, buffer = PillowImage.fromarray(to_uint8(rgb)), io.BytesIO()
    try:
        tags = make_save_options(picture.metadata, name)
        image.save(buffer, name, **quality_options(name, quality), **tags)
    except DAMAGE as error:
        if picture.metadata:
            less = dataclasses.replace(
                picture, metadata=with_less(picture.metadata, error)
            )
            return encode(less, format, quality)
        height, width = picture.size
        raise expected(
            f"a picture that {name} can hold",
            f"{width} x {height} pixels ({error})",
            "Choose another format, such as png.",
        ) from error
    return buffer.getvalue()


def on_white(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Returns [H, W, 3] composited on white by its alpha, [H, W]."""
    return rgb * alpha[..., None] + (1 - alpha[..., None])


def note_dropped_alpha(format: str) -> None:
    """Logs that a format cannot hold alpha."""
    _log.warning("alpha dropped: %s cannot hold it, composited on white", format)


def encode_rgb8(rgb8: np.ndarray, format: str) -> bytes:
    """Returns uint8 [H, W, 3] as the bytes of an image file; see `encode`."""
    return encode(Image(to_float(rgb8)), format)


def write_image(
    path: str | os.PathLike[str],
    picture: Image,
    *,
    overwrite: bool = False,
    quality: int = 95,
) -> None:
    """Writes a picture in the format that the suffix names, whole or not at all.

    Args:
        path: the file to write; missing parent folders are created.
        picture: what to write; see `encode` for what becomes of its alpha.
        overwrite: whether an existing file may be replaced.
        quality: 1 to 100, for JPEG, WebP and AVIF.

    Raises:
        UserError: unknown suffix, unusable quality, a file that exists and may not be
            replaced, or a path that cannot be written.
        ValueError: the picture has NaN or infinite values.
    """
    data = encode(picture, Path(path).suffix, quality)
    write_atomically(path, data, overwrite=overwrite)


def find_images(spec: str | os.PathLike[str]) -> list[Path]:
    """Lists the image files that a file, a folder or a glob stands for, sorted.

    The rules are those of `file_search.find_files`, with `IMAGE_SUFFIXES`. The log says
    what is left out.

    Raises:
        UserError: nothing was found.
    """
    return find_files(spec, IMAGE_SUFFIXES, ADVICE)


def _scaled_plane(band: PillowImage.Image, size: tuple[int, int]) -> np.ndarray:
    """Returns one color, or the alpha, as float32 of the size (height, width) in [0, 1]."""
    values = np.asarray(band)
    plane = values if values.dtype == np.float32 else to_float(values)
    if plane.shape == size:
        return plane
    # Lanczos may overshoot.
    scaled = PillowImage.fromarray(plane).resize(
        size[::-1], PillowImage.Resampling.LANCZOS
    )
    return np.clip(np.asarray(scaled), 0, 1)
