r"""Paints photos with a model that TensorFlow Serving serves.

Example: python -m nst_tf.client --server=localhost:8500 --model=starry
    --content=holiday/ --output=painted/
         python -m nst_tf.client --server=localhost:8501 --protocol=rest --model=starry --content=photo.jpg \
             --output=out.jpg

Exits with status 1 if any photo could not be painted; the others are written all the
same. Neither TensorFlow nor the model is needed here.
"""

import contextlib

from nst_tf.config.client import ClientSettings
from nst_tf.inference import folder as photo_folder
from nst_tf.serving import stylizer as remote_stylizer
from nst_tf.serving.retries import Retries


def paint(settings: ClientSettings) -> int:
    """Paints the photos; returns the exit status.

    Raises:
        UserError: no such server or model, or there is nothing to paint.
    """
    connection = remote_stylizer.connect(
        settings.protocol, settings.server, settings.model, settings.model_version
    )
    with contextlib.closing(connection):
        painter = remote_stylizer.RemotePainter(
            connection,
            f"{settings.model} at {settings.server}",
            signature=settings.signature,
            style_weights=settings.blend,
            strength=settings.strength,
            encoding=settings.encoding,
            deadline=settings.deadline,
            retries=Retries(settings.retries, settings.retry_wait),
        )
        with contextlib.closing(painter):
            return photo_folder.paint(painter, settings, settings.concurrency)
