"""A clip that is stopped goes on: nothing painted twice, and the same in the end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support import clips
from support.painting import negative

from nst_tf.config.painting.video import VideoSettings
from nst_tf.core.errors import UserError
from nst_tf.inference.video import run as video_run
from nst_tf.video.frames import EachFrame

PART = 6  # frames; 20 frames are three parts and a short one


class Trail:
    """A painter that remembers: each frame leaves a trail in the later ones."""

    def __init__(self, stop_at=None):
        self.painted, self._stop_at, self._trail = 0, stop_at, None

    def paint(self, rgb):
        if self.painted == self._stop_at:
            raise KeyboardInterrupt
        self.painted += 1
        before = rgb if self._trail is None else self._trail
        self._trail = (0.6 * before + 0.4 * rgb).astype(np.float32)
        return self._trail

    def reset(self):
        self._trail = None

    def state(self):
        return {} if self._trail is None else {"trail": self._trail}

    def restore(self, state):
        self._trail = state["trail"]


def paint(painter, content, output, model="model", monkeypatch=None, **options):
    settings = VideoSettings(
        model="opened",
        content=str(content),
        output=str(output),
        part_frames=PART,
        **options,
    )
    monkeypatch.setattr(video_run, "_make_painter", lambda *unused: painter)
    return video_run.paint_video(negative, settings, model)


@pytest.fixture
def painting(monkeypatch):
    def call(painter, *arguments, **options):
        return paint(painter, *arguments, monkeypatch=monkeypatch, **options)

    return call


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return clips.write_clip(path, times=clips.variable_times(), sound=True)


def parts(folder):
    return sorted(path.name for path in folder.glob(".*.parts/part-*"))


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.gif", "frames/"])
@pytest.mark.parametrize("stop", [3, 6, 13, 19])
def test_a_stopped_run_ends_as_one_that_was_not(tmp_path, painting, clip, name, stop):
    whole, again = tmp_path / "whole", tmp_path / "again"
    for folder in (whole, again):
        folder.mkdir()
    painting(Trail(), clip, f"{whole}/{name}")
    with pytest.raises(KeyboardInterrupt, match="the same command goes on"):
        painting(Trail(stop), clip, f"{again}/{name}")
    assert not list(again.glob("out.*")) and len(parts(again)) == stop // PART
    painter = Trail()
    outcome = painting(painter, clip, f"{again}/{name}")
    assert outcome.frames == 20 and painter.painted == 20 - stop // PART * PART
    files = [path for path in sorted(whole.rglob("*")) if path.is_file()]
    assert files
    for path in files:
        twin = again / path.relative_to(whole)
        assert twin.read_bytes() == path.read_bytes()
    assert not list(tmp_path.rglob("*.parts"))


def test_frames_of_one_run_in_parts_are_those_of_one_encoder(tmp_path, painting, clip):
    """Joined parts decode to as many frames, at the same times, as a single part does."""
    painting(EachFrame(negative), clip, tmp_path / "parts.mp4")
    settings = VideoSettings(
        model="opened", content=clip, output=str(tmp_path / "one.mp4")
    )
    video_run.paint_video(negative, settings, "model")
    assert clips.times(tmp_path / "parts.mp4") == clips.times(tmp_path / "one.mp4")
    one, other = (clips.frames(tmp_path / f"{name}.mp4") for name in ("parts", "one"))
    assert np.abs(one.astype(float) - other).mean() < 2


def test_a_part_that_is_cut_short_counts_for_nothing(tmp_path, painting, clip):
    out = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        painting(Trail(13), clip, out)
    (folder,) = tmp_path.glob(".*.parts")
    # As a kill leaves it: a part under its temporary name, and its state.
    (folder / ".part-000002.zip.tmp").write_bytes(b"PK half")
    (folder / "state-000002.npz").write_bytes(b"half")
    painter = Trail()
    painting(painter, clip, out)
    assert painter.painted == 8
    painting(Trail(), clip, tmp_path / "whole.mp4")
    assert out.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


def test_a_part_without_its_state_is_painted_again(tmp_path, painting, clip):
    with pytest.raises(KeyboardInterrupt):
        painting(Trail(13), clip, tmp_path / "out.mp4")
    (folder,) = tmp_path.glob(".*.parts")
    (folder / "state-000001.npz").rename(folder / "state-000000.npz")
    painter = Trail()
    painting(painter, clip, tmp_path / "out.mp4")
    assert painter.painted == 14


@pytest.mark.parametrize(
    "change", [{"crf": 30}, {"strength": 0.5}, {"model": "other"}, {"start": "0.1"}]
)
def test_parts_of_other_settings_are_not_gone_on_with(
    tmp_path, painting, clip, change, capsys
):
    out = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        painting(Trail(13), clip, out)
    (name,) = change
    with pytest.raises(UserError, match=f"another {name}.*--overwrite .2 parts"):
        painting(Trail(), clip, out, **change)
    assert len(parts(tmp_path)) == 2
    painter = Trail()
    painting(painter, clip, out, overwrite=True, **change)
    assert "begins anew: another " + name in capsys.readouterr().err
    assert out.exists() and painter.painted >= 17


def test_a_changed_clip_is_not_gone_on_with(tmp_path, painting):
    clip = clips.write_clip(tmp_path / "clip.mp4")
    with pytest.raises(KeyboardInterrupt):
        painting(Trail(13), clip, tmp_path / "out.mp4")
    clips.write_clip(clip, clips.pictures()[::-1])
    with pytest.raises(UserError, match="another content"):
        painting(Trail(), clip, tmp_path / "out.mp4")


def test_overwrite_goes_on_with_parts_of_the_same(tmp_path, painting, clip):
    out = tmp_path / "out.mp4"
    out.write_bytes(b"an older one")
    with pytest.raises(KeyboardInterrupt):
        painting(Trail(13), clip, out, overwrite=True)
    assert out.read_bytes() == b"an older one"
    painter = Trail()
    painting(painter, clip, out, overwrite=True)
    assert painter.painted == 8 and out.stat().st_size > 1000


@pytest.mark.slow
def test_a_kill_costs_one_part_at_most(tmp_path):
    """A real process, killed without a word while it paints its third part."""
    clip = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(60), sound=True)
    command = [
        *(sys.executable, "-m", "nst_tf.stylize", "--model=starry_night_mobile"),
        *(f"--content={clip}", "--part_frames=10"),
    ]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    running = subprocess.Popen(
        [*command, f"--output={tmp_path}/out.mp4"],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while len(parts(tmp_path)) < 2 and time.monotonic() < deadline:
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = len(parts(tmp_path))
    assert 2 <= kept < 6 and not (tmp_path / "out.mp4").exists()
    times = {
        path: path.stat().st_mtime_ns for path in tmp_path.glob(".*.parts/part-*.zip")
    }
    again = [*command, f"--output={tmp_path}/out.mp4"]
    done = subprocess.run(again, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f" {kept * 10}/60" in done.stderr  # where its progress begins
    assert times
    whole = [*command, f"--output={tmp_path}/whole.mp4"]
    subprocess.run(whole, env=environment, check=True, capture_output=True)
    one, other = tmp_path / "out.mp4", tmp_path / "whole.mp4"
    assert one.read_bytes() == other.read_bytes()
