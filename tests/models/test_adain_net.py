"""The any-style network: sizes, strength, parts and what is saved."""

import keras
import numpy as np
import pytest
from support import tiny
from support.pictures import batch as picture
from support.tiny import draw_any as draw

from nst_tf.core.errors import UserError
from nst_tf.features import slim_vgg19
from nst_tf.models import adain_net, feature_transforms

RMS = {adain_net.LAYER: 500.0}  # about that of features of photos


def encoder(padding="reflect", skips=()):
    return slim_vgg19.load_slim_vgg19(
        (adain_net.LAYER, *skips), metric=False, padding=padding
    )


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(0)
    return adain_net.any_style_net(encoder(), rms=RMS)


@pytest.fixture(scope="module")
def with_skips():
    keras.utils.set_random_seed(0)
    rms = {layer: 500.0 for layer in (adain_net.LAYER, *adain_net.SKIPS)}
    return adain_net.any_style_net(
        encoder(skips=adain_net.SKIPS), skips=adain_net.SKIPS, rms=rms
    )


@pytest.fixture(params=["adain", "skips", "modulated"])
def either(request, network, with_skips):
    return {"adain": network, "skips": with_skips}.get(
        request.param
    ) or tiny.any_style()


@pytest.mark.parametrize(
    "photo, style",
    [((45, 61), (33, 40)), ((1, 1), (1, 1)), ((3, 50), (200, 9)), ((64, 64), (64, 64))],
)
def test_a_pair_of_any_two_sizes_gives_a_picture_of_the_photos(either, photo, style):
    drawn = draw(either, picture(*photo), picture(*style, 1))
    assert drawn.shape == (1, *photo, 3) and np.isfinite(drawn).all()


def test_without_strength_the_style_does_not_matter_and_with_it_does(either):
    photo, styles = picture(48, 48), (picture(48, 48, 1), 1 - picture(40, 40, 2))
    none = [draw(either, photo, style, 0.0) for style in styles]
    full = [draw(either, photo, style) for style in styles]
    np.testing.assert_allclose(none[0], none[1], atol=1e-6)
    assert np.abs(full[0] - full[1]).max() > 1e-3


def test_a_photos_own_style_changes_nothing_at_any_strength(network):
    photo = picture(48, 64)
    np.testing.assert_allclose(
        draw(network, photo, photo), draw(network, photo, photo, 0.0), atol=1e-4
    )


@pytest.mark.parametrize("skips", [(), ("relu1_1", "relu3_1")])
@pytest.mark.parametrize("transfer", feature_transforms.TRANSFERS)
def test_the_parts_together_draw_what_the_network_draws(transfer, skips):
    keras.utils.set_random_seed(0)
    network = adain_net.any_style_net(
        encoder(skips=skips), transfer, skips=skips, rms=RMS
    )
    parts = adain_net.parts_of(network)
    photo, style, alpha = (
        picture(40, 56),
        picture(30, 30, 1),
        np.array([[0.7]], np.float32),
    )
    code = parts.encode_style(style).numpy()
    np.testing.assert_allclose(
        parts.transform([photo, code, alpha]),
        network([photo, style, alpha]),
        rtol=1e-4,
        atol=1e-4,
    )


def test_the_mean_of_adains_codes_paints_between_their_features():
    # Equation 15 of the paper: the features of several styles are averaged.
    keras.utils.set_random_seed(0)
    parts = adain_net.parts_of(adain_net.any_style_net(encoder(), rms=RMS))
    codes = [parts.encode_style(picture(48, 48, seed)).numpy() for seed in (1, 2)]
    maps = encoder()(picture(48, 48))[adain_net.LAYER]
    apart = [feature_transforms.adain(maps, code) for code in codes]
    np.testing.assert_allclose(
        feature_transforms.adain(maps, 0.25 * codes[0] + 0.75 * codes[1]),
        0.25 * apart[0] + 0.75 * apart[1],
        rtol=1e-3,
        atol=1e-2,
    )


def test_a_batch_takes_a_style_each_or_one_for_all(either):
    photos = np.concatenate([picture(32, 32), picture(32, 32, 3)])
    styles = np.concatenate([picture(32, 32, 1), picture(32, 32, 2)])
    each = either([photos, styles, np.ones((2, 1), np.float32)]).numpy()
    for index in range(2):
        alone = draw(either, photos[index : index + 1], styles[index : index + 1])
        np.testing.assert_allclose(each[index], alone[0], rtol=1e-3, atol=1e-3)
    one = either([photos, styles[:1], np.ones((1, 1), np.float32)]).numpy()
    np.testing.assert_allclose(one[0], each[0], rtol=1e-3, atol=1e-3)


