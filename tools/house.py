"""Makes the table of floors in CONTRIBUTING.md from tests/test_architecture.py.

Example: python -m tools.house
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONTRIBUTING = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- made by `python -m tools.house` -->\n", "<!-- end -->\n"


def main() -> None:
    from tests.test_architecture import FLOORS

    CONTRIBUTING.write_text(with_table(CONTRIBUTING.read_text(), FLOORS))
    print(f"wrote the table of {len(FLOORS)} floors into {CONTRIBUTING}")


def with_table(text: str, floors: Sequence[Mapping[str, str]]) -> str:
    """Returns `text` with the table of `floors` between its two markers.

    Args:
        text: what stands before and after the markers stays.
        floors: from the ground up, {room: what lives there}.
    """
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = ["| floor | room | what lives there |", "|---|---|---|"]
    for number, rooms in enumerate(floors):
        for room, what in rooms.items():
            lines.append(f"| {number} | `{room}` | {what} |")
    return before + BEGIN + "\n".join(lines) + "\n" + END + after


if __name__ == "__main__":
    main()
