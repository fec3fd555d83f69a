"""Every setting of `nst_tf.stylize`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import PATH, Other, setting
from nst_tf.config.painting.folder import is_folder, texture_sides
from nst_tf.config.painting.video import VideoSettings
from nst_tf.config.registries import COLOR_MODES
from nst_tf.core.errors import expected


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

    def _check(self) -> None:
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
        if self.image_size and (self.texture or self.content_masks):
            raise expected(
                "--image_size without --texture_size and --content_masks",
                "both",
                "Leave it out: masks have the photo's own size.",
            )

    def _needs_content(self) -> bool:
        return not self.texture_size

    @property
    def texture(self) -> tuple[int, int] | None:
        """Height and width of the texture; None if photos are painted."""
        return texture_sides(self.texture_size) if self.texture_size else None
