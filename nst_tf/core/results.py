"""What a command has to say for a program: numbers and paths, beside its exit status."""

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class CommandResult:
    """What a command returns; `--json` prints the values as one JSON object.

    Attributes:
        values: names to numbers, texts, lists and the like; paths are written as texts.
        status: the exit status.
    """

    values: Mapping[str, Any]
    status: int = 0
