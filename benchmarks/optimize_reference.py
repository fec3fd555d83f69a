"""Races `nst_tf.optimize` against SciPy's L-BFGS-B: same objective, photo, size,
weights and machine.

Example: python benchmarks/optimize_reference.py --flagfile=configs/gatys_vgg19.flags --vgg_weights=vgg19.h5 \
             --photos='photos/*.jpg' --styles=a.jpg,b.jpg --race=runs/race

Photo number i is painted in style number i, both lists repeating. The reference begins
with the photo and runs 300 iterations at full size. Ours works from coarse to fine. A
row says after which share of the reference's time ours had its final objective, and
both objectives at the end of the reference's time. All objectives are those of the full
size, in float32 (which costs ours no time of the race if its --precision is another);
ours pays for its compilation, the reference does not. Finished pairs are kept in
RACE/rows.json and not run again. The other flags are those of nst_tf.optimize.
"""

import dataclasses
import itertools
import json
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import scipy.optimize
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core import files
from nst_tf.images import io as image_io
from nst_tf.optimization import gatys
from nst_tf.optimization.loop import ImageOptimization

flags.DEFINE_string("photos", None, "Photos: folder or glob.", required=True)
flags.DEFINE_list("styles", ["starry_swirls"], "Styles.")
flags.DEFINE_integer("pairs", 5, "Pairs at each size.")
flags.DEFINE_list("sizes", ["256", "384", "512"], "Long sides, pixels.")
flags.DEFINE_integer("reference_iterations", 300, "Of the reference.")
flags.DEFINE_bool(
    "to_the_end",
    True,
    "Let ours go on, for all of the reference's time, once it has its objective. "
    "If not, it is lower by then at equal time, since accepted steps only fall, but not said how much.",
)
flags.DEFINE_string("race", "runs/race", "Folder of the pictures and rows.")
FLAGS = flags.FLAGS


class Clock(keras.callbacks.Callback):
    """The curve (seconds since the start, objective at full size); stops ours when its
    time is over.

    Args:
        size: long side at which ours is judged, pixels.
        seconds: that ours has.
        enough: objective at which ours may stop before.
        judge: () -> objective of ours at that size, while the clock stands still; None
            for what ours says itself.
    """

    def __init__(self, size=0, seconds=np.inf, enough=-np.inf, judge=None):
        super().__init__()
        self.curve, self._size, self._seconds, self._enough, self._judge = (
            [],
            size,
            seconds,
            enough,
            judge,
        )
        self._start = time.perf_counter()

    def note(self, value):
        self.curve.append((time.perf_counter() - self._start, float(value)))

    def on_train_batch_end(self, batch, logs=None):
        if logs["size"] == self._size:
            stopped = time.perf_counter()
            value = self._judge() if self._judge else logs["loss"]
            self._start += time.perf_counter() - stopped
            self.note(value)
            if self.curve[-1][0] > self._seconds or value < self._enough:
                raise TimeIsOver

    def best_at(self, seconds):
        return min((value for at, value in self.curve if at <= seconds), default=np.inf)

    def reached(self, wanted):
        return next((at for at, value in self.curve if value <= wanted), np.inf)


class TimeIsOver(Exception):
    """The reference's time has been used up, or ours is good enough."""


def reference(task):
    """SciPy's L-BFGS-B at full size from the photo; returns its clock, its picture and
    its objective as a function.
    """
    scale, first = task.scales[-1], task.finish_picture(task.first_picture()).rgb
    posed = tf.function(task.objective(scale))
    posed(tf.reshape(first, [-1]))  # compiles
    clock = Clock()

    def evaluate(x):
        value, gradient, _ = posed(tf.constant(x, tf.float32))
        clock.note(value)
        return float(value), gradient.numpy().astype(np.float64)

    found = scipy.optimize.minimize(
        evaluate,
        first.reshape(-1).astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * first.size,
        options={
            "maxiter": FLAGS.reference_iterations,
            "maxfun": 10**6,
            "ftol": 0,
            "gtol": 0,
        },
    )
    # The gradient that nothing asks for is left out of this graph.
    return clock, found.x.reshape(first.shape), tf.function(lambda x: posed(x)[0])


def ours(task, seconds, enough, value):
    """From coarse to fine until the reference's time is over; returns clock and picture.

    Args:
        task: ours.
        seconds: the reference's time.
        enough: objective at which it may stop before.
        value: flat picture -> objective in float32, which judges if the task's own is
            another; else None.
    """
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock(
            max(task.size),
            seconds,
            enough,
            value and (lambda: value(tf.reshape(tf.constant(painting.picture), [-1]))),
        )
        painting = ImageOptimization(
            task, task.open_optimizer, gatys.TERMS, Path(folder) / "state.npz", 60.0
        )
        try:
            painting.run([clock])
        except TimeIsOver:
            pass
    return clock, painting.picture


def race(photo, style, size):
    """Runs both; returns the row and writes both pictures."""
    settings = dataclasses.replace(
        config_flags.read(OptimizeSettings),
        content=str(photo),
        style=(style,),
        image_size=size,
        iterations=10**6,
    )
    slow, slow_picture, value = reference(
        gatys.Gatys(
            OptimizeSettings.of(
                {**dataclasses.asdict(settings), "scales": 1, "precision": "float32"},
                drop_unused=True,
            )
        )
    )
    seconds, wanted = slow.curve[-1][0], min(value for _, value in slow.curve)
    fast, fast_picture = ours(
        gatys.Gatys(settings),
        seconds,
        -np.inf if FLAGS.to_the_end else wanted,
        None if settings.precision == "float32" else value,
    )
    for kind, picture in (("reference", slow_picture), ("ours", fast_picture)):
        image_io.write_image(
            Path(FLAGS.race) / f"{photo.stem}_{Path(style).stem}_{size}_{kind}.png",
            image_io.Image(np.clip(picture, 0, 1).astype(np.float32)),
            overwrite=True,
        )
    return {
        "size": size,
        "pair": f"{photo.stem}, {Path(style).stem}",
        "seconds": seconds,
        "reference": wanted,
        "share": fast.reached(wanted) / seconds,
        "ours": fast.best_at(seconds),
    }


def main():
    photos, kept = image_io.find_images(FLAGS.photos), Path(FLAGS.race) / "rows.json"
    pairs = list(
        zip(range(FLAGS.pairs), itertools.cycle(photos), itertools.cycle(FLAGS.styles))
    )
    rows = json.loads(kept.read_text()) if kept.exists() else {}
    print(
        "| size | photo, style | reference: seconds, objective | ours: share of its time, objective at "
        "its end |\n|---|---|---|---|"
    )
    wanted = [
        (f"{photo} {style} {size}", (photo, style, size))
        for size in map(int, FLAGS.sizes)
        for _, photo, style in pairs
    ]
    for name, what in wanted:
        if name not in rows:
            rows[name] = race(*what)
            files.write_atomically(
                kept, json.dumps(rows, indent=1).encode(), overwrite=True
            )
        row = rows[name]
        print(
            f"| {row['size']} | {row['pair']} | {row['seconds']:.0f}, {row['reference']:.4f} "
            f"| {row['share']:.2f}, {row['ours']:.4f} |",
            flush=True,
        )
    shown = [rows[name] for name, _ in wanted]
    print(
        f"median share {np.median([row['share'] for row in shown]):.2f}; lower at equal time in "
        f"{sum(row['ours'] < row['reference'] for row in shown)} of {len(shown)}"
    )


if __name__ == "__main__":
    config_flags.define(OptimizeSettings)
    config_flags.run(main)
