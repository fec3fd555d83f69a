"""One network of several styles: what it learns, adding a style later, and painting with it."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from support import tiny
from support.pictures import smooth

from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.core.errors import UserError
from nst_tf.data.draws import Purpose, draw_turns
from nst_tf.images import io as image_io
from nst_tf.inference import run as stylize_run
from nst_tf.training import run as train_run
from nst_tf.training.first_weights import restore_checkpoint
from nst_tf.training.methods import feedforward

pytestmark = pytest.mark.slow

STYLES = ("dark", "light", "red")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for name, scale in zip(STYLES, ([0.5] * 3, [1.0] * 3, [1.0, 0.3, 0.3])):
        pixels = np.asarray(smooth(48, 58, 0, low=100), np.float32) * scale
        image_io.write_image(
            folder / f"{name}.png", image_io.Image((pixels / 255).astype(np.float32))
        )
    (folder / "photos").mkdir()
    for seed in range(3):
        smooth(50, 60, seed).save(folder / "photos" / f"{seed}.png")
    return folder


def settings(inputs, output, styles=STYLES[:2], **changes):
    return tiny.style_settings(inputs, output, styles, **{"steps": 20, **changes})


@pytest.fixture(scope="module")
def two(inputs, tmp_path_factory):
    """The run folder of a network of a dark and a light style."""
    folder = tmp_path_factory.mktemp("two") / "run"
    train_run.train(
        settings(inputs, folder, steps=150, export=("tflite",), preview_steps=150)
    )
    return folder


@pytest.fixture(scope="module")
def three(two, inputs, tmp_path_factory):
    """The same with a red style added."""
    folder = tmp_path_factory.mktemp("three") / "run"
    train_run.train(settings(inputs, folder, STYLES, steps=150, init_from=str(two)))
    return folder


def weights(folder):
    network = keras.saving.load_model(folder / "network.keras", compile=False)
    return {weight.path: weight.numpy() for weight in network.weights}


def painted(inputs, folder, blend):
    photo = image_io.read_image(inputs / "photos" / "0.png").rgb
    return tiny.open_painter(folder, blend)(photo)


def redness(picture):
    red, green, blue = picture.mean((0, 1))
    return red - (green + blue) / 2


# -- training --------------------------------------------------------------------------------------


def test_record_previews_and_sheet_have_all_styles(two):
    record = json.loads((two / "run.json").read_text())
    assert len(set(record["style_sha256"])) == 2
    preview = image_io.read_image(two / "previews" / "step_000150.png")
    sheet = image_io.read_image(two / "contact_sheet.png")
    assert (
        preview.size[0] > 2 * 200 and sheet.size[0] > 3 * 200
    )  # a row each, and the photos'


def test_crops_are_compared_with_their_own_style_in_turn(inputs, tmp_path):
    several = feedforward.FeedforwardTask(settings(inputs, tmp_path))
    alone = [
        feedforward.FeedforwardTask(settings(inputs, tmp_path, (name,)))
        for name in STYLES[:2]
    ]
    rng = np.random.default_rng(0)
    batch = {
        "image": tf.constant(rng.random((4, 32, 32, 3), np.float32)),
        "index": tf.range(3, 7, dtype=tf.int64),
    }
    for task in alone:
        for layer in task.network.layers:
            found = several.network.get_layer(layer.name).get_weights()
            layer.set_weights(
                [values[0] if values.ndim == 2 else values for values in found]
            )
    terms = several.terms(batch)
    drawn = draw_turns(1, batch["index"], Purpose.STYLE, 2).numpy()
    assert set(drawn) == {0, 1}
    for position, style in enumerate(drawn):
        own = alone[style].terms(batch)
        for name in terms:
            assert float(terms[name][position]) == pytest.approx(
                float(own[name][position]), rel=1e-4
            )


# -- adding a style --------------------------------------------------------------------------------


def test_an_added_style_changes_nothing_of_those_before_it(two, three, inputs):
    for blend in ((1, 0), (0, 1)):
        np.testing.assert_array_equal(
            painted(inputs, two, blend), painted(inputs, three, (*blend, 0))
        )
    before, after = weights(two), weights(three)
    for path, values in before.items():
        kept = after[path][:2] if values.ndim == 2 else after[path]
        np.testing.assert_array_equal(values, kept, err_msg=path)


def test_an_added_style_is_learnt_and_a_blend_is_in_between(three, inputs):
    dark, half, red = (
        redness(painted(inputs, three, blend))
        for blend in ((1, 0, 0), (0.5, 0, 0.5), (0, 0, 1))
    )
    assert red > dark + 0.1 and dark < half < red


def test_a_style_can_be_added_to_a_network_of_one(inputs, tmp_path):
    train_run.train(settings(inputs, tmp_path / "one", STYLES[:1], steps=4))
    train_run.train(
        settings(inputs, tmp_path / "two", steps=4, init_from=str(tmp_path / "one"))
    )
    np.testing.assert_allclose(
        painted(inputs, tmp_path / "one", ()),
        painted(inputs, tmp_path / "two", (1, 0)),
        atol=1e-6,
    )


def test_with_ema_an_added_style_leaves_those_before_it_bit_for_bit(inputs, tmp_path):
    changes = {"ema": 0.93, "steps": 6}
    first = train_run.train(settings(inputs, tmp_path / "two", **changes))
    train_run.train(
        settings(
            inputs, tmp_path / "three", STYLES, init_from=str(first.path), **changes
        )
    )
    before, after = weights(first.path), weights(tmp_path / "three")
    learnt = 0
    for path, values in before.items():
        kept = after[path][:2] if values.ndim == 2 else after[path]
        np.testing.assert_array_equal(values, kept, err_msg=path)
        learnt += values.ndim == 2 and not np.allclose(after[path][2], values.mean(0))
    assert learnt
    # The checkpoints of the first run have other weights than those that it published.
    raw = keras.saving.load_model(first.network, compile=False)
    assert restore_checkpoint(raw, first) == 6
    assert not all(map(np.array_equal, raw.get_weights(), before.values()))


def test_as_many_styles_as_before_go_on_learning_together(two, inputs, tmp_path):
    task = feedforward.FeedforwardTask(settings(inputs, tmp_path, init_from=str(two)))
    task.start(None)
    found = {weight.path: weight.numpy() for weight in task.network.weights}
    assert all(
        np.array_equal(found[path], values) for path, values in weights(two).items()
    )
    assert len(task.network.trainable_variables) == len(found)


def test_other_styles_than_the_known_ones_are_refused(two, inputs, tmp_path):
    with pytest.raises(UserError, match="the 2 styles of --init_from"):
        feedforward.FeedforwardTask(
            settings(inputs, tmp_path, ("red", "dark", "light"), init_from=str(two))
        )


def test_a_run_that_is_not_there_cannot_be_begun_with(inputs, tmp_path):
    with pytest.raises(UserError, match="--init_from with the folder of a run"):
        feedforward.FeedforwardTask(
            settings(inputs, tmp_path, init_from=str(tmp_path / "nowhere"))
        )


# -- settings and painting -------------------------------------------------------------------------


def test_hashes_belong_to_styles_one_by_one(inputs, tmp_path):
    with pytest.raises(UserError, match="as many --style_sha256 as --style_image, 2"):
        settings(inputs, tmp_path, style_sha256="0" * 64)
    with pytest.raises(UserError, match="with SHA-256 1111"):
        both = f"{'1' * 64},{'0' * 64}"
        feedforward.FeedforwardTask(settings(inputs, tmp_path, style_sha256=both))


@pytest.mark.parametrize("blend", [("0", "1"), ("1", "0")])
def test_stylize_paints_in_the_style_that_is_asked_for(two, inputs, tmp_path, blend):
    asked = StylizeSettings(
        model=str(two / "tflite" / "run.tflite"),
        content=str(inputs / "photos" / "0.png"),
        output=str(tmp_path / "out.png"),
        style_weights=blend,
    )
    assert stylize_run.stylize(asked).status == 0
    drawn = image_io.read_image(tmp_path / "out.png").rgb
    errors = [
        np.abs(drawn - painted(inputs, two, each)).max() for each in ((0, 1), (1, 0))
    ]
    assert errors[blend.index("1") == 0] < 1 / 255 < errors[blend.index("1")]


def test_style_weights_must_be_numbers(tmp_path):
    with pytest.raises(UserError, match="numbers as --style_weights"):
        StylizeSettings(model="a", content="b", output="c", style_weights=("first",))
