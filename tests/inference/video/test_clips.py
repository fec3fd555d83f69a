"""What stays of a clip that is painted: times, sound, subtitles, metadata, size, turn."""

import logging
from fractions import Fraction

import numpy as np
import pytest
from support import clips
from support.clips import av
from support.painting import NEGATIVE

from nst_tf.core.errors import UserError
from nst_tf.inference.model import Model
from nst_tf.inference.runtimes.runtime import Runtime
from nst_tf.inference.video.run import stylize_video
from nst_tf.video.writing.joining import find_decoding_times


class Copy(Runtime):
    """A model that paints what it sees."""

    name, styles, has_strength = "copy", 1, False

    def draw(self, image, code, strength):
        return image


COPY = Model(Copy(), ["Copy"])


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A clip of variable rate with a tone."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return clips.write_clip(
        path,
        times=clips.variable_times(),
        sound=True,
        metadata={"title": "A square", "artist": "nobody"},
    )


@pytest.fixture(scope="module")
def painted(clip, tmp_path_factory):
    path = tmp_path_factory.mktemp("painted") / "painted.mp4"
    outcome = stylize_video(NEGATIVE, clip, path, part_frames=7, coherence=0)
    assert outcome.frames == clips.FRAMES and outcome.faults == ()
    return path


def test_the_frames_are_painted(clip, painted):
    wanted = 255.0 - clips.frames(clip)
    assert np.abs(clips.frames(painted) - wanted).mean() < 2


def test_times_of_a_variable_rate_are_kept_exactly(clip, painted):
    assert clips.times(painted) == clips.times(clip)
    wanted = [time * clips.TIME_BASE for time in clips.variable_times()]
    assert clips.times(clip) == wanted


@pytest.mark.parametrize("first", [1, 6804])
def test_a_video_that_begins_after_its_sound_does_so_still(tmp_path, first):
    times = [time + first for time in clips.variable_times(6)]
    path = clips.write_clip(tmp_path / "late.mkv", clips.pictures(6), times, sound=True)
    stylize_video(NEGATIVE, path, tmp_path / "out.mp4")
    assert clips.times(tmp_path / "out.mp4") == clips.times(path)


def test_sound_is_copied_bit_for_bit(clip, painted):
    assert clips.packets(painted, "audio") == clips.packets(clip, "audio")


def test_metadata_goes_along_or_is_left_out(clip, painted, tmp_path):
    stylize_video(NEGATIVE, clip, tmp_path / "bare.mp4", strip_metadata=True)
    with av.open(str(painted)) as kept, av.open(str(tmp_path / "bare.mp4")) as bare:
        assert kept.metadata["title"] == "A square"
        assert "title" not in bare.metadata and "artist" not in bare.metadata


def test_the_last_frame_is_shown_as_long_as_in_the_source(tmp_path):
    path = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(8))
    stylize_video(NEGATIVE, path, tmp_path / "out.mp4", part_frames=3)
    with av.open(path) as one, av.open(str(tmp_path / "out.mp4")) as other:
        assert one.duration == other.duration == 320_000  # microseconds
        assert other.streams.video[0].average_rate == 25


@pytest.mark.parametrize("suffix", ["mkv", "mov", "webm"])
def test_every_container_keeps_times_to_its_own_unit(tmp_path, suffix):
    path = clips.write_clip(tmp_path / "clip.mp4", times=clips.variable_times())
    out = tmp_path / f"out.{suffix}"
    stylize_video(NEGATIVE, path, out)
    unit = 0 if suffix == "mov" else Fraction(1, 2000)  # Matroska counts milliseconds
    pairs = zip(clips.times(path), clips.times(out), strict=True)
    assert max(abs(one - other) for one, other in pairs) <= unit


def test_subtitles_and_chapters_are_copied(tmp_path):
    path = tmp_path / "clip.mkv"
    (tmp_path / "text.srt").write_text("1\n00:00:00,100 --> 00:00:00,400\nHallo\n")
    chapter = {
        "id": 1,
        "start": 0,
        "end": 400,
        "time_base": Fraction(1, 1000),
        "metadata": {"title": "One"},
    }
    with (
        av.open(clips.write_clip(tmp_path / "v.mp4")) as video,
        av.open(str(tmp_path / "text.srt")) as text,
        av.open(str(path), "w") as container,
    ):
        pairs = [(video, video.streams[0]), (text, text.streams[0])]
        copies = [container.add_stream_from_template(each) for _, each in pairs]
        copies[1].metadata["language"] = "nld"
        container.set_chapters([chapter])
        for copy, (source, _) in zip(copies, pairs):
            clips.copy_packets(source, copy, container)
    out = tmp_path / "out.mkv"
    stylize_video(NEGATIVE, path, out)
    assert clips.packets(out, "subtitle") == clips.packets(path, "subtitle")
    assert [line for _, line in clips.packets(out, "subtitle")] == [b"Hallo"]
    with av.open(str(out)) as container:
        assert container.streams.subtitles[0].metadata["language"] == "nld"
        assert [each["metadata"]["title"] for each in container.chapters()] == ["One"]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_clip_that_is_turned_for_showing_is_painted_upright(tmp_path, quarters):
    path = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(3))
    lying = clips.frames(path)[0].astype(float)
    clips.turn(path, quarters)
    stylize_video(COPY, path, tmp_path / "out.mp4")
    upright = np.rot90(lying, -quarters)
    drawn = clips.frames(tmp_path / "out.mp4")[0]
    assert drawn.shape == upright.shape
    assert np.abs(drawn - upright).mean() < 3  # turned otherwise it is 30 and more


