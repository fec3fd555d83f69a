"""Compares widths of a slim VGG19 before any training: size, speed of the loss's gradient, error.

Example: python benchmarks/slim_widths.py --content=photos/ --vgg_weights=vgg19.h5

Prints one row a choice: parameters, seconds of one gradient of the perceptual loss (and
how many times faster than VGG19's), and the relative squared feature error at each
compared layer on crops that the least-squares refit has not seen.
"""

import extractor_speed
import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.data import pipeline, sources
from nst_tf.features import extractors, vgg, vgg19
from nst_tf.losses import perceptual
from nst_tf.ops import statistics
from nst_tf.training.distillation import student as distillation_student

flags.DEFINE_string("content", "builtin", "Photos, as in nst_tf.train.")
flags.DEFINE_list(
    "widths",
    [
        "32-64-128-256-256",
        "32-64-128-256-512",
        "32-64-128-320-512",
        "48-64-128-256-512",
    ],
    "Choices, channels of the five blocks joined by dashes.",
)
flags.DEFINE_integer("pictures", 320, "Crops that students are fitted to.")
FLAGS = flags.FLAGS


def gradient_seconds(extractor) -> float:
    """Returns the median time of one gradient of the loss for 4 pictures of 256x256."""
    function = extractor_speed.gradient(extractor, 4, 256)
    function()
    return float(
        np.median([extractor_speed.seconds(function) for _ in range(FLAGS.repeats)])
    )


def main():
    layers = perceptual.LossWeights().layers
    source = sources.open_source(FLAGS.content)
    crops = pipeline.crops(
        source, pipeline.CropConfig(192, 256, seed=0), pipeline.Shard(FLAGS.pictures)
    )
    fitted, unseen = (batch["image"] for batch in crops.take(2))
    unseen = unseen[:40]
    teacher = vgg19.load_vgg19(FLAGS.vgg_weights, vgg.SLIM_LAYERS)
    wide = teacher(unseen)
    reference = gradient_seconds(vgg19.load_vgg19(FLAGS.vgg_weights, layers))
    print(f"VGG19: {reference:.3f} s a gradient")
    for choice in FLAGS.widths:
        widths = [int(width) for width in choice.split("-")]
        student = distillation_student.build_student(widths)
        distillation_student.refit(student, teacher, fitted)
        narrow = student(unseen)["embedded"]
        errors = " ".join(
            f"{float(tf.reduce_mean(statistics.relative_squared_error(narrow[name], wide[name]))):.3f}"
            for name in distillation_student.COMPARED
        )
        model = distillation_student.pack_model(
            student, teacher, widths, [fitted[:8], fitted[8:16], fitted[16:24]]
        )
        seconds = gradient_seconds(
            extractors.FeatureExtractor("slim_vgg19", model, {}, vgg.SLIM_LAYERS)
        )
        print(
            f"{choice}: {model.count_params():,} parameters, {seconds:.3f} s "
            f"({reference / seconds:.2f} times faster), error {errors}",
            flush=True,
        )


if __name__ == "__main__":
    config_flags.run(main)
