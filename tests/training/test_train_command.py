"""`python -m nst_tf.train`: whole runs of tiny networks, Ctrl-C, resume, and every bad input."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from support.pictures import smooth
from support.tiny import train_settings
from support.watched_runs import log, strike_at

from nst_tf import train
from nst_tf.config.train import TrainSettings
from nst_tf.features import precision
from nst_tf.training import run as train_run
from nst_tf.training.methods import feedforward


@pytest.fixture(scope="module", autouse=True)
def small_pictures():
    """Previews and contact sheets that cost little."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feedforward, "PREVIEW_SIDE", 64)
        patch.setattr(feedforward, "SHEET_SIDE", 64)
        yield


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with a style image, photos, and things that are neither."""
    folder = tmp_path_factory.mktemp("inputs")
    smooth(48, 58, 0).save(folder / "style.png")
    smooth(8, 60, 0).save(folder / "small.png")
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "file").write_text("in the way")
    (folder / "empty").mkdir()
    (folder / "photos").mkdir()
    for seed in range(5):
        smooth(50, 60, seed).save(folder / "photos" / f"{seed}.png")
    return folder


def tiny(inputs, output, **changes):
    """Settings of a run that takes seconds."""
    wanted = {
        "style_image": str(inputs / "style.png"),
        "width": 4,
        "steps": 6,
        **changes,
    }
    return train_settings(inputs / "photos", output, **wanted)


@pytest.fixture
def base(inputs):
    """The same as flags, but for --output."""
    settings = tiny(inputs, "x")
    flags_of = {
        field.name: getattr(settings, field.name)
        for field in dataclasses.fields(settings)
        if getattr(settings, field.name) != field.default
    }
    del flags_of["output"]
    return {
        name: ",".join(map(str, value)) if isinstance(value, tuple) else value
        for name, value in flags_of.items()
    }


@pytest.fixture
def command(base, in_process):
    """Runs the command: (flags) -> (status, stdout, stderr)."""

    def run(**changes):
        values = {
            key: value
            for key, value in {**base, **changes}.items()
            if value is not None
        }
        return in_process(
            train.main,
            TrainSettings,
            [f"--{key}={value}" for key, value in values.items()],
        )

    return run


def times(folders):
    """{file: when it was changed} of everything in some folders."""
    return {
        path: path.stat().st_mtime_ns
        for folder in folders
        for path in folder.rglob("*")
    }


def weights(folder):
    return keras.saving.load_model(
        folder / "network.keras", compile=False
    ).get_weights()


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory):
    """The folder of a finished run of 6 steps."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    train_run.train(tiny(inputs, folder, preview_steps=3, tensorboard=True))
    return folder


def test_a_run_leaves_all_that_is_needed_to_repeat_and_judge_it(finished):
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "run.flags",
        "run.json",
        "log.jsonl",
        "previews",
        "tensorboard",
        "checkpoints",
        "network.keras",
        "contact_sheet.png",
    }
    assert {path.name for path in (finished / "previews").iterdir()} == {
        "step_000003.png",
        "step_000006.png",
    }
    record = json.loads((finished / "run.json").read_text())
    assert record["steps"] == 6 and record["stopped_by"] == "steps"
    assert (
        len(record["style_sha256"][0]) == 64
        and len(record["feature_network"]["sha256"]) == 64
    )
    assert [entry["step"] for entry in log(finished)] == [1, 2, 3, 4, 5, 6]
    assert log(finished)[-1]["loss"] < log(finished)[0]["loss"]


def test_run_flags_alone_repeat_the_run_bit_for_bit(command, base, finished, tmp_path):
    status, _, err = command(
        **dict.fromkeys(base), flagfile=finished / "run.flags", output=tmp_path / "run"
    )
    assert status == 0, err
    assert all(map(np.array_equal, weights(finished), weights(tmp_path / "run")))


@pytest.mark.slow
def test_a_run_that_died_between_checkpoints_resumes_without_a_step_logged_twice(
    command, monkeypatch, inputs, finished, tmp_path
):
    class PowerCut(Exception):
        pass

    def die():
        raise PowerCut

    output = tmp_path / "run"
    with monkeypatch.context() as patch:
        strike_at(patch, train_run, "Fit", 5, die)
        with pytest.raises(PowerCut):
            train_run.train(tiny(inputs, output, checkpoint_steps=3))
    assert [entry["step"] for entry in log(output)] == [1, 2, 3, 4, 5]
    status, out, _ = command(output=output, resume="true")
    assert status == 0 and "continuing at step 3" in out
    assert [entry["step"] for entry in log(output)] == [1, 2, 3, 4, 5, 6]
    assert all(map(np.array_equal, weights(finished), weights(output)))


