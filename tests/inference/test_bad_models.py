"""Models that cannot be used: each command says which and why in one line, and ends
with status 1.
"""

import json
import shutil
import zipfile
from unittest import mock

import keras
import pytest
from support import tiny
from support.pictures import smooth

from nst_tf import benchmark, evaluate, export, stylize
from nst_tf.config.benchmark import BenchmarkSettings
from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.config.export import ExportSettings
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.core.errors import UserError
from nst_tf.inference.open_model import load_model

pytestmark = pytest.mark.slow

GATYS = "# python -m nst_tf.optimize --flagfile=run.flags --output=ANOTHER\n"


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """{kind: (path of a model, what the line has to log)}."""
    folder = tmp_path_factory.mktemp("bad")
    for name in ("nothing", "gatys", "lost", "saved/1/variables"):
        (folder / name).mkdir(parents=True)
    for name in ("gatys", "lost"):
        (folder / name / "run.json").write_text("{}")
    (folder / "gatys" / "run.flags").write_text(GATYS)
    data = bytearray(tiny.artifact("tiny.tflite").read_bytes())
    (folder / "cut.tflite").write_bytes(data[: len(data) // 2])
    data[20:84] = bytes(range(64))
    (folder / "scrambled.tflite").write_bytes(data)
    (folder / "saved" / "1" / "saved_model.pb").write_bytes(b"\x08\x01 and no more")
    shutil.copytree(tiny.artifact("1"), folder / "weightless" / "1")
    shutil.rmtree(folder / "weightless" / "1" / "variables")
    smooth(40, 48).save(folder / "photo.png")
    return folder


CASES = [
    ("nothing", "none of these"),
    ("gatys", "a picture, not a network"),
    ("lost", "--resume"),
    ("cut.tflite", "a model that can be opened"),
    ("scrambled.tflite", "a model that can be opened"),
    ("saved", "a model that can be opened"),
    ("weightless", "a model that can be opened"),
]


def line_of(result, path):
    status, out, err = result
    lines = [line for line in (out + err).splitlines() if line.startswith("error: ")]
    assert status == 1 and lines and "Traceback" not in err
    assert any(str(path) in line for line in lines)
    return " ".join(lines)


@pytest.mark.parametrize("name, why", CASES)
def test_stylize_names_the_model(bad, tmp_path, in_process, name, why):
    line = line_of(
        in_process(
            stylize.main,
            StylizeSettings,
            [
                f"--model={bad / name}",
                f"--content={bad / 'photo.png'}",
                f"--output={tmp_path / 'out.png'}",
            ],
        ),
        bad / name,
    )
    assert why in line and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name, why", CASES)
def test_evaluate_names_the_model(bad, tmp_path, in_process, name, why):
    line = line_of(
        in_process(
            evaluate.main,
            EvaluateSettings,
            [
                f"--models={bad / name}",
                f"--content={bad / 'photo.png'}",
                f"--output={tmp_path / 'out'}",
            ],
        ),
        bad / name,
    )
    assert why in line and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name, why", CASES)
def test_export_names_the_model(bad, tmp_path, in_process, name, why):
    # It wants a trained network: an artifact, whole or not, is none.
    line = line_of(
        in_process(
            export.main,
            ExportSettings,
            [f"--model={bad / name}", f"--output={tmp_path / 'out'}"],
        ),
        bad / name,
    )
    if name.endswith(".tflite"):
        why = "a run folder, a .keras file"
    elif why == "a model that can be opened":
        why = "model_card.json beside the SavedModel"
    assert why in line
    assert list(tmp_path.iterdir()) == []


def test_export_names_an_unknown_format(bad, in_process, tmp_path):
    result = in_process(
        export.main,
        ExportSettings,
        [f"--model={bad / 'lost'}", "--formats=onyx", f"--output={tmp_path / 'out'}"],
    )
    assert "saved_model, tflite, tflite_integer, web" in line_of(result, "onyx")


def test_benchmark_names_what_it_leaves_out_and_ends_with_status_1(bad, in_process):
    # One by one in processes of their own: only what needs no TensorFlow, and one that
    # does.
    good = tiny.artifact("tiny_int8.tflite")
    names = ["gatys", "cut.tflite", "scrambled.tflite"]
    status, out, err = in_process(
        benchmark.main,
        BenchmarkSettings,
        [
            f"--models=ours={good},{','.join(str(bad / name) for name in names)}",
            "--sizes=32",
            "--threads=1",
            "--rounds=1",
            "--repeats=1",
        ],
    )
    left_out = [line for line in out.splitlines() if line.startswith("error: left out")]
    assert status == 1 and "| ours | 32x32 | 1 |" in out and "Traceback" not in err
    assert [
        name for name in names if any(str(bad / name) in line for line in left_out)
    ] == names


def test_a_photo_of_another_size_is_refused_for_a_file_of_a_fixed_one(
    bad, tmp_path, in_process
):
    fixed = tiny.any_style_exported() / "tflite" / "tiny_transform_64_int8.tflite"
    line = line_of(
        in_process(
            stylize.main,
            StylizeSettings,
            [
                f"--model={fixed}",
                "--style=mosaic",
                f"--content={bad / 'photo.png'}",
                f"--output={tmp_path / 'out.png'}",
            ],
        ),
        fixed,
    )
    assert (
        "a photo of 64x64 pixels" in line
        and "48x40" in line
        and list(tmp_path.iterdir()) == []
    )
    line = line_of(
        in_process(
            evaluate.main,
            EvaluateSettings,
            [
                f"--models={fixed}",
                "--style_image=mosaic",
                f"--content={bad / 'photo.png'}",
                "--image_size=48",
                "--feature_network=slim_vgg19",
                f"--output={tmp_path / 'out'}",
            ],
        ),
        fixed,
    )
    assert "a photo of 64x64 pixels" in line


def test_a_file_that_fails_only_when_it_paints_is_named_too(
    bad, tmp_path, in_process, monkeypatch
):
    # LiteRT finds some damage, such as an impossible zero point, no earlier.
    from nst_tf.inference.runtimes import litert

    def fails(self, values):
        raise RuntimeError("unsupported zero-point value (32)\nin a tensor")

    monkeypatch.setattr(litert.LiteRtModel, "__call__", fails)
    path = tiny.artifact("tiny.tflite")
    result = in_process(
        stylize.main,
        StylizeSettings,
        [
            f"--model={path}",
            f"--content={bad / 'photo.png'}",
            f"--output={tmp_path / 'out.png'}",
        ],
    )
    assert "zero-point" in line_of(result, bad / "photo.png")
    result = in_process(
        evaluate.main,
        EvaluateSettings,
        [
            f"--models={path}",
            f"--content={bad / 'photo.png'}",
            f"--output={tmp_path / 'out'}",
            "--feature_network=slim_vgg19",
        ],
    )
    assert "zero-point" in line_of(result, path)


def test_a_layer_that_needs_another_package_is_the_files_fault(tmp_path):
    path = tmp_path / "net.keras"
    keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)]).save(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1] = {
        "module": "keras.layers",
        "class_name": "TorchModuleWrapper",
        "config": {"module": "x", "name": "t"},
    }
    parts["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with mock.patch.dict("sys.modules", {"torch": None}):
        with pytest.raises(UserError, match="no other package than TensorFlow.*torch"):
            load_model(path)
