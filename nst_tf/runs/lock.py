"""One process at a time works in a run folder: it holds the lock of the run's log.

The system gives the lock back when the process ends, however it ends.
"""

import logging
import sys
from pathlib import Path
from typing import IO

from nst_tf.core.errors import UserError, expected

_logger = logging.getLogger(__name__)

if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        # A byte far behind the end: others may read what there is.
        file.seek(1 << 40)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def open_locked(log: Path) -> IO[str]:
    """Opens a log to add lines to it, and locks it until it is closed.

    Raises:
        UserError: another process has it open.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    file = log.open("a", buffering=1, encoding="utf-8")
    try:
        _lock(file)
    except (BlockingIOError, PermissionError) as error:
        file.close()
        raise _in_use(log.parent) from error
    except OSError as error:
        # Some network shares have no locks.
        _logger.warning("no lock for %s (%s): start no second run", log, error)
    return file


def check_free(log: Path) -> None:
    """Raises `UserError` if a process works in the folder of this log."""
    if log.is_file():
        open_locked(log).close()


def _in_use(folder: Path) -> UserError:
    return expected(
        "a run folder in which no other process works",
        str(folder),
        "Wait for it, end it, or choose another folder.",
    )
