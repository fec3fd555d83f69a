"""Files of ONNX and OpenVINO, ours or not, are opened by their names, without TensorFlow."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from support import tiny

from nst_tf.core.errors import UserError
from nst_tf.exporters import parity
from nst_tf.images import io as image_io
from nst_tf.inference import latency
from nst_tf.inference.model_identity import hash_model
from nst_tf.inference.open_model import find_artifact, load_model
from nst_tf.inference.runtimes.openvino import open_core

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
openvino = pytest.importorskip("openvino")

from onnx import TensorProto  # noqa: E402
from support.onnx_files import write_onnx  # noqa: E402

ANY = ["batch", "height", "width", 3]


def write_xml(path, shape=ANY):
    """The same network in OpenVINO's format."""
    source = write_onnx(path.with_suffix(".onnx"), shape)
    openvino.save_model(open_core().read_model(source), path)
    source.unlink()
    return path


WRITERS = {".onnx": write_onnx, ".xml": write_xml}


@pytest.fixture(params=WRITERS)
def kind(request):
    return SimpleNamespace(suffix=request.param, write=WRITERS[request.param])


def refusal(path):
    """The one line of the error on opening or painting."""
    with pytest.raises(UserError) as refused:
        load_model(path).prepare()(np.zeros((5, 7, 3), np.float32))
    line = str(refused.value)
    assert "\n" not in line and str(path) in line
    return line


# -- what is opened --------------------------------------------------------------------------------


def test_a_file_of_any_size_paints_every_size(kind, tmp_path):
    model = load_model(kind.write(tmp_path / f"same{kind.suffix}", ANY))
    for size in tiny.SIZES:
        photo = image_io.to_float(tiny.photo(*size))
        np.testing.assert_array_equal(model.prepare()(photo), photo)


def test_a_file_of_a_fixed_size_paints_that_size(kind, tmp_path):
    path = kind.write(tmp_path / f"same{kind.suffix}", [1, 24, 32, 3])
    photo = image_io.to_float(tiny.photo(24, 32))
    np.testing.assert_array_equal(load_model(path).prepare()(photo), photo)


def test_it_is_timed_and_hashed_as_the_files_that_it_consists_of(kind, tmp_path):
    path = kind.write(tmp_path / f"same{kind.suffix}", ANY)
    timing = latency.time_model(str(path), 8, 1, 2)
    files = list(tmp_path.iterdir())
    assert len(files) == {".onnx": 1, ".xml": 2}[kind.suffix]
    assert timing["side"] == 8 and len(timing["seconds"]) == 2
    assert timing["size"] == sum(file.stat().st_size for file in files)
    before = hash_model(str(path))
    files[-1].write_bytes(files[-1].read_bytes() + b"more")
    assert hash_model(str(path)) != before


def test_a_fixed_size_is_timed_at_that(kind, tmp_path):
    path = kind.write(tmp_path / f"same{kind.suffix}", [1, 24, 24, 3])
    assert latency.time_model(str(path), 8, 1, 1)["side"] == 24


def test_a_folder_of_exports_opens_its_only_kind(kind, tmp_path):
    folder = {".onnx": "onnx", ".xml": "openvino"}[kind.suffix]
    path = kind.write(tmp_path / folder / f"same{kind.suffix}", ANY)
    assert find_artifact(tmp_path) == path


