"""`python -m nst_tf.optimize`: whole small paintings, Ctrl-C, resume, and every bad input."""

import dataclasses
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import ExifTags, Image
from support.pictures import smooth
from support.watched_runs import log, strike_at

from nst_tf import optimize
from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core.errors import UserError
from nst_tf.data import style_images
from nst_tf.features import precision
from nst_tf.images import io as image_io
from nst_tf.optimization import run as optimize_run
from nst_tf.runs.folder import open_run

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


def test_another_picture_under_the_styles_name_is_not_resumed(
    inputs, finished, tmp_path
):
    folder = tmp_path / "inputs"
    shutil.copytree(inputs, folder)
    run = tmp_path / "run"
    shutil.copytree(finished.with_name("out_run"), run)
    asked = small(inputs, finished, resume=True, run=str(run))
    style = Path(asked.style[0])
    kept = style.read_bytes()
    style.write_bytes((folder / Path(asked.content).name).read_bytes())
    try:
        with pytest.raises(UserError, match="style_sha256 as the run in"):
            optimize_run.optimize(asked)
    finally:
        style.write_bytes(kept)


def test_resume_without_a_state_is_refused(inputs, tmp_path):
    with pytest.raises(UserError, match="--run with an interrupted run"):
        optimize_run.optimize(small(inputs, tmp_path / "out.png", resume=True))


# -- what must not be lost -------------------------------------------------------------------------


def test_resume_replaces_no_file_that_the_run_has_not_written(
    inputs, finished, tmp_path
):
    other = tmp_path / "other.png"
    other.write_bytes(b"of another program")
    run = str(finished.with_name("out_run"))
    settings = small(inputs, other, resume=True, run=run, preview_steps=4)
    with pytest.raises(UserError, match="that is new, or that the run in .* has writt"):
        optimize_run.optimize(settings)
    assert other.read_bytes() == b"of another program"
    other.unlink()
    optimize_run.optimize(settings)
    # Now it is the run's own, wherever it was moved.
    moved = other.rename(tmp_path / "moved.png")
    optimize_run.optimize(dataclasses.replace(settings, output=str(moved)))
    assert np.array_equal(image_io.decode_rgb8(moved), image_io.decode_rgb8(finished))


@pytest.mark.parametrize("name", ["content", "style", "init", "content_masks"])
@pytest.mark.parametrize("link", [None, os.symlink, os.link])
def test_no_picture_that_is_read_is_replaced(inputs, tmp_path, name, link):
    source = tmp_path / "source.png"
    smooth(48, 64, 0).save(source)
    before = source.read_bytes()
    output = tmp_path / "out.png" if link else source
    if link:
        link(source, output)
    value = str(source) if name in ("content", "init") else (str(source),)
    settings = small(inputs, output, overwrite=True, **{name: value})
    with pytest.raises(UserError, match="none of the pictures read.*source.png"):
        optimize_run.optimize(settings)
    assert source.read_bytes() == before and not list(tmp_path.glob("*_run"))


