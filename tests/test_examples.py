"""The examples that can be run here are."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import tiny

from nst_tf.images import io as image_io

PAINT = Path(__file__).parents[1] / "examples" / "python" / "paint.py"


@pytest.mark.parametrize("size", [(45, 62), (3, 1)])
def test_the_python_example_paints_what_stylize_paints(tmp_path, size):
    Image.fromarray(tiny.photo(*size)).save(tmp_path / "photo.png")
    model, painted = tiny.artifact("tiny.tflite"), tmp_path / "painted.png"
    names = ["paint.py", str(model), str(tmp_path / "photo.png"), str(painted)]
    # As where neither is installed.
    without = (
        "import runpy, sys; sys.modules['tensorflow'] = sys.modules['nst_tf'] = None; "
        f"sys.argv = {names!r}; runpy.run_path({str(PAINT)!r}, run_name='__main__')"
    )
    subprocess.run([sys.executable, "-c", without], check=True, capture_output=True)
    wanted = image_io.to_uint8(
        tiny.open_painter(model)(image_io.to_float(tiny.photo(*size)))
    )
    drawn = np.asarray(Image.open(painted))
    assert drawn.shape == wanted.shape
    assert np.abs(drawn.astype(int) - wanted).max() <= 1