def test_resuming_a_finished_run_trains_nothing_and_keeps_its_record(command, finished):
    before = json.loads((finished / "run.json").read_text()), weights(finished)
    status, _, err = command(output=finished, resume="true")
    assert status == 0, err
    assert json.loads((finished / "run.json").read_text()) == before[0]
    assert all(map(np.array_equal, weights(finished), before[1]))


@pytest.mark.slow
def test_bfloat16_trains_with_float32_weights_close_to_float32(
    command, finished, tmp_path
):
    status, _, err = command(output=tmp_path / "run", precision="bfloat16")
    assert status == 0, err
    assert all(array.dtype == np.float32 for array in weights(tmp_path / "run"))
    losses, exact = (
        [entry["loss"] for entry in log(folder)]
        for folder in (tmp_path / "run", finished)
    )
    # Steps amplify rounding: only the first two see nearly the same weights.
    np.testing.assert_allclose(losses[:2], exact[:2], rtol=0.02)
    np.testing.assert_allclose(losses, exact, rtol=0.25)
    assert losses != exact  # it was not float32 under another name


@pytest.mark.slow
def test_the_faster_arithmetic_is_chosen_before_the_run_is_written(
    inputs, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        precision, "convolution_seconds", {"float32": 2.0, "bfloat16": 1.0}.get
    )
    said = []
    run = train_run.train(
        tiny(inputs, tmp_path / "run", precision="auto", steps=1), said.append
    )
    assert (
        "--precision=bfloat16" in run.flags.read_text()
        and "--precision=bfloat16" in said[0]
    )


@pytest.mark.slow
def test_a_budget_in_minutes_ends_the_command(command, tmp_path):
    status, out, err = command(output=tmp_path / "run", steps=None, minutes=0.05)
    assert status == 0, err
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["stopped_by"] == "minutes" and record["seconds"] >= 3.0


@pytest.mark.slow
def test_a_command_that_goes_on_beyond_its_minutes_says_so(command, tmp_path):
    status, out, err = command(
        output=tmp_path / "run", steps=None, minutes=1e-6, least_steps=3
    )
    assert status == 0, err
    assert "--minutes=1e-06" in out and "--least_steps=3" in out
    assert json.loads((tmp_path / "run" / "run.json").read_text())["steps"] == 3


def test_a_loss_that_is_not_finite_ends_the_command_in_one_line(command, tmp_path):
    status, _, err = command(
        output=tmp_path / "run", learning_rate=1e30, steps=20, checkpoint_steps=1
    )
    last = err.strip().splitlines()[-1]
    assert status == 1
    assert last.startswith(
        "error: Expected finite numbers. Received: not finite at step "
    )
    assert "The last good checkpoint is " in last and "Traceback" not in err


