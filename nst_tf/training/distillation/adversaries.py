"""Adversaries that find the blind spots of a feature network in training.

A picture that is optimized against a feature network's loss finds what the network does
not see. So while a student of `nst_tf.training.distillation.student` is distilled, it
is attacked in the ways in which it will be used: pictures are optimized against its
loss pixel by pixel, and small transform networks are trained against it. It learns to
judge their pictures as its teacher does.
"""

import keras
import numpy as np
import tensorflow as tf

from nst_tf.data import style_images
from nst_tf.images import io as image_io
from nst_tf.models import transform_net
from nst_tf.ops import statistics
from nst_tf.training import muon
from nst_tf.training.distillation import student

STYLE_WEIGHT = 10.0  # of the adversaries' loss, as in training

PIXEL_SLOTS = (
    24  # pictures in the pool; each is visited every PIXEL_SLOTS / count steps
)
PIXEL_RENEWAL = 1 / 60  # chance that a visited picture starts anew
PIXEL_STEP = 0.012  # root mean square change of a picture a visit, of a range of 1

NETWORK_WIDTH = 16  # of `transform_net.transform_net`
NETWORK_BLOCKS = 5  # the same network's residual blocks
# Step size of Muon, because a faster adversary finds blind spots sooner.
NETWORK_STEP = 2e-3
NETWORK_WARM_UP = 20  # steps in which the step size grows
# Steps after which the step size falls as 1 / steps: fine strokes deceive best.
NETWORK_PLATEAU = 60
NETWORK_RENEWAL = 1 / 250  # chance a step that a network starts anew, in another style
# Share of the networks' styles that are packaged; the others come from the photos.
PACKAGED_SHARE = 0.7
PACKAGED_SIDE = 320  # pixels, side of the packaged styles' middle squares


