"""Translates the weights of Gatys's objective into ours, for a typical photo and painting.

Example: python benchmarks/classic_weights.py --photos=photos/ --styles=a.jpg,b.jpg
    --vgg_weights=vgg19.h5

Gatys minimizes alpha L_content + beta sum_l w_l E_l over features F [N, M] that were
scaled to a mean of 1 in every channel. Ours are relative: L_content = k |P|^2 content,
E_l = k_l |A|^2 style_l. What then stands before our terms is measured here in those
scaled features, as medians over photos and over styles. Two versions of the factors
disagree, and both are printed:
    paper  k = 1/2, k_l = 1 / (4 N^2 M^2), w_l = 1/5, alpha / beta = 1e-3
    code   k = 1 / (N M), k_l = 1 / (N^2 M^2), w_l = 1 / N^2, alpha / beta = 1e-3
To the letter, the paper's equations leave hardly any style: its figures cannot come
from them.

Reference: Gatys, Ecker, Bethge 2016 (CVPR), equations 1 to 7; the authors' later code,
github.com/leongatys/PytorchNeuralStyleTransfer.
"""

import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.data import style_images
from nst_tf.evaluation import score
from nst_tf.features import vgg19
from nst_tf.images import io as image_io
from nst_tf.losses import perceptual
from nst_tf.ops import statistics

flags.DEFINE_string("photos", None, "Photos: folder or glob.", required=True)
flags.DEFINE_list("styles", list(style_images.packaged_styles()), "Styles.")
flags.DEFINE_integer("image_size", 512, "Long side of photos and style_images, pixels.")
flags.DEFINE_integer("count", 20, "How many photos, evenly chosen.")
flags.DEFINE_string("vgg_weights", "imagenet", "As in nst_tf.train.")
FLAGS = flags.FLAGS

RATIO = 1e-3  # alpha / beta
DEAD = (
    1e-3  # share of a layer's mean below which a channel is left out: it has no scale
)


def main():
    photos = score.read_photos(FLAGS.photos, FLAGS.image_size, FLAGS.count)
    (content,) = perceptual.CONTENT_LAYERS
    extractor = vgg19.load_vgg19(FLAGS.vgg_weights, (*perceptual.STYLE_LAYERS, content))
    sums, energies = {}, []
    for photo in photos:
        maps = extractor(photo[None])
        for layer, values in maps.items():
            sums.setdefault(layer, []).append(tf.reduce_mean(values, [0, 1, 2]).numpy())
        energies.append(
            (
                tf.reduce_sum(tf.square(maps[content]), [0, 1, 2]).numpy(),
                maps[content].shape,
            )
        )
    scales = {}
    for layer, means in sums.items():
        mean = np.mean(means, 0)
        scales[layer] = np.where(
            mean > DEAD * mean.mean(), 1 / np.maximum(mean, 1e-30), 0
        )
    energy = np.median(
        [(values * scales[content] ** 2).sum() for values, _ in energies]
    )
    entries = np.median([np.prod(shape) for _, shape in energies])
    grams = {layer: [] for layer in perceptual.STYLE_LAYERS}
    for name in FLAGS.styles:
        picture = image_io.read_image(
            style_images.fetch_style(name)[0], long_side=FLAGS.image_size
        ).rgb
        maps = extractor(picture[None])
        for layer, values in grams.items():
            gram = statistics.gram_matrix(
                maps[layer] * tf.constant(scales[layer], tf.float32)
            )
            values.append(float(tf.reduce_sum(tf.square(gram))))  # of G / M
    channels = {layer: len(scales[layer]) for layer in grams}
    show(
        "paper",
        {
            layer: np.median(values) / (5 * 4 * channels[layer] ** 2) / (energy / 2)
            for layer, values in grams.items()
        },
    )
    show(
        "code",
        {
            layer: np.median(values) / channels[layer] ** 4 / (energy / entries)
            for layer, values in grams.items()
        },
    )


def show(version, factors):
    """Prints our flags from the factors of the layers' terms at alpha = beta."""
    total = sum(factors.values())
    print(
        f"{version}: --content_weight=1 --style_weight={total / RATIO:.4g} --style_layers="
        + ",".join(f"{layer}:{factor / total:.4f}" for layer, factor in factors.items())
    )


if __name__ == "__main__":
    config_flags.run(main)
