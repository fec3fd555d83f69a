"""Photos to train on: TFDS, folders or the built-in source -> shuffled, cropped, batched, prefetched.

Every example has a running number, and everything random about it is drawn from (seed, number). A
stream can therefore start anywhere at no cost, which is what makes an interrupted run continue exactly,
and several workers can each take their part of every batch.
"""

import dataclasses
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np
import tensorflow as tf

from nst_tf import dead_leaves, photos, styles
from nst_tf.core.errors import UserError, expected
from nst_tf.images import color, io as image_io

MAX_UNREADABLE = 0.01                                      # of all files; more stops the run
STYLES = "builtin:styles"                                  # the packaged style pictures, as a folder


@dataclasses.dataclass(frozen=True)
class CropConfig:
    """How photos become training crops.

    Attributes:
        crop_size: side of the square crops, pixels.
        short_side: short side of the photo before the crop, pixels; aspect kept.
        seed: of order, crops and flips.
        closest: the short side is this times `short_side` at most, drawn anew for every example; 1 for always
            `short_side`.
        recolored: share of the examples whose hues are turned; see `color.turned`.
    """

    crop_size: int
    short_side: int
    seed: int
    closest: float = 1.0
    recolored: float = 0.0


@dataclasses.dataclass(frozen=True)
class Shard:
    """One worker's part of every global batch: examples number * batch // count of each."""

    batch_size: int
    worker: int = 0
    workers: int = 1

    def __post_init__(self):
        if self.batch_size % self.workers:
            raise expected(
                f"a batch size divisible by the {self.workers} replicas", self.batch_size,
                "Change --batch_size.")


class Unreadable:
    """Counts and names photos that could not be read; thread-safe.

    Args:
        total: number of photos in the source.
    """

    def __init__(self, total: int):
        self._total, self._reasons, self._lock = total, {}, threading.Lock()

    def add(self, name: str, reason: str) -> None:
        with self._lock:
            self._reasons[name] = reason

    def __len__(self) -> int:
        return len(self._reasons)

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(sorted(self._reasons.values()))

    def check(self) -> None:
        """Raises `UserError` with the list if more than `MAX_UNREADABLE` of the photos are broken."""
        if len(self) > MAX_UNREADABLE * self._total:
            shown = list(self)
            rest = f" ... and {len(shown) - 20} more" if len(shown) > 20 else ""
            raise expected(
                f"at most {MAX_UNREADABLE:.0%} of {self._total} photos to be unreadable",
                f"{len(shown)}: {'; '.join(shown[:20])}{rest}", "Mend or remove them.")


class Source(Protocol):
    """Where photos come from."""

    name: str
    unreadable: Unreadable

    def dataset(self, start: int, seed: int) -> tf.data.Dataset:
        """Returns {"index": int64, "photo": string} from running number `start` on, endless."""

    def read(self, index: int, photo: bytes, short_side: int, seed: int) -> np.ndarray:
        """Returns example number `index`, uint8 [H, W, 3], its short side resized."""


class FolderSource:
    """All pictures below some folders, `STYLES` among them, in another order every epoch."""

    def __init__(self, folders: str):
        if not all(folders.split(",")):
            # An empty path would mean the working directory, with all below it.
            raise expected("folders separated by commas", repr(folders), "Check --content.")
        self.name = folders
        self._files = [file for folder in folders.split(",") for file in (
            styles.packaged_styles().values() if folder == STYLES else image_io.find_images(folder))]
        self.unreadable = Unreadable(len(self._files))

    def dataset(self, start, seed):
        return _numbers(start)

    def read(self, index, photo, short_side, seed):
        epoch, position = divmod(index, len(self._files))
        file = self._files[_permutation(len(self._files), seed, epoch)[position]]
        return image_io.decode_rgb8(file, short_side=short_side)


class TfdsSource:
    """A TensorFlow Datasets data set with an "image" feature, such as coco/2017, its train split."""

    def __init__(self, name: str, data_dir: str = ""):
        import tensorflow_datasets as tfds  # seconds to import; only this source needs it

        self.name = f"tfds:{name}"
        self._tfds = tfds
        try:
            self._builder = tfds.builder(name, data_dir=data_dir or None)
            self._builder.download_and_prepare()
        except Exception as error:  # TFDS raises many unrelated types
            raise expected(
                "a TensorFlow Datasets name that can be prepared here",
                f"{name} ({str(error).strip().splitlines()[0] if str(error) else type(error).__name__})",
                "Check name and network, point --data_dir at prepared data, or use --content=FOLDER.",
            ) from error
        info = self._builder.info
        if "image" not in info.features or "train" not in info.splits:
            raise expected(
                'a data set with the feature "image" and the split "train"',
                f"{name} with {', '.join((*info.features, *info.splits))}",
                "Choose an image data set.")
        self.unreadable = Unreadable(info.splits["train"].num_examples)

    def dataset(self, start, seed):
        examples = self._builder.as_dataset(
            split="train", shuffle_files=True,
            read_config=self._tfds.ReadConfig(shuffle_seed=seed, shuffle_reshuffle_each_iteration=True),
            # Pictures stay encoded, everything else of an example is not even read.
            decoders=self._tfds.decode.PartialDecoding(
                {"image": True}, decoders={"image": self._tfds.decode.SkipDecoding()}),
        )
        # Encoded pictures are about 150 kB: the buffer takes about 300 MB and is refilled by reading,
        # not decoding, the skipped examples of a resumed run.
        examples = examples.map(lambda example: example["image"])
        examples = examples.shuffle(2048, seed=seed, reshuffle_each_iteration=True).repeat()
        numbered = examples.enumerate().skip(start)
        return numbered.map(lambda index, photo: {"index": index, "photo": photo})

    def read(self, index, photo, short_side, seed):
        return image_io.decode_rgb8(photo, short_side=short_side)


