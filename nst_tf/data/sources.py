"""Where training photos come from: TFDS, folders, or the built-in source.

Every example has a running number, and everything random about it is drawn from (seed,
number).
"""

import functools
import hashlib
import os
import threading
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import tensorflow as tf

from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.core.lists import split_list
from nst_tf.data import dead_leaves, sample_photos, style_images
from nst_tf.data.draws import Purpose, draw_turn, open_rng
from nst_tf.images import codecs, io as image_io

# More unreadable photos than both of these stop the run.
MAX_SHARE, MAX_COUNT = 0.01, 3
LOOKED_AT = 3000  # files at most that are opened before the first step: a second or so
STYLES = "builtin:styles"  # the packaged style pictures, as a folder


class Unreadable:
    """Counts and names photos that could not be read; thread-safe.

    Args:
        total: number of photos in the source.
    """

    def __init__(self, total: int):
        self._total, self._lock = total, threading.Lock()
        self._reasons: dict[str, str] = {}

    def add(self, name: str, reason: str) -> None:
        """Notes that the photo `name` could not be read, and why."""
        with self._lock:
            self._reasons[name] = reason

    def __len__(self) -> int:
        return len(self._reasons)

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(sorted(self._reasons.values()))

    def check(self) -> None:
        """Raises `UserError` with the list if more than `MAX_SHARE` of the photos and more
        than `MAX_COUNT` of them are broken, or all.
        """
        most = max(MAX_SHARE * self._total, MAX_COUNT)
        if len(self) > most or len(self) >= self._total:
            shown = list(self)
            rest = f" ... and {len(shown) - 20} more" if len(shown) > 20 else ""
            raise expected(
                f"at most {MAX_SHARE:.0%} or {MAX_COUNT} of {self._total} photos to be "
                "unreadable",
                f"{len(shown)}: {'; '.join(shown[:20])}{rest}",
                "Mend them and go on with --resume, or begin anew without them.",
            )


class Source(Protocol):
    """Where photos come from.

    Attributes:
        name: as --content names it.
        found: what the record says of it, for JSON: enough to tell other photos under
            the same name. "photos" is their number, where there is one.
        unreadable: what could not be read.
    """

    name: str
    found: dict[str, Any]
    unreadable: Unreadable

    def dataset(self, start: int, seed: int) -> tf.data.Dataset:
        """Returns {"index": int64, "photo": string} from running number `start` on, endless."""

    def read(self, index: int, photo: bytes, short_side: int, seed: int) -> np.ndarray:
        """Returns example number `index`, uint8 [H, W, 3], its short side resized."""

    def key(self, index: int, photo: bytes, seed: int) -> str:
        """Returns what tells the photo of example number `index` from others."""


class FolderSource:
    """All pictures below some folders, `STYLES` among them, in another order every epoch.

    Of at most `LOOKED_AT` files the headers are read at once; too many that cannot be
    read raise `UserError`.
    """

    def __init__(self, folders: str, max_pixels: int = image_io.MAX_PIXELS):
        entries = split_list(folders)
        if not entries or not all(entries):
            # An empty path would mean the working directory, with all below it.
            raise expected(
                "folders separated by commas", repr(folders), "Check --content."
            )
        self.name, self._max_pixels = folders, max_pixels
        self._files = [
            file
            for folder in entries
            for file in (
                style_images.packaged_styles().values()
                if folder == STYLES
                else image_io.find_images(folder)
            )
        ]
        names = "\n".join(map(os.fspath, self._files))
        self.found = {
            "photos": len(self._files),
            "names_sha256": hashlib.sha256(os.fsencode(names)).hexdigest(),
        }
        self.unreadable = Unreadable(len(self._files))
        if len(self._files) <= LOOKED_AT:
            self._look_at_files()

    def dataset(self, start: int, seed: int) -> tf.data.Dataset:
        return _count_from(start)

    def read(self, index: int, photo: bytes, short_side: int, seed: int) -> np.ndarray:
        return image_io.decode_rgb8(
            self._file(index, seed),
            short_side=short_side,
            max_pixels=self._max_pixels,
        )

    def key(self, index: int, photo: bytes, seed: int) -> str:
        return os.fspath(self._file(index, seed))

    def _file(self, index, seed):
        epoch, position = divmod(index, len(self._files))
        return self._files[shuffle(len(self._files), seed, epoch)[position]]

    def _look_at_files(self):
        for file in self._files:
            if codecs.pixels_of(file):
                continue
            try:
                image_io.decode_rgb8(file, short_side=1, max_pixels=self._max_pixels)
            except UserError as error:
                self.unreadable.add(os.fspath(file), str(error))
        self.unreadable.check()


