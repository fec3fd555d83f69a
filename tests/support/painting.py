"""Photos of random pixels, and a model that paints their negatives."""

import numpy as np
from PIL import Image

from nst_tf.inference import folder as photo_folder
from nst_tf.inference.model import Model
from nst_tf.inference.runtimes.runtime import Runtime


def negative(rgb):
    """Stands for a model: exact, instant, and what was painted twice shows."""
    return 1 - rgb


def save(path, height=7, width=11, mode="RGB", seed=0, **options):
    """Writes random pixels; returns them as a Pillow image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (height, width, *{"L": (), "RGB": (3,), "RGBA": (4,)}[mode])
    image = Image.fromarray(
        np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    )
    image.save(path, **options)
    return image


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def tree(folder):
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )


def paint(content, output, model=negative, **options):
    lines = []
    outcome = photo_folder.stylize_folder(
        model, str(content), str(output), log=lines.append, **options
    )
    assert list(outcome.failed) == lines and all("\n" not in line for line in lines)
    return outcome


class Negative(Runtime):
    """A model of one style that paints negatives."""

    name, styles, has_strength = "negative", 1, False

    def draw(self, image, code, strength):
        return negative(image)


NEGATIVE = Model(Negative(), ["Negative"])
