"""What every command that paints a folder of photos is told."""

import dataclasses
import os
import re
from pathlib import Path
from typing import Any

from nst_tf.config.fields import PATH, Other, Settings, check_distinct, setting
from nst_tf.core.errors import UserError, expected
from nst_tf.images import enlarging, io as image_io

STREAM = "-"  # as --content and --output: stdin and stdout
STDOUT_FORMATS = ("png", "jpg", "webp", "bmp", "tif")


@dataclasses.dataclass(frozen=True)
class WritingSettings(Settings):
    """How a command writes pictures; a base of the settings of those that do."""

    quality: int = setting(
        95,
        "Of JPEG, WebP and AVIF files, 1 to 100.",
        least=1,
        most=100,
        resumable=True,
    )
    strip_metadata: bool = setting(
        False,
        "Leave out what the photo's file says beside its pixels: EXIF with place and time, XMP, resolution.",
        resumable=True,
    )


@dataclasses.dataclass(frozen=True)
class FolderSettings(WritingSettings):
    """Settings of `nst_tf.stylize` and `nst_tf.client`; each field is the flag of the same name."""

    model: str = setting(
        "",
        "Run folder, .keras, SavedModel folder, .tflite, .onnx or OpenVINO's .xml.",
        required="See --help.",
        path=PATH,
    )
    content: str = setting(
        "",
        "A photo, a folder or a glob such as 'a/**/*.jpg'; or -, the photo on stdin.",
        path=PATH,
    )
    output: str = setting(
        "",
        "File for one photo, folder for several; what ends in /, exists as a folder or has no suffix is a "
        "folder. Or -, the picture on stdout.",
        required="See --help.",
        path=PATH,
    )
    style: tuple[str, ...] = setting(
        (),
        "Styles as NAME or NAME:SHARE, separated by commas, such as wave:2,cafe:1: names of the model's "
        "styles, or for a model of any style pictures, packaged names or paths.",
        path=PATH,
    )
    style_weights: tuple[float, ...] = setting(
        (),
        "Earlier form of the shares in --style: a number for each of its entries, or without --style for each "
        "of the model's styles in their order, such as 0,1 or 0.5,0.5.",
        least=0,
    )
    strength: float = setting(
        1.0,
        "How strongly to paint, 0 (the photo, nearly) to 1; for models of any style, and those that were "
        "trained with --strength.",
        least=0,
        most=1,
        aliases=("alpha",),
    )
    overwrite: bool = setting(
        False, "Replace files that exist; photos themselves never are."
    )
    skip_existing: bool = setting(
        False, "Paint only what is not there yet: goes on where a folder was left."
    )
    image_size: int = setting(
        0,
        "Long side of pictures at most, pixels: larger photos are shrunk and painted at it, and, unless "
        "--upscale says otherwise, written at it; 0 for the photos' own sizes.",
        least=0,
    )
    upscale: str = setting(
        "none",
        "What brings a painting of --image_size to the photo's own size: bicubic is smooth, guided has the "
        "photo's contours, none leaves it small. For --stroke_scale none means guided.",
        choices=("none", *enlarging.METHODS),
        used_if={"image_size": Other(0), "stroke_scale": Other(1.0)},
    )
    stroke_scale: float = setting(
        1.0,
        "How many times as broad the strokes are: the photo is painted at this part of its size and brought "
        "back to it; at a cost that falls with its square.",
        least=1,
    )
    stdout_format: str = setting(
        "png",
        "Format of --output=-, the picture on stdout.",
        choices=STDOUT_FORMATS,
        used_if={"output": STREAM},
    )
    max_pixels: int = setting(
        image_io.MAX_PIXELS,
        "Photos and pictures of styles with more pixels are refused, as small files can have billions: raise "
        "it for larger ones that you trust.",
        least=1,
    )

    def _check(self) -> None:
        super()._check()
        if not self.content and self._needs_content():
            raise expected("--content", "nothing", "See --help.")
        self._check_output()
        if self.output == STREAM and os.path.isdir(self.content):
            raise expected(
                "one photo as --content for --output=-", self.content, "Name a folder."
            )
        if self.overwrite and self.skip_existing:
            raise expected(
                "--overwrite or --skip_existing", "both", "Replace files, or keep them."
            )
        if self.image_size and self.stroke_scale != 1:
            raise expected(
                "--image_size or --stroke_scale", "both", "Leave one of them out."
            )
        if self.style_weights and not sum(self.style_weights):
            raise expected(
                "--style_weights of at least 0, not all 0",
                ",".join(map(str, self.style_weights)),
                "Change them.",
            )
        _ = self.style_argument  # raises, if entries, shares and weights do not fit

    def _needs_content(self) -> bool:
        return True

    def _check_output(self) -> None:
        is_folder(self.output)  # raises, if it is neither folder nor picture

    @property
    def reading_size(self) -> int:
        """Long side in pixels at which photos are read; 0 for their own sizes."""
        return self.image_size if self.upscale == "none" else 0

    @property
    def broad_strokes(self) -> dict[str, Any]:
        """Options of `nst_tf.inference.model.Model.broaden`; {} for the model's own strokes."""
        if self.stroke_scale == 1 and self.upscale == "none":
            return {}
        return {
            "stroke_scale": self.stroke_scale,
            "image_size": self.image_size,
            "upscale": "guided" if self.upscale == "none" else self.upscale,
        }

    @property
    def style_argument(self) -> dict[str, float] | tuple[float, ...] | None:
        """What a model is asked for: {style: share}, shares by position, or None."""
        if not self.style:
            return self.style_weights or None
        entries = [split_share(entry) for entry in self.style]
        names = [name for name, _ in entries]
        check_distinct("style", names)
        shares = [1.0 if share is None else share for _, share in entries]
        if self.style_weights:
            if any(share is not None for _, share in entries):
                raise expected(
                    "shares in --style or --style_weights",
                    "both",
                    "Leave out --style_weights.",
                )
            if len(self.style_weights) != len(names):
                raise expected(
                    f"{len(names)} numbers as --style_weights, one for each style",
                    len(self.style_weights),
                    "Name a share in --style, as NAME:SHARE.",
                )
            shares = list(self.style_weights)
        if not sum(shares):
            raise expected(
                "a share above 0 in --style", ",".join(self.style), "Change one."
            )
        return dict(zip(names, shares))


