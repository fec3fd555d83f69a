"""Listeners of a run: the log, TensorBoard, previews, the bar."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from nst_tf.core.errors import UserError
from nst_tf.runs import callbacks


def train(*listeners, first=1, last=6, stop=None):
    """Calls the listeners as a run from step `first` to `last` does."""
    for listener in listeners:
        listener.on_train_begin()
        for step in range(first, last + 1):
            logs = {
                "loss": 1.0 / step,
                "style": 2.0,
                "learning_rate": 1e-3,
                "progress": step / last,
            }
            listener.on_train_batch_begin(step - 1)
            listener.on_train_batch_end(step - 1, logs)
        listener.on_train_end(logs)


def entries(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_has_one_json_object_a_step(tmp_path):
    train(callbacks.JsonLog(tmp_path / "log.jsonl"))
    log = entries(tmp_path / "log.jsonl")
    assert [entry["step"] for entry in log] == [1, 2, 3, 4, 5, 6]
    assert log[1]["loss"] == 0.5 and log[1]["learning_rate"] == 1e-3
    seconds = [entry["seconds"] for entry in log]
    assert seconds == sorted(seconds)


def test_each_step_is_in_the_log_as_soon_as_it_is_done(tmp_path):
    log = callbacks.JsonLog(tmp_path / "log.jsonl")
    log.on_train_begin()
    log.on_train_batch_end(0, {"loss": 1.0})
    assert [entry["step"] for entry in entries(tmp_path / "log.jsonl")] == [1]
    log.on_train_end()


@pytest.mark.parametrize("after", [0, 2, 4])
@pytest.mark.parametrize("torn", ["", '{"step": 5, "lo'])
def test_a_resumed_run_cuts_the_log_back_to_its_checkpoint_and_goes_on(
    tmp_path, after, torn
):
    path = tmp_path / "log.jsonl"
    train(callbacks.JsonLog(path), last=4)
    path.write_text(path.read_text() + torn)
    train(callbacks.JsonLog(path, after=after), first=after + 1)
    log = entries(path)
    assert [entry["step"] for entry in log] == [1, 2, 3, 4, 5, 6]
    assert [entry["seconds"] for entry in log] == sorted(
        entry["seconds"] for entry in log
    )


def test_the_time_of_a_resumed_run_goes_on_from_the_logged_one(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "seconds": 1000.0}\n{"step": 2, "seconds": 2000.0}\n')
    train(callbacks.JsonLog(path, after=1), first=2, last=2)
    assert 1000.0 <= entries(path)[1]["seconds"] < 1500.0


def test_tensorboard_events_are_readable_and_hold_each_tenth_step(tmp_path):
    train(callbacks.TensorBoard(tmp_path, every=10), last=25)
    (file,) = tmp_path.iterdir()
    found = {}
    for event in EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            found.setdefault(value.tag, {})[event.step] = float(
                tf.make_ndarray(value.tensor)
            )
    assert found.keys() == {"loss", "style", "learning_rate", "progress"}
    assert found["loss"].keys() == {1, 11, 21}
    np.testing.assert_allclose(found["loss"][11], 1 / 11, rtol=1e-6)


def test_previews_come_once_early_and_then_evenly():
    steps = []
    train(callbacks.Previews(steps.append, every=20), last=60)
    assert steps == [10, 20, 40, 60]


def test_the_bar_shows_share_step_and_named_losses_and_is_closed(capsys):
    train(callbacks.ProgressBar(), first=4, last=8)
    shown = re.split(r"[\r\n]+", capsys.readouterr().err.strip())[-1]
    assert (
        "100%" in shown
        and "step 8" in shown
        and "loss 0.125" in shown
        and "style 2" in shown
    )
    assert "learning_rate" not in shown


def test_the_bar_survives_a_run_without_a_step(capsys):
    bar = callbacks.ProgressBar()
    bar.on_train_begin()
    bar.on_train_end({})


@pytest.mark.parametrize(
    "line", [b"garbage", b"\xff\x00", b"[]", b"7", b'{"step": 2}', b'{"seconds": "x"}']
)
def test_a_log_with_garbage_is_refused_in_one_line_and_left_alone(tmp_path, line):
    path = tmp_path / "log.jsonl"
    content = b'{"step": 1, "seconds": 1.0}\n' + line + b"\n"
    path.write_bytes(content)
    with pytest.raises(UserError, match="line 2 of ") as caught:
        callbacks.JsonLog(path, after=2).on_train_begin()
    assert "\n" not in str(caught.value) and path.read_bytes() == content
