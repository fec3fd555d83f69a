"""Trains a style network, or the slim feature network.

Example: python -m nst_tf.train --flagfile=configs/starry.flags

Flags behind the flagfile override it. Everything is left in the folder --output.
"""

from nst_tf.config.commandline import flags
from nst_tf.config.train import TrainSettings as Settings
from nst_tf.core.results import CommandResult
from nst_tf.core.startup import quiet_start
from nst_tf.runs.folder import check_first_run


def main(settings: Settings) -> CommandResult:
    check_first_run(settings.first_run)  # now, and not after seconds of imports
    with quiet_start():
        from nst_tf.training.run import train
    return CommandResult(train(settings).summarize())


if __name__ == "__main__":
    flags.run(main, Settings)
