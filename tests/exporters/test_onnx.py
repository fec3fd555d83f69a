"""What is exported to ONNX and OpenVINO draws what the network draws, in their own runtimes."""

import json
import sys

import keras
import numpy as np
import pytest
from support import tiny

from nst_tf.core.errors import UserError
from nst_tf.exporters import export_network, model_card, parity
from nst_tf.images import io as image_io
from nst_tf.inference import check_card
from nst_tf.inference.open_model import load_model

pytest.importorskip("tf2onnx")
onnxruntime = pytest.importorskip("onnxruntime")
openvino = pytest.importorskip("openvino")

pytestmark = pytest.mark.slow

BLEND = [0.5, 0.2]
FLOORS = {".onnx": 80, ".xml": 80, "_bfloat16.xml": 35}


@pytest.fixture(scope="module")
def network():
    return tiny.network(styles=2, strength=True)


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    """Exports to both formats, and their card."""
    path = tmp_path_factory.mktemp("exports")
    artifacts = [
        artifact
        for name in ("onnx", "openvino")
        for artifact in export_network.export_network(name, network, path, "tiny")
    ]
    card = model_card.make_card(path, artifacts, {}, ["one", "two"])
    (path / check_card.CARD).write_text(json.dumps(card))
    return path


def run_onnx(path, inputs):
    """The file in ONNX Runtime, without this package."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["stylized"], inputs)[0]


def run_openvino(path, inputs):
    """The file in OpenVINO, without this package."""
    compiled = openvino.Core().compile_model(
        path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return compiled(inputs)["stylized"]


RUNS = {"onnx/tiny.onnx": run_onnx, "openvino/tiny.xml": run_openvino}


# 301x255 is no multiple of 4: it came out of ONNX Runtime as 300x252, without a word.
@pytest.mark.parametrize("size", [(1, 1), (3, 7), (255, 301), (96, 128)])
@pytest.mark.parametrize("file", RUNS)
def test_every_size_is_drawn_by_the_runtimes_themselves(network, folder, file, size):
    photo = image_io.to_float(tiny.photo(*size))
    blend = np.array([BLEND], np.float32)
    drawn = RUNS[file](folder / file, {"image": photo[None], "strengths": blend})
    assert drawn.shape == (1, *size, 3)
    least = 55 if size == (1, 1) else 80  # norms of one color make much of rounding
    assert parity.psnr(drawn[0], tiny.draw(network, photo, BLEND)) > least


@pytest.mark.parametrize("file", RUNS)
def test_a_batch_is_drawn_as_its_pictures(network, folder, file):
    photo = image_io.to_float(tiny.photo(45, 61))
    pair = np.stack([photo, photo[::-1]])
    blend = np.array([BLEND], np.float32)
    drawn = RUNS[file](folder / file, {"image": pair, "strengths": blend})
    for one, picture in zip(drawn, pair, strict=True):
        assert parity.psnr(one, tiny.draw(network, picture, BLEND)) > 80


@pytest.mark.parametrize(
    "file", ["onnx/tiny.onnx", "openvino/tiny.xml", "openvino/tiny_bfloat16.xml"]
)
def test_a_file_paints_styles_by_name_and_strength(network, folder, file):
    model = load_model(folder / file)
    assert model.styles == ("one", "two")
    photo = image_io.to_float(tiny.photo(45, 61))
    floor = next(FLOORS[end] for end in sorted(FLOORS) if file.endswith(end))
    if "bfloat16" in file:
        floor = FLOORS["_bfloat16.xml"]
    for style, strength, blend in (("two", 1.0, [0, 1]), ("one", 0.5, [0.5, 0])):
        drawn = model.prepare(style, strength)(photo)
        assert parity.psnr(drawn, tiny.draw(network, photo, blend)) > floor
    assert parity.psnr(drawn, tiny.draw(network, photo, [0, 1])) < 30


def test_the_card_says_what_the_files_are(folder):
    card = json.loads((folder / check_card.CARD).read_text())
    entries = {entry["file"]: entry for entry in card["artifacts"]}
    assert set(entries) == {*RUNS, "openvino/tiny_bfloat16.xml"}
    assert entries["onnx/tiny.onnx"]["operations"]["Conv"] == 8
    for entry in entries.values():
        assert entry["inputs"] == {
            "image": "float32 [any, any, any, 3]",
            "strengths": "float32 [any, 2]",
        }
        assert entry["latency"]["milliseconds"] > 0
        assert "tf2onnx " in entry["made_and_run_by"]


@pytest.mark.parametrize("name", ["openvino/tiny.bin", "onnx/tiny.onnx"])
def test_a_file_that_the_card_does_not_describe_is_refused(folder, name):
    path = folder / name
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    opened = path if path.suffix == ".onnx" else path.with_suffix(".xml")
    try:
        with pytest.raises(UserError, match=f"{path.name} as .* describes it"):
            load_model(opened)
    finally:
        path.write_bytes(data)


def test_a_pair_of_any_style_paints_as_its_network(tmp_path):
    built = tiny.any_style()
    artifacts = export_network.export_network("onnx", built, tmp_path, "tiny")
    names = [artifact.path.name for artifact in artifacts]
    assert names == ["tiny_style.onnx", "tiny_transform.onnx"]
    photo = image_io.to_float(tiny.photo(45, 61))
    style = image_io.to_float(tiny.photo(40, 52)[:, ::-1])
    drawn = load_model(artifacts[0].path).prepare(style, 0.5)(photo)
    wanted = tiny.draw_any(built, photo[None], style[None], 0.5)[0]
    assert parity.psnr(drawn, np.clip(wanted, 0, 1)) > 80
    artifacts[0].path.unlink()
    with pytest.raises(UserError, match="tiny_style.onnx beside"):
        load_model(artifacts[1].path)


def test_a_network_that_onnx_has_no_operations_for_is_refused_by_their_names(tmp_path):
    # Whitening takes eigenvectors.
    encoder = tiny.encoder(("relu4_1",))
    built = tiny.adain_net.any_style_net(encoder, "wct")
    with pytest.raises(RuntimeError, match="operations that ONNX has. Received: Self"):
        export_network.export_network("onnx", built, tmp_path, "tiny")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, module",
    [("onnx", "tf2onnx"), ("onnx", "onnxruntime"), ("openvino", "openvino")],
)
def test_a_missing_package_is_named_before_anything_is_drawn(
    tmp_path, monkeypatch, name, module
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=rf"{module}.*pip install 'nst_tf\[{name}\]'"):
        export_network.export_network(name, tiny.network(), tmp_path, "tiny")


def test_a_network_trained_in_bfloat16_is_exported_in_float32(tmp_path):
    assert keras.config.dtype_policy().name == "float32"
    trained = tiny.network(dtype="mixed_bfloat16")
    (artifact,) = export_network.export_network("onnx", trained, tmp_path, "tiny")
    assert artifact.likeness.least > 80
