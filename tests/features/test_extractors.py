"""Feature networks: equal to Keras's VGG19, honest about weights, and packed small without harm."""

import dataclasses
import inspect
import urllib.error
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.core import files
from nst_tf.core.errors import UserError
from nst_tf.features import extractors, slim_vgg19, vgg, vgg19

REAL_WEIGHTS = Path(__file__).parents[3] / "shared/data/weights/vgg19_imagenet_notop.h5"
TINY = (4, 6, 8, 8, 8)
keras_vgg19 = inspect.getmodule(keras.applications.VGG19)


def photo(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def keras_name(layer):
    return f"block{layer[4]}_conv{layer[6]}"


def keras_maps(reference, picture):
    """All 16 maps of Keras's network, after Keras's own preprocessing of 0..255."""
    model = keras.Model(
        reference.input,
        {layer: reference.get_layer(keras_name(layer)).output for layer in vgg.LAYERS},
    )
    # A copy, because that function changes what it is given.
    return model(keras.applications.vgg19.preprocess_input(255 * picture.copy()))


def one_line(caught):
    message = str(caught.value)
    assert "\n" not in message and message.startswith("Expected ")
    return message


def randomize(model, seed=0):
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel, *bias = layer.get_weights()
            gain = np.float32(np.sqrt(2 / np.prod(kernel.shape[:3])))
            kernel = rng.standard_normal(kernel.shape, np.float32) * gain
            layer.set_weights([kernel, *(rng.normal(0, 1, b.shape) for b in bias)])
    return model


@pytest.fixture(scope="module")
def reference():
    """Keras's VGG19 with random kernels and, unlike when it is fresh, random biases."""
    return randomize(keras.applications.VGG19(weights=None, include_top=False))


@pytest.fixture(scope="module")
def weights_file(reference, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "vgg19_notop.weights.h5"
    reference.save_weights(path)
    return path


@pytest.fixture(scope="module")
def extractor(weights_file):
    return vgg19.load_vgg19(str(weights_file), vgg.LAYERS)


# -- topology --------------------------------------------------------------------------------------


def test_all_16_maps_equal_those_of_keras_for_the_same_weights(reference, extractor):
    picture = photo(2, 40, 37, 3)
    maps, wanted = extractor(picture), keras_maps(reference, picture)
    assert list(maps) == list(vgg.LAYERS) and len(maps) == 16
    for layer in vgg.LAYERS:
        assert np.abs(wanted[layer]).max() > 0
        scale = float(np.abs(wanted[layer]).max())
        np.testing.assert_allclose(
            maps[layer], wanted[layer], atol=1e-5 * scale, err_msg=layer
        )


@pytest.mark.shared
@pytest.mark.skipif(
    not REAL_WEIGHTS.is_file(), reason="../shared has no VGG19 weights here"
)
def test_all_16_maps_equal_those_of_keras_for_imagenets_weights():
    extractor = vgg19.load_vgg19(str(REAL_WEIGHTS), vgg.LAYERS)
    reference = keras.applications.VGG19(weights=str(REAL_WEIGHTS), include_top=False)
    picture = photo(1, 48, 48, 3)
    maps, wanted = extractor(picture), keras_maps(reference, picture)
    for layer in vgg.LAYERS:
        scale = float(np.abs(wanted[layer]).max())
        assert scale > 0
        np.testing.assert_allclose(
            maps[layer], wanted[layer], atol=1e-5 * scale, err_msg=layer
        )


def test_preprocessing_equals_keras_and_leaves_its_argument_alone():
    picture = photo(1, 3, 4, 3)
    before = picture.copy()
    wanted = keras.applications.vgg19.preprocess_input(255 * picture)
    np.testing.assert_allclose(vgg.VggPreprocessing()(picture), wanted, atol=1e-4)
    np.testing.assert_array_equal(picture, before)


def test_preprocessing_of_black_by_hand():
    black = vgg.VggPreprocessing()(np.zeros((1, 1, 1, 3), np.float32))
    np.testing.assert_allclose(black[0, 0, 0], [-103.939, -116.779, -123.68], rtol=1e-6)


def test_maps_halve_with_each_block_and_come_in_the_order_asked_for():
    names = ("relu5_1", "relu1_2", "relu3_4")
    model = vgg.build_topology(TINY, names)
    maps = model(photo(1, 32, 48, 3))
    assert list(maps) == list(names)
    assert [tuple(maps[name].shape) for name in names] == [
        (1, 2, 3, 8),
        (1, 32, 48, 4),
        (1, 8, 12, 8),
    ]


def test_nothing_deeper_than_the_deepest_layer_is_built():
    model = vgg.build_topology(TINY, ("relu2_1",))
    names = [layer.name for layer in model.layers]
    assert names[-1] == "block2_conv1" and "block2_conv2" not in names


def test_maps_are_after_the_relu():
    model = randomize(vgg.build_topology(TINY, vgg.LAYERS))
    for layer, maps in model(photo(1, 32, 32, 3)).items():
        assert np.min(maps) == 0 and np.max(maps) > 0, layer


@pytest.mark.parametrize(
    "dtype, wanted", [("float32", tf.float32), ("mixed_bfloat16", tf.bfloat16)]
)
@pytest.mark.parametrize("margin", [0, 16])
def test_maps_have_the_precision_of_the_convolutions(dtype, wanted, margin):
    model = vgg.build_topology(TINY, ("relu2_1",), dtype=dtype)
    extractor = extractors.FeatureExtractor("tiny", model, {}, vgg.LAYERS, margin)
    assert extractor(photo(1, 8, 8, 3))["relu2_1"].dtype == wanted
    assert extractor.layers == ("relu2_1",)


def test_a_margin_mirrors_as_numpy_does_however_small_the_picture():
    pixels = np.random.default_rng(0).random((1, 5, 1, 3), np.float32)
    wanted = np.pad(pixels, ((0, 0), (7, 7), (7, 7), (0, 0)), "reflect")
    np.testing.assert_array_equal(
        extractors.mirror_around(tf.constant(pixels), 7), wanted
    )


def test_with_a_margin_the_border_of_a_plain_picture_looks_like_its_inside():
    plain = tf.fill([1, 70, 61, 3], 0.8)
    without = slim_vgg19.load_slim_vgg19(["relu1_1", "relu3_1"])
    with_margin = dataclasses.replace(without, margin=16)
    for layer, maps in with_margin(plain).items():
        assert maps.shape == without(plain)[layer].shape
        spread, before = (
            np.ptp(each.numpy(), (1, 2)).max() for each in (maps, without(plain)[layer])
        )
        assert spread < 1e-3 * before


def test_a_loaded_network_is_frozen_and_knows_its_file(extractor, weights_file):
    assert not extractor.model.trainable_variables
    assert extractor.provenance == {
        "weights": str(weights_file),
        "sha256": files.sha256(weights_file),
    }


# -- receptive field -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer, side",
    [("relu1_1", 3), ("relu1_2", 5), ("relu2_1", 10), ("relu2_2", 14), ("relu3_1", 24)],
)
def test_the_receptive_field_is_what_a_position_really_sees(layer, side):
    assert vgg.LAYERS[layer].receptive_field == side
    model = vgg.build_topology((1,) * 5, (layer,))
    for weight in model.weights:
        weight.assign(
            np.ones(weight.shape)
        )  # all positive: nothing is hidden by a ReLU
    width = 48
    pictures = np.repeat(
        np.full((1, width, width, 3), 0.9, np.float32), width + 1, axis=0
    )
    for column in range(width):
        pictures[column, width // 2, column] = (
            100  # seen wherever it is the maximum of a pool
        )
    maps = model(pictures)[layer].numpy()[..., 0]
    middle = maps.shape[1] // 2
    seen = maps[:-1, middle, middle] != maps[-1, middle, middle]
    columns = np.flatnonzero(seen)
    assert len(columns) == side == columns[-1] - columns[0] + 1


def test_receptive_fields_grow_with_depth():
    fields = [layer.receptive_field for layer in vgg.LAYERS.values()]
    assert fields == sorted(set(fields))


# -- weights from elsewhere ------------------------------------------------------------------------


def test_the_url_and_md5_are_those_in_kerass_source():
    assert vgg19.IMAGENET_URL == keras_vgg19.WEIGHTS_PATH_NO_TOP
    assert f'file_hash="{vgg19.IMAGENET_MD5}"' in inspect.getsource(keras_vgg19)


def test_imagenet_is_fetched_through_keras_and_the_file_is_hashed(
    reference, weights_file, monkeypatch
):
    def download(name, url, *, cache_subdir, file_hash):
        assert (url, file_hash) == (vgg19.IMAGENET_URL, vgg19.IMAGENET_MD5)
        assert cache_subdir == "models" and url.endswith(
            f"/{name}"
        )  # where Keras keeps its own
        return str(weights_file)

    def read(*, weights, include_top):
        assert weights == str(weights_file) and not include_top
        return reference

    monkeypatch.setattr(keras.utils, "get_file", download)
    monkeypatch.setattr(keras.applications, "VGG19", read)
    extractor = vgg19.load_vgg19("imagenet", ["relu1_1"])
    assert extractor.provenance == {
        "weights": "imagenet",
        "sha256": files.sha256(weights_file),
    }


def test_a_download_with_another_md5_is_refused(tmp_path, monkeypatch):
    """Through Keras's own download, from an address on this disk."""
    (tmp_path / "wrong.h5").write_bytes(b"not the weights")
    monkeypatch.setattr(vgg19, "IMAGENET_URL", (tmp_path / "wrong.h5").as_uri())
    real = keras.utils.get_file
    monkeypatch.setattr(
        keras.utils,
        "get_file",
        lambda *a, **k: real(*a, cache_dir=tmp_path / "cache", **k),
    )
    with pytest.raises(UserError) as caught:
        vgg19.load_vgg19("imagenet", ["relu1_1"])
    assert vgg19.IMAGENET_MD5 in one_line(caught)


def test_no_network_is_one_line_with_url_md5_and_a_way_out(monkeypatch):
    def fail(*args, **kwargs):
        raise urllib.error.URLError("no route\nto host")

    monkeypatch.setattr(keras.utils, "get_file", fail)
    with pytest.raises(UserError) as caught:
        vgg19.load_vgg19("imagenet", ["relu1_1"])
    message = one_line(caught)
    for part in (
        vgg19.IMAGENET_URL,
        vgg19.IMAGENET_MD5,
        "--vgg_weights",
        "slim_vgg19",
    ):
        assert part in message


def test_a_missing_file_is_one_line_that_says_what_to_download(tmp_path):
    with pytest.raises(UserError) as caught:
        vgg19.load_vgg19(str(tmp_path / "none.h5"), ["relu1_1"])
    message = one_line(caught)
    assert "none.h5" in message and vgg19.IMAGENET_URL in message


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_a_wrong_file_is_one_line(tmp_path):
    text = tmp_path / "text.h5"
    text.write_text("not found")
    other = tmp_path / "other.weights.h5"
    vgg.build_topology(TINY, ("relu1_1",)).save_weights(other)
    for path in (text, other):
        with pytest.raises(UserError) as caught:
            vgg19.load_vgg19(str(path), ["relu1_1"])
        assert str(path) in one_line(caught)


@pytest.mark.parametrize("name", ["relu6_1", "relu1_3", "block4_conv2", "relu4_2 ", ""])
def test_an_unknown_layer_is_one_line_before_any_work(name, monkeypatch):
    monkeypatch.setattr(
        keras.applications, "VGG19", lambda **options: pytest.fail("work was done")
    )
    for load in (
        lambda: vgg19.load_vgg19("imagenet", [name]),
        lambda: slim_vgg19.load_slim_vgg19([name]),
    ):
        with pytest.raises(UserError) as caught:
            load()
        assert repr(name) in one_line(caught) and "relu4_2" in str(caught.value)
    with pytest.raises(UserError):
        vgg.build_topology(TINY, [name])


def test_the_slim_network_ends_at_relu5_1():
    with pytest.raises(UserError, match="relu5_2"):
        slim_vgg19.load_slim_vgg19(["relu5_2"])


# -- 8 bits ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def slim_model():
    return randomize(vgg.build_topology(TINY, vgg.SLIM_LAYERS, metric=True))


def test_a_packed_weight_is_off_by_less_than_one_percent(slim_model):
    packed = slim_vgg19.pack_slim(slim_model, TINY)
    convolutions = [
        layer for layer in slim_model.layers if isinstance(layer, keras.layers.Conv2D)
    ]
    assert len(convolutions) == 13 + 13  # 3x3 and metric
    for layer in convolutions:
        kernel, *bias = layer.get_weights()
        again, *bias_again = slim_vgg19.unpack_layer(packed, layer.name)
        assert packed[f"{layer.name}/kernel"].dtype == np.int8
        error = np.linalg.norm(again - kernel) / np.linalg.norm(kernel)
        assert error < 0.01, (layer.name, error)
        np.testing.assert_array_equal(bias_again, bias)


def test_channels_of_different_size_are_packed_equally_well():
    model = vgg.build_topology(TINY, ("relu1_1",), metric=True)
    kernel, bias = model.get_layer("block1_conv1").get_weights()
    kernel *= np.array([1e-4, 1, 1e4, 0], np.float32)  # the last channel is dead
    model.get_layer("block1_conv1").set_weights([kernel, bias])
    again, _ = slim_vgg19.unpack_layer(
        slim_vgg19.pack_slim(model, TINY), "block1_conv1"
    )
    assert (again[..., 3] == 0).all()
    for channel in range(3):
        wanted = kernel[..., channel]
        assert np.linalg.norm(again[..., channel] - wanted) < 0.01 * np.linalg.norm(
            wanted
        )


def test_a_packed_network_has_the_features_of_the_one_it_was_made_from(
    slim_model, tmp_path
):
    path = tmp_path / "slim.npz"
    np.savez_compressed(path, **slim_vgg19.pack_slim(slim_model, TINY))
    layers = ("relu4_2", "relu1_1", "relu5_1")
    extractor = slim_vgg19.load_slim_vgg19(layers, weights=str(path))
    assert extractor.name == "slim_vgg19" and extractor.layers == layers
    assert extractor.provenance == {
        "weights": str(path),
        "sha256": files.sha256(path),
    }
    assert not extractor.model.trainable_variables
    picture = photo(1, 32, 32, 3)
    maps, wanted = extractor(picture), slim_model(picture)
    for layer in layers:
        error = np.linalg.norm(maps[layer] - wanted[layer]) / np.linalg.norm(
            wanted[layer]
        )
        assert error < 0.04, (layer, error)


def damaged_files(folder, model):
    good = folder / "good.npz"
    np.savez_compressed(good, **slim_vgg19.pack_slim(model, TINY))
    content = good.read_bytes()
    yield "missing.npz", None
    yield "empty.npz", b""
    yield "text.npz", b"not found"
    yield "cut.npz", content[: len(content) // 2]
    yield "flipped.npz", content[:200] + bytes(64) + content[264:]
    np.savez(folder / "other.npz", widths=[1, 2])
    yield "other.npz", (folder / "other.npz").read_bytes()
    np.save(folder / "array.npy", np.zeros(3))
    yield "array.npz", (folder / "array.npy").read_bytes()


def test_damaged_slim_weights_are_one_line(slim_model, tmp_path):
    for name, content in damaged_files(tmp_path, slim_model):
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(UserError) as caught:
            slim_vgg19.load_slim_vgg19(["relu5_1"], weights=str(path))
        assert str(path) in one_line(caught)


# -- the packaged network --------------------------------------------------------------------------


def test_the_packaged_weights_load_with_the_widths_on_their_card():
    extractor, card = (
        slim_vgg19.load_slim_vgg19(vgg.SLIM_LAYERS),
        slim_vgg19.packaged_slim_card(),
    )
    maps = extractor(photo(1, 32, 32, 3))
    for layer, values in maps.items():
        block = int(layer[4])
        side = 32 // 2 ** (block - 1)
        assert values.shape == (1, side, side, card["widths"][block - 1]), layer
        assert np.isfinite(values).all()
    assert card["layers"] == list(vgg.SLIM_LAYERS)
    assert card["parameters"] == extractor.model.count_params()


def test_the_packaged_weights_are_small_and_are_the_ones_on_their_card():
    path, card = slim_vgg19.packaged_slim(), slim_vgg19.packaged_slim_card()
    assert path.stat().st_size == card["bytes"] <= 4_000_000
    assert files.sha256(path) == card["sha256"]
