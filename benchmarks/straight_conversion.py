"""Converts a per-style network to TFLite as it is, as a reference for the files of `nst_tf.export`.

Example: python benchmarks/straight_conversion.py --model=runs/starry
    --output=runs/straight.tflite

Float32, with the network's own reflection pads and for 384x384 pixels; nothing else is
done to it.
"""

from pathlib import Path

from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.core import files
from nst_tf.exporters.export_network import cast_to_float32
from nst_tf.exporters.tflite import conversion, per_style
from nst_tf.inference import open_model
from nst_tf.models import transform_net

flags.DEFINE_string("model", None, "Run folder or .keras file.", required=True)
flags.DEFINE_string("output", None, "File to write.", required=True)
FLAGS = flags.FLAGS


def main():
    core = transform_net.core(cast_to_float32(open_model.open_network(FLAGS.model)))
    function = per_style.stylize_function(core)
    plainly = {"": conversion.FLOAT32}
    data = conversion.convert(function, core.weights, plainly)[""]
    files.write_atomically(Path(FLAGS.output), data, overwrite=True)


if __name__ == "__main__":
    config_flags.run(main)
