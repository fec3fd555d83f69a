"""Times the files of an export in the runtimes that they are for, side by side.

Example: python -m nst_tf.export --model=runs/starry --formats=saved_model,tflite,onnx,openvino \
    --output=exported/starry
         python benchmarks/runtimes.py --models=exported/starry --torch=torch_env/bin/python \
    --output=runtimes.json
         python benchmarks/runtimes.py --table=runtimes.json

Each file runs in processes of its own, in turn with the others, so that what else the
machine does meets all of them. A row has the median of all pictures: seconds on the
clock, and seconds of the processor, over all threads, which other programs disturb less;
threads that wait for work count there, too. `--torch` is the Python of an environment
with torch and numpy, which draws the same network by `torch_network.py`. Decibels are
those of a photo of that size to the SavedModel's painting, which is the network's.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from report import write_report

from nst_tf.inference.open_model import saved_model_folder

# {runtime and numbers: file in the folder of an export, by its NAME}.
RUNTIMES = {
    "LiteRT float32": "tflite/{}.tflite",
    "LiteRT int8": "tflite/{}_int8.tflite",
    "ONNX Runtime float32": "onnx/{}.onnx",
    "OpenVINO float32": "openvino/{}.xml",
    "OpenVINO bfloat16": "openvino/{}_bfloat16.xml",
}
_TORCH = "PyTorch float32, eager"
_TIME = """
import json, sys, time
from pathlib import Path
from nst_tf.inference import latency
path, sides, threads, repeats = json.loads(sys.argv[1])
kind, file = latency.find_kind(Path(path))
found = {}
for side in sides:
    draw, _ = latency.OPENERS[kind](file, side, threads)
    draw()
    times = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        draw()
        times.append((time.perf_counter() - wall, time.process_time() - cpu))
    found[side] = times
print("\\n" + json.dumps(found))
"""
_COMPARE = """
import json, sys
import numpy as np
from nst_tf.exporters import parity, views
from nst_tf.inference.open_model import load_model
paths, sides, drawn_by_torch = json.loads(sys.argv[1])
found = {}
for side in sides:
    photo = views.cut_view(0, (side, side))
    exact, *others = [load_model(path).prepare()(photo) for path in paths]
    if drawn_by_torch:
        others.append(np.load(f"{drawn_by_torch}/torch_{side}.npy"))
    found[side] = [parity.psnr(drawn, exact) for drawn in others]
print("\\n" + json.dumps(found))
"""
_STORE = """
import json, sys
import numpy as np
import tensorflow as tf
from nst_tf.exporters import views
path, sides, folder = json.loads(sys.argv[1])
model = tf.saved_model.load(path)
variables = model.signatures["serving_default"].variables
np.savez(
    f"{folder}/variables.npz", **{each.name[:-2]: each.numpy() for each in variables}
)
for side in sides:
    np.save(f"{folder}/photo_{side}.npy", views.cut_view(0, (side, side)))
print("\\n{}")
"""


def run(program, *arguments):
    """Returns what a program prints as JSON in its last line."""
    return read_answer([sys.executable, "-c", program, json.dumps(arguments)])


def run_torch(python, folder, sides, threads, repeats):
    """Returns what `torch_network.py` measured of the network in a folder."""
    script = Path(__file__).with_name("torch_network.py")
    request = {
        "folder": folder,
        "sides": sides,
        "threads": threads,
        "repeats": repeats,
    }
    return read_answer([python, str(script), json.dumps(request)])


def read_answer(command):
    """Returns what a command prints as JSON in its last line."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(folder, sides, torch, aside):
    """Returns {(runtime, side): decibels to the SavedModel} of an export."""
    saved = str(saved_model_folder(folder))
    files = [str(folder / each.format(folder.name)) for each in RUNTIMES.values()]
    names = list(RUNTIMES)
    if torch:
        names.append(_TORCH)
        Path(aside).mkdir()
        run(_STORE, saved, sides, aside)
        run_torch(torch, aside, sides, 1, 0)
    found = run(_COMPARE, [saved, *files], sides, aside if torch else "")
    return {
        (name, int(side)): ratio
        for side, ratios in found.items()
        for name, ratio in zip(names, ratios, strict=True)
    }


