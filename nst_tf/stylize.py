r"""Paints photos with a trained network.

Example: python -m nst_tf.stylize --model=runs/starry --content=photo.jpg --output=out.jpg
         python -m nst_tf.stylize --model=starry.tflite --content=holiday/ --output=painted/
         python -m nst_tf.stylize --model=exported_models/adain --style=painting.jpg --content=photo.jpg \
             --output=out.jpg
         python -m nst_tf.stylize --model=exported_models/adain --style=painting.jpg --texture_size=512x384 \
             --output=texture.jpg

Exits with status 1 if any photo could not be painted; the others are written all the same.
"""

import dataclasses
import importlib
import math
import os
import sys

from nst_tf import albums, flag_binding, painters
from nst_tf.album_settings import AlbumSettings
from nst_tf.core.errors import expected
from nst_tf.images import codecs, color, io as image_io, noise
from nst_tf.settings import setting, texture_sides

LARGE = 8_000_000             # pixels of a photo from which on TensorFlow is told to spare memory
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


@dataclasses.dataclass(frozen=True)
class StylizeSettings(AlbumSettings):
    """Settings of `nst_tf.stylize`; each field is the flag of the same name."""

    style: tuple[str, ...] = setting(
        (), "For a model of any style: style pictures, separated by commas: packaged names or paths.")
    style_weights: tuple[str, ...] = setting(
        (), "For a model of several styles, a number for each: 1 for the one to paint in and 0 for the others, "
        "or a blend such as 0.5,0.5. For several of --style: their shares; empty for equal ones.")
    alpha: float = setting(1.0, "Strength for a model of any style, 0 (the photo) to 1.")
    style_size: int = setting(
        512, "Short side of the pictures of --style at most, pixels: it sets the size of strokes.")
    content_masks: tuple[str, ...] = setting(
        (), "Where each of --style paints: one picture each, of the photo's size, white for that style.")
    texture_size: str = setting(
        "", "WIDTHxHEIGHT: instead of a photo, paint noise with the spectrum of photos, which gives a texture.")
    seed: int = setting(0, "Of that noise.")
    preserve_color: str = setting(
        "none", "Keep the photo's colours: lightness alone is painted, or histograms or moments of "
        "the colours are matched.", choices=("none", *color.MODES))

    def __post_init__(self):
        super().__post_init__()
        if self.texture:                                   # raises, if it is no size
            if self.content or self.preserve_color != "none":
                raise expected("--texture_size without --content and --preserve_color", "both", "Leave one out.")
            if self.seed < 0:
                raise expected("--seed of at least 0", self.seed, "Try 0.")
        if self.preserve_color not in ("none", *color.MODES):
            raise expected(f"--preserve_color among none, {', '.join(color.MODES)}", self.preserve_color,
                           "Choose one.")
        if not self.style and (self.alpha != 1 or self.content_masks):
            raise expected("--style with --alpha or --content_masks", "none",
                           "Models with styles of their own take --strength, and no masks.")
        if self.style and self.strength != 1:
            raise expected("--alpha for a model of any style", f"--strength={self.strength}", "Use --alpha.")
        _ = self.wishes                                    # raises, if they cannot be met

    def _needed(self):
        return ("model", "output") if self.texture_size else super()._needed()

    @property
    def texture(self) -> tuple[int, int] | None:
        """Height and width of the texture; None if photos are painted."""
        return texture_sides(self.texture_size) if self.texture_size else None

    @property
    def wishes(self) -> painters.Wishes | None:
        """What is asked of a model of any style; None without --style."""
        if not self.style:
            return None
        return painters.Wishes(self.style, self.blend, self.alpha, self.style_size, self.content_masks)


def stylize(settings: StylizeSettings) -> int:
    """Paints the photos; returns the exit status.

    Raises:
        UserError: the model cannot be opened, or there is nothing to paint.
    """
    painter = painters.open_painter(settings.model, settings.blend, settings.wishes, settings.strength)
    if settings.preserve_color != "none":
        painter = painters.preserving_colors(painter, settings.preserve_color)
    if settings.texture:
        drawn = albums.draw(painter, noise.natural_noise(settings.seed, *settings.texture), "noise")
        image_io.write_picture(settings.output, image_io.Picture(drawn), overwrite=settings.overwrite)
        return 0
    return albums.paint(painter, settings)


def spare_memory(content: str, texture_size: str = "") -> None:
    """Has TensorFlow, not yet imported, do without oneDNN if a photo or the texture is large, and says so.

    oneDNN is faster, but copies maps into layouts of its own. Whoever sets TF_ENABLE_ONEDNN_OPTS has the last word.
    """
    if ONEDNN in os.environ:
        return
    sizes = [math.prod(texture_sides(texture_size))] if texture_size else map(
        codecs.pixels_of, image_io.find_images(content))
    if all(pixels < LARGE for pixels in sizes):
        return
    os.environ[ONEDNN] = "0"
    print(f"photos of {LARGE / 1e6:.0f} megapixels and more: slower, in a third less memory; {ONEDNN}=1 in the "
          "environment keeps the speed", file=sys.stderr)


def main() -> int:
    settings = flag_binding.read(StylizeSettings)
    if os.path.exists(settings.model) and not settings.model.endswith(".tflite"):
        spare_memory(settings.content, settings.texture_size)
        # Opening it would import TensorFlow with all that it says at its start.
        with flag_binding.quiet_start():
            importlib.import_module("tensorflow")
    return stylize(settings)


if __name__ == "__main__":
    flag_binding.define(StylizeSettings)
    flag_binding.run(main)
