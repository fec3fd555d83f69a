"""The numbers of a clip's colors: by the standards' own formulas, and by ffmpeg."""

import logging

import numpy as np
import pytest
from support import clips
from support.clips import av
from support.painting import NEGATIVE

from nst_tf.core.errors import UserError
from nst_tf.inference.video.run import stylize_video
from nst_tf.video import colors as frame_colors
from nst_tf.video.frames import Colors
from nst_tf.video.reading.clip import Clip

# BT.601 and BT.709: the shares of red and blue in luma.
SHARES = {5: (0.299, 0.114), 6: (0.299, 0.114), 1: (0.2126, 0.0722)}


def decode_by_hand(planes, matrix, full):
    """RGB in [0, 255] of planes of Y, Cb, Cr at full resolution, as H.273 says it."""
    red_share, blue_share = SHARES[matrix]
    luma, blue, red = (plane.astype(float) for plane in planes)
    if full:
        luma, blue, red = luma / 255, (blue - 128) / 255, (red - 128) / 255
    else:
        luma, blue, red = (luma - 16) / 219, (blue - 128) / 224, (red - 128) / 224
    r = luma + 2 * (1 - red_share) * red
    b = luma + 2 * (1 - blue_share) * blue
    g = (luma - red_share * r - blue_share * b) / (1 - red_share - blue_share)
    return 255 * np.clip(np.stack([r, g, b], -1), 0, 1)


def planes_of(frame):
    return [
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[
            :, : plane.width
        ]
        for plane in frame.planes
    ]


@pytest.mark.parametrize("matrix", [1, 5, 6])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("pixel_format", ["yuv444p", "yuv420p"])
def test_decoded_colors_are_those_of_the_standards(
    tmp_path, matrix, full, pixel_format
):
    path = clips.write_clip(
        tmp_path / "clip.mkv",
        clips.pictures(2),
        codec="ffv1",
        options={},
        pixel_format=pixel_format,
        matrix=matrix,
        full=full,
        tags=(matrix, matrix),
    )
    read = next(Clip(path).read()).rgb
    with av.open(path) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (matrix, 2 if full else 1)
        luma, blue, red = planes_of(frame)
    if pixel_format == "yuv420p":
        # By hand chroma is repeated, by ffmpeg it is interpolated.
        blue, red = (np.kron(each, np.ones((2, 2))) for each in (blue, red))
    wanted = decode_by_hand((luma, blue, red), matrix, full)
    difference = read - wanted
    assert np.abs(difference.mean((0, 1))).max() < 0.25
    assert np.abs(difference).mean() < (1 if pixel_format == "yuv444p" else 2)


@pytest.mark.parametrize("matrix", [1, 6])
@pytest.mark.parametrize("full", [False, True])
def test_a_decoded_frame_is_that_of_ffmpeg(tmp_path, matrix, full):
    path = clips.write_clip(
        tmp_path / "clip.mp4", matrix=matrix, full=full, tags=(matrix, matrix)
    )
    read = np.stack([frame.rgb for frame in Clip(path).read()]).astype(float)
    assert np.abs(read - clips.frames(path)).mean() < 1


@pytest.mark.parametrize("matrix", [1, 6])
def test_what_is_written_is_seen_as_it_was_painted(matrix):
    rgb = clips.pictures(1)[0]
    frame = frame_colors.to_planes(rgb, Colors(matrix, matrix, matrix), "yuv444p")
    wanted = decode_by_hand(planes_of(frame), matrix, full=False)
    assert np.abs((wanted - rgb).mean((0, 1))).max() < 0.25
    assert np.abs(wanted - rgb).mean() < 1


@pytest.mark.parametrize(
    "matrix, full, tags", [(1, False, (1, 1)), (6, False, (6, 6)), (1, True, (1, 13))]
)
def test_the_painted_clip_says_its_colors(tmp_path, matrix, full, tags):
    path = clips.write_clip(
        tmp_path / "clip.mp4", clips.pictures(3), matrix=matrix, full=full, tags=tags
    )
    stylize_video(NEGATIVE, path, tmp_path / "out.mp4", coherence=0)
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (matrix, 1)
        assert (frame.color_primaries, frame.color_trc) == tags
    wanted = 255.0 - clips.frames(path)
    assert np.abs(clips.frames(tmp_path / "out.mp4") - wanted).mean() < 3


@pytest.mark.parametrize("height, matrix", [(48, 6), (720, 1)])
def test_a_clip_that_does_not_say_is_taken_as_players_take_it(tmp_path, height, matrix):
    path = clips.write_clip(tmp_path / "clip.mp4", clips.pictures(1, height, 64))
    assert Clip(path).facts.colors == Colors(matrix, matrix, matrix)


@pytest.mark.parametrize(
    "tags, matrix, kind",
    [((9, 16), 9, "HDR, PQ"), ((9, 18), 9, "HDR, HLG"), ((9, 14), 9, "BT.2020")],
)
def test_high_dynamic_range_is_refused(tmp_path, tags, matrix, kind):
    path = clips.write_clip(
        tmp_path / "hdr.mkv",
        clips.pictures(2),
        codec="libx265",
        # Of a clip shorter than its reordering x265 never sets the delay that it takes from
        # times of decoding: they are what lay in that memory, and the container refuses them.
        options={"x265-params": "log-level=none:bframes=0"},
        pixel_format="yuv420p10le",
        matrix=matrix,
        tags=tags,
    )
    with pytest.raises(UserError, match=f"standard dynamic range.*{kind}.*Convert it"):
        stylize_video(NEGATIVE, path, tmp_path / "out.mp4", coherence=0)


def test_ten_bits_and_alpha_and_combs_are_said(tmp_path, caplog):
    deep = clips.write_clip(
        tmp_path / "deep.mkv",
        clips.pictures(2),
        codec="ffv1",
        options={},
        pixel_format="yuv420p10le",
    )
    combed = clips.write_clip(
        tmp_path / "combed.mp4", clips.pictures(2), options={"x264-params": "tff=1"}
    )
    seen = clips.write_clip(
        tmp_path / "alpha.mov",
        clips.pictures(2),
        codec="prores_ks",
        options={},
        pixel_format="yuva444p10le",
    )
    for path, words in (
        (deep, "more than 8 bits"),
        (combed, "is interlaced"),
        (seen, "has alpha"),
    ):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            Clip(path)
        assert words in caplog.text
