"""What every command that paints a folder of photos is told."""

import dataclasses
import os
import re

from nst_tf.config.fields import PATH, Settings, check_distinct, setting
from nst_tf.core.errors import expected
from nst_tf.images import io as image_io


@dataclasses.dataclass(frozen=True)
class FolderSettings(Settings):
    """Settings of `nst_tf.stylize` and `nst_tf.client`; each field is the flag of the same name."""

    model: str = setting(
        "",
        "Run folder, .keras, SavedModel folder or .tflite.",
        required="See --help.",
        path=PATH,
    )
    content: str = setting(
        "", "A photo, a folder or a glob such as 'a/**/*.jpg'.", path=PATH
    )
    output: str = setting(
        "", "File for one photo, folder for several.", required="See --help.", path=PATH
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
    overwrite: bool = setting(False, "Replace files that exist.")
    max_pixels: int = setting(
        image_io.MAX_PIXELS, "Photos with more pixels are refused.", least=1
    )

    def _check(self) -> None:
        super()._check()
        if not self.content and self._needs_content():
            raise expected("--content", "nothing", "See --help.")
        if self.style_weights and not sum(self.style_weights):
            raise expected(
                "--style_weights of at least 0, not all 0",
                ",".join(map(str, self.style_weights)),
                "Change them.",
            )
        _ = self.style_argument  # raises, if entries, shares and weights do not fit

    def _needs_content(self) -> bool:
        return True

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
