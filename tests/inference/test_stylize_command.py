"""Painting one photo, a folder or a glob, and the command for it."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from support import tiny
from support.painting import NEGATIVE, paint, pixels, save, tree

from nst_tf import stylize
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io, noise
from nst_tf.inference import folder as photo_folder, run as stylize_run

# -- where things go -------------------------------------------------------------------------------


def test_a_file_goes_to_a_file(tmp_path):
    photo = save(tmp_path / "a.png")
    outcome = paint(tmp_path / "a.png", tmp_path / "new" / "b.png")
    assert outcome == photo_folder.Outcome((tmp_path / "new" / "b.png",), ())
    np.testing.assert_array_equal(
        pixels(tmp_path / "new" / "b.png"), 255 - np.asarray(photo)
    )


@pytest.mark.parametrize("output", ["new", "new/", "there", "holiday.jpg"])
def test_a_file_goes_into_a_folder_under_its_name(tmp_path, output):
    save(tmp_path / "a.png")
    (tmp_path / "there").mkdir()
    (tmp_path / "holiday.jpg").mkdir()  # a folder, whatever its name says
    paint(tmp_path / "a.png", f"{tmp_path}/{output}")
    assert tree(tmp_path / output) == ["a.png"]


def test_a_folder_goes_into_a_folder_with_its_folders(tmp_path):
    for name in ("a.png", "b.jpg", "deep/a.png", "deep/er/c.webp"):
        save(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("no photo")
    outcome = paint(tmp_path / "in", tmp_path / "out")
    names = ["a.png", "b.jpg", "deep/a.png", "deep/er/c.webp"]
    assert tree(tmp_path / "out") == names
    assert sorted(outcome.written) == [tmp_path / "out" / name for name in names]


@pytest.mark.parametrize(
    "pattern, kept",
    [
        ("*.png", ["a.png"]),
        ("**/*.png", ["a.png", "x/b.png", "x/y/c.png"]),
        ("x/**/*.png", ["b.png", "y/c.png"]),
        ("x/y/*.png", ["c.png"]),
        ("?/y/*.png", ["x/y/c.png"]),
    ],
)
def test_a_globs_folders_are_kept_from_its_first_wildcard_on(
    tmp_path, monkeypatch, pattern, kept
):
    for name in ("a.png", "x/b.png", "x/y/c.png", "z.jpg"):
        save(tmp_path / "in" / name)
    paint(tmp_path / "in" / pattern, tmp_path / "out")
    assert tree(tmp_path / "out") == kept
    monkeypatch.chdir(tmp_path / "in")
    paint(pattern, "../relative")
    assert tree(tmp_path / "relative") == kept


def test_one_photo_of_a_glob_goes_to_a_file(tmp_path):
    save(tmp_path / "a.png")
    paint(tmp_path / "a*.png", tmp_path / "out.png")
    assert tree(tmp_path) == ["a.png", "out.png"]


def test_several_photos_do_not_go_to_one_file(tmp_path):
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name)
    with pytest.raises(UserError, match="a folder as --output for 2 photos.*out.jpg"):
        paint(tmp_path / "in", tmp_path / "out.jpg")
    assert tree(tmp_path) == ["in/a.png", "in/b.png"]


def test_an_output_inside_the_album_is_not_painted_again(tmp_path):
    save(tmp_path / "a.png")
    save(tmp_path / "deep" / "b.png")
    expected = ["a.png", "deep/b.png", "painted/a.png", "painted/deep/b.png"]
    for content in (tmp_path, tmp_path, tmp_path / "**" / "*.png"):
        outcome = paint(content, tmp_path / "painted", overwrite=True)
        assert len(outcome.written) == 2 and tree(tmp_path) == expected
    painted = pixels(tmp_path / "painted" / "a.png")
    np.testing.assert_array_equal(painted, 255 - pixels(tmp_path / "a.png"))


def test_an_album_that_is_all_output_is_one_line(tmp_path):
    save(tmp_path / "painted" / "a.png")
    with pytest.raises(UserError, match="Expected photos. Received: .*all lie in"):
        paint(tmp_path, tmp_path / "painted")


def test_no_photos_are_one_line(tmp_path):
    for content in (tmp_path, tmp_path / "*.jpg", tmp_path / "missing.jpg"):
        with pytest.raises(UserError, match="there are none") as caught:
            paint(content, tmp_path / "out")
        assert "\n" not in str(caught.value)
    assert tree(tmp_path) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_photos_for_one_file_cost_these_two_and_not_the_folder(tmp_path, overwrite):
    for name in ("a.gif", "a.png", "b.png"):
        save(tmp_path / "in" / name)
    outcome = paint(tmp_path / "in", tmp_path / "out", overwrite=overwrite)
    assert tree(tmp_path / "out") == ["b.png"]
    (line,) = outcome.failed
    assert "a.gif and " in line and "which would both become" in line
    (tmp_path / "in" / "b.png").unlink()
    with pytest.raises(UserError, match="a.gif and .*a.png, which would both become"):
        paint(tmp_path / "in", tmp_path / "out")


# -- pictures --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (33, 47)])
def test_a_model_paints_photos_of_any_size(tmp_path, size):
    save(tmp_path / "a.png", *size)
    model = tiny.open_painter(tiny.artifact("tiny.tflite"))
    paint(tmp_path / "a.png", tmp_path / "b.png", model)
    drawn = pixels(tmp_path / "b.png")
    assert drawn.shape == (*size, 3)
    wanted = tiny.draw(tiny.exported()[0], image_io.read_image(tmp_path / "a.png").rgb)
    assert np.abs(drawn - 255.0 * wanted).max() < 0.51


def test_a_rotated_photo_comes_out_upright(tmp_path):
    photo = Image.new("RGB", (32, 16), "black")
    photo.paste("white", (0, 0, 16, 16))  # left half as stored, upper half as seen
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees
    photo.save(tmp_path / "a.jpg", exif=exif)
    paint(tmp_path / "a.jpg", tmp_path / "b.jpg")
    with Image.open(tmp_path / "b.jpg") as drawn:
        assert drawn.size == (16, 32) and drawn.getexif().get(0x0112, 1) == 1
        levels = np.asarray(drawn.convert("L"))
    assert levels[:12].max() < 40 and levels[20:].min() > 215


def test_alpha_is_carried_to_png(tmp_path):
    photo = np.asarray(save(tmp_path / "a.png", mode="RGBA"))
    paint(tmp_path / "a.png", tmp_path / "b.png")
    drawn = pixels(tmp_path / "b.png")
    np.testing.assert_array_equal(drawn[..., 3], photo[..., 3])
    # What is painted lies on the mean color of what is seen.
    rgb, alpha = photo[..., :3].astype(float), photo[..., 3:] / 255
    mean = (rgb * alpha).sum((0, 1)) / alpha.sum()
    shown = rgb * alpha + mean * (1 - alpha)
    np.testing.assert_allclose(drawn[..., :3], 255 - shown, atol=1.1)


def test_gray_photos_are_painted_in_color(tmp_path):
    save(tmp_path / "a.png", mode="L")
    paint(tmp_path / "a.png", tmp_path / "b.png")
    assert pixels(tmp_path / "b.png").shape == (7, 11, 3)


@pytest.mark.parametrize("name", ["a.gif", "a.GIF", "a.photo", "a"])
def test_what_cannot_be_written_in_its_format_becomes_png(tmp_path, name):
    save(
        tmp_path / "in" / name, format="GIF" if name.lower().endswith("gif") else "PNG"
    )
    paint(tmp_path / "in" / name, tmp_path / "out")
    assert tree(tmp_path / "out") == ["a.png"]
    with Image.open(tmp_path / "out" / "a.png") as drawn:
        assert drawn.format == "PNG" and drawn.size == (11, 7)


# -- what goes wrong -------------------------------------------------------------------------------


def test_existing_files_are_refused_and_not_changed(tmp_path):
    for name in ("a.png", "b.png"):
        save(tmp_path / "in" / name)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").write_bytes(b"precious")
    painted = []
    outcome = paint(
        tmp_path / "in", tmp_path / "out", lambda rgb: painted.append(rgb) or rgb
    )
    assert (tmp_path / "out" / "a.png").read_bytes() == b"precious"
    assert len(painted) == 1  # no work is done for what is refused
    assert outcome.written == (tmp_path / "out" / "b.png",)
    (line,) = outcome.failed
    assert str(tmp_path / "out" / "a.png") in line and "--overwrite" in line
    assert len(paint(tmp_path / "in", tmp_path / "out", overwrite=True).written) == 2
    assert pixels(tmp_path / "out" / "a.png").shape == (7, 11, 3)


def spoil(folder):
    """Two good photos, and two bad ones that come first, in between or last."""
    save(folder / "b.png")
    save(folder / "d.jpg", 64, 64)
    data = (folder / "d.jpg").read_bytes()
    (folder / "a.jpg").write_bytes(data[: len(data) // 2])
    (folder / "c.jpg").write_text("I am no photo.")


def test_bad_photos_are_named_and_do_not_stop_the_others(tmp_path):
    spoil(tmp_path / "in")
    outcome = paint(tmp_path / "in", tmp_path / "out")
    assert tree(tmp_path / "out") == ["b.png", "d.jpg"] and len(outcome.written) == 2
    truncated, text = outcome.failed
    assert str(tmp_path / "in" / "a.jpg") in truncated and "truncated" in truncated
    assert str(tmp_path / "in" / "c.jpg") in text and "not a JPEG" in text


def test_large_photos_are_refused_by_max_pixels(tmp_path):
    save(tmp_path / "in" / "fits.png", 10, 10)
    save(tmp_path / "in" / "large.png", 10, 11)
    outcome = paint(tmp_path / "in", tmp_path / "out", max_pixels=100)
    assert tree(tmp_path / "out") == ["fits.png"]
    assert "large.png" in outcome.failed[0] and "100 pixels" in outcome.failed[0]


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("no room\nfor tensors"), ValueError("bad")]
)
def test_a_photo_that_the_model_cannot_draw_does_not_stop_the_others(tmp_path, error):
    save(tmp_path / "in" / "large.png", 20, 20)
    save(tmp_path / "in" / "small.png", 5, 5)

    def model(rgb):
        if len(rgb) > 10:
            raise error
        return rgb

    outcome = paint(tmp_path / "in", tmp_path / "out", model)
    assert tree(tmp_path / "out") == ["small.png"] and "large.png" in outcome.failed[0]


def test_a_model_that_draws_nan_writes_nothing(tmp_path):
    save(tmp_path / "a.png")
    outcome = paint(tmp_path / "a.png", tmp_path / "b.png", lambda rgb: rgb * np.nan)
    assert tree(tmp_path) == ["a.png"]
    assert "NaN" in outcome.failed[0] and "a.png" in outcome.failed[0]


def test_faults_of_the_code_keep_their_stack_trace(tmp_path):
    save(tmp_path / "a.png")

    def broken(rgb):
        raise AttributeError("a bug")

    with pytest.raises(AttributeError):
        paint(tmp_path / "a.png", tmp_path / "b.png", broken)


def test_a_folder_shows_progress_and_a_photo_does_not(tmp_path, capsys):
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / "in" / name)
    paint(tmp_path / "in" / "a.png", tmp_path / "out.png")
    assert capsys.readouterr().err == ""
    paint(tmp_path / "in", tmp_path / "out")
    assert "3/3" in capsys.readouterr().err


# -- the command -----------------------------------------------------------------------------------


def run(monkeypatch, **settings):
    monkeypatch.setattr(
        stylize_run, "load_model", lambda path, **options: {"negative": NEGATIVE}[path]
    )
    settings = {
        name: str(value) if name in ("content", "output") else value
        for name, value in settings.items()
    }
    return stylize_run.stylize(StylizeSettings(model="negative", **settings)).status


def test_status_0_where_all_went_well(tmp_path, monkeypatch, capsys):
    save(tmp_path / "in" / "a.png")
    assert run(monkeypatch, content=tmp_path / "in", output=tmp_path / "out") == 0
    shown = capsys.readouterr()
    assert shown.out == "photos painted: 1, failed: 0\n" and shown.err == ""


def test_status_1_and_a_line_on_stderr_for_each_bad_photo(
    tmp_path, monkeypatch, capsys
):
    spoil(tmp_path / "in")
    assert run(monkeypatch, content=tmp_path / "in", output=tmp_path / "out") == 1
    shown = capsys.readouterr()
    assert shown.out == "photos painted: 2, failed: 2\n"
    lines = shown.err.replace("\r", "\n").splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 2 and "a.jpg" in errors[0] and "c.jpg" in errors[1]


def test_settings_reach_the_album(tmp_path, monkeypatch, capsys):
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", seed=1)
    options = {"content": tmp_path / "a.png", "output": tmp_path / "b.png"}
    before = pixels(tmp_path / "b.png")
    assert run(monkeypatch, **options) == 1
    np.testing.assert_array_equal(pixels(tmp_path / "b.png"), before)
    assert run(monkeypatch, **options, overwrite=True, max_pixels=76) == 1
    assert run(monkeypatch, **options, overwrite=True, max_pixels=77) == 0
    assert (pixels(tmp_path / "b.png") != before).any()


@pytest.mark.parametrize("missing", ["model", "content", "output"])
def test_a_missing_setting_is_named(missing):
    settings = {name: "x" for name in ("model", "content", "output") if name != missing}
    with pytest.raises(UserError, match=f"--{missing}"):
        StylizeSettings(**settings)


# -- textures --------------------------------------------------------------------------------------


def test_a_texture_is_what_the_model_paints_of_noise(tmp_path, monkeypatch):
    assert (
        run(
            monkeypatch,
            content="",
            texture_size="20x12",
            seed=4,
            output=tmp_path / "a.png",
        )
        == 0
    )
    wanted = image_io.to_uint8(1 - noise.natural_noise(4, 12, 20))
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), wanted)


def test_an_existing_texture_is_replaced_on_demand_alone(tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    before = pixels(tmp_path / "a.png")
    options = {"content": "", "texture_size": "11x7", "output": tmp_path / "a.png"}
    with pytest.raises(UserError, match="--overwrite"):
        run(monkeypatch, **options)
    np.testing.assert_array_equal(pixels(tmp_path / "a.png"), before)
    assert run(monkeypatch, **options, overwrite=True) == 0
    assert (pixels(tmp_path / "a.png") != before).any()


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"texture_size": "20"}, "WIDTHxHEIGHT"),
        ({"texture_size": "0x5"}, "WIDTHxHEIGHT"),
        ({"texture_size": "20x12", "content": "a.jpg"}, "without --content"),
        ({"texture_size": "20x12", "preserve_color": "luminance"}, "--preserve_color"),
        ({"texture_size": "20x12", "seed": -1}, "--seed of at least 0"),
    ],
)
def test_wrong_wishes_for_a_texture_are_one_line(changes, message):
    with pytest.raises(UserError, match=message) as caught:
        StylizeSettings(model="x", output="y.png", **changes)
    assert "\n" not in str(caught.value)


# Runs the command, then tells what it has imported.
SPY = """
import runpy, sys
if sys.argv.pop(1) == "forbidden":
    sys.modules["tensorflow"] = sys.modules["keras"] = None            # both fail to import
