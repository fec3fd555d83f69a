"""The models that come with the package are found by name, in a clone and in a wheel alike."""

import json
import shutil

import pytest

from nst_tf.core.errors import UserError
from nst_tf.inference import published
from nst_tf.inference.open_model import load_model
from nst_tf.inference.runtimes import model_file

CLONE = published.PACKAGE.parent / "exported_models"
NAMES = (
    "any_style",
    "painters",
    "starry_night",
    "starry_night_mobile",
    "starry_night_video",
)


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """The folder of a wheel's models, with one of them, which then is the only one."""
    folder = tmp_path / "models"
    source = CLONE / "starry_night_mobile"
    shutil.copytree(
        source,
        folder / source.name,
        ignore=shutil.ignore_patterns("saved_model"),
    )
    monkeypatch.setattr(published, "FOLDERS", (folder, CLONE))
    return folder


def test_a_clone_has_five_models_with_card_styles_licenses_and_picture():
    models = published.published_models()
    assert tuple(models) == NAMES
    for model in models.values():
        assert model.what and model.licenses["model"] == "Apache-2.0"
        assert model.picture.is_file() and model.card["name"] == model.name
    assert {name: len(model.styles) for name, model in models.items()} == {
        "any_style": 0,
        "painters": 8,
        "starry_night": 1,
        "starry_night_mobile": 1,
        "starry_night_video": 1,
    }
    assert 6e6 < sum(model.bytes for model in models.values()) < 7e6


def test_a_name_leads_to_a_file_that_opens():
    load_model(published.find_published("starry_night_mobile"))
    assert load_model("any_style").styles == ()
    assert published.find_published("nothing") is None


def test_models_inside_the_package_come_first(wheel):
    assert list(published.published_models()) == ["starry_night_mobile"]
    file = published.find_published("starry_night_mobile")
    assert file.is_relative_to(wheel)


def test_a_card_may_list_files_that_a_wheel_does_not_carry(wheel):
    card = json.loads((wheel / "starry_night_mobile" / "model_card.json").read_text())
    assert "saved_model/1" in [each["file"] for each in card["artifacts"]]
    load_model(published.find_published("starry_night_mobile"))


def test_a_damaged_card_is_one_line(wheel):
    (wheel / "starry_night_mobile" / "model_card.json").write_text("{")
    with pytest.raises(UserError, match="Install nst_tf again") as caught:
        published.published_models()
    assert "\n" not in str(caught.value)


def test_the_list_names_every_model_its_styles_files_licenses_and_picture():
    lines = []
    published.list_models(lines.append)
    text = "\n".join(lines)
    for name in NAMES:
        assert f"\n{name}: " in f"\n{text}"
    assert "style 1: Katsushika Hokusai, The Great Wave off Kanagawa, 1831" in text
    assert "license of VGG19, by which it was trained: CC BY 4.0" in text
    assert str(CLONE / "pictures" / "painters.jpg") in text
    assert "starry_night_mobile: one style, for phones, 0.36 MB" in lines


def test_a_name_of_an_earlier_version_opens_the_model_that_has_another_now():
    assert published.find_published("adain") == published.find_published("any_style")
    assert "adain" not in published.published_models()


@pytest.mark.parametrize("name", ["my_style", "a_transform", "any_style"])
def test_a_pair_is_found_whatever_word_of_a_part_its_name_has(tmp_path, name):
    pair = [tmp_path / f"{name}_{part}_int8.tflite" for part in ("style", "transform")]
    for path in pair:
        path.touch()
    for path in pair:
        assert model_file.find_pair(path) == tuple(pair)
