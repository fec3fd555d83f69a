"""The log of a run, as columns."""

import json
import os
from pathlib import Path

from nst_tf.core.errors import expected
from nst_tf.runs.folder import RunFolder


def read_log(run: RunFolder | str | os.PathLike[str]) -> dict[str, list[float]]:
    """Reads the log of a training or an optimization, such as of "out_run".

    Args:
        run: the run folder, or its path; the run may still be going on.

    Returns:
        {name: values}, a value a step: "step", "seconds", "loss" and its terms. A step
        that lacks a value has NaN.

    Raises:
        UserError: there is no log.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder(Path(run))
    try:
        # What follows the last line break is still being written.
        lines = folder.log.read_text(encoding="utf-8").split("\n")[:-1]
        entries = [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise expected(
            "a run folder with a log",
            f"{folder.path} ({error})",
            "Name what train_network returned, or OUTPUT_run of optimize_image.",
        ) from error
    names = dict.fromkeys(name for entry in entries for name in entry)
    missing = float("nan")
    return {name: [entry.get(name, missing) for entry in entries] for name in names}
