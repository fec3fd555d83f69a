"""Small pictures for tests."""

import numpy as np
from PIL import Image


def smooth(height: int, width: int, seed: int = 0, low: int = 0) -> Image.Image:
    """A picture of soft colored spots, RGB, no value much below `low`."""
    coarse = np.random.default_rng(seed).integers(low, 256, (4, 5, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def batch(height: int, width: int, seed: int = 0) -> np.ndarray:
    """The same as float32 in [0, 1], [1, H, W, 3]."""
    return np.asarray(smooth(height, width, seed), np.float32)[None] / 255
