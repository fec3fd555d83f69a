r"""Measures painting of large photos: seconds and peak memory of the command, and likeness of bands to the whole.

python benchmarks/large_pictures.py --models=starry_night_mobile,starry_night \
    --sides=4000x3000,12000x8400 --output=large.json

Photos are mosaics of the packaged one with added detail. Each painting is a process of
its own, whose peak is the system's figure. Ratios are to the same size painted whole.
"""

import json
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
flags.DEFINE_list("models", ["starry_night_mobile", "starry_night"], "Names or paths.")
flags.DEFINE_list("sides", ["4000x3000", "12000x8400"], "WIDTHxHEIGHT each, pixels.")
flags.DEFINE_string("memory", "2GB", "What the command is told, of bands.")
flags.DEFINE_list("moments", ["exact"], "Of bands: exact, sampled.")
flags.DEFINE_float("whole", 13.0, "Megapixels up to which the whole is painted, too.")
flags.DEFINE_string("suffix", ".jpg", "Of the files.")
flags.DEFINE_string("output", "", "JSON with the figures.")


def make_photo(path, width, height):
    """Writes a mosaic of the packaged photo, mirrored, with grain, in rows."""
    from nst_tf.data import sample_photos
    from nst_tf.images.io import resize_rgb8, to_float
    from nst_tf.images.large.row_writer import RowWriter

    side = 1024
    tile = to_float(resize_rgb8(sample_photos.builtin_photo("cat"), side, side))
    tile = np.concatenate([tile, tile[:, ::-1]], 1)
    tile = np.concatenate([tile, tile[::-1]])
    random = np.random.default_rng(0)
    columns = np.arange(width) % (2 * side)
    brightness = np.linspace(0.6, 1.0, width, dtype=np.float32)[:, None]
    with RowWriter(path, (height, width)) as writer:
        for first in range(0, height, 256):
            rows = np.arange(first, min(first + 256, height))
            band = tile[rows % (2 * side)][:, columns] * brightness
            band += random.normal(0, 0.02, band.shape).astype(np.float32)
            writer.write(np.clip(band, 0, 1))


def paint(model, photo, target, *options):
    """Runs the command; returns its seconds and its peak in MB."""
    command = [sys.executable, "-m", "nst_tf.stylize", f"--model={model}"]
    command += [f"--content={photo}", f"--output={target}", "--overwrite"]
    command += ["--max_pixels=20000000000", *options]
    begin = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        return {"failed": " ".join(command)}
    scale = 1e6 if sys.platform == "darwin" else 1e3
    seconds = round(time.monotonic() - begin, 1)
    return {"seconds": seconds, "peak_mb": round(usage.ru_maxrss / scale)}


def compare(one, other):
    """Returns decibels between two pictures, and how borders of bands differ."""
    from nst_tf.images.io import read_image

    pictures = [read_image(path, max_pixels=10**9).rgb for path in (one, other)]
    difference = np.abs(pictures[0] - pictures[1]).max(-1)
    rows = difference.mean(1)
    error = np.mean(np.square(pictures[0] - pictures[1]))
    return {
        "decibels": round(float(-10 * np.log10(error + 1e-20)), 1),
        "largest_difference_of_255": round(float(255 * difference.max()), 2),
        "worst_row_over_mean_row_of_255": round(
            float(255 * (rows.max() - rows.mean())), 3
        ),
    }


def main(unused):
    results = []
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        place = Path(folder)
        for sides in FLAGS.sides:
            width, height = map(int, sides.split("x"))
            photo = place / f"photo{FLAGS.suffix}"
            make_photo(photo, width, height)
            for model in FLAGS.models:
                entry = {"model": model, "width": width, "height": height}
                whole = place / "whole.tif"
                if width * height <= FLAGS.whole * 1e6:
                    entry["whole"] = paint(model, photo, whole)
                for moments in FLAGS.moments:
                    target = place / f"{moments}.tif"
                    options = [f"--memory={FLAGS.memory}", f"--moments={moments}"]
                    entry[moments] = paint(model, photo, target, *options)
                    if "seconds" in entry.get("whole", {}):
                        entry[moments] |= compare(whole, target)
                results.append(entry)
                print(json.dumps(entry), flush=True)
            photo.unlink()
    report.write_report(results, FLAGS.output)


if __name__ == "__main__":
    app.run(main)
