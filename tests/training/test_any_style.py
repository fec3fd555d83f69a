"""Training a network of any style: its terms, what it begins with, and a whole run."""

import json

import numpy as np
import pytest
import tensorflow as tf
from support.pictures import smooth

from nst_tf.config.train import TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io
from nst_tf.inference import open_model
from nst_tf.losses import perceptual, regularizers
from nst_tf.models import adain_net, feature_transforms
from nst_tf.training import run as train_run
from nst_tf.training.methods import any_style as any_style_method

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for kind in ("photos", "paintings"):
        (folder / kind).mkdir()
        for seed in range(4):
            smooth(50, 60, seed + 10 * (kind == "paintings")).save(
                folder / kind / f"{seed}.png"
            )
    return folder


def settings(inputs, network="style_prediction", **changes):
    shape = {}
    if network == "style_prediction":
        shape = {"width": 4, "residual_blocks": 1}
    return TrainSettings.of(
        {
            "method": "any_style",
            "network": network,
            **shape,
            "output": str(inputs / "run"),
            "style_size": 40,
            "style_layers": ("relu1_1", "relu2_1"),
            "content_layers": ("relu2_1",),
            "crop_size": 32,
            "content": str(inputs / "photos"),
            "paintings": str(inputs / "paintings"),
            "batch_size": 2,
            "steps": 8,
            "preview_steps": 0,
            "tensorboard": False,
            "export": (),
            "overwrite": True,
            **changes,
        }
    )


def batch(*indices):
    crops, paintings = (
        np.stack(
            [
                image_io.to_float(np.asarray(smooth(32, 32, seed + index)))
                for index in indices
            ]
        )
        for seed in (0, 50)
    )
    return {
        "image": tf.constant(crops),
        "style": tf.constant(paintings),
        "index": tf.constant(indices, tf.int64),
    }


def test_the_terms_compare_each_picture_with_its_own_painting_and_photo(inputs):
    task = any_style_method.AnyStyleTask(settings(inputs, identity_weight=0.0))
    terms = task.terms(batch(1, 2))
    for place, index in enumerate((1, 2)):
        one = batch(index)
        loss = task._loss
        drawn = task.network([one["image"], one["style"], tf.ones([1, 1])])
        alone = loss.terms(drawn, one["image"], loss.style_target(one["style"]))
        for name in ("loss", "content", "style"):
            np.testing.assert_allclose(terms[name][place], alone[name][0], rtol=1e-3)


def test_the_mesh_of_painted_pairs_counts_by_its_weight(inputs):
    task = any_style_method.AnyStyleTask(
        settings(inputs, identity_weight=0.0, mesh_weight=2.0)
    )
    terms, pair = task.terms(batch(1, 2)), batch(1, 2)
    wanted = regularizers.mesh_energy(
        task.network([pair["image"], pair["style"], tf.ones([2, 1])])
    )
    np.testing.assert_allclose(terms["mesh"], wanted, rtol=1e-3)
    np.testing.assert_allclose(
        terms["loss"],
        terms["content"] + 10 * terms["style"] + 2 * terms["mesh"],
        rtol=1e-4,
    )


def test_one_pair_in_eight_is_painted_without_strength_and_asked_for_the_photo(inputs):
    task = any_style_method.AnyStyleTask(settings(inputs, identity_weight=3.0))
    values = task.terms(batch(*range(8)))
    drawn = np.asarray(values["identity"])
    (given_back,) = np.flatnonzero(drawn)
    photo = batch(given_back)
    plain = task.network([photo["image"], photo["style"], tf.zeros([1, 1])])
    wanted = float(
        tf.reduce_sum((plain - photo["image"]) ** 2)
        / tf.reduce_sum(photo["image"] ** 2)
    )
    np.testing.assert_allclose(drawn[given_back], 8 * wanted, rtol=1e-4)
    for name in ("style", "content"):
        assert float(values[name][given_back]) == 0
    # Means over a batch are those of the painted pairs, and of the plain one.
    rest = any_style_method.AnyStyleTask(settings(inputs, identity_weight=0.0))
    rest.network.set_weights(task.network.get_weights())
    painted = rest.terms(batch(*(each for each in range(8) if each != given_back)))
    for name in ("content", "style"):
        np.testing.assert_allclose(
            np.mean(values[name]), np.mean(painted[name]), rtol=1e-3
        )
    np.testing.assert_allclose(
        np.mean(values["loss"]), np.mean(painted["loss"]) + 3 / 8 * wanted, rtol=1e-3
    )