def test_an_untrained_decoder_draws_faint_pictures_around_gray():
    decoder = adain_net.mirrored_decoder((32, 64, 128, 256))
    drawn = decoder(
        np.abs(
            np.random.default_rng(0).standard_normal((1, 16, 16, 256)).astype("float32")
        )
    ).numpy()
    assert drawn.shape == (1, 128, 128, 3)
    assert abs(drawn.mean() - 0.5) < 0.4 and 0.01 < drawn.std() < 0.4


def test_what_enters_an_untrained_decoder_reaches_its_last_convolution():
    # Without norms nothing would bring back what its eight ReLUs take away.
    decoder = adain_net.mirrored_decoder((32, 64, 128, 256))
    features = np.abs(
        np.random.default_rng(0).standard_normal((1, 16, 16, 256)).astype("float32")
    )
    last = keras.Model(decoder.input, decoder.get_layer("block1_1_conv").output)(
        features
    )
    assert 0.3 < np.sqrt(np.mean(np.square(last)) / np.mean(np.square(features))) < 3


def test_what_only_skips_carry_reaches_the_picture(with_skips):
    decoder = with_skips.get_layer("decoder")
    rng = np.random.default_rng(0)
    deep, *skipped = [
        rng.random((1, side, side, width), np.float32)
        for side, width in ((6, 256), (12, 128), (24, 64), (48, 32))
    ]
    drawn = decoder([deep, *skipped]).numpy()
    for index in range(3):
        changed = list(skipped)
        changed[index] = changed[index][:, ::-1]
        assert np.abs(decoder([deep, *changed]).numpy() - drawn).max() > 1e-5


def test_the_code_of_skips_is_that_of_every_layer(with_skips):
    style = picture(40, 40, 1)
    maps = encoder(skips=adain_net.SKIPS)(style)
    wanted = np.concatenate(
        [
            feature_transforms.describe_moments(maps[layer])[0]
            for layer in (adain_net.LAYER, *adain_net.SKIPS)
        ]
    )
    np.testing.assert_allclose(
        adain_net.parts_of(with_skips).encode_style(style)[0],
        wanted,
        rtol=1e-3,
        atol=1e-2,
    )


def test_only_the_decoder_learns(network):
    trained = {id(weight) for weight in network.trainable_weights}
    assert (
        trained == {id(weight) for weight in network.get_layer("decoder").weights}
        and trained
    )


def test_the_papers_decoder_has_7_million_parameters_with_its_encoder():
    # vgg_normalized to relu4_1 and the decoder: 3.5 million each (Huang and Belongie's
    # published models).
    decoder = adain_net.mirrored_decoder((64, 128, 256, 512))
    assert decoder.count_params() == 3_505_219


def test_it_is_saved_and_loaded_to_the_same_picture(either, tmp_path):
    either.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    photo, style = picture(37, 50), picture(20, 41, 1)
    np.testing.assert_allclose(
        draw(loaded, photo, style, 0.6), draw(either, photo, style, 0.6), atol=1e-6
    )
    assert adain_net.is_any_style(loaded)


def test_an_encoder_with_reflection_pads_has_no_frame_on_a_flat_picture():
    flat = np.full((1, 64, 64, 3), 0.5, np.float32)
    spread = [
        float(
            np.ptp(
                encoder(padding)(flat)[adain_net.LAYER].numpy()[0], axis=(0, 1)
            ).max()
        )
        for padding in ("reflect", "zeros")
    ]
    assert spread[0] < 1e-3 < 0.1 < spread[1]


def test_inside_both_paddings_of_the_encoder_give_the_same_maps():
    inner = (0, slice(10, 14), slice(10, 14))  # relu4_1 sees 92 pixels: 46 on each side
    photo = picture(192, 192)
    np.testing.assert_allclose(
        encoder("reflect")(photo)[adain_net.LAYER].numpy()[inner],
        encoder("zeros")(photo)[adain_net.LAYER].numpy()[inner],
        rtol=1e-3,
        atol=1e-3,
    )


def test_an_unknown_padding_of_the_encoder_is_refused():
    with pytest.raises(UserError, match="reflect, zeros"):
        encoder("mirror")
