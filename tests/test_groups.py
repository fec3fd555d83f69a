"""The suite in two groups: `-m slow`, and `-m "not slow"`, which says within two minutes whether a change is sound."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HELPERS = ("tests/support/", "tests/fixtures/")
# They are skipped as files where Beam is missing, which is no package of the tests.
NEED_BEAM = {
    f"tests/pipelines/test_{name}.py" for name in ("batch", "processes", "steps")
}


@pytest.mark.slow
def test_every_file_is_collected_by_one_of_the_groups():
    """An expression and its negation leave no test out: what matters is that pytest finds it at all."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n", "0"]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", "-m", "slow or not slow"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tests = [line for line in done.stdout.splitlines() if "::" in line]
    collected = {test.split("::")[0] for test in tests}
    files = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tests").rglob("*.py")
        if path.name != "conftest.py"
    }
    if importlib.util.find_spec("apache_beam") is None:
        files -= NEED_BEAM
    assert collected == {file for file in files if not file.startswith(HELPERS)}
