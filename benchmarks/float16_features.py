"""How large features become before each norm: whether their squares fit into float16,
in which phones' GPUs compute.

Example: python benchmarks/float16_features.py --model=runs/mine --content=PHOTOS
    --styles=PAINTINGS

Prints for each norm the largest of its input's features less their channel's mean, over
photos and styles. Above 255 the square, of which the norm takes the mean, is beyond
float16. Networks are shown as `nst_tf.export` writes them for phones, of a
network of any style the part that draws.
"""

import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.data import style_images
from nst_tf.exporters.export_network import cast_to_float32
from nst_tf.exporters.tflite import (
    any_style,
    float16_range,
    per_style,
)
from nst_tf.images import io as image_io, padding
from nst_tf.inference import open_model
from nst_tf.models import adain_net, transform_net

flags.DEFINE_string("model", "", "Run folder or .keras file.")
flags.DEFINE_string("content", "", "Folder of photos.")
flags.DEFINE_string(
    "styles",
    "",
    "For a network of any style: folder of paintings beside the packaged ones.",
)
flags.DEFINE_integer("photos", 20, "How many photos.")
flags.DEFINE_integer("image_size", 256, "Short side of photos and paintings, pixels.")
FLAGS = flags.FLAGS
MOST = float(np.sqrt(np.finfo(np.float16).max))


def read(path):
    return image_io.read_image(path, short_side=FLAGS.image_size).rgb


def main():
    network = cast_to_float32(open_model.open_network(FLAGS.model))
    photos = [
        padding.pad_to_multiple(read(path), *padding.ANY_STYLE)[None]
        for path in image_io.find_images(FLAGS.content)
    ]
    photos = photos[: FLAGS.photos]
    if adain_net.is_any_style(network):
        parts = adain_net.parts_of(network)
        core = any_style.transformer_for_phones(parts)
        paths = [
            *style_images.packaged_styles().values(),
            *(image_io.find_images(FLAGS.styles) if FLAGS.styles else []),
        ]
        codes = [parts.encode_style(read(path)[None]) for path in paths]
        full = tf.ones((1, 1))
        # Two styles a photo: each meets some, without a night of computing.
        inputs = [
            [photo, codes[(turn * len(photos) + number) % len(codes)], full]
            for turn in range(2)
            for number, photo in enumerate(photos)
        ]
    else:
        core = per_style.core_for_phones(network)
        ones = np.eye(transform_net.styles_of(network), dtype=np.float32)
        inputs = [
            [photo, one[None]] if transform_net.blend_name(network) else photo
            for photo in photos
            for one in ones
        ]
    print("| norm | largest feature less the mean | its square |\n|---|---|---|")
    for name, value in sorted(
        float16_range.largest_features(core, inputs).items(), key=lambda item: -item[1]
    ):
        print(
            f"| {name} | {value:.1f} | {'beyond float16' if value > MOST else 'fits'} |"
        )


if __name__ == "__main__":
    config_flags.run(main)
