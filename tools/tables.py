"""Makes the tables of docs/ from the JSON that benchmarks have written.

Example: python -m tools.tables

A page says which table it wants, and the command writes it between two marks:

    <!-- table of docs/results/figures/pairs.json: results.models
    model: {name}
    style: {style[mean]:.3f}
    -->
    ...
    <!-- end of table -->

After the file stands where its rows are: `results.models` of the report. Then come the columns, a heading and a format
(`str.format`) of the row's values; a cell whose values are missing is a dash.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIGURES = "docs/results/figures"
END = "<!-- end of table -->\n"
TABLE = re.compile(
    r"(?P<mark><!-- table of (?P<file>\S+): (?P<place>\S+)\n(?P<columns>.*?)-->\n)"
    r".*?" + re.escape(END),
    re.DOTALL,
)


def main() -> None:
    for page in find_pages():
        text = page.read_text("utf-8")
        fresh = with_tables(text)
        if fresh != text:
            page.write_text(fresh, "utf-8")
            print(f"wrote the tables of {page}")


def find_pages() -> list[Path]:
    """Returns the pages that have tables of figures, README and docs/."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in pages if TABLE.search(page.read_text("utf-8"))]


def with_tables(text: str, root: Path = ROOT) -> str:
    """Returns a page with the tables of its marks made anew.

    Args:
        text: of the page; what stands outside of tables stays.
        root: of the files that the marks name.

    Raises:
        ValueError: a mark names rows that its file does not have.
    """

    def write(found: re.Match) -> str:
        report = json.loads((root / found["file"]).read_text("utf-8"))
        for name in found["place"].split("."):
            if not isinstance(report, dict) or name not in report:
                raise ValueError(f"{found['file']} has no {found['place']}")
            report = report[name]
        columns = [line.split(": ", 1) for line in found["columns"].splitlines()]
        lines = [
            [heading for heading, _ in columns],
            ["---"] * len(columns),
            *([fill(form, row) for _, form in columns] for row in report),
        ]
        table = "".join("| " + " | ".join(line) + " |\n" for line in lines)
        return found["mark"] + table + END

    return TABLE.sub(write, text)


def fill(form: str, row: Mapping) -> str:
    """Returns a cell: the row's values in their format, a dash where one is missing."""
    try:
        return form.format_map(row)
    except (KeyError, TypeError):
        return "-"


if __name__ == "__main__":
    main()
