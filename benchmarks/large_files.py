"""Measures seconds and peak memory of reading and writing a large picture in rows, and of
painting it with broad strokes, each in a process of its own.

Example: python benchmarks/large_files.py --megapixels=100 --output=large_files.json

The picture is noise on waves, made anew; 100 megapixels take 2 GB of disk. What is written
as JSON says commit, machine, command and numbers.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import report
from absl import app, flags

FLAGS = flags.FLAGS
flags.DEFINE_float("megapixels", 100, "Size of the picture, 10 by 7.")
flags.DEFINE_string("model", "starry_night_mobile", "That paints it.")
flags.DEFINE_integer("image_size", 2000, "Long side at which it paints.")
flags.DEFINE_string("output", "", "JSON to write; none for stdout alone.")
flags.DEFINE_list("step", [], "Of a child process: kind and paths.")

BAND = 256


def make(target):
    """Writes the picture."""
    from nst_tf.images.large.row_writer import RowWriter

    width = round((FLAGS.megapixels * 1e6 * 10 / 7) ** 0.5)
    height = round(width * 0.7)
    x = np.arange(width) / 300
    noise = np.random.default_rng(0).normal(0, 0.03, (BAND, width, 3))
    with RowWriter(target, (height, width)) as writer:
        for first in range(0, height, BAND):
            count = min(BAND, height - first)
            waves = 0.5 + 0.3 * np.sin(
                x + np.arange(first, first + count)[:, None] / 500
            )
            rows = waves[..., None] + noise[:count]
            writer.write(rows.astype(np.float32))


def copy(source, target):
    """Reads rows and writes them."""
    from nst_tf.images.large.row_source import open_rows
    from nst_tf.images.large.row_writer import RowWriter

    with (
        open_rows(source, 10**10, memory=10**9) as rows,
        RowWriter(target, rows.size) as writer,
    ):
        height, _ = rows.size
        for first in range(0, height, BAND):
            writer.write(rows.read(first, min(first + BAND, height)))


def paint(source, target):
    """Paints it with broad strokes."""
    import nst_tf
    from nst_tf.images.large.row_source import open_rows
    from nst_tf.images.large.row_writer import RowWriter

    with (
        nst_tf.load_model(FLAGS.model) as model,
        open_rows(source, 10**10, memory=10**9) as rows,
        RowWriter(target, rows.size) as writer,
    ):
        broad = model.broaden(image_size=FLAGS.image_size)
        broad.prepare().paint_rows(rows.read, rows.size, writer.write)


STEPS = {"make": make, "copy": copy, "paint": paint}


def measure(kind, *paths):
    """Runs a step in a process; returns its seconds and peak in MB."""
    command = [sys.executable, __file__, f"--step={','.join([kind, *map(str, paths)])}"]
    names = ("megapixels", "model", "image_size")
    command += [f"--{name}={FLAGS[name].value}" for name in names]
    begin = time.monotonic()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    scale = 1e6 if sys.platform == "darwin" else 1e3
    result = {
        "seconds": round(time.monotonic() - begin, 1),
        "peak_mb": round(usage.ru_maxrss / scale),
        "file_mb": round(Path(paths[-1]).stat().st_size / 1e6),
    }
    names = " to ".join(Path(path).name for path in paths)
    print(f"{kind} {names}: {result}", flush=True)
    return result


def main(unused):
    if FLAGS.step:
        kind, *paths = FLAGS.step
        STEPS[kind](*paths)
        return
    results = {}
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        place = Path(folder)
        results["make tif"] = measure("make", place / "made.tif")
        for one, other in (
            ("made.tif", "a.jpg"),
            ("a.jpg", "b.png"),
            ("b.png", "c.tif"),
        ):
            results[f"{one} to {other}"] = measure("copy", place / one, place / other)
        results["paint a.jpg"] = measure("paint", place / "a.jpg", place / "d.jpg")
    report.write_report(results, FLAGS.output)


if __name__ == "__main__":
    app.run(main)
