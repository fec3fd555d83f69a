"""Frames of a clip whose motion is known."""

import numpy as np
import pytest

from support.pictures import smooth

cv2 = pytest.importorskip("cv2", reason="needs OpenCV: pip install 'nst_tf[video]'")

HEIGHT, WIDTH = 96, 128


def scene(seed=0, across=0, down=0):
    """A picture of soft spots with grain, moved by whole pixels over a larger one."""
    spots = np.asarray(smooth(HEIGHT + 40, WIDTH + 40, seed), np.float32) / 255
    grain = np.random.default_rng(seed).normal(0, 0.1, spots.shape)
    whole = np.clip(spots + cv2.GaussianBlur(grain, (0, 0), 1.5), 0, 1)
    top, left = 20 - down, 20 - across
    return whole[top : top + HEIGHT, left : left + WIDTH].astype(np.float32)
