"""Plots as PNG: a run's log, and what models scored."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.figure import Figure


def plot_losses(log: Path, names: tuple[str, ...]) -> bytes:
    """Returns a PNG of named values over the steps of a JSON-lines log, on a logarithmic axis.

    Args:
        log: one JSON object a line, with "step".
        names: the values to draw; those that are 0 all the time are left out.
    """
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [entry["step"] for entry in entries]
    figure, axes = _axes("iteration", "value")
    for name in names:
        values = [entry[name] for entry in entries]
        if any(values):
            axes.plot(steps, values, label=name.replace("_", " "))
    return _png(figure, axes)


def plot_curves(
    points: Mapping[str, Sequence[tuple[float, float]]], across: str, up: str
) -> bytes:
    """Returns a PNG of named curves through (x, y) points, from left to right; y is logarithmic.

    Args:
        points: {name of the curve: its points}.
        across, up: what x and y are.
    """
    figure, axes = _axes(across, up)
    for name, curve in points.items():
        axes.plot(*zip(*sorted(curve)), marker="o", label=name)
    return _png(figure, axes)


def _axes(across, up):
    # Without pyplot, no window system is needed and nothing global is changed.
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=across, ylabel=up, yscale="log")
    axes.grid(alpha=0.3)
    return figure, axes


def _png(figure, axes):
    axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
