"""Trainings that benchmarks compare: each in a process of its own, without previews and exports."""

import subprocess
import sys
from pathlib import Path


def train(folder: Path, recipe: str | Path, *changed: str) -> Path:
    """Trains by a flagfile and flags that change it, in place of what is in the folder;
    returns the folder.
    """
    subprocess.run(
        [
            sys.executable,
            "-m",
            "nst_tf.train",
            f"--flagfile={recipe}",
            f"--output={folder}",
            "--export=",
            "--preview_steps=0",
            "--tensorboard=false",
            "--overwrite",
            *changed,
        ],
        check=True,
    )
    return folder


def train_once(folder: Path, recipe: str | Path, *changed: str) -> Path:
    """As `train`, unless a finished run is there already."""
    return (
        folder
        if (folder / "network.keras").exists()
        else train(folder, recipe, *changed)
    )
