"""Exports draw the network's picture, in every format and at every size."""

import functools
import hashlib
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from support import tiny

from nst_tf.config.export import ExportSettings
from nst_tf.core.errors import UserError
from nst_tf.exporters import (
    export_network as exporters,
    parity,
    run as export_run,
    views,
)
from nst_tf.exporters.tflite import conversion, litert_layers, per_style
from nst_tf.exporters.tflite.exporter import TfliteExporter
from nst_tf.images import io as image_io
from nst_tf.inference import style_names
from nst_tf.models import transform_net

FLOORS = {
    "tiny_float16.tflite": 60,
    "tiny_int8.tflite": 40,
}  # decibels; 80 for all others
# A pixel is grown to a picture of one color, where norms make half a gray level of
# float32's rounding.
FLOORS_OF_ONE_COLOR = {
    "tiny.tflite": 55,
    "tiny_float16.tflite": 55,
    "tiny_int8.tflite": 40,
}
TFLITE = ["tiny.tflite", "tiny_float16.tflite", "tiny_int8.tflite"]


@functools.cache
def opened(path):
    return tiny.open_painter(path)


@functools.cache
def loaded():
    return tf.saved_model.load(str(tiny.artifact("1")))


def tree(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


# -- every format ----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", tiny.SIZES, ids="{0[0]}x{0[1]}".format)
@pytest.mark.parametrize("name", tiny.FORMATS)
def test_every_format_draws_the_networks_picture(name, size):
    network, artifacts = tiny.exported()
    photo = image_io.to_float(tiny.photo(*size))
    wanted = tiny.draw(network, photo)
    floors = FLOORS_OF_ONE_COLOR if size == (1, 1) else FLOORS
    assert artifacts[name]
    for artifact in artifacts[name]:
        drawn = opened(artifact.path)(photo)
        assert drawn.shape == (*size, 3) and drawn.dtype == np.float32
        assert drawn.min() >= 0 and drawn.max() <= 1
        assert parity.psnr(drawn, wanted) >= floors.get(artifact.path.name, 80), (
            artifact.path.name
        )


def test_pictures_of_other_weights_are_far_below_every_floor():
    # Else the parity above would say nothing.
    photo = image_io.to_float(tiny.photo(45, 61))
    ours, others = (tiny.draw(tiny.network(seed), photo) for seed in (1, 2))
    assert parity.psnr(ours, others) < 20
    assert ours.std() > 0.1 and ((0 < ours) & (ours < 1)).mean() > 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", tiny.FORMATS)
def test_what_the_gate_refuses_is_not_written(name, tmp_path, monkeypatch):
    network, _ = tiny.exported()

    def refuse(*args):
        raise RuntimeError("not equal")

    monkeypatch.setattr(parity, "compare", refuse)
    with pytest.raises(RuntimeError, match="not equal"):
        exporters.export_network(name, network, tmp_path, "tiny")
    assert tree(tmp_path) == {}


@pytest.mark.slow
def test_a_refused_export_leaves_the_older_one(tmp_path, monkeypatch):
    network, _ = tiny.exported()
    exporters.export_network("saved_model", network, tmp_path, "tiny")
    before = tree(tmp_path)
    exporters.export_network("saved_model", tiny.network(2), tmp_path, "tiny")
    replaced = tree(tmp_path)
    assert replaced.keys() == before.keys() and replaced != before
    monkeypatch.setattr(parity, "psnr", lambda *pictures: 10.0)
    with pytest.raises(RuntimeError, match="10.0 dB"):
        exporters.export_network("saved_model", network, tmp_path, "tiny")
    assert tree(tmp_path) == replaced


def test_an_unknown_format_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="saved_model, tflite.*'onyx'"):
        exporters.export_network("onyx", None, None, "")


