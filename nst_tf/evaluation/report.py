"""An evaluation on paper: markdown tables, JSON and the plot of style against content."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from nst_tf.evaluation.metrics import mean_interval
from nst_tf.evaluation.score import LEAST, style_at_content
from nst_tf.runs import plots

# name -> (heading, digits). Those with an interval are the objective; the others' are
# in the JSON.
COLUMNS = {
    "content": ("content", 3),
    "style": ("style", 4),
    "total": ("total", 3),
    "ssim": ("SSIM", 3),
    "color_distance": ("colors", 3),
    "checkerboard": ("checkerboard, photos", 2),
    "checkerboard_flat": ("flat", 3),
    "mesh_ratio": ("mesh", 2),
    "border_ratio": ("border / inside", 2),
    "saturated": ("saturated", 3),
    "noise_gain": ("noise gain", 2),
    "seconds_a_megapixel": ("s/MP", 2),
}
WITH_INTERVAL = ("content", "style")
RESAMPLES = 2000  # of the photos, for the intervals of a comparison


@dataclasses.dataclass(frozen=True)
class Measured:
    """What one contender scored.

    Attributes:
        name, family: the contender's.
        values: {metric: float [photos]}; a metric that does not apply is missing.
            "checkerboard_flat" has one value, of a flat picture.
    """

    name: str
    family: str
    values: Mapping[str, np.ndarray]

    def mean(self, metric: str) -> float:
        """Returns the mean over photos; of times, which have outliers, the median."""
        values = self.values[metric]
        return float(
            np.median(values) if metric == "seconds_a_megapixel" else np.mean(values)
        )


def table(rows: Sequence[Measured]) -> str:
    """Returns the markdown table of all metrics, and below it the one of the layers."""
    headings = [heading for heading, _ in COLUMNS.values()]
    lines = [_line(["model", *headings]), _line(["---"] * (1 + len(headings)))]
    for row in rows:
        lines.append(_line([row.name, *(_cell(row, metric) for metric in COLUMNS)]))
    layers = [metric for metric in rows[0].values if " " in metric]
    lines += ["", _line(["model", *layers]), _line(["---"] * (1 + len(layers)))]
    for row in rows:
        lines.append(_line([row.name, *(f"{row.mean(layer):.4f}" for layer in layers)]))
    return "\n".join(lines)


def comparison(rows: Sequence[Measured], reference: Measured) -> str:
    """Returns the markdown table of families and lone models against `reference` at equal content.

    A family's style objective is read off its curve (`style_at_content`) at the content
    objective of the reference; outside of its members' contents that is a guess, and
    marked. Intervals are those of the same photos drawn for all (paired bootstrap).
    """
    photos = len(reference.values["content"])
    draws = np.random.default_rng(0).integers(0, photos, (RESAMPLES, photos))
    content = reference.mean("content")
    lines = [
        f"at the content objective of {reference.name}, {content:.3f}:",
        "",
        _line(["family", "style", f"ratio to {reference.name}"]),
        _line(["---"] * 3),
    ]
    for family in dict.fromkeys(row.family for row in rows if row.family):
        members = [row for row in rows if row.family == family]
        contents = [row.mean("content") for row in members]
        outside = not min(contents) <= content <= max(contents)
        found = _read_off(members, reference, np.arange(photos)[None])
        drawn = _read_off(members, reference, draws)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        cells = [
            f"{found[0, 0]:.4f} [{low[0]:.4f}, {high[0]:.4f}]",
            f"{found[0, 1]:.3f} [{low[1]:.3f}, {high[1]:.3f}]",
        ]
        if outside:
            cells = [f"{cell} (extrapolated)" for cell in cells]
        lines.append(_line([family, *cells]))
    return "\n".join(lines)


def _read_off(members, reference, draws):
    """Returns [draws, 2]: a family's style objective at the reference's content, and its
    ratio to the reference's, for each draw of photos.
    """
    contents, styles = (
        [row.values[metric][draws].mean(1) for row in (*members, reference)]
        for metric in ("content", "style")
    )
    found = []
    for points in zip(zip(*contents), zip(*styles)):
        (*places, content), (*heights, style) = points
        height = style_at_content(list(zip(places, heights)), content)
        found.append((height, height / max(style, LEAST)))
    return np.array(found)


def numbers(rows: Sequence[Measured]) -> list[dict]:
    """Returns all numbers for JSON: mean, interval and the value of each photo."""
    return [
        {
            "name": row.name,
            "family": row.family,
            "metrics": {
                metric: {
                    "mean": row.mean(metric),
                    "interval_95": mean_interval(values),
                    "values": np.asarray(values, float).round(6).tolist(),
                }
                for metric, values in row.values.items()
            },
        }
        for row in rows
    ]


def trade_off(rows: Sequence[Measured]) -> bytes:
    """Returns a PNG: style objective over content objective, members of a family joined
    by a line.
    """
    curves: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        curves.setdefault(row.family or row.name, []).append(
            (row.mean("content"), row.mean("style"))
        )
    return plots.plot_curves(curves, "content objective", "style objective")


def _cell(row, metric):
    if metric not in row.values:
        return "-"
    digits = COLUMNS[metric][1]
    text = f"{row.mean(metric):.{digits}f}"
    if metric in WITH_INTERVAL:
        low, high = mean_interval(row.values[metric])
        text += f" [{low:.{digits}f}, {high:.{digits}f}]"
    return text


def _line(cells):
    return f"| {' | '.join(cells)} |"
