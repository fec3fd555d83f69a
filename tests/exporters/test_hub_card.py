"""README.md of an export is read by a YAML parser, and by Hugging Face's own class."""

import json
from pathlib import Path

import pytest

from nst_tf.exporters import hub_card

FOLDER = Path(__file__).parents[2] / "exported_models"
CARDS = sorted(FOLDER.glob("*/model_card.json"))
STRANGE = 'Style: "one" # \\ é \U0001f5bc - [x], {y}'


def read_card(path):
    return json.loads(path.read_text())


def front_matter(text):
    yaml = pytest.importorskip("yaml", reason="needs PyYAML")
    begin, matter, _ = text.split("---\n", 2)
    assert begin == ""
    return yaml.safe_load(matter)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_published_models_say_what_the_hub_asks_for(path):
    card = read_card(path)
    text = hub_card.format_readme(card)
    found = front_matter(text)
    assert found["license"] == "apache-2.0"
    assert found["pipeline_tag"] == "image-to-image"
    assert found["library_name"] == "nst_tf"
    assert {"style-transfer", "saved-model", "tflite"} <= set(found["tags"])
    (result,) = found["model-index"][0]["results"]
    (metric,) = result["metrics"]
    ratios = [
        artifact["decibels_to_the_network"]["least"]
        for artifact in card["artifacts"]
        if artifact["decibels_to_the_network"] != "equal"
    ]
    assert metric["type"] == found["metrics"][0] == "psnr"
    assert metric["value"] == min(ratios)
    for what in (*card.get("styles", ()), *card["licenses"].values()):
        assert what in text
    for artifact in card["artifacts"]:
        assert f"`{artifact['file']}`" in text


def test_signs_that_mean_something_in_yaml_are_kept():
    card = read_card(CARDS[-1]) | {"name": STRANGE, "licenses": {"model": STRANGE}}
    found = front_matter(hub_card.format_readme(card))
    assert found["license"] == STRANGE.lower()
    assert found["model-index"][0]["name"] == STRANGE


def test_no_license_is_made_up():
    card = {
        key: value for key, value in read_card(CARDS[0]).items() if key != "licenses"
    }
    assert "license" not in front_matter(hub_card.format_readme(card))
    several = {"models": {"a": read_card(CARDS[0]), "b": card}}
    text = hub_card.format_readme(card | several)
    assert "license" not in front_matter(text)
    assert "## a" in text and "## b" in text


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.parent.name)
def test_hugging_faces_class_reads_it(path):
    hub = pytest.importorskip("huggingface_hub", reason="needs huggingface_hub")
    card = hub.ModelCard(hub_card.format_readme(read_card(path)))
    data = card.data
    assert (data.license, data.pipeline_tag) == ("apache-2.0", "image-to-image")
    (result,) = data.eval_results
    assert result.metric_type == "psnr" and result.metric_value > 30