def test_lines_name_path_size_and_likeness():
    for artifacts in tiny.exported()[1].values():
        for artifact in artifacts:
            files = (
                [artifact.path] if artifact.path.is_file() else artifact.path.rglob("*")
            )
            assert artifact.size == sum(
                file.stat().st_size for file in files if file.is_file()
            )
    line = str(
        parity.Artifact(
            "a.tflite", 1_234_567, parity.Likeness(52.14, 55.03, 2.0, 0.3), 50, "tflite"
        )
    )
    assert (
        line == "a.tflite (1.23 MB, at least 52.1 dB to the network, 55.0 in the mean)"
    )
    equal = parity.Likeness(float("inf"), float("inf"), 0.0, 0.0)
    assert (
        str(parity.Artifact("a", 1, equal, 80, "tflite"))
        == "a (0.00 MB, equal to the network)"
    )


# -- bfloat16 --------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_network_trained_in_bfloat16_is_exported_in_float32(tmp_path):
    trained, wide = tiny.network(dtype="mixed_bfloat16"), tiny.network()
    photo = image_io.to_float(tiny.photo(45, 61))
    assert parity.psnr(tiny.draw(trained, photo), tiny.draw(wide, photo)) < 60
    np.testing.assert_array_equal(
        tiny.draw(exporters.cast_to_float32(trained), photo), tiny.draw(wide, photo)
    )
    exporters.export_network("saved_model", trained, tmp_path, "tiny")
    drawn = tiny.open_painter(tmp_path / "saved_model")(photo)
    assert parity.psnr(drawn, tiny.draw(wide, photo)) > 80


def test_a_float32_network_is_exported_itself():
    network = tiny.exported()[0]
    assert exporters.cast_to_float32(network) is network


# -- the gate --------------------------------------------------------------------------------------


def gate(artifact, at_least=30.0):
    network = tiny.exported()[0]
    return parity.compare(
        parity.draw_references(network),
        lambda image: artifact(network, image[0])[None],
        "a.bin",
        at_least,
    )


@pytest.mark.slow
def test_the_gate_passes_the_network_itself():
    assert gate(tiny.draw).least == gate(tiny.draw).mean == float("inf")


def test_the_gate_refuses_other_weights():
    other = tiny.network(2)
    with pytest.raises(
        RuntimeError, match="a.bin to equal the network by 30 dB. .*: [0-9.]+ dB"
    ):
        gate(lambda network, photo: tiny.draw(other, photo))


def test_the_gate_measures_what_differs():
    def off_by_a_thousandth(network, photo):
        return tiny.draw(network, photo) + np.float32(1e-3)

    assert gate(off_by_a_thousandth).least == pytest.approx(60, abs=0.01)
    with pytest.raises(RuntimeError, match="60.0 dB"):
        gate(off_by_a_thousandth, 61)


@pytest.mark.slow
def test_the_gate_counts_the_worst_of_twenty_different_photos():
    shown = []

    def wrong_on_the_last(network, photo):
        shown.append(photo)
        return tiny.draw(network, photo) + np.float32(0.1 if len(shown) == 20 else 1e-3)

    found = gate(wrong_on_the_last, 15)
    assert len({photo.tobytes() for photo in shown}) == len(shown) == 20
    assert found.least == pytest.approx(20, abs=0.1) and found.mean == pytest.approx(
        58, abs=0.1
    )
    shown.clear()
    with pytest.raises(RuntimeError, match="by 40 dB. Received: 20.0 dB"):
        gate(wrong_on_the_last, 40)
    # From its seed alone.
    assert views.view(3, (8, 8)).tolist() == views.cut_view(3, (8, 8)).tolist()


def test_every_style_and_blend_meets_every_photo_of_the_gate():
    blends = [
        each.inputs["strengths"].tolist()
        for each in parity.draw_references(
            tiny.network(styles=2, strength=True), (8, 8)
        )
    ]
    assert blends[:5] == [[[1, 0]], [[0, 1]], [[0.5, 0.5]], [[0.25, 0.25]], [[0, 0]]]
    assert all(
        sorted(blends[first : first + 5]) == sorted(blends[:5]) for first in (5, 10, 15)
    )
    assert all(blends[photo] != blends[photo + 5] for photo in range(15))


