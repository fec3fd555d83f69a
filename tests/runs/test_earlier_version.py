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

from nst_tf import stylize, train
from nst_tf.config.export import ExportSettings
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.stylize import StylizeSettings
from nst_tf.config.train import FeedforwardSettings, TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io
from nst_tf.runs.folder import RunFolder, open_run

FIXTURE = Path(__file__).parents[1] / "fixtures" / "run_of_0ad64c8"
# Bit for bit on the machine that began the run; other processors round sums in another
# order, which four steps of Muon enlarge.
TOLERANCE = 2e-3


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A copy of the interrupted run."""
    folder = tmp_path_factory.mktemp("runs") / "feedforward"
    shutil.copytree(FIXTURE / "feedforward", folder)
    return folder


@pytest.fixture(scope="module")
def resumed(begun, tmp_path_factory):
    """A copy that was resumed through the command's settings, exported at the end."""
    from nst_tf.config import flags as config_flags
    from absl import flags

    folder = tmp_path_factory.mktemp("resumed") / "feedforward"
    shutil.copytree(begun, folder)
    with pytest.raises(SystemExit) as ended:
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


def test_its_export_paints_what_the_uninterrupted_runs_network_drew(
    resumed, tmp_path, in_process
):
    with np.load(FIXTURE / "expected.npz") as expected:
        photo, straight = expected["photo"], expected["straight"]
    image_io.write_picture(tmp_path / "photo.png", image_io.Picture(photo))
    for model in (resumed, resumed / "tflite" / "feedforward.tflite"):
        output = tmp_path / f"{model.suffix}.png"
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
        error = np.abs(image_io.read_picture(output).rgb - straight)
        assert error.mean() < 1.5 / 255
