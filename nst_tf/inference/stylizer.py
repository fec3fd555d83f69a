"""From a model and the wishes of who uses it to one function on photos."""

from collections.abc import Sequence

import numpy as np

from nst_tf.config.style_request import Wishes
from nst_tf.data import style_images
from nst_tf.images import color, io as image_io
from nst_tf.inference import open_any_style, open_model
from nst_tf.inference.open_model import Artifact


def open_painter(
    model: str,
    style_weights: Sequence[float] = (),
    wishes: Wishes | None = None,
    strength: float = 1.0,
) -> Artifact:
    """Opens a model with all that it needs beside the photo.

    Args:
        model: a path, as `open_model.open_artifact` or `open_any_style.open_any_style`
            takes it.
        style_weights: for a model of several styles of its own.
        wishes: for a model of any style.
        strength: for a model with styles of its own that learnt it, 0 to 1.

    Raises:
        UserError: see the functions above; unreadable style pictures.
    """
    if wishes is None:
        return open_model.open_artifact(model, style_weights, strength)
    opened = open_any_style.open_any_style(model)
    codes = [
        opened.encode_style(read_style(name, wishes.style_size))
        for name in wishes.styles
    ]
    if wishes.masks:
        return lambda photo: _by_regions(
            photo,
            [image_io.read_mask(mask, photo.shape[:2]) for mask in wishes.masks],
            (opened.transform(photo, code, wishes.alpha) for code in codes),
        )
    code = open_any_style.blended(codes, wishes.weights)
    return lambda photo: opened.transform(photo, code, wishes.alpha)


def preserving_colors(artifact: Artifact, mode: str) -> Artifact:
    """Returns a painter whose pictures have the photos' colors by `color.MODES[mode]`."""
    return lambda photo: color.MODES[mode](artifact(photo), photo)


def read_style(name: str, short_side: int) -> np.ndarray:
    """Reads a style picture, float32 [h, w, 3], its short side at most `short_side` pixels.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    data, _ = style_images.fetch_style(name)
    picture = image_io.read_picture(data)
    if min(picture.size) > short_side:
        picture = image_io.read_picture(data, short_side=short_side)
    return picture.rgb


def _by_regions(photo, shares, pictures):
    # Where masks add up to less than 1, the photo has the rest.
    rest = np.maximum(1 - sum(shares), 0)
    total = sum(shares) + rest
    drawn = rest * photo + sum(
        share * picture for share, picture in zip(shares, pictures)
    )
    return (drawn / total).astype(np.float32)