BAD = {
    "no content folder": ({"content": "{inputs}/nowhere"}, "nowhere"),
    "an empty content folder": ({"content": "{inputs}/empty"}, "{inputs}/empty"),
    "text as style": ({"style_image": "{inputs}/text.jpg"}, "a"),
    "no style": ({"style_image": "{inputs}/none.jpg"}, "none.jpg"),
    "a style below the receptive field": (
        {"style_image": "{inputs}/small.png"},
        "60x8",
    ),
    "a style size below the receptive field": (
        {"style_layers": "relu5_1"},
        "--style_size=32",
    ),
    "an unknown style layer": ({"style_layers": "relu9_1"}, "relu9_1"),
    "an unknown content layer": ({"content_layers": "conv4_2"}, "conv4_2"),
    "a layer weight that is no number": ({"style_layers": "relu1_1:x"}, "relu1_1:x"),
    "a negative weight": ({"style_weight": -1}, "-1.0"),
    "a negative layer weight": ({"style_layers": "relu1_1:-1,relu2_1"}, "-1.0"),
    "no steps": ({"steps": 0}, "0"),
    "no budget": ({"steps": None}, "--minutes"),
    "no batch": ({"batch_size": 0}, "0"),
    "no output": ({"output": ""}, "nothing"),
    "a file as output": ({"output": "{inputs}/file"}, "{inputs}/file"),
    "an output below a file": ({"output": "{inputs}/file/run"}, "{inputs}/file/run"),
    "an output that nobody may create": (
        {"output": "/proc/nowhere/run"},
        "/proc/nowhere",
    ),
    "a folder of somebody else": (
        {"output": "{inputs}", "overwrite": "true"},
        "holds other files",
    ),
    "a folder with a run": ({"output": "{finished}"}, "holds one"),
    "another configuration": (
        {"output": "{finished}", "resume": "true", "style_weight": 3},
        "--style_weight=3.0",
    ),
    "resume of nothing": ({"resume": "true"}, "--resume"),
    "resume and overwrite": ({"resume": "true", "overwrite": "true"}, "both"),
    "crops smaller than a position of the deepest layer": (
        {"crop_size": 8},
        "--crop_size from 16",
    ),
    "a width that no memory holds": ({"width": 100_000}, "--width from 1 to 512"),
    "depth that no memory holds": ({"residual_blocks": 9_999}, "--residual_blocks"),
    "an unknown export": ({"export": "onnx_of_old"}, "onnx_of_old"),
    "slim weights that are none": ({"slim_weights": "{inputs}/text.jpg"}, "text.jpg"),
    "VGG19 weights that are not there": (
        {"feature_network": "vgg19", "vgg_weights": "{inputs}/none.h5"},
        "none.h5",
    ),
    "workers without TF_CONFIG": ({"strategy": "multi_worker"}, "TF_CONFIG"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_clear_line_and_status_1(
    command, inputs, finished, tmp_path, monkeypatch, case
):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    changes, named = BAD[case]
    places = {"inputs": inputs, "finished": finished}
    before = times(places.values())
    output = tmp_path / "run"
    status, out, err = command(
        **{
            "output": output,
            **{
                key: value.format(**places) if isinstance(value, str) else value
                for key, value in changes.items()
            },
        }
    )
    assert status == 1 and out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: Expected ") and ". Received: " in line
    assert named.format(**places) in line
    remedy = line.partition(". Received: ")[2]
    assert len(remedy.split()) >= 3 and remedy.endswith(".")
    assert not output.exists()  # nothing is left behind
    assert times(places.values()) == before  # and nothing was touched


def remove_checkpoints(folder):
    shutil.rmtree(folder / "checkpoints")


def change_record(folder, **entries):
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, **entries}))