@pytest.mark.slow
@pytest.mark.parametrize(
    "variants, narrow",
    [(per_style.VARIANTS, [3, 4, 5, 6, 7]), (per_style.OF_SEVERAL_STYLES, [3, 4, 7])],
)  # 5 and 6 upsample
def test_int8_files_hold_8_bits_but_for_their_first_convolutions_and_with_several_styles_upsampling(
    variants, narrow
):
    # Wide enough to be quantized: LiteRT leaves weights below 1024 as they are.
    network = transform_net.transform_net(
        transform_net.TransformNetConfig(width=8, residual_blocks=1)
    )
    core = per_style.core_for_phones(network)
    stylize = tf.function(
        lambda image: {"stylized": core(image)},
        input_signature=[tf.TensorSpec([1, 32, 32, 3], name="image")],
    )
    files = conversion.convert(
        stylize, core.weights, {suffix: variants[suffix] for suffix in ("", "_int8")}
    )
    kinds, kernels = {}, {}
    for suffix, data in files.items():
        interpreter = Interpreter(
            model_content=data,
            experimental_preserve_all_tensors=True,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        interpreter.allocate_tensors()
        interpreter.invoke()
        details = {
            detail["index"]: detail for detail in interpreter.get_tensor_details()
        }
        weights = [
            op["inputs"][1]
            for op in interpreter._get_ops_details()
            if op["op_name"] == "CONV_2D"
        ]
        kinds[suffix] = [details[index]["dtype"].__name__ for index in weights]
        kernels[suffix] = [interpreter.get_tensor(index) for index in weights]
    assert kinds == {
        "": ["float32"] * 8,
        "_int8": ["int8" if place in narrow else "float32" for place in range(8)],
    }
    for place, (exact, kept) in enumerate(
        zip(kernels[""], kernels["_int8"], strict=True)
    ):
        if place < 3:
            np.testing.assert_array_equal(
                exact.astype(np.float16).astype(np.float32), kept
            )
        elif (
            place not in narrow
        ):  # rounded to multiples of a power of two, to equal sums
            np.testing.assert_allclose(exact, kept, atol=2**-9 * np.abs(exact).max())


@pytest.mark.slow
def test_networks_of_several_styles_are_written_with_upsampling_in_float(tmp_path):
    sizes = []
    for styles in (1, 2):
        network = tiny.network(width=8, styles=styles)
        written = TfliteExporter().export(network, tmp_path / str(styles), "tiny")
        sizes.append({artifact.path.stem: artifact.size for artifact in written})
    # A float16 weight has a byte more than an int8 one. Folded, upsampling has 2x2x32
    # weights for each of 4x16 channels, and 2x2x16 for each of 4x8: 10 kB.
    assert (
        sizes[1]["tiny_int8"] - sizes[0]["tiny_int8"]
        > sizes[1]["tiny"] - sizes[0]["tiny"] + 8000
    )


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_gate_refuses_a_single_pixel_that_is_not_finite(value):
    def spoiled(network, photo):
        drawn = tiny.draw(network, photo)
        drawn[5, 5, 1] = value
        return drawn

    with pytest.raises(RuntimeError, match="finite: False"):
        gate(spoiled)


def test_the_gate_refuses_another_size():
    with pytest.raises(RuntimeError, match="shape"):
        gate(lambda network, photo: tiny.draw(network, photo)[1:])


def test_the_gate_refuses_a_network_that_is_not_finite():
    with pytest.raises(RuntimeError, match="nan dB"):
        broken = tiny.network()
        broken.get_layer(transform_net.OUTPUT).bias.assign([np.nan] * 3)
        references = parity.draw_references(broken)
        parity.compare(references, lambda image: image, "a.bin", 30.0)


# -- SavedModel ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", tiny.SIZES, ids="{0[0]}x{0[1]}".format)
def test_saved_model_bytes_equal_the_networks_to_the_last_gray_level(size):
    photo = tiny.photo(*size)
    wanted = image_io.to_uint8(tiny.draw(tiny.exported()[0], image_io.to_float(photo)))
    signatures = loaded().signatures
    drawn = signatures["serving_default"](image=tf.constant(photo[None]))[
        "stylized"
    ].numpy()
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn[0], wanted)
    rgb = tf.constant(image_io.to_float(photo)[None])
    floats = signatures["serving_float"](image=rgb)["stylized"].numpy()
    np.testing.assert_array_equal(image_io.to_uint8(floats[0]), wanted)


