"""What happens before a model is opened: whether TensorFlow is imported, and how."""

import math
import os
import sys

from nst_tf.config.fields import texture_sides
from nst_tf.config.startup import quiet_start
from nst_tf.config.stylize import StylizeSettings
from nst_tf.images import codecs, io as image_io

LARGE = 8_000_000  # pixels of a photo from which on TensorFlow is told to spare memory
ONEDNN = "TF_ENABLE_ONEDNN_OPTS"


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
        sizes = [math.prod(texture_sides(texture_size))]
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
