"""What a command that paints clips with a model is told beside what it is told of photos."""

import dataclasses

from nst_tf.config.fields import PATH, setting
from nst_tf.config.painting.clip import CAMERA, ClipSettings, is_picture
from nst_tf.config.painting.coherence import CoherenceSettings
from nst_tf.config.painting.folder import STREAM, FolderSettings
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class VideoSettings(ClipSettings, CoherenceSettings, FolderSettings):
    """Settings of clips; a base of the settings of commands that paint them."""

    content: str = setting(
        "",
        "A photo, a folder or a glob such as 'a/**/*.jpg'; or -, the photo on stdin. Or a clip, an animation, "
        "or camera:0.",
        path=PATH,
    )
    output: str = setting(
        "",
        "File for one photo, folder for several; what ends in /, exists as a folder or has no suffix is a "
        "folder. Or -, the picture on stdout. Of a clip: a clip, .gif, .webp, a folder of frames, or a "
        "picture, which shows one.",
        required="See --help.",
        path=PATH,
    )
    part_frames: int = setting(
        120,
        "Frames in a part of a clip: what a run that is killed loses at most.",
        least=1,
    )

    def _check(self) -> None:
        super()._check()
        if not self.paints_clip:
            condition = "a clip as --content or --output"
            self._refuse_all(condition, VideoSettings, FolderSettings)
            return
        self._check_clip()
        if self.content.startswith(CAMERA):
            self._refuse("a clip that is a file", "start")
        if is_picture(self.output):
            self._refuse("more than one frame to paint", "end", "part_frames")
        self._refuse("photos as --content", "skip_existing", "stdout_format")

    def _check_output(self) -> None:
        if not self.paints_clip:
            super()._check_output()
            return
        if self.output != STREAM:
            self._check_clip_output()
        elif not self.content.startswith(CAMERA):
            raise expected(
                "a file or a folder as --output for a clip", STREAM, "Name one."
            )
