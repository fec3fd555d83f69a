"""Measures what --precision=bfloat16 gains and costs in `nst_tf.optimize`: time, objective, PSNR.

Example: python benchmarks/optimize_precision.py --flagfile=configs/gatys_cat.flags --content=photo.jpg \
             --feature_network=vgg19 --vgg_weights=vgg19.h5 --image_size=384
             --output=runs/precision.png

Both precisions paint the same picture; both results are judged in float32. Chaotic
growth of rounding errors is part of the PSNR: float32 against itself with a noise of
half a gray level in the first picture is printed beside it. Flags are those of
nst_tf.optimize; the names of the pictures begin with --output's.
"""

import dataclasses
from pathlib import Path

import numpy as np
import tensorflow as tf

from nst_tf.config.commandline import flags
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.optimization import gatys, run as optimize_run


def main():
    asked, judge, pictures = flags.read(OptimizeSettings), None, {}
    print(
        "| precision | seconds an evaluation | objective in float32 | PSNR to float32 |\n|---|---|---|---|"
    )
    for name, precision, noise in (
        ("float32", "float32", 0.0),
        ("float32, noise", "float32", 1 / 510),
        ("bfloat16", "bfloat16", 0.0),
    ):
        output = Path(asked.output)
        output = output.with_stem(f"{output.stem}_{name.replace(', ', '_')}")
        settings = dataclasses.replace(
            asked,
            precision=precision,
            init_noise=noise,
            output=str(output),
            overwrite=True,
        )
        if judge is None:
            task = gatys.Gatys(settings)
            judge = task.objective(task.scales[-1])
        painted = optimize_run.optimize(settings, log=lambda line: None)
        pictures[name] = painted.picture
        value = float(judge(tf.reshape(tf.constant(painted.picture), [-1]))[0])
        error = np.mean(np.square(painted.picture - pictures["float32"]))
        psnr = f"{-10 * np.log10(error):.1f} dB" if error else "-"
        print(
            f"| {name} | {painted.seconds / painted.evaluations:.2f} | {value:.4f} | {psnr} |",
            flush=True,
        )


if __name__ == "__main__":
    flags.define(OptimizeSettings)
    flags.run(main)
