"""What can be exported beside runs: SavedModels with their cards, and published models."""

import json
import shutil
from pathlib import Path
from unittest import mock

import keras
import numpy as np
import pytest
from support import litert_js, tiny

from nst_tf.config.export import ExportSettings
from nst_tf.core.errors import UserError
from nst_tf.exporters import run as export_run
from nst_tf.exporters.source import find_source, open_source
from nst_tf.exporters.tflite import per_style
from nst_tf.exporters.web import page as web
from nst_tf.inference import published

pytestmark = pytest.mark.slow

PUBLISHED = Path(__file__).parents[2] / "exported_models"
SETTINGS = {
    "method": "feedforward",
    "output": "runs/two",
    "style_image": "mosaic,ink_wash",
    "width": 4,
    "residual_blocks": 1,
    "edge_size": 5,
    "steps": 7,
    "content": "photos/",
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """(network, the folder of its export as a SavedModel)"""
    folder = tmp_path_factory.mktemp("source")
    network = tiny.network(styles=2, edge_size=5)
    (folder / "run").mkdir()
    network.save(folder / "run" / "network.keras")
    record = {"settings": SETTINGS, "steps": 7}
    (folder / "run" / "run.json").write_text(json.dumps(record))
    export_run.export(
        ExportSettings(
            model=(str(folder / "run"),),
            formats=("saved_model",),
            output=str(folder / "two"),
        )
    )
    return network, folder / "two"


@pytest.fixture
def copy(exported, tmp_path):
    """A folder of exports to change."""
    return Path(shutil.copytree(exported[1], tmp_path / "two"))


def test_a_savedmodel_gives_the_network_with_every_digit(exported):
    network, folder = exported
    for path in (folder, folder / "saved_model", folder / "saved_model" / "1"):
        source = find_source(path)
        assert source.name == "two"
    opened = open_source(source)
    for found, wanted in zip(opened.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert source.label_styles(2) == ["Mosaic", "Ink wash"]


def test_an_export_of_an_export_has_its_card(exported, copy, tmp_path):
    card = json.loads((copy / "model_card.json").read_text())
    card["licenses"] = {"model": "Apache-2.0", "mosaic": "public domain"}
    (copy / "model_card.json").write_text(json.dumps(card))
    settings = {"formats": ("saved_model",), "output": str(tmp_path / "again")}
    export_run.export(ExportSettings(model=(str(copy),), **settings))
    again = json.loads((tmp_path / "again" / "model_card.json").read_text())
    assert again["licenses"] == card["licenses"] and again["run"] == card["run"]
    assert again["styles"] == ["Mosaic", "Ink wash"] and again["name"] == "again"
    assert again["artifacts"][0]["decibels_to_the_network"] == "equal"


def test_other_weights_than_the_cards_are_refused(copy):
    card = json.loads((copy / "model_card.json").read_text())
    card["run"]["settings"]["width"] = 5
    (copy / "model_card.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match="other weights than the card describes"):
        open_source(find_source(copy))
    # Weights of the same shapes in a network that draws otherwise.
    card["run"]["settings"] |= {"width": 4, "padding": "zeros"}
    (copy / "model_card.json").write_text(json.dumps(card))
    with pytest.raises(UserError, match="to draw what the network of its card draws"):
        open_source(find_source(copy))


def test_what_cannot_be_exported_is_refused_in_one_line(copy, tmp_path):
    (tmp_path / "small.tflite").write_bytes(b"")
    published_file = PUBLISHED / "starry_night" / "tflite" / "starry_night_int8.tflite"
    for path in (tmp_path / "small.tflite", published_file):
        with pytest.raises(UserError, match="which has rounded ones"):
            find_source(path)
    with pytest.raises(UserError, match="a published model's name. Received: nowhere"):
        find_source("nowhere")
    (copy / "model_card.json").write_text("{}")
    with pytest.raises(UserError, match="without one that does"):
        find_source(copy)
    (copy / "model_card.json").unlink()
    with pytest.raises(UserError, match="without one that does") as error:
        find_source(copy)
    assert "\n" not in str(error.value)


def test_a_published_model_without_its_savedmodel_is_refused(tmp_path, monkeypatch):
    wheel = tmp_path / "models" / "starry_night"
    shutil.copytree(PUBLISHED / "starry_night" / "tflite", wheel / "tflite")
    shutil.copy(PUBLISHED / "starry_night" / "model_card.json", wheel)
    monkeypatch.setattr(published, "FOLDERS", (tmp_path / "models",))
    with pytest.raises(UserError, match="published models have theirs in a clone"):
        find_source("starry_night")


def test_a_published_model_is_found_and_is_the_network_of_its_card():
    source = find_source("starry_night_mobile")
    assert source.path == PUBLISHED / "starry_night_mobile" / "saved_model" / "1"
    assert source.inherited["licenses"]["model"] == "Apache-2.0"
    network = open_source(source)  # compares it with the SavedModel
    assert isinstance(network, keras.Model) and len(network.weights) == 46


def test_several_models_make_one_page(exported, tmp_path):
    network, folder = exported
    (tmp_path / "one").mkdir()
    tiny.network().save(tmp_path / "one" / "network.keras")
    path = litert_js.tarball(tmp_path / "runtime.tgz")
    settings = {"model": (str(folder), str(tmp_path / "one")), "output": str(tmp_path)}
    with pytest.raises(UserError, match="--formats=web for several --model"):
        ExportSettings(**settings, formats=("tflite", "web"))
    with pytest.raises(UserError, match="each of --model once"):
        ExportSettings(**settings | {"model": ("a", "a")}, formats=("web",))
    settings |= {"output": str(tmp_path / "page"), "web_runtime": str(path)}
    small = mock.patch.multiple(web, SIDES=(32,), SHAPES=((0.75, 1.0),))
    with litert_js.expected(path), small:
        export_run.export(ExportSettings(**settings, formats=("web",)))
    models = json.loads((tmp_path / "page" / "web" / "model.json").read_text())[
        "models"
    ]
    assert [(model["name"], model["kind"]) for model in models] == [
        ("two", "several"),
        ("one", "single"),
    ]
    styles = [[style["name"] for style in model["styles"]] for model in models]
    assert styles == [["Mosaic", "Ink wash"], ["Style 1"]]
    for model in models:
        named = [frame["file"] for frame in model["frames"]]
        named += [style["picture"] for style in model["styles"]]
        for name in named:
            assert (tmp_path / "page" / "web" / name).is_file()
    card = json.loads((tmp_path / "page" / "model_card.json").read_text())
    assert card["models"]["two"]["run"]["steps"] == 7
    assert card["models"]["one"]["styles"] == ["Style 1"]
    assert card["artifacts"][0]["decibels_to_the_network"]["least"] >= 60


def test_a_page_that_does_not_equal_its_networks_is_not_written(exported, tmp_path):
    _, folder = exported
    path = litert_js.tarball(tmp_path / "runtime.tgz")
    other = tiny.network(seed=5, styles=2, edge_size=5)
    other.save(tmp_path / "other.keras")
    convert = per_style.PerStyleFiles.convert
    wrong = per_style.PerStyleFiles(other)
    settings = ExportSettings(
        model=(str(folder), str(tmp_path / "other.keras")),
        formats=("web",),
        output=str(tmp_path / "page"),
        web_runtime=str(path),
    )
    small = mock.patch.multiple(web, SIDES=(32,), SHAPES=((0.75, 1.0),))
    swapped = mock.patch.object(
        per_style.PerStyleFiles,
        "convert",
        lambda self, *given: convert(wrong, *given),
    )
    with litert_js.expected(path), small, swapped:
        with pytest.raises(UserError, match="Leave that model out of --model"):
            export_run.export(settings)
    assert not (tmp_path / "page" / "web").exists()
