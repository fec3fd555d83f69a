"""Training photos: order, exact continuation, shared batches, broken files, every source."""

import collections
import dataclasses
import itertools

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from nst_tf.core.errors import UserError
from nst_tf.data import pipeline, sample_photos, sources as data_sources

CONFIG = pipeline.CropConfig(crop_size=8, short_side=10, seed=5)
ONE = pipeline.Shard(batch_size=4)


def take(source, count, config=CONFIG, shard=ONE, start=0):
    """The first batches of a stream as NumPy: [(image, index)]."""
    stream = pipeline.crops(source, config, shard, start)
    return [
        (batch["image"].numpy(), batch["index"].numpy()) for batch in stream.take(count)
    ]


def assert_same(left, right):
    assert len(left) == len(right) > 0
    for (image, index), (other_image, other_index) in zip(left, right):
        np.testing.assert_array_equal(index, other_index)
        np.testing.assert_array_equal(image, other_image)


def write_plain(folder, count):
    """Writes pictures of one color each, red and green tell which; returns {color}."""
    folder.mkdir(exist_ok=True)
    colors = [(10 + 15 * (n % 16), 10 + 15 * (n // 16), 100) for n in range(count)]
    for number, color in enumerate(colors):
        Image.new("RGB", (12, 10), color).save(folder / f"plain{number:03d}.png")
    return set(colors)


def colors_of(batches):
    return [
        tuple(np.rint(255 * picture[0, 0]).astype(int))
        for image, _ in batches
        for picture in image
    ]


@pytest.fixture(scope="module")
def noisy_folder(tmp_path_factory):
    """200 small pictures of noise and one broken file among them: less than 1 %."""
    folder = tmp_path_factory.mktemp("noisy")
    rng = np.random.default_rng(0)
    for number in range(200):
        pixels = rng.integers(0, 256, (10, 13, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"noise{number:03d}.png")
    (folder / "noise100b.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    return folder


# -- reproducible ----------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_crops(photos_folder):
    first, again = (
        take(data_sources.FolderSource(str(photos_folder)), 4) for _ in range(2)
    )
    assert_same(first, again)


def test_another_seed_gives_other_crops_in_another_order(tmp_path):
    write_plain(tmp_path / "plain", 40)
    source = data_sources.FolderSource(str(tmp_path / "plain"))
    orders = [
        colors_of(take(source, 10, pipeline.CropConfig(8, 10, seed))) for seed in (1, 2)
    ]
    assert orders[0] != orders[1] and set(orders[0]) == set(orders[1])


def test_crops_of_one_photo_differ_in_place_and_flip(tmp_path):
    Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (10, 30, 3), np.uint8)
    ).save(tmp_path / "one.png")
    batches = take(data_sources.FolderSource(str(tmp_path)), 10)
    crops = {picture.tobytes() for image, _ in batches for picture in image}
    assert len(crops) > 25  # of 40, from 3 x 23 places and 2 flips


def test_batches_are_float32_rgb_from_0_to_1_with_running_numbers(photos_folder):
    batches = take(data_sources.FolderSource(str(photos_folder)), 3)
    for number, (image, index) in enumerate(batches):
        assert image.dtype == np.float32 and image.shape == (4, 8, 8, 3)
        assert 0 <= image.min() and 0.1 < image.max() <= 1
        assert index.tolist() == list(range(4 * number, 4 * number + 4))


def test_every_file_comes_exactly_once_an_epoch_and_in_another_order_the_next(tmp_path):
    colors = write_plain(tmp_path / "plain", 12)
    seen = colors_of(take(data_sources.FolderSource(str(tmp_path / "plain")), 9))
    epochs = [seen[start : start + 12] for start in (0, 12, 24)]
    for epoch in epochs:
        assert sorted(epoch) == sorted(colors)
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0]
    assert epochs[0] != sorted(epochs[0])


def test_an_epoch_that_no_batch_divides_loses_no_file(tmp_path):
    write_plain(tmp_path / "plain", 7)
    seen = collections.Counter(
        colors_of(take(data_sources.FolderSource(str(tmp_path / "plain")), 7))
    )
    assert len(seen) == 7 and set(seen.values()) == {4}  # 28 examples are 4 epochs


# -- continuing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("start", [4, 20, 200])
def test_a_stream_started_later_continues_the_uninterrupted_one(photos_folder, start):
    source = data_sources.FolderSource(str(photos_folder))
    whole = take(source, start // 4 + 3)
    assert_same(whole[start // 4 :], take(source, 3, start=start))


def test_a_stream_with_a_broken_file_continues_exactly_wherever_it_was_cut(
    noisy_folder,
):
    whole = take(data_sources.FolderSource(str(noisy_folder)), 110)
    numbers = np.concatenate([index for _, index in whole])
    left_out = sorted(set(range(numbers.max())) - set(numbers.tolist()))
    assert len(left_out) == 2 and left_out[0] < 201 <= left_out[1]  # once an epoch
    here = left_out[1] // 4
    for done in (here - 2, here - 1, here, here + 1):  # before, at and behind it
        start = whole[done - 1][1].max() + 1
        rest = take(data_sources.FolderSource(str(noisy_folder)), 4, start=start)
        assert_same(whole[done : done + 4], rest)


def test_builtin_photos_continue_exactly():
    source = data_sources.BuiltinSource("both")
    assert_same(
        take(source, 3)[2:], take(data_sources.BuiltinSource("both"), 1, start=8)
    )


# -- sharding --------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_parts_put_together_are_the_batches_of_one_device(
    photos_folder, workers
):
    whole = take(
        data_sources.FolderSource(str(photos_folder)), 5, shard=pipeline.Shard(8)
    )
    parts = [
        take(
            data_sources.FolderSource(str(photos_folder)),
            5,
            shard=pipeline.Shard(8, worker, workers),
        )
        for worker in range(workers)
    ]
    together = [
        tuple(np.concatenate(arrays) for arrays in zip(*batch)) for batch in zip(*parts)
    ]
    assert_same(whole, together)


def test_workers_continue_together_from_the_start_of_a_batch(photos_folder):
    source = data_sources.FolderSource(str(photos_folder))
    for worker in range(2):
        shard = pipeline.Shard(4, worker, 2)
        assert_same(
            take(source, 5, shard=shard)[2:], take(source, 3, shard=shard, start=8)
        )


def test_a_batch_that_workers_cannot_share_is_refused():
    with pytest.raises(UserError, match="--batch_size"):
        pipeline.Shard(batch_size=5, worker=0, workers=2)


# -- broken files ----------------------------------------------------------------------------------


def test_an_unreadable_file_is_left_out_counted_once_and_named(noisy_folder):
    source = data_sources.FolderSource(str(noisy_folder))
    batches = take(source, 110)  # more than two epochs
    assert len(source.unreadable) == 1
    assert "noise100b.png" in list(source.unreadable)[0]
    source.unreadable.check()
    assert all(
        image.std(axis=(1, 2, 3)).min() > 0.1 for image, _ in batches
    )  # none is blank


def truncate(path):
    """Leaves the header of a picture, and little behind it."""
    path.write_bytes(path.read_bytes()[:41])


def test_more_than_one_percent_and_three_of_unreadable_files_end_the_stream_with_a_list(
    tmp_path,
):
    write_plain(tmp_path, 20)
    for number in range(4):
        truncate(tmp_path / f"plain{number:03d}.png")
    source = data_sources.FolderSource(str(tmp_path))
    assert not len(source.unreadable)  # the headers are whole
    with pytest.raises(tf.errors.OpError):
        take(source, 10)
    with pytest.raises(UserError) as caught:
        source.unreadable.check()
    message = str(caught.value)
    assert all(part in message for part in ("plain003.png", "1%", "20 photos"))
    assert "\n" not in message


def test_three_unreadable_files_of_few_are_left_out_and_named(tmp_path):
    colors = write_plain(tmp_path, 20)
    for number in range(3):
        truncate(tmp_path / f"plain{number:03d}.png")
    source = data_sources.FolderSource(str(tmp_path))
    seen = set(colors_of(take(source, 12)))
    assert len(seen) == 17 and seen < colors
    named = list(source.unreadable)
    assert [f"plain{number:03d}.png" in named[number] for number in range(3)] == [
        True
    ] * 3


def test_headers_are_looked_at_before_the_first_step(tmp_path, monkeypatch):
    write_plain(tmp_path, 20)
    for number in range(3):
        (tmp_path / f"text{number}.jpg").write_text("a letter")
    source = data_sources.FolderSource(str(tmp_path))
    assert source.found["photos"] == 23 and len(source.unreadable) == 3
    take(source, 12)
    assert len(source.unreadable) == 3  # none is counted twice
    (tmp_path / "text3.jpg").write_text("a letter")
    with pytest.raises(UserError, match="Received: 4: .*text0.jpg"):
        data_sources.FolderSource(str(tmp_path))
    monkeypatch.setattr(data_sources, "LOOKED_AT", 10)
    assert not len(data_sources.FolderSource(str(tmp_path)).unreadable)


def test_what_was_found_tells_other_files_under_the_same_name(tmp_path):
    write_plain(tmp_path, 3)
    found = data_sources.FolderSource(str(tmp_path)).found
    assert data_sources.FolderSource(str(tmp_path)).found == found
    (tmp_path / "plain002.png").rename(tmp_path / "plain003.png")
    other = data_sources.FolderSource(str(tmp_path)).found
    assert other["photos"] == found["photos"] == 3 and other != found


@pytest.mark.parametrize("count", [3, 250])
def test_a_folder_of_broken_files_ends_rather_than_hangs(tmp_path, monkeypatch, count):
    endless = data_sources._count_from
    monkeypatch.setattr(
        data_sources, "_count_from", lambda start: endless(start).take(2000)
    )  # if it hung
    write_plain(tmp_path, count)
    for file in tmp_path.iterdir():
        truncate(file)
    source = data_sources.FolderSource(str(tmp_path))
    with pytest.raises(tf.errors.OpError):
        take(source, 1)
    with pytest.raises(UserError, match="plain"):
        source.unreadable.check()


def test_a_long_list_of_unreadable_files_is_cut():
    unreadable = data_sources.Unreadable(100)
    for number in range(50):
        unreadable.add(f"photo{number}", f"photo{number} is broken")
    with pytest.raises(UserError, match="and 30 more"):
        unreadable.check()


@pytest.mark.parametrize("total, allowed", [(4, 3), (100, 3), (300, 3), (500, 5)])
def test_three_or_one_percent_are_allowed(total, allowed):
    unreadable = data_sources.Unreadable(total)
    unreadable.check()
    for number in range(allowed):
        unreadable.add(str(number), f"{number} is broken")
        unreadable.add(str(number), f"{number} is broken")
    unreadable.check()
    unreadable.add("one more", "it is broken")
    with pytest.raises(UserError):
        unreadable.check()


@pytest.mark.parametrize("total", [1, 2, 3])
def test_a_source_of_which_nothing_can_be_read_ends(total):
    unreadable = data_sources.Unreadable(total)
    for number in range(total):
        unreadable.check()
        unreadable.add(str(number), f"{number} is broken")
    with pytest.raises(UserError):
        unreadable.check()


# -- pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "mode, color",
    [("L", 180), ("CMYK", (0, 128, 255, 0)), ("P", None), ("RGBA", (10, 200, 30, 255))],
)
def test_pictures_of_every_mode_become_rgb(tmp_path, mode, color):
    image = (
        Image.new("RGB", (14, 11), (250, 120, 10)).quantize(4)
        if mode == "P"
        else (Image.new(mode, (14, 11), color))
    )
    path = tmp_path / ("picture.png" if mode in ("P", "RGBA") else "picture.jpg")
    image.save(path, quality=100) if path.suffix == ".jpg" else image.save(path)
    wanted = np.array(image.convert("RGB"))[0, 0] / 255
    ((crops, _),) = take(data_sources.FolderSource(str(tmp_path)), 1)
    assert crops.shape == (4, 8, 8, 3)
    np.testing.assert_allclose(crops, np.broadcast_to(wanted, crops.shape), atol=0.02)


@pytest.mark.parametrize("height, width", [(50, 100), (100, 50), (60, 240)])
def test_crops_keep_the_aspect_of_the_photo(tmp_path, height, width):
    y, x = np.indices((height, width))
    pixels = np.stack([x, y, 0 * x], axis=-1).astype(
        np.uint8
    )  # one level a pixel, both ways
    Image.fromarray(pixels).save(tmp_path / "ramps.png")
    config = pipeline.CropConfig(
        crop_size=16, short_side=min(height, width) // 2, seed=3
    )
    ((crops, _),) = take(data_sources.FolderSource(str(tmp_path)), 1, config)
    levels = 255 * crops.astype(np.float64)
    across = np.abs(np.diff(levels[..., 0], axis=2)).mean()  # flips turn its sign
    down = np.diff(levels[..., 1], axis=1).mean()
    assert across == pytest.approx(2, abs=0.15) and down == pytest.approx(2, abs=0.15)


def test_photos_smaller_than_the_crop_are_enlarged(tmp_path):
    Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    ).save(tmp_path / "tiny.png")
    ((crops, _),) = take(
        data_sources.FolderSource(str(tmp_path)), 1, pipeline.CropConfig(16, 20, 1)
    )
    assert crops.shape == (4, 16, 16, 3) and crops.std() > 0.05


def test_a_random_crop_is_a_part_of_the_picture_and_reaches_all_its_corners():
    pixels = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    places = {}
    for seed in range(200):
        crop = pipeline.random_crop(pixels, 4, np.random.default_rng(seed))
        flipped = crop[0, 0, 0] > crop[0, -1, 0]
        upright = crop[:, ::-1] if flipped else crop
        top, left = divmod(int(upright[0, 0, 0]) // 3, 6)
        np.testing.assert_array_equal(upright, pixels[top : top + 4, left : left + 4])
        places[top, left, bool(flipped)] = True
    assert set(places) == set(itertools.product(range(2), range(3), (False, True)))


def test_a_crop_as_large_as_the_photo_is_the_photo():
    pixels = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(4, 4, 3)
    crop = pipeline.random_crop(pixels, 4, np.random.default_rng(1))
    assert np.array_equal(crop, pixels) or np.array_equal(crop, pixels[:, ::-1])


# -- pairs -----------------------------------------------------------------------------------------


def take_pairs(photos_source, paintings, count, shard=ONE, start=0):
    other = dataclasses.replace(CONFIG, seed=CONFIG.seed + 1)
    stream = pipeline.pairs(photos_source, CONFIG, paintings, other, shard, start)
    return [
        {name: value.numpy() for name, value in batch.items()}
        for batch in stream.take(count)
    ]


def test_pairs_have_the_photos_of_the_plain_stream_and_a_painting_each(
    photos_folder, tmp_path
):
    paintings = write_plain(tmp_path / "paintings", 12)
    source = data_sources.FolderSource(str(photos_folder))
    batches = take_pairs(
        source, data_sources.FolderSource(str(tmp_path / "paintings")), 6
    )
    assert_same(
        [(batch["image"], batch["index"]) for batch in batches], take(source, 6)
    )
    assert set(colors_of([(batch["style"], None) for batch in batches])) == paintings


def test_pairs_started_later_continue_the_uninterrupted_ones(
    photos_folder, noisy_folder
):
    sources = (
        data_sources.FolderSource(str(photos_folder)),
        data_sources.FolderSource(str(noisy_folder)),
    )
    whole, rest = take_pairs(*sources, 60), take_pairs(*sources, 5, start=12)
    for batch, other in zip(whole[3:8], rest, strict=True):
        for name in ("index", "image", "style"):
            np.testing.assert_array_equal(batch[name], other[name])


def test_a_painting_that_cannot_be_read_takes_its_photo_with_it(
    photos_folder, noisy_folder
):
    sources = (
        data_sources.FolderSource(str(photos_folder)),
        data_sources.FolderSource(str(noisy_folder)),
    )
    batches = take_pairs(*sources, 51)  # an epoch of the 201 paintings
    numbers = np.concatenate([batch["index"] for batch in batches])
    assert len(sources[1].unreadable) == 1 and len(sources[0].unreadable) == 0
    assert 1 <= len(set(range(numbers.max() + 1)) - set(numbers.tolist())) <= 2
    photos_of = dict(
        zip(numbers.tolist(), np.concatenate([batch["image"] for batch in batches]))
    )
    for image, index in take(sources[0], 40):
        for picture, number in zip(image, index.tolist()):
            if number in photos_of:
                np.testing.assert_array_equal(photos_of[number], picture)


def test_a_source_paired_with_itself_does_not_give_photos_themselves(tmp_path):
    write_plain(tmp_path / "plain", 40)
    source = data_sources.FolderSource(str(tmp_path / "plain"))
    batches = take_pairs(source, source, 10)
    same = [
        np.array_equal(image[0, 0], style[0, 0])
        for batch in batches
        for image, style in zip(batch["image"], batch["style"])
    ]
    assert np.mean(same) < 0.2


def test_the_short_side_varies_between_once_and_closest(noisy_folder, monkeypatch):
    source, seen = data_sources.FolderSource(str(noisy_folder)), []
    read = source.read
    monkeypatch.setattr(
        source,
        "read",
        lambda index, photo, short_side, seed: (
            seen.append(short_side),
            read(index, photo, short_side, seed),
        )[1],
    )
    config = dataclasses.replace(CONFIG, max_zoom=3.0)
    batches = [
        batch for batch, _ in zip(pipeline.crops(source, config, ONE), range(20))
    ]
    sides = np.array(seen) / CONFIG.short_side
    assert batches and 0.99 <= sides.min() < 1.3 and 2.3 < sides.max() <= 3.01
    assert 1.5 < np.median(sides) < 2.0  # sqrt 3: uniform in the logarithm


def test_the_share_recolored_has_other_hues_and_the_same_lightness(tmp_path):
    folder = tmp_path / "plain"
    write_plain(folder, 8)
    source = data_sources.FolderSource(str(folder))
    plain, turned = (
        take(source, 30, dataclasses.replace(CONFIG, recolored=share))
        for share in (0.0, 0.5)
    )
    luma = np.array([0.299, 0.587, 0.114])
    changed = []
    for (before, _), (after, _) in zip(plain, turned):
        for one, other in zip(before, after):
            changed.append(not np.array_equal(one, other))
            if 0.02 < other.min() and other.max() < 0.98:  # nothing clipped
                assert abs((one @ luma).mean() - (other @ luma).mean()) < 0.01
    assert 0.3 < np.mean(changed) < 0.7


# -- sources by name -------------------------------------------------------------------------------


def test_a_folder_is_searched_to_its_depths(photos_folder):
    source = data_sources.open_source(str(photos_folder))
    assert isinstance(source, data_sources.FolderSource) and source.name == str(
        photos_folder
    )
    numbers, shapes = range(5), set()
    for number in numbers:
        shapes.add(source.read(number, b"", 20, 1).shape)
    assert shapes == {(20, 30, 3), (28, 20, 3), (20, 20, 3), (20, 60, 3)}


def test_several_folders_are_separated_by_commas(tmp_path):
    colors = write_plain(tmp_path / "a", 3)
    write_plain(tmp_path / "b", 1)
    Image.new("RGB", (12, 10), (1, 2, 3)).save(tmp_path / "b" / "plain000.png")
    seen = colors_of(
        take(data_sources.open_source(f"{tmp_path / 'a'},{tmp_path / 'b'}"), 1)
    )
    assert set(seen) == colors | {(1, 2, 3)}


@pytest.mark.parametrize("kind", ["missing", "empty", "no pictures"])
def test_a_folder_without_pictures_is_refused_by_name(tmp_path, kind):
    folder = tmp_path / kind
    if kind != "missing":
        folder.mkdir()
    if kind == "no pictures":
        (folder / "letter.txt").write_text("dear")
    with pytest.raises(UserError) as caught:
        data_sources.open_source(str(folder))
    assert str(folder) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{},", ",{}", "{},,{}"])
def test_an_empty_name_is_not_taken_for_the_working_directory(
    content, photos_folder, monkeypatch
):
    monkeypatch.chdir(photos_folder)
    with pytest.raises(UserError, match="--content"):
        data_sources.open_source(content.format(photos_folder, photos_folder))


@pytest.mark.parametrize(
    "content, kind",
    [("builtin", "both"), ("builtin:photos", "photos"), ("builtin:leaves", "leaves")],
)
def test_the_builtin_source_draws_its_kinds(content, kind):
    source = data_sources.open_source(content)
    assert source.name == f"builtin:{kind}"
    batches = take(source, 1, pipeline.CropConfig(24, 30, 2))
    assert batches[0][0].shape == (4, 24, 24, 3)
    assert all(picture.std() > 0.01 for picture in batches[0][0])


def test_both_builtin_kinds_take_turns_in_either_order():
    both = data_sources.BuiltinSource("both")
    alone = [data_sources.BuiltinSource(kind) for kind in ("photos", "leaves")]
    orders = []
    for index in range(40):
        picture = both.read(index, b"", 20, 7)
        readings = (source.read(index, b"", 20, 7) for source in alone)
        orders.append(
            [np.array_equal(picture, reading) for reading in readings].index(True)
        )
    assert {tuple(orders[n : n + 2]) for n in range(0, 40, 2)} == {(0, 1), (1, 0)}


def test_an_unknown_builtin_kind_is_refused():
    with pytest.raises(UserError, match="builtin:leaves"):
        data_sources.open_source("builtin:paintings")


@pytest.mark.parametrize("name", sample_photos.PHOTOS)
def test_every_builtin_photo_is_a_picture_that_cannot_be_changed(name):
    pixels = sample_photos.builtin_photo(name)
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    assert min(pixels.shape[:2]) >= 300 and pixels.std() > 20
    with pytest.raises(ValueError):
        pixels[0, 0, 0] = 0


# -- TensorFlow Datasets ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tfds_folder(tmp_path_factory):
    """A data_dir with "tiny_photos", 30 JPEGs prepared by TFDS, and two that cannot be used."""
    import tensorflow_datasets as tfds

    folder = tmp_path_factory.mktemp("tfds")
    rng = np.random.default_rng(0)

    class TinyPhotos(tfds.core.GeneratorBasedBuilder):
        """Noise."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self,
                features=tfds.features.FeaturesDict(
                    {
                        "image": tfds.features.Image(encoding_format="jpeg"),
                        "label": tf.int64,
                    }
                ),
            )

        def _split_generators(self, manager):
            return {
                "train": self._generate_examples(30),
                "test": self._generate_examples(2),
            }

        def _generate_examples(self, count):
            for number in range(count):
                yield (
                    number,
                    {
                        "image": rng.integers(0, 256, (11, 14, 3), np.uint8),
                        "label": number,
                    },
                )

    class TinyNumbers(tfds.core.GeneratorBasedBuilder):
        """No pictures."""

        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            return tfds.core.DatasetInfo(
                builder=self, features=tfds.features.FeaturesDict({"label": tf.int64})
            )

        def _split_generators(self, manager):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            yield 0, {"label": 0}

    class TinyTests(TinyPhotos):
        """Pictures, but none to train on."""

        def _split_generators(self, manager):
            return {"test": self._generate_examples(2)}

    for builder in (TinyPhotos, TinyNumbers, TinyTests):
        builder(data_dir=str(folder)).download_and_prepare()
    return str(folder)


def test_a_tfds_name_gives_every_example_of_its_train_split_once_an_epoch(tfds_folder):
    source = data_sources.open_source("tfds:tiny_photos", tfds_folder)
    assert source.name == "tfds:tiny_photos"
    encoded = [example["photo"].numpy() for example in source.dataset(0, 1).take(60)]
    epochs = [encoded[:30], encoded[30:]]
    for epoch in epochs:
        assert len(set(epoch)) == 30
        assert all(
            photo.startswith(b"\xff\xd8\xff") for photo in epoch
        )  # not decoded yet
    assert set(epochs[0]) == set(epochs[1]) and epochs[0] != epochs[1]


def test_a_tfds_stream_is_reproducible_and_depends_on_the_seed(tfds_folder):
    first, again = (
        take(data_sources.TfdsSource("tiny_photos", tfds_folder), 10) for _ in range(2)
    )
    assert_same(first, again)
    other = take(
        data_sources.TfdsSource("tiny_photos", tfds_folder),
        10,
        pipeline.CropConfig(8, 10, 6),
    )
    assert not np.array_equal(first[0][0], other[0][0])


@pytest.mark.parametrize("start", [4, 40, 100])
def test_a_tfds_stream_started_later_continues_the_uninterrupted_one(
    tfds_folder, start
):
    whole = take(data_sources.TfdsSource("tiny_photos", tfds_folder), start // 4 + 3)
    rest = take(data_sources.TfdsSource("tiny_photos", tfds_folder), 3, start=start)
    assert_same(whole[start // 4 :], rest)


def test_a_tfds_data_set_of_broken_pictures_ends_rather_than_hangs(tfds_folder):
    source = data_sources.TfdsSource("tiny_photos", tfds_folder)
    source.dataset = lambda start, seed: tf.data.Dataset.range(start, 10_000).map(
        # 200 different examples of the same length, over and over.
        lambda index: {
            "index": index,
            "photo": tf.strings.as_string(index % 200, width=5),
        }
    )
    source.unreadable = data_sources.Unreadable(200)
    with pytest.raises(tf.errors.OpError):
        take(source, 1)
    with pytest.raises(UserError):
        source.unreadable.check()


@pytest.mark.parametrize(
    "name, part",
    [
        ("no_such_data_set", "no_such_data_set"),
        ("", "--content"),
        ("tiny_numbers", "image"),
        ("tiny_photos/no_config", "no_config"),
        ("tiny_tests", "train"),
    ],
)
def test_an_unusable_tfds_name_is_one_clear_line(tfds_folder, name, part):
    with pytest.raises(UserError) as caught:
        data_sources.open_source(f"tfds:{name}", tfds_folder)
    message = str(caught.value)
    assert part in message and "\n" not in message


def test_coco_is_streamed_from_its_own_builder(monkeypatch):
    """COCO's real features, with made-up pictures; only the number of examples is given here."""
    import tensorflow_datasets as tfds

    splits = tfds.core.SplitDict(
        [tfds.core.SplitInfo(name="train", shard_lengths=[10], num_bytes=0)]
    )
    with tfds.testing.mock_data(num_examples=10):
        monkeypatch.setattr(tfds.core.DatasetInfo, "splits", splits)
        source = data_sources.open_source("tfds:coco/2017")
        batches = take(source, 3)
    assert [index.tolist() for _, index in batches] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]
    assert all(image.shape == (4, 8, 8, 3) for image, _ in batches) and not len(
        source.unreadable
    )