def test_the_papers_content_target_is_the_transferred_features(inputs):
    task = any_style_method.AnyStyleTask(
        settings(inputs, identity_weight=0.0, content_target="transferred")
    )
    pair = batch(3)
    drawn = task.network([pair["image"], pair["style"], tf.ones([1, 1])])
    maps = {
        name: task._loss.extractor(each)["relu2_1"].numpy()
        for name, each in (
            ("photo", pair["image"]),
            ("style", pair["style"]),
            ("drawn", drawn),
        )
    }
    mean, std = (
        getattr(maps["photo"], name)((1, 2), keepdims=True) for name in ("mean", "std")
    )
    mean_s, std_s = (
        getattr(maps["style"], name)((1, 2), keepdims=True) for name in ("mean", "std")
    )
    target = (maps["photo"] - mean) / np.maximum(std, 1e-3) * std_s + mean_s
    wanted = np.sum((maps["drawn"] - target) ** 2) / np.sum(target**2)
    np.testing.assert_allclose(task.terms(pair)["content"], [wanted], rtol=2e-2)


def test_no_gradient_flows_through_what_the_painting_asks_for(inputs):
    task = any_style_method.AnyStyleTask(
        settings(inputs, identity_weight=0.0, content_target="transferred")
    )
    pair = batch(3)
    task.network = lambda inputs, training: inputs[
        0
    ]  # nothing of the picture comes from the painting
    with tf.GradientTape() as tape:
        tape.watch(pair["style"])
        loss = task.terms(pair)["loss"]
    assert tape.gradient(loss, pair["style"]) is None or not np.any(
        tape.gradient(loss, pair["style"])
    )


@pytest.mark.parametrize("network", ["style_prediction", "adain"])
def test_a_run_lowers_the_loss_and_leaves_network_sheet_and_record(
    inputs, tmp_path, network
):
    run = train_run.train(
        settings(
            inputs,
            output=str(tmp_path / "run"),
            network=network,
            steps=30,
            preview_steps=20,
            # The paper's network has no norms.
            learning_rate=0.003 if network == "style_prediction" else 0.001,
        )
    )
    losses_seen = [
        json.loads(line)["loss"] for line in run.log.read_text().splitlines()
    ]
    assert np.mean(losses_seen[-5:]) < 0.8 * np.mean(losses_seen[:3])
    assert run.contact_sheet.is_file() and list(run.previews.glob("*.png"))
    assert set(run.recorded) >= {"encoder", "feature_network", "steps"}
    assert adain_net.is_any_style(open_model.open_network(run.path))


def test_a_run_begins_with_the_network_of_another(inputs, tmp_path):
    first = train_run.train(settings(inputs, output=str(tmp_path / "first"), steps=2))
    task = any_style_method.AnyStyleTask(
        settings(inputs, output=str(tmp_path / "second"), init_from=str(first.path))
    )
    task.start(None)
    for weight, known in zip(
        task.network.weights, open_model.open_network(first.path).weights, strict=True
    ):
        np.testing.assert_array_equal(weight, known)


@pytest.mark.parametrize("transfer", feature_transforms.TRANSFERS)
def test_every_transfer_has_a_finite_gradient_for_all_that_learns(inputs, transfer):
    task = any_style_method.AnyStyleTask(
        settings(
            inputs, network="adain", transfer=transfer, content_target="transferred"
        )
    )
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(task.terms(batch(0, 1))["loss"])
    gradients = tape.gradient(loss, task.network.trainable_variables)
    assert all(np.isfinite(each).all() and np.any(each) for each in gradients)


def test_paintings_that_cannot_be_read_stop_the_run_with_their_names(inputs, tmp_path):
    (tmp_path / "paintings").mkdir()
    for number in range(4):
        (tmp_path / "paintings" / f"broken{number}.jpg").write_text("no picture")
    smooth(50, 60, 1).save(tmp_path / "paintings" / "good.png")
    with pytest.raises(UserError, match=r"broken\d.jpg"):
        train_run.train(
            settings(
                inputs,
                output=str(tmp_path / "run"),
                paintings=str(tmp_path / "paintings"),
            )
        )


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"identity_weight": -1.0}, "--identity_weight of at least 0"),
        ({"recolored": 1.5}, "--recolored from 0 to 1"),
        ({"skips": ("relu1_2",), "network": "adain"}, "--skips among relu3_1"),
        ({"skips": ("relu1_1",)}, "--skips with --network=adain"),
        ({"transfer": "gram"}, "--transfer among adain, efdm"),
        ({"paintings": "/nowhere"}, "/nowhere"),
    ],
)
def test_settings_that_cannot_work_are_refused(inputs, tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        train_run.train(settings(inputs, output=str(tmp_path / "run"), **changes))
    assert not (tmp_path / "run").exists()


def test_the_loss_target_of_a_batch_is_that_of_each_painting():
    from nst_tf.features import slim_vgg19

    loss = perceptual.PerceptualLoss(
        slim_vgg19.load_slim_vgg19(("relu1_1", "relu2_1")),
        perceptual.LossWeights(
            content=0.0,
            content_layers={},
            style_layers={"relu1_1": 1.0, "relu2_1": 1.0},
        ),
    )
    paintings = batch(1, 2)["style"]
    together = loss.style_target_of(loss.extractor(paintings))
    for place in range(2):
        alone = loss.style_target(paintings[place : place + 1])
        for layer in alone:
            np.testing.assert_allclose(
                together[layer][0][place], alone[layer][0][0], rtol=1e-3, atol=1e-3
            )
