"""Whatever draws pictures is opened by its path, and draws the same picture."""

import json
import shutil
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import tiny

from nst_tf.core.errors import UserError
from nst_tf.exporters import parity
from nst_tf.images import io as image_io
from nst_tf.inference import open_model
from nst_tf.layers.padding import PadToMultiple

KINDS = ["run folder", ".keras", "SavedModel", "versions", ".tflite"]


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    tiny.network().save(folder / "network.keras")
    (folder / "run.json").write_text(json.dumps({}))
    return folder


@pytest.fixture
def model(request, run_folder):
    """The path of the same network in the kind that the test is parametrised with."""
    return {
        "run folder": run_folder,
        ".keras": run_folder / "network.keras",
        "SavedModel": tiny.artifact("1"),
        "versions": tiny.artifact("1").parent,
        ".tflite": tiny.artifact("tiny.tflite"),
    }[request.param]


def sizes(count, most=64):
    """Sizes that a camera never makes: from 1 pixel up, no two alike in a row."""
    rng = np.random.default_rng(0)
    return [tuple(int(side) for side in rng.integers(1, most, 2)) for _ in range(count)]


# -- opening ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", KINDS, indirect=True)
def test_every_kind_draws_the_networks_picture_at_every_size(model):
    draw, network = tiny.open_painter(model), tiny.network()
    for size in tiny.SIZES:
        photo = image_io.to_float(tiny.photo(*size))
        before = photo.copy()
        drawn = draw(photo)
        assert drawn.shape == photo.shape and drawn.dtype == np.float32
        assert drawn.min() >= 0 and drawn.max() <= 1
        # A single pixel is grown to a picture of one color, where norms make half a
        # gray level of rounding.
        assert parity.psnr(drawn, tiny.draw(network, photo)) > (
            55 if size == (1, 1) else 80
        )
        np.testing.assert_array_equal(photo, before)


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """The network of three styles, and the paths of all kinds of it."""
    network, artifacts = tiny.exported(3)
    folder = tmp_path_factory.mktemp("several")
    network.save(folder / "network.keras")
    return network, [
        folder,
        *(artifact.path for made in artifacts.values() for artifact in made),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "blend", [(1, 0, 0), (0, 0, 1), (0.2, 0.3, 0.5), (0, 1.5, 0)], ids=str
)
def test_every_kind_of_a_network_of_several_styles_draws_the_blend(several, blend):
    network, paths = several
    photo = image_io.to_float(tiny.photo(45, 61))
    wanted = tiny.draw(network, photo, np.array(blend) / sum(blend))
    for path in paths:
        drawn = tiny.open_painter(path, blend)(photo)
        least = {"tiny_float16.tflite": 50, "tiny_int8.tflite": 30}.get(path.name, 80)
        assert parity.psnr(drawn, wanted) > least, path.name


@pytest.mark.slow
def test_a_style_is_also_asked_for_by_its_number(several):
    photo = image_io.to_float(tiny.photo(45, 61))
    for path in several[1]:
        np.testing.assert_array_equal(
            tiny.open_painter(path, 2)(photo), tiny.open_painter(path, (0, 0, 1))(photo)
        )
        with pytest.raises(UserError, match="a style from 0 to 2"):
            tiny.open_painter(path, 3)


@pytest.mark.slow
def test_styles_of_one_network_draw_different_pictures(several):
    photo = image_io.to_float(tiny.photo(45, 61))
    first, second = (
        tiny.draw(several[0], photo, blend) for blend in ((1, 0, 0), (0, 1, 0))
    )
    assert parity.psnr(first, second) < 25


@pytest.mark.parametrize("blend", [(), (1, 0), (1, 0, 0, 0)], ids=str)
def test_shares_that_do_not_suit_the_model_are_refused(several, blend):
    for path in several[1]:
        with pytest.raises(
            UserError,
            match=f"one of the styles of .*{path.name}.*, or a share for each of the 3",
        ):
            tiny.open_painter(path, blend)


@pytest.mark.parametrize("model", KINDS, indirect=True)
def test_a_picture_drawn_earlier_stays_when_another_is_drawn(model):
    draw = tiny.open_painter(str(model))
    photo = image_io.to_float(tiny.photo(20, 30))
    first = draw(photo)
    kept = first.copy()
    draw(1 - photo)
    draw(image_io.to_float(tiny.photo(50, 9)))
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(draw(photo), kept)


def test_the_highest_version_is_opened(tmp_path):
    # 10 comes before 9 in the alphabet.
    shutil.copytree(tiny.artifact("1"), tmp_path / "10")
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "saved_model.pb").write_bytes(b"old")
    (tmp_path / "11").mkdir()
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "saved_model.pb").write_bytes(b"not a version")
    assert tiny.open_painter(tmp_path)(np.zeros((5, 6, 3), np.float32)).shape == (
        5,
        6,
        3,
    )


def test_a_network_is_opened_with_its_weights_from_run_folder_and_file(run_folder):
    wanted = tiny.network().get_weights()
    for path in (run_folder, str(run_folder / "network.keras")):
        for weight, same in zip(
            open_model.open_network(path).get_weights(), wanted, strict=True
        ):
            np.testing.assert_array_equal(weight, same)


