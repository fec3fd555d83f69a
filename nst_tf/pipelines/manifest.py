"""The manifest of an output folder: which picture was made of what, one JSON object a line.

It is a folder of parts, since workers write without knowing each other and a job may be
killed at any moment. Every run has a number in the names of its parts, so that the
newest line on a picture is known without clocks. Two kinds of lines are there:

- claimed: a run is about to write this picture. It is written before the picture, so a
  picture that a killed run left is known as ours, and is made again.
- painted: the picture is whole; the line says what made it.
"""

import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from nst_tf.pipelines import storage

FOLDER = "manifest"
CLAIMED, PAINTED = "claimed", "painted"
Line = Mapping[str, Any]

_PART = re.compile(rf"(?:{CLAIMED}|{PAINTED})-(\d+)-[0-9a-f]+\.jsonl$")


def find_parts(output: str) -> str:
    """Returns the pattern of all parts of a folder's manifest."""
    return storage.join(output, FOLDER, "*.jsonl")


def number_run(output: str) -> int:
    """Returns the number of a new run in an output folder, 1 for the first."""
    found = map(_PART.search, storage.list_files(find_parts(output)))
    return 1 + max((int(match[1]) for match in found if match), default=0)


def write_part(output: str, run: int, state: str, lines: Iterable[Line]) -> None:
    """Writes lines as one more part, whole or not at all.

    Args:
        output: the folder of the pictures.
        run: number of the run.
        state: `CLAIMED` or `PAINTED`.
        lines: each with "output", the picture's path in the folder, and "input", the
            photo's; painted ones with "input_sha256", "model_sha256" and
            "settings_sha256", too.
    """
    name = f"{state}-{run:06}-{secrets.token_hex(8)}.jsonl"
    text = "".join(
        f"{json.dumps({'state': state, 'run': run, **line})}\n" for line in lines
    )
    storage.write(storage.join(output, FOLDER, name), text.encode())


def read_line(text: str) -> tuple[str, Line]:
    """Returns the path of a picture in its folder, and a line on it."""
    line = json.loads(text)
    return line["output"], line


def choose_newest(lines: Iterable[Line]) -> Line | None:
    """Returns the line that counts of those on one picture: the newest run's; None of none.

    In one run painted counts before claimed, since it comes later.
    """
    return max(
        lines, key=lambda line: (line["run"], line["state"] == PAINTED), default=None
    )