class StudentLoss:
    """A student's own perceptual loss, which the adversaries lower.

    Args:
        network: from `student.build_student`.
    """

    def __init__(self, network: keras.Model):
        self.network = network
        self.maps = keras.Model(network.input, network.output["maps"])

    def embedding(self, layer: str) -> tf.Tensor:
        """Returns the embedding at `layer`, [k, C]."""
        return student.find_embedding(self.network, layer)[0, 0]

    def gram(self, maps: dict[str, tf.Tensor], layer: str) -> tf.Tensor:
        """Returns the Gram matrices of `maps` in the teacher's channels, [B, C, C]."""
        return student.embed_gram(maps[layer], self.embedding(layer))

    def terms(
        self, maps: dict[str, tf.Tensor], photos: tf.Tensor, styles: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        """Returns the relative squared error of each compared layer, each [B].

        Args:
            maps: the student's maps of the judged pictures; gradients flow through them
                alone.
            photos: [B, S, S, 3], whose content the pictures should have.
            styles: [B, S, S, 3], whose Gram matrices they should have.
        """
        content = self.maps(photos)[student.CONTENT_LAYER]
        style_maps, errors = self.maps(styles), {}
        for layer in student.COMPARED:
            if layer in student.STYLE_LAYERS:
                value, target = self.gram(maps, layer), self.gram(style_maps, layer)
            else:
                value, target = (
                    tf.tensordot(each, self.embedding(layer), 1)
                    for each in (maps[layer], content)
                )
            errors[layer] = statistics.relative_squared_error(
                value, tf.stop_gradient(target)
            )
        return errors

    @staticmethod
    def total(errors: dict[str, tf.Tensor]) -> tf.Tensor:
        """Returns content + STYLE_WEIGHT * mean style error, summed over the batch: a scalar."""
        style = tf.add_n([errors[layer] for layer in student.STYLE_LAYERS])
        return tf.reduce_sum(
            errors[student.CONTENT_LAYER]
            + STYLE_WEIGHT / len(student.STYLE_LAYERS) * style
        )


class PixelAdversary:
    """A pool of pictures that descend a student's loss, a few of them a step.

    Attributes:
        state: what a resumed run needs.

    Args:
        size: side of the pictures.
    """

    def __init__(self, size: int):
        shape = (PIXEL_SLOTS, size, size, 3)
        self.state = {
            name: tf.Variable(tf.zeros(shape), trainable=False)
            for name in ("attacked", "photos", "styles")
        }
        self.state["filled"] = tf.Variable(
            tf.zeros([PIXEL_SLOTS], tf.bool), trainable=False
        )

    def visit(self, fresh_photos: tf.Tensor, fresh_styles: tf.Tensor, seed: tf.Tensor):
        """Takes some pictures out of the pool, new ones where a slot is empty or its time
        is over.

        Returns:
            slots int [B], and attacked pictures, their photos and their styles, each
            [B, S, S, 3].
        """
        count = tf.shape(fresh_photos)[0]
        slots = tf.random.experimental.stateless_shuffle(tf.range(PIXEL_SLOTS), seed)[
            :count
        ]
        renew = tf.random.stateless_uniform([count], seed + [0, 1]) < PIXEL_RENEWAL
        renew = renew | ~tf.gather(self.state["filled"], slots)
        mask = renew[:, None, None, None]
        beginning = {
            "attacked": _start_picture(fresh_photos, seed),
            "photos": fresh_photos,
            "styles": fresh_styles,
        }
        drawn = {
            name: tf.where(mask, fresh, tf.gather(self.state[name], slots))
            for name, fresh in beginning.items()
        }
        for name in ("photos", "styles"):
            self.state[name].scatter_nd_update(slots[:, None], drawn[name])
        self.state["filled"].scatter_nd_update(slots[:, None], tf.ones_like(renew))
        return slots, drawn["attacked"], drawn["photos"], drawn["styles"]

    def move(self, slots: tf.Tensor, attacked: tf.Tensor, gradient: tf.Tensor) -> None:
        """Puts the pictures back, one step further down `gradient`."""
        size = tf.sqrt(tf.reduce_mean(tf.square(gradient), [1, 2, 3], keepdims=True))
        moved = tf.clip_by_value(
            attacked - PIXEL_STEP * gradient / (size + 1e-12), -0.1, 1.1
        )
        self.state["attacked"].scatter_nd_update(
            slots[:, None], tf.stop_gradient(moved)
        )

    def seen(self) -> list[tf.Tensor]:
        """Returns photos, attacked pictures and styles of the slots that were visited."""
        return [
            tf.boolean_mask(self.state[name], self.state["filled"])
            for name in ("photos", "attacked", "styles")
        ]


class NetworkAdversary:
    """Transform networks that train against a student's loss, one picture each a step.

    Attributes:
        state: what a resumed run needs.
        styles: [count, S, S, 3], what the networks imitate now.

    Args:
        count: of networks.
        size: side of the pictures.
    """

    def __init__(self, count: int, size: int):
        config = transform_net.TransformNetConfig(NETWORK_WIDTH, NETWORK_BLOCKS)
        self._networks = [transform_net.transform_net(config) for _ in range(count)]
        self._optimizers = [
            muon.Muon(_StepSize(), adam_layers=(transform_net.OUTPUT,))
            for _ in range(count)
        ]
        for network, optimizer in zip(self._networks, self._optimizers):
            optimizer.build(network.trainable_variables)
        self._beginnings = [
            [tf.constant(weight.numpy()) for weight in network.trainable_variables]
            for network in self._networks
        ]
        self.styles = tf.Variable(tf.zeros([count, size, size, 3]), trainable=False)
        self._has_style = tf.Variable(tf.zeros([count], tf.bool), trainable=False)
        self._packaged = tf.constant(
            np.stack(
                [_read_middle_square(name) for name in style_images.packaged_styles()]
            )
        )
        # Their names are in checkpoints of earlier runs.
        self.state = {
            "painter_styles": self.styles,
            "painter_has_style": self._has_style,
        }
        for index, (network, optimizer) in enumerate(
            zip(self._networks, self._optimizers)
        ):
            self.state |= {
                f"painter{index}": network,
                f"painter{index}_optimizer": optimizer,
            }

    def renew(self, fresh_styles: tf.Tensor, seed: tf.Tensor) -> None:
        """Gives networks whose time is over their first weights and a new style."""
        count, size = len(self._networks), self.styles.shape[1]
        renew = tf.random.stateless_uniform([count], seed + [0, 4]) < NETWORK_RENEWAL
        renew = renew | ~self._has_style
        chosen = tf.random.stateless_uniform(
            [count], seed + [0, 5], 0, len(self._packaged), tf.int32
        )
        packaged = tf.image.stateless_random_crop(
            tf.gather(self._packaged, chosen), [count, size, size, 3], seed + [0, 6]
        )
        from_package = (
            tf.random.stateless_uniform([count, 1, 1, 1], seed + [0, 7])
            < PACKAGED_SHARE
        )
        fresh = tf.where(from_package, packaged, fresh_styles)
        self.styles.assign(tf.where(renew[:, None, None, None], fresh, self.styles))
        self._has_style.assign(tf.ones_like(self._has_style))
        for index, beginning in enumerate(self._beginnings):
            for weight, first in zip(
                self._networks[index].trainable_variables, beginning
            ):
                weight.assign(tf.where(renew[index], first, weight.value))
            for variable in self._optimizers[index].variables:
                kept = variable.value
                variable.assign(tf.where(renew[index], tf.zeros_like(kept), kept))

    def draw(self, photos: tf.Tensor) -> tf.Tensor:
        """Returns one picture by each network, [count, S, S, 3] from photos of that shape."""
        return tf.concat(
            [
                network(photos[index : index + 1], training=True)
                for index, network in enumerate(self._networks)
            ],
            0,
        )

    def learn(
        self, tape: tf.GradientTape, pictures: tf.Tensor, gradient: tf.Tensor
    ) -> None:
        """Trains each network one step.

        Args:
            tape: has recorded `draw`.
            pictures: what `draw` returned.
            gradient: of the loss with respect to `pictures`.
        """
        for network, optimizer in zip(self._networks, self._optimizers):
            weights = network.trainable_variables
            gradients = tape.gradient(pictures, weights, output_gradients=gradient)
            optimizer.apply_gradients(zip(gradients, weights))


class _StepSize(keras.optimizers.schedules.LearningRateSchedule):
    """A network's step size by its age: it begins again with the network."""

    def __call__(self, step):
        age = tf.cast(step, tf.float32) + 1
        return NETWORK_STEP * tf.minimum(
            tf.minimum(1.0, age / NETWORK_WARM_UP), NETWORK_PLATEAU / age
        )


def disturb(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Changes contrast and colors and adds noise, in single pixels and in blocks of
    2x2, at random.

    Args:
        pictures: [B, S, S, 3] RGB in [0, 1].
        seed: int32 [2], of everything random here.

    Returns:
        [B, S, S, 3], a little outside of [0, 1] at times, as an untrained network's
        output is.
    """
    shape = tf.shape(pictures)
    each, color = [shape[0], 1, 1, 1], [shape[0], 1, 1, 3]

    def uniform(size, number, low, high):
        return tf.random.stateless_uniform(size, seed + [0, number], low, high)

    contrast, shift = uniform(each, 11, 0.3, 1.4), uniform(color, 12, -0.25, 0.25)
    white = tf.random.stateless_normal(shape, seed + [0, 13]) * tf.exp(
        uniform(each, 14, -5.0, -1.5)
    )
    half = [shape[0], shape[1] // 2, shape[2] // 2, 3]
    blocks = tf.random.stateless_normal(half, seed + [0, 15]) * tf.exp(
        uniform(each, 16, -5.0, -1.5)
    )
    blocks = tf.image.resize(blocks, shape[1:3], "nearest")
    kinds = [
        tf.cast(uniform(each, 17 + index, 0.0, 1.0) < 0.6, tf.float32)
        for index in range(4)
    ]
    mean = tf.reduce_mean(pictures, [1, 2], keepdims=True)
    toned = (
        mean
        + (pictures - mean) * (kinds[0] * contrast + 1 - kinds[0])
        + kinds[1] * shift
    )
    return tf.clip_by_value(toned + kinds[2] * white + kinds[3] * blocks, -0.1, 1.1)


def _start_picture(pictures, seed):
    """Starts from the photo, a coarse version of it in 4x4 blocks, or white noise."""
    shape = tf.shape(pictures)
    noise = tf.random.stateless_uniform(shape, seed + [0, 2])
    coarse = tf.image.resize(
        tf.image.resize(pictures, shape[1:3] // 4, "area"), shape[1:3], "nearest"
    )
    kind = tf.random.stateless_uniform([shape[0], 1, 1, 1], seed + [0, 3])
    return tf.where(kind < 0.4, pictures, tf.where(kind < 0.7, coarse, noise))


def _read_middle_square(name: str) -> np.ndarray:
    data, _ = style_images.fetch_style(name)
    pixels = image_io.read_image(data, short_side=PACKAGED_SIDE).rgb
    top, left = ((side - PACKAGED_SIDE) // 2 for side in pixels.shape[:2])
    return np.asarray(pixels[top : top + PACKAGED_SIDE, left : left + PACKAGED_SIDE])