def measure(folders, sides, threads, rounds, repeats, torch=""):
    """Returns the rows of the table."""
    with tempfile.TemporaryDirectory() as aside:
        places = {folder.name: f"{aside}/{folder.name}" for folder in folders}
        decibels = {
            folder.name: compare(folder, sides, torch, places[folder.name])
            for folder in folders
        }
        times: dict = {}
        for number in range(rounds):
            for folder, count in itertools.product(folders, threads):
                for runtime, file in RUNTIMES.items():
                    path = str(folder / file.format(folder.name))
                    found = run(_TIME, path, sides, count, repeats)
                    add_times(times, folder.name, count, runtime, found)
                if torch:
                    place = places[folder.name]
                    found = run_torch(torch, place, sides, count, repeats)["times"]
                    add_times(times, folder.name, count, _TORCH, found)
            print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    return [
        describe_row(key, pairs, decibels[key[0]][key[3], key[1]])
        for key, pairs in sorted(times.items())
    ]


def add_times(times, name, threads, runtime, found):
    """Puts the pictures of one process, {side: pairs}, to those of others."""
    for side, pairs in found.items():
        times.setdefault((name, int(side), threads, runtime), []).extend(pairs)


def describe_row(key, pairs, decibels):
    """Returns the medians of a row."""
    name, side, threads, runtime = key
    wall, cpu = (statistics.median(each) for each in zip(*pairs))
    return {
        "model": name,
        "side": side,
        "threads": threads,
        "runtime": runtime,
        "milliseconds": round(1000 * wall, 1),
        "cpu_milliseconds": round(1000 * cpu, 1),
        "fastest_milliseconds": round(1000 * min(each[0] for each in pairs), 1),
        "pictures": len(pairs),
        "decibels": round(decibels, 1),
    }


def tabulate(rows):
    """Returns a row for each model and runtime, with milliseconds of all its sizes and threads."""
    found = {}
    for row in rows:
        names = {"model": row["model"], "runtime": row["runtime"]}
        line = found.setdefault(
            tuple(names.values()), {**names, "milliseconds": {}, "decibels": {}}
        )
        size = f"{row['side']} px"
        threads = f"{size}, {row['threads']} threads"
        line["milliseconds"][threads] = row["milliseconds"]
        line["decibels"][size] = row["decibels"]
    return list(found.values())


def print_table(lines):
    """Prints what `tabulate` returns as Markdown, the fastest of at least 40 dB in bold."""
    columns = list(lines[0]["milliseconds"])
    print(
        "| model | runtime |", *(f"{column}, ms |" for column in columns), "least dB |"
    )
    print("|---|---|" + "---|" * (len(columns) + 1))
    for line in lines:
        cells = []
        for column in columns:
            others = [
                each["milliseconds"][column]
                for each in lines
                if each["model"] == line["model"]
                and min(each["decibels"].values()) >= 40
            ]
            taken = line["milliseconds"][column]
            mark = "**" if taken == min(others, default=0) else ""
            cells.append(f"{mark}{taken:.0f}{mark} |")
        least = min(line["decibels"].values())
        print(f"| `{line['model']}` | {line['runtime']} |", *cells, f"{least:.0f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="", help="folders of exports, by commas")
    parser.add_argument("--sizes", default="384,1024", help="sides, pixels")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3, help="pictures a round")
    parser.add_argument("--torch", default="", help="a Python that has torch")
    parser.add_argument("--output", default="", help="JSON to write")
    parser.add_argument(
        "--table", default="", help="JSON files to print, by commas, and no more"
    )
    arguments = parser.parse_args()
    if arguments.table:
        reports = [
            json.loads(Path(each).read_text()) for each in arguments.table.split(",")
        ]
        rows = [row for each in reports for row in each["results"]["rows"]]
        print_table(tabulate(rows))
        return
    sides, threads = (
        [int(each) for each in text.split(",")]
        for text in (arguments.sizes, arguments.threads)
    )
    before = os.getloadavg()
    rows = measure(
        [Path(each) for each in arguments.models.split(",")],
        sides,
        threads,
        arguments.rounds,
        arguments.repeats,
        arguments.torch,
    )
    load = [round(each[1], 1) for each in (before, os.getloadavg())]
    table = tabulate(rows)
    results = {"table": table, "rows": rows, "load_before_and_after": load}
    write_report(results, arguments.output)
    print_table(table)


if __name__ == "__main__":
    main()