def test_the_run_of_another_command_is_not_replaced(inputs, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    record = {"command": "nst_tf.train", "settings": {"output": "x"}}
    (run / "run.json").write_text(json.dumps(record))
    (run / "network.keras").write_bytes(b"hours of training")
    for changes in ({"overwrite": True}, {"resume": True}):
        settings = small(inputs, tmp_path / "out.png", run=str(run), **changes)
        with pytest.raises(UserError, match="which nst_tf.train made"):
            optimize_run.optimize(settings)
    assert (run / "network.keras").read_bytes() == b"hours of training"


@pytest.mark.parametrize("output", ["/dev/null/out.png", "folder.png"])
def test_an_output_that_cannot_be_written_is_told_before_the_start(
    inputs, tmp_path, monkeypatch, output
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.png").mkdir()
    settings = small(inputs, output, run="run", overwrite=True)
    with pytest.raises(UserError, match=output.removesuffix("/out.png")):
        optimize_run.optimize(settings)
    assert not (tmp_path / "run").exists()


# -- how it ends -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scales", [1, 0])
def test_a_picture_worse_than_the_first_is_kept_and_status_1(
    inputs, in_process, tmp_path, scales
):
    settings = small(
        inputs,
        tmp_path / "out.png",
        scales=scales,
        optimizer="adam",
        learning_rate=1e6,
    )
    flags = [f"--{name}={text}" for name, text in settings.to_flags().items()]
    status, _, err = in_process(optimize.main, OptimizeSettings, flags)
    line = err.splitlines()[-1]
    assert status == 1 and line.startswith("error: Expected an objective below the fir")
    assert "lower --learning_rate" in line
    assert image_io.read_image(tmp_path / "out.png").size == (48, 64)
    record = json.loads((tmp_path / "out_run" / "run.json").read_text())
    # By what the objective itself says of both pictures.
    task = optimize_run.gatys.Gatys(settings)
    objective = task.objective(task.scales[-1])
    shown = image_io.read_image(tmp_path / "out.png").rgb
    first, last = (
        float(objective(tf.reshape(tf.constant(picture), [-1]))[0])
        for picture in (task.first_picture(task.scales[-1]), shown)
    )
    assert last > first and record["iterations"] == (5 if scales else 9)
    told = re.search(r"picture's, (\S+)\. Received: (\S+) after", line).groups()
    assert list(map(float, told)) == pytest.approx([first, last], rel=0.05)


# -- states ----------------------------------------------------------------------------------------


def test_a_run_killed_before_its_first_state_begins_anew_on_resume(
    inputs, finished, tmp_path
):
    """Its folder has flags, record and a line or two of the log, and no state."""
    settings = small(inputs, tmp_path / "out.png", preview_steps=4)
    run = open_run(
        settings, str(tmp_path / "out_run"), command="nst_tf.optimize", flag="--run"
    )
    run.log.write_text('{"step": 1, "seconds": 1.0}\n')
    said = []
    optimize_run.optimize(dataclasses.replace(settings, resume=True), said.append)
    assert any("begins at the first iteration" in line for line in said)
    assert np.array_equal(
        image_io.decode_rgb8(tmp_path / "out.png"), image_io.decode_rgb8(finished)
    )
    assert [entry["step"] for entry in log(run.path)] == list(range(1, 10))


def damage(path, kind):
    with np.load(path) as archive:
        arrays = dict(archive)
    if kind == "text":
        path.write_text("no archive")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    elif kind == "pickle":
        np.savez(path, **{**arrays, "x": np.array([{}], object)})
    elif kind == "array":
        path.write_bytes(b"")
        with path.open("wb") as file:
            np.save(file, np.zeros(3))
    elif kind == "less":
        del arrays["gradient"]
        np.savez(path, **arrays)
    else:
        np.savez(path, **{**arrays, **kind})


@pytest.mark.parametrize(
    "kind",
    [
        *("text", "empty", "cut", "pickle", "array", "less"),
        {"scale": 7},
        {"scale": -1},
        {"scale": "one"},
        {"x": np.zeros(5, np.float32)},
        {"x": np.zeros(48 * 64 * 3, np.float64)},
        {"status": np.zeros(2, np.int32)},
        {"terms": np.zeros(7, np.float32)},
        {"stranger": 1},
        {"seconds": [1, 2]},
    ],
    ids=str,
)
def test_a_damaged_state_is_one_line_with_a_way_on(inputs, finished, tmp_path, kind):
    run = shutil.copytree(finished.with_name("out_run"), tmp_path / "out_run")
    damage(run / "state.npz", kind)
    settings = small(inputs, tmp_path / "out.png", preview_steps=4, resume=True)
    with pytest.raises(UserError, match="the whole state.*--overwrite instead") as told:
        optimize_run.optimize(settings)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "record",
    ["", "[1]", "5", '{"settings": 5}', '{"settings": [1]}', "\0\1",
     '{"settings": {"style": 5}, "command": 3}', '{"settings": {"iterations": "x"}}'],
)  # fmt: skip
@pytest.mark.parametrize("resume", [True, False])
def test_a_damaged_record_is_one_line(inputs, tmp_path, record, resume):
    run = tmp_path / "out_run"
    run.mkdir()
    (run / "run.json").write_text(record)
    settings = small(inputs, tmp_path / "out.png", resume=resume)
    with pytest.raises(UserError) as told:
        optimize_run.optimize(settings)
    assert "\n" not in str(told.value) and (run / "run.json").read_text() == record


def test_a_record_without_a_newer_setting_resumes(inputs, finished, tmp_path):
    run = shutil.copytree(finished.with_name("out_run"), tmp_path / "out_run")
    record = json.loads((run / "run.json").read_text())
    for name in ("style_sha256", "max_pixels", "margin"):
        del record["settings"][name]
    (run / "run.json").write_text(json.dumps(record))
    settings = small(inputs, tmp_path / "out.png", preview_steps=4, resume=True)
    optimize_run.optimize(settings)
    with pytest.raises(UserError, match="--margin=16 .the run has 0."):
        optimize_run.optimize(dataclasses.replace(settings, margin=16))


def test_the_hash_of_a_style_from_a_server_is_recorded_and_checked(
    inputs, tmp_path, monkeypatch
):
    pictures = {"http://a/s.png": (inputs / "style.png").read_bytes()}
    monkeypatch.setattr(style_images, "_download", pictures.__getitem__)
    settings = small(inputs, tmp_path / "out.png", style=("http://a/s.png",), scales=1)
    optimize_run.optimize(settings)
    digest = hashlib.sha256(pictures["http://a/s.png"]).hexdigest()
    assert f"--style_sha256={digest}" in (tmp_path / "out_run/run.flags").read_text()
    optimize_run.optimize(dataclasses.replace(settings, resume=True))
    pictures["http://a/s.png"] = (inputs / "photo.png").read_bytes()
    with pytest.raises(UserError, match=f"the run has .*{digest}"):
        optimize_run.optimize(dataclasses.replace(settings, resume=True))
    again = small(inputs, tmp_path / "again.png", style=("http://a/s.png",))
    with pytest.raises(UserError, match=digest):
        optimize_run.optimize(dataclasses.replace(again, style_sha256=(digest,)))


def test_names_of_any_bytes_are_painted_and_repeated(inputs, tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b'/\xff, ="~'))
    folder.mkdir()
    for name in ("photo.png", "style.png"):
        shutil.copy(inputs / name, folder)
    settings = small(
        folder, folder / "out.png", scales=1, iterations=1, optimizer="adam"
    )
    optimize_run.optimize(settings)
    flags = [
        f"--{name}={folder / value}"
        for name, value in (
            ("flagfile", "out_run/run.flags"),
            ("output", "again.png"),
            ("run", "again"),
        )
    ]
    command = [sys.executable, "-m", "nst_tf.optimize", *flags]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (folder / "again.png").read_bytes() == (folder / "out.png").read_bytes()