# -- many sizes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["run folder", "SavedModel"], indirect=True)
def test_forty_sizes_are_one_trace(model, monkeypatch):
    # Python is entered once for each trace of a network, and never for one that was
    # traced before.
    traces, call = [], PadToMultiple.call

    def counted(self, inputs):
        traces.append(inputs.shape)
        return call(self, inputs)

    draw = tiny.open_painter(model)
    monkeypatch.setattr(PadToMultiple, "call", counted)
    for size in sizes(40):
        assert draw(np.full((*size, 3), 0.5, np.float32)).shape == (*size, 3)
    assert len(traces) <= (1 if model.name != "1" else 0)


def test_a_tflite_draws_300_sizes_without_growing():
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("needs Linux's /proc")

    def resident():
        return int(status.read_text().split()[1]) * 4096

    draw = tiny.open_painter(tiny.artifact("tiny.tflite"))
    largest = np.zeros((64, 64, 3), np.float32)
    many = sizes(300)
    for size in [(64, 64), *many[:50]]:
        draw(largest[: size[0], : size[1]])
    before = resident()
    for size in many:
        draw(largest[: size[0], : size[1]])
    # A picture's activations at 64x64 take about 1 MB: 300 that are kept would show.
    assert resident() - before < 10e6


def test_a_tflite_is_usable_after_a_size_it_cannot_take():
    draw = tiny.open_painter(tiny.artifact("tiny.tflite"))
    photo = image_io.to_float(tiny.photo(20, 30))
    kept = draw(photo)
    with pytest.raises((ValueError, RuntimeError)):
        draw(photo[..., :2])
    np.testing.assert_array_equal(draw(photo), kept)


# -- what cannot be opened -------------------------------------------------------------------------


def refusal(path):
    with pytest.raises(UserError) as caught:
        tiny.open_painter(path)
    line = str(caught.value)
    assert str(path) in line and "\n" not in line and len(line) < 600
    return line


def test_nothing_there_and_nothing_in_it_are_told_apart(tmp_path):
    assert "there is nothing" in refusal(tmp_path / "starry")
    assert "there is nothing" in refusal(tmp_path / "starry.tflite")
    assert "none of these" in refusal(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    assert "none of these" in refusal(tmp_path / "photo.jpg")


def test_an_unfinished_run_names_the_command_that_finishes_it(tmp_path):
    (tmp_path / "run.json").write_text("{}")
    command = f"`python -m nst_tf.train --flagfile={tmp_path / 'run.flags'} --resume`"
    assert command in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"Once upon a time there was a model. " * 30])
@pytest.mark.parametrize(
    "name", ["a.tflite", "a.keras", "network.keras", "saved_model.pb"]
)
def test_files_of_another_kind_are_one_line(tmp_path, name, content):
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / name).write_bytes(content)
    line = refusal(
        folder if name in ("network.keras", "saved_model.pb") else folder / name
    )
    assert "a model that can be opened" in line


@pytest.mark.parametrize("part", [0.01, 0.5, 0.999])
def test_truncated_files_are_one_line(tmp_path, run_folder, part):
    for source in (tiny.artifact("tiny.tflite"), run_folder / "network.keras"):
        data = source.read_bytes()
        (tmp_path / source.name).write_bytes(data[: int(part * len(data))])
        assert "a model that can be opened" in refusal(tmp_path / source.name)


@pytest.mark.parametrize(
    "name",
    [
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
    ],
)
def test_a_damaged_saved_model_is_one_line(tmp_path, name):
    model = tmp_path / "model"
    shutil.copytree(tiny.artifact("1"), model)
    data = (model / name).read_bytes()
    (model / name).write_bytes(data[: len(data) // 2])
    assert "a model that can be opened" in refusal(model)
    (model / name).unlink()
    refusal(model)


def test_a_saved_model_of_another_kind_is_refused(tmp_path):
    tf.saved_model.save(tf.Module(), str(tmp_path))
    assert "serving_float" in refusal(tmp_path)


@pytest.mark.parametrize(
    "shape, dtype",
    [
        ([1, 10], tf.float32),
        ([1, 8, 8, 1], tf.float32),
        ([2, 8, 8, 3], tf.float32),
        ([1, 8, 8, 3], tf.uint8),
    ],
)
def test_a_tflite_that_takes_no_rgb_picture_is_refused(tmp_path, shape, dtype):
    module = tf.Module()
    module.twice = tf.function(
        lambda x: tf.concat([x, x], 0), input_signature=[tf.TensorSpec(shape, dtype)]
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.twice.get_concrete_function()], module
    )
    (tmp_path / "other.tflite").write_bytes(converter.convert())
    line = refusal(tmp_path / "other.tflite")
    assert f"its input is {dtype.name} {shape}" in line


def test_a_keras_file_of_another_kind_is_refused(tmp_path):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(
        tmp_path / "other.keras"
    )
    assert "not pictures to pictures" in refusal(tmp_path / "other.keras")


def test_an_exported_model_is_no_network(run_folder):
    for path in (tiny.artifact("1"), tiny.artifact("tiny.tflite")):
        with pytest.raises(UserError, match="a run folder or a .keras file"):
            open_model.open_network(path)


def test_a_missing_runtime_is_not_taken_for_a_damaged_file(monkeypatch):
    path = tiny.artifact("tiny.tflite")
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ImportError):
        tiny.open_painter(path)
