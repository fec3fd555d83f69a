"""Paints the frames of a source part by part, and goes on where an earlier run was stopped."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import tqdm

from nst_tf.images import io as image_io
from nst_tf.inference.folder import paint_photo
from nst_tf.video.frames import Frame, FramePainter, Source, State
from nst_tf.video.overlap import WriteBehind, read_ahead
from nst_tf.video.sizes import resize_frame
from nst_tf.video.writing.encoders import Encoder
from nst_tf.video.writing.parts import Parts
from nst_tf.video.writing.pen import Pen


def paint_parts(
    source: Source,
    painter: FramePainter,
    parts: Parts,
    make_encoder: Callable[[], Encoder],
    part_frames: int,
    size: tuple[int, int],
    name: str,
    ended: Callable[[], bool] = lambda: False,
) -> int:
    """Paints all frames that no part has yet.

    One frame is decoded and one is encoded while another is painted; never more than
    these are in memory.

    Args:
        source: of the frames.
        painter: of the frames.
        parts: where they go.
        make_encoder: makes the encoder of a part.
        part_frames: frames in a part.
        size: height and width at which they are painted.
        name: of the source, for errors.
        ended: says before each frame whether the source is to end here.

    Returns:
        How many frames all parts have.

    Raises:
        UserError: a frame that cannot be read or painted, or a part that cannot be
            written.
        KeyboardInterrupt: after Ctrl-C or SIGTERM; the parts that are whole stay.
    """
    index = parts.read_index()
    before = done = len(index)
    after = int(index[:, 0].max()) if done else None
    painter.reset()
    if done:
        painter.restore(parts.read_state())
    pen = Pen(parts, make_encoder)
    try:
        with (
            read_ahead(_resize_all(source.read(done, after), size)) as frames,
            WriteBehind() as writer,
            tqdm.tqdm(
                total=source.facts.count or None, initial=done, unit="frame"
            ) as progress,
        ):
            for frame in itertools.takewhile(lambda frame: not ended(), frames):
                drawn = paint_photo(
                    painter.paint,
                    image_io.to_float(frame.rgb),
                    f"frame {done + 1} of {name}",
                )
                painted = dataclasses.replace(frame, rgb=image_io.to_uint8(drawn))
                writer.call(pen.write, painted)
                done += 1
                progress.update()
                if done % part_frames == 0:
                    state = _copy(painter.state())
                    writer.call(pen.finish, state)
                    # As a run does that goes on after this part.
                    painter.reset()
                    painter.restore(state)
            if done % part_frames and done > before:
                writer.call(pen.finish, _copy(painter.state()))
    finally:
        pen.drop()
    return done


def _copy(state: State) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in state.items()}


def _resize_all(frames: Iterator[Frame], size: tuple[int, int]) -> Iterator[Frame]:
    for frame in frames:
        yield resize_frame(frame, size)
