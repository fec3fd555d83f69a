"""Measures the peak memory of `nst_tf.optimize` in a process of its own, beside the
estimate that it makes.

Example: python benchmarks/optimize_memory.py --flagfile=configs/gatys_cat.flags --sizes=512,1024 \
             --feature_network=vgg19 --vgg_weights=vgg19.h5

Flags are those of nst_tf.optimize; --sizes takes the place of --image_size,
--some_iterations of its iterations at full size, and the coarser sizes have one.
"""

import dataclasses
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.optimization import gatys, memory_estimate, run as optimize_run
from nst_tf.runs import folder as run_folder

flags.DEFINE_list("sizes", ["256", "512", "1024"], "Long sides, pixels.")
flags.DEFINE_integer("some_iterations", 5, "At full size.")
FLAGS = flags.FLAGS


def measured(settings):
    """Peak memory in bytes of the command with these settings."""
    with tempfile.TemporaryDirectory() as folder:
        settings = dataclasses.replace(settings, output=f"{folder}/out.png", run="")
        (Path(folder) / "run.flags").write_text(
            run_folder.format_flags(settings, "nst_tf.optimize")
        )
        command = [
            sys.executable,
            "-m",
            "nst_tf.optimize",
            f"--flagfile={folder}/run.flags",
        ]
        child = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(child.pid, 0)
        if status:
            raise SystemExit(
                f"{' '.join(command)} ended with status {os.waitstatus_to_exitcode(status)}"
            )
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def main():
    asked = config_flags.read(OptimizeSettings)
    for size in map(int, FLAGS.sizes):
        settings = dataclasses.replace(
            asked,
            image_size=size,
            iterations=FLAGS.some_iterations,
            coarse_iterations=asked.coarse_iterations if asked.scales == 1 else 1,
            preview_steps=2,
        )
        task = gatys.Gatys(settings)
        estimate = memory_estimate.painting_bytes(
            task.extractor.model, *task.size, optimize_run.count_vectors(settings)
        )
        print(
            f"{task.size[1]}x{task.size[0]}: {measured(settings) / 1e9:.2f} GB, estimated "
            f"{estimate / 1e9:.2f} GB",
            flush=True,
        )


if __name__ == "__main__":
    config_flags.define(OptimizeSettings)
    config_flags.run(main)
