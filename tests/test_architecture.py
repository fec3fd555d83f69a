"""The house: who may import whom, what stays unloaded, and how long a file may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nst_tf

ROOT = Path(nst_tf.__file__).parent

# From the ground up. A file imports only from floors below its own; folders of one
# floor do not import each other. A folder is one room: inside it all may import each
# other, but not in a circle.
COMMANDS = ("train", "optimize", "stylize", "evaluate", "export", "benchmark", "client")
FLOORS = (
    ("__init__", "assets", "core"),
    ("images", "ops"),
    ("config", "data", "layers", "runs"),
    ("features",),
    ("losses", "models"),
    ("inference", "optimization"),
    ("evaluation", "exporters", "serving"),
    ("training",),
    COMMANDS,
    ("__main__",),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SOURCES = {
    path.relative_to(ROOT).with_suffix("").as_posix(): path.read_text()
    for path in sorted(ROOT.rglob("*.py"))
}
LONGEST = 400  # lines
CATCH_ALLS = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}


def imports(source):
    """All modules that a file imports, wherever in it: {"nst_tf.images.io", "numpy", ...}."""
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
    return [
        f"{file} (floor {own}) imports {other} (floor {FLOOR[room(other)]})"
        for other in sorted(files_imported(source))
        if room(other) != room(file) and FLOOR[room(other)] >= own
    ]


# -- floors ----------------------------------------------------------------------------------------


def test_every_file_has_a_floor_and_every_name_on_a_floor_is_a_file():
    rooms = {room(file) for file in SOURCES}
    assert rooms - set(FLOOR) == set(), "missing in FLOORS"
    assert set(FLOOR) - rooms == set(), "in FLOORS, but not in nst_tf"


def test_nobody_imports_from_its_own_floor_or_a_higher_one():
    assert [
        line
        for file, source in SOURCES.items()
        if room(file) in FLOOR
        for line in climbers(file, source)
    ] == []


@pytest.mark.parametrize(
    "source",
    [
        "import nst_tf.train",
        "from nst_tf import train",
        "from nst_tf.train import main",
        "def f():\n    from nst_tf.exporters.parity import check",
    ],
)
def test_a_climber_would_be_named(source):
    (line,) = climbers("layers/padding", source)
    assert line.startswith("layers/padding (floor 2) imports ")


def test_going_down_and_going_abroad_are_allowed():
    assert (
        climbers(
            "exporters/parity",
            "import numpy\nfrom nst_tf import __version__\n"
            "from nst_tf.assets import expected",
        )
        == []
    )


def test_imports_are_absolute():
    assert [
        file
        for file, source in SOURCES.items()
        if any(name.startswith(".") for name in imports(source))
    ] == []


def test_nobody_imports_in_a_circle():
    below = {file: files_imported(source) - {file} for file, source in SOURCES.items()}
    while leaves := [file for file, others in below.items() if not others]:
        for leaf in leaves:
            del below[leaf]
        below = {file: others - set(leaves) for file, others in below.items()}
    assert below == {}


# -- laws ------------------------------------------------------------------------------------------


def test_flags_are_read_only_by_commands():
    readers = {
        file
        for file, source in SOURCES.items()
        if any(name.startswith("absl.flags") for name in imports(source))
    }
    assert readers <= {*COMMANDS, "config/flags"}


def test_no_file_is_a_catch_all():
    names = {part for file in SOURCES for part in file.split("/")}
    assert names & CATCH_ALLS == set()


def test_no_file_is_longer_than_400_lines():
    lines = {file: source.count("\n") for file, source in SOURCES.items()}
    assert {file: count for file, count in lines.items() if count > LONGEST} == {}


# -- what stays unloaded ---------------------------------------------------------------------------


def test_what_does_without_tensorflow_does_not_load_it():
    """Neither a .tflite nor --help may need TensorFlow."""
    modules = [
        "nst_tf",
        "nst_tf.images.io",
        "nst_tf.data.sample_photos",
        "nst_tf.config.fields",
        "nst_tf.data.style_images",
        "nst_tf.inference.open_model",
        "nst_tf.inference.folder",
        "nst_tf.runs.folder",
        "nst_tf.stylize",
        "nst_tf.train",
        "nst_tf.export",
        "nst_tf.optimize",
        "nst_tf.evaluate",
        "nst_tf.client",
        "nst_tf.serving.stylizer",
        "nst_tf.serving.grpc_connection",
        "nst_tf.serving.rest_connection",
    ]
    code = f"""
import importlib, sys
for module in {modules}:
    importlib.import_module(module)
    loaded = {{"tensorflow", "keras", "tensorflow_datasets"}} & set(sys.modules)
    assert not loaded, (module, loaded)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
