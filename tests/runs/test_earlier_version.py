"""A run that commit 0ad64c8 began: it resumes, exports and paints with today's code.

`feedforward` was interrupted after 2 of 4 steps; `straight_weights.npz` is what the run
without interruption ended with, `expected.npz` what its network draws.
"""

import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from absl import flags

from nst_tf import stylize, train
from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.config.train import FeedforwardSettings, TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io
from nst_tf.runs.folder import RunFolder, open_run
from nst_tf.training.first_weights import restore_weights
from nst_tf.training.methods import drawing, feedforward

FIXTURE = Path(__file__).parents[1] / "fixtures" / "run_of_0ad64c8"
# Other machines round otherwise: 0ad64c8 itself ended 4.5e-5 away when it resumed this
# run, and this code, whose moments round otherwise too, ends as near.
TOLERANCE = 2e-4


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A copy of the interrupted run."""
    folder = tmp_path_factory.mktemp("runs") / "feedforward"
    shutil.copytree(FIXTURE / "feedforward", folder)
    return folder


@pytest.fixture(scope="module")
def resumed(begun, tmp_path_factory):
    """A copy that was resumed through the command's settings, exported at the end.

    Its crops are drawn as 0ad64c8 drew them: the first of eight is given back, and the
    others have the styles in turn.
    """
    folder = tmp_path_factory.mktemp("resumed") / "feedforward"
    shutil.copytree(begun, folder)
    with pytest.raises(SystemExit) as ended, pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            drawing, "draw_turns", lambda seed, numbers, purpose, count: numbers % count
        )
        patch.setattr(
            feedforward,
            "draw_turns",
            lambda seed, numbers, purpose, count: (numbers - numbers // 8 - 1) % count,
        )
        config_flags.run(
            train.main,
            TrainSettings,
            [
                f"--flagfile={folder / 'run.flags'}",
                f"--output={folder}",
                "--export=tflite",
                "--resume",
            ],
            flags.FlagValues(),
        )
    assert not ended.value.code
    return folder


def test_it_ends_with_the_weights_of_the_uninterrupted_run(resumed):
    network = keras.saving.load_model(resumed / "network.keras", compile=False)
    with np.load(FIXTURE / "straight_weights.npz") as straight:
        expected = [straight[name] for name in straight.files]
    found = network.get_weights()
    assert len(found) == len(expected)
    for weight, value in zip(found, expected):
        np.testing.assert_allclose(weight, value, atol=TOLERANCE)
    log = (resumed / "log.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [1, 2, 3, 4]


def test_the_tolerance_would_show_a_resume_that_did_nothing(begun):
    with np.load(FIXTURE / "straight_weights.npz") as straight:
        expected = [straight[name] for name in straight.files]
    network = keras.saving.load_model(FIXTURE / "straight.keras", compile=False)
    restore_weights(network, RunFolder(begun))
    for before, value in zip(network.get_weights(), expected, strict=True):
        if value.ndim == 4:
            assert np.abs(before - value).max() > TOLERANCE


def test_its_export_paints_what_the_uninterrupted_runs_network_drew(
    resumed, tmp_path, in_process
):
    with np.load(FIXTURE / "expected.npz") as expected:
        photo, straight = expected["photo"], expected["straight"]
    image_io.write_image(tmp_path / "photo.png", image_io.Image(photo))
    for model in (resumed, resumed / "tflite" / "feedforward.tflite"):
        output = tmp_path / f"{model.name}.png"
        status, _, err = in_process(
            stylize.main,
            StylizeSettings,
            [
                f"--model={model}",
                f"--content={tmp_path / 'photo.png'}",
                f"--output={output}",
                "--style_weights=0.25,0.75",
                "--strength=0.8",
            ],
        )
        assert status == 0, err
        # Two roundings to 8 bits, and the tolerance of the weights.
        error = np.abs(image_io.read_image(output).rgb - straight)
        assert error.mean() < 1.5 / 255


# -- earlier names, and settings that do not count -------------------------------------------------


def rewrite(run, version, **settings):
    """Makes a run look like one with other settings, of an earlier or of this version."""
    record = json.loads(run.record.read_text())
    record["settings"] |= settings
    record["version"] = version
    if version is None:
        del record["version"]
    run.record.write_text(json.dumps(record))


def begin(folder, **changes):
    values = {"output": str(folder), "steps": 3, **changes}
    return open_run(TrainSettings.of(values)), values


@pytest.mark.parametrize("version", [None, "0.0.1"])
def test_what_does_not_count_is_dropped_aloud_in_a_run_of_an_earlier_version(
    tmp_path, capsys, version
):
    run, values = begin(tmp_path / "run")
    rewrite(run, version, transfer="correlation", stability_weight=0.0)
    settings = TrainSettings.of({**values, "transfer": "correlation", "resume": True})
    assert isinstance(settings, FeedforwardSettings)
    assert capsys.readouterr().out == (
        "left out: --transfer=wct, which does not count here\n"
    )
    assert open_run(settings).path == run.path


def test_what_does_not_count_is_refused_in_a_run_of_this_version(tmp_path):
    _, values = begin(tmp_path / "run")
    with pytest.raises(UserError, match="--transfer with --method=any_style"):
        TrainSettings.of({**values, "transfer": "efdm", "resume": True})


def test_a_run_under_earlier_names_is_the_same_run(tmp_path):
    folder = tmp_path / "run"
    run, values = begin(
        folder,
        method="any_style",
        network="style_prediction",
        content_target="transferred",
        transfer="wct",
    )
    record = json.loads(run.record.read_text())
    before = record["settings"]
    before |= {"method": "adain", "any_style": "modulated", "transfer": "correlation"}
    del before["network"], record["version"]
    run.record.write_text(json.dumps(record))
    assert open_run(TrainSettings.of({**values, "resume": True})).path == folder
    with pytest.raises(UserError, match="--network=adain .the run has style_pred"):
        open_run(TrainSettings.of({**values, "network": "adain", "resume": True}))


def test_what_an_earlier_optimization_did_not_use_is_dropped_too(tmp_path, capsys):
    values = {
        "content": "a.jpg",
        "style": ("b.jpg",),
        "output": str(tmp_path / "c.png"),
    }
    first = OptimizeSettings.of(values)
    run = open_run(
        first,
        OptimizeSettings.find_run(values),
        command="nst_tf.optimize",
        flag="--run",
    )
    rewrite(run, None, learning_rate=0.5)
    settings = OptimizeSettings.of({**values, "learning_rate": 0.5, "resume": True})
    assert settings.learning_rate == first.learning_rate
    assert "--learning_rate=0.5" in capsys.readouterr().out
    assert open_run(settings, str(run.path)).path == run.path


def test_a_run_records_command_method_and_version(tmp_path):
    import nst_tf

    run, _ = begin(tmp_path / "run", method="any_style")
    assert {name: run.recorded[name] for name in ("command", "method", "version")} == {
        "command": "nst_tf.train",
        "method": "any_style",
        "version": nst_tf.__version__,
    }


def test_the_command_of_an_earlier_run_is_read_from_its_flags(begun):
    assert "command" not in RunFolder(begun).recorded
    assert RunFolder(begun).command == "nst_tf.train"
