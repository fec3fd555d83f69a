"""Optimized clips as files: what is kept, what goes on, what is refused; without a network."""

import json
import os
import signal
import sys

import numpy as np
import pytest
from PIL import Image
from support import clips, negatives
from support.pictures import smooth
from support.watched_runs import log, strike_at

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io
from nst_tf.optimization.command import run_command
from nst_tf.optimization.run import optimize_image
from nst_tf.optimization.video import run as video_run
from nst_tf.optimization.video.run import optimize_clip

pytest.importorskip("cv2")
FRAMES, CUT = 5, 3


@pytest.fixture(autouse=True)
def without_network(monkeypatch):
    monkeypatch.setattr(video_run, "pose", negatives.pose)


def spots(seed, moved=0):
    """A textured picture, which flow can follow, moved to the right."""
    grain = np.random.default_rng(seed).normal(0, 40, (clips.HEIGHT, 90, 3))
    grain = (grain + np.roll(grain, 1, 0) + np.roll(grain, 1, 1)) / 2
    whole = np.asarray(smooth(clips.HEIGHT, 90, seed)) + grain
    crop = whole[:, 20 - moved : 20 - moved + clips.WIDTH]
    return np.clip(crop, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Three frames that move, a cut, and two frames that do not."""
    frames = [spots(0, number) for number in range(CUT)] + 2 * [spots(9)]
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    times = clips.variable_times(FRAMES)
    title = {"title": "Spots"}
    return clips.write_clip(path, np.stack(frames), times, sound=True, metadata=title)


def small(content, output, **changes):
    return OptimizeSettings(
        **{
            "content": str(content),
            "output": str(output),
            "style": ("starry_swirls",),
            "optimizer": "adam",
            "iterations": 30,
            "frame_iterations": 6,
            "scales": 1,
            **changes,
        }
    )


def paint(*arguments, **changes):
    return optimize_clip(small(*arguments, **changes), lambda line: None)


@pytest.fixture(scope="module")
def painted(clip, tmp_path_factory):
    output = tmp_path_factory.mktemp("painted") / "out.mp4"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(video_run, "pose", negatives.pose)
        result = paint(clip, output, crf=4)
    return output, result


def painted_frames(run, pass_number=1):
    folder = run / "frames" / f"pass_{pass_number:02d}"
    return [image_io.decode_rgb8(path) for path in sorted(folder.glob("*.png"))]


# -- what is written -------------------------------------------------------------------------------


def test_sound_times_and_title_are_those_of_the_clip(clip, painted):
    output, result = painted
    assert (result.frames, result.scenes, result.faults) == (FRAMES, 2, ())
    with clips.av.open(str(output)) as container:
        assert container.metadata["title"] == "Spots"
        (sound,) = container.streams.audio
        assert sound.codec_context.name == "aac"
    assert clips.times(output) == clips.times(clip)
    data = [packet for _, packet in clips.packets(clip, "audio")]
    assert [packet for _, packet in clips.packets(output, "audio")] == data


def test_what_is_written_is_what_was_kept(painted):
    output, _ = painted
    kept = painted_frames(output.with_name("out_run"))
    lightness = (0.299, 0.587, 0.114)  # a clip has half as much of the rest
    difference = (np.stack(kept) - clips.frames(output).astype(float)) @ lightness
    assert np.abs(difference).mean() < 1.5


def test_the_log_has_a_line_a_frame(painted):
    run = painted[0].with_name("out_run")
    entries = log(run)
    assert [entry["frame"] for entry in entries] == list(range(1, FRAMES + 1))
    followed = ["temporal" in entry for entry in entries]
    assert followed == [False, True, True, False, True]
    record = json.loads((run / "run.json").read_text())
    assert (record["frames"], record["scenes"]) == (FRAMES, 2)


def test_an_animation_becomes_an_animation(tmp_path):
    frames = [Image.fromarray(spots(1, number)) for number in range(2)]
    more = {"save_all": True, "append_images": frames[1:], "duration": 70}
    frames[0].save(tmp_path / "in.gif", **more)
    paint(tmp_path / "in.gif", tmp_path / "out.gif", frame_iterations=1)
    with Image.open(tmp_path / "out.gif") as image:
        assert image.n_frames == 2 and image.info["duration"] == 70


def test_a_clip_becomes_a_folder_of_frames_of_image_size(clip, tmp_path):
    paint(clip, f"{tmp_path}/frames/", image_size=32, end="0.01")
    (frame,) = (tmp_path / "frames").iterdir()
    assert frame.name == "000001.png"
    assert image_io.read_image(frame).size == (24, 32)


def test_small_frames_are_not_enlarged(painted):
    assert clips.frames(painted[0]).shape[1:3] == (clips.HEIGHT, clips.WIDTH)


# -- coherence -------------------------------------------------------------------------------------


def test_a_still_clip_stays_still(tmp_path):
    content = clips.write_clip(tmp_path / "still.mp4", np.stack(4 * [spots(2)]))
    paint(content, tmp_path / "out.mp4", optimizer="lbfgs", iterations=15)
    first, *others = painted_frames(tmp_path / "out_run")
    for other in others:
        assert np.abs(first.astype(float) - other).mean() < 1


def test_the_temporal_weight_decides_how_near_the_last_painting_is(clip, tmp_path):
    """A frame of 2 iterations after one of 1: free, it moves on; held, it stays."""
    errors = []
    for weight in (0.0, 1000.0):
        run = tmp_path / f"{weight}_run"
        paint(
            clip,
            tmp_path / f"{weight}.mp4",
            iterations=1,
            frame_iterations=20,
            temporal_weight=weight,
            end="0.1",
        )
        one, other = painted_frames(run)[:2]
        errors.append(np.abs(one[8:-8, 8:40].astype(float) - other[8:-8, 9:41]).mean())
    assert errors[1] < 0.3 * errors[0]


def test_nothing_is_carried_over_a_cut(clip, painted, tmp_path):
    """The first frame behind a cut is what it is in a clip that begins there."""
    start = float(clips.times(clip)[CUT]) - 0.001
    paint(clip, tmp_path / "alone.mp4", start=f"{start:.4f}")
    alone = painted_frames(tmp_path / "alone_run")
    whole = painted_frames(painted[0].with_name("out_run"))
    np.testing.assert_array_equal(alone, whole[CUT:])


def test_later_passes_paint_all_frames_again(clip, tmp_path):
    paint(clip, tmp_path / "out.mp4", passes=2, long_term=(1, 2))
    run = tmp_path / "out_run"
    assert len(painted_frames(run, 1)) == len(painted_frames(run, 2)) == FRAMES
    order = [(entry["pass"], entry["frame"]) for entry in log(run)]
    assert order[FRAMES:] == [(2, 3), (2, 2), (2, 1), (2, 5), (2, 4)]
    written = clips.frames(tmp_path / "out.mp4")
    for number in (1, 2):
        assert not np.array_equal(painted_frames(run, number)[0], written[0])
    near = np.abs(np.stack(painted_frames(run, 2)).astype(float) - written).mean()
    far = np.abs(np.stack(painted_frames(run, 1)).astype(float) - written).mean()
    assert near < far


# -- going on --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "optimizer", ["adam", pytest.param("lbfgs", marks=pytest.mark.slow)]
)
def test_a_stopped_run_ends_as_one_that_was_not(clip, tmp_path, monkeypatch, optimizer):
    """Ctrl-C in the middle of a frame, then between two, then as a kill leaves it."""
    changes = {"optimizer": optimizer, "passes": 2, "iterations": 8}
    paint(clip, tmp_path / "whole.mp4", **changes)
    asked = {**changes, "resume": False}
    output, run = tmp_path / "out.mp4", tmp_path / "out_run"
    for step in (3, 5):
        with monkeypatch.context() as patch:
            strike = lambda: os.kill(os.getpid(), signal.SIGINT)  # noqa: E731
            strike_at(patch, video_run, "ImageOptimization", step, strike)
            with pytest.raises(KeyboardInterrupt, match="--resume continues"):
                paint(clip, output, **asked)
        assert not output.exists()
        asked["resume"] = True
    (state,) = run.glob("frames/pass_*/*.npz")
    state.unlink()  # as after a kill
    result = paint(clip, output, **asked)
    assert result.frames == FRAMES
    assert output.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not list(run.glob("frames/pass_*/*.npz"))
    assert [entry["step"] for entry in log(run)] == list(range(1, 2 * FRAMES + 1))


def test_a_finished_run_is_written_again_without_painting(painted, clip, tmp_path):
    output = tmp_path / "again.mp4"
    run = painted[0].with_name("out_run")
    changes = {"crf": 4, "run": str(run), "resume": True}
    before = log(run)
    paint(clip, output, **changes)
    assert output.read_bytes() == painted[0].read_bytes()
    assert log(run) == before


def test_another_clip_is_not_gone_on_with(tmp_path):
    content = clips.write_clip(tmp_path / "clip.mp4", np.stack([spots(0)]))
    paint(content, tmp_path / "out.mp4")
    clips.write_clip(content, np.stack([spots(3)]))
    with pytest.raises(UserError, match="clip as the run in"):
        paint(content, tmp_path / "out.mp4", resume=True)


# -- bad input -------------------------------------------------------------------------------------


def test_what_is_there_of_a_clip_that_is_cut_off_is_painted(tmp_path, capsys):
    path = tmp_path / "clip.mkv"
    clips.write_clip(path, clips.pictures(60), sound=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    settings = small(path, tmp_path / "out.mkv", iterations=1, frame_iterations=1)
    result = run_command(settings)
    assert result.status == 1
    assert f"error: {path}: it is cut off at" in capsys.readouterr().err
    assert 5 < len(clips.frames(tmp_path / "out.mkv")) < 60


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda path: path.write_bytes(b"no clip"), "a clip that can be opened"),
        (lambda path: clips.write_sound(path), "a clip with a video stream"),
        (lambda path: None, "a clip that can be opened"),
    ],
)
def test_what_is_no_clip_is_one_line(tmp_path, make, words):
    path = tmp_path / "clip.mp4"
    make(path)
    with pytest.raises(UserError, match=words):
        paint(path, tmp_path / "out.mp4")
    assert not (tmp_path / "out_run").exists()


def test_the_clip_never_takes_its_own_place(clip, tmp_path):
    copy = tmp_path / "clip.mp4"
    copy.write_bytes(before := open(clip, "rb").read())
    with pytest.raises(UserError, match="none of the pictures read"):
        paint(copy, copy, overwrite=True)
    assert copy.read_bytes() == before


def test_files_that_exist_stay(clip, tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"mine")
    with pytest.raises(UserError, match="does not exist yet.*--overwrite"):
        paint(clip, tmp_path / "out.mp4")
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "000001.png").write_bytes(b"mine")
    with pytest.raises(UserError, match="a folder without frames"):
        paint(clip, f"{tmp_path}/frames/")
    assert (tmp_path / "out.mp4").read_bytes() == b"mine"


@pytest.mark.parametrize("module", ["av", "cv2"])
def test_a_missing_package_is_one_line_with_the_remedy(
    clip, tmp_path, monkeypatch, module
):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=r"pip install 'nst_tf\[video\]'"):
        paint(clip, tmp_path / "out.mp4")
    assert not list(tmp_path.iterdir())


def test_a_clip_is_no_picture_for_the_function_that_returns_one(clip, tmp_path):
    with pytest.raises(UserError, match="Call optimize_clip"):
        optimize_image(tmp_path / "out.mp4", content=clip, style=("starry_swirls",))
