"""One photo in every style of some models, on one contact sheet."""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tqdm

from nst_tf.config.painting.sheet import SheetSettings
from nst_tf.core.errors import UserError, expected
from nst_tf.core.results import CommandResult
from nst_tf.data import sample_photos, style_images
from nst_tf.images import io as image_io
from nst_tf.images.contact_sheet import make_contact_sheet
from nst_tf.inference.folder import paint_photo
from nst_tf.inference.model import Model
from nst_tf.inference.open_model import load_model
from nst_tf.inference.published import published_models
from nst_tf.inference.style_names import label_style

Cell = tuple[str, np.ndarray]  # caption, uint8 [H, W, 3]


def write_sheet(settings: SheetSettings) -> CommandResult:
    """Writes the contact sheet.

    A model that cannot be opened, or cannot paint, is named and left out.

    Raises:
        UserError: an unreadable photo, no model that paints, an output that cannot be
            written.
    """
    output = Path(settings.output)
    image_io.format_of(output.suffix)
    if output.exists() and not settings.overwrite:
        raise expected(
            "an output file that does not exist",
            output,
            "Use --overwrite, or another --output.",
        )
    limit = settings.max_pixels
    photo = sample_photos.read_photo(settings.content, max_pixels=limit)
    if max(photo.size) > settings.image_size:
        photo = sample_photos.read_photo(
            settings.content, long_side=settings.image_size, max_pixels=limit
        )
    names = settings.models or tuple(published_models())
    cells, failed = [("Photo", image_io.to_uint8(photo.rgb))], 0
    for name in names:
        try:
            with load_model(name, max_pixels=limit) as model:
                cells.extend(_paint_styles(name, model, photo.rgb, settings.styles))
        except UserError as error:
            failed += 1
            print(f"error: {error}", file=sys.stderr)
    if len(cells) == 1:
        raise expected("a model that paints", ", ".join(names), "Check --models.")
    columns = settings.columns
    rows = [cells[first : first + columns] for first in range(0, len(cells), columns)]
    sheet = image_io.to_float(make_contact_sheet(rows, cell=max(photo.size)))
    image_io.write_image(output, image_io.Image(sheet), overwrite=settings.overwrite)
    print(
        f"wrote {output}: {len(cells) - 1} styles of {len(names) - failed} models, failed: {failed}"
    )
    captions = [caption for caption, _ in cells[1:]]
    return CommandResult(
        {"written": [output], "styles": captions, "failed": failed}, 1 if failed else 0
    )


def _paint_styles(
    name: str, model: Model, rgb: np.ndarray, pictures: tuple[str, ...]
) -> Iterator[Cell]:
    label = Path(name).stem
    if model.styles:
        captions = list(model.styles)
        styles: list[str | int] = list(range(len(captions)))
    else:
        styles = list(pictures or style_images.packaged_styles())
        captions = [label_style(str(style)) for style in styles]
    pairs = zip(captions, styles)
    for caption, style in tqdm.tqdm(pairs, label, len(styles), unit="style"):
        painted = paint_photo(model.prepare(style), rgb, label)
        yield f"{label}: {caption}", image_io.to_uint8(painted)