def is_folder(output: str) -> bool:
    """Returns whether --output stands for a folder: it ends in a slash, exists as one,
    or has no suffix. `STREAM` is none.

    Raises:
        UserError: it has a suffix in which no picture can be written.
    """
    if output == STREAM:
        return False
    separators = tuple(filter(None, (os.sep, os.altsep)))
    if output.endswith(separators) or os.path.isdir(output):
        return True
    suffix = Path(output).suffix
    if not suffix:
        return True
    try:
        image_io.format_of(suffix)
    except UserError as error:
        raise UserError(
            f"{error} If --output={output} is to be a folder, end it in /."
        ) from error
    return False


def split_share(entry: str) -> tuple[str, float | None]:
    """Returns name and share of an entry of --style; None where it says no share.

    An entry that is a path or a URL as a whole is taken whole.

    Raises:
        UserError: a share below 0, or one that is not finite.
    """
    name, colon, share = entry.rpartition(":")
    if not colon or not name or os.path.exists(entry):
        return entry, None
    if re.fullmatch(r"\w+", name) and share.startswith("//"):
        return entry, None
    try:
        number = float(share)
    except ValueError:
        return entry, None
    if not 0 <= number < float("inf"):
        raise expected(
            "a share of at least 0 in --style", entry, "Try NAME or NAME:0.5."
        )
    return name, number


def texture_sides(size: str) -> tuple[int, int]:
    """Returns height and width of a --texture_size such as "512x384", width first.

    Raises:
        UserError: it is no size, or a giant's.
    """
    try:
        width, height = (int(side) for side in size.split("x"))
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise expected("--texture_size as WIDTHxHEIGHT", size, "Try 512x384.")
    if width * height > 10**9:
        what = "--texture_size of at most 1000 megapixels"
        raise expected(what, size, "Try 512x384.")
    return height, width