try:
    runpy.run_module("nst_tf.stylize", run_name="__main__", alter_sys=True)
finally:
    print("imported:", [name for name in ("tensorflow", "keras", "jax") if sys.modules.get(name)])
"""


@pytest.mark.parametrize("tensorflow", ["there", "forbidden"])
def test_a_tflite_paints_without_tensorflow(tmp_path, tensorflow):
    spoil(tmp_path / "in")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            SPY,
            tensorflow,
            f"--model={tiny.artifact('tiny.tflite')}",
            f"--content={tmp_path / 'in'}",
            f"--output={tmp_path / 'out'}",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert done.stdout.splitlines() == [
        "photos painted: 2, failed: 2",
        "imported: []",
    ], done.stderr
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "INFO" not in done.stderr  # which LiteRT says of its delegate
    assert tree(tmp_path / "out") == ["b.png", "d.jpg"]


def test_a_tflite_is_ready_within_a_second():
    # Of the processor's time, which does not depend on what else the machine does: from
    # the interpreter's start on.
    code = """
import sys, time
import nst_tf
nst_tf.load_model(sys.argv[1])
print(time.process_time())
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny.artifact("tiny.tflite"))],
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(done.stdout) < 1


@pytest.mark.parametrize(
    "style", [[], ["--style=mosaic"]], ids=["own styles", "any style"]
)
def test_a_damaged_saved_model_is_one_line_and_status_1(tmp_path, in_process, style):
    save(tmp_path / "a.png")
    (tmp_path / "night" / "1").mkdir(parents=True)
    (tmp_path / "night" / "1" / "saved_model.pb").write_bytes(b"\x08\x01 and no more")
    status, out, err = in_process(
        stylize.main,
        StylizeSettings,
        [
            f"--model={tmp_path / 'night'}",
            f"--content={tmp_path / 'a.png'}",
            f"--output={tmp_path / 'b.png'}",
            *style,
        ],
    )
    (line,) = err.splitlines()
    assert (status, out) == (1, "") and line.startswith(
        "error: Expected a model that can be opened."
    )
    assert str(tmp_path / "night" / "1") in line and not (tmp_path / "b.png").exists()


def test_a_wrong_model_is_one_line_and_status_1(tmp_path):
    save(tmp_path / "a.png")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "nst_tf.stylize",
            "--model=nowhere",
            f"--content={tmp_path / 'a.png'}",
            f"--output={tmp_path / 'b.png'}",
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: Expected") and "nowhere" in line


@pytest.mark.slow
def test_tensorflow_says_nothing_of_itself(tmp_path):
    save(tmp_path / "a.png")
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "nst_tf.stylize",
            f"--model={tiny.artifact('1')}",
            f"--content={tmp_path / 'a.png'}",
            f"--output={tmp_path / 'b.png'}",
        ],
        capture_output=True,
        text=True,
        env={
            name: value
            for name, value in os.environ.items()
            if name != "TF_CPP_MIN_LOG_LEVEL"
        },
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "photos painted: 1, failed: 0\n",
        "",
    )
