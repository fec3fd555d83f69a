"""Times one evaluation of `nst_tf.optimize`, loss and gradient, against the bare feature network.

Example: python benchmarks/optimize_cost.py --flagfile=configs/gatys_cat.flags --feature_network=vgg19 \
             --vgg_weights=vgg19.h5

Bare is a forward pass to the deepest layer and a backward pass to the picture. Both
take turns; the ratio is the median over turns. Flags are those of nst_tf.optimize;
--sizes takes the place of --image_size.
"""

import dataclasses
import time

import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.optimization import gatys

flags.DEFINE_list("sizes", ["256", "384", "512"], "Long sides, pixels.")
flags.DEFINE_integer("turns", 9, "Pairs of timings at each size.")
FLAGS = flags.FLAGS


def main():
    asked = config_flags.read(OptimizeSettings)
    for size in map(int, FLAGS.sizes):
        settings = OptimizeSettings.of(
            {**dataclasses.asdict(asked), "image_size": size, "scales": 1},
            drop_unused=True,
        )
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
                if turn:  # the first one compiles
                    seconds.append(time.perf_counter() - start)
        ratio = np.median(np.divide(times[evaluate], times[bare]))
        print(
            f"{size} pixels: evaluation {np.median(times[evaluate]):.2f} s, bare "
            f"{np.median(times[bare]):.2f} s, ratio {ratio:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    config_flags.define(OptimizeSettings)
    config_flags.run(main)
