"""Labeled pictures: class folders, TFDS, the split, the stream, and every bad input."""

import numpy as np
import pytest
from PIL import Image
from support.patterns import CLASSES, write_patterns

from nst_tf.core.errors import UserError
from nst_tf.data import labels
from nst_tf.data.pipeline import Shard

SIDE = 16


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_patterns(tmp_path_factory.mktemp("patterns"), 20, SIDE)


@pytest.fixture(scope="module")
def pictures(folder):
    return labels.read_labeled(str(folder), SIDE)


def take(stream, count, shard=Shard(4), start=0):
    return [
        {name: value.numpy() for name, value in batch.items()}
        for batch in stream.open_batches(shard, start).take(count)
    ]


def test_folders_are_classes_and_pictures_are_as_pillow_reads_them(folder, pictures):
    assert pictures.classes == CLASSES
    assert np.bincount(pictures.labels).tolist() == [20, 20, 20]
    for number, name in ((0, "across/000.png"), (59, "spots/019.png")):
        with Image.open(folder / name) as picture:
            np.testing.assert_array_equal(pictures.pixels[number], np.asarray(picture))


def test_larger_pictures_are_shrunk_to_their_middle(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        wide = Image.new("RGB", (60, 20), "red")
        wide.paste("blue", (20, 0, 40, 20))
        wide.save(tmp_path / name / "wide.png")
    read = labels.read_labeled(str(tmp_path), 10)
    assert read.pixels.shape == (2, 10, 10, 3)
    assert (read.pixels[0, :, 3:7, 2] > 240).all()


def test_a_tenth_of_each_class_is_held_out_by_the_seed(pictures):
    training, validation = pictures.split(1)
    assert np.bincount(training.labels).tolist() == [18, 18, 18]
    assert np.bincount(validation.labels).tolist() == [2, 2, 2]
    known = {each.tobytes() for each in training.pixels}
    assert not known & {each.tobytes() for each in validation.pixels}
    again, other = pictures.split(1)[1], pictures.split(2)[1]
    np.testing.assert_array_equal(validation.pixels, again.pixels)
    assert not np.array_equal(validation.pixels, other.pixels)


def test_moments_are_those_of_numpy(pictures):
    mean, deviation = pictures.moments()
    values = pictures.pixels.astype(np.float64) / 255
    np.testing.assert_allclose(mean, values.mean((0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(deviation, values.std((0, 1, 2)), rtol=1e-9)


def test_every_picture_comes_once_an_epoch_with_its_label(pictures):
    stream = labels.LabeledStream(pictures, 1, flip=False, name="x")
    batches = take(stream, 30)
    shown = np.concatenate([batch["label"] for batch in batches])
    for epoch in (shown[:60], shown[60:]):
        assert np.bincount(epoch).tolist() == [20, 20, 20]
    assert not np.array_equal(shown[:60], shown[60:])


def test_crops_are_parts_of_the_picture_continued_by_its_mirror(pictures):
    stream = labels.LabeledStream(pictures, 1, flip=True, name="x")
    margin = SIDE // 8
    wide = np.pad(
        pictures.pixels, ((0, 0), *[(margin, margin)] * 2, (0, 0)), "symmetric"
    )
    possible = {}
    for label, picture in zip(pictures.labels, wide):
        for top in range(2 * margin + 1):
            for left in range(2 * margin + 1):
                crop = picture[top : top + SIDE, left : left + SIDE]
                possible[crop.tobytes()] = possible[crop[:, ::-1].tobytes()] = label
    for batch in take(stream, 15):
        for image, label in zip(batch["image"], batch["label"]):
            assert possible[np.rint(image * 255).astype(np.uint8).tobytes()] == label


def test_a_stream_begins_anywhere_and_workers_share_its_batches(pictures):
    stream = labels.LabeledStream(pictures, 1, flip=True, name="x")
    whole, rest = take(stream, 20), take(stream, 5, start=60)
    for batch, same in zip(whole[15:], rest):
        assert all(np.array_equal(batch[name], same[name]) for name in batch)
    parts = [take(stream, 20, Shard(4, worker, 2)) for worker in (0, 1)]
    for batch, *halves in zip(whole, *parts):
        for name, value in batch.items():
            joined = np.concatenate([half[name] for half in halves])
            np.testing.assert_array_equal(value, joined)


def test_cifar100_is_read_from_its_own_builder(monkeypatch):
    """CIFAR-100's real features, with made-up pictures; its names of classes are not mocked."""
    import tensorflow_datasets as tfds

    splits = tfds.core.SplitDict(
        [
            tfds.core.SplitInfo(name=name, shard_lengths=[30], num_bytes=0)
            for name in ("train", "test")
        ]
    )
    with tfds.testing.mock_data(num_examples=30):
        monkeypatch.setattr(tfds.core.DatasetInfo, "splits", splits)
        read = labels.read_labeled("tfds:cifar100", 32)
        again = labels.read_labeled("tfds:cifar100", 32)
        test = labels.read_labeled("tfds:cifar100", 32, split="test")
    assert read.pixels.shape == (30, 32, 32, 3) and len(test) == 30
    assert len(read.classes) == 100 and set(read.labels) <= set(range(100))
    assert read.sha256 == again.sha256


@pytest.fixture
def unlabeled(tmp_path):
    """A data_dir with "tiny_unlabeled", prepared by TFDS: pictures and numbers, but no classes."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    class TinyUnlabeled(tfds.core.GeneratorBasedBuilder):
        """Noise."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = {"image": tfds.features.Image(shape=(8, 8, 3)), "size": tf.int64}
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict(features)
            )

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            yield 0, {"image": np.zeros((8, 8, 3), np.uint8), "size": 1}

    TinyUnlabeled(data_dir=str(tmp_path)).download_and_prepare()
    return str(tmp_path)


def test_a_tfds_set_without_labels_is_one_clear_line(unlabeled):
    with pytest.raises(
        UserError, match='feature "label", a class. Received: tiny'
    ) as error:
        labels.read_labeled("tfds:tiny_unlabeled", 8, unlabeled)
    assert "\n" not in str(error.value)


def spoil_flat(folder):
    for path in list(folder.glob("*/*.png")):
        path.rename(folder / f"{path.parent.name}{path.name}")
    for name in CLASSES:
        (folder / name).rmdir()


def spoil_one_class(folder):
    for path in [*folder.glob("down/*"), *folder.glob("spots/*")]:
        path.unlink()
    for name in ("down", "spots"):
        (folder / name).rmdir()


def spoil_tiny(folder):
    for path in folder.glob("*/*.png"):
        Image.new("RGB", (1, 1)).save(path)


BAD = {
    "no labels": (spoil_flat, "has no folders: its pictures have no labels"),
    "one class": (spoil_one_class, "at least two classes.*across"),
    "an empty class": (
        lambda folder: (folder / "zebra").mkdir(),
        "pictures in the folder of every class.*zebra, which has none",
    ),
    "pictures of 1x1": (spoil_tiny, "at least 4 pixels for --crop_size=16.*1x1"),
    "no folder": (lambda folder: folder.rename(f"{folder}x"), "a folder of pictures"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_set_that_cannot_be_learnt_from_is_one_clear_line(tmp_path, name):
    folder = write_patterns(tmp_path / "patterns", 4, SIDE)
    spoil, message = BAD[name]
    spoil(folder)
    with pytest.raises(UserError, match=message) as error:
        labels.read_labeled(str(folder), SIDE)
    assert "\n" not in str(error.value)


def test_the_built_in_photos_have_no_labels():
    with pytest.raises(UserError, match="a folder of pictures for each class.*builtin"):
        labels.read_labeled("builtin", SIDE)


def test_too_few_pictures_to_hold_a_tenth_out_are_refused(tmp_path):
    few = labels.read_labeled(str(write_patterns(tmp_path, 2, SIDE)), SIDE)
    with pytest.raises(UserError, match="at least 10 labeled pictures"):
        few.split(1)


def test_a_set_that_does_not_fit_into_memory_is_refused_before_it_is_read(
    folder, monkeypatch
):
    monkeypatch.setattr(labels.memory, "available_memory", lambda: 100_000)
    with pytest.raises(UserError, match="Lower --crop_size"):
        labels.read_labeled(str(folder), SIDE)


def test_a_broken_picture_among_many_is_left_out_and_named(tmp_path):
    folder = write_patterns(tmp_path, 10, SIDE)
    (folder / "down" / "000.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    read = labels.read_labeled(str(folder), SIDE)
    assert np.bincount(read.labels).tolist() == [10, 9, 10]
    (reason,) = read.unreadable
    assert "000.png" in reason