def test_the_photos_metadata_is_kept_or_left_out(inputs, tmp_path):
    photo = Image.open(inputs / "photo.png")
    exif = photo.getexif()
    exif[ExifTags.Base.Artist] = "Me"
    photo.save(tmp_path / "photo.jpg", exif=exif)
    for strip, artist in ((False, "Me"), (True, None)):
        settings = small(
            inputs,
            tmp_path / f"{strip}.jpg",
            content=str(tmp_path / "photo.jpg"),
            scales=1,
            iterations=1,
            strip_metadata=strip,
            quality=30 if strip else 95,
        )
        optimize_run.optimize(settings)
        written = Image.open(settings.output)
        assert written.getexif().get(ExifTags.Base.Artist) == artist
    sizes = [(tmp_path / f"{strip}.jpg").stat().st_size for strip in (False, True)]
    assert sizes[0] > 1.5 * sizes[1]


def test_a_picture_that_does_not_fit_into_memory_is_refused_before_the_start(
    inputs, tmp_path
):
    with pytest.raises(
        UserError, match="GB of free memory for 64 pixels.*No size fits.*--max_memory"
    ):
        optimize_run.optimize(small(inputs, tmp_path / "out.png", max_memory=1e-3))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes, remedy",
    [
        ({"image_size": 20_000}, r"--image_size=\d+ fits, or raise --max_memory"),
        (
            {"content": "", "texture_size": "30000x20000"},
            r"--texture_size=\d+x\d+ fits",
        ),
        ({"style_scale": 90.0, "image_size": 90_000}, "--image_size=|No size fits"),
        ({"memory": 1000, "image_size": 5000}, "--image_size="),
    ],
    ids=lambda value: str(value),
)
def test_the_size_that_fits_fits(inputs, tmp_path, changes, remedy):
    settings = small(inputs, tmp_path / "out.png", max_memory=2.0, **changes)
    with pytest.raises(UserError, match=remedy) as told:
        optimize_run.optimize(settings)
    fitting = re.search(r"--(image_size|texture_size)=(\w+) fits", str(told.value))
    if fitting:
        name, value = fitting.groups()
        value = int(value) if name == "image_size" else value
        settings = dataclasses.replace(settings, **{name: value}, iterations=1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(optimize_run, "open_run", lambda *a, **k: 1 / 0)
            with pytest.raises(ZeroDivisionError):  # it comes as far as that
                optimize_run.optimize(settings)


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
        (["--output=out.psd"], ".psd"),
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
