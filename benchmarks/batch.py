"""Measures `nst batch` on this machine: processes, the overhead over `nst stylize`, stacking.

Example: python benchmarks/batch.py --photos=500 --rounds=3 --json_file=batch.json
         python benchmarks/batch.py --photos=100 --model=exported_models/starry_night/saved_model

Photos are dead leaves, JPEG, square. Every arm is a command in a process of its own with
an empty output folder; rounds go through all arms, each in another order, so that what
else runs on the machine meets all of them. Seconds are those on the clock and those of
all cores ("cpu", with children); ratios are medians over rounds. The arms:

- stylize: `nst stylize`, one process, all cores;
- batch: `nst batch`, one process, all cores;
- again: the same once more, which paints nothing;
- one core: `nst batch` on the first core alone;
- two: `nst batch --processes=2`.

After that, a stack of photos in one call of the model against one after the other.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from absl import flags
from report import write_report

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core.errors import expected
from nst_tf.data.dead_leaves import dead_leaves
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import find_artifact

flags.DEFINE_integer("photos", 500, "Photos in the folder.", lower_bound=1)
flags.DEFINE_integer("side", 512, "Of each, pixels.", lower_bound=16)
flags.DEFINE_string("model", "starry_night_mobile", "As --model of nst stylize.")
flags.DEFINE_integer("rounds", 3, "How often each arm is measured.", lower_bound=1)
flags.DEFINE_list("arms", ["stylize", "batch", "again", "one core", "two"], "Which.")
flags.DEFINE_list("stacks", ["1", "2", "4", "8"], "Photos in one call of the model.")
flags.DEFINE_string("json_file", "", "File for the numbers; empty for stdout alone.")
FLAGS = flags.FLAGS

DIFFERENT = 25  # pictures; more photos are copies, which cost the same
ARMS = {
    "stylize": ("nst_tf.stylize",),
    "batch": ("nst_tf.batch",),
    "again": ("nst_tf.batch",),
    "one core": ("nst_tf.batch",),
    "two": ("nst_tf.batch", "--processes=2"),
}


def main():
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        write_photos(photos)
        rounds = []
        for number in range(FLAGS.rounds):
            arms = [arm for arm in ARMS if arm in FLAGS.arms]
            if number % 2:  # again stays behind batch
                arms = sorted(arms, key=lambda arm: (arm == "again", -arms.index(arm)))
            measured = {arm: run_arm(arm, photos, Path(folder)) for arm in arms}
            print(json.dumps(measured), file=sys.stderr, flush=True)
            rounds.append(measured)
    results = {
        "photos": FLAGS.photos,
        "side": FLAGS.side,
        "model": FLAGS.model,
        "rounds": rounds,
        "ratios": compare(rounds),
        "stacks": measure_stacks(),
    }
    write_report(results, FLAGS.json_file)
    print(json.dumps(results, indent=1))


def write_photos(folder):
    folder.mkdir()
    for number in range(FLAGS.photos):
        path = folder / f"{number:06}.jpg"
        if number < DIFFERENT:
            rgb8 = dead_leaves(number, FLAGS.side, FLAGS.side)
            path.write_bytes(image_io.encode_rgb8(rgb8, "jpg"))
        else:
            first = folder / f"{number % DIFFERENT:06}.jpg"
            path.write_bytes(first.read_bytes())


def run_arm(arm, photos, folder):
    """Returns seconds of one arm; its pictures have to be there."""
    output = folder / ("batch" if arm == "again" else arm)
    if arm != "again":
        subprocess.run(["rm", "-rf", str(output)], check=True)
    module, *more = ARMS[arm]
    command = [
        *[sys.executable, "-m", module, f"--model={FLAGS.model}"],
        *[f"--content={photos}/", f"--output={output}/", *more],
    ]
    if arm == "one core":
        command = ["taskset", "--cpu-list", "0", *command]
    before, began = os.getloadavg()[0], time.monotonic()
    # A file, since a pipe that nobody reads would stop the child.
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.monotonic() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if child.returncode or len(list(output.glob("*.jpg"))) != FLAGS.photos:
            text = said.read().decode(errors="replace")[-2000:]
            raise expected(f"all photos painted by {arm}", text, "See there.")
    return {
        "seconds": round(seconds, 2),
        "cpu": round(usage.ru_utime + usage.ru_stime, 2),
        "load_before": round(before, 1),
    }


def compare(rounds):
    """Medians over rounds of what one arm costs of another."""

    def ratio(first, second, unit):
        found = [
            each[first][unit] / each[second][unit]
            for each in rounds
            if first in each and second in each
        ]
        return round(statistics.median(found), 3) if found else None

    return {
        f"{name} ({unit})": ratio(*pair, unit)
        for name, pair in {
            "batch / stylize": ("batch", "stylize"),
            "again / batch": ("again", "batch"),
            "one core / two": ("one core", "two"),
            "two / batch": ("two", "batch"),
        }.items()
        for unit in ("seconds", "cpu")
    }


def measure_stacks():
    """Returns {photos in one call: CPU seconds and seconds a photo}, medians of five."""
    draw = open_drawing(find_artifact(FLAGS.model))
    photo = image_io.to_float(dead_leaves(0, FLAGS.side, FLAGS.side))
    found = {}
    for count in map(int, FLAGS.stacks):
        stack = np.stack([photo] * count)
        draw(stack)
        times = []
        for _ in range(5):
            cpu, wall = time.process_time(), time.monotonic()
            draw(stack)
            times.append((time.process_time() - cpu, time.monotonic() - wall))
        found[count] = {
            "cpu": round(statistics.median(each[0] for each in times) / count, 4),
            "seconds": round(statistics.median(each[1] for each in times) / count, 4),
        }
    return found


def open_drawing(artifact):
    """Returns a function of a stack [B, H, W, 3], of a model of one style."""
    if artifact.suffix == ".tflite":
        from nst_tf.inference.runtimes.litert import LiteRtModel

        model = LiteRtModel(artifact)
        (name,) = model.inputs
        return lambda stack: model({name: stack})
    import tensorflow as tf

    # It owns the variables: the signature alone would not keep them.
    loaded = tf.saved_model.load(str(artifact))
    return lambda stack: loaded.signatures["serving_float"](image=tf.constant(stack))


if __name__ == "__main__":
    config_flags.run(main)
