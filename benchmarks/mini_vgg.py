"""Trains a classifier by our fit loop and by Keras's `fit`: the same network, pictures and steps.

Example: python benchmarks/mini_vgg.py --recipe=configs/vgg_fashion.flags --output=runs/mini_vgg

Prints and writes OUTPUT/mini_vgg.json: what both score on the test pictures, minutes,
images a second. Optimizer and step sizes are the same. The order of the pictures and
their crops differ: Keras draws its own.
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
from nst_tf.training.optimizers import open_optimizer
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
    config = FitConfig(
        settings.steps,
        -1,
        0,
        settings.learning_rate,
        settings.schedule,
        settings.batch_size,
        1,
        1,
        settings.optimizer,
        weight_decay=settings.weight_decay,
    )
    optimizer = open_optimizer(config, task)

    def set_step_size(batch, logs=None):
        optimizer.learning_rate = config.step_size(batch / settings.steps)

    callback = keras.callbacks.LambdaCallback(on_train_batch_begin=set_step_size)
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
        callbacks=[callback],
        verbose=0,
    )
    seconds = time.monotonic() - started
    scores = task.network.evaluate(
        image_io.to_float(task.test.pixels),
        keras.ops.one_hot(task.test.labels, classes),
        batch_size=250,
        verbose=0,
        return_dict=True,
    )
    return {
        "loss": scores["loss"],
        "top1": scores["accuracy"],
        "minutes": round(seconds / 60, 1),
        "images_a_second": round(images / seconds),
    }


if __name__ == "__main__":
    config_flags.run(main)
