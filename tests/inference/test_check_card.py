"""Exported models beside a card that does not match them are refused in one line,
whoever opens them.
"""

import json
import shutil

import pytest
from support import tiny

from nst_tf.core.errors import UserError
from nst_tf.exporters import model_card, parity
from nst_tf.inference import check_card, latency
from nst_tf.inference.open_model import load_model


@pytest.fixture
def exported(tmp_path):
    """A folder of exports with its card."""
    made = tiny.exported()[1]
    (tmp_path / "tflite").mkdir()
    shutil.copytree(made["saved_model"][0].path, tmp_path / "saved_model" / "1")
    shutil.copy(made["tflite"][0].path, tmp_path / "tflite" / "tiny.tflite")
    likeness = parity.Likeness(90.0, 95.0, 0.1, 0.01)
    card = model_card.make_card(
        tmp_path,
        [
            parity.Artifact(tmp_path / path, 1, likeness, 80.0, name)
            for path, name in (
                ("saved_model/1", "saved_model"),
                ("tflite/tiny.tflite", "tflite"),
            )
        ],
        {},
    )
    (tmp_path / check_card.CARD).write_text(json.dumps(card))
    return tmp_path


def flip(path):
    """One bit in the middle: the file opens as before."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def refusal(function, *arguments):
    with pytest.raises(UserError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_files_that_match_their_card_are_opened(exported):
    tiny.open_painter(exported)
    tiny.open_painter(exported / "tflite" / "tiny.tflite")
    # A file that it does not list, a folder without one, and a card of another
    # program's say nothing.
    shutil.copy(
        exported / "tflite" / "tiny.tflite", exported / "tflite" / "mine.tflite"
    )
    flip(exported / "tflite" / "mine.tflite")
    check_card.check(exported / "tflite" / "mine.tflite")
    (exported / check_card.CARD).write_text('["not", "ours"]')
    check_card.check(exported / "tflite" / "tiny.tflite")


@pytest.mark.parametrize(
    "name",
    ["tflite/tiny.tflite", "saved_model/1/variables/variables.data-00000-of-00001"],
)
def test_a_file_with_another_hash_is_named_by_everyone_who_opens_it(exported, name):
    flip(exported / name)
    model = exported / "tflite" / "tiny.tflite"
    if not name.startswith("tflite"):
        model = exported
    for opener in (load_model, lambda model: latency.time_model(str(model), 8, 1, 1)):
        line = refusal(opener, model)
        assert (
            str(exported / name) in line
            and check_card.CARD in line
            and "export again" in line
            and ("is a program" in line) == (model == exported)
        )


@pytest.mark.slow
def test_a_copy_beside_its_card_and_a_missing_part_are_checked_too(exported):
    flat = exported / "flat"
    flat.mkdir()
    for file in (exported / check_card.CARD, exported / "tflite" / "tiny.tflite"):
        shutil.copy(file, flat)
    check_card.check(flat / "tiny.tflite")
    flip(flat / "tiny.tflite")
    assert str(flat / "tiny.tflite") in refusal(check_card.check, flat / "tiny.tflite")
    (exported / "saved_model" / "1" / "fingerprint.pb").unlink()
    assert "missing" in refusal(check_card.check, exported / "saved_model" / "1")


@pytest.mark.slow
@pytest.mark.parametrize(
    "text", ["{", '{"artifacts": [{"sha256": "0"}]}', '{"artifacts": [7]}']
)
def test_a_card_that_cannot_be_read_is_said_in_one_line(exported, text):
    (exported / check_card.CARD).write_text(text)
    line = refusal(load_model, exported / "tflite" / "tiny.tflite")
    assert str(exported / check_card.CARD) in line and "a card that can be read" in line
