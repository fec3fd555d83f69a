"""Clips to be judged on: files, or folders of frames, with the true motion where it is known."""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from nst_tf.config.painting.clip import CLIP_SUFFIXES
from nst_tf.core.errors import expected
from nst_tf.images import io as image_io
from nst_tf.video.flow import resize_flow
from nst_tf.video.moves import Move
from nst_tf.video.packages import import_cv2
from nst_tf.video.reading.clip import Clip as ClipReader

# Masks beside the frames of a folder: where the true motion leads to nothing.
HIDDEN = ("occlusions", "invalid")


@dataclasses.dataclass(frozen=True)
class Clip:
    """Frames in their order.

    Attributes:
        name: the file's or folder's, without suffix.
        source: its path.
        frames: files of the frames; () for a file of a clip.
        long_side: pixels, to which frames are resized.
        most: frames at most; 0 for all.
    """

    name: str
    source: Path
    frames: tuple[Path, ...]
    long_side: int
    most: int = 0

    def count(self) -> int:
        """Returns how many frames there are; of a file it decodes them all."""
        count = len(self.frames) or sum(1 for _ in self._decode())
        return min(count, self.most) if self.most else count

    def read(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yields name and picture, float32 [H, W, 3] RGB in [0, 1], of each frame.

        Raises:
            UserError: a frame cannot be read, or has another size than the first.
        """
        cv2 = import_cv2()
        size: tuple[int, int] | None = None
        for number, (name, rgb) in enumerate(self._open()):
            if self.most and number >= self.most:
                return
            size = size or rgb.shape[:2]
            if rgb.shape[:2] != size:
                raise expected(
                    f"frames of the first one's size, {size[1]}x{size[0]}, in {self.source}",
                    f"{name}: {rgb.shape[1]}x{rgb.shape[0]}",
                    "Leave it out.",
                )
            height, width = _fit(size, self.long_side)
            small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
            yield name, small

    def find_truth(self, number: int) -> Move | None:
        """Returns the true motion from a frame to the next one; None if it is not known.

        Raises:
            UserError: a file of it cannot be read.
        """
        if number + 1 >= len(self.frames):
            return None
        frame, following = self.frames[number : number + 2]
        found = _find_flow(frame, following)
        if found is None:
            return None
        flow_file, masks = found
        cv2 = import_cv2()
        flow = cv2.readOpticalFlow(str(flow_file))
        if flow is None or not flow.size:
            raise expected("a .flo file", str(flow_file), "Check the data set.")
        known = np.ones(flow.shape[:2], np.float32)
        for mask in masks:
            known *= 1 - image_io.read_mask(mask, flow.shape[:2])[..., 0]
        height, width = _fit(flow.shape[:2], self.long_side)
        known = cv2.resize(known, (width, height), interpolation=cv2.INTER_AREA)
        return Move(resize_flow(flow, height, width), known > 0.99)

    def _open(self) -> Iterator[tuple[str, np.ndarray]]:
        if not self.frames:
            for number, rgb in enumerate(self._decode(), 1):
                yield f"{number:06d}", image_io.to_float(rgb)
            return
        for path in self.frames:
            yield path.stem, image_io.read_image(path).rgb

    def _decode(self) -> Iterator[np.ndarray]:
        reader = ClipReader(str(self.source))
        for frame in reader.read():
            yield frame.rgb
        if reader.faults:
            raise expected(
                "a clip that is whole",
                f"{self.source}: {'; '.join(reader.faults)}",
                "Leave it out.",
            )


def open_clips(videos: Sequence[str], long_side: int, most: int) -> list[Clip]:
    """Opens what --videos names.

    Args:
        videos: files of clips, folders of such files, or folders of frames.
        long_side: pixels, to which frames are resized.
        most: frames of each at most; 0 for all.

    Raises:
        UserError: nothing is there, or two clips have one name.
    """
    clips: list[Clip] = []
    for video in videos:
        path = Path(video)
        files = [path] if path.is_file() else sorted(path.glob("*"))
        files = [file for file in files if file.suffix.lower() in CLIP_SUFFIXES]
        if path.is_file() and not files:
            raise expected(
                f"a clip ({' '.join(CLIP_SUFFIXES)}) or a folder of frames",
                video,
                "Check --videos.",
            )
        clips += [Clip(file.stem, file, (), long_side, most) for file in files]
        if not files:
            frames = tuple(
                each
                for each in image_io.find_images(path)
                if not each.name.startswith(HIDDEN)
            )
            clips.append(Clip(path.name, path, frames, long_side, most))
    names = [clip.name for clip in clips]
    if twice := {name for name in names if names.count(name) > 1}:
        raise expected(
            "a name for each of --videos",
            f"{', '.join(sorted(twice))} twice",
            "Rename one of them.",
        )
    return clips


def _find_flow(frame: Path, following: Path) -> tuple[Path, list[Path]] | None:
    """Returns the file of the flow and those of its masks: beside the frames, or as in
    the data set of Butler, Wulff, Stanley, Black 2012 (MPI-Sintel): final/SCENE,
    flow/SCENE, occlusions/SCENE.
    """
    numbers = [re.search(r"\d+$", each.stem) for each in (frame, following)]
    if not all(numbers):
        return None
    one, other = (number.group() for number in numbers if number)
    beside = frame.with_name(f"gt_flow_{one}_to_{other}.flo")
    if beside.is_file():
        masks = [frame.with_name(f"{name}_{one}.png") for name in HIDDEN]
        return beside, [mask for mask in masks if mask.is_file()]
    if int(other) != int(one) + 1:
        return None
    scene = frame.parent.name
    root = frame.parent.parent.parent
    file = root / "flow" / scene / f"{frame.stem}.flo"
    masks = [root / name / scene / f"{frame.stem}.png" for name in HIDDEN]
    return (
        (file, [mask for mask in masks if mask.is_file()]) if file.is_file() else None
    )


def _fit(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    share = long_side / max(size)
    return max(1, round(share * size[0])), max(1, round(share * size[1]))