def test_start_and_end_cut_frames_and_sound_alike(tmp_path):
    path = clips.write_clip(tmp_path / "clip.mp4", sound=True)
    out = tmp_path / "out.mp4"
    outcome = stylize_video(COPY, path, out, start="0.2", end="0:00.6")
    assert outcome.frames == 10  # of 25 a second
    wanted = clips.frames(path)[5:15].astype(float)
    assert np.abs(clips.frames(out) - wanted).mean() < 2
    assert clips.times(out) == [Fraction(number, 25) for number in range(10)]
    whole = dict(clips.packets(path, "audio"))
    cut = clips.packets(out, "audio")
    shifted = [(time + Fraction(1, 5), data) for time, data in cut]
    # Sound is counted in 44100ths, frames in 90000ths.
    for time, data in shifted:
        nearest = min(whole, key=lambda each: abs(each - time))
        assert abs(nearest - time) < Fraction(1, 44100) and whole[nearest] == data
    assert float(cut[0][0]) < 0.024 and float(cut[-1][0]) < 0.4


def test_an_mpeg_transport_stream_begins_at_its_own_beginning(tmp_path):
    times = [126000 + 3600 * number for number in range(6)]
    path = clips.write_clip(tmp_path / "clip.ts", clips.pictures(6), times)
    first = clips.times(path)[0]
    assert first > 1  # as such streams do
    stylize_video(COPY, path, tmp_path / "out.mp4")
    times = clips.times(tmp_path / "out.mp4")
    wanted = [each - first + times[0] for each in clips.times(path)]
    assert times == wanted and times[0] < Fraction(1, 10)


@pytest.mark.parametrize("size", [(47, 63), (1, 1), (48, 63), (33, 17)])
def test_odd_sizes_get_one_more_row_or_column_aloud(tmp_path, caplog, size):
    path = clips.write_clip(
        tmp_path / "clip.mkv", clips.pictures(3, *size), codec="ffv1", options={}
    )
    with caplog.at_level(logging.WARNING):
        stylize_video(COPY, path, tmp_path / "out.mp4")
        height, width = clips.frames(tmp_path / "out.mp4").shape[1:3]
        assert (height, width) == tuple(side + side % 2 for side in size)
        assert "there twice" in caplog.text
        caplog.clear()
        stylize_video(COPY, path, tmp_path / "out.webm")
        assert clips.frames(tmp_path / "out.webm").shape[1:3] == size
        assert "twice" not in caplog.text


@pytest.mark.parametrize(
    "codec, suffix",
    [("hevc", "mp4"), ("av1", "mkv"), ("ffv1", "mkv"), ("prores", "mov")],
)
def test_codecs_write_what_was_painted(tmp_path, codec, suffix):
    path = clips.write_clip(
        tmp_path / "clip.mp4", clips.pictures(8), clips.variable_times(8)
    )
    out = tmp_path / f"out.{suffix}"
    stylize_video(COPY, path, out, codec=codec, part_frames=3)
    # Blocks of 64 pixels around a hard square: AV1 is farthest off.
    drawn = clips.frames(out).astype(float)
    assert np.abs(drawn - clips.frames(path)).mean() < 3
    off = Fraction(1, 1000) if suffix == "mkv" else 0
    pairs = zip(clips.times(path), clips.times(out), strict=True)
    assert max(abs(one - other) for one, other in pairs) <= off


def test_the_picture_of_a_cover_is_not_taken_for_the_clip(tmp_path):
    path = clips.write_clip(tmp_path / "v.mp4", clips.pictures(4))
    covered = tmp_path / "covered.mp4"
    with av.open(path) as video, av.open(str(covered), "w") as container:
        cover = container.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 200, 300, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        copy = container.add_stream_from_template(video.streams.video[0])
        picture = np.zeros((300, 200, 3), np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, "rgb24")
        container.mux(cover.encode(frame))
        clips.copy_packets(video, copy, container)
    outcome = stylize_video(COPY, covered, tmp_path / "out.mp4")
    assert outcome.frames == 4
    assert clips.frames(tmp_path / "out.mp4").shape[1:3] == (clips.HEIGHT, clips.WIDTH)


def test_packets_are_decoded_in_order_and_none_after_it_is_shown():
    rng = np.random.default_rng(1)
    for _ in range(50):
        shown = np.cumsum(rng.integers(1, 50, 24))
        # Parts of one to eight frames, each in an order of its own.
        order, first = [], 0
        while first < 24:
            part = np.arange(first, min(first + rng.integers(1, 9), 24))
            order += [part[0], *rng.permutation(part[1:])]
            first = part[-1] + 1
        times = shown[order]
        decoded = find_decoding_times(times)
        assert (np.diff(decoded) > 0).all() and (decoded <= times).all()


def test_what_a_container_does_not_take_is_one_line(clip, tmp_path):
    with pytest.raises(UserError, match="audio that .webm takes.*aac.*mkv"):
        stylize_video(NEGATIVE, clip, tmp_path / "out.webm")
    assert list(tmp_path.iterdir()) == []
