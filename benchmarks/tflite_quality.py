"""How near exported files come to their network, in peak signal-to-noise ratios over photos.

Example: python benchmarks/tflite_quality.py --model=exported_models/starry_night --content=PHOTOS \
    --files=exported_models/starry_night/tflite/starry_night_int8.tflite,exported/tflite/starry_night_integer.tflite

Prints mean and minimum over the photos of a folder, each as its middle square of --sides
pixels, and writes the ratios of all as JSON. A square of 4096 pixels takes 8 GB of memory
with a network of width 16, twice that with one of 32; --photos=1 looks at the first photo
only.
"""

import json
from pathlib import Path

import numpy as np
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core import files
from nst_tf.exporters import parity
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import load_model

flags.DEFINE_string(
    "model", None, "Run folder, .keras file or SavedModel.", required=True
)
flags.DEFINE_list("files", [], "Files that were exported of it.")
flags.DEFINE_string("content", None, "Folder of photos.", required=True)
flags.DEFINE_list("sides", ["384"], "Of the squares, pixels.")
flags.DEFINE_integer("photos", 0, "How many photos; 0 for all.")
flags.DEFINE_string("output", "", "JSON file for all ratios.")
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
    photos = photos[: FLAGS.photos or None]
    print(f"| file, {len(photos)} photos | side | mean, dB | least, dB |")
    print("|---|---|---|---|")
    results = []
    for side in map(int, FLAGS.sides):
        ratios = []
        for path in photos:
            photo = square(path, side)
            wanted = reference(photo)
            ratios.append([parity.psnr(draw(photo), wanted) for draw in others])
        columns = np.array(ratios).T
        for file, column in zip(FLAGS.files, columns, strict=True):
            name = Path(file).name
            print(f"| {name} | {side} | {column.mean():.1f} | {column.min():.1f} |")
            results.append({"file": file, "side": side, "decibels": column.tolist()})
    if FLAGS.output:
        data = json.dumps({"model": FLAGS.model, "results": results}, indent=1)
        files.write_atomically(Path(FLAGS.output), data.encode(), overwrite=True)


if __name__ == "__main__":
    config_flags.run(main)
