"""`python -m nst_tf.optimize`: whole small paintings, Ctrl-C, resume, and every bad input."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from support.pictures import smooth
from support.watched_runs import log, strike_at

from nst_tf import optimize
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core.errors import UserError
from nst_tf.features import precision
from nst_tf.images import io as image_io
from nst_tf.optimization import run as optimize_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    smooth(48, 64, 0).save(folder / "photo.png")
    smooth(60, 50, 1).save(folder / "style.png")
    (folder / "text.jpg").write_text("this is no picture")
    return folder


def small(inputs, output, **changes):
    """Settings of a painting that takes seconds, at two scales or one."""
    scales = {"smallest": 32, "coarse_iterations": 4}
    if changes.get("scales") == 1:
        scales = {}
    return OptimizeSettings(
        **{
            "content": str(inputs / "photo.png"),
            "style": (str(inputs / "style.png"),),
            "output": str(output),
            "image_size": 64,
            "iterations": 5,
            **scales,
            "preview_steps": 0,
            "style_layers": ("relu1_1", "relu2_1"),
            "content_layers": ("relu2_1",),
            **changes,
        }
    )


@pytest.fixture(scope="module")
def finished(inputs, tmp_path_factory):
    output = tmp_path_factory.mktemp("finished") / "out.png"
    optimize_run.optimize(small(inputs, output, preview_steps=4))
    return output


def test_a_painting_leaves_the_picture_and_all_that_is_needed_to_repeat_and_judge_it(
    finished,
):
    run = finished.with_name("out_run")
    assert {path.name for path in run.iterdir()} == {
        "run.flags",
        "run.json",
        "log.jsonl",
        "previews",
        "state.npz",
        "losses.png",
    }
    assert image_io.read_image(finished).size == (48, 64)
    assert image_io.read_image(run / "losses.png").size[0] > 200
    record = json.loads((run / "run.json").read_text())
    assert record["iterations"] == 9 and record["evaluations"] >= 11
    assert (
        record["stopped_by"] == "all iterations done"
        and len(record["style_sha256"][0]) == 64
    )


def test_the_slower_arithmetic_is_left_before_the_run_is_written(
    inputs, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        precision, "convolution_seconds", {"float32": 1.0, "bfloat16": 6.0}.get
    )
    said = []
    optimize_run.optimize(
        small(inputs, tmp_path / "out.png", precision="auto", scales=1, iterations=1),
        said.append,
    )
    assert "--precision=float32" in (tmp_path / "out_run" / "run.flags").read_text()
    assert "--precision=float32" in said[0] and "6 times" in said[0]


def test_previews_of_every_scale_have_the_final_size(finished):
    previews = sorted((finished.with_name("out_run") / "previews").iterdir())
    assert [path.name for path in previews] == ["step_000004.png", "step_000008.png"]
    assert {image_io.read_image(path).size for path in previews} == {(48, 64)}


def test_the_log_names_every_term_and_the_loss_falls_within_each_scale(finished):
    entries = log(finished.with_name("out_run"))
    assert [entry["step"] for entry in entries] == list(range(1, 10))
    assert [entry["size"] for entry in entries] == [32] * 4 + [64] * 5
    for part in (entries[:4], entries[4:]):
        losses = [entry["loss"] for entry in part]
        assert losses == sorted(losses, reverse=True) and losses[-1] < 0.8 * losses[0]
    assert {"content", "style", "total_variation", "evaluations"} <= set(entries[0])
    assert entries[-1]["progress"] == 1


def test_its_flagfile_repeats_it_bit_for_bit(finished, tmp_path):
    command = [
        sys.executable,
        "-m",
        "nst_tf.optimize",
        "--preview_steps=0",
        f"--flagfile={finished.with_name('out_run') / 'run.flags'}",
        f"--output={tmp_path / 'again.png'}",
        f"--run={tmp_path / 'run'}",
    ]
    subprocess.run(command, check=True, capture_output=True)
    assert np.array_equal(
        image_io.decode_rgb8(tmp_path / "again.png"), image_io.decode_rgb8(finished)
    )


@pytest.fixture(scope="module")
def straight(inputs, finished, tmp_path_factory):
    """What each optimizer paints without interruption."""
    adam = tmp_path_factory.mktemp("straight") / "adam.png"
    optimize_run.optimize(small(inputs, adam, optimizer="adam"))
    return {"lbfgs": image_io.decode_rgb8(finished), "adam": image_io.decode_rgb8(adam)}


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("struck", [2, 4, 7])
def test_an_interrupted_and_resumed_painting_ends_as_an_uninterrupted_one_bit_for_bit(
    inputs, tmp_path, monkeypatch, straight, optimizer, struck
):
    settings = small(inputs, tmp_path / "out.png", optimizer=optimizer)
    with monkeypatch.context() as patch:
        strike_at(
            patch,
            optimize_run,
            "ImageOptimization",
            struck,
            lambda: os.kill(os.getpid(), signal.SIGINT),
        )
        with pytest.raises(KeyboardInterrupt, match=f"iteration {struck}.*--resume"):
            optimize_run.optimize(settings)
    early = image_io.decode_rgb8(
        tmp_path / "out.png"
    )  # Ctrl-C has saved the picture so far
    assert early.shape == (48, 64, 3)
    optimize_run.optimize(dataclasses.replace(settings, resume=True))
    assert np.array_equal(
        image_io.decode_rgb8(tmp_path / "out.png"), straight[optimizer]
    )
    assert not np.array_equal(early, straight[optimizer])
    assert [entry["step"] for entry in log(tmp_path / "out_run")] == list(range(1, 10))


def test_a_number_that_is_not_finite_ends_it_with_the_last_good_picture(
    inputs, tmp_path, monkeypatch
):
    pose = optimize_run.gatys.Gatys.objective

    def breaking(task, scale):
        evaluate, first = pose(task, scale), tf.reshape(task.first_picture(), [-1])

        def broken(x):
            value, gradient, terms = evaluate(x)
            far = tf.reduce_mean(tf.abs(x - first)) > 0.1
            return tf.where(far, np.nan, value), gradient, terms

        return broken

    monkeypatch.setattr(optimize_run.gatys.Gatys, "objective", breaking)
    settings = small(
        inputs,
        tmp_path / "out.png",
        optimizer="adam",
        scales=1,
        iterations=50,
        learning_rate=0.04,
        averaging=0.0,
    )
    with pytest.raises(
        UserError, match=r"not finite after iteration [1-9]\d*.*last good picture"
    ):
        optimize_run.optimize(settings)
    moved = np.abs(
        image_io.read_image(tmp_path / "out.png").rgb
        - image_io.read_image(inputs / "photo.png").rgb
    ).mean()
    assert 0.03 < moved < 0.11


def test_a_texture_and_a_reconstruction_need_only_one_of_the_pictures(inputs, tmp_path):
    optimize_run.optimize(
        small(
            inputs,
            tmp_path / "texture.png",
            content="",
            texture_size="72x40",
            init="style_colors",
        )
    )
    assert image_io.read_image(tmp_path / "texture.png").size == (40, 72)
    optimize_run.optimize(
        small(
            inputs,
            tmp_path / "photo.png",
            style=(),
            init="noise",
            scales=1,
            iterations=150,
            content_layers=("relu1_1",),
        )
    )
    losses = [entry["content"] for entry in log(tmp_path / "photo_run")]
    assert losses[-1] < 0.1 * losses[0]
    photo = image_io.read_image(inputs / "photo.png").rgb
    shown = image_io.read_image(tmp_path / "photo.png").rgb
    assert np.abs(shown - photo).mean() < 0.05


def test_what_exists_is_not_overwritten_without_a_word(inputs, finished):
    before = finished.read_bytes()
    with pytest.raises(UserError, match="does not exist yet.*--overwrite"):
        optimize_run.optimize(small(inputs, finished))
    with pytest.raises(UserError, match="--overwrite"):
        optimize_run.optimize(
            small(
                inputs,
                finished.with_name("other.png"),
                run=str(finished.with_name("out_run")),
            )
        )
    assert finished.read_bytes() == before


def test_resume_with_other_settings_names_them(inputs, finished):
    with pytest.raises(UserError, match="--style_weight=7"):
        optimize_run.optimize(small(inputs, finished, resume=True, style_weight=7.0))


def test_resume_without_a_state_is_refused(inputs, tmp_path):
    with pytest.raises(UserError, match="--run with an interrupted run"):
        optimize_run.optimize(small(inputs, tmp_path / "out.png", resume=True))


def test_a_picture_that_does_not_fit_into_memory_is_refused_before_the_start(
    inputs, tmp_path
):
    with pytest.raises(
        UserError, match="GB of free memory for 64 pixels.*--image_size"
    ):
        optimize_run.optimize(small(inputs, tmp_path / "out.png", max_memory=1e-3))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--content=missing.jpg"], "missing.jpg"),
        (["--content=text.jpg"], "text.jpg"),
        (
            ["--style=style.png,style.png", "--style_weights=1"],
            "as many --style_weights",
        ),
        (
            ["--style=style.png,style.png", "--content_masks=a.png"],
            "as many --content_masks",
        ),
        (["--style=unheard_of"], "unheard_of"),
        (["--style_layers=relu9_1"], "relu9_1"),
        (["--style_layers=relu5_1"], "at least 156 pixels"),
        (["--content_weight=-1"], "content weight"),
        (["--iterations=0"], "--iterations"),
        (["--output=out.gif"], ".gif"),
        (["--scale_factor=1"], "--scale_factor"),
        (["--content=", "--style="], "--content, --style or both"),
        (["--resume", "--overwrite"], "--resume or --overwrite"),
        (["--init=nowhere.png"], "nowhere.png"),
        (["stray"], "only flags"),
    ],
)
def test_bad_input_gets_one_clear_line_and_status_1(
    inputs, in_process, monkeypatch, tmp_path, flags, message
):
    monkeypatch.chdir(inputs)
    base = [
        "--content=photo.png",
        "--style=style.png",
        f"--output={tmp_path / 'out.png'}",
        "--image_size=64",
        "--style_layers=relu1_1",
        "--content_layers=relu1_1",
        "--iterations=1",
    ]
    status, _, err = in_process(optimize.main, OptimizeSettings, [*base, *flags])
    assert (
        status == 1
        and err.startswith("error: ")
        and message in err
        and err.count("\n") == 1
    )
    assert not (tmp_path / "out.png").exists()


def test_help_explains_every_flag():
    done = subprocess.run(
        [sys.executable, "-m", "nst_tf.optimize", "--help"],
        capture_output=True,
        text=True,
    )
    for field in dataclasses.fields(OptimizeSettings):
        assert f"--{field.name}" in done.stdout or f"--[no]{field.name}" in done.stdout
