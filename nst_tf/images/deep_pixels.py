"""Pixels of more than 8 bits a value: the scale that their file tells, and no bits cut off.

Reference:
    Adobe, TIFF revision 6.0, 1992: BitsPerSample, SampleFormat, SMinSampleValue,
    MaxSampleValue, PhotometricInterpretation.
"""

import logging
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile, TiffImagePlugin

_log = logging.getLogger(__name__)

_UNSIGNED, _SIGNED, _FLOAT = 1, 2, 3  # SampleFormat
_OVERSHOOT = 1.5  # floats may go beyond their white by so much, and are clipped
# The same bytes in the other order.
_SWAPPED = {";16B": ";16L", ";16L": ";16B"}
_SWAPPED[";16N"] = ";16B" if sys.byteorder == "little" else ";16L"


def load_colors(
    image: ImageFile.ImageFile, reopen: Callable[[], ImageFile.ImageFile]
) -> None:
    """Loads an image; colors of 16 bits are rounded to 8, where Pillow cuts them off.

    Pillow unpacks one byte of two. The file is decoded again with the order of bytes
    swapped, which gives the other.

    Args:
        image: as opened, not loaded.
        reopen: opens it again.

    Raises:
        ValueError: a TIFF that Pillow would read wrongly.
    """
    layout = _byte_layout(image)
    bits = _tiff_tag(image, ExifTags.Base.BitsPerSample) or (8,)
    kind = _tiff_tag(image, ExifTags.Base.SampleFormat) or (_UNSIGNED,)
    if image.mode not in ("F", "I") and not image.mode.startswith("I;16"):
        if kind[0] != _UNSIGNED or (bits[0] > 8 and not layout):
            raise ValueError(f"a kind of {bits[0]}-bit TIFF that is not read")
    image.load()
    planes = _tiff_tag(image, ExifTags.Base.PlanarConfiguration) == 2
    if not layout or layout.startswith("RGBa") or planes:
        return  # 8 bits; or the other byte cannot be had, which is below one level
    twin = reopen()
    gray = layout == "LA;16B"
    other = "RGBA" if gray else layout[:-4] + _SWAPPED[layout[-4:]]
    twin.tile = [_with_layout(tile, other) for tile in twin.tile]
    high, low = np.asarray(image), np.asarray(twin)
    if gray:  # as "RGBA" the four bytes of a pixel come as they are
        low = low[..., [1, 1, 1, 3]]
    # 257 high + rest is 256 high + low: round(value / 257) is high, or one beside it.
    rest = low.astype(np.int16) - high
    rounded = high + (rest > 128) - (rest < -128)
    key = image.info.get("transparency")
    if isinstance(key, tuple):  # Pillow would look for it among the rounded colors
        opaque = (high * np.uint16(256) + low != key).any(-1)
        rounded = np.dstack([rounded, opaque.astype(np.uint8) * 255])
        image._mode = "RGBA"
        del image.info["transparency"]
    image.im = Image.frombytes(image.mode, image.size, rounded.tobytes()).im


def scale_gray(image: Image.Image, name: str) -> np.ndarray:
    """Returns the gray of a loaded image of Pillow's modes I or F, float32 [H, W] in [0, 1].

    A TIFF's range is SMinSampleValue to SMaxSampleValue where it says so, else that of
    its bits. For whole numbers of 32 bits and floats that would say nothing: there the
    brightest pixel tells which of the usual ranges is meant.

    Args:
        image: of mode F, I, or one that begins with "I;16".
        name: for the log.

    Raises:
        ValueError: values that are not finite or lie outside the range, or a range
            that cannot be told.
    """
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise ValueError("it has NaN or infinite values")
    (kind, *_) = _tiff_tag(image, ExifTags.Base.SampleFormat) or (_UNSIGNED,)
    (bits, *_) = _tiff_tag(image, ExifTags.Base.BitsPerSample) or (16,)
    if kind == _UNSIGNED and values.dtype == np.int32:
        values = values.view(np.uint32)
    low, high = _declared_range(image, kind, bits)
    if high is None:
        high = _guess_white(float(values.max()), kind, name)
    scaled = _scale(values, low, high, kind)
    if high == 65535 and 0 < values.max() < 4096:
        _log.warning(
            "%s is nearly black: no value is above %d of 65535. If these are 12 bits,"
            " save it as a TIFF whose tag MaxSampleValue says 4095",
            name,
            values.max(),
        )
    if _tiff_tag(image, ExifTags.Base.PhotometricInterpretation) == 0:  # white is 0
        scaled = 1 - scaled
    return np.clip(scaled, 0, 1)


