"""Distils VGG19 into a narrow copy whose features give the same perceptual losses.

The narrow network (the student) starts as a subset of VGG19's channels refitted by
least squares, and is then trained so that a linear embedding of its maps equals VGG19's
maps: features, Gram matrices, and the differences between a photo and a changed version
of it. A network that is trained with a feature network finds what the latter does not
see, so half of what the student is shown comes from the attacks of
`nst_tf.training.distillation.adversaries`: pictures that are being optimized against
the student's own loss at this very moment, and the pictures of networks that train
against it. The other half is photos, plain and disturbed.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.config.methods.slim_features import SlimFeaturesSettings
from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.data import pipeline
from nst_tf.features import slim_vgg19, vgg, vgg19
from nst_tf.ops import statistics
from nst_tf.runs.folder import RunFolder
from nst_tf.training.distillation import adversaries, student
from nst_tf.training.first_weights import restore_checkpoint
from nst_tf.training.schedule import FitResult
from nst_tf.training.task import OpenBatches, Task

# Floor of the divisor of Gram errors, as a share of the Gram matrix's energy: see
# `SlimFeaturesTask.terms`.
NEAREST = 0.1
START_PICTURES = 320  # of the fit before the first step


class SlimFeaturesTask(Task):
    """Trains a narrow VGG19.

    Args:
        settings: widths, teacher weights, content and seed.
    """

    draws = False

    def __init__(self, settings: SlimFeaturesSettings):
        self.widths = list(settings.slim_widths)
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            # The pool of pictures under attack is one: replicas would need a part of it
            # each.
            raise expected(
                "one device for --method=slim_features",
                f"--strategy={settings.strategy}",
                "Use --strategy=one_device.",
            )
        self._settings = settings
        self._teacher = vgg19.load_vgg19(settings.vgg_weights, vgg.SLIM_LAYERS)
        self._targets = keras.Model(
            self._teacher.model.input,
            {name: self._teacher.model.output[name] for name in student.COMPARED},
        )
        self.network = student.build_student(self.widths)
        self._student_loss = adversaries.StudentLoss(self.network)
        self._pixels = adversaries.PixelAdversary(settings.crop_size)
        self._networks = adversaries.NetworkAdversary(
            settings.batch_size // 3, settings.crop_size
        )
        self.state = {**self._pixels.state, **self._networks.state}

    @property
    def provenance(self) -> dict:
        """Hash of the teacher's weights."""
        return {"teacher": dict(self._teacher.provenance)}

    def start(self, open_batches: OpenBatches) -> None:
        """Sets the student to VGG19's channels, chosen and refitted on the first photos
        of the stream.

        With --init_from its layers are taken as they are; if its widths are others, up
        to the first layer that differs.
        """
        kept = (
            self._take_over(RunFolder(Path(self._settings.first_run)))
            if self._settings.first_run
            else ()
        )
        if len(kept) == len(vgg.SLIM_LAYERS):
            return
        size, pictures = self._settings.batch_size, []
        for batch in open_batches(pipeline.Shard(size), 0).take(
            -(-START_PICTURES // size)
        ):
            plain, changed = tf.split(batch["image"], [size // 2, size - size // 2])
            number = tf.cast(batch["index"][0], tf.int32)
            pictures += [
                plain,
                adversaries.disturb(changed, tf.stack([number, self._settings.seed])),
            ]
        student.refit(self.network, self._teacher, tf.concat(pictures, 0), kept)

    def _take_over(self, run: RunFolder) -> tuple[str, ...]:
        """Copies another student's weights as far as it is as wide as this one; returns
        the layers.
        """
        widths = [
            int(width) for width in (run.settings or {}).get("slim_widths", self.widths)
        ]
        other = student.build_student(widths)
        restore_checkpoint(other, run, averaged=True)
        same = next((i for i in range(5) if widths[i] != self.widths[i]), 5)
        kept = tuple(name for name in vgg.SLIM_LAYERS if int(name[4]) <= same)
        for name in kept:
            for layer in student.name_layers(name):
                self.network.get_layer(layer).set_weights(
                    other.get_layer(layer).get_weights()
                )
        return kept

    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Returns the errors against the teacher, each the mean of the batch, repeated [B].

        "feature", "difference" and "gram" are relative squared errors. The Gram error
        of an adversary's picture is divided by the style error that the student sees in
        it: the nearer a picture is to its style, the smaller an error that misleads its
        author. "direction" is 1 - cosine between the gradients of both networks'
        losses in the networks' pictures, which those that train against it follow.
        "fooled", the style error that adversaries have reached by the student's
        judgement, is no part of "loss".

        Reference:
            Czarnecki et al. 2017 (arXiv:1706.04859) for distilling derivatives too.
        """
        photos, fresh_photos, fresh_styles = tf.split(batch["image"], 3)
        count = tf.shape(photos)[0]
        seed = tf.stack([tf.cast(batch["index"][0], tf.int32), self._settings.seed])
        disturbed = adversaries.disturb(photos, seed)
        slots, attacked, originals, attacked_styles = self._pixels.visit(
            fresh_photos, fresh_styles, seed
        )
        self._networks.renew(fresh_styles, seed)
        with tf.GradientTape(persistent=True) as painting:
            drawn = self._networks.draw(photos)
        painted, attacked = tf.stop_gradient(drawn), tf.stop_gradient(attacked)
        wide = self._targets(
            tf.concat([photos, disturbed, attacked, self._networks.styles], 0)
        )
        parts = {layer: tf.split(maps, 4) for layer, maps in wide.items()}
        wide_photos, wide_disturbed, wide_attacked, wide_styles = (
            {layer: maps[number] for layer, maps in parts.items()}
            for number in range(4)
        )

        calm = self.network(tf.concat([photos, disturbed], 0))
        in_painted, seen_painted, descent = self._descent(
            painted, photos, self._networks.styles
        )
        in_attacked, seen_attacked, pixel_descent = self._descent(
            attacked, originals, attacked_styles
        )
        wide_painted, wanted_descent = self._wanted_descent(
            painted, wide_photos, wide_styles
        )
        self._networks.learn(painting, drawn, tf.stop_gradient(descent))
        self._pixels.move(slots, attacked, tf.stop_gradient(pixel_descent))

        found, seen = (
            tf.nest.map_structure(lambda *parts: tf.concat(parts, 0), *both)
            for both in ((in_painted, in_attacked), (seen_painted, seen_attacked))
        )
        values = {
            "feature": [],
            "difference": [],
            "gram": [],
            "direction": [1.0 - _cosine(descent, wanted_descent)],
        }
        for layer in student.COMPARED:
            embedded = tf.concat([calm["embedded"][layer], found["embedded"][layer]], 0)
            target = tf.stop_gradient(
                tf.concat(
                    [
                        each[layer]
                        for each in (
                            wide_photos,
                            wide_disturbed,
                            wide_painted,
                            wide_attacked,
                        )
                    ],
                    0,
                )
            )
            values["feature"].append(
                statistics.relative_squared_error(embedded, target)
            )
            # Disturbed and painted pictures against the photos that they show.
            change, change_target = (
                maps[count : 3 * count] - tf.tile(maps[:count], [2, 1, 1, 1])
                for maps in (embedded, target)
            )
            photo_energy = tf.tile(_energy(target[:count]), [2])
            values["difference"].append(
                _energy(change - change_target)
                / (_energy(change_target) + 0.01 * photo_energy)
            )
            if layer in student.STYLE_LAYERS:
                gram = tf.concat(
                    [
                        self._student_loss.gram(each["maps"], layer)
                        for each in (calm, found)
                    ],
                    0,
                )
                error = statistics.relative_squared_error(
                    gram, statistics.gram_matrix(target)
                )
                near = NEAREST + tf.minimum(
                    tf.stop_gradient(seen[layer]), 1.0 - NEAREST
                )
                values["gram"].append(
                    error / tf.concat([tf.ones([2 * count]), near], 0)
                )
        means = {
            name: tf.reduce_mean(tf.stack([tf.reduce_mean(value) for value in terms]))
            for name, terms in values.items()
        }
        means = {"loss": tf.add_n(list(means.values())), **means}
        means["fooled"] = tf.reduce_mean(
            tf.stack([seen[layer] for layer in student.STYLE_LAYERS])
        )
        return {
            name: tf.fill(tf.shape(batch["index"]), value)
            for name, value in means.items()
        }

    def _descent(self, pictures, photos, styles):
        """What the student finds in pictures, its errors there, and their total's
        gradient [B, S, S, 3].
        """
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            found = self.network(pictures)
            errors = self._student_loss.terms(found["maps"], photos, styles)
            total = self._student_loss.total(errors)
        return found, errors, tape.gradient(total, pictures)

    def _wanted_descent(self, pictures, wide_photos, wide_styles):
        """The teacher's maps of pictures, and the gradient of its loss there."""
        with tf.GradientTape() as tape:
            tape.watch(pictures)
            maps = self._targets(pictures)
            total = self._student_loss.total(
                {
                    layer: statistics.relative_squared_error(
                        statistics.gram_matrix(maps[layer]),
                        statistics.gram_matrix(wide_styles[layer]),
                    )
                    if layer in student.STYLE_LAYERS
                    else statistics.relative_squared_error(
                        maps[layer], wide_photos[layer]
                    )
                    for layer in student.COMPARED
                }
            )
        return maps, tf.stop_gradient(tape.gradient(total, pictures))

    def preview(self, run: RunFolder, step: int) -> None:
        """Draws nothing: the student makes no pictures."""

    def finish(self, run: RunFolder, result: FitResult) -> list[str]:
        """Writes slim_vgg19.npz and its card; returns lines for the user."""
        # Slots that a short run has not reached are black, and have no distances.
        model = student.pack_model(
            self.network, self._teacher, self.widths, self._pixels.seen()
        )
        path = run.path / "slim_vgg19.npz"
        np.savez_compressed(path, **slim_vgg19.pack_slim(model, self.widths))
        errors = student.measure_held_out_errors(
            slim_vgg19.load_slim_vgg19(student.COMPARED, weights=str(path)),
            self._targets,
        )
        card = {
            "name": "slim_vgg19",
            "widths": self.widths,
            "layers": list(vgg.SLIM_LAYERS),
            "parameters": int(model.count_params()),
            "bytes": path.stat().st_size,
            "sha256": files.sha256(path),
            "teacher_sha256": self._teacher.provenance["sha256"],
            "content": self._settings.content,
            "crop_size": self._settings.crop_size,
            "batch_size": self._settings.batch_size,
            "steps": result.steps,
            "minutes": round(result.seconds / 60, 1),
            "seed": self._settings.seed,
            "errors_on": "photographs of scikit-image, never trained on",
            "errors": errors,
        }
        if self._settings.first_run:
            card["began_with"] = _list_earlier_runs(self._settings.first_run)
        files.write_atomically(
            path.with_suffix(".json"),
            json.dumps(card, indent=2).encode(),
            overwrite=True,
        )
        table = ", ".join(
            f"{name} {error['feature']:.3f}" for name, error in errors.items()
        )
        return [
            f"relative feature error on held-out photographs: {table}",
            f"wrote {path} ({path.stat().st_size / 1e6:.2f} MB); use it with --slim_weights={path}",
        ]


def _list_earlier_runs(first_run):
    """Steps, minutes and seeds of the runs whose weights went into this one, the first
    one first.
    """
    if not first_run:
        return []
    before = json.loads(RunFolder(Path(first_run)).record.read_text())
    return [
        *_list_earlier_runs(before["settings"].get("init_from", "")),
        {
            "steps": before["steps"],
            "minutes": round(before["seconds"] / 60, 1),
            "seed": before["settings"]["seed"],
            "widths": [int(k) for k in before["settings"]["slim_widths"]],
        },
    ]


def _cosine(first, second):
    products = tf.reduce_sum(first * second, [1, 2, 3])
    return products * tf.math.rsqrt(_energy(first) * _energy(second) + 1e-30)


def _energy(maps):
    return tf.reduce_sum(tf.square(maps), [1, 2, 3])
