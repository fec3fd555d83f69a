"""Parts of a clip that are painted: each is written whole, and outlives a kill.

A folder beside the output holds what was asked for (`asked.json`), a file of encoded
packets for each part, and what the painter remembers behind the last one.
"""

import contextlib
import dataclasses
import io
import json
import os
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.core.errors import UserError, expected
from nst_tf.core.files import ensure_writable_folder, read_json, write_atomically
from nst_tf.video.frames import State

_ASKED = "asked.json"
_INDEX = "index.npy"


@dataclasses.dataclass(frozen=True)
class Packet:
    """One encoded frame.

    Attributes:
        time, duration: in units of the clip's time base.
        key: whether decoding can begin with it.
        data: its bytes.
    """

    time: int
    duration: int
    key: bool
    data: bytes


class PartFile:
    """A part that is being written; it takes its name when it is whole.

    Args:
        path: of the part.
    """

    def __init__(self, path: Path):
        self._path = path
        self._aside = path.with_name(f".{path.name}.tmp")
        self._index: list[tuple[int, int, int]] = []
        with _naming(path):
            self._archive = zipfile.ZipFile(self._aside, "w")

    def add(self, packet: Packet) -> None:
        """Appends a packet, in the order of decoding."""
        with _naming(self._path):
            self._archive.writestr(str(len(self._index)), packet.data)
        self._index.append((packet.time, packet.duration, packet.key))

    def close(self) -> None:
        """Finishes the part."""
        index = io.BytesIO()
        np.save(index, np.array(self._index, np.int64).reshape(-1, 3))
        with _naming(self._path):
            self._archive.writestr(_INDEX, index.getvalue())
            self._archive.close()
            with open(self._aside, "rb") as file:
                os.fsync(file.fileno())
            os.replace(self._aside, self._path)

    def drop(self) -> None:
        """Removes what was written of it."""
        # Without its file it is not finished when it is collected.
        file, self._archive.fp = self._archive.fp, None
        if file is not None:
            with contextlib.suppress(OSError):  # a full disk
                file.close()
        self._aside.unlink(missing_ok=True)


class Parts:
    """The folder of a clip's parts.

    Args:
        output: what is to be written in the end; the folder lies beside it.
    """

    def __init__(self, output: Path):
        output = Path(os.path.abspath(output))
        self.folder = output.with_name(f".{output.name}.parts")

    def begin(self, asked: Mapping[str, Any], overwrite: bool = False) -> str:
        """Makes the folder ready for what is asked.

        Args:
            asked: all that decides what is painted; JSON.
            overwrite: whether parts of something else are removed.

        Returns:
            A line on what was found; "" for nothing.

        Raises:
            UserError: there are parts of something else, or it cannot be written.
        """
        asked = json.loads(json.dumps(asked))
        before = read_json(self.folder / _ASKED)
        line = ""
        if before and before != asked:
            names = sorted(
                name
                for name in {*before, *asked}
                if before.get(name) != asked.get(name)
            )
            if not overwrite:
                raise expected(
                    f"what the parts in {self.folder} were painted with",
                    f"another {', '.join(names)}",
                    f"Ask for the same, or begin anew with --overwrite ({self.count} parts "
                    "are there).",
                )
            line = f"begins anew: another {', '.join(names)} than the parts that were there"
        if before != asked:
            shutil.rmtree(self.folder, ignore_errors=True)
            ensure_writable_folder(self.folder)
            data = json.dumps(asked, indent=1).encode()
            write_atomically(self.folder / _ASKED, data, overwrite=True)
        for leftover in self.folder.glob(".*.tmp"):
            leftover.unlink(missing_ok=True)
        return line

    @property
    def count(self) -> int:
        """How many parts are there, with all before them and what the painter remembers."""
        count = 0
        while self.path(count).is_file():
            count += 1
        # A part is finished by its state, which is written first.
        return count if self._state_path(count - 1).is_file() else max(count - 1, 0)

    def path(self, number: int) -> Path:
        """Returns where a part is, by its number from 0."""
        return self.folder / f"part-{number:06d}.zip"

    def read_index(self) -> np.ndarray:
        """Returns time, duration and key of all packets of all parts, int64 [N, 3]."""
        rows = [np.zeros((0, 3), np.int64)]
        for number in range(self.count):
            with self._open(number) as archive:
                rows.append(np.load(io.BytesIO(archive.read(_INDEX))))
        return np.concatenate(rows)

    def read(self) -> Iterator[Packet]:
        """Yields the packets of all parts."""
        for number in range(self.count):
            with self._open(number) as archive:
                index = np.load(io.BytesIO(archive.read(_INDEX)))
                for name, (time, duration, key) in enumerate(index.tolist()):
                    yield Packet(time, duration, bool(key), archive.read(str(name)))

    def write_state(self, number: int, state: State) -> None:
        """Writes what the painter remembers behind a part, before that part is closed."""
        data = io.BytesIO()
        np.savez(data, allow_pickle=False, **dict(state))
        write_atomically(self._state_path(number), data.getvalue(), overwrite=True)

    def forget_states(self, before: int) -> None:
        """Removes what the painter remembered behind earlier parts."""
        for number in range(max(before - 1, 0), before):
            self._state_path(number).unlink(missing_ok=True)

    def read_state(self) -> dict[str, np.ndarray]:
        """Returns what the painter remembers behind the last part."""
        with np.load(self._state_path(self.count - 1)) as stored:
            return {name: stored[name] for name in stored.files}

    def remove(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _state_path(self, number: int) -> Path:
        return self.folder / f"state-{number:06d}.npz"

    def _open(self, number: int) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.path(number))
        except (OSError, zipfile.BadZipFile) as error:
            raise expected(
                "parts that can be read",
                f"{self.path(number)} ({error})",
                "Remove it and those behind it.",
            ) from error


class _naming:
    """Makes one line of what the system raises while a part is written."""

    def __init__(self, path: Path):
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, *unused: object) -> None:
        if isinstance(error, OSError):
            raise unwritable(self._path, error) from error


def unwritable(path: Path, error: OSError) -> UserError:
    """Returns the error for a file that cannot be written; all parts before it stay."""
    return expected(
        "a file that can be written",
        f"{path} ({error.strerror or error})",
        "Check permissions and free space; the same command goes on with the parts that are "
        "whole.",
    )
