"""The house: who may import whom, what stays unloaded, how large files and folders may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import nst_tf
from tools import house

ROOT = Path(nst_tf.__file__).parent

# From the ground up. A file imports only from floors below its own; folders of one
# floor do not import each other. A folder is one room: inside it all may import each
# other, but not in a circle. The files of the root are one room, too, the commands;
# only the API, which all may ask for the version, is on the ground.
# `python -m tools.house` makes CONTRIBUTING's table of it.
FLOORS = (
    {
        "__init__": "the public API, lazy",
        "assets": "pictures, weights, the page, in a wheel the published models",
        "core": "errors, files, interrupts, the lazy registry",
    },
    {
        "images": "read, write, codecs, color, padding, contact sheet, noise",
        "ops": "Gram matrices, moments, distances, resampling: tensors in, tensors out",
    },
    {
        "config": "settings, one file a command; flags; all registries",
        "data": "sources, pipeline, style images, sample photos, dead leaves",
        "layers": "Keras layers: padding, normalization, upsampling, color",
        "runs": "the run folder, callbacks, plots",
    },
    {
        "features": "feature networks: VGG19, the slim one, those of your own; precision",
        "video": "clips and animations: read, write, resume, optical flow; knows no model",
    },
    {
        "losses": "the perceptual loss, statistics of style, regularizers",
        "models": "the networks that paint",
    },
    {
        "inference": "one Model for every kind and runtime; folders of photos; the published models",
        "optimization": "Gatys: one picture; L-BFGS, its preconditioner, Adam",
    },
    {
        "evaluation": "metrics, reports, benchmark",
        "pipelines": "millions of photos on Apache Beam: find, choose, paint, write, the manifest",
        "serving": "the client of TensorFlow Serving, one protocol a file; its messages",
    },
    {"exporters": "one format a folder; likeness to the network, the model card"},
    {"training": "the fit loop; methods, one paper a file; distillation"},
    {"commands": "flags to settings to one call: `train`, `optimize`, `stylize` ..."},
)
# It imports what lies above it, but only when it is asked for it: a test below.
API = "__init__"
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SOURCES = {
    path.relative_to(ROOT).with_suffix("").as_posix(): path.read_text()
    for path in sorted(ROOT.rglob("*.py"))
}
LONGEST = 400  # lines of a file
LONGEST_COMMAND = 25  # lines
LARGEST = 14  # files of a folder
MOST_ARROWS = 91  # from a room to another that it imports
CATCH_ALLS = {"utils", "util", "helpers", "helper", "common", "misc", "tools"}


def imports(source):
    """All modules that a file imports, wherever in it: {"nst_tf.images.io", "numpy", ...}."""
    return imported_by(ast.walk(ast.parse(source)))


def imported_by(nodes):
    found = set()
    for node in nodes:
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
    """The room of a file: its folder, "commands" or "__init__"."""
    folder, inside, _ = file.partition("/")
    return folder if inside or file == "__init__" else "commands"


def arrows():
    """Who imports whom: {(room, other room)}."""
    found = set()
    for file, source in SOURCES.items():
        rooms = {room(other) for other in files_imported(source)}
        found |= {(room(file), other) for other in rooms if API not in (file, other)}
    return {(one, other) for one, other in found if one != other}


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
        if file != API
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


def test_arrows_between_rooms_are_few():
    assert len(arrows()) <= MOST_ARROWS, sorted(arrows())


def test_the_table_of_contributing_is_that_of_the_floors():
    text = house.CONTRIBUTING.read_text()
    assert house.with_table(text, FLOORS) == text, "run `python -m tools.house`"


def test_imports_are_absolute():
    assert [
        file
        for file, source in SOURCES.items()
        if any(name.startswith(".") for name in imports(source))
    ] == []


def test_nobody_imports_in_a_circle():
    below = {file: files_imported(source) - {file} for file, source in SOURCES.items()}
    below[API] = set()
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
    assert {file for file in readers if room(file) != "commands"} <= {
        "config/commandline/flags"
    }


def test_no_file_is_a_catch_all():
    names = {part for file in SOURCES for part in file.split("/")}
    assert names & CATCH_ALLS == set()


def test_no_file_is_longer_than_400_lines():
    lines = {file: source.count("\n") for file, source in SOURCES.items()}
    assert {file: count for file, count in lines.items() if count > LONGEST} == {}


def test_the_root_has_commands_and_no_library():
    commands = {
        file: text for file, text in SOURCES.items() if room(file) == "commands"
    }
    lines = {file: text.count("\n") for file, text in commands.items()}
    lines.pop("__main__", None)  # it lists them and calls one
    assert {file: n for file, n in lines.items() if n > LONGEST_COMMAND} == {}
    assert [file for file, text in commands.items() if "def main(" not in text] == []


@pytest.mark.parametrize(
    "file", [file for file in SOURCES if file.endswith("__init__")]
)
def test_importing_a_folder_imports_nothing(file):
    """Python's own modules do not count, nor what functions and type checkers import."""
    tree = ast.parse(SOURCES[file])
    names = imported_by(tree.body)
    if file == API:  # it registers the classes of Keras, without importing Keras
        names.remove("nst_tf.core.keras_classes.register_with_keras")
        # A command's Ctrl-C is a line from here on.
        names.remove("nst_tf.core.interrupts.leave_on_interrupt")
    packages = {name.split(".")[0] for name in names}
    assert packages <= set(sys.stdlib_module_names)
    functions = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    if file != API:
        assert functions <= {"__getattr__", "__dir__"}
        assert not any(isinstance(each, ast.ClassDef) for each in tree.body)


def test_no_folder_has_more_than_14_files():
    files = {}
    for path in ROOT.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            folder = path.parent.relative_to(ROOT).as_posix()
            files[folder] = files.get(folder, 0) + 1
    assert {folder: n for folder, n in files.items() if n > LARGEST} == {}


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
        "nst_tf.batch",
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