CHANGED = {
    "no checkpoints": (remove_checkpoints, "no checkpoint"),
    "another style picture": (
        lambda folder: change_record(folder, style_sha256=["0" * 64]),
        "style_sha256",
    ),
    "other photos": (
        lambda folder: change_record(folder, photos={"names_sha256": "0" * 64}),
        "photos",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_resuming_a_run_that_is_not_as_it_was_is_refused_and_changes_nothing(
    command, finished, tmp_path, case
):
    change, named = CHANGED[case]
    folder = tmp_path / "run"
    shutil.copytree(finished, folder)
    change(folder)
    before = times([folder])
    status, _, err = command(output=folder, resume="true")
    (line,) = err.splitlines()
    assert status == 1 and line.startswith("error: Expected ") and named in line
    assert times([folder]) == before


def test_a_run_under_a_path_with_brackets_resumes_whatever_its_old_list_says(
    command, finished, tmp_path
):
    folder = tmp_path / "a[1]b"
    shutil.copytree(finished, folder)
    (folder / "checkpoints" / "checkpoint").write_bytes(b"\xffgarbage")
    status, out, err = command(output=folder, resume="true")
    assert status == 0, err
    assert "continuing at step 6" in out
    assert all(map(np.array_equal, weights(finished), weights(folder)))


def test_a_run_that_diverges_ends_with_status_1_and_keeps_its_files(command, tmp_path):
    folder = tmp_path / "run"
    status, _, err = command(
        output=folder, learning_rate=1e6, steps=12, export="tflite"
    )
    last = err.strip().splitlines()[-1]
    assert status == 1 and "worse than" in last and "--learning_rate" in last
    names = {path.name for path in folder.iterdir()}
    assert {"network.keras", "checkpoints", "contact_sheet.png"} <= names
    assert "tflite" not in names
    losses = [entry["loss"] for entry in log(folder)]
    assert losses[-1] > 2 * losses[0]
    assert json.loads((folder / "run.json").read_text())["diverged"] is True


def test_what_an_export_lacks_is_told_before_the_first_step(
    command, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    status, _, err = command(output=tmp_path / "run", export="web")
    (line,) = err.splitlines()
    assert status == 1 and "npm is not installed" in line
    assert not (tmp_path / "run").exists()


def test_few_unreadable_photos_are_left_out_and_named(command, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for seed in range(6):
        smooth(50, 60, seed).save(photos / f"{seed}.png")
    for seed in (1, 2):  # a whole header, and little behind it
        (photos / f"{seed}.png").write_bytes((photos / f"{seed}.png").read_bytes()[:99])
    (photos / "text.jpg").write_text("this is no picture")
    status, out, err = command(output=tmp_path / "run", content=photos)
    assert status == 0, err
    assert f"7 photos found in {photos}" in out
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert len(record["unreadable"]) == 3
    for name in ("1.png", "2.png", "text.jpg"):
        assert any(name in reason for reason in record["unreadable"])
        assert name in out.rpartition("6 steps in")[0]


def test_results_that_cannot_be_written_end_in_one_line_and_resume_writes_them(
    command, monkeypatch, tmp_path
):
    output = tmp_path / "run"
    with monkeypatch.context() as patch:
        # A folder in the network's place: its file cannot be written.
        strike_at(patch, train_run, "Fit", 2, (output / "network.keras").mkdir)
        status, _, err = command(output=output, steps=2)
    last = err.strip().splitlines()[-1]
    assert status == 1 and last.startswith("error: Expected to write the results into ")
    (output / "network.keras").rmdir()
    assert command(output=output, steps=2, resume="true")[0] == 0
    assert (output / "network.keras").is_file()


def test_an_os_error_is_one_line_and_a_bug_keeps_its_stack_trace(
    command, monkeypatch, tmp_path
):
    def fail(error):
        def open_run(settings):
            raise error

        monkeypatch.setattr(train_run, "open_run", open_run)

    fail(OSError(28, "No space left on device"))
    status, _, err = command(output=tmp_path / "a")
    (line,) = err.splitlines()
    assert (
        status == 1
        and line.startswith("error: Expected ")
        and "No space left on device" in line
    )
    fail(ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        command(output=tmp_path / "b")


def test_ctrl_c_before_the_first_step_is_one_line_too(command, monkeypatch, tmp_path):
    def open_run(settings):
        raise KeyboardInterrupt

    monkeypatch.setattr(train_run, "open_run", open_run)
    assert command(output=tmp_path / "a") == (130, "", "interrupted\n")


@pytest.mark.slow
def test_a_real_ctrl_c_exits_with_130_and_resume_finishes(command, base, tmp_path):
    output, steps = tmp_path / "run", 120
    environment = {
        key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"
    }
    arguments = [
        f"--{key}={value}"
        for key, value in {**base, "output": output, "steps": steps}.items()
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "nst_tf.train", *arguments],
        env=environment,
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 180
        while not (output / "log.jsonl").exists() or len(log(output)) < 3:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        err = process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130 and "Traceback" not in err
    done = len(log(output))
    last = err.replace("\r", "\n").strip().splitlines()[-1]
    assert last.startswith(
        f"interrupted: after step {done}, --resume continues from {output}"
    )
    assert (
        3 <= done < steps and (output / "checkpoints" / f"ckpt-{done}.index").is_file()
    )
    assert not (output / "network.keras").exists()
    # What TensorFlow says about CPU, drivers and its own files does not bury the
    # command's output.
    for line in ("oneDNN", "cudart", "cuInit", "Sharding callback"):
        assert line not in err

    status, out, err = command(output=output, steps=steps, resume="true")
    assert status == 0 and f"continuing at step {done}" in out, err
    assert [entry["step"] for entry in log(output)] == list(range(1, steps + 1))
    assert (output / "network.keras").is_file()


def test_help_lists_every_setting_with_its_help_and_default():
    answer = subprocess.run(
        [sys.executable, "-m", "nst_tf.train", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    words = " ".join(answer.stdout.split())
    for field in TrainSettings.flag_fields():
        switch = "[no]" if isinstance(field.default, bool) else ""
        shown = f"--{switch}{field.name}: "
        help = " ".join(field.metadata["help"].split())
        assert shown in words or f"--{field.name}: <" in words, field.name
        assert help in words, field.name
    assert "flagfile" in words and answer.stderr == ""


def test_a_bad_setting_ends_the_real_command_before_tensorflow_is_loaded():
    code = """
import sys
sys.argv = ["train", "--steps=0", "--output=x"]
from nst_tf import train
from nst_tf.config.commandline import flags
try:
    flags.run(train.main, train.Settings)
except SystemExit as end:
    assert end.code == 1 and "tensorflow" not in sys.modules
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60
    )
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.startswith("error: Expected --steps above 0")
    assert answer.stderr.count("\n") == 1
    assert answer.stdout == ""


def test_words_that_are_no_flags_are_refused():
    answer = subprocess.run(
        [sys.executable, "-m", "nst_tf.train", "style.jpg"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 1 and "Received: style.jpg" in answer.stderr
    assert "Traceback" not in answer.stderr and answer.stderr.count("\n") == 1