class BuiltinSource:
    """The embedded default: photographs that come with scikit-image, dead leaves, or both in turn."""

    def __init__(self, kind: str = "both"):
        if kind not in ("both", "photos", "leaves"):
            raise expected("builtin, builtin:photos or builtin:leaves", kind, "Choose one.")
        self.name, self._kind = f"builtin:{kind}", kind
        self.unreadable = Unreadable(1)

    def dataset(self, start, seed):
        return _numbers(start)

    def read(self, index, photo, short_side, seed):
        rng = np.random.default_rng([seed, index, 1])
        if self._kind == "photos" or (self._kind == "both" and index % 2 == 0):
            # Few photographs: draw them at many scales, so that no crop comes twice.
            pixels = photos.builtin_photo(list(photos.PHOTOS)[rng.integers(len(photos.PHOTOS))])
            short_side = round(short_side * rng.uniform(1.0, 1.5))
            height, width = image_io.fit_size(*pixels.shape[:2], short_side=short_side)
            return image_io.resize_rgb8(pixels, height, width)
        return dead_leaves.dead_leaves([seed, index], short_side, short_side)


def open_source(content: str, data_dir: str = "") -> Source:
    """Opens the value of --content or --paintings: builtin[:KIND], tfds:NAME, or folders separated by commas.

    Raises:
        UserError: nothing there that can be trained on.
    """
    kind, _, name = content.partition(":")
    if kind == "builtin" and content != STYLES:
        return BuiltinSource(name or "both")
    if kind == "tfds":
        return TfdsSource(name, data_dir)
    return FolderSource(content)


def crops(source: Source, config: CropConfig, shard: Shard, start: int = 0) -> tf.data.Dataset:
    """Streams this worker's part of every batch, endless, reproducible, from running number `start`.

    A photo that cannot be read is left out, counted and named in `source.unreadable`; the crop behind
    it takes its place. Too many of them end the stream with an error; ask `source.unreadable.check()`
    for its text.

    Returns:
        Batches {"image": float32 [batch / workers, S, S, 3] RGB in [0, 1], "index": int64 [...]}.
    """
    return _batches({"image": (source, config)}, shard, start)


def pairs(
    source: Source, config: CropConfig, paintings: Source, painting_config: CropConfig, shard: Shard, start: int = 0
) -> tf.data.Dataset:
    """Streams photos with a painting each, as `crops` does photos.

    A pair of which one picture cannot be read is left out. The two seeds should differ: with equal ones,
    equal sources give every photo itself as its painting.

    Returns:
        The batches of `crops`, and in them "style" like "image".
    """
    return _batches({"image": (source, config), "style": (paintings, painting_config)}, shard, start)


def _batches(streams: Mapping[str, tuple[Source, CropConfig]], shard: Shard, start: int) -> tf.data.Dataset:
    """{name: (source, how)} -> batches of their crops of equal running numbers, by name, and "index"."""
    share = shard.batch_size // shard.workers
    examples = tf.data.Dataset.zip({
        name: source.dataset(start, config.seed) for name, (source, config) in streams.items()})
    first = next(iter(streams))
    if shard.workers > 1:
        examples = examples.filter(
            lambda example: example[first]["index"] % shard.batch_size // share == shard.worker)
    readers = {name: functools.partial(_load, _reader(*how), how[1].crop_size) for name, how in streams.items()}
    examples = examples.map(
        lambda example: {name: read(example[name]) for name, read in readers.items()},
        num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
    examples = examples.filter(
        lambda example: tf.reduce_all([example[name]["ok"] for name in readers]))
    examples = examples.map(lambda example: {"index": example[first]["index"], **{
        name: tf.cast(example[name]["image"], tf.float32) / 255.0 for name in readers}})
    return examples.batch(share, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def random_crop(pixels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Cuts a random square out of uint8 [H, W, 3], both sides at least `size`, and flips half of them."""
    top = rng.integers(pixels.shape[0] - size + 1)
    left = rng.integers(pixels.shape[1] - size + 1)
    crop = pixels[top: top + size, left: left + size]
    return crop[:, ::-1] if rng.integers(2) else crop


def _reader(source: Source, config: CropConfig) -> Callable:
    def read(index, photo):
        try:
            pixels = source.read(int(index), photo, _short_side(config, int(index)), config.seed)
        except UserError as error:
            # The text alone names a file, but not one encoded picture among many of its length.
            source.unreadable.add(f"{hash(photo)} {error}", str(error))
            source.unreadable.check()
            return np.zeros((config.crop_size, config.crop_size, 3), np.uint8), False
        rng = np.random.default_rng([config.seed, int(index)])
        crop = random_crop(pixels, config.crop_size, rng)
        if rng.random() < config.recolored:
            crop = image_io.to_uint8(color.turned(
                image_io.to_float(crop), rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.5)))
        return np.ascontiguousarray(crop), True

    return read


def _short_side(config, index):
    rng = np.random.default_rng([config.seed, index, 2])
    # Uniform in the logarithm: twice as large is as likely to be seen as half as large.
    return round(config.short_side * config.closest ** rng.random())


def _load(read, size, example):
    image, ok = tf.numpy_function(
        read, [example["index"], example["photo"]], [tf.uint8, tf.bool], stateful=False)
    image.set_shape([size, size, 3])
    ok.set_shape([])
    return {"image": image, "ok": ok, "index": example["index"]}


def _numbers(start: int) -> tf.data.Dataset:
    numbers = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
    return numbers.map(lambda index: {"index": index, "photo": b""})


@functools.lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(count)
