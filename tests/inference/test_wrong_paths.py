"""Paths that exist, but are no models: refused before TensorFlow is imported."""

import pytest
from support.pictures import smooth

from nst_tf import evaluate, export, stylize, train
from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.config.export import ExportSettings
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.config.train import TrainSettings
from nst_tf.core import startup

COMMANDS = {
    "stylize": (stylize.main, StylizeSettings, "--model={} --content=a.png"),
    "export": (export.main, ExportSettings, "--model={}"),
    "evaluate": (evaluate.main, EvaluateSettings, "--models={}"),
    "train": (train.main, TrainSettings, "--init_from={} --steps=1"),
}


@pytest.fixture
def places(tmp_path):
    """A text file, one that is called as a network, an empty folder, a folder of photos."""
    (tmp_path / "notes.txt").write_text("no model")
    (tmp_path / "night.keras").write_text("no network")
    (tmp_path / "empty").mkdir()
    (tmp_path / "photos").mkdir()
    smooth(8, 8, 1).save(tmp_path / "photos" / "a.png")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", ["notes.txt", "night.keras", "empty", "photos"])
def test_what_is_no_model_is_refused_before_tensorflow_is_imported(
    places, in_process, monkeypatch, command, name
):
    class Started(Exception):
        pass

    def start():
        raise Started

    main, settings, arguments = COMMANDS[command]
    for module in (startup, stylize, export, evaluate, train):
        monkeypatch.setattr(module, "quiet_start", start, raising=False)
    arguments = [
        *arguments.format(places / name).split(),
        f"--output={places / 'out.png'}",
    ]
    if (command, name) == ("evaluate", "photos"):
        with pytest.raises(Started):  # a folder of pictures is judged
            main(settings(models=(str(places / name),), output="out"))
        return
    status, out, err = in_process(main, settings, arguments)
    (line,) = err.splitlines()
    assert (status, out) == (1, "") and line.startswith("error: Expected")
    assert str(places / name) in line
