"""What a per-style network is trained for beside style and content."""

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from support.pictures import smooth

from nst_tf.config.train import TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.data.sources import BuiltinSource
from nst_tf.features import extractors
from nst_tf.images import io as image_io
from nst_tf.losses import regularizers, temporal
from nst_tf.models import base_network, transform_net
from nst_tf.training import moved_photos, run as train_run
from nst_tf.training.methods import feedforward
from nst_tf.training.methods.drawing import read_sample


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    smooth(48, 58, 9).save(folder / "style.png")
    (folder / "photos").mkdir()
    for seed in range(3):
        smooth(50, 60, seed).save(folder / "photos" / f"{seed}.png")
    return folder


def settings(inputs, **changes):
    return TrainSettings.of(
        {
            "output": str(inputs / "run"),
            "style_image": str(inputs / "style.png"),
            "style_size": 32,
            "style_layers": ("relu1_1", "relu2_1"),
            "content_layers": ("relu2_1",),
            "crop_size": 32,
            "width": 4,
            "content": str(inputs / "photos"),
            "residual_blocks": 1,
            "batch_size": 2,
            "steps": 30,
            "optimizer": "muon",
            "learning_rate": 0.004,
            "preview_steps": 0,
            "tensorboard": False,
            "export": (),
            "overwrite": True,
            **changes,
        }
    )


def batch(*indices):
    crops = [image_io.to_float(np.asarray(smooth(32, 32, 5)))] * len(indices)
    return {
        "image": tf.constant(np.stack(crops)),
        "index": tf.constant(indices, tf.int64),
    }


# -- coherence -------------------------------------------------------------------------------------


def test_the_temporal_term_is_that_of_the_crops_own_next_frame(inputs):
    task = feedforward.FeedforwardTask(settings(inputs, temporal_weight=2.0))
    task.network = lambda photos, training: 0.5 + 3 * (photos - 0.5)
    crops, index = batch(0, 1)["image"], batch(0, 1)["index"]
    terms = task.terms(batch(0, 1))
    moved = moved_photos.move_photos(crops, index, 1)
    wanted = temporal.temporal_error(
        extractors.open_extractor(settings(inputs), (temporal.LAYER,)),
        crops,
        moved,
        *(0.5 + 3 * (photos - 0.5) for photos in (crops, moved.frame)),
    )
    np.testing.assert_allclose(terms["temporal"], wanted, rtol=1e-4)
    np.testing.assert_allclose(
        terms["loss"], terms["content"] + 10 * terms["style"] + 2 * wanted, rtol=1e-4
    )


def test_without_a_weight_there_is_no_temporal_term(inputs):
    assert "temporal" not in feedforward.FeedforwardTask(settings(inputs)).terms(
        batch(0)
    )


def test_the_earlier_term_names_the_one_that_has_taken_its_place(inputs):
    with pytest.raises(UserError, match="--temporal_weight.*--stability_weight=1.0"):
        settings(inputs, stability_weight=1.0)


# -- mesh ------------------------------------------------------------------------------------------


def test_the_mesh_of_what_is_painted_counts_by_its_weight(inputs):
    plain, meshed = (
        feedforward.FeedforwardTask(settings(inputs, mesh_weight=weight))
        for weight in (0.0, 2.0)
    )
    meshed.network.set_weights(plain.network.get_weights())
    without, terms = (task.terms(batch(0, 1)) for task in (plain, meshed))
    assert "mesh" not in without
    wanted = regularizers.mesh_energy(
        transform_net.draw(meshed.network, batch(0, 1)["image"], training=True)
    )
    np.testing.assert_allclose(terms["mesh"], wanted, rtol=1e-4)
    np.testing.assert_allclose(terms["loss"], without["loss"] + 2 * wanted, rtol=1e-4)


# -- both ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("term, weights", [("mesh", (1e-9, 20.0))])
def test_a_network_trained_against_a_term_has_less_of_it(inputs, term, weights):
    found = []
    for weight in weights:
        run = train_run.train(
            settings(inputs, **{f"{term}_weight": weight}), log=lambda line: None
        )
        found.append(run.recorded["last_terms"][term])
    assert found[1] < 0.7 * found[0]


# -- what crops of each style are ------------------------------------------------------------------


@pytest.mark.parametrize("strength", [False, True])
def test_each_style_and_those_given_back_see_photos_and_leaves_alike(inputs, strength):
    smooth(48, 58, 4).save(inputs / "other.png")
    both = f"{inputs / 'style.png'},{inputs / 'other.png'}"
    one = settings(inputs, style_image=both, strength=strength)
    task, seen, count = feedforward.FeedforwardTask(one), [], 160
    task.network = lambda given, training: seen.append(given[1].numpy()) or given[0]
    task.terms(
        {
            "image": tf.zeros([count, 16, 16, 3]),
            "index": tf.range(count, dtype=tf.int64),
        }
    )
    source, leaves = BuiltinSource("both"), BuiltinSource("leaves")
    kinds = []
    for index in range(count):
        pictures = (each.read(index, b"", 8, one.seed) for each in (source, leaves))
        kinds.append(np.array_equal(*pictures))
    # Of two styles, and of neither.
    done = np.where(seen[0].any(1), seen[0].argmax(1), 2)
    assert set(done) == ({0, 1, 2} if strength else {0, 1})
    table = stats.contingency.crosstab(done, kinds).count
    assert stats.chi2_contingency(table).pvalue > 1e-3
    assert table.min() >= (5 if strength else 25)


# -- base ------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_network_from_the_base_paints_its_style_before_the_first_step(inputs):
    chosen = settings(
        inputs,
        init_from="base",
        style_image="starry_swirls",
        style_size=128,
        style_layers=("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
        content_layers=("relu4_1",),
        width=16,
        edge_size=5,
        residual_blocks=5,
        steps=1,
    )
    task = feedforward.FeedforwardTask(chosen)
    photo = read_sample("cat", 128)[None, :64, :64]
    crops = {"image": tf.constant(photo), "index": tf.constant([0], tf.int64)}
    errors = {}
    for name in ("noise", "base", "photo"):
        if name == "base":
            task.start(None)
        if name == "photo":
            task.network = lambda photos, training: photos
        errors[name] = float(task.terms(crops)["style"][0])
    assert errors["base"] < 0.5 * min(errors["photo"], errors["noise"])
    run = train_run.train(chosen)
    assert run.recorded["base"] == base_network.list_bases()[0].provenance
