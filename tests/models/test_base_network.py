"""A network that begins as a packaged base paints its style before it has learnt anything."""

import io

import numpy as np
import pytest
from support.pictures import batch as picture
from support.tiny import draw_any

from nst_tf.config.train import TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.features.slim_vgg19 import load_slim_vgg19
from nst_tf.models import base_network, style_prediction_net
from nst_tf.models.transform_net import TransformNetConfig, transform_net

CONFIG = TransformNetConfig(width=4, residual_blocks=1, edge_size=5)


def decibels(one, other):
    return -10 * np.log10(np.mean(np.square(np.clip(one, 0, 1) - np.clip(other, 0, 1))))


@pytest.fixture(scope="module")
def encoder():
    return load_slim_vgg19(style_prediction_net.LAYERS, metric=False)


@pytest.fixture(scope="module")
def any_style(encoder):
    """A network of any style that paints styles differently; random weights."""
    known = [picture(64, 64, seed)[0] for seed in range(3)]
    network = style_prediction_net.modulated_net(encoder, CONFIG, known)
    random = np.random.default_rng(0)
    for weight in network.trainable_weights:
        if "asked" in weight.path:
            weight.assign(weight + random.normal(0, 0.3, weight.shape))
        if weight.path.endswith("out_conv/kernel"):
            weight.assign(6 * weight)
    return network


@pytest.fixture(scope="module")
def base(any_style, tmp_path_factory):
    path = tmp_path_factory.mktemp("bases") / "tiny.npz"
    np.savez_compressed(path, **base_network.pack_base(any_style, CONFIG))
    return base_network._read_base(path)


def test_a_network_that_begins_as_a_base_draws_what_the_base_draws(
    any_style, base, encoder
):
    photo, styles = picture(48, 64), [picture(64, 64, seed)[0] for seed in (5, 6)]
    for style in styles:
        network = transform_net(CONFIG)
        base.start(network, [style], encoder)
        drawn = network(photo).numpy()
        assert decibels(drawn, draw_any(any_style, photo, style[None])) > 30
    several = transform_net(TransformNetConfig(**{**vars(CONFIG), "styles": 2}))
    base.start(several, styles, encoder)
    again = several([photo, np.array([[0.0, 1.0]], np.float32)]).numpy()
    assert decibels(again, drawn) > 100
    first = several([photo, np.array([[1.0, 0.0]], np.float32)]).numpy()
    assert decibels(first, drawn) < 30


def test_the_photos_norms_are_those_without_strength(any_style, base, encoder):
    network = transform_net(TransformNetConfig(**{**vars(CONFIG), "strength": True}))
    base.start(network, [picture(64, 64, 5)[0]], encoder)
    transform = any_style.get_layer("transform")
    own = transform.get_layer("parameters").own.numpy()
    norm, twin = network.get_layer("down1_norm"), transform.get_layer("down1_norm")
    np.testing.assert_allclose(norm.scale[0], own[twin.first : twin.first + 4])
    np.testing.assert_allclose(norm.offset[0], own[twin.first + 4 : twin.first + 8])
    assert np.abs(norm.scale[1] - norm.scale[0]).max() > 0.01


def test_every_packaged_base_is_small_and_begins_a_network(encoder):
    bases = base_network.list_bases()
    assert bases
    for base in bases:
        assert base.path.stat().st_size < 1_000_000
        config = TransformNetConfig(**base.shape)
        assert base_network.find_base(config).path == base.path
        network = transform_net(config)
        before = network(picture(48, 64)).numpy()
        base.start(network, [picture(64, 64)[0]], encoder)
        drawn = network(picture(48, 64)).numpy()
        assert drawn.std() > 3 * before.std()  # nearly gray at first


def test_a_shape_without_a_base_is_refused_with_those_that_have_one():
    with pytest.raises(UserError, match="--width=16 .*--width=3 .*--init_from=none"):
        base_network.find_base(TransformNetConfig(width=3))


def test_a_base_is_for_networks_of_styles_of_their_own():
    given = {"output": "x", "steps": 1, "init_from": "base"}
    assert TrainSettings.of(given).begins_with_base
    with pytest.raises(UserError, match="--init_from=base with --method=feedforward"):
        TrainSettings.of({**given, "method": "any_style"})
    for none in ("", "none"):
        assert TrainSettings.of({**given, "init_from": none}).first_run == ""


def test_a_network_with_a_layer_for_the_styles_colors_is_no_base(encoder):
    known = [picture(64, 64, seed)[0] for seed in range(3)]
    network = style_prediction_net.modulated_net(
        encoder, CONFIG, known, style_colors=True
    )
    with pytest.raises(UserError, match="without --style_colors.*Train the base"):
        base_network.pack_base(network, CONFIG)


def test_packing_needs_a_byte_a_weight(any_style):
    written = io.BytesIO()
    np.savez_compressed(written, **base_network.pack_base(any_style, CONFIG))
    weights = sum(
        int(np.prod(weight.shape))
        for weight in any_style.get_layer("transform").weights
    )
    assert len(written.getvalue()) < 1.3 * weights + 30_000
