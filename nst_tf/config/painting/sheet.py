"""Every setting of `nst_tf.sheet`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import Settings, setting
from nst_tf.config.perceptual import pixel_limit


@dataclasses.dataclass(frozen=True)
class SheetSettings(Settings):
    """Settings of `nst_tf.sheet`; each field is the flag of the same name."""

    models: tuple[str, ...] = setting(
        (),
        "Models as --model of nst_tf.stylize takes them; none for all published ones.",
    )
    content: str = setting(
        "builtin:coffee",
        "Photo, or builtin:NAME for one of scikit-image's (astronaut, cat, coffee, rocket, motorcycle).",
        required="Name a photo.",
    )
    styles: tuple[str, ...] = setting(
        (),
        "Style pictures for models of any style: packaged names or paths; none for all packaged ones.",
    )
    output: str = setting(
        "", "Picture to write.", required="Name one, such as sheet.png."
    )
    image_size: int = setting(
        384,
        "Long side at which the photo is painted and shown, pixels; smaller photos are "
        "not enlarged.",
        least=16,
        most=4096,
    )
    columns: int = setting(4, "Pictures in a row.", least=1, most=32)
    max_pixels: int = pixel_limit()
    overwrite: bool = setting(False, "Replace the file that exists.")
