"""From settings to painted photos: the runtime, the model, the files."""

from collections.abc import Sequence

from nst_tf.config.painting.folder import STREAM, split_share
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.config.registries import MODEL_FILES
from nst_tf.core.results import CommandResult
from nst_tf.core.startup import quiet_start
from nst_tf.images import io as image_io, noise
from nst_tf.inference import folder as photo_folder, stream
from nst_tf.inference.model import Paint
from nst_tf.inference.open_model import find_artifact, load_model
from nst_tf.inference.video.run import run_video


def stylize(settings: StylizeSettings) -> CommandResult:
    """Paints the photos.

    Raises:
        UserError: the model cannot be opened, it does not paint so, or there is nothing
            to paint.
    """
    with load_model(
        settings.model,
        style_size=settings.style_size,
        max_pixels=settings.max_pixels,
        memory=settings.memory,
        moments=settings.moments,
    ) as model:
        if settings.broad_strokes:
            model = model.broaden(**settings.broad_strokes)
        paint = model.prepare(
            settings.style_argument,
            settings.strength,
            settings.content_masks,
            settings.preserve_color,
        )
        styles = [split_share(entry)[0] for entry in settings.style]
        keep = [*styles, *settings.content_masks]
        if settings.texture:
            return _paint_texture(paint, settings, keep)
        if settings.paints_clip:
            return run_video(paint, settings, keep)
        return stream.run(paint, settings, keep=keep)


def _paint_texture(
    paint: Paint, settings: StylizeSettings, keep: Sequence[str]
) -> CommandResult:
    assert settings.texture is not None
    image = noise.natural_noise(settings.seed, *settings.texture)
    drawn = photo_folder.paint_photo(paint, image, "noise")
    stream.write_picture(image_io.Image(drawn), settings, keep)
    if settings.output != STREAM:
        print(f"wrote {settings.output}")
    return CommandResult({"written": [settings.output]})


def start_runtime(model: str) -> None:
    """Imports TensorFlow quietly, if the model needs it; raises `UserError` for what is no model."""
    if find_artifact(model).suffix not in MODEL_FILES:
        with quiet_start():
            pass
