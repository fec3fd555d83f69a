"""Frames as pictures of a folder, one frame alone, a camera, and what is in memory at once."""

import io
import os
import signal
import time
import types
import weakref

import numpy as np
import pytest
from PIL import Image
from support import clips
from support.clips import av
from support.painting import NEGATIVE, negative, pixels, save

from nst_tf.core.errors import UserError
from nst_tf.inference.model import Model
from nst_tf.inference.runtimes.runtime import Runtime
from nst_tf.inference.video import live
from nst_tf.inference.video.run import stylize_video
from nst_tf.video.frames import Frame
from nst_tf.video.reading import camera as camera_file
from nst_tf.video.reading.picture_folder import find_rate

# -- folders ---------------------------------------------------------------------------------------


def test_a_clip_becomes_numbered_pictures(tmp_path):
    path = clips.write_clip(tmp_path / "clip.mp4")
    outcome = stylize_video(NEGATIVE, path, f"{tmp_path}/frames/", part_frames=7)
    names = sorted(each.name for each in (tmp_path / "frames").iterdir())
    assert names == [f"{number:06d}.png" for number in range(1, clips.FRAMES + 1)]
    drawn = np.stack([pixels(tmp_path / "frames" / name) for name in names])
    assert np.abs(drawn - (255.0 - clips.frames(path))).mean() < 0.6
    assert outcome.written == tmp_path / "frames"


def test_a_folder_of_pictures_becomes_a_clip(tmp_path):
    frames = clips.pictures(6)
    for number, picture in enumerate(frames):
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / "in" / f"{number:03d}.png")
    out = tmp_path / "out.mp4"
    for content in (f"{tmp_path}/in", f"{tmp_path}/in/*.png"):
        stylize_video(NEGATIVE, content, out, fps=29.97, overwrite=True)
        assert clips.times(out) == [number / find_rate(29.97) for number in range(6)]
        assert np.abs(clips.frames(out) - (255.0 - frames)).mean() < 3
    stylize_video(NEGATIVE, f"{tmp_path}/in", tmp_path / "out.gif", fps=10, end="0.3")
    with Image.open(tmp_path / "out.gif") as image:
        assert image.n_frames == 3 and image.info["duration"] == 100


def test_pictures_of_two_sizes_are_no_clip(tmp_path):
    save(tmp_path / "in" / "a.png", 8, 10)
    save(tmp_path / "in" / "b.png", 8, 12)
    with pytest.raises(UserError, match="first one's size, 10x8.*b.png: 12x8"):
        stylize_video(NEGATIVE, tmp_path / "in", tmp_path / "out.mp4")


@pytest.mark.parametrize(
    "fps, rate",
    [(25, "25"), (29.97, "30000/1001"), (23.976, "24000/1001"), (12.5, "25/2")],
)
def test_rates_are_those_of_television(fps, rate):
    assert str(find_rate(fps)) == rate


def test_one_frame_is_painted_as_a_picture(tmp_path):
    path = clips.write_clip(tmp_path / "clip.mp4")
    stylize_video(NEGATIVE, path, tmp_path / "look.png", start="0.4")
    wanted = 255.0 - clips.frames(path)[10]
    assert np.abs(pixels(tmp_path / "look.png") - wanted).mean() < 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["clip.mp4", "look.png"]


def test_frames_are_shrunk_to_image_size(tmp_path):
    path = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(3))
    for side, size in ((32, (24, 32)), (31, (22, 30)), (64, (48, 64)), (1, (2, 2))):
        out = tmp_path / f"{side}.mp4"
        stylize_video(NEGATIVE, path, out, image_size=side)
        assert clips.frames(out).shape[1:3] == size


# -- a camera --------------------------------------------------------------------------------------


class Capture:
    """Stands for OpenCV's capture: a picture every 10 ms, until it is unplugged."""

    def __init__(self, number):
        self._left = 40

    def isOpened(self):
        return True

    def read(self):
        time.sleep(0.01)
        self._left -= 1
        picture = np.full((24, 32, 3), (10, 20, 200), np.uint8)  # blue, green, red
        return (True, picture) if self._left >= 0 else (False, None)

    def get(self, what):
        return 100.0

    def release(self):
        pass


