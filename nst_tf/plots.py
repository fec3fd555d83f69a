"""Plots of a run's log."""

import io
import json
from pathlib import Path

from matplotlib.figure import Figure


def loss_plot(log: Path, names: tuple[str, ...]) -> bytes:
    """Returns a PNG of named values over the steps of a JSON-lines log, on a logarithmic axis.

    Args:
        log: one JSON object a line, with "step".
        names: the values to draw; those that are 0 all the time are left out.
    """
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    steps = [entry["step"] for entry in entries]
    # Without pyplot, no window system is needed and nothing global is changed.
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    for name in names:
        values = [entry[name] for entry in entries]
        if any(values):
            axes.plot(steps, values, label=name.replace("_", " "))
    axes.set(xlabel="iteration", ylabel="value", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
