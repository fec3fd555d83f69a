"""Joins the parts of a clip without encoding anew, with the sound and the rest of its source."""

from __future__ import annotations

import heapq
import logging
import os
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.video.packages import import_av
from nst_tf.video.reading.clip import Clip
from nst_tf.video.writing.encoders import ClipFormat, muxer_of
from nst_tf.video.writing.parts import Parts

_log = logging.getLogger(__name__)

_MP4 = (".mp4", ".m4v", ".mov")
_MOST_TIMESCALE = 2**31 - 1
# What a container says of itself, and not of what is in it.
_OF_THE_FILE = ("major_brand", "minor_version", "compatible_brands", "encoder")
_KEPT = ("audio", "subtitle", "data", "attachment")


def check_streams(source: Clip, output: Path) -> list[int]:
    """Returns the indices of the streams beside the video that a container takes.

    Args:
        source: the clip that is painted.
        output: its suffix is the container's.

    Raises:
        UserError: sound or subtitles that it does not take.
    """
    av = import_av()
    kept = []
    with (
        source.open() as container,
        av.open(os.devnull, "w", format=muxer_of(output)) as probe,
    ):
        for stream in container.streams:
            if stream.type not in _KEPT:
                continue
            context = stream.codec_context
            name = "unknown" if context is None else context.codec.canonical_name
            if _takes(probe, stream, name):
                kept.append(stream.index)
            elif stream.type in ("audio", "subtitle"):
                raise expected(
                    f"{stream.type} that {output.suffix} takes",
                    f"{name} in {source.path}",
                    "Choose .mkv, which takes all.",
                )
            else:
                _log.warning(
                    "left out: stream %d of %s (%s, %s), which %s does not take",
                    stream.index,
                    source.path,
                    stream.type,
                    name,
                    output.suffix,
                )
    return kept


def _takes(probe: Any, stream: Any, name: str) -> bool:
    if stream.type == "attachment":
        return "matroska" in probe.format.name
    if name not in probe.supported_codecs:
        return False
    try:
        probe.add_stream_from_template(stream, opaque=True)
    except (ValueError, import_av().error.FFmpegError):
        return False
    return True


def join_clip(
    parts: Parts,
    format: ClipFormat,
    aside: Path,
    source: Clip | None,
    kept: list[int],
    strip_metadata: bool,
) -> None:
    """Writes a clip.

    Args:
        parts: of its video.
        format: how they were encoded.
        aside: the file to write, of the output's suffix.
        source: where other streams and metadata come from; None for nowhere.
        kept: indices of these streams.
        strip_metadata: whether title, place, date and the like are left out.

    Raises:
        UserError: it cannot be written.
    """
    av = import_av()
    try:
        with av.open(
            str(aside),
            "w",
            format=muxer_of(aside),
            container_options=_choose_options(aside, format),
        ) as target:
            stream = target.add_stream(format.encoder, rate=format.facts.rate)
            format.configure(stream.codec_context)
            stream.time_base = format.facts.time_base
            if format.encoder == "libx265" and aside.suffix in _MP4:
                stream.codec_context.codec_tag = "hvc1"  # what Apple's players read
            video = _read_video(parts, stream)
            if source is None:
                target.start_encoding()
                for packet in video:
                    target.mux(packet)
                return
            with source.open() as container:
                _mux_all(target, stream, video, container, source, kept, strip_metadata)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):  # a full disk, which `replace_file` names
            raise
        raise _refuse(aside, error) from error


def _refuse(aside: Path, error: BaseException) -> UserError:
    return expected(
        f"streams that a {aside.suffix} takes",
        first_line(error),
        "Choose another --output, such as .mkv.",
    )


def _choose_options(aside: Path, format: ClipFormat) -> dict[str, str]:
    # Else Matroska has random numbers: one command would never write the same file twice.
    options = {"fflags": "+bitexact"}
    if aside.suffix not in _MP4:
        return options
    # Times are kept exactly only if the file counts in the clip's own units.
    scale = format.facts.time_base.denominator
    options |= {"movflags": "+faststart"}
    if scale <= _MOST_TIMESCALE:
        options |= {"movie_timescale": str(scale), "video_track_timescale": str(scale)}
    return options


