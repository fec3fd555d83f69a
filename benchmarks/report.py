"""What reports of benchmarks have in common: their origin, and their results."""

import json
from pathlib import Path

from nst_tf.evaluation.origin import describe_origin


def write_report(results, output):
    """Writes results as JSON; an empty `output` is nowhere."""
    report = {"origin": describe_origin(), "results": results}
    if output:
        Path(output).write_text(json.dumps(report, indent=1) + "\n")
