r"""Paints photos with a model that TensorFlow Serving serves.

Example: python -m nst_tf.client --server=localhost:8500 --model=starry --content=holiday/ \
             --output=painted/

Exits with status 1 if any photo could not be painted; the others are written all the
same. Neither TensorFlow nor the model is needed here.
"""

import os

from nst_tf.config.commandline import flags
from nst_tf.config.painting.client import ClientSettings as Settings
from nst_tf.core.results import CommandResult
from nst_tf.serving.run import stylize


def main(settings: Settings) -> CommandResult:
    # gRPC reads it at its import: what it has to say reaches the user as our errors.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    return stylize(settings)


if __name__ == "__main__":
    flags.run(main, Settings)
