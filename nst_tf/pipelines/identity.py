"""The hash of the settings that make a picture."""

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.config.painting.folder import split_share
from nst_tf.data import style_images
from nst_tf.inference.model_identity import hash_values

# Settings that decide a picture's bytes; the others say where and how it is made.
DECISIVE = (
    "style",
    "style_weights",
    "strength",
    "style_size",
    "preserve_color",
    "image_size",
    "quality",
    "strip_metadata",
)


def hash_settings(settings: BatchSettings, any_style: bool) -> str:
    """Returns the SHA-256 of the settings that decide a picture.

    Args:
        settings: of the command.
        any_style: whether styles are pictures; then their bytes count, not their names.
    """
    values = {name: getattr(settings, name) for name in DECISIVE}
    if any_style:
        entries = map(split_share, settings.style)
        values["style"] = [
            (style_images.fetch_style(name)[1], share) for name, share in entries
        ]
    return hash_values(values)
