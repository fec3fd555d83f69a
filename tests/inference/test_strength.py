"""Networks that can paint weakly: what they learn, their exports, and `stylize --strength`."""

import numpy as np
import pytest
import tensorflow as tf
from support import tiny
from support.pictures import smooth

from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.config.registries import EXPORTERS
from nst_tf.core.errors import UserError
from nst_tf.exporters import parity
from nst_tf.images import io as image_io
from nst_tf.inference import run as stylize_run
from nst_tf.losses import regularizers
from nst_tf.models import transform_net
from nst_tf.training import run as train_run
from nst_tf.training.methods import feedforward

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for name, low in (("light", 180), ("dark", 0)):
        pixels = np.asarray(smooth(48, 58, 9, low=low), np.float32) / 255
        image_io.write_image(folder / f"{name}.png", image_io.Image(pixels))
    (folder / "photos").mkdir()
    for seed in range(3):
        smooth(50, 60, seed).save(folder / "photos" / f"{seed}.png")
    return folder


def settings(inputs, output, styles=("light",), **changes):
    wanted = {"steps": 200, "strength": True, **changes}
    return tiny.style_settings(inputs, output, styles, **wanted)


@pytest.fixture(scope="module")
def run(inputs, tmp_path_factory):
    """The run folder of a network of one style that learnt strength."""
    folder = tmp_path_factory.mktemp("strength") / "run"
    train_run.train(settings(inputs, folder, export=("tflite",)), log=lambda line: None)
    return folder


@pytest.fixture(scope="module", params=[1, 2])
def exported(request, tmp_path_factory):
    """A network with strength of one or two styles, and its artifacts."""
    network, folder = (
        tiny.network(styles=request.param, strength=True),
        tmp_path_factory.mktemp("exported"),
    )
    network.save(folder / "network.keras")
    return network, [
        folder,
        *(
            artifact.path
            for name in tiny.FORMATS
            for artifact in EXPORTERS[name]().export(network, folder, "tiny")
        ),
    ]


# -- the network -----------------------------------------------------------------------------------


def test_strength_goes_from_the_norms_of_the_photo_to_those_of_the_style():
    """At the ends it is a plain network with either norm's parameters."""
    network, plain = tiny.network(strength=True), tiny.network()
    photo = tiny.photo(33, 50)[None].astype(np.float32) / 255
    for row, strength in enumerate((0.0, 1.0)):
        for layer in plain.layers:
            found = network.get_layer(layer.name).get_weights()
            layer.set_weights(
                [values[row] if values.ndim == 2 else values for values in found]
            )
        np.testing.assert_allclose(
            network([photo, np.array([[strength]])]), plain(photo), atol=1e-5
        )


def test_strengths_are_named_so():
    assert (
        transform_net.blend_name(tiny.network(strength=True)) == transform_net.STRENGTHS
    )
    assert (
        transform_net.blend_name(tiny.network(styles=2)) == transform_net.STYLE_WEIGHTS
    )
    assert transform_net.blend_name(tiny.network()) is None


# -- training --------------------------------------------------------------------------------------


def test_one_crop_in_eight_is_compared_with_itself_and_the_others_with_their_style(
    inputs, tmp_path
):
    task = feedforward.FeedforwardTask(settings(inputs, tmp_path, ("light", "dark")))
    seen = []

    def draw(given, training):
        seen.append(given[1].numpy())
        return 0.5 * given[0]

    task.network = draw
    crops = np.random.default_rng(0).random((32, 32, 32, 3)).astype(np.float32)
    terms = task.terms(
        {"image": tf.constant(crops), "index": tf.range(8, 40, dtype=tf.int64)}
    )
    back = seen[0].sum(1) == 0
    np.testing.assert_array_equal(back.reshape(4, 8).sum(1), 1)
    np.testing.assert_array_equal(seen[0][~back].sum(1), 1)
    assert 12 <= seen[0][~back].argmax(1).sum() <= 16
    np.testing.assert_allclose(
        terms["identity"], np.where(back, 8 * 0.25, 0), rtol=1e-5
    )
    np.testing.assert_array_equal(np.asarray(terms["style"]) == 0, back)
    np.testing.assert_allclose(
        np.asarray(terms["loss"])[back], 10 / 8 * 8 * 0.25, rtol=1e-5
    )


