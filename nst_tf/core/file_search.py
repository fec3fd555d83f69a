"""Finding the files that a path, a folder or a glob stands for."""

import glob
import logging
import os
from collections.abc import Collection, Iterator
from pathlib import Path

from nst_tf.core.errors import expected

_log = logging.getLogger(__name__)


def find_files(spec: str | os.PathLike[str], suffixes: Collection[str]) -> list[Path]:
    """Lists the files that a file, a folder or a glob stands for, sorted.

    A folder is searched with all folders in it, a glob may use ** for that. Hidden
    files and folders are skipped, and so is every file without one of the suffixes. A
    file that is named itself is taken whatever its suffix.

    Args:
        spec: the path of a file or a folder, or a glob.
        suffixes: such as [".png"], in lower case; the case of a file's own does not
            matter.

    Raises:
        UserError: nothing was found.
    """
    root = Path(spec)
    if root.is_file():
        return [root]
    if root.is_dir():
        candidates = _walk(root)
    else:
        candidates = map(Path, glob.iglob(os.fspath(spec), recursive=True))
    # A set, since a pattern with more than one ** can list a file twice.
    found = {
        path
        for path in candidates
        if path.suffix.lower() in suffixes and path.is_file()
    }
    if not found:
        raise expected(
            f"a file, a folder or a glob with {' '.join(suffixes)} files",
            f"{spec} (there are none)",
            "Check the path.",
        )
    return sorted(found)


def _walk(root: Path) -> Iterator[Path]:
    def report(error: OSError) -> None:
        _log.warning("folder skipped: %s (%s)", error.filename, error.strerror)

    for folder, folders, names in os.walk(root, onerror=report):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder, name) for name in names if not name.startswith("."))
