"""Measures the gains of `vgg.Pooling`: by how much means must be enlarged to have maxima's energy.

Example: python benchmarks/pooling_gains.py --photos=photos/ --vgg_weights=vgg19.h5

For each pooling layer of VGG19 on photos: root mean square of the 2x2 maxima over that
of the means, and over that of the root mean squares; then the geometric mean over
layers, which is the gain.
"""

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.evaluation import score
from nst_tf.features import vgg, vgg19

flags.DEFINE_string("photos", None, "Photos: folder or glob.", required=True)
flags.DEFINE_integer("image_size", 384, "Their long side, pixels.")
flags.DEFINE_integer("count", 20, "How many of them, evenly chosen.")
flags.DEFINE_string("vgg_weights", "imagenet", "As in nst_tf.train.")
FLAGS = flags.FLAGS


def rms(maps):
    return float(tf.sqrt(tf.reduce_mean(tf.square(maps))))


def main():
    photos = score.read_photos(FLAGS.photos, FLAGS.image_size, FLAGS.count)
    before = [
        f"relu{block}_{count}" for block, count in enumerate(vgg.CONVOLUTIONS[:4], 1)
    ]
    extractor = vgg19.load_vgg19(FLAGS.vgg_weights, before)
    gains = {"average": [], "l2": []}
    for layer in before:
        ratios = {kind: [] for kind in gains}
        for photo in photos:
            maps = extractor(photo[None])[layer]
            largest = rms(keras.ops.max_pool(maps, 2))
            ratios["average"].append(largest / rms(keras.ops.average_pool(maps, 2)))
            ratios["l2"].append(
                largest / rms(tf.sqrt(keras.ops.average_pool(tf.square(maps), 2)))
            )
        for kind, values in ratios.items():
            gains[kind].append(float(np.median(values)))
        print(
            layer,
            {kind: round(values[-1], 3) for kind, values in gains.items()},
            flush=True,
        )
    print(
        {
            kind: round(float(np.exp(np.mean(np.log(values)))), 3)
            for kind, values in gains.items()
        }
    )


if __name__ == "__main__":
    config_flags.run(main)
