"""How near exported files come to their network, in peak signal-to-noise ratios over photos.

Example: python benchmarks/tflite_quality.py --model=exported_models/starry_night --content=PHOTOS \
    --files=exported_models/starry_night/tflite/starry_night_int8.tflite,exported/tflite/starry_night_integer.tflite

Prints mean and minimum over the photos of a folder, each as its middle square of --side
pixels.
"""

from pathlib import Path

import numpy as np
from absl import flags

from nst_tf.config import flags as config_flags
from nst_tf.exporters import parity
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import load_model

flags.DEFINE_string(
    "model", None, "Run folder, .keras file or SavedModel.", required=True
)
flags.DEFINE_list("files", [], "Files that were exported of it.")
flags.DEFINE_string("content", None, "Folder of photos.", required=True)
flags.DEFINE_integer("side", 384, "Of the squares, pixels.")
flags.DEFINE_list("style_weights", [], "For models of several styles.")
flags.DEFINE_float("strength", 1.0, "For models that have it.")
FLAGS = flags.FLAGS


def square(path: Path, side: int) -> np.ndarray:
    """Returns the middle of a photo, float32 [side, side, 3] RGB in [0, 1]."""
    rgb = image_io.read_image(path, short_side=side).rgb
    top, left = ((length - side) // 2 for length in rgb.shape[:2])
    return rgb[top : top + side, left : left + side]


def main():
    weights = [float(weight) for weight in FLAGS.style_weights]
    reference, *others = (
        load_model(path, weights, FLAGS.strength).prepare()
        for path in (FLAGS.model, *FLAGS.files)
    )
    photos = image_io.find_images(FLAGS.content)
    ratios = []
    for path in photos:
        photo = square(path, FLAGS.side)
        wanted = reference(photo)
        ratios.append([parity.psnr(draw(photo), wanted) for draw in others])
    print(f"| file, {len(photos)} photos | mean, dB | least, dB |\n|---|---|---|")
    for path, column in zip(FLAGS.files, np.array(ratios).T, strict=True):
        print(f"| {Path(path).name} | {column.mean():.1f} | {column.min():.1f} |")


if __name__ == "__main__":
    config_flags.run(main)
