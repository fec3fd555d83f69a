"""Writes an optimized clip from its painted frames, with all that it has from its source."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nst_tf.core.interrupts import interrupt_on_terminate
from nst_tf.video.frames import Source
from nst_tf.video.overlap import read_ahead
from nst_tf.video.sizes import resize_frame
from nst_tf.video.writing.parts import Parts
from nst_tf.video.writing.pen import Pen
from nst_tf.video.writing.targets import Target

_PART = 120  # frames; each part begins with a keyframe


def write_frames(
    source: Source,
    size: tuple[int, int],
    target: Target,
    beside: Path,
    paint: Callable[[int, np.ndarray], np.ndarray],
) -> None:
    """Writes what is painted with the times, the alpha and the sound of the source.

    Args:
        source: of the frames; it is read once more, and its faults are complete then.
        size: height and width of the frames as they are painted.
        target: what is written.
        beside: parts lie beside this path while it is written.
        paint: (number, frame) -> what is painted of it, uint8 [H, W, 3] both.

    Raises:
        UserError: it cannot be written.
        KeyboardInterrupt: after Ctrl-C or SIGTERM.
    """
    parts = Parts(beside)
    parts.remove()  # of a run that was stopped: they cost seconds
    parts.begin({"parts of": str(beside)})
    pen = Pen(parts, target.make_encoder)
    count = 0
    try:
        with interrupt_on_terminate(), read_ahead(source.read()) as frames:
            for frame in frames:
                frame = resize_frame(frame, size)
                rgb = paint(count, frame.rgb)
                pen.write(dataclasses.replace(frame, rgb=rgb))
                count += 1
                if count % _PART == 0:
                    pen.finish({})
            if count % _PART:
                pen.finish({})
            target.write(parts)
    finally:
        pen.drop()
        parts.remove()
