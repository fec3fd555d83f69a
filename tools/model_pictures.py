"""Makes exported_models/pictures/NAME.jpg: photographs, and what each published model makes of them.

Example: python -m tools.model_pictures

The photographs are scikit-image's, the style of a model of any style is the packaged
`mosaic`. `nst models` names these pictures, and a wheel carries them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from nst_tf.data import sample_photos
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.inference.open_model import load_model
from nst_tf.inference.published import PublishedModel, published_models

FOLDER = Path(__file__).parents[1] / "exported_models" / "pictures"
PHOTOS = ("builtin:coffee", "builtin:cat")
SIDE = 240  # pixels
MOST_STYLES = 3  # rows


def main() -> None:
    photos = [sample_photos.read_photo(name, long_side=SIDE).rgb for name in PHOTOS]
    for model in published_models().values():
        rows = [row(photos)]
        for draw in drawers(model):
            rows.append(row([draw(photo) for photo in photos]))
        sheet = image_io.to_float(contact_sheet.make_contact_sheet(rows, cell=SIDE))
        path = FOLDER / f"{model.name}.jpg"
        image_io.write_image(path, image_io.Image(sheet), overwrite=True, quality=80)
        print(f"wrote {path}")


def row(pictures: list[np.ndarray]) -> list[tuple[str, np.ndarray]]:
    return [("", image_io.to_uint8(picture)) for picture in pictures]


def drawers(model: PublishedModel) -> list[Callable[[np.ndarray], np.ndarray]]:
    """Returns a function on photos for each of the first styles of a model."""
    opened = load_model(model.files[-1], style_size=256)
    if model.styles:
        numbers = range(min(len(model.styles), MOST_STYLES))
        return [opened.prepare(number) for number in numbers]
    return [opened.prepare("mosaic")]


if __name__ == "__main__":
    main()
