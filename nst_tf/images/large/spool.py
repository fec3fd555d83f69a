"""An array on disk that no other process sees: pixels for which there is no memory."""

import mmap
import os
import tempfile
from collections.abc import Sequence

import numpy as np

from nst_tf.core.errors import expected


class Spool:
    """An array of rows in a temporary file that has no name and is gone when it is closed.

    The file lies in the folder that the variable TMPDIR names, else in /var/tmp, which
    is on disk where /tmp is memory, else where Python puts temporary files. All of its
    space is taken at once: a full disk is an error here, and not later.

    Args:
        shape: rows first.
        dtype: of the values, which are 0 until they are written.

    Raises:
        UserError: there is no space for it.
    """

    def __init__(self, shape: Sequence[int], dtype: type | np.dtype):
        self.shape = tuple(shape)
        self.dtype = np.dtype(dtype)
        self._row_bytes = int(np.prod(self.shape[1:])) * self.dtype.itemsize
        size = self.shape[0] * self._row_bytes
        folder = find_folder()
        try:
            self._file = tempfile.TemporaryFile(dir=folder, buffering=0)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._file.fileno(), 0, size)
            else:
                self._file.truncate(size)
        except OSError as error:
            raise expected(
                f"{size / 1e9:.1f} GB of free disk space in {folder}",
                error.strerror or error,
                "Free some, or name another folder with the variable TMPDIR.",
            ) from error

    def map(self) -> np.ndarray:
        """Returns the array itself, to read and write; drop it soon, what was touched is
        memory of this process until then.
        """
        return np.frombuffer(self.map_bytes(), self.dtype).reshape(self.shape)

    def map_bytes(self) -> mmap.mmap:
        """Returns the bytes of the array."""
        return mmap.mmap(self._file.fileno(), self.shape[0] * self._row_bytes)

    def read(self, first: int, last: int) -> np.ndarray:
        """Returns a copy of the rows from `first` up to `last`, without it."""
        return self.map()[first:last].copy()

    def close(self) -> None:
        """Removes the file."""
        self._file.close()


def find_folder() -> str:
    """Returns the folder of temporary files; see `Spool`."""
    if "TMPDIR" not in os.environ and os.access("/var/tmp", os.W_OK):
        return "/var/tmp"
    return tempfile.gettempdir()
