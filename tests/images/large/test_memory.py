"""A large picture goes from file to file without ever being in memory."""

import subprocess
import sys

import pytest

# 60 megapixels: 720 MB as float32, 180 MB as bytes.
PROGRAM = """
import sys
import numpy as np
from nst_tf.images.large.row_source import open_rows
from nst_tf.images.large.row_writer import RowWriter

def peak():
    # Unlike the system's figure of a process it begins with this program.
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024

source, target = sys.argv[1:]
band = np.random.default_rng(0).uniform(0, 1, (64, 10_000, 3)).astype("f4")
with RowWriter(source, (6144, 10_000)) as writer:
    for first in range(0, 6144, 64):
        writer.write(band)
before = peak()
with open_rows(source, memory=0) as rows, RowWriter(target, rows.size) as writer:
    for first in range(0, 6144, 64):
        read = rows.read(first, first + 64)
        writer.write(read)
assert abs(read - band).max() < 0.2 and rows.size == (6144, 10_000)
print(before, peak())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peaks are told in kilobytes there")
@pytest.mark.parametrize("suffixes", ["tif jpg", "jpg tif"])
def test_60_megapixels_take_less_than_their_bytes(tmp_path, suffixes):
    files = [str(tmp_path / f"{side}.{side}") for side in suffixes.split()]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *files], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    before, peak = map(int, done.stdout.split())
    # An interpreter with NumPy and Pillow takes 60 MB, a band 8 MB.
    assert peak < 60 + 180 + 20, (before, peak)
