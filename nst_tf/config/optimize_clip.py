"""What `nst_tf.optimize` is told of clips beside what it is told of photos."""

import dataclasses

from nst_tf.config.fields import Other, check_distinct, setting
from nst_tf.config.painting.clip import CAMERA, ClipSettings, is_picture
from nst_tf.config.painting.folder import WritingSettings
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class OptimizeClipSettings(ClipSettings):
    """Settings of `nst_tf.optimization.video`; a base of those of `nst_tf.optimize`."""

    frame_iterations: int = setting(
        40,
        "Of a clip: iterations of a frame that begins from the last one, at full size, and of every frame in "
        "each pass behind the first.",
        least=1,
    )
    temporal_weight: float = setting(
        # Ruder et al. weigh it 200 times as much as content, at values up to 255; that is
        # 30 for content features of VGG19 whose mean square is 450,000.
        30.0,
        "Of a clip: weight of the mean squared difference to the last painting, moved along the optical "
        "flow, where that is known; the range of pixels is 1.",
        least=0,
    )
    long_term: tuple[int, ...] = setting(
        (1,),
        "Of a clip: how many frames back the paintings lie that a frame follows, such as 1,10,20; where "
        "several show a place, the nearest of them counts.",
        least=1,
        used_if={"temporal_weight": Other(0.0)},
    )
    passes: int = setting(
        1,
        "Of a clip: how often all frames are painted, forwards, backwards and so on; each begins from the "
        "mean of its last painting and its neighbor's.",
        least=1,
        most=99,
    )

    def _check(self) -> None:
        super()._check()
        check_distinct("long_term", list(map(str, self.long_term)))
        if not self.paints_clip:
            condition = "a clip as --content or --output"
            self._refuse_all(condition, OptimizeClipSettings, WritingSettings)
            return
        if self.content.startswith(CAMERA):
            raise expected(
                "a clip that is a file as --content",
                self.content,
                "A camera does not wait: paint it with nst stylize.",
            )
        self._check_clip_output()
        if is_picture(self.output):
            raise expected(
                "a clip, a .gif, a .webp or a folder as --output of a clip",
                self.output,
                "For one frame cut it out with --start and --end.",
            )
        self._check_clip()
