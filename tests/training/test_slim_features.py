"""Distilling a feature network, with a teacher so small that it fits into seconds."""

import functools
import json
import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.watched_runs import strike_at

from nst_tf.config.train import TrainSettings
from nst_tf.core import files
from nst_tf.core.errors import UserError
from nst_tf.data import pipeline as data_pipeline, sample_photos, sources
from nst_tf.features import extractors, slim_vgg19, vgg, vgg19
from nst_tf.training import run as train_run
from nst_tf.training.distillation import adversaries, student
from nst_tf.training.distribution import open_distribution
from nst_tf.training.loop import Fit
from nst_tf.training.methods import slim_features
from nst_tf.training.schedule import FitConfig

TEACHER = (6, 8, 8, 10, 10)
STUDENT = ("3", "4", "4", "5", "5")


@pytest.fixture(autouse=True)
def teacher(monkeypatch):
    """Stands in for VGG19: the same topology, few channels, fixed random weights."""
    keras.utils.set_random_seed(5)
    model = vgg.build_topology(TEACHER, vgg.SLIM_LAYERS)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = layer.kernel
            # He's scale keeps the signal alive through 13 layers.
            layer.kernel.assign(
                tf.random.stateless_normal(
                    kernel.shape,
                    [1, len(layer.name) + kernel.shape[-1]],
                    stddev=(2 / np.prod(kernel.shape[:3])) ** 0.5,
                )
            )
    model.trainable = False
    extractor = extractors.FeatureExtractor(
        "vgg19", model, {"weights": "fake", "sha256": "0" * 64}, vgg.LAYERS
    )
    monkeypatch.setattr(vgg, "VGG19_WIDTHS", TEACHER)
    monkeypatch.setattr(vgg19, "load_vgg19", lambda *args, **kwargs: extractor)
    return extractor


@pytest.fixture(autouse=True)
def small_attacks(monkeypatch):
    monkeypatch.setattr(adversaries, "PIXEL_SLOTS", 6)
    monkeypatch.setattr(adversaries, "NETWORK_WIDTH", 2)
    monkeypatch.setattr(adversaries, "NETWORK_BLOCKS", 1)
    monkeypatch.setattr(slim_features, "START_PICTURES", 12)


def settings(output="unused", **changes):
    return TrainSettings.of(
        {
            "method": "slim_features",
            "output": str(output),
            "slim_widths": STUDENT,
            "batch_size": 6,
            "crop_size": 32,
            "content": "builtin:photos",
            "steps": 4,
            "learning_rate": 1e-3,
            "tensorboard": False,
            **changes,
        }
    )


def open_batches(shard, start):
    source = sources.open_source("builtin:photos")
    return data_pipeline.crops(
        source, data_pipeline.CropConfig(32, 40, 1), shard, start
    )


@functools.cache
def photographs(count=6):
    return next(iter(open_batches(data_pipeline.Shard(count), 0)))["image"]


def energy_left(gram, kept):
    """Energy of all channels that no linear map of the kept ones explains, as a share."""
    inside = gram[np.ix_(kept, kept)]
    across = gram[kept]
    explained = across.T @ np.linalg.pinv(inside) @ across
    return np.trace(gram - explained) / np.trace(gram)


def test_chosen_channels_explain_more_energy_than_random_ones():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(24, 24)) * np.geomspace(1, 0.01, 24)[:, None]
    samples = rng.normal(size=(500, 24)) @ mixing
    gram = samples.T @ samples
    greedy = energy_left(gram, student.choose_channels(gram, 6))
    random = [energy_left(gram, rng.choice(24, 6, replace=False)) for _ in range(200)]
    assert greedy < np.quantile(random, 0.05)


def test_chosen_channels_explain_everything_of_a_gram_matrix_of_low_rank():
    rng = np.random.default_rng(1)
    samples = rng.normal(size=(200, 5)) @ rng.normal(size=(5, 16))
    gram = samples.T @ samples
    assert energy_left(gram, student.choose_channels(gram, 5)) < 1e-9
    assert energy_left(gram, student.choose_channels(gram, 4)) > 1e-4


@pytest.mark.parametrize("rank", [0, 3, 8])
def test_chosen_channels_are_distinct_and_ascending_even_beyond_the_rank(rank):
    samples = np.random.default_rng(2).normal(size=(50, 8))
    samples[:, rank:] = 0
    kept = student.choose_channels(samples.T @ samples, 6)
    assert len(set(kept)) == 6 and list(kept) == sorted(kept)
    assert set(range(min(rank, 6))) <= set(kept) or rank > 6