def test_means_over_eight_crops_are_those_of_the_painted_and_of_the_one_given_back():
    photos = tf.random.stateless_uniform([8, 4, 4, 3], [1, 2])
    content = np.arange(1.0, 9.0, dtype=np.float32)
    terms = regularizers.add_identity(
        {"content": tf.constant(content), "loss": tf.constant(content)},
        0.9 * photos,
        photos,
        tf.one_hot(0, 8),
        3.0,
    )
    assert np.mean(terms["content"]) == pytest.approx(content[1:].mean(), rel=1e-5)
    assert np.mean(terms["identity"]) == pytest.approx(0.01, rel=1e-4)
    assert np.mean(terms["loss"]) == pytest.approx(
        content[1:].mean() + 3 / 8 * 0.01, rel=1e-5
    )


def test_a_trained_network_gives_the_photo_back_and_paints_more_with_more_strength(
    run, inputs
):
    photo = image_io.read_image(inputs / "photos" / "0.png").rgb
    none, half, full = (
        tiny.open_painter(run, strength=strength)(photo) for strength in (0.0, 0.5, 1.0)
    )
    assert (
        parity.psnr(none, photo)
        > parity.psnr(half, photo) + 1
        > parity.psnr(full, photo) + 2
    )
    assert photo.mean() < half.mean() < full.mean()  # the style is light


def test_a_style_added_later_keeps_the_photo_and_the_first_style(run, inputs, tmp_path):
    train_run.train(
        settings(
            inputs, tmp_path / "two", ("light", "dark"), steps=8, init_from=str(run)
        ),
        log=lambda line: None,
    )
    photo = image_io.read_image(inputs / "photos" / "1.png").rgb
    for strength in (0.0, 1.0):
        np.testing.assert_allclose(
            tiny.open_painter(run, strength=strength)(photo),
            tiny.open_painter(tmp_path / "two", (1, 0), strength)(photo),
            atol=1e-6,
        )


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"method": "any_style"}, "with --method=feedforward"),
        ({"identity_weight": 0.0}, "--identity_weight above 0"),
    ],
)
def test_strength_that_would_not_be_learnt_is_refused(
    inputs, tmp_path, changes, message
):
    with pytest.raises(UserError, match=message):
        settings(inputs, tmp_path, **changes)


# -- artifacts and stylize -------------------------------------------------------------------------


def test_every_kind_of_a_network_with_strength_draws_as_the_network(exported):
    network, paths = exported
    photo = image_io.to_float(tiny.photo(45, 61))
    blend = np.full(
        transform_net.styles_of(network), 1 / transform_net.styles_of(network)
    )
    for strength in (0.0, 0.3, 1.0):
        wanted = tiny.draw(network, photo, strength * blend)
        for path in paths:
            drawn = tiny.open_painter(path, blend if len(blend) > 1 else (), strength)(
                photo
            )
            least = {"tiny_float16.tflite": 50, "tiny_int8.tflite": 30}.get(
                path.name, 80
            )
            assert parity.psnr(drawn, wanted) > least, (path.name, strength)


@pytest.mark.parametrize("name", ["tiny.tflite", "1"])
def test_a_model_that_learnt_no_strength_refuses_one(name):
    with pytest.raises(UserError, match="--strength=1 for .* which learned no other"):
        tiny.open_painter(tiny.artifact(name), strength=0.5)


@pytest.mark.parametrize("strength", [-0.1, 1.1, np.nan])
def test_a_strength_that_is_none_is_refused(strength):
    with pytest.raises(UserError, match="--strength from 0 to 1"):
        tiny.open_painter(tiny.artifact("1"), strength=strength)


def test_stylize_paints_as_strongly_as_asked(run, inputs, tmp_path):
    drawn = []
    for strength in (0.2, 0.9):
        assert (
            stylize_run.stylize(
                StylizeSettings(
                    model=str(run / "tflite" / "run.tflite"),
                    content=str(inputs / "photos" / "0.png"),
                    output=str(tmp_path / f"{strength}.png"),
                    strength=strength,
                )
            ).status
            == 0
        )
        drawn.append(image_io.read_image(tmp_path / f"{strength}.png").rgb)
        wanted = tiny.open_painter(run, strength=strength)(
            image_io.read_image(inputs / "photos" / "0.png").rgb
        )
        assert np.abs(drawn[-1] - wanted).max() < 1.5 / 255
    assert np.abs(drawn[0] - drawn[1]).max() > 0.02
