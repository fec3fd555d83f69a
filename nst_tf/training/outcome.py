"""Whether a training has made anything better."""

import json
import statistics

from nst_tf.core.errors import expected
from nst_tf.runs.folder import RunFolder

# Last steps, whose median counts. A run of fewer is not judged: the first steps overshoot
# where a style is dark, and come back.
COMPARED = 10
# How many times the first step's loss they may have. Ours: the crops of one step differ
# by less from those of another.
TOLERANCE = 2.0


def check_descent(run: RunFolder) -> None:
    """Raises `UserError` if the loss of a run is higher at its end than where it began."""
    losses = []
    for line in run.log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "loss" in entry:
            losses.append(float(entry["loss"]))
    if len(losses) <= COMPARED:
        return
    # The first one alone: a step that is too large makes the second one worse already.
    ended = statistics.median(losses[-COMPARED:])
    if ended <= TOLERANCE * losses[0]:
        return
    run.note(diverged=True)
    raise expected(
        "a loss that falls",
        f"{ended:.4g} at the end, worse than {losses[0]:.4g} where the run began",
        f"Lower --learning_rate and train anew; {run.path} has the network, and no exports.",
    )
