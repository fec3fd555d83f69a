"""The problem that `nst_tf.optimize` poses: sizes, targets, colors, masks."""

import numpy as np
import pytest
import scipy.optimize
import tensorflow as tf
from PIL import Image
from support.pictures import smooth

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.registries import STATISTICS
from nst_tf.core.errors import UserError
from nst_tf.features import vgg
from nst_tf.images import io as image_io
from nst_tf.losses import perceptual
from nst_tf.optimization import gatys, lbfgs, memory_estimate

LAYERS = {"style_layers": ("relu1_1", "relu2_1"), "content_layers": ("relu2_1",)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    smooth(48, 64, 0).save(folder / "photo.png")
    smooth(60, 50, 1).save(folder / "style.png")
    smooth(50, 60, 2, low=128).save(folder / "other.png")
    left = np.zeros((48, 64), np.uint8)
    left[:, :32] = 255
    Image.fromarray(left).save(folder / "left.png")
    Image.fromarray(255 - left).save(folder / "right.png")
    Image.fromarray(0 * left).save(folder / "black.png")
    return folder


def task(folder, style="style.png", **changes):
    names = {"content_masks", "style_masks"}
    changes = {
        key: tuple(str(folder / name) for name in value) if key in names else value
        for key, value in changes.items()
    }
    style = tuple(str(folder / name) for name in style.split(",") if name)
    return gatys.Gatys(
        OptimizeSettings(
            **{
                "content": str(folder / "photo.png"),
                "style": style,
                "output": "out.png",
                "image_size": 64,
                **LAYERS,
                **changes,
            }
        )
    )


def evaluate(posed, picture, scale=None):
    scale = scale or posed.scales[-1]
    value, gradient, terms = posed.objective(scale)(
        tf.reshape(tf.constant(picture), [-1])
    )
    return float(value), gradient.numpy(), dict(zip(gatys.TERMS, terms.numpy()))


def noise(height=48, width=64, seed=5):
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


# -- sizes -----------------------------------------------------------------------------------------


def sizes(size, **changes):
    settings = OptimizeSettings(content="a", output="b", **changes)
    return [
        (s.height, s.width, s.iterations) for s in gatys.plan_scales(size, settings)
    ]


def test_scales_double_from_the_smallest_to_the_wanted_size():
    assert sizes((384, 512), iterations=7, coarse_iterations=9) == [
        (96, 128, 9),
        (192, 256, 9),
        (384, 512, 7),
    ]


def test_a_picture_below_the_smallest_size_has_one_scale():
    assert sizes((60, 80)) == [(60, 80, 100)]


def test_the_number_of_scales_can_be_set_with_a_factor_of_the_root_of_2():
    assert [
        width for _, width, _ in sizes((64, 64), scales=3, scale_factor=2**0.5)
    ] == [32, 45, 64]
    assert len(sizes((384, 512), scales=1)) == 1


def test_all_scales_keep_the_aspect():
    for height, width, _ in sizes((333, 1000), smallest=30):
        assert abs(height - width * 0.333) <= 0.5


# -- objective -------------------------------------------------------------------------------------


def test_the_photo_has_no_content_term_and_the_style_no_style_term(folder):
    posed = task(folder)
    photo = image_io.read_image(folder / "photo.png").rgb
    assert evaluate(posed, photo)[2]["content"] < 1e-10
    same = task(folder, content=str(folder / "style.png"), image_size=60)
    picture = image_io.read_image(folder / "style.png").rgb
    assert evaluate(same, picture)[2]["style"] < 1e-9


def test_the_objective_is_the_training_loss_of_the_same_pictures(folder):
    posed, picture = task(folder), noise()
    loss = perceptual.PerceptualLoss(
        posed.extractor,
        perceptual.LossWeights(
            1.0, 10.0, 0.0, {"relu2_1": 1.0}, {"relu1_1": 1.0, "relu2_1": 1.0}
        ),
    )
    style = gatys.resize_picture(image_io.read_image(folder / "style.png").rgb, 64, 53)
    photo = image_io.read_image(folder / "photo.png").rgb
    wanted = loss.terms(picture[None], photo[None], loss.style_target(style[None]))
    value, _, terms = evaluate(posed, picture)
    np.testing.assert_allclose(value, wanted["loss"][0], rtol=1e-5)
    for name in gatys.TERMS:
        np.testing.assert_allclose(terms[name], wanted[name][0], rtol=1e-5)


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_gradient_equals_the_difference_along_it(folder, statistic):
    posed, picture = task(folder, statistic=statistic, tv_weight=1.0), noise()
    _, gradient, _ = evaluate(posed, picture)
    direction = gradient.reshape(picture.shape) / np.linalg.norm(gradient)
    step = 0.02
    above, below = (
        evaluate(posed, picture + sign * step * direction)[0] for sign in (1, -1)
    )
    np.testing.assert_allclose(
        (above - below) / (2 * step), np.linalg.norm(gradient), rtol=0.02
    )


@pytest.mark.slow
def test_on_a_picture_lbfgs_falls_as_far_as_scipys_in_as_many_evaluations(folder):
    posed = task(folder, scales=1)
    compiled = tf.function(posed.objective(posed.scales[-1]))
    first, values = tf.reshape(tf.constant(posed.first_picture()), [-1]), []

    def evaluate(x):
        value, gradient, _ = compiled(tf.constant(x, tf.float32))
        values.append(float(value))
        return values[-1], gradient.numpy().astype(np.float64)

    scipy.optimize.minimize(
        evaluate,
        first.numpy().astype(np.float64),
        jac=True,
        method="L-BFGS-B",
        bounds=[(0.0, 1.0)] * len(first),
        options={"maxiter": 40, "ftol": 0, "gtol": 0},
    )
    optimizer = lbfgs.Lbfgs(bounds=(0.0, 1.0))
    state, step = (
        optimizer.start(compiled, first),
        tf.function(lambda state: optimizer.iterate(compiled, state)),
    )
    for _ in range(40):
        state = step(state)
    allowed = min(values[: int(state["evaluations"])])
    assert values[0] > 5 * allowed > 0
    assert float(state["value"]) <= 1.1 * allowed


def test_without_a_photo_there_is_no_content_term_and_without_a_style_no_style_term(
    folder,
):
    assert (
        evaluate(task(folder, content="", texture_size="64x48"), noise())[2]["content"]
        == 0
    )
    terms = evaluate(task(folder, style=""), noise())[2]
    assert terms["style"] == 0 and terms["content"] > 0


# -- several styles --------------------------------------------------------------------------------


def test_several_styles_add_up_by_their_shares(folder):
    one, other = (
        evaluate(task(folder, style=name), noise())[2]["style"]
        for name in ("style.png", "other.png")
    )
    both = evaluate(
        task(folder, style="style.png,other.png", style_weights=("1", "3")), noise()
    )
    np.testing.assert_allclose(both[2]["style"], 0.25 * one + 0.75 * other, rtol=1e-5)


def test_mixing_gram_targets_has_the_gradient_of_the_sum_of_losses():
    """sum_i w_i |G - A_i|^2 / |A_i|^2 pulls as sum_i v_i |G - sum_i (v_i/v) A_i|^2, v_i
    = w_i/|A_i|^2.
    """
    rng, shares = np.random.default_rng(0), (0.3, 0.7)
    statistic = STATISTICS["gram"]
    targets = [
        statistic.describe(rng.random((1, 6, 6, 4), np.float32), None) for _ in shares
    ]
    features = tf.Variable(rng.random((1, 6, 6, 4), np.float32))
    pulls = [
        share / float(tf.reduce_sum(target[0] ** 2))
        for share, target in zip(shares, targets)
    ]
    mixed = sum(pull * target[0] for pull, target in zip(pulls, targets)) / sum(pulls)
    with tf.GradientTape(persistent=True) as tape:
        gram = statistic.describe(features, None)
        summed = sum(
            share * statistic.error(gram, target)
            for share, target in zip(shares, targets)
        )
        single = sum(pulls) * tf.reduce_sum((gram[0] - mixed) ** 2)
    np.testing.assert_allclose(
        tape.gradient(summed, features),
        tape.gradient(single, features),
        rtol=1e-4,
        atol=1e-7,
    )


@pytest.mark.parametrize("weights", [("1", "x"), ("-1", "2"), ("0", "0"), ("nan", "1")])
def test_shares_that_are_no_shares_are_refused(weights):
    with pytest.raises(UserError, match="style_weights"):
        OptimizeSettings(style=("a", "b"), style_weights=weights, output="c").shares


# -- masks -----------------------------------------------------------------------------------------


def test_a_content_mask_frees_the_other_side_from_the_style(folder):
    posed = task(folder, content_masks=("left.png",), content_weight=0.0)
    _, gradient, _ = evaluate(posed, noise())
    pull = np.abs(gradient.reshape(48, 64, 3)).sum((0, 2))
    assert pull[40:].max() == 0 and pull[:20].min() > 0


def test_a_style_mask_takes_that_part_of_the_style_alone(folder):
    whole = image_io.read_image(folder / "photo.png").rgb
    Image.fromarray(image_io.to_uint8(whole[:, :32])).save(folder / "half.png")
    masked = task(folder, style="photo.png", style_masks=("left.png",))
    cut = task(folder, style="half.png", style_scale=0.75)
    picture = noise()
    # Alike but for what the network sees across the cut.
    np.testing.assert_allclose(
        evaluate(masked, picture)[2]["style"],
        evaluate(cut, picture)[2]["style"],
        rtol=0.1,
    )


def test_two_styles_paint_two_sides(folder):
    picture = noise()
    both = task(
        folder, style="style.png,other.png", content_masks=("left.png", "right.png")
    )
    one = task(folder, content_masks=("left.png",))
    other = task(folder, style="other.png", content_masks=("right.png",))
    np.testing.assert_allclose(
        evaluate(both, picture)[2]["style"],
        0.5 * evaluate(one, picture)[2]["style"]
        + 0.5 * evaluate(other, picture)[2]["style"],
        rtol=1e-5,
    )


def test_masks_of_another_size_and_black_ones_are_refused(folder):
    with pytest.raises(UserError, match="64x48.*60x50"):
        task(folder, content_masks=("other.png",))
    with pytest.raises(UserError, match="black"):
        task(folder, content_masks=("black.png",))


# -- first picture, colors, size ------------------------------------------------------------------


def test_adam_gets_the_settings_step_size_averaging_and_epsilon(folder):
    posed = task(
        folder, optimizer="adam", learning_rate=0.3, averaging=0.5, epsilon=1e-3
    )
    optimizer = posed.open_optimizer(posed.scales[0])
    assert optimizer.learning_rate == 0.3
    assert optimizer.averaging == 0.5
    assert optimizer.epsilon == 1e-3


def test_first_pictures(folder):
    photo = image_io.read_image(folder / "photo.png").rgb
    assert np.array_equal(task(folder).first_picture(), photo)
    first = task(folder, init="noise", seed=3).first_picture()
    assert np.array_equal(
        first, np.random.default_rng(3).random((48, 64, 3), np.float32)
    )
    half = task(folder, init_noise=0.5, seed=3).first_picture()
    np.testing.assert_allclose(half, 0.5 * photo + 0.5 * first, atol=1e-6)
    other = task(folder, init=str(folder / "photo.png")).first_picture()
    assert np.array_equal(other, photo)


def test_noise_in_the_colors_of_the_style_has_their_mean_and_covariance(folder):
    first = (
        task(folder, style="other.png", init="style_colors")
        .first_picture()
        .reshape(-1, 3)
    )
    style = image_io.read_image(folder / "other.png").rgb.reshape(-1, 3)
    np.testing.assert_allclose(first.mean(0), style.mean(0), atol=0.02)
    np.testing.assert_allclose(np.cov(first.T), np.cov(style.T), atol=0.01)


def test_luminance_keeps_hue_and_saturation_of_the_photo(folder):
    posed = task(folder, preserve_color="luminance")
    photo, shown = (
        image_io.read_image(folder / "photo.png").rgb,
        posed.finish_picture(noise()).rgb,
    )
    inside = ((shown > 0.001) & (shown < 0.999)).all(-1)  # where nothing was clipped
    for row in (2, 0):  # B - Y and R - Y
        weights = np.array([-0.299, -0.587, -0.114])
        weights[row] += 1
        np.testing.assert_allclose(
            (shown @ weights)[inside], (photo @ weights)[inside], atol=2e-3
        )


@pytest.mark.parametrize("mode", ["histogram", "coral"])
def test_matching_before_gives_the_style_the_photos_colors(folder, mode):
    picture = image_io.read_image(folder / "photo.png").rgb
    plain, matched = (
        task(folder, style="other.png"),
        task(folder, style="other.png", preserve_color=mode),
    )
    first = {
        name: posed.__class__.first_picture(
            task(folder, style="other.png", preserve_color=name, init="style_colors")
        )
        for name, posed in (("none", plain), (mode, matched))
    }
    wanted = picture.reshape(-1, 3).mean(0)
    assert np.abs(first[mode].reshape(-1, 3).mean(0) - wanted).max() < 0.03
    assert np.abs(first["none"].reshape(-1, 3).mean(0) - wanted).max() > 0.1


@pytest.mark.parametrize("mode", ["histogram", "coral"])
def test_matching_after_gives_the_painting_the_photos_colors(folder, mode):
    posed = task(folder, preserve_color=mode, color_when="after")
    photo = image_io.read_image(folder / "photo.png").rgb
    shown = posed.finish_picture(0.2 * noise())
    np.testing.assert_allclose(shown.rgb.mean((0, 1)), photo.mean((0, 1)), atol=0.03)


def test_alpha_of_the_photo_reaches_the_painting(folder):
    image = smooth(48, 64, 0)
    image.putalpha(128)
    image.save(folder / "alpha.png")
    shown = task(folder, content=str(folder / "alpha.png")).finish_picture(
        noise(24, 32)
    )
    assert shown.size == (48, 64)
    np.testing.assert_allclose(shown.alpha, 128 / 255, atol=1e-6)


def test_a_style_smaller_than_the_deepest_layer_needs_is_refused_with_what_helps(
    folder,
):
    field = vgg.LAYERS["relu4_1"].receptive_field
    with pytest.raises(UserError, match=f"at least {field} pixels.*--style_scale"):
        task(folder, style_layers=("relu1_1", "relu4_1"))


def test_a_picture_smaller_than_one_position_of_the_deepest_layer_is_refused(folder):
    with pytest.raises(UserError, match="at least 16 pixels.*--image_size"):
        task(folder, image_size=10, style="", content_layers=("relu5_1",))


@pytest.mark.parametrize("size", ["64", "0x5", "ax7", "3x4x5"])
def test_a_texture_size_that_is_no_size_is_refused(folder, size):
    with pytest.raises(UserError, match="WIDTHxHEIGHT"):
        task(folder, content="", texture_size=size)


# -- memory ----------------------------------------------------------------------------------------


def test_memory_grows_with_the_area_and_refuses_with_the_size_that_fits(folder):
    extractor = task(folder).extractor
    small, large = (
        memory_estimate.peak_bytes(extractor, side, side, 30) for side in (256, 512)
    )
    np.testing.assert_allclose(
        (large - memory_estimate.BASE) / (small - memory_estimate.BASE), 4
    )
    memory_estimate.check_memory(small, (256, 256), limit=small + 1)
    with pytest.raises(UserError, match="--image_size=256 fits"):
        memory_estimate.check_memory(large, (512, 512), limit=small + 1)
