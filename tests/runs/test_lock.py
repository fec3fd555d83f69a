"""A run folder is worked in by one process at a time, and a dead one is not in the way."""

import json
import subprocess
import sys

import pytest

from nst_tf.config.train import TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.runs import callbacks
from nst_tf.runs.folder import open_run

HOLD = """
import sys, time
from pathlib import Path
from nst_tf.runs.lock import open_locked
file = open_locked(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def settings(folder, **changes):
    return TrainSettings.of({"output": str(folder), "steps": 3, **changes})


@pytest.fixture
def other(tmp_path):
    """A process that works in the run folder tmp_path/run."""
    run = open_run(settings(tmp_path / "run"))
    run.log.write_text('{"step": 1, "seconds": 1.0}\n')
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, run.log], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process, run
    process.kill()
    process.wait()


@pytest.mark.parametrize("changes", [{"resume": True}, {"overwrite": True}])
def test_a_folder_in_which_another_process_works_is_refused_and_left_alone(
    other, changes
):
    _, run = other
    before = {path: path.read_bytes() for path in run.path.iterdir()}
    with pytest.raises(UserError, match="no other process works"):
        open_run(settings(run.path, **changes))
    log = callbacks.JsonLog(run.log)
    with pytest.raises(UserError, match="no other process works"):
        log.on_train_begin()
    assert {path: path.read_bytes() for path in run.path.iterdir()} == before


def test_a_process_that_was_killed_is_not_in_the_way(other):
    process, run = other
    process.kill()
    process.wait()
    assert open_run(settings(run.path, resume=True)).path == run.path
    log = callbacks.JsonLog(run.log, after=1)
    log.on_train_begin()
    log.on_train_batch_end(1, {"loss": 1.0})
    log.on_train_end()
    lines = run.log.read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [1, 2]
    log.on_train_begin()  # its own end has given the lock back
    log.on_train_end()
