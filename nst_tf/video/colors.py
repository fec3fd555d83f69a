"""Decoded frames to RGB and back, with their own matrix and range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nst_tf.core.errors import expected
from nst_tf.video.frames import Colors

if TYPE_CHECKING:
    import av

# Numbers of H.273, which FFmpeg uses, too.
_RGB, BT709, UNKNOWN, _BT470BG, _BT601 = 0, 1, 2, 5, 6
_MATRICES = (BT709, 4, _BT470BG, _BT601, 7)
_BT2020, _PQ, _HLG = 9, 16, 18
_LIMITED, _FULL = 1, 2
HD_HEIGHT = 720  # pixels, from which on players take BT.709 where a clip does not say
# Bicubic chroma at every pixel, and exact rounding: swscale's fast way is 1 to 1.5 levels
# too dark in the mean.
_EXACT = 4 | 0x2000 | 0x4000 | 0x40000


def read_colors(frame: av.VideoFrame, path: str) -> Colors:
    """Returns the colors of a clip by one of its frames; what it does not say is guessed.

    Raises:
        UserError: high dynamic range or BT.2020, which 8 bits cannot hold.
    """
    if frame.color_trc in (_PQ, _HLG) or _BT2020 in (
        frame.color_primaries,
        frame.colorspace,
    ):
        kind = {_PQ: "HDR, PQ", _HLG: "HDR, HLG"}.get(frame.color_trc, "BT.2020")
        raise expected(
            "a clip of standard dynamic range",
            f"{path} ({kind})",
            "Convert it first, such as with HandBrake, or FFmpeg's filters zscale and tonemap.",
        )
    matrix = frame.colorspace
    if matrix not in _MATRICES:
        # RGB has no matrix; what is written of it gets the one of today's clips.
        high = frame.height >= HD_HEIGHT or frame.format.is_rgb
        matrix = BT709 if high else _BT601
    return Colors(
        matrix,
        _known(frame.color_primaries, BT709 if matrix == BT709 else _BT601),
        _known(frame.color_trc, BT709 if matrix == BT709 else _BT601),
    )


def _known(value: int, otherwise: int) -> int:
    return otherwise if value in (_RGB, UNKNOWN) else value


def to_rgb(frame: av.VideoFrame, colors: Colors) -> np.ndarray:
    """Returns a decoded frame as uint8 [height, width, 3], upright."""
    full = frame.color_range == _FULL or frame.format.name.startswith("yuvj")
    if frame.format.is_rgb:
        converted = frame.reformat(format="rgb24")
    else:
        converted = frame.reformat(
            format="rgb24",
            src_colorspace=colors.matrix,
            src_color_range=_FULL if full else _LIMITED,
            dst_color_range=_FULL,
            interpolation=_EXACT,
        )
    # What is recorded is how far a clip is turned counterclockwise to be upright.
    quarters = round(frame.rotation / 90)
    return np.ascontiguousarray(np.rot90(converted.to_ndarray(), quarters))


def to_planes(rgb: np.ndarray, colors: Colors, pixel_format: str) -> av.VideoFrame:
    """Returns uint8 [height, width, 3] as a frame of limited range, as clips are written."""
    import av

    frame = av.VideoFrame.from_ndarray(rgb, "rgb24")
    return frame.reformat(
        format=pixel_format,
        dst_colorspace=colors.matrix,
        src_color_range=_FULL,
        dst_color_range=_LIMITED,
        interpolation=_EXACT,
    )
