"""Memory of a SavedModel's `serving_bytes` while it paints pictures of many sizes.

Example: python benchmarks/serving_memory.py --model=runs/starry/saved_model/1

Prints the resident memory after every fifty pictures, each of a size of its own; then
the same pictures again, which must not add anything. Linux only.
"""

import os

import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.images import io as image_io

flags.DEFINE_string("model", "", "SavedModel of a network of one style.")
flags.DEFINE_integer("pictures", 300, "How many.")
flags.DEFINE_integer("most", 256, "Longest side, pixels.")
FLAGS = flags.FLAGS


def resident() -> float:
    """Returns this process's resident memory, MB."""
    with open("/proc/self/statm") as status:
        return int(status.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main():
    loaded = tf.saved_model.load(FLAGS.model)
    paint = loaded.signatures["serving_bytes"]
    print("| pictures | MB, new sizes | MB, the same again |\n|---|---|---|")
    memory = []
    for _ in range(2):
        rng, column = np.random.default_rng(0), []
        for number in range(FLAGS.pictures + 1):
            height, width = rng.integers(1, FLAGS.most + 1, 2)
            data = image_io.encode_rgb8(
                rng.integers(0, 256, (height, width, 3), np.uint8), "jpg"
            )
            answer = paint(image_bytes=tf.constant([data, data[:100]]))
            assert [bool(error) for error in answer["error"].numpy()] == [False, True]
            if number % 50 == 0:
                column.append(resident())
        memory.append(column)
    for step, (new, same) in enumerate(zip(*memory)):
        print(f"| {50 * step} | {new:.0f} | {same:.0f} |")


if __name__ == "__main__":
    config_flags.run(main)
