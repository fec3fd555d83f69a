"""Whether a training has made anything better."""

import json
import statistics

from nst_tf.core.errors import expected
from nst_tf.runs.folder import RunFolder

COMPARED = 10  # steps at both ends of a run
# By how much the loss may rise, for one step at each end; the mean of n steps varies by
# the root of n less. Ours: crops of one run differ by less.
TOLERANCE = 0.8


def check_descent(run: RunFolder) -> None:
    """Raises `UserError` if the loss of a run is higher at its end than where it began."""
    losses = []
    for line in run.log.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "loss" in entry:
            losses.append(float(entry["loss"]))
    count = min(COMPARED, len(losses) // 2)
    if not count:
        return
    began = statistics.median(losses[:count])
    ended = statistics.median(losses[-count:])
    if ended <= began * (1 + TOLERANCE / count**0.5):
        return
    run.note(diverged=True)
    raise expected(
        "a loss that falls",
        f"{ended:.4g} at the end, worse than {began:.4g} where the run began",
        f"Lower --learning_rate and train anew; {run.path} has the network, and no exports.",
    )
