"""`nst_tf.train --method=classify`: what it learns and leaves, and what its network is good for."""

import dataclasses
import json
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from support.patterns import CLASSES, write_patterns
from support.pictures import smooth
from support.watched_runs import log, strike_at

from nst_tf import optimize, train
from nst_tf.config.evaluate import EvaluateSettings
from nst_tf.config.methods.classify import ClassifySettings
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.config.perceptual import PerceptualSettings
from nst_tf.config.registries import FEATURE_NETWORKS
from nst_tf.config.train import TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.features import classifier, extractors
from nst_tf.images import io as image_io
from nst_tf.inference.open_model import load_model
from nst_tf.runs.folder import RunFolder
from nst_tf.training import optimizers, run as train_run
from nst_tf.training.methods import feedforward
from nst_tf.training.schedule import FitConfig
from nst_tf.training.task import Task

pytestmark = pytest.mark.slow

SIDE = 16
EPOCH = 17  # steps of 8 of 135 pictures


@pytest.fixture(scope="module")
def patterns(tmp_path_factory):
    return write_patterns(tmp_path_factory.mktemp("patterns"), 50, SIDE)


@pytest.fixture(scope="module")
def tests(tmp_path_factory):
    return write_patterns(tmp_path_factory.mktemp("tests"), 20, SIDE, seed=1)


def settings_of(patterns, output, **changes):
    wanted = {
        "content": str(patterns),
        "output": str(output),
        "crop_size": SIDE,
        "block_widths": (8, 16),
        "block_convolutions": (1, 2),
        "batch_size": 8,
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "weight_decay": 1e-3,
        "label_smoothing": 0.1,
        "steps": 60,
        "tensorboard": False,
        **changes,
    }
    return ClassifySettings(**wanted)


@pytest.fixture(scope="module")
def finished(patterns, tests, tmp_path_factory):
    output = tmp_path_factory.mktemp("finished") / "run"
    settings = settings_of(
        patterns, output, test_content=str(tests), tensorboard=True, steps=130
    )
    return train_run.train(settings)


def weights(run):
    return keras.saving.load_model(run.classifier, compile=False).get_weights()


def assert_same_weights(one, other):
    for left, right in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(left, right)


# -- what it learns and leaves ---------------------------------------------------------------------


def test_it_learns_pictures_that_it_has_not_seen(finished):
    assert finished.recorded["test"]["top1"] > 0.9
    confusion = np.array(finished.recorded["test_confusion"])
    assert confusion.sum(1).tolist() == [20, 20, 20]
    assert np.trace(confusion) == round(60 * finished.recorded["test"]["top1"])


def test_keras_evaluates_the_file_to_the_scores_of_the_record(finished, tests):
    network = keras.saving.load_model(finished.classifier, compile=False)
    network.compile(
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=0.1
        ),
        metrics=["accuracy"],
    )
    data = keras.utils.image_dataset_from_directory(
        str(tests),
        label_mode="categorical",
        image_size=(SIDE, SIDE),
        shuffle=False,
        verbose=False,
    ).map(lambda image, label: (image / 255.0, label))
    scores = network.evaluate(data, verbose=0, return_dict=True)
    assert scores["accuracy"] == pytest.approx(finished.recorded["test"]["top1"])
    assert scores["loss"] == pytest.approx(finished.recorded["test"]["loss"], rel=1e-4)


