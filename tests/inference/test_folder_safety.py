"""Folders of photos: originals stay, a folder goes on, what is written is told by its name."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from support.painting import NEGATIVE, paint, pixels, save, tree

from nst_tf.config.painting.client import ClientSettings
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io
from nst_tf.inference import run as stylize_run


def read_all(folder):
    return {name: (folder / name).read_bytes() for name in tree(folder)}


def run(monkeypatch, **settings):
    monkeypatch.setattr(stylize_run, "load_model", lambda path, **options: NEGATIVE)
    settings = {
        name: str(value) if isinstance(value, os.PathLike) else value
        for name, value in settings.items()
    }
    return stylize_run.stylize(StylizeSettings(model="negative", **settings)).status


# -- originals stay --------------------------------------------------------------------------------


def make_album(folder):
    for name in ("a.png", "deep/b.jpg", "c.gif"):
        save(folder / name)


@pytest.mark.parametrize("content", ["", "*", "**/*", "a.png", "deep/b.jpg"])
@pytest.mark.parametrize("linked", [False, True])
def test_a_folder_painted_onto_itself_keeps_its_photos(tmp_path, content, linked):
    make_album(tmp_path / "in")
    before = read_all(tmp_path / "in")
    output = tmp_path / "in"
    if content == "deep/b.jpg":
        output = output / "deep"
    if linked:
        (tmp_path / "link").symlink_to(output)
        output = tmp_path / "link"
    # The GIF becomes a PNG beside it; nothing else can be written.
    try:
        outcome = paint(tmp_path / "in" / content, output, overwrite=True)
        assert [path.name for path in outcome.written] == ["c.png"]
    except UserError as error:
        assert "originals are never replaced" in str(error)
    after = read_all(tmp_path / "in")
    after.pop("c.png", None)
    assert after == before


@pytest.mark.parametrize("how", ["itself", "symbolic link", "hard link"])
def test_a_file_is_never_painted_onto_a_photo_by_whatever_name(tmp_path, how):
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "b.png", seed=1)
    before = read_all(tmp_path / "in")
    target = tmp_path / "in" / "a.png"
    if how != "itself":
        target = tmp_path / "out.png"
        make = os.symlink if how == "symbolic link" else os.link
        make(tmp_path / "in" / "a.png", target)
    with pytest.raises(UserError, match="originals are never replaced"):
        paint(tmp_path / "in" / "a.png", target, overwrite=True)
    assert read_all(tmp_path / "in") == before


def test_a_link_among_the_outputs_to_another_photo_is_not_followed(tmp_path):
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "b.png", seed=1)
    before = read_all(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.png").symlink_to(tmp_path / "in" / "b.png")
    outcome = paint(tmp_path / "in", tmp_path / "out", overwrite=True)
    assert read_all(tmp_path / "in") == before
    assert [path.name for path in outcome.written] == ["b.png"]
    assert "originals" in outcome.failed[0]


def test_pictures_of_styles_and_masks_are_not_replaced(tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    save(tmp_path / "mask.png", mode="L")
    before = read_all(tmp_path)
    for name in ("style", "content_masks"):
        given = {"style": ("negative",), name: (str(tmp_path / "mask.png"),)}
        monkeypatch.setattr(NEGATIVE, "prepare", lambda *rest: lambda rgb: 1 - rgb)
        with pytest.raises(UserError, match="originals are never replaced"):
            run(
                monkeypatch,
                content=tmp_path / "a.png",
                output=tmp_path / "mask.png",
                overwrite=True,
                **given,
            )
    assert read_all(tmp_path) == before


def test_a_glob_that_climbs_writes_nothing_outside_the_output(tmp_path):
    save(tmp_path / "in" / "x" / "a.png")
    save(tmp_path / "other" / "b.png")
    before = tree(tmp_path)
    for pattern in ("in/*/../../other/*.png", "in/**/../x/a.png"):
        with pytest.raises(UserError, match=r"without \.\. after its first"):
            paint(tmp_path / pattern, tmp_path / "deep" / "out", overwrite=True)
    assert tree(tmp_path) == before
    outcome = paint(tmp_path / "in" / ".." / "other" / "*.png", tmp_path / "out")
    assert tree(tmp_path / "out") == ["b.png"] and not outcome.failed


# -- a folder goes on ------------------------------------------------------------------------------


def test_skip_existing_paints_what_is_missing_and_nothing_else(
    tmp_path, monkeypatch, capsys
):
    for name in ("a.png", "b.png", "deep/c.png"):
        save(tmp_path / "in" / name)
    save(tmp_path / "out" / "b.png", seed=5)
    before = (tmp_path / "out" / "b.png").read_bytes()
    options = {
        "content": tmp_path / "in",
        "output": tmp_path / "out",
        "skip_existing": True,
    }
    assert run(monkeypatch, **options) == 0
    assert capsys.readouterr().out == "photos painted: 2, skipped: 1, failed: 0\n"
    assert (tmp_path / "out" / "b.png").read_bytes() == before
    assert run(monkeypatch, **options) == 0
    assert capsys.readouterr().out == "photos painted: 0, skipped: 3, failed: 0\n"
    assert tree(tmp_path / "out") == ["a.png", "b.png", "deep/c.png"]


@pytest.mark.parametrize("settings", [StylizeSettings, ClientSettings])
def test_to_skip_and_to_replace_is_one_line(settings):
    given = {"server": "a:1"} if settings is ClientSettings else {}
    with pytest.raises(UserError, match="--overwrite or --skip_existing"):
        settings(
            model="m",
            content="a",
            output="b",
            overwrite=True,
            skip_existing=True,
            **given,
        )


@pytest.mark.parametrize("content", ["", "**/*.png", "*/*.png", "*", "../link"])
@pytest.mark.parametrize("output", ["painted", "deep/painted"])
def test_results_inside_the_folder_are_not_painted_again(tmp_path, content, output):
    save(tmp_path / "in" / "a.png")
    save(tmp_path / "in" / "deep" / "b.png")
    (tmp_path / "link").symlink_to(tmp_path / "in")
    folder = tmp_path / "in" / output
    spec = tmp_path / "link" if content == "../link" else tmp_path / "in" / content
    first = paint(spec, folder)
    again = paint(spec, folder, skip_existing=True)
    assert first.written and not again.written and not again.failed
    assert sorted(again.skipped) == sorted(first.written)


def test_a_file_written_into_the_folder_is_no_second_photo(tmp_path):
    save(tmp_path / "a.png")
    for _ in range(2):
        paint(tmp_path, tmp_path / "out.png", overwrite=True)
    np.testing.assert_array_equal(
        pixels(tmp_path / "out.png"), 255 - pixels(tmp_path / "a.png")
    )


# Paints slowly, and says when a temporary file is there.
SLOW = """
import sys, time
from nst_tf.core import files
from nst_tf.config.commandline import flags
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.inference import folder
fsync, count = files.os.fsync, 0
def wait(*args):
    global count
    count += 1
    if count == 3:
        print("writing", flush=True)
        time.sleep(60)
    fsync(*args)
