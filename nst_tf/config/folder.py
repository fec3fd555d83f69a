"""What every command that paints an album of photos is told."""

import dataclasses

from nst_tf.config.fields import setting
from nst_tf.core.errors import expected
from nst_tf.images import io as image_io


@dataclasses.dataclass(frozen=True)
class AlbumSettings:
    """Settings of `nst_tf.stylize` and `nst_tf.client`; each field is the flag of the same name."""

    model: str = setting("", "Run folder, .keras, SavedModel folder or .tflite.")
    content: str = setting("", "A photo, a folder or a glob such as 'a/**/*.jpg'.")
    output: str = setting("", "File for one photo, folder for several.")
    style_weights: tuple[str, ...] = setting(
        (),
        "For a model of several styles, a number for each: 1 for the one to paint in and 0 for the others, "
        "or a blend such as 0.5,0.5.",
    )
    strength: float = setting(
        1.0,
        "How strongly a model with styles of its own paints, 0 (the photo, nearly) to 1; for models that "
        "were trained with --strength.",
    )
    overwrite: bool = setting(False, "Replace files that exist.")
    max_pixels: int = setting(image_io.MAX_PIXELS, "Larger photos are refused.")

    def __post_init__(self):
        for name in self._needed():
            if not getattr(self, name):
                raise expected(f"--{name}", "none", "See --help.")
        _ = self.blend  # raises, if they are no numbers

    def _needed(self) -> tuple[str, ...]:
        return "model", "content", "output"

    @property
    def blend(self) -> tuple[float, ...]:
        """The style weights as numbers."""
        try:
            return tuple(float(weight) for weight in self.style_weights)
        except ValueError:
            raise expected(
                "numbers as --style_weights", ",".join(self.style_weights), "Try 1,0."
            ) from None

    @property
    def style_argument(self):
        return self.blend or None
