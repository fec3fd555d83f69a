"""Every setting of `nst_tf.stylize`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import PATH, Other, setting
from nst_tf.config.painting.folder import is_folder, texture_sides
from nst_tf.config.painting.video import VideoSettings
from nst_tf.config.registries import COLOR_MODES
from nst_tf.core.errors import expected
from nst_tf.core.memory import AUTO, parse_memory

# Whose moments the norms of a photo that is painted in bands take.
EXACT, SAMPLED = MOMENTS = ("exact", "sampled")


@dataclasses.dataclass(frozen=True)
class StylizeSettings(VideoSettings):
    """Settings of `nst_tf.stylize`; each field is the flag of the same name."""

    style_size: int = setting(
        512,
        "Short side of the pictures of --style at most, pixels: it sets the size of strokes.",
        least=1,
        used_if={"style": Other(())},
    )
    content_masks: tuple[str, ...] = setting(
        (),
        "Where each of --style paints: one picture each, of the photo's size, white for that style.",
        used_if={"style": Other(())},
        path=PATH,
    )
    texture_size: str = setting(
        "",
        "WIDTHxHEIGHT: instead of a photo, paint noise with the spectrum of photos, which gives a texture.",
    )
    seed: int = setting(
        0, "Of that noise.", least=0, used_if={"texture_size": Other("")}
    )
    preserve_color: str = setting(
        "none",
        "Keep the photo's colors: lightness alone is painted, or histograms or moments of "
        "the colors are matched.",
        choices=("none", *COLOR_MODES),
    )

    memory: str = setting(
        AUTO,
        "What this process may hold, such as 2GB: larger photos are painted in bands, and "
        "the picture is the same. auto: what the machine or its container has.",
    )
    moments: str = setting(
        EXACT,
        "Of photos that are painted in bands: exact, those of the whole photo; sampled, "
        "of strips of it, in one pass, a little different.",
        choices=MOMENTS,
    )

    def _check(self) -> None:
        parse_memory(self.memory)
        if self.texture and (self.content or self.preserve_color != "none"):
            raise expected(
                "--texture_size without --content and --preserve_color",
                "both",
                "Leave one out.",
            )
        super()._check()
        if self.texture and is_folder(self.output):
            raise expected(
                "a file as --output for a texture",
                self.output,
                "Name it, such as texture.png.",
            )
        if self.texture and (self.image_size or self.stroke_scale != 1):
            raise expected(
                "--texture_size without --image_size and --stroke_scale",
                "both",
                "Leave one out: a texture has the size that it is painted at.",
            )
        if self.reading_size and self.content_masks:
            raise expected(
                "--image_size with --upscale for --content_masks",
                "--upscale=none",
                "Masks have the photo's own size: add --upscale=guided, or leave --image_size out.",
            )

    def _needs_content(self) -> bool:
        return not self.texture_size

    @property
    def texture(self) -> tuple[int, int] | None:
        """Height and width of the texture; None if photos are painted."""
        return texture_sides(self.texture_size) if self.texture_size else None
