"""Exports a trained network to the formats of other runtimes.

Example: python -m nst_tf.export --model=runs/starry --formats=tflite,web
    --output=exported/starry
"""

import importlib

from absl import logging

from nst_tf.config import flags
from nst_tf.config.export import ExportSettings
from nst_tf.config.startup import quiet_start
from nst_tf.exporters.run import export


def main() -> None:
    settings = flags.read(ExportSettings)
    # TensorFlow tells each step of a conversion, its Python part because absl.app asks
    # for more than warnings.
    logging.set_verbosity(logging.WARNING)
    with quiet_start():
        importlib.import_module("tensorflow")
    export(settings)


if __name__ == "__main__":
    flags.define(ExportSettings)
    flags.run(main)
