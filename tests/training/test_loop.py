"""The fit loop: budgets, checkpoints, exact continuation, interruption, bad losses, full disks."""

import contextlib
import itertools
import math
import os
import resource
import signal
import subprocess
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.core.errors import UserError
from nst_tf.runs.folder import RunFolder
from nst_tf.training.distribution import open_distribution
from nst_tf.training.first_weights import restore_weights
from nst_tf.training.loop import Fit
from nst_tf.training.optimizers import open_optimizer
from nst_tf.training.schedule import FitConfig

BATCH = 4


class ToyTask:
    """Learns to invert pictures; its state is a running mean: losing it changes the loss."""

    output_layers = ()
    learning_rows = 0

    def __init__(self, channels=6, nan_at=None):
        keras.utils.set_random_seed(3)
        self.network = keras.Sequential(
            [
                keras.Input((None, None, 3)),
                keras.layers.Conv2D(channels, 3, padding="same", activation="relu"),
                keras.layers.Conv2D(3, 3, padding="same"),
            ]
        )
        self.state = {"mean": tf.Variable(0.0, trainable=False)}
        self._nan_at = nan_at

    def terms(self, batch):
        image, mean = batch["image"], self.state["mean"]
        mean.assign(0.9 * mean + tf.reduce_mean(image))
        error = tf.reduce_mean(
            tf.square(self.network(image) - (1.0 - image) * mean), [1, 2, 3]
        )
        if self._nan_at is not None:
            error += tf.where(
                batch["index"] // BATCH == self._nan_at - 1, math.nan, 0.0
            )
        return {"loss": error, "error": error}


def open_batches(shard, start):
    def example(index):
        seed = tf.stack([index, tf.constant(7, tf.int64)])
        return {"image": tf.random.stateless_uniform([8, 8, 3], seed), "index": index}

    return (
        tf.data.Dataset.range(start, 10_000)
        .map(example)
        .batch(BATCH, drop_remainder=True)
    )


def config(**changes):
    return FitConfig(
        **{
            "steps": 6,
            "minutes": -1.0,
            "least_steps": 0,
            "learning_rate": 1e-2,
            "schedule": "cosine",
            "batch_size": BATCH,
            "checkpoint_steps": 1000,
            "checkpoint_minutes": 60.0,
            **changes,
        }
    )


def open_fit(folder, task=None, **changes):
    return Fit(
        task or ToyTask(), config(**changes), open_distribution("one_device"), folder
    )


def everything(fit):
    """All that a run ends with, as arrays."""
    variables = [
        *fit.task.network.variables,
        *fit._optimizer.variables,
        *fit.task.state.values(),
        fit._step,
        fit._next_index,
    ]
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def at_step(step, act):
    """A callback that acts after step number `step`, counted from 1."""
    return keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: act() if batch + 1 == step else None
    )


def stop(network):
    def act():
        network.stop_training = True

    return act


def saved(folder):
    """The steps of the checkpoints in a folder, found without the code under test."""
    return sorted(int(path.stem[5:]) for path in folder.rglob("ckpt-*.index"))


def checkpointed(folder):
    """{name: array} of the newest checkpoint, read without the code under test."""
    reader = tf.train.load_checkpoint(str(folder / f"ckpt-{max(saved(folder))}"))
    dtypes = reader.get_variable_to_dtype_map()
    return {
        name: reader.get_tensor(name)
        for name, dtype in dtypes.items()
        if dtype.is_floating
    }


@pytest.mark.parametrize(
    "kind",
    [
        {"schedule": "cosine"},
        {"schedule": "constant"},
        {"optimizer": "muon"},
        {"ema": 0.8},
    ],
)
def test_a_run_stopped_and_resumed_ends_as_one_that_was_not_bit_for_bit(tmp_path, kind):
    straight = open_fit(tmp_path / "a", **kind)
    straight.run(open_batches)

    first = open_fit(tmp_path / "b", **kind)
    assert first.run(open_batches, [at_step(3, stop(first.task.network))]).steps == 3
    second = open_fit(tmp_path / "b", **kind)
    untouched = everything(second)
    assert second.restore() == 3
    assert second.run(open_batches).reason == "steps"

    compared = list(
        zip(everything(straight), everything(second), untouched, strict=True)
    )
    assert all(np.array_equal(a, b) for a, b, _ in compared)
    # The comparison means something: nearly all of this was changed by training. Only
    # Muon leaves something more as it was: Adam's second moment of kernels.
    kernels = sum(
        len(each.shape) == 4 for each in straight.task.network.trainable_variables
    )
    unused = 2 + (kernels if "optimizer" in kind else 0)
    assert (
        sum(not np.array_equal(a, c) for a, _, c in compared) >= len(compared) - unused
    )


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_with_ema_a_run_ends_with_the_average_of_its_weights_over_steps(
    tmp_path, optimizer
):
    fit, seen = open_fit(tmp_path, ema=0.8, optimizer=optimizer), []
    fit.run(
        open_batches,
        [
            keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs: seen.append(
                    [weight.numpy() for weight in fit.task.network.trainable_weights]
                )
            )
        ],
    )
    averages = seen[0]
    for weights in seen[1:]:
        averages = [
            0.8 * average + 0.2 * weight for average, weight in zip(averages, weights)
        ]
    for weight, average, last in zip(
        fit.task.network.trainable_weights, averages, seen[-1]
    ):
        np.testing.assert_allclose(weight, average, rtol=1e-5, atol=1e-6)
        assert np.abs(average - last).max() > 1e-4


