"""A tiny labeled set: stripes across, stripes down, and spots, in any colors."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("across", "down", "spots")


def write_patterns(folder: Path, count: int, side: int = 16, seed: int = 0) -> Path:
    """Writes `count` PNG of each class into class folders; returns the folder."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    for name in CLASSES:
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            phase = rng.uniform(0, 6, 2)
            across, down = (
                np.sin(rows * 1.6 + phase[0]),
                np.sin(columns * 1.6 + phase[1]),
            )
            wave = {"across": across, "down": down, "spots": across * down}[name]
            low, high = rng.uniform(0, 255, (2, 3))
            pixels = low + (wave[..., None] + 1) / 2 * (high - low)
            pixels += rng.normal(0, 8, pixels.shape)
            picture = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
            picture.save(folder / name / f"{number:03d}.png")
    return folder
