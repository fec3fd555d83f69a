"""Shows a camera's painted frames as they come: a stream on stdout for a player."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from nst_tf.core.interrupts import interrupt_on_terminate
from nst_tf.images import io as image_io
from nst_tf.inference.folder import paint_photo
from nst_tf.video import colors as frame_colors
from nst_tf.video.frames import Facts, FramePainter, Source
from nst_tf.video.overlap import read_ahead
from nst_tf.video.packages import import_av
from nst_tf.video.sizes import resize_frame
from nst_tf.video.writing.encoders import LIVE, ClipFormat


def show(source: Source, painter: FramePainter, facts: Facts, name: str) -> int:
    """Writes frames to stdout as Matroska, each as soon as it is painted, until Ctrl-C.

    Args:
        source: of the frames.
        painter: of the frames.
        facts: of the frames as they are painted.
        name: of the source, for errors.

    Returns:
        How many frames were shown.
    """
    av = import_av()
    height, width = (side - side % 2 or 2 for side in facts.size)
    facts = dataclasses.replace(facts, size=(height, width))
    format = ClipFormat("libx264", {**LIVE, "crf": "23"}, facts, (0, 0))
    options = {"live": "1", "cluster_time_limit": "0", "flush_packets": "1"}
    painter.reset()
    shown = 0
    try:
        with (
            interrupt_on_terminate(),
            av.open(_Stdout(), "w", format="matroska", options=options) as target,
            read_ahead(source.read()) as frames,
        ):
            stream = target.add_stream("libx264", rate=facts.rate)
            format.configure(stream.codec_context)
            for frame in frames:
                rgb = resize_frame(frame, facts.size).rgb
                drawn = paint_photo(painter.paint, image_io.to_float(rgb), name)
                planes = frame_colors.to_planes(
                    image_io.to_uint8(drawn), facts.colors, format.pixel_format
                )
                planes.pts, planes.time_base = frame.time, facts.time_base
                target.mux(stream.encode(planes))
                shown += 1
            target.mux(stream.encode(None))
    except KeyboardInterrupt:
        pass  # how a stream without end ends
    except (BrokenPipeError, av.error.BrokenPipeError):
        pass  # the player was closed
    return shown


class _Stdout:
    """Stdout as a file that can be written alone, and cannot be wound back."""

    def write(self, data: bytes) -> Any:
        """Writes bytes at once."""
        written = sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return written
