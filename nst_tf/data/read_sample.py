"""The pictures that come with the package, photos and styles, by their names."""

from nst_tf.core.errors import expected
from nst_tf.data.sample_photos import BUILTIN, PHOTOS, read_photo
from nst_tf.data.style_images import packaged_styles
from nst_tf.images.io import Image, read_image


def read_sample(name: str, *, long_side: int | None = None) -> Image:
    """Reads a photo or a style picture that comes with the package.

    Args:
        name: of a photo: astronaut, cat, coffee, rocket or motorcycle, which are
            scikit-image's; or of a style picture: autumn_knife, ink_wash, mosaic,
            starry_swirls or woodblock. Where the settings of a command name a photo,
            it is "builtin:cat".
        long_side: pixels to which it is resized; None for its own size.

    Raises:
        UserError: there is no such picture.
    """
    if name in PHOTOS:
        return read_photo(BUILTIN + name, long_side=long_side)
    styles = packaged_styles()
    if name not in styles:
        raise expected(
            f"a picture among {', '.join([*PHOTOS, *styles])}",
            repr(name),
            "Choose one, or read a file with nst_tf.read_image.",
        )
    return read_image(styles[name], long_side=long_side)