def test_every_epoch_has_its_scores_and_a_picture_of_the_confusion(finished):
    epochs = [json.loads(line) for line in finished.epochs.read_text().splitlines()]
    steps = [each["step"] for each in epochs]
    assert steps == [-(-epoch * 135 // 8) for epoch in range(1, len(steps) + 1)]
    mean = np.mean([entry["loss"] for entry in log(finished.path)[EPOCH : steps[1]]])
    assert epochs[1]["loss"] == pytest.approx(mean)
    assert epochs[-1]["validation_top1"] > epochs[0]["validation_top1"]
    assert set(epochs[0]) >= {"top1", "top5", "validation_loss", "validation_top5"}
    pictures = list(finished.previews.glob("confusion_*.png"))
    assert len(pictures) == len(epochs) and finished.confusion.is_file()
    assert image_io.read_image(finished.confusion).rgb.std() > 0.1
    tags = set()
    for path in finished.tensorboard.iterdir():
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            tags |= {value.tag for value in event.summary.value}
    assert {"loss", "epoch/validation_top1"} <= tags


def test_the_record_has_what_repeats_and_judges_the_run(finished):
    recorded = finished.recorded
    assert recorded["classes"] == list(CLASSES) and recorded["method"] == "classify"
    assert recorded["labels"]["training_pictures"] == 135
    assert len(recorded["labels"]["sha256"]) == 64
    known = keras.saving.load_model(finished.classifier, compile=False)
    first = known.get_layer(classifier.RANGE)
    np.testing.assert_allclose(first.input_mean, recorded["mean"], atol=1e-6)
    deviation = np.sqrt(first.input_variance)
    np.testing.assert_allclose(deviation, recorded["deviation"], atol=1e-6)


def test_an_interrupted_run_ends_with_the_same_weights_bit_for_bit(
    patterns, tmp_path, monkeypatch
):
    straight = train_run.train(settings_of(patterns, tmp_path / "straight", patience=9))
    with monkeypatch.context() as patch:

        def interrupt():
            raise KeyboardInterrupt

        strike_at(patch, train_run, "Fit", EPOCH + 5, interrupt)
        cut = settings_of(
            patterns, tmp_path / "cut", patience=9, checkpoint_steps=EPOCH + 3
        )
        with pytest.raises(KeyboardInterrupt):
            train_run.train(cut)
    again = dataclasses.replace(cut, resume=True)
    run = train_run.train(again)
    assert_same_weights(straight, run)
    assert straight.epochs.read_text() == run.epochs.read_text()


def test_labels_that_change_are_refused_on_resume(patterns, tmp_path):
    folder = write_patterns(tmp_path / "patterns", 10, SIDE)
    settings = settings_of(folder, tmp_path / "run", steps=3)
    train_run.train(settings)
    first, other = folder / "down" / "000.png", folder / "spots" / "000.png"
    first.rename(folder / "swapped.png")
    other.rename(first)
    (folder / "swapped.png").rename(other)
    again = dataclasses.replace(settings, resume=True)
    with pytest.raises(UserError, match="labels as the run.*began with"):
        train_run.train(again)


def test_patience_stops_keeps_the_best_weights_and_resumes_to_nothing(
    patterns, tmp_path
):
    settings = settings_of(
        patterns, tmp_path / "run", patience=1, learning_rate=0.3, steps=2000
    )
    run = train_run.train(settings)
    assert run.recorded["stopped_by"] == "stopped by a callback"
    losses = [
        json.loads(line)["validation_loss"]
        for line in run.epochs.read_text().splitlines()
    ]
    assert losses.index(min(losses)) == len(losses) - 2
    assert run.recorded["validation"]["loss"] == pytest.approx(min(losses), rel=1e-5)
    before = weights(run)
    train_run.train(dataclasses.replace(settings, resume=True))
    assert all(map(np.array_equal, before, weights(run)))


def test_mirrored_on_two_logical_cpus_trains_as_one_device(patterns, tmp_path):
    settings = settings_of(patterns, tmp_path / "one", steps=5, learning_rate=1e-3)
    one = train_run.train(settings)
    flags = {**settings.to_flags(), "strategy": "mirrored", "output": tmp_path / "two"}
    code = """
import sys, tensorflow as tf
device = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(device, two)
from nst_tf import train
from nst_tf.config.commandline import flags
from nst_tf.config.train import TrainSettings
flags.run(train.main, TrainSettings, sys.argv[1:])
"""
    listed = [f"--{name}={value}" for name, value in flags.items()]
    done = subprocess.run(
        [sys.executable, "-c", code, *listed], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    losses, others = (
        [entry["loss"] for entry in log(tmp_path / name)] for name in ("one", "two")
    )
    np.testing.assert_allclose(losses, others, rtol=1e-4)
    for left, right in zip(weights(one), weights(RunFolder(tmp_path / "two"))):
        np.testing.assert_allclose(left, right, atol=1e-4)


# -- the step --------------------------------------------------------------------------------------


def test_a_step_of_sgd_decays_kernels_alone():
    """Against Nesterov's momentum and the decay of Loshchilov and Hutter by hand."""
    config = FitConfig(9, -1, 0, 0.1, "constant", 8, 9, 9, "sgd", 0.0, 0.5)
    optimizer = optimizers.open_optimizer(config, type("AnyTask", (Task,), {}))
    for name, decay in (("kernel", 0.5), ("gamma", 0.0)):
        variable = keras.Variable(np.full((2, 3), 2.0, np.float32), name=name)
        optimizer = optimizers.open_optimizer(config, type("AnyTask", (Task,), {}))
        value, momentum = 2.0, 0.0
        for gradient in (1.0, -0.5, 0.25):
            optimizer.apply([tf.fill((2, 3), gradient)], [variable])
            value -= 0.1 * decay * value
            momentum = 0.9 * momentum - 0.1 * gradient
            value += 0.9 * momentum - 0.1 * gradient
        np.testing.assert_allclose(variable.numpy(), value, rtol=1e-5)


# -- as a feature network --------------------------------------------------------------------------


def noise(*shape):
    return np.random.default_rng(3).random(shape, np.float32)


def test_maps_without_norms_are_those_of_the_trained_network(finished):
    known = keras.saving.load_model(finished.classifier, compile=False)
    layers = ["relu1_1", "relu2_1", "relu2_2"]
    inside = keras.Model(known.input, [known.get_layer(name).output for name in layers])
    network = FEATURE_NETWORKS[str(finished.path)]
    assert list(network.geometry) == layers
    extractor = network.load(PerceptualSettings(), layers)
    photo = noise(2, 21, 34, 3)
    for maps, name in zip(inside(photo, training=False), layers):
        assert maps.shape[1:3] == extractor.map_size(name, 21, 34)
        np.testing.assert_allclose(extractor(photo)[name], maps, atol=2e-5)
    assert not extractor.model.trainable_weights
    judge = extractors.open_extractor(
        EvaluateSettings(output="x", feature_network=str(finished.path)), layers
    )
    np.testing.assert_array_equal(judge(photo)["relu2_1"], extractor(photo)["relu2_1"])
    assert extractor.provenance["weights"] == str(finished.path)
    assert len(extractor.provenance["sha256"]) == 64


def test_it_is_an_encoder_without_a_frame_too(finished):
    encoder = extractors.open_encoder(
        str(finished.path), PerceptualSettings(), ["relu2_1"]
    )
    assert encoder(noise(1, 8, 8, 3))["relu2_1"].shape == (1, 4, 4, 16)


def test_one_picture_is_painted_with_it(finished, tmp_path, in_process):
    smooth(47, 61, 0).save(tmp_path / "photo.png")
    smooth(60, 50, 1).save(tmp_path / "style.png")
    status, _, error = in_process(
        optimize.main,
        OptimizeSettings,
        [
            f"--feature_network={finished.path}",
            f"--content={tmp_path / 'photo.png'}",
            f"--style={tmp_path / 'style.png'}",
            "--content_layers=relu2_2",
            "--style_layers=relu1_1,relu2_1",
            "--image_size=61",
            "--iterations=2",
            f"--output={tmp_path / 'out.png'}",
        ],
    )
    assert status == 0, error
    recorded = RunFolder(tmp_path / "out_run").recorded["feature_network"]
    assert recorded["weights"] == str(finished.path) and len(recorded["sha256"]) == 64


def test_a_network_of_one_style_is_trained_with_it(
    finished, tmp_path, in_process, monkeypatch
):
    monkeypatch.setattr(feedforward, "SHEET_SIDE", 64)
    smooth(48, 58, 0).save(tmp_path / "style.png")
    status, _, error = in_process(
        train.main,
        TrainSettings,
        [
            f"--feature_network={finished.path}",
            f"--style_image={tmp_path / 'style.png'}",
            "--style_size=32",
            "--content=builtin:leaves",
            "--content_layers=relu2_2",
            "--style_layers=relu1_1,relu2_1",
            "--crop_size=32",
            "--batch_size=2",
            "--width=4",
            "--residual_blocks=0",
            "--steps=2",
            "--export=",
            "--preview_steps=0",
            f"--output={tmp_path / 'run'}",
        ],
    )
    assert status == 0, error
    run = RunFolder(tmp_path / "run")
    assert len(run.recorded["feature_network"]["sha256"]) == 64
    with pytest.raises(UserError, match="a run of --method=feedforward"):
        FEATURE_NETWORKS[str(run.path)]


@pytest.mark.parametrize(
    "name, message",
    [
        ("runs/nowhere", "there is no run"),
        ("vgg", "slim_vgg19, vgg19, or a path such as runs/NAME"),
    ],
)
def test_what_is_no_classifier_is_refused_as_a_feature_network(name, message):
    with pytest.raises(UserError, match=message):
        FEATURE_NETWORKS[name]


def test_an_unfinished_or_damaged_classifier_is_one_clear_line(finished, tmp_path):
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.record.write_bytes(finished.record.read_bytes())
    with pytest.raises(UserError, match="a finished run.*--resume"):
        FEATURE_NETWORKS[str(run.path)]
    run.classifier.write_bytes(finished.classifier.read_bytes()[:1000])
    network = FEATURE_NETWORKS[str(run.path)]
    with pytest.raises(UserError, match="Train it again") as error:
        network.load(PerceptualSettings(), ["relu1_1"])
    assert "\n" not in str(error.value)


def test_a_classifier_does_not_paint(finished):
    with pytest.raises(UserError, match="a classifier. Use it with --feature_network="):
        load_model(finished.path)


# -- settings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"short_side": 20}, "Leave --short_side out"),
        ({"ema": 0.9}, "Leave --ema out"),
        ({"block_widths": (8, 16, 32)}, "as many --block_convolutions"),
        ({"block_widths": (8,) * 6, "block_convolutions": (1,) * 6}, "at least 32"),
        ({"crop_size": 1}, "--crop_size"),
    ],
)
def test_settings_that_cannot_work_are_one_clear_line(changes, message):
    with pytest.raises(UserError, match=message):
        settings_of("patterns", "run", **changes)


def test_test_pictures_of_other_classes_are_refused(patterns, tmp_path):
    other = write_patterns(tmp_path / "other", 5, SIDE)
    (other / "spots").rename(other / "stains")
    settings = settings_of(patterns, tmp_path / "run", test_content=str(other))
    with pytest.raises(UserError, match="--test_content with the 3 classes"):
        train_run.train(settings)
    assert not (tmp_path / "run").exists()
