"""Times the gradient of the perceptual loss with VGG19 and with the slim VGG19, in turn.

Example: python benchmarks/extractor_speed.py

Prints median seconds and the median of the paired ratios. Random weights take VGG19's
place where --vgg_weights is empty: they are as fast.
"""

import time

import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.features import extractors, slim_vgg19, vgg, vgg19
from nst_tf.losses import perceptual

flags.DEFINE_string(
    "vgg_weights", "", "VGG19 weights, as in nst_tf.train; empty for random ones."
)
flags.DEFINE_string(
    "slim_weights", "", "Slim VGG19 weights; empty for the packaged ones."
)
flags.DEFINE_integer("batch_size", 4, "Pictures.")
flags.DEFINE_integer("image_size", 256, "Their side, pixels.")
flags.DEFINE_integer("repeats", 9, "Timed pairs.")
FLAGS = flags.FLAGS


def gradient(extractor, batch: int, side: int):
    """Returns a function that evaluates the loss's gradient for `batch` pictures of side x side."""
    loss = perceptual.PerceptualLoss(extractor, perceptual.LossWeights())
    rng = np.random.default_rng(0)
    pictures, photos = (
        tf.constant(rng.random((batch, side, side, 3), np.float32)) for _ in range(2)
    )
    target = loss.style_target(photos[:1])

    @tf.function
    def compiled(values):
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = tf.reduce_mean(loss.terms(values, photos, target)["loss"])
        return tape.gradient(total, values)

    return lambda: compiled(pictures).numpy()


def seconds(function) -> float:
    """Returns how long one call of `function` takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def main():
    layers = perceptual.LossWeights().layers
    if FLAGS.vgg_weights:
        wide = vgg19.load_vgg19(FLAGS.vgg_weights, layers)
    else:
        wide = extractors.FeatureExtractor(
            "vgg19", vgg.build_topology(vgg.VGG19_WIDTHS, layers), {}, vgg.LAYERS
        )
        wide.model.trainable = False
    slim = slim_vgg19.load_slim_vgg19(layers, weights=FLAGS.slim_weights or None)
    timed = [
        gradient(extractor, FLAGS.batch_size, FLAGS.image_size)
        for extractor in (wide, slim)
    ]
    for function in timed:
        function()
    pairs = np.array(
        [[seconds(function) for function in timed] for _ in range(FLAGS.repeats)]
    )
    print("| network | median seconds |\n|---|---|")
    for name, column in zip(("vgg19", "slim_vgg19"), pairs.T):
        print(f"| {name} | {np.median(column):.3f} |")
    print(
        f"slim_vgg19 is {np.median(pairs[:, 0] / pairs[:, 1]):.2f} times faster "
        f"(median of {FLAGS.repeats} pairs)"
    )


if __name__ == "__main__":
    config_flags.run(main)
