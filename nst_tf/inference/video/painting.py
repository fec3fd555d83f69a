"""Paints the frames of a source part by part, and goes on where an earlier run was stopped."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import tqdm

from nst_tf.images import io as image_io
from nst_tf.inference.folder import paint_photo
from nst_tf.inference.video.frames import Facts, Frame, FramePainter, Source, State
from nst_tf.inference.video.overlap import WriteBehind, read_ahead
from nst_tf.inference.video.writing.encoders import Encoder
from nst_tf.inference.video.writing.parts import PartFile, Parts


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
    pen = _Pen(parts, make_encoder)
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
                    writer.call(pen.finish, _copy(painter.state()))
            if done % part_frames and done > before:
                writer.call(pen.finish, _copy(painter.state()))
    finally:
        pen.drop()
    return done


def _copy(state: State) -> dict[str, np.ndarray]:
    return {name: np.array(value) for name, value in state.items()}


def fit_facts(facts: Facts, image_size: int) -> Facts:
    """Returns the facts of frames that are shrunk to a long side of `image_size`, if above 0.

    Sides of frames that are shrunk are even, as H.264 needs them, from 2 pixels up.
    """
    if not image_size or max(facts.size) <= image_size:
        return facts
    height, width = image_io.fit_size(*facts.size, long_side=image_size)
    even = max(height - height % 2, 2), max(width - width % 2, 2)
    return dataclasses.replace(facts, size=even)


def _resize_all(frames: Iterator[Frame], size: tuple[int, int]) -> Iterator[Frame]:
    for frame in frames:
        yield resize_frame(frame, size)


def resize_frame(frame: Frame, size: tuple[int, int]) -> Frame:
    """Returns a frame of another height and width."""
    if frame.rgb.shape[:2] == tuple(size):
        return frame
    alpha = frame.alpha
    if alpha is not None:
        alpha = image_io.resize_rgb8(alpha, *size)
    return dataclasses.replace(
        frame, rgb=image_io.resize_rgb8(frame.rgb, *size), alpha=alpha
    )


class _Pen:
    """Writes frames into one part after the other."""

    def __init__(self, parts: Parts, make_encoder: Callable[[], Encoder]):
        self._parts, self._make_encoder = parts, make_encoder
        self._number = parts.count
        self._file: PartFile | None = None

    def write(self, frame: Frame) -> None:
        """Encodes a frame."""
        if self._file is None:
            self._encoder = self._make_encoder()
            self._file = PartFile(self._parts.path(self._number))
        for packet in self._encoder.encode(frame):
            self._file.add(packet)

    def finish(self, state: State) -> None:
        """Ends the part; the painter's state behind it is written first."""
        assert self._file is not None
        for packet in self._encoder.finish():
            self._file.add(packet)
        self._parts.write_state(self._number, state)
        self._file.close()
        self._parts.forget_states(self._number)
        self._number += 1
        self._file = None

    def drop(self) -> None:
        """Removes a part that was not finished."""
        if self._file is not None:
            self._file.drop()
