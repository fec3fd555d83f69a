"""Trains a classifier by our fit loop and by Keras's `fit`: the same network, pictures and steps.

Example: python benchmarks/mini_vgg.py --recipe=configs/vgg_fashion.flags --output=runs/mini_vgg

Prints and writes OUTPUT/mini_vgg.json: what both score on the test pictures, minutes,
images a second. The order of the pictures and their crops differ: both are drawn anew.
"""

import json
import math
import subprocess
import sys
import time

import keras
import tensorflow as tf
from absl import flags

from nst_tf.config.commandline import flags as config_flags
from nst_tf.config.registries import METHODS
from nst_tf.config.train import TrainSettings
from nst_tf.core import files
from nst_tf.images import io as image_io
from nst_tf.runs.folder import RunFolder
from nst_tf.training.optimizers import MOMENTUM, NOT_DECAYED
from nst_tf.training.schedule import FitConfig

flags.DEFINE_string("recipe", None, "Flagfile of --method=classify.", required=True)
flags.DEFINE_string("output", None, "Folder of the runs and numbers.", required=True)
FLAGS = flags.FLAGS


def main():
    folder = files.ensure_writable_folder(FLAGS.output)
    run = folder / "ours"
    if not RunFolder(run).classifier.is_file():
        command = [sys.executable, "-m", "nst_tf.train", f"--flagfile={FLAGS.recipe}"]
        subprocess.run([*command, f"--output={run}", "--overwrite"], check=True)
    recorded = RunFolder(run).recorded
    settings = TrainSettings.of(recorded["settings"])
    images = settings.steps * settings.batch_size
    results = {
        "steps": settings.steps,
        "images": images,
        "classes": len(recorded["classes"]),
        "ours": {
            **recorded["test"],
            "minutes": round(recorded["seconds"] / 60, 1),
            "images_a_second": round(images / recorded["seconds"]),
        },
        "keras_fit": fit_by_keras(settings, images),
    }
    for name in ("ours", "keras_fit"):
        top1, count = results[name]["top1"], sum(map(sum, recorded["test_confusion"]))
        # Of a share of so many pictures, one standard deviation.
        results[name]["noise"] = math.sqrt(top1 * (1 - top1) / count)
        print(name, results[name])
    path = folder / "mini_vgg.json"
    files.write_atomically(path, json.dumps(results, indent=2).encode(), overwrite=True)
    print(f"wrote {path}")


def fit_by_keras(settings, images):
    """Trains the same network by `fit`, and returns what it scores."""
    keras.utils.set_random_seed(settings.seed)
    task = METHODS["classify"](settings)
    classes = len(task.classes)
    schedule = Schedule(settings)
    optimizer = keras.optimizers.SGD(
        schedule, MOMENTUM, nesterov=True, weight_decay=settings.weight_decay or None
    )
    optimizer.exclude_from_weight_decay(var_names=NOT_DECAYED)
    task.network.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=settings.label_smoothing
        ),
        metrics=["accuracy"],
    )
    pictures, side = task.training, settings.crop_size
    margin = side // 8
    moved = keras.Sequential(
        [
            keras.layers.RandomTranslation(margin / side, margin / side, "reflect"),
            *([keras.layers.RandomFlip("horizontal")] if settings.flip else []),
        ]
    )
    data = tf.data.Dataset.from_tensor_slices((pictures.pixels, pictures.labels))
    data = data.shuffle(len(pictures), seed=settings.seed).repeat()
    data = data.batch(settings.batch_size).map(
        lambda image, label: (
            moved(tf.cast(image, tf.float32) / 255.0, training=True),
            tf.one_hot(label, classes),
        ),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    started = time.monotonic()
    task.network.fit(
        data.take(settings.steps).prefetch(tf.data.AUTOTUNE),
        steps_per_epoch=settings.steps,
        verbose=0,
    )
    seconds = time.monotonic() - started
    top1 = task.network.evaluate(
        image_io.to_float(task.test.pixels),
        keras.ops.one_hot(task.test.labels, classes),
        batch_size=250,
        verbose=0,
        return_dict=True,
    )
    return {
        "loss": top1["loss"],
        "top1": top1["accuracy"],
        "minutes": round(seconds / 60, 1),
        "images_a_second": round(images / seconds),
    }


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """The step sizes of our fit loop, from its own function."""

    def __init__(self, settings):
        config = FitConfig(
            settings.steps,
            -1,
            0,
            settings.learning_rate,
            settings.schedule,
            settings.batch_size,
            1,
            1,
        )
        sizes = [
            config.step_size(step / settings.steps) for step in range(settings.steps)
        ]
        self._sizes = tf.constant(sizes, tf.float32)

    def __call__(self, step):
        return tf.gather(self._sizes, tf.minimum(step, len(self._sizes) - 1))


if __name__ == "__main__":
    config_flags.run(main)
