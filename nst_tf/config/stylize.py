r"""Paints photos with a trained network.

Example: python -m nst_tf.stylize --model=runs/starry --content=photo.jpg
    --output=out.jpg
         python -m nst_tf.stylize --model=starry.tflite --content=holiday/ --output=painted/
         python -m nst_tf.stylize --model=exported_models/adain --style=painting.jpg --content=photo.jpg \
             --output=out.jpg
         python -m nst_tf.stylize --model=exported_models/adain --style=painting.jpg --texture_size=512x384 \
             --output=texture.jpg

Exits with status 1 if any photo could not be painted; the others are written all the
same.
"""

import dataclasses

from nst_tf.config.fields import setting, texture_sides
from nst_tf.config.folder import AlbumSettings
from nst_tf.core.errors import expected
from nst_tf.images import color


@dataclasses.dataclass(frozen=True)
class StylizeSettings(AlbumSettings):
    """Settings of `nst_tf.stylize`; each field is the flag of the same name."""

    style: tuple[str, ...] = setting(
        (),
        "For a model of any style: style pictures, separated by commas: packaged names or paths.",
    )
    style_weights: tuple[str, ...] = setting(
        (),
        "For a model of several styles, a number for each: 1 for the one to paint in and 0 for the others, "
        "or a blend such as 0.5,0.5. For several of --style: their shares; empty for equal ones.",
    )
    alpha: float = setting(
        1.0, "Strength for a model of any style, 0 (the photo) to 1."
    )
    style_size: int = setting(
        512,
        "Short side of the pictures of --style at most, pixels: it sets the size of strokes.",
    )
    content_masks: tuple[str, ...] = setting(
        (),
        "Where each of --style paints: one picture each, of the photo's size, white for that style.",
    )
    texture_size: str = setting(
        "",
        "WIDTHxHEIGHT: instead of a photo, paint noise with the spectrum of photos, which gives a texture.",
    )
    seed: int = setting(0, "Of that noise.")
    preserve_color: str = setting(
        "none",
        "Keep the photo's colors: lightness alone is painted, or histograms or moments of "
        "the colors are matched.",
        choices=("none", *color.MODES),
    )

    def __post_init__(self):
        super().__post_init__()
        if self.texture:  # raises, if it is no size
            if self.content or self.preserve_color != "none":
                raise expected(
                    "--texture_size without --content and --preserve_color",
                    "both",
                    "Leave one out.",
                )
            if self.seed < 0:
                raise expected("--seed of at least 0", self.seed, "Try 0.")
        if self.preserve_color not in ("none", *color.MODES):
            raise expected(
                f"--preserve_color among none, {', '.join(color.MODES)}",
                self.preserve_color,
                "Choose one.",
            )
        if not self.style and (self.alpha != 1 or self.content_masks):
            raise expected(
                "--style with --alpha or --content_masks",
                "none",
                "Models with styles of their own take --strength, and no masks.",
            )
        if self.style and self.strength != 1:
            raise expected(
                "--alpha for a model of any style",
                f"--strength={self.strength}",
                "Use --alpha.",
            )

    def _needed(self):
        return ("model", "output") if self.texture_size else super()._needed()

    @property
    def texture(self) -> tuple[int, int] | None:
        """Height and width of the texture; None if photos are painted."""
        return texture_sides(self.texture_size) if self.texture_size else None

    @property
    def style_argument(self):
        if not self.style:
            return self.blend or None
        return dict(zip(self.style, self.blend or [1.0] * len(self.style)))