def test_least_squares_without_ridge_is_lstsq_and_ridge_shrinks_it():
    rng = np.random.default_rng(3)
    inputs, outputs = rng.normal(size=(60, 7)), rng.normal(size=(60, 4))
    wanted = np.linalg.lstsq(inputs, outputs, rcond=None)[0]
    np.testing.assert_allclose(
        student.solve_least_squares(inputs, outputs, 0.0), wanted, atol=1e-6
    )
    np.testing.assert_allclose(
        student.solve_least_squares(inputs, outputs), wanted, atol=1e-3
    )
    shrunk = student.solve_least_squares(inputs, outputs, 1.0)
    assert np.linalg.norm(shrunk) < np.linalg.norm(wanted)


def test_least_squares_survives_inputs_that_are_copies_of_each_other():
    inputs = np.repeat(np.random.default_rng(4).normal(size=(40, 3)), 2, 1)
    outputs = inputs[:, :1] * 3
    solution = student.solve_least_squares(inputs, outputs)
    np.testing.assert_allclose(inputs @ solution, outputs, atol=1e-2)


def feature_error(network, teacher, pictures):
    embedded, wide = network(pictures)["embedded"], teacher(pictures)
    return {
        layer: float(
            np.linalg.norm(embedded[layer] - wide[layer]) / np.linalg.norm(wide[layer])
        )
        ** 2
        for layer in student.COMPARED
    }


def test_refit_explains_the_teacher_better_than_random_weights_at_every_layer(teacher):
    network = student.build_student([int(width) for width in STUDENT])
    before = feature_error(network, teacher, photographs())
    student.refit(network, teacher, photographs())
    after = feature_error(network, teacher, photographs())
    assert all(after[layer] < 0.6 * before[layer] for layer in after), (before, after)


def test_refit_of_a_student_as_wide_as_its_teacher_copies_it(teacher):
    network = student.build_student(TEACHER)
    student.refit(network, teacher, photographs())
    after = feature_error(network, teacher, photographs())
    assert max(after.values()) < 0.02, after


def packed_student(teacher):
    """A refitted student, and what is shipped of it; the pairs are photos, changed ones, styles."""
    widths = [int(width) for width in STUDENT]
    network = student.build_student(widths)
    student.refit(network, teacher, photographs())
    pictures = photographs()
    changed = adversaries.disturb(pictures[:3], tf.constant([1, 2]))
    pairs = [pictures[:3], changed, pictures[3:]]
    return network, student.pack_model(network, teacher, widths, pairs), pairs


def distance(maps):
    return float(tf.reduce_sum(tf.square(maps[0] - maps[1])))


@pytest.mark.slow
def test_the_packed_metric_without_stretch_gives_the_distances_of_the_embedding(
    teacher, monkeypatch
):
    monkeypatch.setattr(student, "STRETCH", (1.0, 1.0))
    network, packed, _ = packed_student(teacher)
    embedded, metric = network(photographs())["embedded"], packed(photographs())
    for layer in student.COMPARED:
        assert metric[layer].shape[-1] < embedded[layer].shape[-1]
        assert distance(metric[layer]) == pytest.approx(
            distance(embedded[layer]), rel=1e-3
        ), layer


@pytest.mark.parametrize("of_grams", [False, True])
def test_calibration_finds_by_how_much_all_but_the_mean_was_stretched(of_grams):
    rng = np.random.default_rng(6)
    rest = rng.normal(size=(6, 4, 4, 5))
    rest[..., 0] = 0
    rest -= rest.mean((0, 1, 2))  # so that the mean is along the first axis
    mean = np.eye(5)[0] * 4
    metric = student.calibrate_metric(
        np.eye(5), mean + rest, mean + 2.5 * rest, of_grams=of_grams
    )
    np.testing.assert_allclose(
        metric, np.diag([1, *[2.5**2] * 4]), rtol=1e-3, atol=1e-6
    )