class TfdsSource:
    """A TensorFlow Datasets data set with an "image" feature, such as coco/2017, its
    train split.
    """

    def __init__(
        self, name: str, data_dir: str = "", max_pixels: int = image_io.MAX_PIXELS
    ):
        self.name, self._max_pixels = f"tfds:{name}", max_pixels
        self._tfds, self._builder = open_tfds(name, data_dir)
        info = self._builder.info
        count = info.splits["train"].num_examples
        self.found = {"photos": count, "version": str(info.version)}
        self.unreadable = Unreadable(count)

    def dataset(self, start: int, seed: int) -> tf.data.Dataset:
        examples = self._builder.as_dataset(
            split="train",
            shuffle_files=True,
            read_config=self._tfds.ReadConfig(
                shuffle_seed=seed, shuffle_reshuffle_each_iteration=True
            ),
            # Pictures stay encoded, and nothing else of an example is read.
            decoders=self._tfds.decode.PartialDecoding(
                {"image": True}, decoders={"image": self._tfds.decode.SkipDecoding()}
            ),
        )
        # Encoded pictures are about 150 kB: the buffer takes about 300 MB and is
        # refilled by reading, not decoding, the skipped examples of a resumed run.
        examples = examples.map(lambda example: example["image"])
        examples = examples.shuffle(
            2048, seed=seed, reshuffle_each_iteration=True
        ).repeat()
        numbered = examples.enumerate().skip(start)
        return numbered.map(lambda index, photo: {"index": index, "photo": photo})

    def read(self, index: int, photo: bytes, short_side: int, seed: int) -> np.ndarray:
        return image_io.decode_rgb8(
            photo, short_side=short_side, max_pixels=self._max_pixels
        )

    def key(self, index: int, photo: bytes, seed: int) -> str:
        return str(hash(photo))


class BuiltinSource:
    """The embedded default: photographs that come with scikit-image, dead leaves, or
    both in turn.
    """

    def __init__(self, kind: str = "both"):
        if kind not in ("both", "photos", "leaves"):
            raise expected(
                "builtin, builtin:photos or builtin:leaves", kind, "Choose one."
            )
        self.name, self._kind = f"builtin:{kind}", kind
        self.found = {}
        self.unreadable = Unreadable(1)

    def dataset(self, start: int, seed: int) -> tf.data.Dataset:
        return _count_from(start)

    def read(self, index: int, photo: bytes, short_side: int, seed: int) -> np.ndarray:
        kind = self._kind
        if kind == "both":
            # Each in its turn, but not in the turn of the styles that are learnt.
            kind = ("photos", "leaves")[draw_turn(seed, index, Purpose.KIND, 2)]
        if kind == "photos":
            rng = open_rng(seed, index, Purpose.PHOTO)
            # There are few photographs: random sizes keep crops from coming twice.
            pixels = sample_photos.builtin_photo(
                list(sample_photos.PHOTOS)[rng.integers(len(sample_photos.PHOTOS))]
            )
            short_side = round(short_side * rng.uniform(1.0, 1.5))
            height, width = image_io.fit_size(*pixels.shape[:2], short_side=short_side)
            return image_io.resize_rgb8(pixels, height, width)
        return dead_leaves.dead_leaves([seed, index], short_side, short_side)

    def key(self, index: int, photo: bytes, seed: int) -> str:
        return str(index)


def open_source(
    content: str, data_dir: str = "", max_pixels: int = image_io.MAX_PIXELS
) -> Source:
    """Opens the value of --content or --paintings: builtin[:KIND], tfds:NAME, or
    folders separated by commas; a photo with more than `max_pixels` cannot be read.

    Raises:
        UserError: nothing there that can be trained on.
    """
    kind, _, name = content.partition(":")
    if kind == "builtin" and content != STYLES:
        return BuiltinSource(name or "both")
    if kind == "tfds":
        return TfdsSource(name, data_dir, max_pixels)
    return FolderSource(content, max_pixels)


def open_tfds(name: str, data_dir: str = "", split: str = "train") -> tuple[Any, Any]:
    """Prepares a TensorFlow Datasets data set of images; returns the library and its builder.

    Raises:
        UserError: it cannot be prepared, or has no feature "image", or no such split.
    """
    # It takes seconds to import, and few need it.
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=data_dir or None)
        builder.download_and_prepare()
    except Exception as error:  # TFDS raises many unrelated types
        raise expected(
            "a TensorFlow Datasets name that can be prepared here",
            f"{name} ({first_line(error)})",
            "Check name and network, point --data_dir at prepared data, or use --content=FOLDER.",
        ) from error
    info = builder.info
    if "image" not in info.features or split not in info.splits:
        raise expected(
            f'a data set with the feature "image" and the split "{split}"',
            f"{name} with {', '.join((*info.features, *info.splits))}",
            "Choose an image data set.",
        )
    return tfds, builder


def _count_from(start: int) -> tf.data.Dataset:
    numbers = tf.data.Dataset.range(start, np.iinfo(np.int64).max)
    return numbers.map(lambda index: {"index": index, "photo": b""})


@functools.lru_cache(maxsize=4)
def shuffle(count: int, seed: int, epoch: int) -> np.ndarray:
    """Returns the numbers below `count` in the order of an epoch."""
    return open_rng(seed, epoch, Purpose.ORDER).permutation(count)
