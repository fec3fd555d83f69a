"""An export that ends at any moment leaves files that can be painted with, and blocks no next one."""

import json
import os
import signal
import time

import pytest
from support import tiny

from nst_tf.config.export import ExportSettings
from nst_tf.core import files
from nst_tf.core.errors import UserError
from nst_tf.exporters import export_network, run as export_run
from nst_tf.exporters.source import Source
from nst_tf.inference import check_card


@pytest.fixture
def export(tmp_path, monkeypatch):
    """Exports "files" that hold a text; `fail` ends the process' work behind them."""
    source = Source(tmp_path / "m", "m", {}, {})
    monkeypatch.setattr(export_run, "find_source", lambda model: source)
    monkeypatch.setattr(export_run, "open_source", lambda source: tiny.network())

    def run(content, fail=None, refuse=False, overwrite=True):
        def export_formats(names, network, folder, name, log, **options):
            if refuse:
                return [], {"tflite": "it does not draw what the network draws"}
            path = folder / "tflite" / "out_int8.tflite"
            files.write_atomically(path, content, overwrite=True)
            if fail:
                raise fail
            card = {"artifacts": [{"file": "tflite/out_int8.tflite"}]}
            card["artifacts"][0]["sha256"] = files.sha256(path)
            (folder / check_card.CARD).write_text(json.dumps(card))
            return [], {}

        monkeypatch.setattr(export_network, "export_formats", export_formats)
        settings = ExportSettings(
            model="m",
            output=str(tmp_path / "out"),
            formats=("tflite",),
            overwrite=overwrite,
        )
        export_run.export(settings)

    return run


def test_an_export_that_ends_before_its_card_leaves_no_card_of_older_files(
    tmp_path, export
):
    path = tmp_path / "out" / "tflite" / "out_int8.tflite"
    export(b"old")
    check_card.check(path)
    with pytest.raises(KeyboardInterrupt):
        export(b"new", fail=KeyboardInterrupt())
    assert path.read_bytes() == b"new"
    check_card.check(path)  # raises, if the card is that of the old file


def test_an_export_that_writes_nothing_keeps_the_card(tmp_path, export):
    export(b"old")
    before = (tmp_path / "out" / check_card.CARD).read_bytes()
    with pytest.raises(UserError, match="to equal the network"):
        export(b"", refuse=True)
    assert (tmp_path / "out" / check_card.CARD).read_bytes() == before


def test_an_export_that_is_terminated_removes_what_is_half_done(
    tmp_path, export, monkeypatch
):
    def terminate(names, network, folder, name, log, **options):
        with files.replace_folder(folder / "saved_model" / "1") as scratch:
            (scratch / "saved_model.pb").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(10)

    export(b"old")
    monkeypatch.setattr(export_network, "export_formats", terminate)
    settings = ExportSettings(model="m", output=str(tmp_path / "out"), overwrite=True)
    with pytest.raises(KeyboardInterrupt):
        export_run.export(settings)
    assert os.listdir(tmp_path / "out" / "saved_model") == []
    export(b"new", overwrite=True)


def test_what_a_killed_export_leaves_does_not_block_the_next(tmp_path, export):
    (tmp_path / "out" / ".exportabc" / "1").mkdir(parents=True)
    export(b"new", overwrite=False)
    with pytest.raises(UserError, match="new or empty"):
        export(b"newer", overwrite=False)
