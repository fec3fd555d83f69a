r"""Paints photos with a model that TensorFlow Serving serves.

Example: python -m nst_tf.client --server=localhost:8500 --model=starry
    --content=holiday/ --output=painted/
         python -m nst_tf.client --server=localhost:8501 --protocol=rest --model=starry --content=photo.jpg \
             --output=out.jpg

Exits with status 1 if any photo could not be painted; the others are written all the
same. Neither TensorFlow nor the model is needed here.
"""

from nst_tf.config.painting.client import ClientSettings
from nst_tf.core.results import CommandResult
from nst_tf.inference import stream
from nst_tf.serving.retries import Retries
from nst_tf.serving.stylizer import connect


def stylize(settings: ClientSettings) -> CommandResult:
    """Paints the photos.

    Raises:
        UserError: no such server or model, or there is nothing to paint.
    """
    model = connect(
        settings.server,
        settings.model,
        protocol=settings.protocol,
        version=settings.model_version,
        ca_file=settings.ca_file,
        signature=settings.signature,
        encoding=settings.encoding,
        deadline=settings.deadline,
        retries=Retries(settings.retries, settings.retry_wait),
    )
    if settings.broad_strokes:
        model = model.broaden(**settings.broad_strokes)
    with model:
        paint = model.prepare(settings.style_argument, settings.strength)
        return stream.run(paint, settings, settings.concurrency)
