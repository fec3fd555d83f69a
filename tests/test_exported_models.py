"""The published models: their cards tell the truth, and they paint."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from support import tiny

from nst_tf.data import sample_photos, style_images
from nst_tf.evaluation import metrics
from nst_tf.exporters import parity, views
from nst_tf.exporters.tflite import conversion
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import load_model

FOLDER = Path(__file__).parents[1] / "exported_models"
PHOTOS = Path(__file__).parents[2] / "shared" / "data" / "content" / "test"
COUNTS = {
    "starry_night": 1,
    "starry_night_mobile": 1,
    "starry_night_video": 1,
    "painters": 8,
}  # of styles of their own
MODELS = sorted(path.parent for path in FOLDER.glob("*/model_card.json"))


def files_of(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.name)
def test_a_card_lists_every_file_with_its_hash_and_nothing_of_the_machine(model):
    listed = {}
    text = (model / "model_card.json").read_text()
    for artifact in json.loads(text)["artifacts"]:
        hashes = artifact["sha256"]
        listed |= (
            {f"{artifact['file']}/{name}": value for name, value in hashes.items()}
            if isinstance(hashes, dict)
            else {artifact["file"]: hashes}
        )
    found = {
        name: hashlib.sha256(data).hexdigest() for name, data in files_of(model).items()
    }
    found.pop("model_card.json")
    assert found == listed
    assert "/home" not in text and "/work" not in text and "/root" not in text


def test_all_are_small_enough_to_be_cloned():
    sizes = {path.name: sum(map(len, files_of(path).values())) for path in MODELS}
    assert sum(sizes.values()) - sizes["any_style"] < 25e6 and sizes["any_style"] < 12e6
    assert (
        FOLDER / "starry_night_mobile" / "tflite" / "starry_night_mobile_int8.tflite"
    ).stat().st_size < 0.5e6
    pair = FOLDER / "any_style" / "tflite"
    assert (
        sum(
            (pair / f"any_style_{part}_int8.tflite").stat().st_size
            for part in ("style", "transform")
        )
        < 2e6
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["any_style", "any_style/tflite/any_style_transform_int8.tflite"]
)
def test_the_model_of_any_style_takes_a_styles_colors(path):
    model = load_model(FOLDER / path)
    photo = image_io.to_float(tiny.photo(120, 160))
    means = []
    for color in ((0.9, 0.2, 0.1), (0.1, 0.2, 0.9)):
        noise = np.random.default_rng(0).normal(0, 0.1, (128, 128, 3))
        style = np.clip(np.array(color) + noise, 0, 1).astype(np.float32)
        drawn = model(photo, style)
        assert drawn.shape == photo.shape and drawn.std() > 0.02
        means.append(drawn.mean((0, 1)))
    assert means[0][0] > means[1][0] + 0.1 and means[1][2] > means[0][2] + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name, count", COUNTS.items())
def test_models_of_styles_of_their_own_paint_alike_on_servers_and_phones(name, count):
    photo = image_io.to_float(tiny.photo(120, 160))
    pictures = []
    for number in range(count):
        served, phone = (
            tiny.open_painter(FOLDER / path, number)(photo)
            for path in (name, f"{name}/tflite/{name}_int8.tflite")
        )
        assert parity.psnr(phone, served) > 35
        assert all(parity.psnr(served, other) < 25 for other in (photo, *pictures))
        pictures.append(served)


def likeness(name, shown):
    """The least ratio of the file for phones to the SavedModel, which equals the
    network, decibels.
    """
    served, phone = (
        tiny.open_painter(path, 0)
        for path in (FOLDER / name, FOLDER / name / "tflite" / f"{name}_int8.tflite")
    )
    return min(parity.psnr(phone(photo), served(photo)) for photo in shown)


@pytest.mark.slow
@pytest.mark.parametrize("name", COUNTS)
def test_8_bits_cost_little_on_each_of_twenty_views(name):
    assert (
        likeness(
            name, [views.view(number, views.SIZE) for number in range(views.VIEWS)]
        )
        >= conversion.INT8.at_least
    )


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="no photographs beside the project")
@pytest.mark.parametrize("name", COUNTS)
def test_8_bits_cost_little_on_each_of_twenty_photographs(name):
    shown = [
        image_io.read_image(path, short_side=160).rgb
        for path in sorted(PHOTOS.iterdir())[:20]
    ]
    assert likeness(name, shown) >= conversion.INT8.at_least


@pytest.mark.slow
def test_the_painters_paint_weakly_too():
    photo = image_io.to_float(tiny.photo(120, 160))
    none, half, full = (
        tiny.open_painter(FOLDER / "painters", 0, strength)(photo)
        for strength in (0, 0.5, 1)
    )
    assert (
        parity.psnr(none, photo)
        > parity.psnr(half, photo) + 1
        > parity.psnr(full, photo) + 2
    )


def mesh(paint):
    """The mean mesh ratio of two packaged photographs, one of them with a large flat sky."""
    shown = [
        sample_photos.read_photo(sample_photos.BUILTIN + name, long_side=384).rgb
        for name in ("coffee", "rocket")
    ]
    assert all(metrics.mesh_ratio(photo) < 1.5 for photo in shown)
    return np.mean([metrics.mesh_ratio(paint(photo)) for photo in shown])


@pytest.mark.slow
@pytest.mark.parametrize("name, count", COUNTS.items())
def test_models_of_styles_of_their_own_draw_no_mesh(name, count):
    for number in range(count):
        assert mesh(tiny.open_painter(FOLDER / name, number)) < 2


@pytest.mark.slow
def test_the_model_of_any_style_draws_no_mesh():
    model = load_model(FOLDER / "any_style")
    for path in style_images.packaged_styles().values():
        style = image_io.read_image(path, short_side=384)
        assert mesh(model.prepare(style)) < 2.5
