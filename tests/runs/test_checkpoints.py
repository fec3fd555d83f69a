"""Checkpoints: found under any path, proved, passed over aloud when damaged, never half."""

import hashlib
import os
import re
import shutil

import pytest
import tensorflow as tf

from nst_tf.runs import checkpoints
from nst_tf.runs.checkpoints import Checkpoints

FOLDERS = ("plain", "a[1]b", "what*?", "two words ü")


class Killed(BaseException):
    pass


def holder(value=0.0):
    return tf.train.Checkpoint(value=tf.Variable(float(value)))


def save(folder, *steps):
    """Saves checkpoints that hold their own step."""
    saving = Checkpoints(folder)
    for step in steps:
        saving.save(holder(step), step)
    return saving


def restore(folder):
    """(step, what was read, lines for the user)."""
    read, lines = holder(-1), []
    step = Checkpoints(folder).restore(read, lines.append)
    return step, float(read.value), lines


def flip(path, place=None):
    """Changes one byte in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if place is None else place] ^= 1
    path.write_bytes(data)


def data_of(folder, step):
    return next(folder.glob(f"ckpt-{step}.data*"))


@pytest.mark.parametrize("name", FOLDERS)
def test_the_newest_is_found_under_any_path(tmp_path, name):
    save(tmp_path / name, 2, 4)
    assert restore(tmp_path / name) == (4, 4.0, [])


def test_the_last_two_are_kept(tmp_path):
    save(tmp_path, 2, 4, 6, 8)
    assert {int(re.findall(r"\d+", path.name)[0]) for path in tmp_path.iterdir()} == {
        6,
        8,
    }


def test_the_hashes_are_those_of_the_files_in_the_form_of_sha256sum(tmp_path):
    save(tmp_path, 3)
    lines = (tmp_path / "ckpt-3.sha256").read_text().splitlines()
    named = {}
    for line in lines:
        digest, name = line.split("  ")
        named[name] = digest
    others = [path for path in tmp_path.iterdir() if path.suffix != ".sha256"]
    assert len(others) == 2
    for path in others:
        assert named.pop(path.name) == hashlib.sha256(path.read_bytes()).hexdigest()
    assert not named


DAMAGES = {
    "a flipped byte": lambda folder: flip(data_of(folder, 4)),
    "a flipped byte of the index": lambda folder: flip(folder / "ckpt-4.index"),
    "no index": lambda folder: (folder / "ckpt-4.index").unlink(),
    "no data": lambda folder: data_of(folder, 4).unlink(),
    "data cut short": lambda folder: os.truncate(data_of(folder, 4), 1),
    "garbage for hashes": lambda folder: (folder / "ckpt-4.sha256").write_bytes(
        b"\xff\x00"
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_aloud(tmp_path, damage):
    save(tmp_path, 2, 4)
    DAMAGES[damage](tmp_path)
    step, value, (line,) = restore(tmp_path)
    assert (step, value) == (2, 2.0)
    assert str(tmp_path / "ckpt-4") in line and "ckpt-2" in line


def test_after_a_damaged_one_training_replaces_it(tmp_path):
    save(tmp_path, 2, 4)
    flip(data_of(tmp_path, 4))
    saving = Checkpoints(tmp_path)
    saving.restore(holder(), lambda line: None)
    saving.save(holder(3), 3)
    assert restore(tmp_path) == (3, 3.0, [])
    saving.save(holder(4), 4)
    assert restore(tmp_path) == (4, 4.0, [])


@pytest.mark.parametrize("kind", ["gone", "empty", "all damaged"])
def test_where_none_is_whole_the_reason_is_said(tmp_path, kind):
    folder = tmp_path / "checkpoints"
    if kind != "gone":
        folder.mkdir()
    if kind == "all damaged":
        save(folder, 2, 4)
        for step in (2, 4):
            flip(data_of(folder, step))
    said = r"ckpt-4: .*; .*ckpt-2: " if kind == "all damaged" else "no checkpoint"
    with pytest.raises(LookupError, match=said):
        restore(folder)


@pytest.mark.parametrize("listed", ["as it was", "garbage", "empty", "gone"])
def test_tensorflows_own_checkpoints_are_read_whatever_their_list_says(
    tmp_path, listed
):
    value = holder()
    manager = tf.train.CheckpointManager(value, str(tmp_path), max_to_keep=2)
    for step in (9, 10):
        value.value.assign(step)
        manager.save(checkpoint_number=step)
    names = tmp_path / "checkpoint"
    if listed == "gone":
        names.unlink()
    elif listed != "as it was":
        names.write_bytes(b"\xff\x00garbage" if listed == "garbage" else b"")
    assert restore(tmp_path) == (10, 10.0, [])
    flip(data_of(tmp_path, 10), place=0)
    step, found, lines = restore(tmp_path)
    assert (step, found) == (9, 9.0) and len(lines) == 1


def test_a_process_killed_at_any_moment_of_saving_leaves_a_whole_checkpoint(
    tmp_path, monkeypatch
):
    begun = tmp_path / "begun"
    save(begun, 2, 4)
    moments, found = 0, []
    while True:
        folder = tmp_path / f"killed{moments}"
        shutil.copytree(begun, folder)
        calls = []

        def strike(call, moment=moments, calls=calls):
            def counted(*args, **kwargs):
                if calls and calls[-1] == "killed":
                    return None  # a dead process does nothing more
                if len(calls) == moment:
                    calls.append("killed")
                    raise Killed
                calls.append(call)
                return call(*args, **kwargs)

            return counted

        saving = Checkpoints(folder)
        saving.restore(holder())
        with monkeypatch.context() as patch:
            patch.setattr(checkpoints.os, "replace", strike(os.replace))
            patch.setattr(checkpoints.os, "fsync", strike(os.fsync))
            patch.setattr(checkpoints.shutil, "rmtree", strike(shutil.rmtree))
            unlink = type(folder).unlink
            patch.setattr(type(folder), "unlink", strike(unlink))
            try:
                saving.save(holder(6), 6)
            except Killed:
                pass
        step, value, _ = restore(folder)
        assert step == value and step in (4, 6)
        found.append(step)
        save(folder, 8)  # what was left is not in the way of the next
        assert restore(folder)[0] == 8
        assert not (folder / checkpoints.SCRATCH).exists()
        if "killed" not in calls:
            break
        moments += 1
    assert moments > 8 and found[0] == 4 and found[-1] == 6
    assert found == sorted(found)


def test_a_checkpoint_of_other_objects_is_no_damage(tmp_path):
    save(tmp_path, 2, 4)
    other = tf.train.Checkpoint(other=tf.Variable(0.0))
    with pytest.raises((ValueError, AssertionError)):
        Checkpoints(tmp_path).restore(other)
