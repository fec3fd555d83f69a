"""One class for every kind of model in every runtime: what a user paints with."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from nst_tf.core.errors import UserError, expected
from nst_tf.core.shares import normalize_shares
from nst_tf.data import style_images
from nst_tf.images import io as image_io
from nst_tf.inference.painter import Mask, Painter
from nst_tf.inference.runtimes.runtime import Runtime
from nst_tf.inference.strokes.broad_strokes import BroadStrokes, Strokes
from nst_tf.inference.style_names import find_style

# A name, an index, a picture, a path, a code; several of them with their shares; or
# shares alone by position.
Style = Any
Paint = Callable[[np.ndarray], np.ndarray]  # photo -> stylized photo
STYLE_SIZE = 512  # pixels, short side of style pictures at most


class Model:
    """Paints photos: `model(image, style="wave", strength=0.8)`.

    It is not for several threads at once, unless a server runs it.

    Args:
        runtime: what runs the model; `nst_tf.load_model` opens it.
        style_names: of the model's own styles; none for a model of any style.
        style_size: short side of style pictures, pixels; smaller ones stay as they are.
        max_pixels: style pictures with more pixels are refused.
    """

    def __init__(
        self,
        runtime: Runtime,
        style_names: Sequence[str] = (),
        style_size: int = STYLE_SIZE,
        max_pixels: int = image_io.MAX_PIXELS,
    ):
        if style_size < 1:
            raise expected(
                "--style_size of at least 1", style_size, "512 is the default."
            )
        self._runtime = runtime
        self._names = tuple(style_names)
        self._style_size, self._max_pixels = style_size, max_pixels

    @property
    def styles(self) -> tuple[str, ...]:
        """Names of the model's own styles; () for a model of any style."""
        return self._names

    def __call__(
        self,
        image: np.ndarray | image_io.Image,
        style: Style = None,
        strength: float = 1.0,
        masks: Sequence[Mask] = (),
        preserve_color: str = "none",
    ) -> Any:
        """Paints one photo.

        Args:
            image: float32 [H, W, 3] RGB in [0, 1], or a `Image`, whose alpha and
                metadata are kept.
            style, strength, masks, preserve_color: as for `prepare`.

        Returns:
            The stylized photo, of the image's type and size.

        Raises:
            UserError: as `prepare`; a mask of another size.
        """
        paint = self.prepare(style, strength, masks, preserve_color)
        if isinstance(image, image_io.Image):
            return dataclasses.replace(image, rgb=paint(image.rgb))
        return paint(image)

    def encode(self, picture: Style) -> np.ndarray:
        """Returns the code of a style picture, float32 [N], for models of any style.

        Args:
            picture: float32 [h, w, 3] RGB in [0, 1], a `Image`, a path, a packaged
                picture's name, or a code, which is returned as it is.

        Raises:
            UserError: the model has styles of its own, or the picture cannot be read.
        """
        if isinstance(picture, image_io.Image):
            picture = picture.rgb
        if isinstance(picture, (str, os.PathLike)):
            picture = read_style(os.fspath(picture), self._style_size, self._max_pixels)
        picture = np.asarray(picture, np.float32)
        return picture if picture.ndim == 1 else self._runtime.encode(picture)

    def prepare(
        self,
        style: Style = None,
        strength: float = 1.0,
        masks: Sequence[Mask] = (),
        preserve_color: str = "none",
    ) -> Painter:
        """Returns a function from photos to stylized photos; styles are encoded now, once.

        Args:
            style: what to paint in. For a model with styles of its own: a name or an
                index. For a model of any style: a picture [h, w, 3], a path, a packaged
                picture's name, or a code [N]. Several: {style: share}, or a list of
                them with equal shares. For a model with styles of its own also a
                sequence of one share a style. None for a model of one style.
            strength: how strongly to paint, 0 (the photo, nearly) to 1.
            masks: one for each style, [H, W, 1] in [0, 1] or a file of the photo's
                size, white where that style paints. Where masks overlap, pictures are
                averaged; where none is white, the photo stays.
            preserve_color: "none", or how the photo's colors are kept, a name in
                `nst_tf.images.color.MODES`.

        Raises:
            UserError: a style that the model does not have, shares that cannot be
                scaled to a sum of 1, a strength that the model has not learned, masks
                beside shares, an unreadable picture.
        """
        self._check_strength(strength)
        codes, shares = self._find_codes(style)
        if masks:
            _check_masks(masks, shares)
        else:
            codes = [np.tensordot(shares, np.stack(codes), 1).astype(np.float32)]
        return Painter(self._runtime, codes, strength, masks, preserve_color)

    def broaden(
        self, *, stroke_scale: float = 1.0, image_size: int = 0, upscale: str = "guided"
    ) -> Model:
        """Returns this model with broader strokes: it paints small, and enlarges that.

        What it returns holds what this model holds: close one of both.

        Args:
            stroke_scale: so many times as broad; at least 1.
            image_size: instead, the long side in pixels at which it paints.
            upscale: "guided" has the photo's contours at its own size, "bicubic" is
                smooth.

        Raises:
            UserError: another value, or both sizes.
        """
        runtime = BroadStrokes(
            self._runtime, Strokes(stroke_scale, image_size, upscale)
        )
        return Model(runtime, self._names, self._style_size, self._max_pixels)

    def close(self) -> None:
        """Frees what the model holds; for a model at a server, ends calls under way."""
        self._runtime.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *unused: object) -> None:
        self.close()

    def _check_strength(self, strength: float) -> None:
        if not 0 <= strength <= 1:
            raise expected(
                "--strength from 0 to 1",
                strength,
                "0 keeps the photo, 1 paints in full strength.",
            )
        if strength != 1 and not self._runtime.has_strength:
            raise expected(
                f"--strength=1 for {self._runtime.name}, which learned no other",
                strength,
                "Train with --strength for a network that can paint weakly.",
            )

    def _find_codes(self, style: Style) -> tuple[list[np.ndarray], tuple[float, ...]]:
        """Returns the codes of the styles, and their shares, which sum to 1."""
        if self._names and _is_shares(style):
            if len(style) != len(self._names):
                raise self._missing_style(f"{len(style)} shares")
            style = {index: share for index, share in enumerate(style) if share}
        if style is None:
            if len(self._names) != 1:
                raise self._missing_style("none")
            style = 0
        if isinstance(style, Mapping):
            items, shares = list(style), [float(share) for share in style.values()]
        elif isinstance(style, (list, tuple)):
            items, shares = list(style), [1.0] * len(style)
        else:
            items, shares = [style], [1.0]
        normalized = normalize_shares(shares)
        return [self._find_code(item) for item in items], normalized

    def _find_code(self, style: Style) -> np.ndarray:
        if not self._names:
            return self.encode(style)
        index = style
        if isinstance(style, str):
            index = find_style(style, self._names, self._runtime.name)
        if not isinstance(index, (int, np.integer)):
            raise expected(
                f"one of the styles of {self._runtime.name}: {'; '.join(self._names)}",
                "a picture or a code",
                "A model of any style paints in those.",
            )
        if not 0 <= index < len(self._names):
            raise expected(
                f"a style from 0 to {len(self._names) - 1} of {self._runtime.name}",
                index,
                "Choose one.",
            )
        code: np.ndarray = np.eye(len(self._names), dtype=np.float32)[index]
        return code

    def _missing_style(self, received: str) -> UserError:
        if not self._names:
            return expected(
                "a style picture",
                f"{received} for {self._runtime.name}, which paints in any style",
                "Name one with --style.",
            )
        return expected(
            f"one of the styles of {self._runtime.name}, or a share for each of the "
            f"{len(self._names)}: {'; '.join(self._names)}",
            received,
            "Name one with --style, or several with shares, such as --style=wave:2,cafe:1.",
        )


def read_style(
    name: str, short_side: int, max_pixels: int = image_io.MAX_PIXELS
) -> np.ndarray:
    """Reads a style picture, float32 [h, w, 3], its short side at most `short_side` pixels.

    Args:
        name: a packaged picture's name, or a path.
        short_side: pixels.
        max_pixels: a larger picture is refused.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    data, _ = style_images.fetch_style(name)
    picture = image_io.read_image(data, max_pixels=max_pixels)
    if min(picture.size) > short_side:
        picture = image_io.read_image(
            data, short_side=short_side, max_pixels=max_pixels
        )
    return picture.rgb


def _is_shares(style: Style) -> bool:
    if isinstance(style, np.ndarray):
        return style.ndim == 1
    if not isinstance(style, (list, tuple)):
        return False
    return all(isinstance(each, (int, float, np.number)) for each in style)


def _check_masks(masks: Sequence[Mask], shares: Sequence[float]) -> None:
    if len(masks) != len(shares):
        raise expected(
            f"{len(shares)} masks, one for each --style",
            len(masks),
            "Name as many --content_masks.",
        )
    if max(shares) > min(shares):
        raise expected(
            "shares of styles or --content_masks",
            "both",
            "Masks say where each style paints; leave out the shares.",
        )
