"""From settings to painted photos: the runtime, the model, the files."""

import math
import os
import sys
from collections.abc import Iterable

from nst_tf.config.fields import texture_sides
from nst_tf.config.stylize import StylizeSettings
from nst_tf.core.startup import quiet_start
from nst_tf.images import codecs, io as image_io, noise
from nst_tf.inference import folder as photo_folder
from nst_tf.inference.model import Paint
from nst_tf.inference.open_model import load_model

LARGE = 8_000_000  # pixels of a photo from which on TensorFlow is told to spare memory
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def stylize(settings: StylizeSettings) -> int:
    """Paints the photos; returns the exit status.

    Raises:
        UserError: the model cannot be opened, it does not paint so, or there is nothing
            to paint.
    """
    with load_model(settings.model, style_size=settings.style_size) as model:
        paint = model.prepare(
            settings.style_argument,
            settings.strength,
            settings.content_masks,
            settings.preserve_color,
        )
        if settings.texture:
            _paint_texture(paint, settings)
            return 0
        return photo_folder.run_folder(paint, settings)


def _paint_texture(paint: Paint, settings: StylizeSettings) -> None:
    assert settings.texture is not None
    image = noise.natural_noise(settings.seed, *settings.texture)
    drawn = photo_folder.paint_photo(paint, image, "noise")
    image_io.write_image(
        settings.output, image_io.Image(drawn), overwrite=settings.overwrite
    )


def start_runtime(settings: StylizeSettings) -> None:
    """Imports TensorFlow quietly, sparing memory for large photos; not for a .tflite."""
    if os.path.exists(settings.model) and not settings.model.endswith(".tflite"):
        spare_memory(settings.content, settings.texture_size)
        with quiet_start():
            pass


def spare_memory(content: str, texture_size: str = "") -> None:
    """Has TensorFlow, not yet imported, do without oneDNN if a photo or the texture is
    large, and says so.

    oneDNN is faster, but copies maps into layouts of its own. If TF_ENABLE_ONEDNN_OPTS
    is set, it decides.
    """
    if ONEDNN in os.environ:
        return
    if texture_size:
        sizes: Iterable[int] = [math.prod(texture_sides(texture_size))]
    else:
        sizes = map(codecs.pixels_of, image_io.find_images(content))
    if all(pixels < LARGE for pixels in sizes):
        return
    os.environ[ONEDNN] = "0"
    print(
        f"photos of {LARGE / 1e6:.0f} megapixels and more: slower, in a third less memory; {ONEDNN}=1 in the "
        "environment keeps the speed",
        file=sys.stderr,
    )
