"""From a model and the wishes of who uses it to one function on photos."""

import dataclasses
from collections.abc import Sequence

from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What models of any style are asked for.

    Attributes:
        styles: style pictures: packaged names, paths, or URLs as
            `style_images.fetch_style` takes them.
        weights: one each, in any scale; empty for equal ones. They blend codes, not
            pictures.
        alpha: strength, 0 to 1.
        style_size: short side of style pictures, pixels; smaller pictures stay as they
            are.
        masks: one for each style, of the photo's size, white where that style paints;
            empty for none. Where masks overlap, pictures are averaged; where none is
            white, the photo stays.
    """

    styles: Sequence[str]
    weights: Sequence[float] = ()
    alpha: float = 1.0
    style_size: int = 512
    masks: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.alpha <= 1:
            raise expected(
                "--alpha from 0 to 1",
                self.alpha,
                "0 keeps the photo, 1 paints in full strength.",
            )
        if self.style_size < 1:
            raise expected(
                "--style_size of at least 1", self.style_size, "512 is the default."
            )
        if self.masks and len(self.masks) != len(self.styles):
            raise expected(
                f"{len(self.styles)} masks, one for each --style",
                len(self.masks),
                "Name as many --content_masks.",
            )
        if self.masks and self.weights:
            raise expected(
                "--style_weights or --content_masks",
                "both",
                "Masks say where each style paints; leave out the weights.",
            )