files.os.fsync = wait
flags.run(lambda settings: folder.run_folder(lambda rgb: 1 - rgb, settings), StylizeSettings)
"""


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_folder_keeps_what_is_finished_and_says_how_to_go_on(tmp_path, sent):
    for name in "abcde":
        save(tmp_path / "in" / f"{name}.png")
    arguments = ["--model=m", f"--content={tmp_path}/in", f"--output={tmp_path}/out"]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "writing\n"
    assert len(os.listdir(tmp_path / "out")) == 3  # one of them the temporary file
    time.sleep(0.1)
    process.send_signal(sent)
    _, err = process.communicate()
    assert process.returncode == 130
    assert sorted(os.listdir(tmp_path / "out")) == ["a.png", "b.png"]
    last = err.replace("\r", "\n").splitlines()[-1]
    assert "interrupted: 2 photos painted" in last and "--skip_existing" in last
    outcome = paint(tmp_path / "in", tmp_path / "out", skip_existing=True)
    assert len(outcome.written) == 3 and len(outcome.skipped) == 2


# -- names, quality, sizes -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.heic", "x.pdf", "x.txt", "x.ico", "a/x.2024"])
def test_an_output_of_an_unknown_format_is_refused_unless_it_is_a_folder(
    tmp_path, monkeypatch, name
):
    save(tmp_path / "a.png")
    output = f"{tmp_path}/{name}"
    with pytest.raises(UserError, match="can be written.* end it in /"):
        run(monkeypatch, content=tmp_path / "a.png", output=output)
    assert tree(tmp_path) == ["a.png"]
    assert run(monkeypatch, content=tmp_path / "a.png", output=f"{output}/") == 0
    assert tree(tmp_path / name) == ["a.png"]
    # Now it is there, and needs no slash.
    options = {"content": tmp_path / "a.png", "output": output}
    assert run(monkeypatch, **options, overwrite=True) == 0


@pytest.mark.parametrize("suffix, format", [("jpg", "JPEG"), ("webp", "WEBP")])
def test_quality_is_that_of_pillow(tmp_path, monkeypatch, suffix, format):
    save(tmp_path / "a.png", 40, 60)
    sizes = []
    for quality in (10, 60, 100):
        output = tmp_path / f"{quality}.{suffix}"
        options = {"content": tmp_path / "a.png", "output": output}
        assert run(monkeypatch, **options, quality=quality) == 0
        sizes.append(output.stat().st_size)
    assert sizes == sorted(sizes) and sizes[-1] > 2 * sizes[0]
    # Pillow's own file at this quality has the same tables, or pixels.
    own = Image.fromarray(255 - pixels(tmp_path / "a.png"))
    own.save(tmp_path / f"own.{suffix}", format, quality=60, subsampling=0, exact=True)
    with (
        Image.open(tmp_path / f"own.{suffix}") as wanted,
        Image.open(tmp_path / f"60.{suffix}") as found,
    ):
        np.testing.assert_array_equal(np.asarray(found), np.asarray(wanted))
    for wrong in (0, 101):
        with pytest.raises(UserError, match="--quality from 1 to 100"):
            run(monkeypatch, **options, quality=wrong)


@pytest.mark.parametrize("strip", [False, True])
def test_what_the_photos_file_says_is_kept_or_left_out(tmp_path, monkeypatch, strip):
    exif = Image.Exif()
    exif[0x010F] = "Camera maker"
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    save(tmp_path / "a.jpg", exif=exif, dpi=(300, 300))
    options = {"content": tmp_path / "a.jpg", "output": tmp_path / "b.jpg"}
    assert run(monkeypatch, **options, strip_metadata=strip) == 0
    with Image.open(tmp_path / "b.jpg") as drawn:
        found = drawn.getexif()
        assert drawn.info.get("dpi") == (None if strip else (300, 300))
    assert found.get(0x010F) == (None if strip else "Camera maker")
    assert bool(found.get_ifd(0x8825)) == (not strip)
    assert found.get(0x0112, 1) == 1


@pytest.mark.parametrize("size, drawn", [((64, 48), (32, 24)), ((20, 90), (7, 32))])
def test_larger_photos_are_painted_at_image_size(tmp_path, monkeypatch, size, drawn):
    save(tmp_path / "in" / "large.png", *size)
    save(tmp_path / "in" / "small.png", 9, 31)
    options = {"content": tmp_path / "in", "output": tmp_path / "out"}
    assert run(monkeypatch, **options, image_size=32) == 0
    assert pixels(tmp_path / "out" / "large.png").shape[:2] == drawn
    assert pixels(tmp_path / "out" / "small.png").shape[:2] == (9, 31)
    wanted = image_io.read_image(tmp_path / "in" / "large.png", long_side=32).rgb
    np.testing.assert_array_equal(
        pixels(tmp_path / "out" / "large.png"), image_io.to_uint8(1 - wanted)
    )


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"texture_size": "20x12", "output": "b/"}, "a file as --output"),
        ({"texture_size": "20x12", "output": "b"}, "a file as --output"),
        ({"texture_size": "20x12", "output": "b.png", "image_size": 5}, "--image_size"),
        (
            {
                "content": "a.png",
                "output": "b.png",
                "image_size": 5,
                "style": ("x",),
                "content_masks": ("m.png",),
            },
            "--image_size",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(changes, message):
    with pytest.raises(UserError, match=message):
        StylizeSettings(model="m", **changes)


def test_a_texture_says_what_it_wrote(tmp_path, monkeypatch, capsys):
    output = tmp_path / "a.png"
    assert run(monkeypatch, texture_size="20x12", output=output) == 0
    assert capsys.readouterr().out == f"wrote {output}\n"


def test_an_animation_and_what_is_left_out_are_told(tmp_path, monkeypatch, caplog):
    save(tmp_path / "in" / "a.png")
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    frames[0].save(tmp_path / "in" / "b.gif", save_all=True, append_images=frames[1:])
    (tmp_path / "in" / "notes.txt").write_text("no photo")
    output = tmp_path / "out"
    assert run(monkeypatch, content=tmp_path / "in", output=output) == 0
    assert "1 file left out" in caplog.text and ".txt 1" in caplog.text
    assert "b.gif" in caplog.text and "frames" in caplog.text
