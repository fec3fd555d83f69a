"""Where numbers come from: version, commit, machine and command."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import nst_tf


def describe_origin() -> dict[str, str]:
    """Returns what a report of numbers says of its making.

    Returns:
        {"version", "commit", "machine", "command"}. The commit is that of the checkout
        that the package lies in, with "+" if tracked files differ from it; of an
        installed package it is empty.
    """
    words = (os.path.basename(sys.argv[0]), *sys.argv[1:])
    return {
        "version": nst_tf.__version__,
        "commit": _find_commit(Path(nst_tf.__file__).parents[1]),
        "machine": f"{_name_processor()}, {os.cpu_count()} cores",
        "command": " ".join(words),
    }


def _name_processor() -> str:
    """Returns the processor's name where the system says it, else its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(": ")[2] for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def _find_commit(folder: Path) -> str:
    """Returns the commit of a checkout, "" if `folder` is none or git is missing."""
    if not (folder / ".git").exists():
        return ""
    try:
        commit, changes = (
            subprocess.run(
                ["git", *words], cwd=folder, capture_output=True, text=True, check=True
            ).stdout.strip()
            for words in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "--untracked-files=no"],
            )
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return commit + ("+" if changes else "")
