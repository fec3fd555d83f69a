"""Converts a per-style network to TFLite as it is, as a reference for the files of `nst_tf.export`.

Example: python benchmarks/straight_conversion.py --model=runs/starry --output=runs/straight.tflite

Float32, with the network's own reflection pads and for 384x384 pixels; nothing else is done to it.
"""

import tempfile
from pathlib import Path

import tensorflow as tf
from absl import flags

from nst_tf import artifacts, files, flag_binding, networks
from nst_tf.exporters import in_float32, tflite

flags.DEFINE_string("model", None, "Run folder or .keras file.", required=True)
flags.DEFINE_string("output", None, "File to write.", required=True)
FLAGS = flags.FLAGS


def main():
    core = networks.core(in_float32(artifacts.open_network(FLAGS.model)))
    module = tf.Module()
    module.parameters = [weight.value for weight in core.weights]

    @tf.function(input_signature=networks.signature(core, batch=1, side=tflite.SIDE))
    def stylize(image, *style_weights):
        return {"stylized": networks.draw(core, image, *style_weights)}

    with tempfile.TemporaryDirectory() as scratch:
        tf.saved_model.save(module, scratch, signatures={"serving_default": stylize})
        data = tf.lite.TFLiteConverter.from_saved_model(scratch).convert()
    files.write_atomically(Path(FLAGS.output), data, overwrite=True)


if __name__ == "__main__":
    flag_binding.run(main)
