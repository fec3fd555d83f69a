"""Contact sheets: pictures in rows, each fitted into a cell, with captions."""

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from nst_tf.images import io as image_io

CAPTION = 22
GAP = 8
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
PAPER = (250, 250, 248)
INK = (40, 40, 40)


def arrange_images(
    images: Mapping[str, np.ndarray | image_io.Image],
    *,
    columns: int = 4,
    cell: int = 256,
) -> image_io.Image:
    """Lays pictures out in rows, with captions; a notebook shows what is returned.

    Args:
        images: {caption: picture}, float32 [H, W, 3] RGB in [0, 1] or an `Image`, whose
            alpha is laid on white.
        columns: pictures a row.
        cell: side in pixels of the square that each is fitted into; smaller ones are not
            enlarged.

    Raises:
        ValueError: no pictures, or no columns.
    """
    if not images or columns < 1:
        raise ValueError(
            "Expected pictures, and at least 1 column. "
            f"Received: {len(images)} pictures, {columns} columns."
        )
    cells = [(caption, _flatten(image)) for caption, image in images.items()]
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    return image_io.Image(image_io.to_float(make_contact_sheet(rows, cell)))


def make_contact_sheet(
    rows: Sequence[Sequence[tuple[str, np.ndarray]]], cell: int = 384
) -> np.ndarray:
    """Lays captioned pictures out in rows.

    Args:
        rows: (caption, uint8 [H, W, 3]) pairs; rows may differ in length. A caption
            wider than its cell is cut.
        cell: side in pixels of the square that each picture is fitted into; smaller
            ones are not enlarged, so that what is seen at 100 % is what was drawn.

    Returns:
        uint8 [H, W, 3].
    """
    columns = max(len(row) for row in rows)
    width = columns * (cell + GAP) + GAP
    fitted = [
        [(caption, _fit(pixels, cell)) for caption, pixels in row] for row in rows
    ]
    heights = [
        max(picture.height for _, picture in row) + CAPTION + GAP for row in fitted
    ]
    canvas = Image.new("RGB", (width, sum(heights) + GAP), PAPER)
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(14)
    top = GAP
    for row, height in zip(fitted, heights):
        for column, (caption, picture) in enumerate(row):
            left = GAP + column * (cell + GAP)
            canvas.paste(picture, (left + (cell - picture.width) // 2, top))
            under = (left + cell // 2, top + height - GAP - CAPTION + 3)
            draw.text(under, _shorten(caption, font, cell), INK, font, "ma")
        top += height
    return np.asarray(canvas)


def _shorten(caption: str, font: Font, width: int) -> str:
    """Cuts a caption so that it is at most `width` pixels wide."""
    if font.getlength(caption) <= width:
        return caption
    kept = len(caption)
    while kept and font.getlength(f"{caption[:kept]}...") > width:
        kept -= 1
    return f"{caption[:kept]}..."


def _flatten(image: np.ndarray | image_io.Image) -> np.ndarray:
    if not isinstance(image, image_io.Image):
        return image_io.to_uint8(image)
    if image.alpha is None:
        return image_io.to_uint8(image.rgb)
    alpha = image.alpha[..., None]
    return image_io.to_uint8(image.rgb * alpha + 1 - alpha)


def _fit(pixels: np.ndarray, cell: int) -> Image.Image:
    picture = Image.fromarray(pixels)
    picture.thumbnail((cell, cell), Image.Resampling.LANCZOS)
    return picture