def test_painting_needs_no_tensorflow(kind, tmp_path):
    path = kind.write(tmp_path / f"same{kind.suffix}", ANY)
    code = """
import sys
sys.modules["tensorflow"] = sys.modules["keras"] = None   # as if they were not installed
import numpy as np
from nst_tf.inference.open_model import load_model
from nst_tf.inference.run import start_runtime
start_runtime(sys.argv[1])
drawn = load_model(sys.argv[1]).prepare()(np.full((5, 7, 3), 0.25, np.float32))
assert drawn.shape == (5, 7, 3) and (drawn == 0.25).all()
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


# -- OpenVINO's own front ends ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, least", [("tiny.tflite", 80), ("tiny_float16.tflite", 60), ("1", 50)]
)
def test_openvino_reads_what_is_exported_for_others(name, least):
    from nst_tf.inference.runtimes.openvino import OpenVinoModel

    # Of a SavedModel it is the signature of bytes.
    photo = tiny.photo(48, 64)
    wanted = tiny.draw(tiny.exported()[0], image_io.to_float(photo))
    model = OpenVinoModel(tiny.artifact(name))
    if name == "1":
        drawn = image_io.to_float(model({"image": photo[None]}))
    else:
        drawn = model({"image": image_io.to_float(photo)[None]})
    assert parity.psnr(drawn[0], wanted) > least


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [["batch", 3, "height", "width"], ["batch", 8, 8, 1], [2, 8, 8, 3], [1, 9]]
)
def test_a_file_of_another_project_is_refused(kind, tmp_path, shape):
    line = refusal(kind.write(tmp_path / f"other{kind.suffix}", shape))
    assert "its input is float32 [" in line
    assert "not float32 [1, height, width, 3]" in line


def test_pictures_of_bytes_are_refused(tmp_path):
    path = write_onnx(tmp_path / "bytes.onnx", ANY, dtype=TensorProto.UINT8)
    assert "its input is tensor(uint8) [any, any, any, 3]" in refusal(path)


def test_a_photo_of_another_size_is_refused_by_a_fixed_one(kind, tmp_path):
    line = refusal(kind.write(tmp_path / f"fixed{kind.suffix}", [1, 24, 32, 3]))
    assert "a photo of 32x24 pixels" in line and "7x5" in line


@pytest.mark.parametrize("share", [0.5, 0.0])
def test_a_truncated_file_is_refused(kind, tmp_path, share):
    path = kind.write(tmp_path / f"cut{kind.suffix}", ANY)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    line = refusal(path)
    assert "a model that can be opened" in line and "Exception from" not in line


def test_weights_that_are_missing_are_refused(tmp_path):
    from nst_tf.exporters.onnx import conversion

    network = tiny.network()
    (function,) = conversion.functions_of(network).values()
    model = open_core().read_model(conversion.convert(function))
    path = tmp_path / "weightless.xml"
    openvino.save_model(model, path)
    path.with_suffix(".bin").unlink()
    assert "a model that can be opened" in refusal(path)


@pytest.mark.parametrize(
    "operation, domain", [("Paint", "org.example"), ("Paint", ""), ("Relu", "org.x")]
)
def test_an_unknown_operation_is_named(tmp_path, operation, domain):
    path = write_onnx(tmp_path / "unknown.onnx", ANY, operation, domain)
    assert operation in refusal(path)


@pytest.mark.parametrize(
    "suffix, module, extra",
    [(".onnx", "onnxruntime", "onnx"), (".xml", "openvino", "openvino")],
)
def test_a_missing_runtime_is_named_with_its_command(
    tmp_path, monkeypatch, suffix, module, extra
):
    path = WRITERS[suffix](tmp_path / f"same{suffix}", ANY)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError) as refused:
        load_model(path)
    line = str(refused.value)
    assert module in line and f"pip install 'nst_tf[{extra}]'" in line


# On a processor with AMX it ended with a segmentation fault.
def test_a_signal_ends_nothing_after_two_models_of_openvino_are_gone(tmp_path):
    path = write_xml(tmp_path / "tiny.xml")
    program = f"""
import os, signal, time
from pathlib import Path
from nst_tf.inference.runtimes.openvino import OpenVinoModel
first, second = (OpenVinoModel(Path({str(path)!r})) for _ in range(2))
del first
del second
signal.signal(signal.SIGTERM, signal.default_int_handler)
try:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
except KeyboardInterrupt:
    print("heard")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert (done.returncode, done.stdout.strip()) == (0, b"heard"), done.stderr
