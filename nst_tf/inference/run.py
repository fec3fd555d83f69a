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
from nst_tf.inference import folder as photo_folder
from nst_tf.inference.model import Paint
from nst_tf.inference.open_model import load_model


def stylize(settings: StylizeSettings) -> int:
    """Paints the photos; returns the exit status.

    Raises:
        UserError: the model cannot be opened, it does not paint so, or there is nothing
            to paint.
    """
    with load_model(settings.model, style_size=settings.style_size) as model:
        paint = model.prepare(
            settings.style_argument,
            settings.strength,
            settings.content_masks,
            settings.preserve_color,
        )
        if settings.texture:
            _paint_texture(paint, settings)
            return 0
        return photo_folder.run_folder(paint, settings)


def _paint_texture(paint: Paint, settings: StylizeSettings) -> None:
    assert settings.texture is not None
    image = noise.natural_noise(settings.seed, *settings.texture)
    drawn = photo_folder.paint_photo(paint, image, "noise")
    image_io.write_image(
        settings.output, image_io.Image(drawn), overwrite=settings.overwrite
    )
