"""An evaluation of clips on paper: a markdown table, and plots over time."""

import dataclasses
from collections.abc import Mapping, Sequence

from nst_tf.runs import plots

# name -> (heading, digits)
COLUMNS = {
    "e_warp": ("e_warp, 1 frame", 4),
    "e_warp_10": ("10 frames", 4),
    "e_flat": ("flat areas", 4),
    "content": ("content", 3),
    "style": ("style", 4),
    "seconds": ("s/frame", 3),
}


@dataclasses.dataclass(frozen=True)
class VideoMeasured:
    """What one way of painting measured on one clip.

    Attributes:
        name: of the model, or "the clip itself".
        clip: its name.
        flow: "true" or "estimated".
        values: {name in `COLUMNS`: number, or None where it does not apply}. The seconds of
            a coherent row are those that coherence adds.
        steps: {name: (number of the frame, value) of each}.
    """

    name: str
    clip: str
    flow: str
    values: Mapping[str, float | None]
    steps: Mapping[str, Sequence[tuple[int, float]]]


def write_table(rows: Sequence[VideoMeasured]) -> str:
    """Returns the markdown table of all rows."""
    headings = ["clip", "model", *(heading for heading, _ in COLUMNS.values())]
    lines = [_line(headings), _line(["---"] * len(headings))]
    for row in rows:
        cells = [_cell(row, name) for name in COLUMNS]
        lines.append(_line([f"{row.clip}, {row.flow} flow", row.name, *cells]))
    return "\n".join(lines)


def plot_over_time(rows: Sequence[VideoMeasured]) -> bytes | None:
    """Returns a PNG of e_warp over the frames of one clip; None if no motion is known."""
    # A still moment has an error of 0, which a logarithmic axis has not.
    curves = {
        row.name: [(number, max(value, 1e-4)) for number, value in row.steps["e_warp"]]
        for row in rows
        if row.steps["e_warp"]
    }
    return plots.plot_curves(curves, "frame", "e_warp") if curves else None


def _cell(row, name):
    value = row.values.get(name)
    if value is None:
        return "-"
    plus = "+" if name == "seconds" and row.name.endswith(", coherent") else ""
    return f"{plus}{value:.{COLUMNS[name][1]}f}"


def _line(cells):
    return f"| {' | '.join(cells)} |"
