r"""Paints photos with a trained network.

Example: python -m nst_tf.stylize --model=runs/starry --content=photo.jpg
    --output=out.jpg
         python -m nst_tf.stylize --model=starry.tflite --content=holiday/ --output=painted/
         python -m nst_tf.stylize --model=exported_models/adain --style=painting.jpg --content=photo.jpg \
             --output=out.jpg
         python -m nst_tf.stylize --model=exported_models/adain --style=painting.jpg --texture_size=512x384 \
             --output=texture.jpg

Exits with status 1 if any photo could not be painted; the others are written all the
same.
"""

from nst_tf.config.stylize import StylizeSettings
from nst_tf.images import io as image_io, noise
from nst_tf.inference import folder as photo_folder, stylizer


def stylize(settings: StylizeSettings) -> int:
    """Paints the photos; returns the exit status.

    Raises:
        UserError: the model cannot be opened, or there is nothing to paint.
    """
    painter = stylizer.open_painter(
        settings.model, settings.blend, settings.wishes, settings.strength
    )
    if settings.preserve_color != "none":
        painter = stylizer.preserving_colors(painter, settings.preserve_color)
    if settings.texture:
        drawn = photo_folder.draw(
            painter, noise.natural_noise(settings.seed, *settings.texture), "noise"
        )
        image_io.write_picture(
            settings.output, image_io.Picture(drawn), overwrite=settings.overwrite
        )
        return 0
    return photo_folder.paint(painter, settings)
