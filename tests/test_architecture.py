"""The house: who may import whom, what stays unloaded, and how long a file may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nst_tf

ROOT = Path(nst_tf.__file__).parent

# From the ground up. A file imports only from floors below its own; files of one floor do not
# import each other. A folder is one room: inside it all may import each other, but not in a circle.
FLOORS = (
    ("__init__", "errors", "statistics", "padding", "dead_leaves", "sheets", "budgets",
     "interrupts", "limited_memory", "muon", "noise", "plots", "line_search", "metrics", "preconditioning"),
    ("layers",),
    ("files", "settings", "transfers", "decoding", "flag_binding", "distribution", "vgg", "style_statistics",
     "optimizers", "colours"),
    ("images", "features", "styles", "runs", "cards", "callbacks", "optimize_settings",
     "evaluate_settings", "benchmark_settings", "memory", "painting", "assets", "precision"),
    ("photos", "losses", "networks", "any_style", "album_settings"),
    ("modulated", "client_settings"),
    ("data", "artifacts", "slimming"),
    ("training", "albums", "objective", "attacks", "any_style_artifacts", "latency"),
    ("painters", "remote"),
    ("methods", "exporters", "reports"),
    ("pipeline", "studio", "candidates"),
    ("evaluation", "benchmarking"),
    ("train", "stylize", "export", "optimize", "evaluate", "benchmark", "client"),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

SOURCES = {path.relative_to(ROOT).with_suffix("").as_posix(): path.read_text()
           for path in sorted(ROOT.rglob("*.py"))}
LONGEST = 300                                                 # lines
CATCH_ALLS = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}


def imports(source):
    """All modules that a file imports, wherever in it: {"nst_tf.images", "numpy", ...}."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {f"{module}.{alias.name}" for alias in node.names}
    return found


def files_imported(source):
    """The files of this package that a file imports: {"images", "methods/feedforward"}."""
    found = set()
    for name in imports(source):
        parts = name.split(".")
        if parts[0] != "nst_tf":
            continue
        # The last part may be a name inside the file.
        for path in ("/".join(parts[1:]), "/".join(parts[1:-1])):
            if path in SOURCES:
                found.add(path)
            elif f"{path}/__init__" in SOURCES:
                found.add(f"{path}/__init__")
            else:
                continue
            break
        else:
            found.add("__init__")
    return found


def room(file):
    return file.split("/")[0]


def climbers(file, source):
    """One line for each import that does not go down."""
    own = FLOOR[room(file)]
    return [f"{file} (floor {own}) imports {other} (floor {FLOOR[room(other)]})"
            for other in sorted(files_imported(source))
            if room(other) != room(file) and FLOOR[room(other)] >= own]


# -- floors ----------------------------------------------------------------------------------------


def test_every_file_has_a_floor_and_every_name_on_a_floor_is_a_file():
    rooms = {room(file) for file in SOURCES}
    assert rooms - set(FLOOR) == set(), "missing in FLOORS"
    assert set(FLOOR) - rooms == set(), "in FLOORS, but not in nst_tf"


def test_nobody_imports_from_its_own_floor_or_a_higher_one():
    assert [line for file, source in SOURCES.items() if room(file) in FLOOR
            for line in climbers(file, source)] == []


@pytest.mark.parametrize("source", [
    "import nst_tf.pipeline", "from nst_tf import pipeline", "from nst_tf.pipeline import train",
    "def f():\n    from nst_tf.methods.feedforward import build",
    "from nst_tf.features import load_vgg19"])
def test_a_climber_would_be_named(source):
    (line,) = climbers("layers", source)
    assert line.startswith("layers (floor 1) imports ")


def test_going_down_and_going_abroad_are_allowed():
    assert climbers("layers", "import numpy\nfrom nst_tf import padding\n"
                    "from nst_tf.errors import expected") == []


def test_imports_are_absolute():
    assert [file for file, source in SOURCES.items()
            if any(name.startswith(".") for name in imports(source))] == []


def test_nobody_imports_in_a_circle():
    below = {file: files_imported(source) - {file} for file, source in SOURCES.items()}
    while leaves := [file for file, others in below.items() if not others]:
        for leaf in leaves:
            del below[leaf]
        below = {file: others - set(leaves) for file, others in below.items()}
    assert below == {}


# -- laws ------------------------------------------------------------------------------------------


def test_flags_are_read_only_by_commands():
    readers = {file for file, source in SOURCES.items()
               if any(name.startswith("absl.flags") for name in imports(source))}
    commands = {file for file, source in SOURCES.items() if 'if __name__ == "__main__"' in source}
    assert readers <= commands | {"flag_binding"}


def test_no_file_is_a_catch_all():
    names = {part for file in SOURCES for part in file.split("/")}
    assert names & CATCH_ALLS == set()


def test_no_file_is_longer_than_300_lines():
    lines = {file: source.count("\n") for file, source in SOURCES.items()}
    assert {file: count for file, count in lines.items() if count > LONGEST} == {}


# -- what stays unloaded ---------------------------------------------------------------------------


def test_what_does_without_tensorflow_does_not_load_it():
    """Neither a .tflite nor --help may need TensorFlow."""
    modules = ["nst_tf", *(f"nst_tf.{name}" for name in (
        "images", "photos", "settings", "styles", "artifacts", "albums", "runs", "stylize", "train",
        "export", "optimize", "evaluate", "client", "remote.painters", "remote.over_grpc", "remote.over_rest"))]
    code = f"""
import importlib, sys
for module in {modules}:
    importlib.import_module(module)
    loaded = {{"tensorflow", "keras", "tensorflow_datasets"}} & set(sys.modules)
    assert not loaded, (module, loaded)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
