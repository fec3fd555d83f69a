"""Plots as PNG: a run's log, and what models scored."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

NAMED = 30  # classes at most on a picture of 7 inches


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
        values = [entry.get(name, 0.0) for entry in entries]
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
        # Names of files may be no UTF-8, and a dollar sign begins a formula.
        label = name.encode(errors="backslashreplace").decode().replace("$", r"\$")
        axes.plot(*zip(*sorted(curve)), marker="o", label=label)
    return _png(figure, axes)


def plot_confusion(confusion: np.ndarray, classes: Sequence[str]) -> bytes:
    """Returns a PNG of which class is taken for which.

    Args:
        confusion: [N, N] counts, a row for each true class.
        classes: their names; many are left out, but for a few.
    """
    figure = Figure(figsize=(7, 6), layout="constrained")
    axes = figure.add_subplot()
    counts = np.maximum(confusion.sum(1, keepdims=True), 1)
    shown = axes.imshow(confusion / counts, vmin=0, vmax=1, cmap="viridis")
    figure.colorbar(shown, label="share of the true class")
    ticks = range(0, len(classes), -(-len(classes) // NAMED))
    names = [classes[tick] for tick in ticks]
    axes.set_xticks(ticks, names, rotation=90)
    axes.set_yticks(ticks, names)
    axes.set(xlabel="taken for", ylabel="true class")
    return _write_png(figure)


def _axes(across, up):
    # Without pyplot, no window system is needed and nothing global is changed.
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=across, ylabel=up, yscale="log")
    axes.grid(alpha=0.3)
    return figure, axes


def _png(figure, axes):
    axes.legend()
    return _write_png(figure)


def _write_png(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
