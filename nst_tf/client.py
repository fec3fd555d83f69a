r"""Paints photos with a model that TensorFlow Serving serves.

Example: python -m nst_tf.client --server=localhost:8500 --model=starry
    --content=holiday/ --output=painted/
         python -m nst_tf.client --server=localhost:8501 --protocol=rest --model=starry --content=photo.jpg \
             --output=out.jpg

Exits with status 1 if any photo could not be painted; the others are written all the
same. Neither TensorFlow nor the model is needed here.
"""

import os

from nst_tf.config import flags
from nst_tf.config.client import ClientSettings
from nst_tf.serving.run import stylize


def main() -> int:
    # Read when gRPC is first imported: what it has to say reaches the user as our
    # errors.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    return stylize(flags.read(ClientSettings))


if __name__ == "__main__":
    flags.define(ClientSettings)
    flags.run(main)
