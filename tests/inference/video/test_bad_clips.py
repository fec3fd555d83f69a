"""Clips that are broken, and what cannot be written: one line each, and nothing lost."""

import resource
import signal
import sys

import numpy as np
import pytest
from PIL import Image
from support import clips
from support.painting import NEGATIVE, save

from nst_tf import stylize
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.core.errors import UserError
from nst_tf.inference import run as stylize_run
from nst_tf.inference.video.run import stylize_video
from nst_tf.video.reading.clip import Clip

MODEL = "--model=starry_night_mobile"


@pytest.fixture
def command(in_process, monkeypatch):
    """Runs `nst stylize` with a model that paints negatives."""
    monkeypatch.setattr(stylize_run, "load_model", lambda *a, **k: NEGATIVE)

    def run(*arguments):
        words = [MODEL, *map(str, arguments)]
        return in_process(stylize.main, StylizeSettings, words)

    return run


@pytest.mark.parametrize(
    "suffix, options",
    [("mp4", {"movflags": "+faststart"}), ("mkv", {}), ("webm", {}), ("ts", {})],
)
def test_what_is_there_of_a_clip_that_is_cut_off_is_painted(
    tmp_path, command, suffix, options
):
    path = tmp_path / f"clip.{suffix}"
    clips.write_clip(
        path,
        clips.pictures(60),
        codec="libvpx-vp9" if suffix == "webm" else "libx264",
        container_options=options,
        sound="libopus" if suffix == "webm" else True,
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    out = tmp_path / "out.mkv"
    status, _, error = command(f"--content={path}", f"--output={out}")
    if suffix == "ts":  # it does not say how long it is; its end is a damaged packet
        assert status in (0, 1)
    else:
        assert status == 1
        assert f"error: {path}: it is cut off at " in error
    assert 5 < len(clips.frames(out)) < 60
    assert not list(tmp_path.glob(".*"))


def test_what_cannot_be_decoded_in_the_middle_is_said(tmp_path, command):
    path = tmp_path / "clip.mkv"
    clips.write_clip(path, options={"crf": "8", "g": "1"})
    data = bytearray(path.read_bytes())
    _, packet = clips.packets(path, "video")[10]
    place = data.find(packet)
    data[place : place + len(packet)] = bytes(len(packet))
    path.write_bytes(data)
    status, _, error = command(f"--content={path}", f"--output={tmp_path}/out.mp4")
    assert status == 1 and "error: " + str(path) in error
    assert len(clips.frames(tmp_path / "out.mp4")) >= 15


@pytest.mark.parametrize(
    "name, make, words",
    [
        ("a.mp4", lambda path: path.write_bytes(b"no clip"), "a clip that can be open"),
        ("a.mp4", lambda path: path.write_bytes(b""), "a clip that can be opened"),
        ("a.mkv", lambda path: None, "No such file"),
        ("a.mp4", lambda path: clips.write_sound(path), "video stream.*audio alone"),
        ("a.gif", lambda path: path.write_bytes(b"GIF89a half"), "an animation that"),
    ],
)
def test_what_is_no_clip_is_one_line(tmp_path, command, name, make, words):
    make(tmp_path / name)
    before = sorted(tmp_path.iterdir())
    status, _, error = command(
        f"--content={tmp_path / name}", f"--output={tmp_path}/out.mp4"
    )
    assert status == 1 and len(error.strip().splitlines()) == 1
    assert error.startswith("error: Expected ")
    with pytest.raises(UserError, match=words):
        stylize_video(NEGATIVE, tmp_path / name, tmp_path / "out.mp4")
    assert sorted(tmp_path.iterdir()) == before


def test_a_clip_without_frames_is_one_line(tmp_path):
    path = tmp_path / "empty.mp4"
    clips.write_clip(path, clips.pictures(3))
    data = path.read_bytes()
    place = data.find(b"mdat")
    length = int.from_bytes(data[place - 4 : place], "big")
    blank = bytes(length - 8)  # all that is to be decoded
    path.write_bytes(data[: place + 4] + blank + data[place + 4 + len(blank) :])
    with pytest.raises(UserError, match="a clip with frames.*has none .*decoded"):
        stylize_video(NEGATIVE, path, tmp_path / "out.mp4")


def test_frames_of_another_size_stop_it_aloud(tmp_path):
    path = clips.write_clip(tmp_path / "clip.mkv", clips.pictures(4))
    clip = Clip(path)
    clip._coded_size = 24, 32  # as if its first frames had been smaller
    with pytest.raises(UserError, match="frames of one size.*changes at 0.00 s"):
        list(clip.read())


@pytest.mark.parametrize(
    "option, words",
    [
        ({"codec": "h263p"}, "--codec that .mp4 takes"),
        ({"codec": "nonsense"}, "--codec that this build of PyAV encodes.*nonsense"),
        ({"codec": "aac"}, "--codec of video.*aac"),
        ({"crf": 60}, "--crf of at most 51 for h264.*60"),
        ({"start": "1:00:00"}, "frames between --start and --end"),
        ({"max_pixels": 100}, "at most 100 pixels a frame"),
    ],
)
def test_settings_that_a_clip_cannot_have_are_one_line(tmp_path, option, words):
    path = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(3))
    with pytest.raises(UserError, match=words):
        stylize_video(NEGATIVE, path, tmp_path / "out.mp4", **option)
    assert sorted(tmp_path.iterdir()) == [tmp_path / "clip.mp4"]


