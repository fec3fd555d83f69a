"""A VGG that learns to tell classes: a feature network of one's own.

Simonyan, Zisserman 2015 (arXiv:1409.1556) at any width and depth, with the batch norms
of Ioffe, Szegedy 2015 (arXiv:1502.03167). Departures are listed in
`nst_tf.features.classifier`.
"""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.config.methods.classify import ClassifySettings
from nst_tf.core.errors import expected
from nst_tf.data import labels
from nst_tf.features import classifier
from nst_tf.images import io as image_io
from nst_tf.runs.folder import RunFolder
from nst_tf.training import first_weights
from nst_tf.training.epochs import EpochReport
from nst_tf.training.schedule import FitResult
from nst_tf.training.task import OpenBatches, Task

TOP = 5
JUDGED = 250  # pictures at once


class ClassifyTask(Task):
    """Trains a `classifier.build_classifier` on labeled pictures.

    Args:
        settings: pictures, shape of the network, what keeps it from learning by heart.
    """

    draws = False
    labeled = True
    output_layers = (classifier.SCORES,)

    def __init__(self, settings: ClassifySettings):
        self._settings = settings
        known = self._read(settings.content, "train", "--content")
        self._sha256, self.classes = known.sha256, known.classes
        self.training, self.validation = known.split(settings.seed)
        self.test = None
        if settings.test_content:
            self.test = self._read(settings.test_content, "test", "--test_content")
            if self.test.classes != self.classes:
                raise expected(
                    f"--test_content with the {len(self.classes)} classes of --content",
                    ", ".join(self.test.classes),
                    "Name its folders the same.",
                )
        self.source = labels.LabeledStream(
            self.training, settings.seed, settings.flip, settings.content
        )
        self._mean, self._deviation = self.training.moments()
        self.network = classifier.build_classifier(
            settings.block_widths,
            settings.block_convolutions,
            len(self.classes),
            self._mean,
            self._deviation,
            settings.compute_dtype,
        )
        self._best = []
        if settings.patience:
            self._best = [
                tf.Variable(weight, trainable=False) for weight in self.network.weights
            ]
            self.state = {"best": self._best}

    @property
    def provenance(self) -> dict:
        """Hash and counts of the labeled pictures, and what the first layer knows of them."""
        return {
            "classes": list(self.classes),
            "labels": {
                "sha256": self._sha256,
                "training_pictures": len(self.training),
                "validation_pictures": len(self.validation),
            },
            "mean": [round(float(value), 6) for value in self._mean],
            "deviation": [round(float(value), 6) for value in self._deviation],
        }

    def start(self, open_batches: OpenBatches) -> None:
        """Takes the weights of --init_from, if one is named; else they are random."""
        if self._settings.first_run:
            begin_with = RunFolder(Path(self._settings.first_run))
            first_weights.restore_checkpoint(self.network, begin_with)

    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the cross entropy, and whether the label is the first, or among the
        first five, of what the network takes a picture for.
        """
        scores = self.network(batch["image"], training=True)
        return self._compare(scores, batch["label"])

    def preview(self, run: RunFolder, step: int) -> None:
        """Draws nothing: the network makes no pictures."""

    def listeners(
        self, run: RunFolder, restored: int
    ) -> list[keras.callbacks.Callback]:
        """Returns the one that judges the network after every epoch."""
        settings, count = self._settings, len(self.training)
        report = EpochReport(
            run,
            lambda epoch: -(-epoch * count // settings.batch_size),
            lambda: self.judge(self.validation),
            self.classes,
            tensorboard=settings.tensorboard,
            patience=settings.patience,
            keep=self._keep,
            after=restored,
        )
        return [report]

    def judge(
        self, pictures: labels.LabeledPictures
    ) -> tuple[dict[str, float], np.ndarray]:
        """Returns the means of `terms` over pictures, and how many of each class (row)
        are taken for which (column).
        """
        values: dict[str, list[np.ndarray]] = {}
        taken_for = []
        for first in range(0, len(pictures), JUDGED):
            some = slice(first, first + JUDGED)
            scores = self._score(image_io.to_float(pictures.pixels[some]))
            taken_for.append(np.argmax(scores, -1))
            terms = self._compare(scores, tf.constant(pictures.labels[some]))
            for name, value in terms.items():
                values.setdefault(name, []).append(value.numpy())
        confusion = np.zeros([len(self.classes)] * 2, np.int64)
        np.add.at(confusion, (pictures.labels, np.concatenate(taken_for)), 1)
        means = {
            name: float(np.concatenate(each).mean()) for name, each in values.items()
        }
        return means, confusion

    def finish(self, run: RunFolder, result: FitResult) -> list[str]:
        """Writes the classifier, and what it scores; returns lines for the user."""
        for weight, best in zip(self.network.weights, self._best):
            weight.assign(best)
        self.network.save(run.classifier)
        lines = []
        for name, pictures in (
            ("validation", self.validation),
            ("test", self.test),
        ):
            if pictures is None:
                continue
            scores, confusion = self.judge(pictures)
            run.note(**{name: scores, f"{name}_confusion": confusion.tolist()})
            lines.append(
                f"{name}, {len(pictures)} pictures: loss {scores['loss']:.3f}, "
                f"top-1 {scores['top1']:.2%}, top-{TOP} {scores['top5']:.2%}"
            )
        return [
            *lines,
            f"wrote {run.classifier}; use it with --feature_network={run.path}",
        ]

    def _read(self, content, split, flag):
        return labels.read_labeled(
            content,
            self._settings.crop_size,
            self._settings.data_dir,
            split=split,
            flag=flag,
        )

    def _keep(self):
        for weight, best in zip(self.network.weights, self._best):
            best.assign(weight)

    def _compare(self, scores, numbers):
        count = len(self.classes)
        loss = keras.losses.categorical_crossentropy(
            tf.one_hot(numbers, count),
            scores,
            from_logits=True,
            label_smoothing=self._settings.label_smoothing,
        )
        terms = {"loss": loss}
        for name, most in (("top1", 1), (f"top{TOP}", TOP)):
            hits = tf.math.in_top_k(numbers, scores, min(most, count))
            terms[name] = tf.cast(hits, tf.float32)
        return terms

    @tf.function(input_signature=[tf.TensorSpec([None, None, None, 3])])
    def _score(self, images):
        return self.network(images, training=False)
