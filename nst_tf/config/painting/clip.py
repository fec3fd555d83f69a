"""What every command that paints clips is told of them: which piece, how it is written."""

import dataclasses
import os
import re
from fractions import Fraction
from pathlib import Path

from nst_tf.config.fields import PATH, refuse_unused, setting, text_of
from nst_tf.config.painting.folder import STREAM, WritingSettings, is_folder
from nst_tf.core.errors import expected
from nst_tf.images.formats import is_animated

# What is read by its suffix; the content decides what is in it.
CLIP_SUFFIXES = tuple(
    ".3gp .avi .flv .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv".split()
)
WRITTEN_CLIPS = (".m4v", ".mkv", ".mov", ".mp4", ".webm")
WRITTEN_ANIMATIONS = (".gif", ".webp")
CAMERA = "camera:"  # as --content, with the camera's number
_TIME = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)")


@dataclasses.dataclass(frozen=True)
class ClipSettings(WritingSettings):
    """Settings of clips; a base of the settings of commands that paint photos, too."""

    content: str = setting("", "A photo or a clip.", path=PATH)
    output: str = setting("", "A picture or a clip.", path=PATH)
    start: str = setting(
        "", "Of a clip: where to begin, as seconds or HH:MM:SS, such as 90 or 1:30."
    )
    end: str = setting("", "Of a clip: where to end, as --start.")
    codec: str = setting(
        "",
        "Of a clip that is written: h264, hevc, av1, vp9, prores, ffv1, or an encoder of FFmpeg by its "
        "name. Without: h264, in .webm vp9.",
    )
    crf: int = setting(
        18,
        "Of a clip that is written: constant quality, 0 (best, largest) to 51, for av1 and vp9 to 63.",
        least=0,
        most=63,
    )
    fps: float = setting(
        25.0,
        "Frames a second of pictures of a folder that become a clip; 29.97 and the like stand for 30000/1001.",
        above=0,
        most=1000,
    )

    @property
    def paints_clip(self) -> bool:
        """Whether a clip, an animation or a camera is painted, and not photos."""
        return is_clip(self.content, self.output)

    def _check_clip(self) -> None:
        """Checks what any command is told of a clip; for one that paints it."""
        output = Path(self.output).suffix.lower()
        if output not in WRITTEN_CLIPS:
            self._refuse(f"--output of {' '.join(WRITTEN_CLIPS)}", "codec", "crf")
        if not is_pictures(self.content):
            self._refuse("pictures as --content, a folder or a glob", "fps")
        if output != ".webp" and not is_picture(self.output):
            self._refuse("a picture or a .webp as --output", "quality")
        if self.end and read_time("start", self.start) >= read_time("end", self.end):
            raise expected("--end after --start", self.end, "Change one of them.")

    def _check_clip_output(self) -> None:
        """Checks whether what is painted of a clip can be written to --output."""
        suffix = Path(self.output).suffix.lower()
        if suffix in (*WRITTEN_CLIPS, *WRITTEN_ANIMATIONS):
            if os.path.isdir(self.output):
                raise expected("a file as --output", self.output, "Name another.")
            return
        if suffix in CLIP_SUFFIXES:
            raise expected(
                f"a clip that can be written ({' '.join(WRITTEN_CLIPS)})",
                self.output,
                "Choose one of these.",
            )
        is_folder(self.output)  # raises, if it is neither folder nor picture

    def _refuse_all(self, condition: str, own: type, *others: type) -> None:
        """Refuses what a class of settings has beside other classes."""
        names = {field.name for field in dataclasses.fields(own)}
        names -= {"content", "output"}
        for other in others:
            names -= {field.name for field in dataclasses.fields(other)}
        self._refuse(condition, *sorted(names))

    def _refuse(self, condition: str, *names: str) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in names and value != field.default:
                received = f"--{field.name}={text_of(value)}"
                raise refuse_unused(field.name, condition, received)


def is_clip(content: str, output: str) -> bool:
    """Returns whether frames are to be painted, told by names and, of a .webp, by its frames.

    A clip is a file with a clip's suffix, a camera, or whatever is to become a clip or
    a GIF; an animation is one if it becomes an animation.

    Args:
        content, output: of the settings.
    """
    if not content or content == STREAM:
        return False
    if content.startswith(CAMERA) or Path(content).suffix.lower() in CLIP_SUFFIXES:
        return True
    suffix = Path(output).suffix.lower()
    if suffix in (*WRITTEN_CLIPS, ".gif") and not os.path.isdir(output):
        return True
    return suffix == ".webp" and not is_folder(output) and is_animated(content)


def is_pictures(content: str) -> bool:
    """Returns whether the frames are pictures of a folder or a glob."""
    return not content.startswith(CAMERA) and not os.path.isfile(content)


def is_picture(output: str) -> bool:
    """Returns whether one frame alone is painted: what is written is a picture."""
    suffix = Path(output).suffix.lower()
    known = suffix in (*WRITTEN_CLIPS, *WRITTEN_ANIMATIONS) or output == STREAM
    return not known and not is_folder(output)


def read_time(name: str, text: str) -> Fraction:
    """Returns the seconds of a time such as "90", "1:30" or "00:01:30.5", exactly; 0 for "".

    Args:
        name: of the setting.
        text: its value.

    Raises:
        UserError: it is no time.
    """
    if not text:
        return Fraction(0)
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise expected(
            f"--{name} as seconds or HH:MM:SS", text, "Try 90, 1:30 or 00:01:30.5."
        )
    hours, minutes, seconds = match.groups()
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + Fraction(seconds)