@pytest.fixture
def limited():
    """Has the system refuse files beyond a size, as a full disk does."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size or soft, hard))

    yield limit
    limit(None)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.fixture(scope="module")
def noisy(tmp_path_factory):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (30, 96, 128, 3), np.uint8)
    return clips.write_clip(tmp_path_factory.mktemp("noisy") / "clip.mp4", noise)


def test_a_disk_that_is_full_keeps_the_parts(tmp_path, noisy, limited):
    out = tmp_path / "out.mp4"
    stylize_video(NEGATIVE, noisy, out, part_frames=10)
    size = out.stat().st_size
    out.unlink()
    limited(size // 2)  # a third of it fits, all of it does not
    with pytest.raises(UserError, match="can be written.*out.mp4.*goes on"):
        stylize_video(NEGATIVE, noisy, out, part_frames=10)
    limited(None)
    (folder,) = tmp_path.iterdir()
    assert len(list(folder.glob("part-*"))) == 3
    outcome = stylize_video(NEGATIVE, noisy, out, part_frames=10)
    assert outcome.frames == 30 and out.stat().st_size == size
    assert list(tmp_path.iterdir()) == [out]


def test_a_part_that_does_not_fit_is_one_line(tmp_path, noisy, limited):
    limited(20_000)
    with pytest.raises(UserError, match="File too large.*goes on"):
        stylize_video(NEGATIVE, noisy, tmp_path / "out.mp4")
    limited(None)
    (folder,) = tmp_path.iterdir()
    assert [path.name for path in folder.iterdir()] == ["asked.json"]


def test_a_clip_never_takes_its_own_place(tmp_path):
    path = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(3))
    before = (tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "link.mp4").symlink_to(path)
    for name in ("clip.mp4", "link.mp4"):
        with pytest.raises(UserError, match="not one of the pictures painted from"):
            stylize_video(NEGATIVE, path, tmp_path / name, overwrite=True)
    assert (tmp_path / "clip.mp4").read_bytes() == before


def test_files_that_exist_stay(tmp_path):
    path = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(3))
    (tmp_path / "out.mp4").write_bytes(b"mine")
    (tmp_path / "frames").mkdir()
    Image.new("RGB", (3, 3)).save(tmp_path / "frames" / "000001.png")
    for name in ("out.mp4", "frames/"):
        with pytest.raises(UserError, match="add --overwrite"):
            stylize_video(NEGATIVE, path, f"{tmp_path}/{name}")
    assert (tmp_path / "out.mp4").read_bytes() == b"mine"
    stylize_video(NEGATIVE, path, tmp_path / "out.mp4", overwrite=True)
    assert len(clips.frames(tmp_path / "out.mp4")) == 3


def test_a_camera_that_is_absent_is_one_line(tmp_path):
    pytest.importorskip("cv2", reason="needs OpenCV: pip install 'nst_tf[video]'")
    with pytest.raises(UserError, match="a camera that gives pictures.*camera:63"):
        stylize_video(NEGATIVE, "camera:63", tmp_path / "out.mp4")
    with pytest.raises(UserError, match="a camera as camera:NUMBER.*camera:front"):
        stylize_video(NEGATIVE, "camera:front", tmp_path / "out.mp4")


@pytest.mark.parametrize("module, content", [("av", "a.mp4"), ("cv2", "camera:0")])
def test_a_missing_package_is_one_line_with_the_remedy(
    tmp_path, monkeypatch, module, content
):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "a.mp4").write_bytes(b"any")
    content = content if module == "cv2" else tmp_path / content
    with pytest.raises(UserError, match=r"pip install 'nst_tf\[video\]'"):
        stylize_video(NEGATIVE, content, tmp_path / "out.mp4")


def test_photos_are_no_clip(tmp_path):
    save(tmp_path / "a.png")
    with pytest.raises(UserError, match="Paint photos with stylize_files"):
        stylize_video(NEGATIVE, tmp_path / "a.png", tmp_path / "b.png")
