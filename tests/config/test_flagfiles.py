"""Every flagfile in configs/ says how it is run, and holds settings that its command accepts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIGS = sorted((ROOT / "configs").glob("*.flags"))

READ = """
import sys
from absl import flags
from nst_tf.config.commandline import flags as command_flags
from nst_tf.config.{module} import {settings}
own = flags.FlagValues()
command_flags.define({settings}, own)
own(sys.argv)
command_flags.read({settings}, own)
"""
SETTINGS = {
    "train": ("train", "TrainSettings"),
    "optimize": ("optimize", "OptimizeSettings"),
}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_a_config_names_its_command_and_what_to_expect_and_can_be_read(config):
    text = config.read_text()
    command = re.search(
        rf"python -m nst_tf\.(\w+) --flagfile=configs/{config.name}\n", text
    )
    assert command and "Expected time" in text
    assert re.search("Expected (objective|at the end)", text)
    module, settings = SETTINGS[command[1]]
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            READ.format(module=module, settings=settings),
            f"--flagfile={config}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
