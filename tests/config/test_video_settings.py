"""Which settings count for clips, which for photos, and how times are read."""

from fractions import Fraction

import pytest
from PIL import Image

from nst_tf.config.painting.clip import is_clip, read_time
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.core.errors import UserError


def settings(content, output, **options):
    return StylizeSettings(
        model="m", content=str(content), output=str(output), **options
    )


@pytest.fixture
def files(tmp_path):
    frames = [Image.new("RGB", (8, 8), (40 * number, 0, 0)) for number in range(3)]
    for name in ("moving.webp", "moving.gif"):
        frames[0].save(
            tmp_path / name, save_all=True, append_images=frames[1:], duration=50
        )
    frames[0].save(tmp_path / "still.webp")
    frames[0].save(tmp_path / "still.png")
    return tmp_path


@pytest.mark.parametrize(
    "content, output, clip",
    [
        ("a.mp4", "b.mp4", True),
        ("a.MOV", "b.mkv", True),
        ("a.mp4", "frames/", True),
        ("a.mp4", "look.png", True),
        ("a.mp4", "b.gif", True),
        ("camera:0", "b.mp4", True),
        ("camera:0", "-", True),
        ("moving.gif", "b.gif", True),
        ("moving.gif", "b.mp4", True),
        ("moving.gif", "b.webp", True),
        ("moving.gif", "b.png", False),
        ("moving.webp", "b.webp", True),
        ("moving.webp", "b.png", False),
        ("still.webp", "b.webp", False),
        ("still.png", "b.webp", False),
        ("photos/", "painted/", False),
        ("photos/", "b.mp4", True),
        ("still.png", "b.png", False),
        ("-", "b.png", False),
    ],
)
def test_a_clip_is_told_by_content_and_output(
    files, monkeypatch, content, output, clip
):
    monkeypatch.chdir(files)
    assert is_clip(content, output) == clip
    assert settings(content, output).paints_clip == clip


@pytest.mark.parametrize(
    "option",
    [
        {"start": "1"},
        {"end": "1"},
        {"codec": "vp9"},
        {"crf": 30},
        {"fps": 30.0},
        {"part_frames": 5},
    ],
)
def test_settings_of_clips_are_refused_for_photos(option):
    (name,) = option
    with pytest.raises(UserError, match=f"--{name} with a clip as --content.*out"):
        settings("photo.jpg", "out.jpg", **option)


@pytest.mark.parametrize(
    "content, output, option",
    [
        ("a.mp4", "b.mp4", {"skip_existing": True}),
        ("a.mp4", "b.mp4", {"quality": 80}),
        ("a.mp4", "frames/", {"quality": 80}),
        ("a.mp4", "b.gif", {"codec": "vp9"}),
        ("a.mp4", "frames/", {"crf": 20}),
        ("a.mp4", "b.mp4", {"fps": 30.0}),
        ("camera:0", "b.mp4", {"start": "3"}),
        ("a.mp4", "look.png", {"end": "3"}),
        ("a.mp4", "look.png", {"part_frames": 3}),
        ("camera:0", "-", {"stdout_format": "jpg"}),
    ],
)
def test_what_does_not_count_for_this_clip_is_refused_by_name(
    tmp_path, monkeypatch, content, output, option
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.mp4").touch()
    (name,) = option
    with pytest.raises(UserError, match=f"--{name} with .*Leave --{name} out"):
        settings(content, output, **option)


@pytest.mark.parametrize(
    "content, output, words",
    [
        ("a.mp4", "-", "a file or a folder as --output for a clip"),
        ("a.mp4", "b.avi", "a clip that can be written .*b.avi"),
        ("a.mp4", "b.txt", "image suffix"),
    ],
)
def test_outputs_that_no_clip_becomes_are_refused(content, output, words):
    with pytest.raises(UserError, match=words):
        settings(content, output)


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("", 0),
        ("90", 90),
        ("1:30", 90),
        ("00:01:30.5", Fraction(181, 2)),
        ("0.04", Fraction(1, 25)),
        (".5", Fraction(1, 2)),
        ("100:00:00", 360000),
    ],
)
def test_times_are_read_exactly(text, seconds):
    assert read_time("start", text) == seconds


@pytest.mark.parametrize("text", ["soon", "-3", "1:2:3:4", "1e3", "nan", ":"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(UserError, match="--start as seconds or HH:MM:SS"):
        settings("a.mp4", "b.mp4", start=text, end="1000000")


def test_a_clip_ends_after_it_starts():
    with pytest.raises(UserError, match="--end after --start.*0:10"):
        settings("a.mp4", "b.mp4", start="10", end="0:10")
