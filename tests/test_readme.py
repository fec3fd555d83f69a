"""The README's lines of Python run as they stand."""

import re
from pathlib import Path

import numpy as np
from PIL import Image
from support.pictures import smooth

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_lines_of_the_library_run_as_written(tmp_path, monkeypatch):
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    lines = [line for line in code.splitlines() if line]
    assert len(lines) <= 10
    smooth(48, 60, 0).save(tmp_path / "photo.jpg")
    smooth(40, 40, 1).save(tmp_path / "painting.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {})
    written = sorted(path.name for path in tmp_path.iterdir())
    expected = set(re.findall(r'write_image\("([^"]+)"', code))
    assert expected and expected <= set(written)
    photo = np.asarray(Image.open(tmp_path / "photo.jpg"), float)
    for name in expected:
        stylized = np.asarray(Image.open(tmp_path / name), float)
        assert stylized.shape == photo.shape
        assert np.abs(stylized - photo).mean() > 5
