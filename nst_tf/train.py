"""Trains a style network, or the slim feature network.

Example: python -m nst_tf.train --flagfile=configs/starry.flags

Flags behind the flagfile override it. Everything is left in the folder --output.
"""

from nst_tf import flag_binding
from nst_tf.settings import TrainSettings


def main() -> None:
    settings = flag_binding.read(TrainSettings)    # wrong ones end here, before the slow import
    with flag_binding.quiet_start():
        from nst_tf import pipeline
    pipeline.train(settings)


if __name__ == "__main__":
    flag_binding.define(TrainSettings)
    flag_binding.run(main)
