"""What reports of benchmarks have in common: commit, machine, command, results."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path


def write_report(results, output):
    """Writes results as JSON; an empty `output` is nowhere."""
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    report = {
        "commit": commit.stdout.strip(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "command": " ".join(["python", *sys.argv]),
        "results": results,
    }
    if output:
        Path(output).write_text(json.dumps(report, indent=1) + "\n")
