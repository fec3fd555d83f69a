"""Times one evaluation of `nst_tf.optimize`, loss and gradient, against the bare feature network.

Example: python benchmarks/optimize_cost.py --feature_network=vgg19 --vgg_weights=vgg19.h5

Bare is a forward pass to the deepest layer and a backward pass to the picture. Both take turns; the ratio is
the median over turns.
"""

import time

import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf import flag_binding
from nst_tf.methods import gatys
from nst_tf.optimize_settings import OptimizeSettings

flags.DEFINE_string("content", "builtin:cat", "As in nst_tf.optimize.")
flags.DEFINE_list("style", ["starry_swirls"], "As in nst_tf.optimize.")
flags.DEFINE_list("sizes", ["256", "384", "512"], "Long sides, pixels.")
flags.DEFINE_string("feature_network", "slim_vgg19", "As in nst_tf.optimize.")
flags.DEFINE_string("vgg_weights", "imagenet", "As in nst_tf.optimize.")
flags.DEFINE_integer("turns", 9, "Pairs of timings at each size.")
FLAGS = flags.FLAGS


def main():
    for size in map(int, FLAGS.sizes):
        settings = OptimizeSettings(
            content=FLAGS.content, style=tuple(FLAGS.style), output="-", image_size=size, scales=1,
            feature_network=FLAGS.feature_network, vgg_weights=FLAGS.vgg_weights)
        task = gatys.Gatys(settings)
        deepest = max(settings.style_layers)
        evaluate = tf.function(task.objective(task.scales[-1]))
        shape = [1, *task.size, 3]

        @tf.function
        def bare(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                maps = task.extractor(tf.reshape(x, shape))[deepest]
            return tape.gradient(maps, x)

        x = tf.reshape(tf.constant(task.first_picture()), [-1])
        times = {evaluate: [], bare: []}
        for turn in range(FLAGS.turns + 1):
            for function, seconds in times.items():
                start = time.perf_counter()
                result = function(x)
                (result[1] if function is evaluate else result).numpy()
                if turn:                                   # the first one compiles
                    seconds.append(time.perf_counter() - start)
        ratio = np.median(np.divide(times[evaluate], times[bare]))
        print(f"{size} pixels: evaluation {np.median(times[evaluate]):.2f} s, bare "
              f"{np.median(times[bare]):.2f} s, ratio {ratio:.3f}", flush=True)


if __name__ == "__main__":
    flag_binding.run(main)
