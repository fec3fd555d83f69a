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

import importlib
import math
import os
import sys

from nst_tf.config import flags
from nst_tf.config.fields import texture_sides
from nst_tf.config.startup import quiet_start
from nst_tf.config.stylize import StylizeSettings
from nst_tf.images import codecs, io as image_io
from nst_tf.inference.run import stylize

LARGE = 8_000_000  # pixels of a photo from which on TensorFlow is told to spare memory
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


def spare_memory(content: str, texture_size: str = "") -> None:
    """Has TensorFlow, not yet imported, do without oneDNN if a photo or the texture is
    large, and says so.

    oneDNN is faster, but copies maps into layouts of its own. Whoever sets
    TF_ENABLE_ONEDNN_OPTS has the last word.
    """
    if ONEDNN in os.environ:
        return
    sizes = (
        [math.prod(texture_sides(texture_size))]
        if texture_size
        else map(codecs.pixels_of, image_io.find_images(content))
    )
    if all(pixels < LARGE for pixels in sizes):
        return
    os.environ[ONEDNN] = "0"
    print(
        f"photos of {LARGE / 1e6:.0f} megapixels and more: slower, in a third less memory; {ONEDNN}=1 in the "
        "environment keeps the speed",
        file=sys.stderr,
    )


def main() -> int:
    settings = flags.read(StylizeSettings)
    if os.path.exists(settings.model) and not settings.model.endswith(".tflite"):
        spare_memory(settings.content, settings.texture_size)
        # Opening it would import TensorFlow with all that it says at its start.
        with quiet_start():
            importlib.import_module("tensorflow")
    return stylize(settings)


if __name__ == "__main__":
    flags.define(StylizeSettings)
    flags.run(main)
