"""Reads the frames of a clip by PyAV: upright, with their times, as far as the file goes."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.images import io as image_io
from nst_tf.video import colors as frame_colors
from nst_tf.video.frames import Facts, Frame
from nst_tf.video.packages import import_av

_log = logging.getLogger(__name__)

# A clip whose packets end earlier than its header says, by more than this, is cut off.
_SHORT_SECONDS, _SHORT_SHARE = 0.25, 0.01


class Clip:
    """The frames of a clip between two times; see `frames.Source`.

    Args:
        path: of the file.
        start, end: seconds from the clip's beginning; frames from the first on and before
            the second are read. An end of 0 is the clip's.
        max_pixels: larger frames are refused.

    Raises:
        UserError: no clip, no video in it, no decoder for it, high dynamic range, or no
            frame between the times.
    """

    def __init__(
        self,
        path: str,
        start: Fraction = Fraction(0),
        end: Fraction = Fraction(0),
        max_pixels: int = image_io.MAX_PIXELS,
    ):
        self.path = path
        self.faults: list[str] = []
        self._start, self._end = start, end
        with self.open() as container:
            stream = self._find_video(container)
            self._time_base = stream.time_base
            self._origin = Fraction(container.start_time or 0, 1_000_000)
            first = next(self._decode_range(container, stream, None), None)
            if first is None:
                raise self._refuse_empty()
            self._first_time = Fraction(first.pts * self._time_base)
            self.facts = self._describe(container, stream, first, max_pixels)
        self.faults.clear()  # of the first look

    @property
    def shift(self) -> Fraction:
        """Seconds by which all streams move to the front, so that what is painted begins at 0.

        It is 0 for a whole clip, whose times are kept, but for formats whose clocks begin
        anywhere (MPEG transport streams).
        """
        if self._start:
            return self._first_time
        return self._origin if self._clock_begins_anywhere else Fraction(0)

    @property
    def stop(self) -> Fraction | None:
        """When it ends in the file's own time, seconds; None for with the file."""
        return self._origin + self._end if self._end else None

    def open(self) -> Any:
        """Returns the file as a container of PyAV."""
        av = import_av()
        try:
            return av.open(self.path, metadata_errors="replace")
        except av.error.FFmpegError as error:
            raise expected(
                "a clip that can be opened",
                f"{self.path} ({error.strerror or first_line(error)})",
                "Check the path, and whether the file is whole.",
            ) from error

    def read(self, skip: int = 0, after: int | None = None) -> Iterator[Frame]:
        """See `frames.Source`."""
        self.faults.clear()
        shift = round(self.shift / self._time_base)
        last = None if after is None else after + shift
        with self.open() as container:
            stream = self._find_video(container)
            for decoded in self._decode_range(container, stream, last):
                if (decoded.height, decoded.width) != self._coded_size:
                    raise expected(
                        "frames of one size",
                        f"{self.path}, whose size changes at {float(decoded.time):.2f} s",
                        "Paint its parts with --start and --end.",
                    )
                rgb = frame_colors.to_rgb(decoded, self.facts.colors)
                yield Frame(decoded.pts - shift, decoded.duration or 0, rgb)

    def _find_video(self, container: Any) -> Any:
        av = import_av()
        pictures = av.stream.Disposition.attached_pic  # a cover
        streams = [
            stream
            for stream in container.streams.video
            if not stream.disposition & pictures
        ]
        if not streams:
            kinds = sorted({stream.type for stream in container.streams})
            raise expected(
                "a clip with a video stream",
                f"{self.path}, which has {' and '.join(kinds) or 'no stream'} alone",
                "Choose another file.",
            )
        stream = max(streams, key=lambda each: (each.width or 0) * (each.height or 0))
        if stream.codec_context is None:
            raise expected(
                "a clip in a codec that this build of PyAV decodes",
                self.path,
                "Convert it to H.264 first.",
            )
        stream.thread_type = "AUTO"
        return stream

    def _describe(
        self, container: Any, stream: Any, frame: Any, max_pixels: int
    ) -> Facts:
        self._coded_size = frame.height, frame.width
        self._clock_begins_anywhere = container.format.name in ("mpegts", "mpeg")
        if frame.height * frame.width > max_pixels:
            raise expected(
                f"a clip of at most {max_pixels} pixels a frame",
                f"{self.path}: {frame.width}x{frame.height}",
                "Raise --max_pixels, or shrink the clip first.",
            )
        if frame.rotation % 90:
            raise expected(
                "a clip turned by quarters",
                f"{self.path}, turned by {frame.rotation} degrees",
                "Turn it first.",
            )
        components = frame.format.components
        if max(component.bits for component in components) > 8:
            _log.warning("%s has more than 8 bits a color: 8 are kept", self.path)
        if any(component.is_alpha for component in components):
            _log.warning("%s has alpha, which is left out", self.path)
        if frame.interlaced_frame:
            _log.warning(
                "%s is interlaced, and is painted as it is: combs at edges that move are "
                "painted, too; deinterlace it first",
                self.path,
            )
        quarter = frame.rotation % 180 != 0
        size = self._coded_size[::-1] if quarter else self._coded_size
        aspect = stream.sample_aspect_ratio or Fraction(1)
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        return Facts(
            size,
            self._time_base,
            Fraction(rate),
            self._estimate_count(container, stream, Fraction(rate)),
            1 / Fraction(aspect) if quarter else Fraction(aspect),
            frame_colors.read_colors(frame, self.path),
        )

    def _estimate_count(self, container: Any, stream: Any, rate: Fraction) -> int:
        seconds = (container.duration or 0) / 1e6
        count = stream.frames or round(seconds * rate)
        if seconds and (self._start or self._end):
            end = min(self._end or seconds, seconds)
            count = round(count * max(end - self._start, 0) / seconds)
        return count

    def _refuse_empty(self) -> UserError:
        if self._start or self._end:
            return expected(
                "frames between --start and --end",
                f"none of {self.path}",
                "The clip may be shorter.",
            )
        why = f" ({'; '.join(self.faults)})" if self.faults else ""
        return expected(
            "a clip with frames",
            f"{self.path}, which has none{why}",
            "Choose another file.",
        )

    def _decode_range(
        self, container: Any, stream: Any, after: int | None
    ) -> Iterator[Any]:
        """Yields the frames behind a time that lie between start and end."""
        begin = self._origin + self._start if self._start else None
        if after is not None:
            begin = max(begin or Fraction(0), after * self._time_base)
        if begin is None:
            frames = self._decode(container, stream)
        else:
            frames = self._decode_from(container, stream, begin)
        last = after
        for frame in frames:
            if frame.pts is None:
                frame.pts = 0 if last is None else last + max(frame.duration or 1, 1)
            time = frame.pts * self._time_base
            if begin is not None and time < begin:
                continue
            if self.stop is not None and time >= self.stop:
                return
            if last is not None and frame.pts <= last:
                if frame.pts != after:
                    self._note("a frame that comes too late is left out")
                continue
            last = frame.pts
            yield frame

    def _decode_from(
        self, container: Any, stream: Any, begin: Fraction
    ) -> Iterator[Any]:
        """Decodes from a keyframe at or before a time on; from the first where none is found."""
        av = import_av()
        try:
            container.seek(int(begin / self._time_base), stream=stream)
            frames = self._decode(container, stream)
            first = next(frames, None)
        except av.error.FFmpegError:
            first = None
        if first is not None and first.pts is not None:
            if first.pts * self._time_base <= begin:
                yield first
                yield from frames
                return
        with self.open() as again:
            yield from self._decode(again, self._find_video(again))

    def _decode(self, container: Any, stream: Any) -> Iterator[Any]:
        """Yields what can be decoded, and notes what cannot."""
        av = import_av()
        reached, packets = 0.0, container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except av.error.FFmpegError as error:
                self._note(f"it cannot be read further ({error.strerror})")
                break
            if packet.pts is not None:
                end = packet.pts + (packet.duration or 0)
                reached = max(reached, float(end * packet.time_base))
            if packet.stream is stream:
                yield from self._decode_packet(packet)
        yield from self._decode_packet(None, stream)
        wanted = ((container.duration or 0) + (container.start_time or 0)) / 1e6
        if reached < wanted * (1 - _SHORT_SHARE) - _SHORT_SECONDS:
            self._note(f"it is cut off at {reached:.2f} of {wanted:.2f} s")

    def _decode_packet(self, packet: Any, stream: Any = None) -> list[Any]:
        av = import_av()
        try:
            frames = packet.decode() if packet is not None else stream.decode(None)
        except av.error.EOFError:
            return []
        except av.error.FFmpegError as error:
            self._note(f"some of it cannot be decoded ({error.strerror})")
            return []
        if any(frame.is_corrupt for frame in frames):
            self._note("some of it is damaged")
        return frames

    def _note(self, fault: str) -> None:
        if fault not in self.faults:
            self.faults.append(fault)