def test_data_go_on_where_the_interrupted_run_stopped(tmp_path):
    seen = []

    def recorded(shard, start):
        seen.append(start)
        return open_batches(shard, start)

    first = open_fit(tmp_path)
    first.run(recorded, [at_step(4, stop(first.task.network))])
    second = open_fit(tmp_path)
    second.restore()
    second.run(recorded)
    assert seen == [0, 4 * BATCH]


def test_callbacks_get_keras_protocol_in_order_with_finite_floats(tmp_path):
    calls = []

    class Listener(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            calls.append(("begin", self.model))

        def on_train_batch_begin(self, batch, logs=None):
            calls.append(("batch_begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            calls.append(("batch_end", batch))
            assert {"loss", "error", "learning_rate", "progress"} <= logs.keys()
            assert all(
                type(value) is float and math.isfinite(value) for value in logs.values()
            )

        def on_train_end(self, logs=None):
            calls.append(("end", logs["loss"] > 0))

    fit = open_fit(tmp_path, steps=2)
    fit.run(open_batches, [Listener(), keras.callbacks.TerminateOnNaN()])
    assert calls == [
        ("begin", fit.task.network),
        ("batch_begin", 0),
        ("batch_end", 0),
        ("batch_begin", 1),
        ("batch_end", 1),
        ("end", True),
    ]


def test_a_callback_stops_the_run_after_its_step(tmp_path):
    fit = open_fit(tmp_path, steps=50)
    result = fit.run(open_batches, [at_step(2, stop(fit.task.network))])
    assert (result.steps, result.reason) == (2, "stopped by a callback")
    assert saved(tmp_path) == [2]


def test_cosine_goes_from_the_learning_rate_towards_zero_and_constant_stays(tmp_path):
    def sizes(schedule):
        taken = []
        note = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: taken.append(logs["learning_rate"])
        )
        open_fit(tmp_path / schedule, schedule=schedule).run(open_batches, [note])
        return taken

    wanted = [0.005 * (1 + math.cos(math.pi * step / 6)) for step in range(6)]
    np.testing.assert_allclose(sizes("cosine"), wanted, rtol=1e-6)
    assert sizes("constant") == [0.01] * 6


def test_a_budget_in_minutes_ends_the_run_and_counts_the_time_before_an_interruption(
    tmp_path,
):
    # The first step compiles, which takes more than a second on a busy machine.
    first = open_fit(tmp_path, steps=-1, minutes=4 / 60)
    result = first.run(open_batches)
    assert result.reason == "minutes" and result.steps > 1
    assert 4.0 <= result.seconds < 40.0
    second = open_fit(tmp_path, steps=-1, minutes=4 / 60)
    second.restore()
    assert second.run(open_batches).steps == result.steps


def test_minutes_do_not_end_a_run_before_its_least_steps(tmp_path):
    result = open_fit(tmp_path, steps=-1, minutes=1e-6, least_steps=4).run(open_batches)
    assert result.reason == "minutes" and result.steps == 4


def test_the_budget_reached_first_ends_the_run(tmp_path):
    assert open_fit(tmp_path, steps=2, minutes=10.0).run(open_batches).reason == "steps"


@pytest.mark.parametrize(
    "changes, newest",
    [({"checkpoint_steps": 2}, 4), ({"checkpoint_minutes": 1e-9}, 5), ({}, None)],
)
def test_checkpoints_come_by_steps_or_by_minutes(tmp_path, changes, newest):
    class Died(Exception):
        pass

    def die():
        raise Died

    with pytest.raises(Died):
        open_fit(tmp_path, **changes).run(open_batches, [at_step(6, die)])
    assert max(saved(tmp_path), default=None) == newest
    assert len(saved(tmp_path)) == (2 if newest else 0)  # the last two, not all


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_step_with_a_checkpoint(tmp_path, number):
    before = signal.getsignal(number)
    fit = open_fit(tmp_path)
    result = fit.run(open_batches, [at_step(3, lambda: os.kill(os.getpid(), number))])
    assert (result.steps, result.reason) == (3, "interrupted")
    assert open_fit(tmp_path).restore() == 3
    assert signal.getsignal(number) is before


def test_a_second_ctrl_c_ends_at_once_and_still_closes_the_callbacks(tmp_path):
    ended = []

    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    closing = keras.callbacks.LambdaCallback(
        on_train_end=lambda logs: ended.append(True)
    )
    with pytest.raises(KeyboardInterrupt):
        open_fit(tmp_path).run(open_batches, [at_step(2, twice), closing])
    assert ended == [True] and not saved(tmp_path)


def test_a_loss_that_is_not_finite_names_step_and_last_good_checkpoint(tmp_path):
    fit = open_fit(tmp_path, ToyTask(nan_at=5), checkpoint_steps=2)
    with pytest.raises(UserError) as caught:
        fit.run(open_batches)
    message = str(caught.value)
    assert (
        "step 5" in message
        and str(tmp_path / "ckpt-4") in message
        and "\n" not in message
    )
    assert all(np.isfinite(value).all() for value in checkpointed(tmp_path).values())
    assert open_fit(tmp_path).restore() == 4


def test_before_the_first_checkpoint_the_message_says_that_there_is_none(tmp_path):
    with pytest.raises(UserError, match="step 1.*none"):
        open_fit(tmp_path, ToyTask(nan_at=1)).run(open_batches)


def test_weights_that_blow_up_never_reach_a_checkpoint(tmp_path):
    fit = open_fit(tmp_path, learning_rate=1e30, checkpoint_steps=1, steps=50)
    with pytest.raises(UserError, match="Expected finite"):
        fit.run(open_batches)
    if saved(tmp_path):
        assert all(
            np.isfinite(value).all() for value in checkpointed(tmp_path).values()
        )


def test_weights_that_are_not_finite_are_not_saved_though_the_loss_is(tmp_path):
    fit = open_fit(tmp_path)
    fit.save()
    fit.task.network.trainable_variables[0].assign(
        tf.fill(fit.task.network.trainable_variables[0].shape, math.nan)
    )
    with pytest.raises(UserError, match="kernel"):
        fit.save()
    assert all(np.isfinite(value).all() for value in checkpointed(tmp_path).values())


def test_a_checkpoint_of_another_network_is_refused_in_one_line(tmp_path):
    open_fit(tmp_path).save()
    with pytest.raises(UserError) as caught:
        open_fit(tmp_path, ToyTask(channels=9)).restore()
    assert str(caught.value).startswith(
        "Expected a checkpoint of the same network. Received: "
    )
    assert "\n" not in str(caught.value)


def test_a_run_begins_with_the_weights_of_another_and_nothing_else_of_it(tmp_path):
    other = open_fit(tmp_path / "checkpoints")
    other.run(open_batches)
    fit = open_fit(tmp_path / "new", steps=2)
    fresh = [variable.numpy() for variable in fit._optimizer.variables]
    restore_weights(fit.task.network, RunFolder(tmp_path))
    for mine, trained in zip(
        fit.task.network.variables, other.task.network.variables, strict=True
    ):
        assert np.array_equal(mine, trained)
    assert fit.step == 0 and float(fit.task.state["mean"]) == 0
    for mine, before in zip(fit._optimizer.variables, fresh, strict=True):
        assert np.array_equal(mine, before)
    assert fit.run(open_batches).steps == 2


@pytest.mark.parametrize(
    "trained, received",
    [(None, "it has no checkpoint"), (9, "")],
    ids=["no run", "another network"],
)
def test_weights_that_do_not_fit_are_refused_in_one_line(tmp_path, trained, received):
    if trained:
        open_fit(tmp_path / "checkpoints", ToyTask(channels=trained)).save()
    with pytest.raises(
        UserError, match="Expected --init_from with a run of the same"
    ) as caught:
        restore_weights(ToyTask().network, RunFolder(tmp_path))
    assert received in str(caught.value) and "\n" not in str(caught.value)


@contextlib.contextmanager
def file_size_limit(folder):
    """No file of this process can grow beyond 100 kB: writes fail as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    previous = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, previous)


@contextlib.contextmanager
def no_space_left(folder):
    """The rest of the small disk is filled."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while file.write(b"0" * 4096):
            pass
    try:
        yield
    finally:
        filler.unlink()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 6 MB; skips where none can be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder],
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize(
    "disk, fill", [("tmp_path", file_size_limit), ("small_disk", no_space_left)]
)
def test_a_full_disk_leaves_the_old_checkpoint_and_one_clear_line(request, disk, fill):
    folder = request.getfixturevalue(disk)
    with contextlib.ExitStack() as full:
        fit = open_fit(folder / "ckpt", ToyTask(channels=2000), checkpoint_steps=2)
        with pytest.raises(UserError) as caught:
            fit.run(
                open_batches, [at_step(3, lambda: full.enter_context(fill(folder)))]
            )
    message = str(caught.value)
    assert (
        "Expected to write a checkpoint at step 4. Received: " in message
        and "\n" not in message
    )
    assert str(folder / "ckpt" / "ckpt-2") in message and "--resume" in message
    resumed = open_fit(folder / "ckpt", ToyTask(channels=2000))
    assert resumed.restore() == 2
    assert resumed.run(open_batches).steps == 6
    straight = open_fit(
        folder.parent / f"{folder.name}_straight", ToyTask(channels=2000)
    )
    straight.run(open_batches)
    assert all(
        itertools.starmap(
            np.array_equal, zip(everything(resumed), everything(straight))
        )
    )


def test_photos_that_run_out_end_the_run_in_one_line(tmp_path):
    with pytest.raises(UserError, match="Expected more training photos. Received: "):
        open_fit(tmp_path).run(lambda shard, start: open_batches(shard, start).take(2))


def test_unusable_data_end_the_run_with_their_own_message(tmp_path):
    def check():
        raise UserError("Expected photos. Received: rubbish. Mend them.")

    with pytest.raises(UserError, match="rubbish"):
        open_fit(tmp_path).run(open_batches, check_data=check)


def test_unusable_data_leave_a_checkpoint_of_what_was_learnt(tmp_path):
    seen = []

    def check():
        seen.append(1)
        if len(seen) == 3:
            raise UserError("Expected photos. Received: rubbish. Mend them.")

    with pytest.raises(UserError, match="rubbish"):
        open_fit(tmp_path).run(open_batches, check_data=check)
    assert open_fit(tmp_path).restore() == 3


def test_resuming_without_a_checkpoint_is_refused_and_names_overwrite(tmp_path):
    with pytest.raises(UserError, match="whole checkpoint.*no checkpoint.*--overwrite"):
        open_fit(tmp_path).restore()


def test_a_run_whose_newest_checkpoint_is_damaged_ends_as_one_that_was_not(tmp_path):
    straight = open_fit(tmp_path / "a")
    straight.run(open_batches)
    first = open_fit(tmp_path / "b", checkpoint_steps=2)
    first.run(open_batches, [at_step(5, stop(first.task.network))])
    assert saved(tmp_path / "b") == [4, 5]
    (data,) = (tmp_path / "b").glob("ckpt-5.data*")
    os.truncate(data, 100)
    second, lines = open_fit(tmp_path / "b"), []
    assert second.restore(lines.append) == 4
    assert len(lines) == 1 and "ckpt-5" in lines[0]
    second.run(open_batches)
    assert all(map(np.array_equal, everything(straight), everything(second)))


def test_the_first_step_which_compiles_uses_up_no_minutes(tmp_path):
    class Slow(ToyTask):
        def terms(self, batch):
            # Runs once, while the step is compiled.
            time.sleep(2.5)
            return super().terms(batch)

    sizes = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: sizes.append(logs["progress"])
    )
    fit = open_fit(tmp_path, Slow(), steps=-1, minutes=1 / 60)
    result = fit.run(open_batches, [note])
    assert sizes[0] == 0 and result.steps > 3
    assert 1.0 <= result.seconds < 2.5


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_with_ema_what_has_no_gradient_stays_bit_for_bit(optimizer):
    kept = keras.Variable(np.random.default_rng(0).normal(size=(7, 5)), name="scale")
    before = kept.numpy().copy()
    opened = open_optimizer(config(ema=0.93, optimizer=optimizer), ToyTask())
    opened.build([kept])
    for _ in range(20):
        opened.apply([keras.ops.zeros((7, 5))], [kept])
    opened.finalize_variable_values([kept])
    np.testing.assert_array_equal(kept, before)
