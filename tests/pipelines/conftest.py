"""A tiny network of one style as .tflite and SavedModel, and folders of photos."""

import pytest
from support import painting, tiny

from nst_tf.config.registries import EXPORTERS


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """{"tflite": path, "other": of a .tflite that draws otherwise, "saved_model": path}."""
    folder = tmp_path_factory.mktemp("models")
    for name in ("saved_model", "tflite"):
        EXPORTERS[name]().export(tiny.network(), folder, "tiny")
    return {
        "tflite": folder / "tflite" / "tiny.tflite",
        "other": folder / "tflite" / "tiny_int8.tflite",
        "saved_model": folder / "saved_model" / "1",
    }


@pytest.fixture
def photos(tmp_path):
    """Forty photos in two folders, two of them broken: 5 %."""
    folder = tmp_path / "photos"
    for number in range(38):
        below = "below" if number % 2 else ""
        suffix = (".jpg", ".png", ".gif")[number % 3]
        path = folder / below / f"{number:02}{suffix}"
        painting.save(path, 9 + number, 13, seed=number)
    (folder / "cut.jpg").write_bytes((folder / "00.jpg").read_bytes()[:300])
    (folder / "below" / "text.png").write_text("no photo")
    (folder / ".hidden.png").write_text("hidden")
    (folder / "notes.txt").write_text("no photo either")
    return folder


@pytest.fixture
def broken(photos):
    return {str(photos / "cut.jpg"), str(photos / "below" / "text.png")}
