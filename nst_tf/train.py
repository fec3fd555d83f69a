"""Trains a style network, or the slim feature network.

Example: python -m nst_tf.train --flagfile=configs/starry.flags

Flags behind the flagfile override it. Everything is left in the folder --output.
"""

from nst_tf.config import flags
from nst_tf.config.startup import quiet_start
from nst_tf.config.train import TrainSettings


def main() -> None:
    settings = flags.read(TrainSettings)  # wrong ones end here, before the slow import
    with quiet_start():
        from nst_tf.training import run as train_run
    train_run.train(settings)


if __name__ == "__main__":
    flags.define(TrainSettings)
    flags.run(main)