def _read_video(parts: Parts, stream: Any) -> Iterator[Any]:
    """Yields the packets of the parts with times of decoding, as one encoder would give them."""
    av = import_av()
    index = parts.read_index()
    times = index[:, 0]
    shown = np.sort(times)
    lasting = dict(zip(shown.tolist(), find_durations(shown, index).tolist()))
    decoded = find_decoding_times(times)
    for packet, when in zip(parts.read(), decoded.tolist()):
        made = av.Packet(packet.data)
        made.time_base = Fraction(stream.codec_context.time_base)
        made.pts, made.dts = packet.time, when
        made.duration = lasting[packet.time]
        made.is_keyframe = packet.key
        made.stream = stream
        yield made


def find_durations(shown: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Returns how long each frame is shown, in the order of times.

    Args:
        shown: the times, sorted.
        index: of the parts; the last frame's duration is taken from it.
    """
    if not len(shown):
        return shown
    last = int(index[np.argmax(index[:, 0]), 1])
    usual = int(np.median(np.diff(shown))) if len(shown) > 1 else 1
    return np.append(np.diff(shown), last or usual)


def find_decoding_times(times: np.ndarray) -> np.ndarray:
    """Returns when each packet is decoded: in order, and none after it is shown.

    Packets of several encoders follow each other; what one of them says of its own first
    packets may lie before another's last ones. So times of decoding are those of showing,
    sorted, and later by as many frames as the order differs.

    Args:
        times: of showing, in the order of decoding.
    """
    shown = np.sort(times)
    place = np.searchsorted(shown, times)
    delay = int(max(0, np.max(np.arange(len(times)) - place, initial=0)))
    if not delay:
        return shown
    step = max(1, int(shown[1] - shown[0]))
    first = shown[0] - step * np.arange(delay, 0, -1)
    return np.concatenate([first, shown[:-delay]])


def _mux_all(
    target: Any,
    stream: Any,
    video: Iterator[Any],
    container: Any,
    source: Clip,
    kept: list[int],
    strip_metadata: bool,
) -> None:
    copies = {}
    for index in kept:
        template = container.streams[index]
        copies[index] = target.add_stream_from_template(template, opaque=True)
        copies[index].disposition = template.disposition
        if "language" in template.metadata or not strip_metadata:
            copies[index].metadata.update(_choose_metadata(template, strip_metadata))
    if not strip_metadata:
        for name, value in container.metadata.items():
            if name not in _OF_THE_FILE:
                target.metadata[name] = value
        target.set_chapters(_shift_chapters(container.chapters(), source))
    target.start_encoding()
    others = _read_others(container, copies, source)
    for packet in heapq.merge(video, others, key=_when):
        target.mux(packet)


def _choose_metadata(template: Any, strip_metadata: bool) -> dict[str, str]:
    metadata = dict(template.metadata)
    for name in [each for each in metadata if each.startswith(("DURATION", "_STAT"))]:
        del metadata[name]  # of the source's own file
    if strip_metadata:
        return {"language": metadata["language"]}
    return metadata


def _shift_chapters(chapters: list[Any], source: Clip) -> list[Any]:
    shifted = []
    for chapter in chapters:
        shift = round(source.shift / chapter["time_base"])
        end = chapter["end"] - shift
        if end > 0:
            start = max(chapter["start"] - shift, 0)
            shifted.append({**chapter, "start": start, "end": end})
    return shifted


def _read_others(container: Any, copies: dict[int, Any], source: Clip) -> Iterator[Any]:
    """Yields the source's other packets that lie within what is painted, bit for bit."""
    av = import_av()
    packets = container.demux([container.streams[index] for index in copies])
    while copies:
        try:
            packet = next(packets)
        except (StopIteration, av.error.FFmpegError):
            return  # what is missing at the end was said when frames were read
        if packet.dts is None or packet.pts is None:
            continue
        time = packet.pts * packet.time_base
        if source.stop is not None and time >= source.stop:
            continue
        if source.shift and time < source.shift:
            continue
        shift = round(source.shift / packet.time_base)
        packet.pts -= shift
        packet.dts -= shift
        packet.stream = copies[packet.stream.index]
        yield packet


def _when(packet: Any) -> Fraction:
    return packet.dts * packet.time_base
