"""Encodes painted frames: by FFmpeg's encoders for a clip, as PNG for all else."""

from __future__ import annotations

import dataclasses
import functools
import io
import logging
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image as PillowImage

from nst_tf.core.errors import expected, first_line
from nst_tf.video import colors as frame_colors
from nst_tf.video.frames import Facts, Frame
from nst_tf.video.packages import import_av
from nst_tf.video.writing.parts import Packet

_log = logging.getLogger(__name__)

# A number of its own, so that a clip does not depend on the cores of the machine.
_THREADS = 4
# Names that users know; encoders by their own names are taken, too.
_ENCODERS = {
    "h264": "libx264",
    "hevc": "libx265",
    "h265": "libx265",
    "av1": "libsvtav1",
    "vp9": "libvpx-vp9",
    "prores": "prores_ks",
}
_OPTIONS = {
    # By itself x264 chooses algorithms by the processor. On a loaded machine 9 of 1750 runs
    # over four parts of the same frames ended with other bytes; with this 0 of 1000 did.
    "libx264": {"preset": "medium", "x264-params": "cpu-independent=1"},
    "libx265": {"preset": "medium", "x265-params": "log-level=error"},
    "libsvtav1": {"preset": "8"},
    "libvpx-vp9": {"b:v": "0", "row-mt": "1", "deadline": "good", "cpu-used": "4"},
    "prores_ks": {"profile": "hq"},
}
_FORMATS = {"prores_ks": "yuv422p10le"}
# Encoders that take sides of an odd number of pixels with half as many chroma values.
_ANY_SIDE = ("libsvtav1", "libvpx-vp9", "ffv1")
_H264_MOST_CRF = 51
LIVE = {"preset": "ultrafast", "tune": "zerolatency"}  # of libx264


class Encoder(Protocol):
    """Makes packets of the frames of one part."""

    def encode(self, frame: Frame) -> Iterator[Packet]:
        """Takes the next frame; yields what packets are ready, in the order of decoding."""

    def finish(self) -> Iterator[Packet]:
        """Yields the other packets."""


class PngEncoder:
    """Every frame as a PNG, which loses nothing."""

    def encode(self, frame: Frame) -> Iterator[Packet]:
        """See `Encoder`."""
        picture, data = frame.rgb, io.BytesIO()
        if frame.alpha is not None:
            picture = np.dstack([picture, frame.alpha])
        PillowImage.fromarray(picture).save(data, "PNG", compress_level=1)
        yield Packet(frame.time, frame.duration, True, data.getvalue())

    def finish(self) -> Iterator[Packet]:
        """See `Encoder`."""
        yield from ()


@dataclasses.dataclass(frozen=True)
class ClipFormat:
    """How a clip is encoded.

    Attributes:
        encoder: FFmpeg's name of it.
        options: of the encoder.
        facts: of the frames.
        padding: rows and columns by which the last ones are repeated.
    """

    encoder: str
    options: dict[str, str]
    facts: Facts
    padding: tuple[int, int]

    def configure(self, context: Any) -> Any:
        """Sets up a codec context of PyAV, and returns it."""
        av = import_av()
        height, width = self.facts.size
        context.height = height + self.padding[0]
        context.width = width + self.padding[1]
        context.pix_fmt = self.pixel_format
        context.time_base = self.facts.time_base
        context.framerate = self.facts.rate
        context.sample_aspect_ratio = self.facts.pixel_aspect
        context.color_range = 1  # limited, as all players expect
        context.colorspace = self.facts.colors.matrix
        context.color_primaries = self.facts.colors.primaries
        context.color_trc = self.facts.colors.transfer
        context.thread_count = _THREADS
        context.options = self.options
        context.flags |= av.codec.context.Flags.global_header
        return context

    @property
    def pixel_format(self) -> str:
        """FFmpeg's name of how a pixel is stored."""
        return _FORMATS.get(self.encoder, "yuv420p")


