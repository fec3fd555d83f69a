"""Measures the peak memory of `nst_tf.optimize` in a process of its own, beside the estimate that it makes.

Example: python benchmarks/optimize_memory.py --sizes=512,1024 --feature_network=vgg19 --vgg_weights=vgg19.h5
"""

import os
import subprocess
import sys
import tempfile

from absl import flags

from nst_tf import flag_binding, memory, studio
from nst_tf.methods import gatys
from nst_tf.optimize_settings import OptimizeSettings

flags.DEFINE_string("content", "builtin:cat", "As in nst_tf.optimize.")
flags.DEFINE_string("style", "starry_swirls", "As in nst_tf.optimize.")
flags.DEFINE_list("sizes", ["256", "512", "1024"], "Long sides, pixels.")
flags.DEFINE_string("feature_network", "slim_vgg19", "As in nst_tf.optimize.")
flags.DEFINE_string("vgg_weights", "imagenet", "As in nst_tf.optimize.")
flags.DEFINE_integer("iterations", 5, "At full size; the coarser sizes have one.")
FLAGS = flags.FLAGS


def measured(settings):
    """Peak memory in bytes of the command with these settings."""
    command = [sys.executable, "-m", "nst_tf.optimize", "--coarse_iterations=1", "--preview_steps=2"]
    for name in ("content", "style", "image_size", "feature_network", "vgg_weights", "iterations"):
        value = getattr(settings, name)
        command.append(f"--{name}={','.join(value) if isinstance(value, tuple) else value}")
    with tempfile.TemporaryDirectory() as folder:
        child = subprocess.Popen([*command, f"--output={folder}/out.png"], stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise SystemExit(f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}")
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    for size in map(int, FLAGS.sizes):
        settings = OptimizeSettings(
            content=FLAGS.content, style=(FLAGS.style,), output="-", image_size=size,
            iterations=FLAGS.iterations, feature_network=FLAGS.feature_network,
            vgg_weights=FLAGS.vgg_weights)
        task = gatys.Gatys(settings)
        estimate = memory.painting_bytes(
            task.extractor.model, *task.size, studio.vectors_of(settings))
        print(f"{task.size[1]}x{task.size[0]}: {measured(settings) / 1e9:.2f} GB, estimated "
              f"{estimate / 1e9:.2f} GB", flush=True)


if __name__ == "__main__":
    flag_binding.run(main)
