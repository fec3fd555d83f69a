"""Measures what --precision=bfloat16 gains and costs in `nst_tf.optimize`: time, objective, PSNR.

Example: python benchmarks/optimize_precision.py --content=photo.jpg --style=painting.jpg --vgg_weights=vgg19.h5

Both precisions paint the same picture; both results are judged in float32. Chaotic growth of rounding
errors is part of the PSNR: float32 against itself with a noise of half a grey level in the first
picture is printed beside it.
"""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import flags

from nst_tf import flag_binding, images
from nst_tf.methods import gatys
from nst_tf.optimize_settings import OptimizeSettings
from nst_tf.optimizers import Lbfgs
from nst_tf.painting import Painting

flags.DEFINE_string("content", "builtin:cat", "As in nst_tf.optimize.")
flags.DEFINE_list("style", ["starry_swirls"], "As in nst_tf.optimize.")
flags.DEFINE_integer("image_size", 384, "As in nst_tf.optimize.")
flags.DEFINE_integer("iterations", 100, "As in nst_tf.optimize.")
flags.DEFINE_string("feature_network", "vgg19", "As in nst_tf.optimize.")
flags.DEFINE_string("vgg_weights", "imagenet", "As in nst_tf.optimize.")
flags.DEFINE_string("output", None, "Folder of the pictures.", required=True)
FLAGS = flags.FLAGS


def main():
    judge, pictures = None, {}
    print("| precision | seconds an evaluation | objective in float32 | PSNR to float32 |\n|---|---|---|---|")
    for name, precision, noise in (("float32", "float32", 0.0), ("float32, noise", "float32", 1 / 510),
                                   ("bfloat16", "bfloat16", 0.0)):
        task = gatys.Gatys(OptimizeSettings(
            content=FLAGS.content, style=tuple(FLAGS.style), output="-", precision=precision,
            image_size=FLAGS.image_size, iterations=FLAGS.iterations, init_noise=noise,
            feature_network=FLAGS.feature_network, vgg_weights=FLAGS.vgg_weights))
        judge = judge or task.objective(task.scales[-1])
        with tempfile.TemporaryDirectory() as folder:
            painted = Painting(task, Lbfgs(bounds=(0.0, 1.0)), gatys.TERMS, Path(folder) / "state.npz",
                               60.0).run()
        pictures[name] = painted.picture
        value = float(judge(tf.reshape(tf.constant(painted.picture), [-1]))[0])
        error = np.mean(np.square(painted.picture - pictures["float32"]))
        psnr = f"{-10 * np.log10(error):.1f} dB" if error else "-"
        print(f"| {name} | {painted.seconds / painted.evaluations:.2f} | {value:.4f} | {psnr} |", flush=True)
        images.write_picture(Path(FLAGS.output) / f"{name.replace(', ', '_')}.png",
                             images.Picture(painted.picture), overwrite=True)


if __name__ == "__main__":
    flag_binding.run(main)
