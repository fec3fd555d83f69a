"""Finding the files that a path, a folder or a glob stands for."""

import collections
import functools
import glob
import itertools
import logging
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from nst_tf.core.errors import expected

_log = logging.getLogger(__name__)

_NAMED = 8  # suffixes in a message


def find_files(
    spec: str | os.PathLike[str],
    suffixes: Collection[str],
    advice: Mapping[str, str] | None = None,
) -> list[Path]:
    """Lists the files that a file, a folder or a glob stands for, sorted.

    A folder is searched with all folders in it, a glob may use ** for that. Links to
    folders are followed; each real folder is searched once, and never one that holds
    the folder itself. Hidden files and folders are skipped, and so is every file
    without one of the suffixes; the log says how many of these there are. A file that
    is named itself is taken whatever its suffix.

    Args:
        spec: the path of a file or a folder, or a glob.
        suffixes: such as [".png"], in lower case; the case of a file's own does not
            matter.
        advice: {suffix: what makes it readable}, for the log.

    Raises:
        UserError: nothing was found.
    """
    root = Path(spec)
    if root.is_file():
        return [root]
    candidates: Iterator[Path]
    if root.is_dir():
        candidates = (folder / name for folder, names in _walk(root) for name in names)
    else:
        candidates = _expand(root.parts)
    # A set, since a pattern with more than one ** can list a file twice.
    files = {path for path in candidates if path.is_file()}
    found = {path for path in files if path.suffix.lower() in suffixes}
    left_out = _describe_suffixes(files - found, advice or {})
    if not found:
        raise expected(
            f"a file, a folder or a glob with {' '.join(suffixes)} files",
            f"{spec} (there are none{left_out and ', but ' + left_out})",
            "Check the path.",
        )
    if left_out:
        _log_left_out(os.fspath(spec), len(files) - len(found), left_out)
    return sorted(found)


@functools.lru_cache(1000)  # commands search a folder more than once
def _log_left_out(spec: str, count: int, left_out: str) -> None:
    noun = "file" if count == 1 else "files"
    _log.warning("%d %s left out of %s: %s", count, noun, spec, left_out)


def _describe_suffixes(paths: Collection[Path], advice: Mapping[str, str]) -> str:
    """Returns how many files there are of each suffix, such as ".heic 6, .avif 1"."""
    # Sorted first, so that among equal numbers the names are in order.
    counts = collections.Counter(sorted(path.suffix.lower() for path in paths))
    parts = []
    for suffix, count in counts.most_common(_NAMED):
        hint = f" ({advice[suffix]})" if suffix in advice else ""
        parts.append(f"{suffix or 'no suffix'} {count}{hint}")
    if len(counts) > _NAMED:
        parts.append("...")
    return ", ".join(parts)


def _expand(parts: tuple[str, ...]) -> Iterator[Path]:
    """Yields what a pattern in parts stands for; unlike `glob`, ** ends in loops of links."""
    if "**" not in parts:
        yield from map(Path, glob.iglob(os.path.join(*parts)))
        return
    place = parts.index("**")
    start = os.path.join("", *parts[:place])
    rest = tuple(itertools.dropwhile("**".__eq__, parts[place:])) or ("*",)
    for root in glob.iglob(start) if start else [os.curdir]:
        for folder, _ in _walk(Path(root)):
            yield from _expand((*map(glob.escape, folder.parts), *rest))


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yields (folder, names of its files) of a folder and all below it, none hidden."""

    def report(error: OSError) -> None:
        _log.warning("folder skipped: %s (%s)", error.filename, error.strerror)

    start = root.resolve()
    seen, waiting = set(map(os.fspath, start.parents)), [os.fspath(root)]
    # Real folders come first: they are called by their own names, not by a link's.
    while waiting:
        for folder, folders, names in os.walk(waiting.pop(0), onerror=report):
            real = os.path.realpath(folder)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = [name for name in folders if not name.startswith(".")]
            paths = (os.path.join(folder, name) for name in folders)
            waiting += filter(os.path.islink, paths)
            yield Path(folder), [name for name in names if not name.startswith(".")]
