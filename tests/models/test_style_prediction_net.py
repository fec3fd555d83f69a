"""The any-style network whose norms follow a code, where it differs from `test_any_style`."""

import numpy as np
from support import tiny
from support.pictures import batch as picture
from support.tiny import draw_any as draw

from nst_tf.exporters import export_network
from nst_tf.layers.color import MatchContentColors
from nst_tf.layers.normalization import ModulatedNormalization
from nst_tf.models import adain_net, style_prediction_net, transform_net


def test_the_code_is_means_and_deviations_of_the_encoders_maps():
    style = picture(48, 64)
    code = adain_net.parts_of(tiny.any_style()).encode_style(style).numpy()[0]
    maps = tiny.encoder(style_prediction_net.LAYERS)(style)
    wanted = [
        statistic
        for layer in style_prediction_net.LAYERS
        for statistic in (
            maps[layer].numpy().mean((0, 1, 2)),
            np.sqrt(maps[layer].numpy().var((0, 1, 2)) + 1e-5),
        )
    ]
    np.testing.assert_allclose(code, np.concatenate(wanted), rtol=1e-3, atol=1e-3)


def test_without_strength_it_is_the_per_style_network_with_its_own_norms_and_the_photos_colors():
    network = tiny.any_style()
    transform = adain_net.parts_of(network).transform
    plain = transform_net.transform_net(
        transform_net.TransformNetConfig(width=4, residual_blocks=1)
    )
    for layer in plain.layers:
        if layer.name.endswith("_conv"):
            layer.set_weights(transform.get_layer(layer.name).get_weights())
    photo = picture(48, 64)  # a size that both draw as it is
    wanted = MatchContentColors()([plain(photo), photo, np.zeros((1, 1), np.float32)])
    np.testing.assert_allclose(
        draw(network, photo, picture(32, 32, 1), 0.0), wanted, atol=1e-4
    )


def test_without_strength_a_picture_has_the_photos_mean_colors():
    photo = picture(48, 64)
    drawn = draw(tiny.any_style(), photo, picture(32, 32, 1), 0.0)
    np.testing.assert_allclose(drawn.mean((1, 2)), photo.mean((1, 2)), atol=1e-5)


def test_every_norm_has_parameters_of_its_own():
    transform = adain_net.parts_of(tiny.any_style()).transform
    norms = [
        layer for layer in transform.layers if isinstance(layer, ModulatedNormalization)
    ]
    ends = sorted(
        (norm.first, norm.first + 2 * norm.output.shape[-1]) for norm in norms
    )
    total = transform.get_layer("parameters").own.shape[0]
    assert [end for _, end in ends] == [start for start, _ in ends[1:]] + [
        total
    ] and ends[0][0] == 0


def test_scale_and_offset_are_those_of_the_parameters():
    maps = np.random.default_rng(0).normal(3, 2, (2, 6, 5, 4)).astype(np.float32)
    parameters = np.random.default_rng(1).normal(0, 1, (2, 20)).astype(np.float32)
    drawn = ModulatedNormalization(first=7)([maps, parameters]).numpy()
    np.testing.assert_allclose(drawn.mean((1, 2)), parameters[:, 11:15], atol=1e-4)
    np.testing.assert_allclose(
        drawn.std((1, 2)), np.abs(parameters[:, 7:11]), rtol=1e-3
    )


def test_one_trained_in_bfloat16_is_exported_in_float32():
    narrow, wide = (
        style_prediction_net.modulated_net(
            tiny.encoder(style_prediction_net.LAYERS),
            transform_net.TransformNetConfig(width=4, residual_blocks=1),
            [picture(48, 64)[0]],
            dtype=dtype,
        )
        for dtype in ("mixed_bfloat16", "float32")
    )
    narrow.set_weights(tiny.any_style().get_weights())
    wide.set_weights(narrow.get_weights())
    drawn = [
        draw(network, picture(48, 64), picture(32, 32, 1))
        for network in (export_network.cast_to_float32(narrow), wide, narrow)
    ]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert abs(drawn[2] - drawn[1]).max() > 1e-3


def test_the_encoder_does_not_learn_and_all_that_draws_does():
    network = tiny.any_style()
    parts = adain_net.parts_of(network)
    assert not parts.encode_style.trainable_weights
    assert len(network.trainable_weights) == len(parts.transform.weights)
