"""How much memory this process can still take: of the machine, of its container, by its own limit."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from nst_tf.core.errors import expected

AUTO = "auto"
_UNITS = {"MB": 10**6, "GB": 10**9}

# (limit, usage, the part of the usage that the kernel gives up at once: cached files)
_VERSION_2 = ("memory.max", "memory.current", "inactive_file")
_VERSION_1 = (
    "memory.limit_in_bytes",
    "memory.usage_in_bytes",
    "total_inactive_file",
)


def available_memory(
    groups: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> int:
    """Returns the bytes that this process can still allocate without being stopped.

    It is the least of what the machine has free, what each control group around this
    process leaves of its limit (a container's, versions 1 and 2), and what a limit of
    its address space (`ulimit -v`) leaves.

    Args:
        groups: where control groups are mounted.
        membership: the file that names the groups of this process.
    """
    # Here, since it takes 10 ms that most photos need not wait for.
    import psutil

    free = [psutil.virtual_memory().available, *_find_group_rests(groups, membership)]
    if hasattr(psutil, "RLIMIT_AS"):  # on Linux alone
        process = psutil.Process()
        limit, _ = process.rlimit(psutil.RLIMIT_AS)
        if limit != psutil.RLIM_INFINITY:
            free.append(limit - process.memory_info().vms)
    return max(0, int(min(free)))


def parse_memory(text: str) -> float | None:
    """Returns the bytes of a --memory such as "2GB" or "1500MB"; None for "auto".

    Raises:
        UserError: it is neither.
    """
    if text == AUTO:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?) ?(MB|GB)", text, re.IGNORECASE)
    if found is None or float(found[1]) == 0:
        raise expected("--memory as auto or a size", text, "Try 2GB or 1500MB.")
    return float(found[1]) * _UNITS[found[2].upper()]


def _find_group_rests(groups: Path, membership: Path) -> Iterator[int]:
    """Yields what each control group leaves of its limit; nothing where there is no limit."""
    lines = []
    with contextlib.suppress(OSError):  # no Linux
        lines = membership.read_text().splitlines()
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _read_rests(groups, path, _VERSION_2)
        elif "memory" in controllers.split(","):
            yield from _read_rests(groups / "memory", path, _VERSION_1)


def _read_rests(root: Path, path: str, names: tuple[str, str, str]) -> Iterator[int]:
    limit, usage, cached = names
    # Inside a container the root is often its own group, and the path is the host's.
    group = root / path.strip("/")
    for folder in (group, *group.parents):
        if folder == root or root in folder.parents:
            # A group without a limit says "max", or has no such file.
            with contextlib.suppress(OSError, ValueError):
                most = int((folder / limit).read_text())
                used = int((folder / usage).read_text())
                yield most - used + _read_statistic(folder / "memory.stat", cached)


def _read_statistic(file: Path, name: str) -> int:
    """Returns a number of a group's statistics; 0 where there is none."""
    with contextlib.suppress(OSError):
        for line in file.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0
