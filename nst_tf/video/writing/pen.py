"""Writes painted frames into parts, one after the other."""

from collections.abc import Callable

from nst_tf.video.frames import Frame, State
from nst_tf.video.writing.encoders import Encoder
from nst_tf.video.writing.parts import PartFile, Parts


class Pen:
    """Encodes frames into the next part that is missing, and into those behind it.

    Args:
        parts: where they go.
        make_encoder: makes the encoder of a part.
    """

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
