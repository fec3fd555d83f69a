"""Frames of a clip on the disk: what is painted from, and what is painted so far."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from nst_tf.core.files import read_json, write_atomically
from nst_tf.images import io as image_io
from nst_tf.optimization.video.turns import Turn
from nst_tf.video.flow import FlowEstimator
from nst_tf.video.frames import Frame

_READ = "read.json"


class KeptFrames:
    """A folder of PNGs: the frames, and the paintings of each pass.

    What is painted is rounded to bytes before the next frame follows it. So a run that
    goes on sees what one that was not stopped sees.

    Args:
        folder: missing ones are made.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    @property
    def are_read(self) -> bool:
        """Whether all frames of the clip are here."""
        return (self._folder / _READ).is_file()

    @property
    def count(self) -> int:
        """How many frames the clip has."""
        return int(read_json(self._folder / _READ)["count"])

    @property
    def scenes(self) -> list[range]:
        """Numbers of the frames of each scene."""
        begins = read_json(self._folder / _READ)["scenes"]
        ends = [*begins[1:], self.count]
        return [range(begin, end) for begin, end in zip(begins, ends)]

    def read(self, frames: Iterator[Frame], stopped: Callable[[], bool]) -> None:
        """Keeps all frames, and notes where scenes begin.

        Args:
            frames: of the clip.
            stopped: says before each frame whether to stop; nothing counts then.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        estimator = FlowEstimator()
        last: np.ndarray | None = None
        scenes: list[int] = []
        count = 0
        for frame in frames:
            if stopped():
                return
            self._write(self._content_path(count), frame.rgb)
            small = estimator.shrink(image_io.to_float(frame.rgb))
            if last is None or estimator.find_motion(last, small).is_cut:
                scenes.append(count)
            last = small
            count += 1
        data = json.dumps({"count": count, "scenes": scenes}).encode()
        write_atomically(self._folder / _READ, data, overwrite=True)

    def content(self, number: int) -> np.ndarray:
        """Returns a frame, float32 [H, W, 3] in [0, 1]."""
        return image_io.read_image(self._content_path(number)).rgb

    def has(self, turn: Turn) -> bool:
        """Whether a turn is done."""
        return self._painted_path(turn.pass_number, turn.number).is_file()

    def painted(self, pass_number: int, number: int) -> np.ndarray:
        """Returns what a pass made of a frame, float32 [H, W, 3] in [0, 1]."""
        return image_io.read_image(self._painted_path(pass_number, number)).rgb

    def keep(self, turn: Turn, picture: np.ndarray) -> None:
        """Keeps what a turn made, float32 [H, W, 3] in [0, 1]; its state is not needed any more."""
        path = self._painted_path(turn.pass_number, turn.number)
        self._write(path, image_io.to_uint8(picture))
        self.state_path(turn).unlink(missing_ok=True)

    def state_path(self, turn: Turn) -> Path:
        """Returns where the state of a turn is kept that was stopped on the way."""
        path = self._painted_path(turn.pass_number, turn.number)
        return path.with_suffix(".npz")

    def _content_path(self, number: int) -> Path:
        return self._folder / "content" / f"{number + 1:06d}.png"

    def _painted_path(self, pass_number: int, number: int) -> Path:
        return self._folder / f"pass_{pass_number:02d}" / f"{number + 1:06d}.png"

    def _write(self, path: Path, rgb8: np.ndarray) -> None:
        data = image_io.encode_rgb8(rgb8, "png")
        write_atomically(path, data, overwrite=True)
