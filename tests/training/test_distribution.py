"""The same training on one device, on two devices of one process, and in two processes."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from support import worker_main
from support.pictures import smooth
from support.watched_runs import log

from nst_tf.config.train import TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.data.pipeline import Shard
from nst_tf.runs.checkpoints import Checkpoints
from nst_tf.training import run as train_run
from nst_tf.training.distribution import Distribution, open_distribution
from nst_tf.training.methods import feedforward

pytestmark = pytest.mark.slow

STEPS = 8
# Small steps on smooth pictures: no rounding error then moves a value across the edge
# of a ReLU or of a maximum, where gradients jump, so that the comparisons below can be
# strict.
FLAGS = {
    "style_size": 32,
    "style_layers": "relu1_1,relu2_1",
    "content_layers": "relu2_1",
    "content": "builtin:leaves",
    "crop_size": 32,
    "width": 4,
    "residual_blocks": 0,
    "batch_size": 4,
    "learning_rate": 1e-4,
    "steps": STEPS,
    "checkpoint_steps": 2,
    "preview_steps": 0,
    "tensorboard": False,
    "export": "",
}
PATIENCE = 240  # seconds, for a start on a busy machine
NOTICED = 90  # seconds from a worker's death to the other's end


class Process:
    """One process of `worker_main.py`, its output in files."""

    def __init__(self, folder, name, flags, tf_config=None):
        self.dump = folder / f"{name}.npz"
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        environment = {
            key: value for key, value in os.environ.items() if key != "TF_CONFIG"
        }
        if tf_config:
            environment["TF_CONFIG"] = json.dumps(tf_config)
        worker = Path(__file__).parents[1] / "support" / "worker_main.py"
        flags = {**FLAGS, **flags, "dump": self.dump}
        listed = [f"--{key}={value}" for key, value in flags.items()]
        with self._out.open("w") as out, self._err.open("w") as err:
            self._popen = subprocess.Popen(
                [sys.executable, worker, *listed],
                env=environment,
                stdout=out,
                stderr=err,
            )

    @property
    def pid(self):
        return self._popen.pid

    @property
    def out(self):
        return self._out.read_text()

    @property
    def err(self):
        return self._err.read_text()

    @property
    def last_line(self):
        """The last line on stderr, after what a progress bar has overwritten."""
        return re.split(r"[\r\n]+", self.err.strip())[-1]

    def poll(self):
        """The exit status, None while it runs."""
        return self._popen.poll()

    def wait(self, timeout=PATIENCE):
        """Waits for the end; returns the exit status."""
        return self._popen.wait(timeout)

    def wait_for_step(self, step):
        deadline = time.monotonic() + PATIENCE
        while f'{{"step": {step}}}' not in self.out:
            assert self._popen.poll() is None and time.monotonic() < deadline, self.err
            time.sleep(0.05)

    def stop(self):
        self._popen.kill()
        self._popen.wait()

    def result(self):
        """(losses, replicas, {name: array}) after a good end."""
        assert self.wait() == 0, self.err
        return arrays_of(self.dump)


def arrays_of(dump):
    with np.load(dump) as archive:
        arrays = dict(archive)
    return arrays.pop("losses"), arrays.pop("replicas"), arrays


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("distribution")
    smooth(48, 64).save(folder / "style.png")
    return folder


@pytest.fixture(scope="module")
def start(folder):
    """Starts a process, or a pair of workers; whatever still lives at the end is killed."""
    started = []

    def one(name, output, **flags):
        flags = {
            "style_image": folder / "style.png",
            "output": folder / output,
            **flags,
        }
        started.append(Process(folder, name, flags, flags.pop("tf_config", None)))
        return started[-1]

    def pair(name, output, **flags):
        workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
        return [
            one(
                f"{name}{index}",
                output,
                strategy="multi_worker",
                **flags,
                tf_config={
                    "cluster": {"worker": workers},
                    "task": {"type": "worker", "index": index},
                },
            )
            for index in (0, 1)
        ]

    one.pair = pair
    yield one
    for process in started:
        process.stop()


@pytest.fixture(scope="module")
def alone(folder):
    """Runs in this process, on one device: (output) -> (losses, replicas, {name: array})."""

    def run(output, resume=False):
        values = {
            key: tuple(value.split(",")) if key.endswith("layers") else value
            for key, value in FLAGS.items()
        }
        dump = folder / f"{output}_alone.npz"
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(train_run, "Fit", worker_main.recorded_fit(dump))
            patch.setattr(feedforward, "SHEET_SIDE", 64)
            train_run.train(
                TrainSettings.of(
                    {
                        **values,
                        "style_image": str(folder / "style.png"),
                        "output": str(folder / output),
                        "export": (),
                        "resume": resume,
                    }
                )
            )
        return arrays_of(dump)

    return run


@pytest.fixture(scope="module")
def straight(start, alone):
    """One device, two devices and two workers, each from start to end."""
    runs = {
        "mirrored": start("mirrored", "mirrored", strategy="mirrored", logical_cpus=2)
    }
    runs["chief"], runs["worker"] = start.pair("straight", "pair")
    return {
        "one": alone("one"),
        **{name: process.result() for name, process in runs.items()},
    }


@pytest.fixture(scope="module")
def widowed(start, straight):
    """Two pairs that lose worker 1, or the chief: {name: (survivor, status, seconds)}."""
    victims = {"worker": 1, "chief": 0}
    pairs = {name: start.pair(name, name, pause=1.0) for name in victims}
    for processes in pairs.values():
        for process in processes:
            process.wait_for_step(3)
    struck = time.monotonic()
    for name, processes in pairs.items():
        os.kill(processes[victims[name]].pid, signal.SIGKILL)
    ends, deadline = {}, struck + NOTICED
    while len(ends) < len(pairs) and time.monotonic() < deadline:
        for name, processes in pairs.items():
            survivor = processes[1 - victims[name]]
            if name not in ends and survivor.poll() is not None:
                ends[name] = (survivor, survivor.poll(), time.monotonic() - struck)
        time.sleep(0.1)
    return ends


@pytest.fixture(scope="module")
def interrupted(start, widowed):
    """Two new workers that resume what worker 1 had left, until worker 1 gets Ctrl-C."""
    pair = start.pair("again", "worker", resume=True, pause=1.0)
    for process in pair:
        process.wait_for_step(5)
    os.kill(pair[1].pid, signal.SIGINT)
    return pair, [process.wait(NOTICED) for process in pair]


def assert_same(one, other):
    (losses, _, arrays), (other_losses, _, other_arrays) = one, other
    np.testing.assert_allclose(other_losses, losses[-len(other_losses) :], rtol=1e-5)
    for name, array in arrays.items():
        if re.search(r"conv.bias", name) and "out_conv" not in name:
            # Instance norm takes this bias out again: its gradient is nothing but
            # rounding errors, which Adam enlarges to whole steps. It does not change
            # any picture.
            continue
        # Sums in another order differ by 1e-7; eight steps enlarge that about tenfold.
        error = np.linalg.norm(other_arrays[name] - array) / np.linalg.norm(array)
        assert error < 1e-3, f"{name}: {error:.1e}"


def logged(folder, name):
    return [entry[name] for entry in log(folder)]


def test_mirrored_on_two_logical_cpus_trains_as_one_device(straight):
    assert straight["mirrored"][1] == 2
    assert_same(straight["one"], straight["mirrored"])


def test_two_workers_have_the_same_losses_and_weights_bit_for_bit(straight):
    losses, replicas, arrays = straight["chief"]
    other_losses, _, other_arrays = straight["worker"]
    assert replicas == 2 and len(losses) == STEPS
    assert np.array_equal(losses, other_losses)
    assert all(np.array_equal(arrays[name], other_arrays[name]) for name in arrays)


def test_two_workers_train_as_one_device_with_the_same_global_batch(straight):
    assert_same(straight["one"], straight["chief"])


def test_training_changed_more_than_the_tolerance_of_these_comparisons(straight):
    losses = straight["one"][0]
    assert abs(losses[-1] / losses[0] - 1) > 0.05


def test_only_the_chief_leaves_files_in_the_run_folder(straight, folder):
    files = {
        str(path.relative_to(folder / "pair")) for path in (folder / "pair").rglob("*")
    }
    assert files == {
        str(path.relative_to(folder / "one")) for path in (folder / "one").rglob("*")
    }
    assert logged(folder / "pair", "step") == list(range(1, STEPS + 1))


@pytest.mark.parametrize("name", ["worker", "chief"])
def test_a_worker_that_dies_ends_the_other_in_bounded_time_with_one_clear_line(
    widowed, folder, name
):
    assert name in widowed, f"the other still waits after {NOTICED} seconds"
    survivor, status, seconds = widowed[name]
    print(f"ended {seconds:.1f} s after the death of the {name}")
    assert status == 1
    line = survivor.last_line
    assert line.startswith("error: Expected all 2 workers to answer. Received: ")
    assert "--resume" in line and str(folder / name / "checkpoints") in line
    assert "Traceback" not in survivor.err


def test_ctrl_c_at_one_worker_ends_both_with_a_checkpoint(interrupted, folder):
    pair, statuses = interrupted
    assert statuses == [130, 130]
    step = int(re.match(r"interrupted: after step (\d+),", pair[0].last_line)[1])
    newest = Checkpoints(folder / "worker" / "checkpoints").newest
    assert newest.stem == f"ckpt-{step}"


def test_a_death_and_two_resumes_on_other_devices_end_as_the_straight_run(
    interrupted, straight, alone, folder
):
    pair, _ = interrupted
    assert "continuing at step 2" in pair[0].out  # 3 steps done, a checkpoint every 2
    final = alone("worker", resume=True)
    assert 0 < len(final[0]) < STEPS - 4
    assert_same(straight["one"], final)
    assert logged(folder / "worker", "step") == list(range(1, STEPS + 1))
    np.testing.assert_allclose(
        logged(folder / "worker", "loss"), logged(folder / "one", "loss"), rtol=1e-5
    )


def test_a_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(
        UserError, match="divisible by the 2 replicas.*Received: 3.*--batch_size"
    ):
        Shard(3, 0, 2)


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        "not json",
        "[]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "ps", "index": 0}}',
    ],
)
def test_multi_worker_without_a_usable_tf_config_is_refused(monkeypatch, config):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(UserError, match="Expected TF_CONFIG such as .* Received: "):
        open_distribution("multi_worker")


def test_one_process_agrees_with_itself():
    assert Distribution(tf.distribute.get_strategy()).agree(1.5, True, False) == (
        1.5,
        True,
        False,
    )
