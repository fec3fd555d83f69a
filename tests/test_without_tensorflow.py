"""Painting with a .tflite, and the client, need requirements/painting.txt and no package more."""

import configparser
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from PIL import Image
from support.pictures import smooth

from nst_tf.inference.published import find_published

ROOT = Path(__file__).parents[1]
LINES = (ROOT / "requirements" / "painting.txt").read_text().splitlines()
REQUIREMENTS = [line for line in LINES if not line.startswith("#")]
# Runs a module as `python -m` does, in a process in which other packages are missing.
PROGRAM = """
import runpy, sys

refused, module = sys.argv[1].split(","), sys.argv[2]
del sys.argv[1:3]
sys.modules.update(dict.fromkeys(refused))  # None: as if it were not installed
runpy.run_module(module, run_name="__main__", alter_sys=True)
"""


def required(names):
    """The packages that some need, themselves among them, in normalized spelling."""
    found, queue = set(), list(names)
    while queue:
        name = queue.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or []:
            requirement = Requirement(line)
            if not requirement.marker or requirement.marker.evaluate({"extra": ""}):
                queue.append(requirement.name)
    return found


@pytest.fixture(scope="module")
def missing():
    """All modules in this environment that painting must not need."""
    allowed = required([Requirement(line).name for line in REQUIREMENTS])
    allowed.add("nst-tf")
    modules = set()
    for module, packages in importlib.metadata.packages_distributions().items():
        owners = {package.lower().replace("_", "-") for package in packages}
        # Google's packages share a namespace, in which protobuf's modules are, too.
        if not owners & allowed:
            modules.add(module)
    assert {"tensorflow", "keras", "tensorflow_datasets", "matplotlib"} <= modules
    return ",".join(sorted(modules))


@pytest.fixture
def run(missing, tmp_path):
    """Runs a module with arguments, in a folder with photo.png; returns its output."""
    smooth(41, 53, 7).save(tmp_path / "photo.png")

    def in_folder(module, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, missing, module, *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            capture_output=True,
            text=True,
        )
        return done.returncode, done.stdout + done.stderr

    return in_folder


@pytest.mark.parametrize("name", ["starry_night", "painters", "any_style"])
def test_a_tflite_paints_a_photo(run, tmp_path, name):
    styles = {
        "starry_night": [],
        "painters": ["--style_weights=0,1,0,0,0,0,0,0"],
        "any_style": ["--style=mosaic"],
    }
    status, output = run(
        "nst_tf.stylize",
        f"--model={find_published(name)}",
        "--content=photo.png",
        "--output=out.png",
        *styles[name],
    )
    assert status == 0, output
    assert Image.open(tmp_path / "out.png").size == (53, 41)


@pytest.mark.parametrize("command", ["stylize", "client"])
def test_help_is_printed(run, command):
    _, output = run(f"nst_tf.{command}", "--help")
    assert "--model" in output and "Traceback" not in output


@pytest.mark.parametrize("protocol", ["grpc", "rest"])
def test_the_client_comes_as_far_as_the_server(run, protocol):
    status, output = run(
        "nst_tf.client",
        "--server=localhost:9",
        "--model=starry",
        f"--protocol={protocol}",
        "--retries=0",
        "--deadline=2",
        "--content=photo.png",
        "--output=out.png",
    )
    assert status == 1 and "localhost:9" in output and "Traceback" not in output


def test_what_training_needs_is_missing_there(run):
    status, output = run("nst_tf.train", "--output=run", "--steps=1")
    assert status == 1 and output.startswith("error: Expected the package ")
    assert output.count("\n") == 1


def test_its_packages_are_those_of_the_distribution_and_of_the_documentation():
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    known = settings["options"]["install_requires"].splitlines()
    known += settings["options.extras_require"]["serving"].splitlines()
    assert set(REQUIREMENTS) <= set(known)
    command = "pip install " + " ".join(f"'{line}'" for line in REQUIREMENTS)
    assert f"\n{command}\n" in (ROOT / "docs" / "install.md").read_text()