@pytest.fixture
def plugged(monkeypatch):
    logging = types.SimpleNamespace(setLogLevel=lambda level: None, LOG_LEVEL_SILENT=0)
    cv2 = types.SimpleNamespace(
        VideoCapture=Capture,
        CAP_PROP_FPS=5,
        utils=types.SimpleNamespace(logging=logging),
    )
    monkeypatch.setattr(camera_file, "import_cv2", lambda: cv2)


def test_a_camera_is_written_until_its_time_is_over(tmp_path, plugged):
    out = tmp_path / "out.mp4"
    outcome = stylize_video(NEGATIVE, "camera:0", out, end="0.2", part_frames=6)
    assert outcome.faults == () and 2 <= outcome.frames <= 21
    times = clips.times(out)
    assert times[0] == 0 and times == sorted(set(times)) and times[-1] < 0.2
    assert np.abs(clips.frames(out)[-1].mean((0, 1)) - (55, 235, 245)).max() < 6


def test_a_camera_that_is_unplugged_leaves_what_it_saw(tmp_path, plugged):
    outcome = stylize_video(NEGATIVE, "camera:0", tmp_path / "out.mp4")
    assert outcome.faults == ("it gives no more pictures",)
    assert len(clips.times(tmp_path / "out.mp4")) == outcome.frames > 2


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_recording_which_is_whole(tmp_path, plugged, sign):
    class Pressed(Runtime):
        """Paints; at the fifth frame somebody presses Ctrl-C."""

        name, styles, has_strength = "pressed", 1, False
        drawn = -1  # the first one is the probe of the model

        def draw(self, image, code, strength):
            self.drawn += 1
            if self.drawn == 5:
                os.kill(os.getpid(), sign)
            return negative(image)

    model = Model(Pressed(), ["Pressed"])
    outcome = stylize_video(model, "camera:0", tmp_path / "out.mp4", part_frames=3)
    assert outcome.frames == 5 and outcome.faults == ()
    assert len(clips.times(tmp_path / "out.mp4")) == 5
    assert not list(tmp_path.glob(".*"))


def test_a_camera_is_shown_as_a_stream_for_a_player(plugged, monkeypatch):
    shown = io.BytesIO()
    monkeypatch.setattr(live._Stdout, "write", lambda self, data: shown.write(data))
    outcome = stylize_video(NEGATIVE, "camera:0", "-", end="0.2")
    assert outcome.frames >= 2
    with av.open(io.BytesIO(shown.getvalue())) as container:
        frames = [each.to_ndarray(format="rgb24") for each in container.decode(video=0)]
    assert len(frames) == outcome.frames
    assert np.abs(frames[-1].mean((0, 1)) - (55, 235, 245)).max() < 8


# -- one ahead, one behind -------------------------------------------------------------------------


def test_few_frames_are_alive_at_once(tmp_path, monkeypatch):
    """One is read, one waits, one is painted, one is written, two of them in both colors."""
    alive, most = weakref.WeakSet(), []

    class Counted(Frame):
        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            alive.add(self)
            most.append(len(alive))

    from nst_tf.video.reading import clip as clip_file

    monkeypatch.setattr(clip_file, "Frame", Counted)
    path = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(40))
    stylize_video(NEGATIVE, path, tmp_path / "out.mp4")
    assert len(most) == 80 and max(most) <= 6


def test_the_painter_sees_frames_once_and_in_order(tmp_path):
    path = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(10))
    from nst_tf.config.painting.video import VideoSettings
    from nst_tf.inference.video.run import paint_video

    seen = []

    def look(rgb):
        assert rgb.dtype == np.float32 and rgb.shape == (48, 64, 3)
        seen.append(rgb)
        return negative(rgb)

    settings = VideoSettings(
        model="opened", content=path, output=str(tmp_path / "out.mp4")
    )
    paint_video(look, settings, "model")
    wanted = clips.frames(path) / np.float32(255)
    assert np.abs(np.stack(seen) - wanted).max() < 0.02
