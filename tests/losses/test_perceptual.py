"""The perceptual loss around a tiny made-up feature network, against a NumPy loop."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from nst_tf.core.errors import UserError
from nst_tf.features.extractors import FeatureExtractor
from nst_tf.features.geometry import Geometry
from nst_tf.losses import perceptual


def noise(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.fixture(scope="module")
def extractor():
    keras.utils.set_random_seed(3)
    inputs = keras.Input((None, None, 3))
    fine = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    coarse = keras.layers.Conv2D(6, 3, strides=2, activation="relu")(fine)
    model = keras.Model(inputs, {"fine": fine, "coarse": coarse})
    return FeatureExtractor("fake", model, {}, Geometry())


WEIGHTS = perceptual.LossWeights(
    content=2.0,
    style=3.0,
    total_variation=5.0,
    content_layers={"coarse": 1.0},
    style_layers={"fine": 1.0, "coarse": 3.0},
)


@pytest.fixture(scope="module")
def loss(extractor):
    return perceptual.PerceptualLoss(extractor, WEIGHTS)


def by_loops(extractor, picture, photo, style):
    """The terms of one picture, in float64, written out."""
    drawn, seen, liked = (
        {
            name: np.asarray(maps[0], np.float64)
            for name, maps in extractor(image[None]).items()
        }
        for image in (picture, photo, style)
    )

    def gram(maps):
        total = np.zeros((maps.shape[-1],) * 2)
        for row in maps:
            for position in row:
                total += np.outer(position, position)
        return total / (maps.shape[0] * maps.shape[1])

    def error(value, target):
        return ((value - target) ** 2).sum() / (target**2).sum()

    content = error(drawn["coarse"], seen["coarse"])
    style = (
        1 * error(gram(drawn["fine"]), gram(liked["fine"]))
        + 3 * error(gram(drawn["coarse"]), gram(liked["coarse"]))
    ) / 4
    rows, columns = np.diff(picture, axis=0) ** 2, np.diff(picture, axis=1) ** 2
    variation = rows.mean() + columns.mean()
    return {
        "content": content,
        "style": style,
        "total_variation": variation,
        "loss": 2 * content + 3 * style + 5 * variation,
    }


# -- terms -----------------------------------------------------------------------------------------


def test_terms_equal_a_loop_in_numpy(extractor, loss):
    pictures, photos = noise(2, 11, 13, 3), noise(2, 11, 13, 3, seed=1)
    style = noise(9, 15, 3, seed=2)
    terms = loss.terms(pictures, photos, loss.style_target(style[None]))
    for index in range(2):
        for name, wanted in by_loops(
            extractor, pictures[index], photos[index], style
        ).items():
            np.testing.assert_allclose(
                terms[name][index], wanted, rtol=1e-4, err_msg=name
            )
    assert all(
        value.shape == (2,) and value.dtype == tf.float32 for value in terms.values()
    )


def test_the_photo_itself_scores_no_content(loss):
    photo = noise(1, 12, 12, 3)
    terms = loss.terms(photo, photo, loss.style_target(noise(1, 12, 12, 3, seed=1)))
    assert float(terms["content"][0]) == 0 and float(terms["style"][0]) > 0


def test_the_style_image_itself_scores_no_style(loss):
    style = noise(1, 12, 14, 3)
    terms = loss.terms(style, noise(1, 12, 14, 3, seed=1), loss.style_target(style))
    assert float(terms["style"][0]) < 1e-10 and float(terms["content"][0]) > 0


def test_style_does_not_see_where_things_are():
    """With 1x1 features, the Gram matrix of a shuffled picture is that of the picture."""
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, {"fine": keras.layers.Conv2D(4, 1)(inputs)})
    loss = perceptual.PerceptualLoss(
        FeatureExtractor("fake", model, {}, Geometry()),
        perceptual.LossWeights(
            content_layers={"fine": 1.0}, style_layers={"fine": 1.0}
        ),
    )
    style = noise(1, 8, 8, 3)
    shuffled = (
        np.random.default_rng(5).permutation(style.reshape(64, 3)).reshape(1, 8, 8, 3)
    )
    terms = loss.terms(shuffled, style, loss.style_target(style))
    assert float(terms["style"][0]) < 1e-9 and float(terms["content"][0]) > 0.01


def test_terms_of_a_picture_do_not_depend_on_the_rest_of_its_batch(loss):
    pictures, photos = noise(3, 10, 10, 3), noise(3, 10, 10, 3, seed=1)
    pictures[0] *= 100
    target = loss.style_target(noise(1, 10, 10, 3, seed=2))
    together = loss.terms(pictures, photos, target)
    for index in range(3):
        one = slice(index, index + 1)
        alone = loss.terms(pictures[one], photos[one], target)
        for name in alone:
            np.testing.assert_allclose(
                together[name][index], alone[name][0], rtol=1e-4, err_msg=name
            )


def test_terms_of_a_texture_do_not_depend_on_how_much_of_it_is_seen(loss):
    texture, photo = (
        np.tile(noise(1, 8, 8, 3, seed=seed), (1, 16, 16, 1)) for seed in (0, 1)
    )
    target = loss.style_target(0.5 * noise(1, 64, 64, 3, seed=2))
    large = loss.terms(texture, photo, target)
    small = loss.terms(texture[:, :42, :42], photo[:, :42, :42], target)
    # Sums instead of means would differ 9-fold (content, variation) and 81-fold
    # (style).
    for name in large:
        np.testing.assert_allclose(small[name], large[name], rtol=0.1, err_msg=name)


# -- gradients -------------------------------------------------------------------------------------


@pytest.mark.parametrize("term", ["content", "style", "total_variation", "loss"])
def test_a_finite_gradient_of_each_term_reaches_every_picture(loss, term):
    pictures, photos = tf.Variable(noise(2, 10, 10, 3)), noise(2, 10, 10, 3, seed=1)
    target = loss.style_target(noise(1, 10, 10, 3, seed=2))
    with tf.GradientTape() as tape:
        value = loss.terms(pictures, photos, target)[term]
    gradient = tape.gradient(value, pictures).numpy()
    assert np.isfinite(gradient).all()
    assert (np.abs(gradient).max(axis=(1, 2, 3)) > 0).all()


def test_a_step_against_the_gradient_lowers_the_loss(loss):
    pictures, photos = tf.Variable(noise(1, 12, 12, 3)), noise(1, 12, 12, 3, seed=1)
    target = loss.style_target(noise(1, 12, 12, 3, seed=2))
    with tf.GradientTape() as tape:
        before = loss.terms(pictures, photos, target)["loss"]
    gradient = tape.gradient(before, pictures)
    pictures.assign_sub(0.01 * gradient / tf.norm(gradient))
    assert float(loss.terms(pictures, photos, target)["loss"][0]) < float(before[0])


def test_the_photo_gets_no_gradient(loss):
    pictures, photos = noise(1, 10, 10, 3), tf.Variable(noise(1, 10, 10, 3, seed=1))
    with tf.GradientTape() as tape:
        value = loss.terms(pictures, photos, loss.style_target(pictures))["loss"]
    assert tape.gradient(value, photos) is None


def test_black_pictures_and_black_styles_stay_finite(loss):
    black = np.zeros((1, 10, 10, 3), np.float32)
    pictures = tf.Variable(black)
    with tf.GradientTape() as tape:
        terms = loss.terms(pictures, black, loss.style_target(black))
    assert all(np.isfinite(value).all() for value in terms.values())
    assert np.isfinite(tape.gradient(terms["loss"], pictures)).all()


# -- weights ---------------------------------------------------------------------------------------


def test_the_loss_is_linear_in_the_weights_of_its_terms(extractor, loss):
    pictures, photos, style = (noise(1, 10, 10, 3, seed=seed) for seed in range(3))
    terms = loss.terms(pictures, photos, loss.style_target(style))
    for content, style_weight, variation in (
        (1, 0, 0),
        (0, 7, 0),
        (0, 0, 9),
        (0.5, 2, 4),
    ):
        weights = perceptual.LossWeights(
            content,
            style_weight,
            variation,
            WEIGHTS.content_layers,
            WEIGHTS.style_layers,
        )
        other = perceptual.PerceptualLoss(extractor, weights)
        total = other.terms(pictures, photos, other.style_target(style))["loss"]
        wanted = (
            content * terms["content"]
            + style_weight * terms["style"]
            + variation * terms["total_variation"]
        )
        np.testing.assert_allclose(total, wanted, rtol=1e-5)


def test_only_ratios_of_layer_weights_count(extractor):
    pictures, photos, style = (noise(1, 10, 10, 3, seed=seed) for seed in range(3))
    values = []
    for scale in (1, 10):
        weights = perceptual.LossWeights(
            content_layers={"fine": 2 * scale, "coarse": scale},
            style_layers={"fine": scale, "coarse": 3 * scale},
        )
        loss = perceptual.PerceptualLoss(extractor, weights)
        values.append(loss.terms(pictures, photos, loss.style_target(style)))
    for name in values[0]:
        np.testing.assert_allclose(
            values[0][name], values[1][name], rtol=1e-5, err_msg=name
        )


def test_a_layer_of_weight_zero_does_not_count(extractor):
    pictures, photos, style = (noise(1, 10, 10, 3, seed=seed) for seed in range(3))
    values = []
    for layers in ({"fine": 1.0, "coarse": 0.0}, {"fine": 1.0}):
        loss = perceptual.PerceptualLoss(
            extractor,
            perceptual.LossWeights(content_layers={"coarse": 1.0}, style_layers=layers),
        )
        values.append(loss.terms(pictures, photos, loss.style_target(style))["style"])
    np.testing.assert_allclose(*values, rtol=1e-6)


@pytest.mark.parametrize("bad", [-1.0, -1e-9, math.nan, math.inf])
@pytest.mark.parametrize("name", ["content", "style", "total_variation"])
def test_negative_and_not_finite_term_weights_are_refused(name, bad):
    with pytest.raises(UserError, match=name.replace("_", " ")):
        perceptual.LossWeights(**{name: bad})


@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["content_layers", "style_layers"])
def test_negative_and_not_finite_layer_weights_are_refused(name, bad):
    # The same layer has a good weight in the other term, which must not hide the bad
    # one.
    both = {"content_layers": {"relu4_1": 1.0}, "style_layers": {"relu4_1": 1.0}}
    both[name] = {"relu4_1": bad, "relu4_2": 5.0}
    with pytest.raises(UserError, match="relu4_1"):
        perceptual.LossWeights(**both)


@pytest.mark.parametrize("layers", [{}, {"relu1_1": 0.0}])
@pytest.mark.parametrize("name", ["content", "style"])
def test_a_term_without_a_layer_that_counts_is_refused(name, layers):
    with pytest.raises(UserError, match=f"--{name}_weight"):
        perceptual.LossWeights(**{f"{name}_layers": layers})


@pytest.mark.parametrize("name", ["content", "style"])
def test_a_term_that_is_switched_off_needs_no_layer(name, extractor):
    layers = {"content_layers": {"coarse": 1.0}, "style_layers": {"fine": 1.0}}
    weights = perceptual.LossWeights(**(layers | {name: 0.0, f"{name}_layers": {}}))
    loss = perceptual.PerceptualLoss(extractor, weights)
    pictures, photos, style = (noise(2, 16, 16, 3, seed=seed) for seed in range(3))
    terms = loss.terms(pictures, photos, loss.style_target(style[:1]))
    assert terms[name].shape == (2,) and not terms[name].numpy().any()
    other = "style" if name == "content" else "content"
    np.testing.assert_allclose(
        terms["loss"], getattr(weights, other) * terms[other], rtol=1e-6
    )


def test_layers_are_named_once_even_if_both_terms_use_them():
    weights = perceptual.LossWeights(
        content_layers={"relu4_1": 1.0}, style_layers={"relu1_1": 1.0, "relu4_1": 1.0}
    )
    assert sorted(weights.layers) == ["relu1_1", "relu4_1"]
