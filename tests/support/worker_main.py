"""The training command as one process of a test, with a record of what this process ended with.

python worker_main.py --dump=FILE.npz [--logical_cpus=2] [--pause=SECONDS] FLAGS OF nst_tf.train
"""

import json
import re
import time

from nst_tf import train
from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.train import TrainSettings
from nst_tf.core.startup import quiet_start


def recorded_fit(dump, pause=0.0):
    """Returns a `Fit` that leaves losses and variables of this process in a file, chief or not."""
    import keras
    import numpy as np

    from nst_tf.training.loop import Fit

    class RecordedFit(Fit):
        def run(self, open_batches, callbacks=(), check_data=lambda: None):
            losses = []

            def note(step, logs):
                losses.append(logs["loss"])
                print(json.dumps({"step": step + 1}), flush=True)
                time.sleep(pause)

            listener = keras.callbacks.LambdaCallback(on_train_batch_end=note)
            result = super().run(open_batches, [*callbacks, listener], check_data)
            variables = [*self.task.network.variables, *self._optimizer.variables]
            # Keras numbers the optimizers of a process: adam, adam_1 ...
            names = [
                re.sub(r"^adam_\d+/", "adam/", variable.path) for variable in variables
            ]
            np.savez(
                dump,
                losses=losses,
                replicas=self._distribution.strategy.num_replicas_in_sync,
                **{
                    f"{index:03d} {name}": keras.ops.convert_to_numpy(variable)
                    for index, (name, variable) in enumerate(zip(names, variables))
                },
            )
            return result

    return RecordedFit


def main(settings):
    with quiet_start():
        import tensorflow as tf

        from nst_tf.training import run as train_run
        from nst_tf.training.methods import feedforward

    feedforward.SHEET_SIDE = 64  # nobody looks at it
    if flags.FLAGS.logical_cpus > 1:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * flags.FLAGS.logical_cpus,
        )
    train_run.Fit = recorded_fit(flags.FLAGS.dump, flags.FLAGS.pause)
    return train.main(settings).status


if __name__ == "__main__":
    from absl import flags

    flags.DEFINE_string("dump", None, "File for losses and variables.", required=True)
    flags.DEFINE_integer("logical_cpus", 1, "Devices that TensorFlow makes of the CPU.")
    flags.DEFINE_float("pause", 0.0, "Seconds to wait after each step.")
    config_flags.run(main, TrainSettings)