@pytest.mark.slow
def test_calibration_brings_distances_nearer_to_the_teachers(teacher, monkeypatch):
    def content_errors(maps, count=3):
        return [
            float(
                tf.reduce_sum(tf.square(maps[i + count] - maps[i]))
                / tf.reduce_sum(tf.square(maps[i]))
            )
            for i in range(count)
        ]

    def miss(stretch):
        monkeypatch.setattr(student, "STRETCH", stretch)
        _, packed, pairs = packed_student(teacher)
        pictures = tf.concat(pairs, 0)
        return abs(
            np.mean(np.log(content_errors(packed(pictures)["relu4_2"])))
            - np.mean(np.log(content_errors(teacher(pictures)["relu4_2"])))
        )

    assert miss(student.STRETCH) < 0.8 * miss((1.0, 1.0))


def saved_student(folder, widths, teacher=None):
    """A run folder with a student in it, refitted if there is a teacher."""
    network = student.build_student([int(width) for width in widths])
    if teacher is not None:
        student.refit(network, teacher, photographs(60))
    tf.train.Checkpoint(network=network).save(str(folder / "checkpoints" / "ckpt"))
    (folder / "run.json").write_text(json.dumps({"settings": {"slim_widths": widths}}))
    return network


@pytest.mark.slow
def test_a_wider_last_block_begins_with_the_layers_before_it_and_explains_more(
    tmp_path, teacher, monkeypatch
):
    monkeypatch.setattr(slim_features, "START_PICTURES", 120)
    before = saved_student(tmp_path, STUDENT, teacher)
    task = slim_features.SlimFeaturesTask(
        settings(slim_widths=(*STUDENT[:4], "10"), init_from=str(tmp_path))
    )
    task.start(open_batches)
    for layer in before.layers:
        if layer.weights and not layer.name.endswith(("block5_conv1", "relu5_1")):
            for old, new in zip(
                layer.get_weights(), task.network.get_layer(layer.name).get_weights()
            ):
                assert np.array_equal(old, new), layer.name
    pictures = photographs(72)[60:]
    old, new = (
        feature_error(network, teacher, pictures)["relu5_1"]
        for network in (before, task.network)
    )
    assert new < 0.9 * old


def test_a_student_of_the_same_widths_is_taken_as_it_is(tmp_path):
    before = saved_student(tmp_path, STUDENT)
    task = slim_features.SlimFeaturesTask(settings(init_from=str(tmp_path)))
    task.start(None)  # needs no pictures
    assert all(
        np.array_equal(old, new)
        for old, new in zip(
            before.get_weights(), task.network.get_weights(), strict=True
        )
    )


@pytest.mark.slow
def test_a_step_fills_the_pool_and_the_next_one_moves_it():
    task = slim_features.SlimFeaturesTask(settings())
    task.start(open_batches)
    filled, pools = [], []
    for batch in open_batches(data_pipeline.Shard(6), 0).take(3):
        terms = task.terms(batch)
        assert all(
            terms[name].shape == (6,)
            for name in ("loss", "feature", "difference", "gram", "direction")
        )
        assert all(np.isfinite(value).all() for value in terms.values())
        filled.append(int(tf.reduce_sum(tf.cast(task.state["filled"], tf.int32))))
        pools.append(task.state["attacked"].numpy().copy())
    assert filled[0] == 2 and filled == sorted(filled) and filled[-1] > 2
    assert all(not np.array_equal(a, b) for a, b in zip(pools, pools[1:]))


@pytest.mark.slow
def test_a_student_that_is_the_teacher_has_no_error_and_the_same_descent(teacher):
    task = slim_features.SlimFeaturesTask(
        settings(slim_widths=tuple(map(str, TEACHER)))
    )
    for layer in teacher.model.layers:
        if isinstance(layer, keras.layers.Conv2D):
            task.network.get_layer(layer.name).set_weights(layer.get_weights())
    for layer in student.COMPARED:
        kernel = student.find_embedding(task.network, layer)
        kernel.assign(np.eye(kernel.shape[-1])[None, None])
    (batch,) = open_batches(data_pipeline.Shard(6), 0).take(1)
    terms = task.terms(batch)
    for name in ("feature", "difference", "gram", "direction"):
        np.testing.assert_allclose(terms[name], 0, atol=1e-4, err_msg=name)
    kernel = task.network.get_layer("block3_conv1").kernel
    kernel.assign(-kernel)
    terms = task.terms(batch)
    assert (
        min(terms[name][0] for name in ("feature", "difference", "gram", "direction"))
        > 0.01
    )


