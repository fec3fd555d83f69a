"""Plots as PNG: a run's log, and what models scored."""

import io
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from nst_tf.runs.folder import RunFolder
from nst_tf.runs.log import read_log


def plot_losses(run: RunFolder, names: tuple[str, ...]) -> bytes:
    """Returns a PNG of named values over the steps of a run, on a logarithmic axis.

    Args:
        run: it has a log.
        names: the values to draw; those that are 0 all the time are left out.
    """
    log = read_log(run)
    figure, axes = _axes("iteration", "value")
    for name in names:
        if any(log[name]):
            axes.plot(log["step"], log[name], label=name.replace("_", " "))
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
