"""Another feature network is one file, support/strided_network.py, and one line in the registry."""

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from support import strided_network
from support.pictures import smooth

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.config.registries import FEATURE_NETWORKS
from nst_tf.config.train import FeedforwardSettings
from nst_tf.core.errors import UserError
from nst_tf.features import extractors, slim_vgg19, vgg
from nst_tf.images import io as image_io
from nst_tf.losses import perceptual
from nst_tf.optimization import gatys, memory_estimate
from nst_tf.training.methods import feedforward

ENTRY = "support.strided_network:NETWORK"
WITH_ONE_LINE = f"""
import runpy
from nst_tf.config.registries import FEATURE_NETWORKS
FEATURE_NETWORKS._entries["strided"] = "{ENTRY}"
runpy.run_module("nst_tf.optimize", run_name="__main__")
"""
LAYERS = tuple(strided_network.LAYERS)
CHOSEN = {"content_layers": ("parts",), "style_layers": ("edges", "corners:2")}


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(FEATURE_NETWORKS._entries, "strided", ENTRY)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    smooth(47, 61, 0).save(folder / "photo.png")
    smooth(60, 50, 1).save(folder / "style.png")
    left = np.zeros((47, 61), np.uint8)
    left[:, :20] = 255
    Image.fromarray(left).save(folder / "left.png")
    return folder


def choose(settings):
    """The same settings with the new network: flags' choices were made before it was registered."""
    object.__setattr__(settings, "feature_network", "strided")
    return settings


def pose(folder, **changes):
    options = {"content": str(folder / "photo.png"), "image_size": 61, **CHOSEN}
    options |= {"style": (str(folder / "style.png"),), "output": "out.png", **changes}
    return gatys.Gatys(choose(OptimizeSettings(**options)))


def noise(*shape):
    return np.random.default_rng(3).random(shape, np.float32)


# -- what is declared is what positions see --------------------------------------------------------


def columns_seen(extractor, layer, column, side):
    """First and last column of the picture on which one position depends, by its gradient."""
    picture = tf.constant(noise(1, side, side, 3))
    with tf.GradientTape() as tape:
        tape.watch(picture)
        maps = extractor(picture)[layer]
        middle = tf.reduce_sum(maps[0, maps.shape[1] // 2, maps.shape[2] // 2 + column])
    gradient = tape.gradient(middle, picture).numpy()
    seen = np.flatnonzero(np.abs(gradient).sum((0, 1, 3)))
    return seen[0], seen[-1]


def positive_vgg19():
    """VGG19's topology where all positions count: means for maxima, weights above 0."""
    model = vgg.build_topology((1,) * 5, vgg.LAYERS, pooling="average")
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 0.1))
    # Colors from 0.6 to 1 are above ImageNet's means: no ReLU hides them.
    return extractors.FeatureExtractor("vgg", model, {}, vgg.LAYERS)


@pytest.mark.parametrize("name", ["strided", "vgg"])
def test_strides_and_receptive_fields_are_those_of_gradients(name):
    if name == "strided":
        extractor, side = strided_network.load(None, LAYERS), 64
    else:
        extractor, side = positive_vgg19(), 576
        bright = extractor.model
        inputs = keras.Input((None, None, 3))
        extractor = dataclasses.replace(
            extractor, model=keras.Model(inputs, bright(0.6 + 0.4 * inputs))
        )
    for layer in extractor.layers:
        first, last = columns_seen(extractor, layer, 0, side)
        assert last - first + 1 == extractor.receptive_field(layer), layer
        neighbor = columns_seen(extractor, layer, 1, side)
        stride = extractor.stride(layer)
        assert neighbor == (first + stride, last + stride), layer


def test_the_small_networks_geometry_by_hand():
    assert {layer: tuple(each) for layer, each in strided_network.LAYERS.items()} == {
        "edges": (1, 3),
        "corners": (2, 7),
        "parts": (8, 11),
    }


@pytest.mark.parametrize("margin", [0, 16])
@pytest.mark.parametrize(
    "name, layers", [("strided", LAYERS), ("slim_vgg19", ("relu2_1", "relu4_2"))]
)
def test_map_sizes_channels_and_bytes_are_those_of_real_maps(name, layers, margin):
    network = FEATURE_NETWORKS[name].load(PerceptualSettings(), layers)
    extractor = dataclasses.replace(network, margin=margin)
    for height, width in ((47, 61), (64, 32), (17, 16)):
        for layer, maps in extractor(noise(1, height, width, 3)).items():
            assert extractor.map_size(layer, height, width) == maps.shape[1:3]
            assert extractor.channels(layer) == maps.shape[3]
    every = keras.Model(
        network.model.input, [layer.output for layer in network.model.layers[1:]]
    )
    maps = every(noise(1, 32, 64, 3))
    assert network.map_bytes(32, 64) == sum(4 * tf.size(each).numpy() for each in maps)