def interrupted(monkeypatch, step):
    """Makes runs get Ctrl-C at a step; returns where the last fit can be found."""
    fits = []

    class Noted(train_run.Fit):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            fits.append(self)

    monkeypatch.setattr(train_run, "Fit", Noted)
    strike_at(
        monkeypatch,
        train_run,
        "Fit",
        step,
        lambda: os.kill(os.getpid(), signal.SIGINT) if len(fits) == 1 else None,
    )
    return fits


def everything(fit):
    variables = [*fit.task.network.variables, *fit._optimizer.variables]
    for part in fit.task.state.values():
        variables += [part] if isinstance(part, tf.Variable) else part.variables
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


@pytest.fixture
def eagerly():
    """Saves the compilation of a large step that is run only a few times."""
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.mark.slow
def test_the_compiled_step_trains_the_student_and_moves_the_pool(tmp_path):
    task = slim_features.SlimFeaturesTask(settings())
    before = [variable.numpy().copy() for variable in task.network.trainable_variables]
    config = FitConfig(2, -1.0, 0, 1e-3, "constant", 6, 1000, 60.0)
    pools = []
    listener = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: pools.append(
            task.state["attacked"].numpy().copy()
        )
    )
    Fit(task, config, open_distribution("one_device"), tmp_path).run(
        open_batches, [listener]
    )
    after = [variable.numpy() for variable in task.network.trainable_variables]
    assert all(not np.array_equal(a, b) for a, b in zip(before, after))
    assert pools[0].any() and not np.array_equal(*pools)
    painter = task.state["painter0"]
    assert any(
        np.any(weight != first)
        for weight, first in zip(
            painter.trainable_variables, task._networks._beginnings[0]
        )
    )


@pytest.mark.slow
def test_an_interrupted_distillation_resumes_bit_for_bit_attacks_included(
    tmp_path, monkeypatch, eagerly
):
    two = dict(list(sample_photos.PHOTOS.items())[:2])  # the card's errors need no more
    monkeypatch.setattr(sample_photos, "PHOTOS", two)
    fits = interrupted(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        train_run.train(settings(tmp_path / "run", steps=2))
    run = train_run.train(settings(tmp_path / "run", steps=2, resume=True))
    train_run.train(settings(tmp_path / "straight", steps=2))
    resumed, straight = map(everything, fits[1:])
    assert all(np.array_equal(a, b) for a, b in zip(resumed, straight, strict=True))
    # The finished run is a slim network that loads, with its card.
    card = json.loads((run.path / "slim_vgg19.json").read_text())
    assert card["steps"] == 2 and card["widths"] == [int(width) for width in STUDENT]
    assert card["sha256"] == files.sha256(run.path / "slim_vgg19.npz")
    loaded = slim_vgg19.load_slim_vgg19(
        ["relu3_1"], weights=str(run.path / "slim_vgg19.npz")
    )
    assert np.isfinite(loaded(photographs())["relu3_1"]).all()


def test_the_card_names_all_runs_whose_weights_went_into_it(tmp_path):
    for name, before, steps in (("a", "", 5), ("b", "a", 3)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text(
            json.dumps(
                {
                    "steps": steps,
                    "seconds": 60.0 * steps,
                    "settings": {
                        "seed": steps,
                        "slim_widths": ["8", "9"],
                        "init_from": str(tmp_path / before) if before else "",
                    },
                }
            )
        )
    assert slim_features._list_earlier_runs(str(tmp_path / "b")) == [
        {"steps": 5, "minutes": 5.0, "seed": 5, "widths": [8, 9]},
        {"steps": 3, "minutes": 3.0, "seed": 3, "widths": [8, 9]},
    ]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"slim_widths": ("8", "8")}, "Expected five widths"),
        ({"slim_widths": ("8", "8", "x", "8", "8")}, "--slim_widths as whole numbers"),
        (
            {"slim_widths": ("8", "8", "0", "8", "8")},
            "--slim_widths as whole numbers of at least 1",
        ),
        ({"batch_size": 4}, "divisible by 3"),
    ],
)
def test_unusable_settings_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        slim_features.SlimFeaturesTask(settings(**changes))


def test_several_devices_are_refused_since_the_pool_is_one(monkeypatch):
    class Two:
        num_replicas_in_sync = 2

    monkeypatch.setattr(tf.distribute, "get_strategy", Two)
    with pytest.raises(UserError, match="one device.*--strategy=one_device"):
        slim_features.SlimFeaturesTask(settings(strategy="mirrored"))