def test_a_batch_of_two_equals_two_batches_of_one():
    photo = tiny.photo(45, 61)
    pair = np.stack([photo, photo[:, ::-1]])

    def apart_and_together(name, batch):
        run = loaded().signatures[name]
        first, second, both = (
            run(image=tf.constant(part))["stylized"].numpy()
            for part in (batch[:1], batch[1:], batch)
        )
        return np.concatenate([first, second]), both

    apart, together = apart_and_together("serving_float", image_io.to_float(pair))
    assert together.std() > 0.1 and np.abs(together[0] - together[1]).max() > 0.1
    np.testing.assert_allclose(together, apart, rtol=0, atol=1e-5)
    # Sums in another order: a gray level differs where the color lay on the border of
    # two.
    bytes_apart, bytes_together = apart_and_together("serving_default", pair)
    clear = np.abs(apart * 255 % 1 - 0.5) > 0.003
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(bytes_together[clear], bytes_apart[clear])


def test_saved_model_stores_each_weight_once_and_no_other_network():
    network, path = tiny.exported()[0], tiny.artifact("1")
    stored = dict(tf.train.list_variables(str(path / "variables" / "variables")))
    stored.pop("_CHECKPOINTABLE_OBJECT_GRAPH")
    assert sorted(stored.values()) == sorted(
        list(weight.shape) for weight in network.weights
    )
    (data,) = (path / "variables").glob("*.data*")
    assert data.stat().st_size < 1.3 * 4 * network.count_params() + 10_000
    # Weights that were taken for constants would hide in the graph.
    graph = (path / "saved_model.pb").read_bytes()
    assert network.get_weights()[0].tobytes() not in graph


@pytest.mark.slow
def test_saved_model_runs_in_a_process_without_this_package(tmp_path):
    photo = tiny.photo(45, 61)
    np.save(tmp_path / "photo.npy", photo)
    code = """
import sys
sys.modules["nst_tf"] = sys.modules["keras"] = None                    # both fail to import
import numpy as np, tensorflow as tf
model, photo, drawn = sys.argv[1:]
run = tf.saved_model.load(model).signatures["serving_default"]
np.save(drawn, run(image=tf.constant(np.load(photo)[None]))["stylized"].numpy()[0])
"""
    subprocess.run(
        [sys.executable, "-c", code, str(tiny.artifact("1")), "photo.npy", "drawn.npy"],
        cwd=tmp_path,
        check=True,
    )
    wanted = image_io.to_uint8(tiny.draw(tiny.exported()[0], image_io.to_float(photo)))
    np.testing.assert_array_equal(np.load(tmp_path / "drawn.npy"), wanted)


# -- TFLite ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TFLITE)
def test_tflite_has_built_in_operations_only(name):
    interpreter = Interpreter(str(tiny.artifact(name)))
    assert len(interpreter._get_ops_details()) > 50
    assert conversion.foreign_operations(interpreter) == []


def test_foreign_operations_are_found():
    names = ["CONV_2D", "FlexTile", "CUSTOM", "VAR_HANDLE", "READ_VARIABLE", "CUSTOM"]

    class Fake:
        def _get_ops_details(self):
            return [{"op_name": name} for name in names]

    assert conversion.foreign_operations(Fake()) == [
        "CUSTOM",
        "FlexTile",
        "READ_VARIABLE",
        "VAR_HANDLE",
    ]


@pytest.mark.slow
def test_separable_blocks_and_small_edges_are_exported_as_they_draw(tmp_path):
    # The export itself refuses what does not draw the network's picture.
    artifacts = TfliteExporter().export(
        tiny.network(block="separable", edge_size=5), tmp_path, "tiny"
    )
    interpreter = Interpreter(str(artifacts[0].path))
    assert "DEPTHWISE_CONV_2D" in {
        op["op_name"] for op in interpreter._get_ops_details()
    }


