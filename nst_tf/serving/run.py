r"""Paints photos with a model that TensorFlow Serving serves.

Example: python -m nst_tf.client --server=localhost:8500 --model=starry
    --content=holiday/ --output=painted/
         python -m nst_tf.client --server=localhost:8501 --protocol=rest --model=starry --content=photo.jpg \
             --output=out.jpg

Exits with status 1 if any photo could not be painted; the others are written all the
same. Neither TensorFlow nor the model is needed here.
"""

from nst_tf.config.client import ClientSettings
from nst_tf.inference import folder as photo_folder
from nst_tf.serving.retries import Retries
from nst_tf.serving.stylizer import connect


def stylize(settings: ClientSettings) -> int:
    """Paints the photos; returns the exit status.

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
    with model:
        paint = model.prepare(settings.style_argument, settings.strength)
        return photo_folder.run_folder(paint, settings, settings.concurrency)
