"""Labeled pictures: from class folders or TFDS, all in memory, and the stream of their crops.

As with photos, every example has a running number, and everything random about it is
drawn from (seed, number): a resumed run sees what an uninterrupted one would have seen.
"""

import concurrent.futures
import dataclasses
import functools
import hashlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from nst_tf.core import memory
from nst_tf.core.errors import UserError, expected
from nst_tf.data import sources
from nst_tf.data.draws import Purpose, open_rng
from nst_tf.data.pipeline import Shard
from nst_tf.images import io as image_io

HELD_OUT = 10  # every tenth picture of each class is for validation
MARGIN = 8  # a crop moves by up to an eighth of its side, as 4 of 32 pixels usually are
MOST_ENLARGED = 4  # times: pictures smaller than that have little to be learnt from


@dataclasses.dataclass(frozen=True, eq=False)
class LabeledPictures:
    """Pictures in memory, and what each shows.

    Attributes:
        pixels: uint8 [N, S, S, 3].
        labels: int64 [N], numbers of classes.
        classes: their names.
        unreadable: pictures that were left out, and why.
    """

    pixels: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    unreadable: sources.Unreadable

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def sha256(self) -> str:
        """Hash of pictures, labels and names of classes."""
        digest = hashlib.sha256("\0".join(self.classes).encode())
        digest.update(self.labels.tobytes())
        digest.update(np.ascontiguousarray(self.pixels))
        return digest.hexdigest()

    def split(self, seed: int) -> tuple["LabeledPictures", "LabeledPictures"]:
        """Returns nine tenths to train on and one to validate, of each class about as
        much, drawn by `seed`.

        Raises:
            UserError: fewer than `HELD_OUT` pictures.
        """
        if len(self) < HELD_OUT:
            raise expected(
                f"at least {HELD_OUT} labeled pictures, of which a tenth is held out",
                len(self),
                "Add pictures.",
            )
        order = np.random.default_rng(seed).permutation(len(self))
        order = order[np.argsort(self.labels[order], kind="stable")]
        held_out = np.arange(len(order)) % HELD_OUT == HELD_OUT - 1
        return self._take(order[~held_out]), self._take(order[held_out])

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns mean and standard deviation of R, G and B in [0, 1] over all pixels."""
        counts = [
            np.bincount(self.pixels[..., channel].reshape(-1), minlength=256)
            for channel in range(3)
        ]
        shares = np.stack(counts) / counts[0].sum()
        levels = np.arange(256) / 255
        mean = shares @ levels
        variance = shares @ levels**2 - mean**2
        # Pictures of one level are left at it.
        return mean, np.sqrt(np.maximum(variance, 1 / 255**2))

    def _take(self, numbers: np.ndarray) -> "LabeledPictures":
        return dataclasses.replace(
            self, pixels=self.pixels[numbers], labels=self.labels[numbers]
        )


class LabeledStream:
    """Shuffled, moved and mirrored training pictures, endless, in another order every epoch.

    Args:
        pictures: to train on.
        seed: of order and crops.
        flip: whether half of them are mirrored.
        name: where they come from.
    """

    def __init__(self, pictures: LabeledPictures, seed: int, flip: bool, name: str):
        self._pictures, self._seed, self._flip = pictures, seed, flip
        self.name, self.unreadable = name, pictures.unreadable
        self.found = {"photos": len(pictures), "classes": len(pictures.classes)}
        self._side = pictures.pixels.shape[1]
        margin = self._side // MARGIN
        # What lies behind the border is mirrored.
        around = ((0, 0), (margin, margin), (margin, margin), (0, 0))
        self._wide = np.pad(pictures.pixels, around, "symmetric")
        self._places = 2 * margin + 1

    def open_batches(self, shard: Shard, start: int = 0) -> tf.data.Dataset:
        """Streams this worker's part of every batch from running number `start` on.

        Returns:
            Batches {"image": float32 [batch / workers, S, S, 3] RGB in [0, 1], "label":
            int64 [...], "index": int64 [...]}.
        """
        numbers = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
        share = shard.batch_size // shard.workers
        if shard.workers > 1:
            numbers = numbers.filter(
                lambda index: index % shard.batch_size // share == shard.worker
            )
        batches = numbers.batch(share, drop_remainder=True)
        return batches.map(
            functools.partial(self._load, share),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        ).prefetch(tf.data.AUTOTUNE)

    def _load(self, share: int, index: tf.Tensor) -> dict[str, tf.Tensor]:
        image, label = tf.numpy_function(
            self._read, [index], [tf.uint8, tf.int64], stateful=False
        )
        image.set_shape([share, self._side, self._side, 3])
        label.set_shape([share])
        return {
            "image": tf.cast(image, tf.float32) / 255.0,
            "label": label,
            "index": index,
        }

    def _read(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        side, pictures = self._side, np.empty((len(index), *self._shape), np.uint8)
        labels = np.empty(len(index), np.int64)
        for row, number in enumerate(index):
            epoch, position = divmod(int(number), len(self._pictures))
            chosen = sources.shuffle(len(self._pictures), self._seed, epoch)[position]
            labels[row] = self._pictures.labels[chosen]
            rng = open_rng(self._seed, int(number), Purpose.CROP)
            top, left = rng.integers(self._places, size=2)
            crop = self._wide[chosen, top : top + side, left : left + side]
            mirrored = self._flip and rng.integers(2)
            pictures[row] = crop[:, ::-1] if mirrored else crop
        return pictures, labels

    @property
    def _shape(self) -> tuple[int, int, int]:
        return self._side, self._side, 3


def read_labeled(
    content: str,
    side: int,
    data_dir: str = "",
    *,
    split: str = "train",
    flag: str = "--content",
) -> LabeledPictures:
    """Reads labeled pictures, each the middle of one whose short side is resized.

    Args:
        content: a folder with a folder of pictures for each class, or tfds:NAME.
        side: of the squares, pixels.
        data_dir: where TFDS keeps its data sets; empty for its default.
        split: of the TFDS set.
        flag: which named `content`, for errors.

    Raises:
        UserError: no labels, fewer than two classes, a class without pictures, more
            than 1 % of unreadable or tiny pictures, or more than fits into memory.
    """
    kind, _, name = content.partition(":")
    if kind == "tfds":
        count, classes, found = _find_tfds(name, data_dir, split)
    else:
        count, classes, found = _find_folders(content, flag)
    if len(classes) < 2:
        raise expected(
            f"{flag} with at least two classes",
            f"{content} with {', '.join(classes) or 'none'}",
            "One class leaves nothing to tell apart.",
        )
    _check_memory(count, side, flag)
    broken = sources.Unreadable(count)
    pixels, labels = [], []
    with concurrent.futures.ThreadPoolExecutor() as pool:
        for (label, source), read in _map(pool, functools.partial(_read, side), found):
            if isinstance(read, UserError):
                broken.add(f"{hash(source)} {read}", str(read))
                continue
            pixels.append(read)
            labels.append(label)
    broken.check()
    return LabeledPictures(
        np.stack(pixels), np.array(labels, np.int64), classes, broken
    )


def _map(pool: Any, read: Any, found: Iterator[tuple[int, Any]]) -> Iterator[Any]:
    # A few hundred at a time: encoded pictures of a large set need not all be held.
    while chunk := list(itertools.islice(found, 512)):
        yield from zip(chunk, pool.map(read, [source for _, source in chunk]))


def _read(side: int, source: Path | bytes) -> np.ndarray | UserError:
    try:
        pixels = image_io.decode_rgb8(source)
    except UserError as error:
        return error
    least = -(-side // MOST_ENLARGED)
    height, width, _ = pixels.shape
    if min(height, width) < least:
        name = "a picture" if isinstance(source, bytes) else source
        return expected(
            f"pictures of at least {least} pixels for --crop_size={side}",
            f"{name}: {width}x{height}",
            "Lower --crop_size.",
        )
    height, width = image_io.fit_size(height, width, short_side=side)
    if (height, width, 3) != pixels.shape:
        pixels = image_io.resize_rgb8(pixels, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return pixels[top : top + side, left : left + side]


def _find_folders(content, flag):
    """Returns how many pictures there are, the classes, and all (label, path)."""
    root = Path(content)
    if not root.is_dir():
        raise expected(
            f"{flag} as a folder with a folder of pictures for each class, or tfds:NAME",
            content,
            f"Check the path, or try {flag}=tfds:cifar100.",
        )
    folders = sorted(
        path
        for path in root.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )
    if not folders:
        raise expected(
            f"{flag} with a folder of pictures for each class",
            f"{content}, which has no folders: its pictures have no labels",
            "Sort the pictures into folders.",
        )
    paths = []
    for label, folder in enumerate(folders):
        try:
            found = image_io.find_images(folder)
        except UserError as error:
            raise expected(
                "pictures in the folder of every class",
                f"{folder}, which has none",
                "Add pictures, or remove the folder.",
            ) from error
        paths += [(label, path) for path in found]
    return len(paths), tuple(folder.name for folder in folders), iter(paths)


def _find_tfds(name, data_dir, split):
    tfds, builder = sources.open_tfds(name, data_dir, split)
    features = builder.info.features
    label = features["label"] if "label" in features else None
    if not isinstance(label, tfds.features.ClassLabel):
        raise expected(
            'a data set with the feature "label", a class',
            f"{name} with {', '.join(features)}",
            "Choose one for classification, such as cifar100.",
        )
    examples = builder.as_dataset(
        split=split,
        # One file after the other: always the same order.
        read_config=tfds.ReadConfig(interleave_cycle_length=1),
        decoders=tfds.decode.PartialDecoding(
            {"image": True, "label": True},
            decoders={"image": tfds.decode.SkipDecoding()},
        ),
    )
    found = (
        (int(example["label"]), example["image"]) for example in tfds.as_numpy(examples)
    )
    count = builder.info.splits[split].num_examples
    return count, tuple(label.names), found


def _check_memory(count, side, flag):
    needed = 3 * count * 3 * side**2  # the pictures, their parts, and their margins
    free = memory.available_memory()
    if needed > free:
        raise expected(
            f"{needed / 1e9:.1f} GB of free memory for {count} pictures of {side} pixels",
            f"{free / 1e9:.1f} GB",
            f"Lower --crop_size, or name fewer pictures with {flag}.",
        )
