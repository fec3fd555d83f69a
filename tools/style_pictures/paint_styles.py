"""Paints the style pictures that come with the package, from nothing but a seed.

    python -m tools.style_pictures.paint_styles --output=DIR [--styles=starry_swirls,mosaic]

Equal versions of NumPy, SciPy and Pillow paint equal pictures.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags
from PIL import Image

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core.errors import expected
from tools.style_pictures import (
    autumn_knife,
    ink_wash,
    mosaic,
    starry_swirls,
    woodblock,
)


class Style(NamedTuple):
    """How a picture is made.

    Attributes:
        paint: (seed, height, width) -> uint8 [height, width, 3].
        seed: places the strokes.
        height: pixels.
        width: pixels.
        quality: of the JPEG, 1..95.
    """

    paint: Callable[[int, int, int], np.ndarray]
    seed: int
    height: int
    width: int
    quality: int


STYLES = {
    "starry_swirls": Style(starry_swirls.paint, 7, 544, 704, 88),
    "mosaic": Style(mosaic.paint, 7, 512, 656, 86),
    "ink_wash": Style(ink_wash.paint, 7, 544, 704, 90),
    "woodblock": Style(woodblock.paint, 7, 544, 704, 88),
    "autumn_knife": Style(autumn_knife.paint, 7, 544, 704, 88),
}


def painted(name: str, scale: float = 1.0) -> np.ndarray:
    """Returns the named picture, uint8 [H, W, 3]; a `scale` below 1 gives a small one quickly."""
    style = STYLES[name]
    return style.paint(
        style.seed, round(style.height * scale), round(style.width * scale)
    )


def save(name: str, folder: Path) -> Path:
    """Paints the named picture into `folder` as JPEG and returns its path."""
    path = folder / f"{name}.jpg"
    picture = Image.fromarray(painted(name))
    picture.save(path, quality=STYLES[name].quality, optimize=True, progressive=True)
    return path


def main() -> None:
    """Paints what the flags ask for."""
    names, folder = flags.FLAGS.styles, Path(flags.FLAGS.output)
    for name in names:
        if name not in STYLES:
            raise expected(
                f"--styles from {', '.join(STYLES)}", name, "Check the spelling."
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = save(name, folder)
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    flags.DEFINE_string("output", None, "Folder for the pictures.", required=True)
    flags.DEFINE_list("styles", list(STYLES), "Names of the pictures to paint.")
    config_flags.run(main)
