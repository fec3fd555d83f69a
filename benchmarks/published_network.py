"""Paints photos with a per-style network that others published, for `nst_tf.evaluate`
to put beside ours.

Example: python benchmarks/published_network.py --weights=wave.npz --content=photos/ --image_size=512 \
    --output=runs/published_wave

The file holds the variables of the TensorFlow 1 implementation of Johnson et al. that
most published networks were trained with (github.com/lengstrom/fast-style-transfer), in
their order: "Variable", "Variable_1" and so on. Pictures are named as the photos, as
`nst_tf.evaluate --models=FOLDER` expects them. A folder of pictures cannot be given the
flat pictures of the column "flat" there, so the network's checkerboard energy on these
is printed here.
"""

import time

import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.evaluation import metrics
from nst_tf.evaluation.run import FLAT_LEVELS, FLAT_SIDE
from nst_tf.images import io as image_io

flags.DEFINE_string(
    "weights", None, "File .npz of the network's variables.", required=True
)
flags.DEFINE_string("content", None, "Photos: folder or glob.", required=True)
flags.DEFINE_integer("image_size", 512, "Long side of the photos, pixels.")
flags.DEFINE_string("output", None, "Folder for the pictures.", required=True)
flags.DEFINE_boolean("overwrite", False, "Replace pictures that exist.")
FLAGS = flags.FLAGS

EPSILON = 1e-3  # of their norms
BLOCKS = 5


def main():
    network = Network(np.load(FLAGS.weights))
    paths = image_io.find_images(FLAGS.content)
    folder = files.ensure_writable_folder(FLAGS.output)
    start = time.monotonic()
    for path in paths:
        rgb = image_io.read_image(path, long_side=FLAGS.image_size).rgb
        image_io.write_image(
            folder / f"{path.stem}.png",
            image_io.Image(network(rgb)),
            overwrite=FLAGS.overwrite,
        )
    print(f"{len(paths)} pictures in {time.monotonic() - start:.0f} s: {folder}")
    flat = [
        metrics.checkerboard_energy(
            network(np.full((FLAT_SIDE, FLAT_SIDE, 3), level, np.float32))
        )
        for level in FLAT_LEVELS
    ]
    print(f"checkerboard energy on flat pictures: {np.mean(flat):.3f}")


class Network:
    """Photo [H, W, 3] in [0, 1] -> picture of the same size, clipped to [0, 1]."""

    def __init__(self, variables):
        names = [
            "Variable",
            *(f"Variable_{number}" for number in range(1, len(variables.files))),
        ]
        if sorted(names) != sorted(variables.files):
            raise expected(
                "variables of a network of this layout",
                variables.files[:3],
                "Choose another file.",
            )
        values = [tf.constant(variables[name]) for name in names]
        self.layers = [values[first : first + 3] for first in range(0, len(values), 3)]

    def __call__(self, rgb):
        height, width = rgb.shape[:2]
        x = tf.constant(rgb[None]) * 255.0
        layers = iter(self.layers)
        for stride in (1, 2, 2):
            x = tf.nn.relu(_convolved(x, next(layers), stride))
        for _ in range(BLOCKS):
            y = tf.nn.relu(_convolved(x, next(layers)))
            x += _convolved(y, next(layers))
        for _ in range(2):
            x = tf.nn.relu(_enlarged(x, next(layers)))
        painted = (tf.tanh(_convolved(x, next(layers))) * 150.0 + 127.5) / 255.0
        # Sides that are no multiples of 4 come out larger.
        return np.clip(painted[0, :height, :width], 0.0, 1.0)


def _convolved(x, layer, stride=1):
    kernel, shift, scale = layer
    return _normalized(tf.nn.conv2d(x, kernel, stride, "SAME"), shift, scale)


def _enlarged(x, layer):
    kernel, shift, scale = layer
    batch, height, width, _ = x.shape
    size = [batch, 2 * height, 2 * width, kernel.shape[2]]
    return _normalized(tf.nn.conv2d_transpose(x, kernel, size, 2, "SAME"), shift, scale)


def _normalized(x, shift, scale):
    mean, variance = tf.nn.moments(x, [1, 2], keepdims=True)
    return tf.nn.batch_normalization(x, mean, variance, shift, scale, EPSILON)


if __name__ == "__main__":
    config_flags.run(main)