def choose_format(output: Path, codec: str, crf: int, facts: Facts) -> ClipFormat:
    """Returns how a clip is encoded.

    Args:
        output: its suffix is the container's.
        codec, crf: of the settings; "" for the container's usual codec.
        facts: of the frames.

    Raises:
        UserError: this build of PyAV has no such encoder, or it has no such quality, or
            the container does not take the codec.
    """
    av = import_av()
    name = codec or ("vp9" if output.suffix.lower() == ".webm" else "h264")
    encoder = _ENCODERS.get(name, name)
    try:
        known = av.codec.Codec(encoder, "w")
    except (ValueError, av.error.FFmpegError) as error:
        raise expected(
            "--codec that this build of PyAV encodes",
            name,
            "Try h264, hevc, vp9 or av1.",
        ) from error
    if known.type != "video":
        raise expected("--codec of video", name, "Try h264, hevc, vp9 or av1.")
    _check_container(output, known)
    options = dict(_OPTIONS.get(encoder, {}))
    if encoder in ("libx264", "libx265") and crf > _H264_MOST_CRF:
        raise expected(
            f"--crf of at most {_H264_MOST_CRF} for {name}", crf, "Lower it."
        )
    if encoder not in ("prores_ks", "ffv1"):
        options["crf"] = str(crf)
    elif crf != 18:
        raise expected(f"no --crf for {name}, which has none", crf, "Leave it out.")
    height, width = facts.size
    padding = (0, 0) if encoder in _ANY_SIDE else (height % 2, width % 2)
    if any(padding):
        _log.warning(
            "%s is written as %dx%d pixels, whose last row or column is there twice: %s "
            "has even sides alone; --codec=vp9 or av1 keep %dx%d",
            output,
            width + padding[1],
            height + padding[0],
            name,
            width,
            height,
        )
    return ClipFormat(encoder, options, facts, padding)


def _check_container(output: Path, known: Any) -> None:
    av = import_av()
    with av.open(os.devnull, "w", format=muxer_of(output)) as container:
        if known.canonical_name not in container.supported_codecs:
            raise expected(
                f"--codec that {output.suffix} takes",
                known.canonical_name,
                "Choose another, or .mkv, which takes all.",
            )


def muxer_of(output: Path) -> str:
    """Returns FFmpeg's name of the container that a suffix stands for."""
    names = {".mkv": "matroska", ".m4v": "mp4"}
    suffix = output.suffix.lower()
    return names.get(suffix, suffix.removeprefix("."))


class ClipEncoder:
    """Encodes one part, which begins with a keyframe and refers to no other part.

    Args:
        format: of the clip.

    Raises:
        UserError: the encoder refuses it.
    """

    def __init__(self, format: ClipFormat):
        av = import_av()
        self._format = format
        self._durations: dict[int, int] = {}
        self._context = format.configure(av.CodecContext.create(format.encoder, "w"))
        try:
            self._context.open()
        except (av.error.FFmpegError, ValueError) as error:
            height, width = format.facts.size
            raise expected(
                f"frames that {format.encoder} encodes",
                f"{width}x{height} pixels ({first_line(error)})",
                "Choose another --codec, or --image_size.",
            ) from error

    def encode(self, frame: Frame) -> Iterator[Packet]:
        """See `Encoder`."""
        rows, columns = self._format.padding
        rgb = np.pad(_lay_on_white(frame), ((0, rows), (0, columns), (0, 0)), "edge")
        planes = frame_colors.to_planes(
            rgb, self._format.facts.colors, self._format.pixel_format
        )
        planes.pts, planes.time_base = frame.time, self._format.facts.time_base
        self._durations[frame.time] = frame.duration
        yield from map(self._store, self._context.encode(planes))

    def finish(self) -> Iterator[Packet]:
        """See `Encoder`."""
        yield from map(self._store, self._context.encode(None))

    def _store(self, packet: Any) -> Packet:
        scale = Fraction(packet.time_base or self._format.facts.time_base)
        time = round(packet.pts * scale / self._format.facts.time_base)
        return Packet(
            time, self._durations.pop(time), packet.is_keyframe, bytes(packet)
        )


def _lay_on_white(frame: Frame) -> np.ndarray:
    if frame.alpha is None:
        return frame.rgb
    _note_alpha()
    share = frame.alpha[..., None] / 255
    return np.rint(frame.rgb * share + 255 * (1 - share)).astype(np.uint8)


@functools.lru_cache(1)
def _note_alpha() -> None:
    """Logs once that a clip has no alpha."""
    _log.warning("alpha dropped: a clip cannot hold it, composited on white")