def test_widths_are_those_of_the_first_convolution_at_each_stride():
    assert strided_network.load(None, ["parts"]).widths() == {1: 4, 2: 6, 8: 8}
    card = slim_vgg19.packaged_slim_card()
    extractor = slim_vgg19.load_slim_vgg19(["relu4_2"], metric=False)
    assert list(extractor.widths().items()) == list(zip((1, 2, 4, 8), card["widths"]))


# -- everything runs with it -----------------------------------------------------------------------


def test_a_step_of_gatys_lowers_the_loss(folder):
    task = pose(folder, init="noise")
    (scale,) = task.scales[-1:]
    optimizer, objective = task.open_optimizer(scale), task.objective(scale)
    start = noise(scale.height, scale.width, 3)
    state = optimizer.start(objective, tf.reshape(start, [-1]))
    after = optimizer.iterate(objective, state)
    assert float(after["value"]) < float(state["value"])
    assert task.provenance["feature_network"]["name"] == "strided"


def test_a_mask_keeps_the_style_where_it_is_white(folder):
    task = pose(folder, content_masks=(str(folder / "left.png"),), content_weight=0.0)
    scale = task.scales[-1]
    picture = tf.reshape(tf.constant(noise(scale.height, scale.width, 3)), [-1])
    _, gradient, _ = task.objective(scale)(picture)
    seen = np.abs(gradient.numpy().reshape(scale.height, scale.width, 3)).sum((0, 2))
    field = strided_network.LAYERS["corners"].receptive_field
    assert (seen[:20] > 0).all() and (seen[20 + field :] == 0).all()


def test_masks_have_the_size_of_the_maps(folder):
    extractor = strided_network.load(None, LAYERS)
    weights = perceptual.LossWeights(
        content_layers={"parts": 1.0}, style_layers=dict.fromkeys(LAYERS, 1.0)
    )
    loss = perceptual.PerceptualLoss(extractor, weights)
    masks = loss.shrink_mask(tf.ones([1, 47, 61, 1]))
    for layer, maps in extractor(noise(1, 47, 61, 3)).items():
        assert masks[layer].shape[1:3] == maps.shape[1:3], layer


def test_a_training_step_changes_a_per_style_network(folder, tmp_path):
    options = {"style_image": str(folder / "style.png"), "style_size": 40, "steps": 1}
    options |= {"width": 4, "residual_blocks": 0, "output": str(tmp_path), **CHOSEN}
    task = feedforward.FeedforwardTask(choose(FeedforwardSettings(**options)))
    batch = {"image": noise(2, 32, 32, 3), "index": tf.constant([0, 1], tf.int64)}
    optimizer = keras.optimizers.Adam(1e-3)
    losses = []
    for _ in range(3):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(task.terms(batch)["loss"])
        weights = task.network.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        losses.append(float(loss))
    assert losses[2] < losses[0]


def test_the_memory_estimate_covers_it(folder):
    extractor = pose(folder).extractor
    assert memory_estimate.peak_bytes(extractor, 64, 64, 0) > memory_estimate.BASE


def test_it_is_an_encoder_too():
    encoder = extractors.open_encoder("strided", PerceptualSettings(), ["corners"])
    assert encoder(noise(1, 8, 8, 3))["corners"].shape == (1, 4, 4, 6)


# -- errors and flags ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["content_layers", "style_layers"])
def test_a_layer_of_another_network_is_refused_with_this_networks_own(folder, kind):
    with pytest.raises(UserError, match="edges, corners, parts.*relu1_1"):
        pose(folder, **{kind: ("relu1_1",)})
    with pytest.raises(UserError, match="relu1_1, .*relu5_1. Received: 'edges'"):
        gatys.Gatys(
            OptimizeSettings(
                **{
                    "content": str(folder / "photo.png"),
                    "style": (str(folder / "style.png"),),
                    "style_layers": ("relu1_1",),
                    "output": "out.png",
                    kind: ("edges",),
                }
            )
        )


def test_a_style_smaller_than_its_receptive_field_is_refused(folder):
    with pytest.raises(UserError, match="at least 11 pixels"):
        pose(folder, style_layers=("parts",), style_scale=0.15)


def test_its_line_is_enough_for_the_flag(folder, tmp_path):
    output = tmp_path / "out.png"
    flags = ["--feature_network=strided", "--image_size=61", "--iterations=1"]
    flags += ["--content_layers=parts", "--style_layers=edges,corners"]
    flags += [f"--content={folder / 'photo.png'}", f"--style={folder / 'style.png'}"]
    done = subprocess.run(
        [sys.executable, "-c", WITH_ONE_LINE, *flags, f"--output={output}"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert image_io.read_image(output).size == (47, 61)


def test_nothing_but_the_distillation_of_vgg19_imports_it():
    root = Path(extractors.__file__).parents[1]
    importing = set()
    for path in root.rglob("*.py"):
        if re.search(
            r"^ *(from|import) .*\b(slim_)?vgg(19)?\b", path.read_text(), re.MULTILINE
        ):
            importing.add(path.relative_to(root).as_posix())
    inside = {name for name in importing if name.startswith("features/")}
    assert importing - inside == {
        "training/distillation/student.py",
        "training/methods/slim_features.py",
    }