def scale_rows(values: np.ndarray, image: Image.Image) -> np.ndarray:
    """Scales rows of a gray picture of 16 bits as `scale_gray` does the whole.

    Args:
        values: uint16 of any shape; black is 0.
        image: the picture as opened, whose tags tell the range.

    Raises:
        ValueError: values outside the range.
    """
    low, high = _declared_range(image, _UNSIGNED, 16)
    assert high is not None  # of 16 bits it is known
    return _scale(values, low, high, _UNSIGNED)


def round_colors(values: np.ndarray) -> np.ndarray:
    """Returns uint16 values as the nearest of 8 bits, as `load_colors` does."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _scale(values: np.ndarray, low: float, high: float, kind: int) -> np.ndarray:
    if kind != _FLOAT and (values.min() < low or values.max() > high):
        raise ValueError(f"its numbers are not in the range of {low:g} to {high:g}")
    return (values.astype(np.float32) - np.float32(low)) / np.float32(high - low)


def _byte_layout(image: ImageFile.ImageFile) -> str:
    """Returns Pillow's raw mode of colors of 16 bits, such as "RGB;16B"; "" for all others."""
    args = image.tile[0].args if image.tile else ""
    raw = args[0] if isinstance(args, tuple) and args else args
    if not isinstance(raw, str) or raw[-4:] not in _SWAPPED or raw.startswith("I"):
        return ""
    return raw


def _with_layout(tile: ImageFile._Tile, layout: str) -> ImageFile._Tile:
    if isinstance(tile.args, tuple):
        return tile._replace(args=(layout, *tile.args[1:]))
    return tile._replace(args=layout)


def _declared_range(
    image: Image.Image, kind: int, bits: int
) -> tuple[float, float | None]:
    """Returns the values of black and white by the tags of a file; None is one that does not tell."""
    low = _tiff_tag(image, ExifTags.Base.SMinSampleValue) or (0,)
    high = _tiff_tag(image, ExifTags.Base.SMaxSampleValue)
    if high and math.isfinite(low[0]) and low[0] < high[0] < math.inf:
        return float(low[0]), float(high[0])
    if kind == _FLOAT or bits > 16:
        return 0.0, None
    # By the standard MaxSampleValue is only what occurs, but programs put there what
    # so many bits can hold.
    (most, *_) = _tiff_tag(image, ExifTags.Base.MaxSampleValue) or (0,)
    if most >= 255 and most & (most + 1) == 0:
        return 0.0, float(most)
    return 0.0, float(2 ** (bits - (kind == _SIGNED)) - 1)


def _guess_white(brightest: float, kind: int, name: str) -> float:
    """Returns the white of the usual range that the brightest value lies in the upper part of."""
    if brightest <= 0:
        return 1.0  # black all over
    if kind == _FLOAT and brightest <= _OVERSHOOT:
        return 1.0
    whites = (255, 65535) if kind == _FLOAT else (255, 65535, 2**31 - 1, 2**32 - 1)
    slack = _OVERSHOOT if kind == _FLOAT else 1
    for white in whites:
        if white / 4 <= brightest <= white * slack:
            _log.warning("%s does not tell its range: read as 0 to %d", name, white)
            return float(white)
    raise ValueError(
        f"up to {brightest:g}, and no tag SMaxSampleValue tells which value is white"
    )


def _tiff_tag(image: Image.Image, tag: int) -> Any:
    """Returns the value of a tag of a TIFF; None where it, or the TIFF, is missing."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return None
    return image.tag_v2.get(tag)
