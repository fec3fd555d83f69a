"""Distils VGG19 into a narrow copy whose features give the same perceptual losses.

The narrow network (the student) starts as a subset of VGG19's channels refitted by least squares, and is
then trained so that a linear embedding of its maps equals VGG19's maps: features, Gram matrices, and the
differences between a photo and a changed version of it. A network that is trained with a feature
network finds what the latter does not see, so half of what the student is shown comes from such attacks:
pictures that are being optimised against the student's own loss at this very moment, beside photos
with noise, block patterns and shifted colours.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf import data, features, files, slimming, statistics
from nst_tf.errors import expected
from nst_tf.runs import RunFolder
from nst_tf.settings import TrainSettings
from nst_tf.training import FitResult

POOL_SIZE = 24                # pictures under attack; each is visited every POOL_SIZE * 3 / batch steps
RENEWAL = 1 / 60              # chance that a visited picture starts anew
ATTACK_STEP = 0.012           # root mean square change of a picture a visit, of a range of 1
ATTACK_STYLE_WEIGHT = 10.0    # like a network's in training


class SlimFeaturesTask:
    """Trains a narrow VGG19; a `nst_tf.training.Task`.

    Args:
        settings: widths, teacher weights, content and seed.
    """

    draws = False

    def __init__(self, settings: TrainSettings):
        try:
            self.widths = [int(width) for width in settings.slim_widths]
        except ValueError:
            self.widths = []
        if len(self.widths) != 5 or min(self.widths) < 1:
            raise expected("five widths such as 32,64,128,256,256", settings.slim_widths,
                           "Change --slim_widths.")
        if settings.batch_size % 3:
            raise expected("a batch size divisible by 3 (photos, attacked photos, styles)",
                           settings.batch_size, "Change --batch_size.")
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            # The pool of pictures under attack is one: replicas would need a part of it each.
            raise expected("one device for --method=slim_features",
                           f"--strategy={settings.strategy}", "Use --strategy=one_device.")
        self._settings = settings
        self._teacher = features.load_vgg19(settings.vgg_weights, features.SLIM_LAYERS)
        self._targets = keras.Model(
            self._teacher.model.input,
            {name: self._teacher.model.output[name] for name in slimming.COMPARED})
        self.network = slimming.student(self.widths)
        self._maps = keras.Model(self.network.input, self.network.output["maps"])
        size = settings.crop_size
        shape = (POOL_SIZE, size, size, 3)
        self.state = {
            "attacked": tf.Variable(tf.zeros(shape), trainable=False),
            "photos": tf.Variable(tf.zeros(shape), trainable=False),
            "styles": tf.Variable(tf.zeros(shape), trainable=False),
            "filled": tf.Variable(tf.zeros([POOL_SIZE], tf.bool), trainable=False),
        }

    @property
    def provenance(self) -> dict:
        """Hash of the teacher's weights."""
        return {"teacher": dict(self._teacher.provenance)}

    def start(self, open_batches) -> None:
        """Sets the student to VGG19's channels, chosen and refitted on the first photos of the stream."""
        batches = open_batches(data.Shard(self._settings.batch_size), 0)
        count = -(-60 // self._settings.batch_size)
        pictures = tf.concat([batch["image"] for batch in batches.take(count)], 0)
        slimming.refit(self.network, self._teacher, pictures)

    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        clean, fresh_photos, fresh_styles = tf.split(batch["image"], 3)
        seed = tf.stack([tf.cast(batch["index"][0], tf.int32), self._settings.seed])
        slots, attacked, originals, styles = self._visit(fresh_photos, fresh_styles, seed)
        changed = disturb(clean, seed)
        count = tf.shape(clean)[0]
        pictures = tf.concat([clean, changed, originals, attacked], 0)
        wide = self._targets(pictures)
        narrow = self.network(pictures)
        self._attack(slots, attacked, narrow["maps"]["relu4_2"][2 * count:3 * count], styles)

        values = {"feature": [], "difference": [], "gram": []}
        for layer in slimming.COMPARED:
            embedded, target = narrow["embedded"][layer], tf.stop_gradient(wide[layer])
            values["feature"].append(statistics.relative_squared_error(embedded, target))
            # Pairs of a picture and its changed version: clean-changed and photo-attacked.
            change, change_target = (
                tf.concat([maps[count:2 * count] - maps[:count],
                           maps[3 * count:4 * count] - maps[2 * count:3 * count]], 0)
                for maps in (embedded, target))
            values["difference"].append(
                _energy(change - change_target)
                / (_energy(change_target) + 0.01 * _energy(target[:2 * count])))
            if layer in slimming.STYLE_LAYERS:
                gram = slimming.embedded_gram(narrow["maps"][layer], self._embedding(layer))
                values["gram"].append(
                    statistics.relative_squared_error(gram, statistics.gram_matrix(target)))
        means = {name: tf.reduce_mean(tf.stack([tf.reduce_mean(value) for value in terms]))
                 for name, terms in values.items()}
        means = {"loss": tf.add_n(list(means.values())), **means}
        return {name: tf.fill(tf.shape(batch["index"]), value) for name, value in means.items()}

    def preview(self, run: RunFolder, step: int) -> None:
        """Draws nothing: the student makes no pictures."""

    def finish(self, run: RunFolder, result: FitResult) -> list[str]:
        """Writes slim_vgg19.npz and its card; returns lines for the user."""
        # Slots that a short run has not come to are black: they have no distances.
        pairs = [tf.boolean_mask(self.state[name], self.state["filled"])
                 for name in ("photos", "attacked", "styles")]
        model = slimming.packed_model(self.network, self._teacher, self.widths, pairs)
        path = run.path / "slim_vgg19.npz"
        np.savez_compressed(path, **features.pack_slim(model, self.widths))
        errors = slimming.held_out_errors(
            features.load_slim_vgg19(slimming.COMPARED, weights=str(path)), self._targets)
        card = {
            "name": "slim_vgg19", "widths": self.widths, "layers": list(features.SLIM_LAYERS),
            "parameters": int(model.count_params()), "bytes": path.stat().st_size,
            "sha256": features.sha256(path), "teacher_sha256": self._teacher.provenance["sha256"],
            "content": self._settings.content, "crop_size": self._settings.crop_size,
            "batch_size": self._settings.batch_size, "steps": result.steps,
            "minutes": round(result.seconds / 60, 1), "seed": self._settings.seed,
            "errors_on": "photographs of scikit-image, never trained on", "errors": errors,
        }
        if self._settings.init_from:
            before = json.loads(RunFolder(Path(self._settings.init_from)).record.read_text())
            card["began_with"] = {
                "steps": before["steps"], "minutes": round(before["seconds"] / 60, 1),
                "seed": before["settings"]["seed"]}
        files.write_atomically(
            path.with_suffix(".json"), json.dumps(card, indent=2).encode(), overwrite=True)
        table = ", ".join(f"{name} {error['feature']:.3f}" for name, error in errors.items())
        return [f"relative feature error on held-out photographs: {table}",
                f"wrote {path} ({path.stat().st_size / 1e6:.2f} MB); use it with --slim_weights={path}"]

    def _embedding(self, layer):
        return slimming.embedding(self.network, layer)[0, 0]               # [k, C]

    def _visit(self, fresh_photos, fresh_styles, seed):
        """Draws some pictures of the pool, putting new ones where it is empty or one's time is over."""
        count = tf.shape(fresh_photos)[0]
        order = tf.random.experimental.stateless_shuffle(tf.range(POOL_SIZE), seed)
        slots = order[:count]
        renew = tf.random.stateless_uniform([count], seed + [0, 1]) < RENEWAL
        renew = renew | ~tf.gather(self.state["filled"], slots)
        mask = renew[:, None, None, None]
        beginning = {"attacked": _first_attack(fresh_photos, seed), "photos": fresh_photos,
                     "styles": fresh_styles}
        drawn = {name: tf.where(mask, fresh, tf.gather(self.state[name], slots))
                 for name, fresh in beginning.items()}
        for name in ("photos", "styles"):
            self.state[name].scatter_nd_update(slots[:, None], drawn[name])
        self.state["filled"].scatter_nd_update(slots[:, None], tf.ones_like(renew))
        return slots, drawn["attacked"], drawn["photos"], drawn["styles"]

    def _attack(self, slots, attacked, content_maps, styles):
        """Moves the visited pictures down the student's own perceptual loss."""
        style_maps = self._maps(styles)
        with tf.GradientTape() as tape:
            tape.watch(attacked)
            maps = self._maps(attacked)
            loss = 0.0
            for layer in slimming.COMPARED:
                embedding = self._embedding(layer)
                if layer in slimming.STYLE_LAYERS:
                    error = statistics.relative_squared_error(
                        slimming.embedded_gram(maps[layer], embedding),
                        slimming.embedded_gram(style_maps[layer], embedding))
                    loss += ATTACK_STYLE_WEIGHT / len(slimming.STYLE_LAYERS) * tf.reduce_sum(error)
                else:
                    error = statistics.relative_squared_error(
                        tf.tensordot(maps[layer], embedding, 1),
                        tf.tensordot(content_maps, embedding, 1))
                    loss += tf.reduce_sum(error)
        gradient = tape.gradient(loss, attacked)
        size = tf.sqrt(tf.reduce_mean(tf.square(gradient), [1, 2, 3], keepdims=True))
        moved = tf.clip_by_value(attacked - ATTACK_STEP * gradient / (size + 1e-12), -0.1, 1.1)
        self.state["attacked"].scatter_nd_update(slots[:, None], tf.stop_gradient(moved))


def disturb(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes contrast and colours and adds noise, in single pixels and in blocks of 2x2, at random.

    Args:
        pictures: [B, S, S, 3] RGB in [0, 1].
        seed: int32 [2], of everything random here.

    Returns:
        [B, S, S, 3], a little outside of [0, 1] at times, as an untrained network's output is.
    """
    shape = tf.shape(pictures)
    each, colour = [shape[0], 1, 1, 1], [shape[0], 1, 1, 3]

    def uniform(size, number, low, high):
        return tf.random.stateless_uniform(size, seed + [0, number], low, high)

    contrast, shift = uniform(each, 11, 0.3, 1.4), uniform(colour, 12, -0.25, 0.25)
    white = tf.random.stateless_normal(shape, seed + [0, 13]) * tf.exp(uniform(each, 14, -5.0, -1.5))
    half = [shape[0], shape[1] // 2, shape[2] // 2, 3]
    blocks = tf.random.stateless_normal(half, seed + [0, 15]) * tf.exp(uniform(each, 16, -5.0, -1.5))
    blocks = tf.image.resize(blocks, shape[1:3], "nearest")
    kinds = [tf.cast(uniform(each, 17 + index, 0.0, 1.0) < 0.6, tf.float32) for index in range(4)]
    mean = tf.reduce_mean(pictures, [1, 2], keepdims=True)
    toned = mean + (pictures - mean) * (kinds[0] * contrast + 1 - kinds[0]) + kinds[1] * shift
    return tf.clip_by_value(toned + kinds[2] * white + kinds[3] * blocks, -0.1, 1.1)


def _first_attack(pictures, seed):
    """Starts from the photo, a coarse version of it in 4x4 blocks, or white noise."""
    shape = tf.shape(pictures)
    noise = tf.random.stateless_uniform(shape, seed + [0, 2])
    coarse = tf.image.resize(tf.image.resize(pictures, shape[1:3] // 4, "area"), shape[1:3], "nearest")
    kind = tf.random.stateless_uniform([shape[0], 1, 1, 1], seed + [0, 3])
    return tf.where(kind < 0.4, pictures, tf.where(kind < 0.7, coarse, noise))


def _energy(maps):
    return tf.reduce_sum(tf.square(maps), [1, 2, 3])


build = SlimFeaturesTask
