"""Keeps a report of a benchmark or an evaluation, for the tables of docs/.

Example: python -m tools.figures --report=evaluation/numbers.json --name=starry_flags
         python -m tools.tables

`docs/results/figures/NAME.json` has the report without the values of each photo, and
without folders of the machine: of an absolute path only the last name is left.
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from tools.tables import FIGURES, ROOT

# Values of each photo and pair, and of each frame.
LEFT_OUT = ("values", "steps")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report", required=True, help="JSON that a command wrote")
    parser.add_argument("--name", required=True, help="of the file that is kept")
    arguments = parser.parse_args()
    found = json.loads(Path(arguments.report).read_text("utf-8"))
    target = ROOT / FIGURES / f"{arguments.name}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(shorten(found), indent=1) + "\n", "utf-8")
    print(f"wrote {target}")


def shorten(value: Any) -> Any:
    """Returns what is kept of a value of JSON."""
    if isinstance(value, dict):
        # A row of an evaluation of clips calls its means values, too.
        return {
            key: shorten(each)
            for key, each in value.items()
            if not (
                key in LEFT_OUT and isinstance(each, list | dict) and _is_long(each)
            )
        }
    if isinstance(value, list):
        return [shorten(each) for each in value]
    if isinstance(value, str):
        return re.sub(r"(?<![\w./:])/[^\s=,:]*/(?=[^\s=,:/]+)", "", value)
    return value


def _is_long(value: list | dict) -> bool:
    """Whether a value is a list of measurements, or holds such lists."""
    return isinstance(value, list) or any(isinstance(e, list) for e in value.values())


if __name__ == "__main__":
    main()