@pytest.mark.parametrize("name", TFLITE)
def test_xnnpack_runs_tflite_in_few_parts(name):
    # It takes no reflection pads, and each would add a part: there would be 6 more.
    interpreter = Interpreter(str(tiny.artifact(name)))
    interpreter.allocate_tensors()
    operations = [operation["op_name"] for operation in interpreter._get_ops_details()]
    assert "MIRROR_PAD" not in operations
    assert 1 <= operations.count("DELEGATE") <= 7


@pytest.mark.parametrize("name", TFLITE)
def test_tflite_runs_at_any_drawable_size_and_back(name):
    network, interpreter = tiny.exported()[0], Interpreter(str(tiny.artifact(name)))
    (source,) = interpreter.get_input_details()
    (target,) = interpreter.get_output_details()
    assert (
        list(source["shape"])
        == list(target["shape"])
        == [1, per_style.SIDE, per_style.SIDE, 3]
    )
    for size in [(8, 8), (12, 200), (96, 64), (8, 8), (96, 64)]:
        photo = image_io.to_float(tiny.photo(*size))
        interpreter.resize_tensor_input(source["index"], (1, *size, 3))
        interpreter.allocate_tensors()
        interpreter.set_tensor(source["index"], photo[None])
        interpreter.invoke()
        drawn = interpreter.get_tensor(target["index"])[0]
        assert parity.psnr(drawn, tiny.draw(network, photo)) >= FLOORS.get(name, 80)


def test_tflite_names_its_ends_image_and_stylized():
    for name in TFLITE:
        signatures = Interpreter(str(tiny.artifact(name))).get_signature_list()
        assert signatures == {
            "serving_default": {"inputs": ["image"], "outputs": ["stylized"]}
        }


def test_quantized_files_are_smaller():
    # By at least a byte a weight. The rest of such a tiny file is graph, which grows a
    # little.
    float32, float16, int8 = (tiny.artifact(name).stat().st_size for name in TFLITE)
    parameters = tiny.exported()[0].count_params()
    assert float32 - float16 > parameters
    assert float32 - int8 > parameters


def test_exporting_leaves_the_network_as_it_was():
    network, _ = tiny.exported()
    pads = [layer for layer in network.layers if "pad" in layer.name]
    assert pads and not any(
        isinstance(pad, litert_layers.SlicedReflectionPadding2D) for pad in pads
    )
    assert transform_net.core(network).count_params() == network.count_params()
    for weight, same in zip(network.get_weights(), tiny.network().get_weights()):
        np.testing.assert_array_equal(weight, same)


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    tiny.network().save(folder / "network.keras")
    return str(folder)


@pytest.mark.slow
def test_the_command_exports_a_run_folder(run_folder, tmp_path):
    output = tmp_path / "exported" / "night"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "nst_tf.export",
            f"--model={run_folder}",
            "--formats=tflite",
            f"--output={output}",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": ""},
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 5 and all(
        line.startswith(f"wrote {output}/") for line in lines
    )
    assert sorted(path.name for path in (output / "tflite").iterdir()) == [
        "night.tflite",
        "night_float16.tflite",
        "night_int8.tflite",
    ]
    assert "Warning" not in done.stderr and "Assets written" not in done.stderr
    photo = image_io.to_float(tiny.photo(45, 61))
    wanted = tiny.draw(tiny.network(), photo)
    drawn = tiny.open_painter(output / "tflite" / "night.tflite")(photo)
    assert parity.psnr(drawn, wanted) > 80


