r"""Paints photos with a model that TensorFlow Serving serves.

Example: python -m nst_tf.client --server=localhost:8500 --model=starry --content=holiday/ --output=painted/
         python -m nst_tf.client --server=localhost:8501 --protocol=rest --model=starry --content=photo.jpg \
             --output=out.jpg

Exits with status 1 if any photo could not be painted; the others are written all the same. Neither TensorFlow nor
the model is needed here.
"""

import contextlib
import os

from nst_tf.config import flags
from nst_tf.config.client import ClientSettings
from nst_tf.inference import folder as photo_folder
from nst_tf.remote import painters
from nst_tf.remote.calls import Retries


def paint(settings: ClientSettings) -> int:
    """Paints the photos; returns the exit status.

    Raises:
        UserError: no such server or model, or there is nothing to paint.
    """
    connection = painters.connect(settings.protocol, settings.server, settings.model, settings.model_version)
    with contextlib.closing(connection):
        painter = painters.RemotePainter(
            connection, f"{settings.model} at {settings.server}", signature=settings.signature,
            style_weights=settings.blend, strength=settings.strength, encoding=settings.encoding, deadline=settings.deadline,
            retries=Retries(settings.retries, settings.retry_wait))
        with contextlib.closing(painter):
            return photo_folder.paint(painter, settings, settings.concurrency)


def main() -> int:
    # Read when gRPC is first imported: what it has to say reaches the user as our errors.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    return paint(flags.read(ClientSettings))


if __name__ == "__main__":
    flags.define(ClientSettings)
    flags.run(main)
