"""The stream of training photos: shuffled, cropped, batched, prefetched.

Every example has a running number, and everything random about it is drawn from (seed,
number). So a stream can start anywhere at no cost, an interrupted run continues
exactly, and several workers can each take their part of every batch.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

from nst_tf.core.errors import UserError, expected
from nst_tf.data.draws import Purpose, open_rng
from nst_tf.data.sources import Source
from nst_tf.images import color, io as image_io


@dataclasses.dataclass(frozen=True)
class CropConfig:
    """How photos become training crops.

    Attributes:
        crop_size: side of the square crops, pixels.
        short_side: short side of the photo before the crop, pixels; aspect kept.
        seed: of order, crops and flips.
        max_zoom: the short side is at most this times `short_side`, drawn anew for every
            example; 1 for always `short_side`.
        recolored: share of the examples whose hues are rotated; see `color.rotate_hue`.
    """

    crop_size: int
    short_side: int
    seed: int
    max_zoom: float = 1.0
    recolored: float = 0.0


@dataclasses.dataclass(frozen=True)
class Shard:
    """One worker's part of every global batch: the `worker`-th of `workers` equal parts."""

    batch_size: int
    worker: int = 0
    workers: int = 1

    def __post_init__(self) -> None:
        if self.batch_size % self.workers:
            raise expected(
                f"a batch size divisible by the {self.workers} replicas",
                self.batch_size,
                "Change --batch_size.",
            )


def crops(
    source: Source, config: CropConfig, shard: Shard, start: int = 0
) -> tf.data.Dataset:
    """Streams this worker's part of every batch, endless, reproducible, from running
    number `start`.

    A photo that cannot be read is left out, counted and named in `source.unreadable`;
    the crop behind it takes its place. Too many of them end the stream with an error;
    ask `source.unreadable.check()` for its text.

    Returns:
        Batches {"image": float32 [batch / workers, S, S, 3] RGB in [0, 1], "index":
        int64 [...]}.
    """
    return _batches({"image": (source, config)}, shard, start)


def pairs(
    source: Source,
    config: CropConfig,
    paintings: Source,
    painting_config: CropConfig,
    shard: Shard,
    start: int = 0,
) -> tf.data.Dataset:
    """Streams pairs of a photo and a style image, as `crops` streams photos.

    A pair of which one picture cannot be read is left out. The two seeds should differ:
    with equal seeds, equal sources pair every photo with itself.

    Returns:
        The batches of `crops`, and in them "style" like "image".
    """
    return _batches(
        {"image": (source, config), "style": (paintings, painting_config)}, shard, start
    )


def _batches(
    streams: Mapping[str, tuple[Source, CropConfig]], shard: Shard, start: int
) -> tf.data.Dataset:
    """Returns batches {name: crops, "index": running numbers} of {name: (source, config)}."""
    share = shard.batch_size // shard.workers
    examples = tf.data.Dataset.zip(
        {
            name: source.dataset(start, config.seed)
            for name, (source, config) in streams.items()
        }
    )
    first = next(iter(streams))
    if shard.workers > 1:
        examples = examples.filter(
            lambda example: (
                example[first]["index"] % shard.batch_size // share == shard.worker
            )
        )
    readers = {
        name: functools.partial(_load, _make_reader(source, config), config.crop_size)
        for name, (source, config) in streams.items()
    }
    examples = examples.map(
        lambda example: {name: read(example[name]) for name, read in readers.items()},
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    examples = examples.filter(
        lambda example: tf.reduce_all([example[name]["ok"] for name in readers])
    )
    examples = examples.map(
        lambda example: {
            "index": example[first]["index"],
            **{
                name: tf.cast(example[name]["image"], tf.float32) / 255.0
                for name in readers
            },
        }
    )
    return examples.batch(share, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def random_crop(pixels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Cuts a random square out of uint8 [H, W, 3], both sides at least `size`, and
    flips half of them.
    """
    top = rng.integers(pixels.shape[0] - size + 1)
    left = rng.integers(pixels.shape[1] - size + 1)
    crop = pixels[top : top + size, left : left + size]
    return crop[:, ::-1] if rng.integers(2) else crop


def _make_reader(source: Source, config: CropConfig) -> Callable:
    def read(index: np.int64, photo: bytes) -> tuple[np.ndarray, bool]:
        try:
            pixels = source.read(
                int(index), photo, _draw_short_side(config, int(index)), config.seed
            )
        except UserError as error:
            key = source.key(int(index), photo, config.seed)
            source.unreadable.add(key, str(error))
            source.unreadable.check()
            return np.zeros((config.crop_size, config.crop_size, 3), np.uint8), False
        rng = open_rng(config.seed, int(index), Purpose.CROP)
        crop = random_crop(pixels, config.crop_size, rng)
        rng = open_rng(config.seed, int(index), Purpose.RECOLORING)
        if rng.random() < config.recolored:
            crop = image_io.to_uint8(
                color.rotate_hue(
                    image_io.to_float(crop),
                    rng.uniform(0, 2 * np.pi),
                    rng.uniform(0.5, 1.5),
                )
            )
        return np.ascontiguousarray(crop), True

    return read


def _draw_short_side(config: CropConfig, index: int) -> int:
    rng = open_rng(config.seed, index, Purpose.ZOOM)
    # Uniform in the logarithm, so that each doubling of the size is equally likely.
    return round(config.short_side * config.max_zoom ** rng.random())


def _load(
    read: Callable, size: int, example: Mapping[str, tf.Tensor]
) -> dict[str, tf.Tensor]:
    image, ok = tf.numpy_function(
        read, [example["index"], example["photo"]], [tf.uint8, tf.bool], stateful=False
    )
    image.set_shape([size, size, 3])
    ok.set_shape([])
    return {"image": image, "ok": ok, "index": example["index"]}