@pytest.mark.slow
def test_the_card_says_what_files_take_and_give_and_how_exact_they_are(
    run_folder, tmp_path
):
    run = tmp_path / "run"
    run.mkdir()
    tiny.network().save(run / "network.keras")
    (run / "run.json").write_text(
        json.dumps(
            {
                "settings": {"seed": 7, "style_image": "mosaic,/pictures/night.jpg"},
                "steps": 12,
                "python": "3",
            }
        )
    )
    export_run.export(ExportSettings(model=str(run), output=str(tmp_path / "night")))
    card = json.loads((tmp_path / "night" / "model_card.json").read_text())
    assert card["name"] == "night" and card["run"] == {
        "settings": {"seed": 7, "style_image": "mosaic,night.jpg"},
        "steps": 12,
    }  # no paths of machines
    entries = {entry["file"]: entry for entry in card["artifacts"]}
    assert set(entries) == {
        "saved_model/1",
        *(f"tflite/night{kind}.tflite" for kind in ("", "_float16", "_int8")),
    }
    int8 = entries["tflite/night_int8.tflite"]
    data = (tmp_path / "night" / int8["file"]).read_bytes()
    assert (int8["bytes"], int8["sha256"]) == (
        len(data),
        hashlib.sha256(data).hexdigest(),
    )
    assert int8["inputs"] == {"image": "float32 [1, 384, 384, 3]"}
    assert int8["outputs"] == {"stylized": "float32 [1, 384, 384, 3]"} and card[
        "styles"
    ] == ["Style 1"]
    assert int8["operations"]["CONV_2D"] >= 7 and "DELEGATE" not in int8["operations"]
    assert (
        {"RSQRT"}
        <= set(int8["gpu_delegate"]["not_in_the_published_list"])
        <= set(int8["operations"]) - {"CONV_2D"}
    )
    saved = entries["saved_model/1"]
    assert saved["decibels_to_the_network"] == "equal"
    assert saved["gray_levels_to_the_network"] == {"largest": 0.0, "mean": 0.0}
    assert (
        0
        < int8["gray_levels_to_the_network"]["mean"]
        < int8["gray_levels_to_the_network"]["largest"]
        < 30
    )
    for entry in entries.values():
        assert (
            entry["latency"]["pixels"] == 384**2
            and entry["latency"]["milliseconds"] > 0
        )
        assert entry["latency"]["threads"] == os.cpu_count()
    assert (
        40
        <= int8["decibels_to_the_network"]["least"]
        < int8["decibels_to_the_network"]["mean"]
        < 120
    )
    assert saved["signatures"]["serving_default"] == {
        "inputs": {"image": "uint8 [any, any, any, 3]"},
        "outputs": {"stylized": "uint8 [any, any, any, 3]"},
    }
    assert "saved_model.pb" in saved["sha256"]


def test_labels_are_the_styles_in_the_order_of_their_weights():
    assert style_names.label_styles("mosaic,/a/vangogh_starry-night.jpg", 2) == [
        "Mosaic",
        "Vangogh starry night",
    ]
    assert style_names.label_styles("", 2) == ["Style 1", "Style 2"]


@pytest.mark.slow
def test_files_of_fixed_sizes_are_made_when_asked_for(tmp_path):
    artifacts = exporters.export_network(
        "tflite", tiny.network(), tmp_path, "tiny", sides=(64,)
    )
    assert [artifact.path.name for artifact in artifacts] == [
        *TFLITE,
        "tiny_64_float16.tflite",
    ]
    (source,) = Interpreter(str(artifacts[-1].path)).get_input_details()
    assert (
        list(source["shape_signature"]) == [1, 64, 64, 3]
        and artifacts[-1].likeness.least >= 60
    )
    with pytest.raises(
        UserError, match="multiples of 4 and at least 8. Received: 50. Try 52"
    ):
        exporters.export_network(
            "tflite", tiny.network(), tmp_path / "none", "tiny", sides=(64, 50)
        )
    assert not (tmp_path / "none").exists()


