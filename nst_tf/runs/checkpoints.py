"""Checkpoints of a training: written whole, proved by hashes, found by their names.

TensorFlow's own search for the newest one trusts a list in one small file, and reads
[ ] in a path as a pattern: either made a resumed run begin anew without a word.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from nst_tf.core import files
from nst_tf.core.errors import first_line

SCRATCH = ".new"  # a folder in which a checkpoint is written before it takes its name


class Checkpoints:
    """The checkpoints in a folder: the newest one, and the one before it.

    Each consists of the files of `tf.train.Checkpoint.write`, and of ckpt-STEP.sha256
    with a line for each of them, as `sha256sum --check` reads it. The index takes its
    name last, so that a process killed at any moment leaves a whole checkpoint. Those
    of earlier versions have no hashes.

    Args:
        folder: made by the first `save`.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._last: int | None = None  # the step that was saved or restored last

    @property
    def newest(self) -> Path | None:
        """The path that the files of the newest checkpoint begin with; None for none."""
        steps = [step for step in self._find_steps() if self._index(step).is_file()]
        return self._index(max(steps)).with_suffix("") if steps else None

    def save(self, checkpoint: tf.train.Checkpoint, step: int) -> None:
        """Writes a checkpoint, and then removes all but it and the one before it.

        Nothing is done where `step` has just been saved or restored.

        Raises:
            OSError, tf.errors.OpError: the folder cannot be written; the checkpoints
                in it are as they were.
        """
        if step == self._last and self._index(step).is_file():
            return
        scratch = self._folder / SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            name = self._index(step).stem
            checkpoint.write(str(scratch / name))
            written = sorted(path for path in scratch.iterdir() if path.is_file())
            lines = [f"{files.sha256(path)}  {path.name}\n" for path in written]
            hashes = scratch / f"{name}.sha256"
            hashes.write_text("".join(lines))
            for path in (*written, hashes):
                _sync(path)
            self._remove(step)
            index = scratch / f"{name}.index"
            for path in (hashes, *(path for path in written if path != index), index):
                os.replace(path, self._folder / path.name)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        for other in self._find_steps() - {step, self._last}:
            self._remove(other)
        self._last = step

    def restore(
        self, checkpoint: tf.train.Checkpoint, log: Callable[[str], None] = print
    ) -> int:
        """Reads the newest checkpoint that is whole into the objects of `checkpoint`.

        Args:
            checkpoint: all its objects must be in the file, which may have more.
            log: takes a line for each damaged checkpoint that was passed over.

        Returns:
            Its step.

        Raises:
            LookupError: none is whole; the text says why.
            ValueError, AssertionError, tf.errors.OpError: it is of other objects.
        """
        damaged = []
        for step in sorted(self._find_steps(), reverse=True):
            damage = self._find_damage(step)
            if not damage:
                try:
                    self._read(checkpoint, step)
                except tf.errors.OpError as error:
                    if self._hashes(step).exists():
                        raise
                    damage = first_line(error)
            if not damage:
                for line in damaged:
                    log(f"damaged: {line}; ckpt-{step} is taken instead")
                self._last = step
                return step
            damaged.append(f"{self._folder / f'ckpt-{step}'}: {damage}")
        raise LookupError("; ".join(damaged) or "it has no checkpoint")

    def _find_steps(self) -> set[int]:
        """Returns the steps of all checkpoints, damaged ones among them."""
        names = os.listdir(self._folder) if self._folder.is_dir() else []
        found = (re.match(r"ckpt-(\d+)\.", name) for name in names)
        return {int(match[1]) for match in found if match}

    def _files(self, step: int) -> list[Path]:
        """Returns the files of a checkpoint, its index first."""
        paths = self._folder.iterdir()
        own = [path for path in paths if path.name.startswith(f"ckpt-{step}.")]
        return sorted(own, key=lambda path: path.suffix != ".index")

    def _index(self, step: int) -> Path:
        return self._folder / f"ckpt-{step}.index"

    def _hashes(self, step: int) -> Path:
        return self._folder / f"ckpt-{step}.sha256"

    def _remove(self, step: int) -> None:
        for path in self._files(step):
            path.unlink()

    def _find_damage(self, step: int) -> str:
        """Returns what is wrong with a checkpoint's files; empty for nothing."""
        if not self._index(step).is_file():
            return "its index is missing"
        if not self._hashes(step).exists():
            return ""  # of an earlier version: reading tells
        try:
            for line in self._hashes(step).read_text().splitlines():
                digest, name = line.split("  ", 1)
                if files.sha256(self._folder / name) != digest:
                    return f"{name} is not as it was written"
        except (OSError, ValueError) as error:
            return first_line(error)
        return ""

    def _read(self, checkpoint: tf.train.Checkpoint, step: int) -> None:
        with tempfile.TemporaryDirectory() as scratch:
            folder = self._folder
            # TensorFlow takes such a path for a pattern, and finds nothing.
            if set("*?[") & set(str(folder)):
                folder = Path(scratch)
                for path in self._files(step):
                    shutil.copy(path, folder)
            status = checkpoint.read(str(folder / f"ckpt-{step}"))
            status.expect_partial().assert_existing_objects_matched()


def _sync(path: Path) -> None:
    """Brings a file's bytes to the disk."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
