"""The gate looks at every size that users have, or says which it did not look at."""

import json
import math
from unittest import mock

import pytest
from support import tiny

from nst_tf.config.export import ExportSettings
from nst_tf.core import memory
from nst_tf.exporters import network_inputs, parity, run as export_run, views
from nst_tf.exporters.tflite import per_style
from nst_tf.exporters.tflite.conversion import FLOAT32, open_checked
from nst_tf.ops import statistics

PHOTO = (3072, 4096)  # what phones and cameras take


def convert(network):
    files = per_style.PerStyleFiles(network).convert(384, 384, {"": FLOAT32})
    return open_checked(files[""], "a.tflite")


@pytest.fixture
def exported(tmp_path):
    """(the artifacts' entries in the card by file, what was printed) of a tiny network."""

    def export(capsys):
        network, output = tiny.network(), tmp_path / "night"
        network.save(tmp_path / "network.keras")
        settings = ExportSettings(str(tmp_path), ("tflite",), str(output))
        export_run.export(settings)
        card = json.loads((output / "model_card.json").read_text())
        entries = {entry["file"]: entry for entry in card["artifacts"]}
        return entries, capsys.readouterr().out

    return export


@pytest.mark.slow
def test_a_float32_file_draws_a_phones_photo_and_one_of_naive_sums_is_refused():
    network = tiny.network()
    # Not what tests look at else: 12 megapixels.
    with mock.patch.object(views, "LARGE", PHOTO):
        references, left_out = parity.draw_large(network)
    assert left_out == "" and references[0].picture.shape == (1, *PHOTO, 3)
    likeness = parity.compare(references, convert(network), "a.tflite", 0, 80.0)
    assert likeness.least > 100 and likeness.by_size.keys() == {"4096x3072"}
    with mock.patch.object(statistics, "spatial_mean", tiny.add_naively):
        naive = convert(network)
    with pytest.raises(RuntimeError, match="dB at 4096x3072 pixels"):
        parity.compare(references, naive, "a.tflite", 0, 80.0)


def test_by_default_the_gate_looks_at_a_pixel_a_phone_a_screen_and_12_megapixels():
    source = views.__spec__.loader.get_source("nst_tf.exporters.views")
    fresh: dict = {}
    exec(compile(source, "views.py", "exec"), fresh)  # tests have changed the module
    assert fresh["SIZES"] == ((1, 1), (384, 384), (1024, 1024))
    assert fresh["LARGE"] == PHOTO


@pytest.mark.slow
def test_the_card_says_which_sizes_were_looked_at(exported, capsys):
    entries, out = exported(capsys)
    sizes = {"94x71", "1x1", "45x60"}
    for suffix, found in (
        ("", sizes | {"48x64"}),
        ("_float16", sizes),
        ("_int8", sizes | {"48x64"}),
    ):
        entry = entries[f"tflite/night{suffix}.tflite"]
        assert entry["least_decibels_by_size"].keys() == found
        assert "left_out" not in entry
    assert "not looked at" not in out


@pytest.mark.slow
def test_without_memory_the_large_picture_is_left_out_aloud(
    exported, capsys, monkeypatch
):
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    entries, out = exported(capsys)
    assert out.count("not looked at 48x64 pixels, which takes 0.0 GB of memory") == 2
    entry = entries["tflite/night_int8.tflite"]
    assert "48x64" not in entry["least_decibels_by_size"]
    assert entry["left_out"].startswith("not looked at 48x64 pixels")


@pytest.mark.parametrize("kind", ["own", "modulated", "adain"])
def test_what_is_needed_for_a_picture_follows_from_its_largest_map(kind):
    network = tiny.network() if kind == "own" else tiny.any_style(kind)
    needed = []
    for size in ((256, 256), (384, 384)):
        (inputs,) = parity._choose_inputs(network, size, [0])
        drawing = network_inputs.compile_drawing(network, inputs)
        needed.append(drawing.largest_tensor / (size[0] * size[1]))
        drawn = network_inputs.draw(network, *inputs.values())
        assert parity.psnr(drawing.draw(), drawn) > 100
    # Four channels of the size of the picture at least, as float32.
    assert needed[1] >= 4 * 4
    assert needed[0] == pytest.approx(needed[1], rel=0.2)


def test_one_pixel_has_to_be_drawn_and_counts_in_its_own_size_alone():
    network = tiny.network()
    references = [
        *parity.draw_references(network, (1, 1), [0]),
        *parity.draw_references(network, (9, 9), [0]),
    ]
    pictures = {each.picture.shape: each.picture for each in references}

    def draw(image, wrong=0.2):
        picture = pictures[image.shape]
        return picture + (wrong if image.shape[1] == 1 else 1e-6)

    likeness = parity.compare(references, draw, "a.bin", 80.0)
    assert likeness.least > 80 and likeness.by_size["1x1"] == pytest.approx(14, abs=0.1)
    with pytest.raises(RuntimeError, match="finite"):
        parity.compare(references, lambda image: draw(image, math.nan), "a.bin", 80.0)