@pytest.mark.slow
def test_an_existing_output_is_refused_and_not_changed(run_folder, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    settings = {
        "model": run_folder,
        "formats": ("saved_model",),
        "output": str(tmp_path),
    }
    with pytest.raises(UserError, match="new or empty.*--overwrite"):
        export_run.export(ExportSettings(**settings))
    assert tree(tmp_path) == {"precious.txt": b"mine"}
    export_run.export(ExportSettings(**settings, overwrite=True))
    assert (tmp_path / "saved_model" / "1" / "saved_model.pb").is_file()
    assert (
        f'base_path: "/models/{tmp_path.name}/saved_model"'
        in (tmp_path / "models.config").read_text()
    )
    assert (tmp_path / "precious.txt").read_text() == "mine"


@pytest.mark.slow
def test_a_format_that_does_not_draw_the_network_is_one_line_and_costs_no_other(
    run_folder, tmp_path, monkeypatch
):
    real = parity.compare

    def refuse_8_bits(wanted, artifact, path, *bounds):
        if path.name.endswith("_int8.tflite"):
            raise RuntimeError(
                f"Expected {path} to equal the network by 40 dB. Received: 36.9 dB. It was not written."
            )
        return real(wanted, artifact, path, *bounds)

    monkeypatch.setattr(parity, "compare", refuse_8_bits)
    with pytest.raises(UserError, match="36.9 dB.*leave the format out") as caught:
        export_run.export(
            ExportSettings(run_folder, ("tflite", "saved_model"), str(tmp_path))
        )
    assert "\n" not in str(caught.value)
    card = json.loads((tmp_path / "model_card.json").read_text())
    assert [entry["file"] for entry in card["artifacts"]] == ["saved_model/1"]
    assert (tmp_path / "models.config").is_file() and not list(tmp_path.rglob("*int8*"))


@pytest.mark.parametrize(
    "changed, message",
    [
        (
            {"formats": ("tflight",)},
            "saved_model, tflite, tflite_integer, web.*'tflight'",
        ),
        ({"formats": ()}, "--formats"),
        ({"model": ""}, "--model"),
        ({"output": ""}, "--output"),
        ({"sizes": ("384", "x")}, "--sizes as whole numbers"),
        ({"model": "nowhere"}, "nowhere.*there is nothing"),
    ],
)
def test_unusable_settings_are_one_line_and_leave_no_output(
    run_folder, tmp_path, changed, message
):
    settings = {"model": run_folder, "output": str(tmp_path / "new")} | changed
    with pytest.raises(UserError, match=message) as caught:
        export_run.export(ExportSettings(**settings))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_runs_without_a_network_that_paints_are_told_apart(tmp_path):
    def refused(name, file="", text=""):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.json").write_text("{}")
        (folder / (file or "run.json")).write_text(text or "{}")
        with pytest.raises(UserError) as caught:
            export_run.export(ExportSettings(str(folder), output=str(tmp_path / "new")))
        assert "\n" not in str(caught.value) and str(folder) in str(caught.value)
        return str(caught.value)

    assert "a picture, not a network" in refused(
        "optimized",
        "run.flags",
        "# python -m nst_tf.optimize --flagfile=run.flags --output=ANOTHER\n--scales=2\n",
    )
    assert "--resume" in refused(
        "interrupted",
        "run.flags",
        "# python -m nst_tf.train --flagfile=run.flags --output=ANOTHER\n",
    )
    assert "trained a feature network" in refused("slim", "slim_vgg19.npz")
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_no_half_saved_model(run_folder, tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Files cannot become longer than this: writing ends with an error of the system, as
    # on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(UserError, match="free space") as caught:
            export_run.export(
                ExportSettings(run_folder, ("saved_model",), str(tmp_path / "new"))
            )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(caught.value) and "new" in str(caught.value)
    assert tree(tmp_path) == {}


def test_a_saved_model_without_its_card_is_no_source_of_exports(tmp_path):
    with pytest.raises(UserError, match="model_card.json beside the SavedModel"):
        export_run.export(
            ExportSettings(str(tiny.artifact("1")), output=str(tmp_path / "new"))
        )


def test_a_keras_file_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(path)
    with pytest.raises(UserError, match="other.keras.*not pictures to pictures"):
        export_run.export(ExportSettings(str(path), output=str(tmp_path / "new")))
