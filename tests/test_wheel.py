"""A wheel has all that painting needs: built, installed into a new environment, used from elsewhere."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.pictures import smooth

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
SOURCES = ("setup.py", "setup.cfg", "pyproject.toml", "MANIFEST.in")
TEXTS = ("README.md", "LICENSE", "NOTICE")


def finished(command, folder):
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH"
    }
    done = subprocess.run(
        [str(each) for each in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy: setuptools leaves folders behind."""
    pytest.importorskip("setuptools", minversion="70.1")  # of the extra "test"
    folder = tmp_path_factory.mktemp("build")
    copy = folder / "sources"
    copy.mkdir()
    for name in (*SOURCES, *TEXTS):
        shutil.copy(ROOT / name, copy)
    for name in ("nst_tf", "exported_models"):
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    pip = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps"]
    finished([*pip, "--no-build-isolation", "-w", folder, copy], folder)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """Python of a new environment with the wheel, and packages from the present one."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / name / "site-packages"
    # Of the present packages only: an editable nst_tf there is a .pth, which is not read.
    present = [path for path in sys.path if Path(path).name.endswith("-packages")]
    (packages / "present.pth").write_text("\n".join(present))
    executable = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", executable, "install"]
    finished([*pip, "--no-index", "--no-deps", wheel], folder)
    return executable


@pytest.fixture
def elsewhere(tmp_path):
    """Another working directory, with a photo."""
    smooth(41, 53, 7).save(tmp_path / "photo.png")
    return tmp_path


def test_it_carries_the_published_models_once_and_in_8_bits(wheel):
    sizes = {each.filename: each.file_size for each in zipfile.ZipFile(wheel).filelist}
    prefix = "nst_tf/assets/models/"
    models = {name: size for name, size in sizes.items() if name.startswith(prefix)}
    files = {name for name in models if name.endswith(".tflite")}
    assert files == {
        f"{prefix}any_style/tflite/any_style_style_int8.tflite",
        f"{prefix}any_style/tflite/any_style_transform_int8.tflite",
        f"{prefix}painters/tflite/painters_int8.tflite",
        f"{prefix}starry_night/tflite/starry_night_int8.tflite",
        f"{prefix}starry_night_mobile/tflite/starry_night_mobile_int8.tflite",
        f"{prefix}starry_night_video/tflite/starry_night_video_int8.tflite",
    }
    assert {name for name in models if name.endswith("model_card.json")} == {
        f"{prefix}{name}/model_card.json"
        for name in (
            "any_style",
            "painters",
            "starry_night",
            "starry_night_mobile",
            "starry_night_video",
        )
    }
    assert sum(models.values()) < 7.1e6
    assert "nst_tf/py.typed" in sizes
    assert not [name for name in sizes if name.startswith(("tests", "tools"))]


def test_it_paints_from_another_folder_without_tensorflow(python, elsewhere):
    code = """
import sys
import nst_tf

model = nst_tf.load_model("starry_night")
nst_tf.write_image("out.png", model(nst_tf.read_image("photo.png")))
assert "tensorflow" not in sys.modules and "keras" not in sys.modules
print(nst_tf.__file__)
"""
    place = finished([python, "-c", code], elsewhere).strip()
    assert Path(place).is_relative_to(python.parents[1])
    photo, out = (
        np.asarray(Image.open(elsewhere / name)).astype(int)
        for name in ("photo.png", "out.png")
    )
    assert out.shape == photo.shape == (41, 53, 3)
    assert 5 < np.abs(out - photo).mean() < 128


def test_its_console_script_lists_models_and_paints_by_name(python, elsewhere):
    nst = python.with_name("nst")
    assert str(python.parents[1]) in finished([nst, "models"], elsewhere)
    finished(
        [nst, "stylize", "--model=starry_night"]
        + ["--content=photo.png", "--output=out.png"],
        elsewhere,
    )
    assert Image.open(elsewhere / "out.png").size == (53, 41)
