"""GIF and animated WebP: what goes in comes out, but for the colors that are painted."""

import numpy as np
import pytest
from PIL import Image, ImageSequence
from support import clips
from support.painting import NEGATIVE

from nst_tf.core.errors import UserError
from nst_tf.inference.folder import stylize_files
from nst_tf.inference.video.run import stylize_video
from nst_tf.video.reading.animation import Animation
from nst_tf.video.writing.animation import dither

DURATIONS = [40, 100, 70, 250, 60]  # ms


def save_animation(path, loop=0, alpha=False, durations=DURATIONS, size=(47, 61)):
    """Writes frames of few colors in which a square moves; returns them as RGBA."""
    height, width = size
    frames = []
    for number in range(len(durations)):
        pixels = np.zeros((height, width, 4), np.uint8)
        pixels[..., :3] = (200, 120, 40)
        pixels[..., 3] = 255
        pixels[5:15, 5 + 6 * number : 15 + 6 * number, :3] = (20, 40, 220)
        if alpha:
            pixels[30:, : 10 + 5 * number] = 0
        frames.append(pixels)
    images = [
        Image.fromarray(pixels if alpha else pixels[..., :3]) for pixels in frames
    ]
    options = {} if loop is None else {"loop": loop}
    if path.suffix == ".webp":
        options |= {"lossless": True}
    images[0].save(
        path,
        save_all=True,
        append_images=images[1:],
        duration=durations,
        disposal=2,
        **options,
    )
    return frames


def read_animation(path):
    """(frames as RGBA, durations in ms, loop) as Pillow reads them."""
    with Image.open(path) as image:
        frames, durations = [], []
        for frame in ImageSequence.Iterator(image):
            frames.append(np.asarray(frame.convert("RGBA")))
            durations.append(frame.info["duration"])
        return np.stack(frames), durations, image.info.get("loop")


@pytest.mark.parametrize("source", ["gif", "webp"])
@pytest.mark.parametrize("target", ["gif", "webp"])
@pytest.mark.parametrize("alpha", [False, True])
def test_frames_durations_and_transparency_are_kept(tmp_path, source, target, alpha):
    path = tmp_path / f"in.{source}"
    frames = save_animation(path, alpha=alpha)
    out = tmp_path / f"out.{target}"
    outcome = stylize_video(NEGATIVE, path, out)
    drawn, durations, _ = read_animation(out)
    assert outcome.frames == len(frames) and drawn.shape[1:3] == (47, 61)
    assert durations == DURATIONS
    for one, other in zip(frames, drawn, strict=True):
        np.testing.assert_array_equal(one[..., 3], other[..., 3])
        seen = one[..., 3] > 0
        difference = other[seen][:, :3] - (255.0 - one[seen][:, :3])
        assert np.abs(difference).mean() < 5


@pytest.mark.parametrize(
    "source, loop, target, wanted",
    [
        ("gif", 0, "gif", 0),
        ("gif", 3, "gif", 3),
        ("gif", None, "gif", None),  # once
        ("webp", 0, "webp", 0),
        ("webp", 2, "webp", 2),
        ("gif", None, "webp", 1),
        ("gif", 2, "webp", 3),  # a GIF counts repetitions, a WebP all times
        ("webp", 1, "gif", None),
        ("webp", 5, "gif", 4),
    ],
)
def test_it_plays_as_often(tmp_path, source, loop, target, wanted):
    path = tmp_path / f"in.{source}"
    save_animation(path, loop=loop)
    stylize_video(NEGATIVE, path, tmp_path / f"out.{target}")
    assert read_animation(tmp_path / f"out.{target}")[2] == wanted


def count_palettes(path):
    """(global, local) color tables of a GIF, by its specification (GIF89a, 1990)."""
    data = path.read_bytes()
    has_global = data[10] >> 7
    place = 13 + has_global * 3 * 2 ** ((data[10] & 7) + 1)
    local = 0
    while data[place] != 0x3B:
        if data[place] == 0x21:  # extension
            place += 2
        else:
            assert data[place] == 0x2C  # picture
            flags = data[place + 9]
            local += flags >> 7
            place += 10 + (flags >> 7) * 3 * 2 ** ((flags & 7) + 1) + 1
        while data[place]:
            place += data[place] + 1
        place += 1
    return has_global, local


def test_a_gif_has_one_palette_for_all_frames(tmp_path):
    clip = clips.write_clip(tmp_path / "clip.mp4")
    stylize_video(NEGATIVE, clip, tmp_path / "out.gif", part_frames=7)
    assert count_palettes(tmp_path / "out.gif") == (1, 0)
    drawn, durations, loop = read_animation(tmp_path / "out.gif")
    assert len(drawn) == clips.FRAMES and set(durations) == {40} and loop == 0
    wanted = 255.0 - clips.frames(clip)
    assert np.abs(drawn[..., :3] - wanted).mean() < 4


def test_hundredths_do_not_add_up_to_another_length(tmp_path):
    times = [int(number * 3003) for number in range(20)]  # 29.97 frames a second
    clip = clips.write_clip(tmp_path / "clip.mp4", times=times)
    stylize_video(NEGATIVE, clip, tmp_path / "out.gif")
    _, durations, _ = read_animation(tmp_path / "out.gif")
    assert set(durations) == {30, 40}
    assert abs(sum(durations) - 20 * 1001 / 30) <= 10


def test_what_does_not_change_does_not_flicker(tmp_path):
    clip = clips.write_clip(tmp_path / "clip.mkv", codec="ffv1", options={})
    stylize_video(NEGATIVE, clip, tmp_path / "out.gif")
    drawn = read_animation(tmp_path / "out.gif")[0]
    still = drawn[:, clips.HEIGHT // 4 + 8 :]  # the square moves above
    assert (still == still[0]).all()
    # Errors that are handed on, Pillow's own dither, flicker there.
    frames = [Image.fromarray(255 - each) for each in clips.frames(clip)]
    palette = frames[0].quantize(255)
    handed = [np.asarray(each.quantize(palette=palette)) for each in frames]
    below = np.stack(handed)[:, clips.HEIGHT // 4 + 8 :]
    assert (below != below[0]).any()


def test_the_pattern_of_dither_hides_bands():
    """The mean over 8 x 8 pixels is nearer to a gradient than the nearest colors' is."""
    ramp = np.tile(np.linspace(40, 216, 256)[None, :, None], (64, 1, 3))
    rgb = np.rint(ramp).astype(np.uint8)
    levels = np.arange(40, 221, 20)
    colors = np.stack([levels] * 3, -1).astype(np.uint8)
    drawn = colors[dither(rgb, colors)].astype(float)
    nearest = levels[np.abs(rgb[..., :1] - levels).argmin(-1)].astype(float)

    def mean_error(picture):
        blocks = (picture - rgb[..., 0]).reshape(8, 8, 32, 8).mean((1, 3))
        return np.abs(blocks).mean()

    assert mean_error(drawn[..., 0]) < 0.5 * mean_error(nearest)


def test_an_animation_becomes_a_clip_and_a_clip_an_animation(tmp_path):
    save_animation(tmp_path / "in.gif", size=(48, 60))
    stylize_video(NEGATIVE, tmp_path / "in.gif", tmp_path / "out.mp4")
    times = [float(1000 * time) for time in clips.times(tmp_path / "out.mp4")]
    assert times == [0, 40, 140, 210, 460]
    stylize_video(NEGATIVE, tmp_path / "out.mp4", tmp_path / "back.webp", quality=90)
    drawn, durations, _ = read_animation(tmp_path / "back.webp")
    # How long the last frame of a clip lasts depends on its container.
    assert durations[:-1] == DURATIONS[:-1] and 10 <= durations[-1] <= 100
    first = read_animation(tmp_path / "in.gif")[0]
    assert np.abs(drawn[..., :3].astype(float) - first[..., :3]).mean() < 8


def test_start_and_end_cut_an_animation(tmp_path):
    save_animation(tmp_path / "in.gif")
    stylize_video(
        NEGATIVE, tmp_path / "in.gif", tmp_path / "out.gif", start="0.04", end="0.46"
    )
    assert read_animation(tmp_path / "out.gif")[1] == [100, 70, 250]


def test_an_animation_that_is_cut_off_is_painted_as_far_as_it_goes(tmp_path):
    rng = np.random.default_rng(0)
    frames = [
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)) for _ in range(6)
    ]
    path = tmp_path / "in.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    outcome = stylize_video(NEGATIVE, path, tmp_path / "out.gif")
    assert 2 <= outcome.frames < 6 and "cut off" in outcome.faults[0]


def test_a_still_webp_and_a_gif_into_a_picture_are_photos(tmp_path):
    """What an animation has meant as a photo it still means: its first frame."""
    save_animation(tmp_path / "in.gif")
    Image.new("RGB", (8, 8), (9, 8, 7)).save(tmp_path / "still.webp", lossless=True)
    stylize_files(NEGATIVE, tmp_path / "in.gif", tmp_path / "out.png")
    with pytest.raises(UserError, match="stylize_files"):
        stylize_video(NEGATIVE, tmp_path / "still.webp", tmp_path / "out.webp")
    with Image.open(tmp_path / "out.png") as image:
        assert image.size == (61, 47)


def test_colors_below_what_is_transparent_decide_nothing(tmp_path):
    frames = save_animation(tmp_path / "in.gif", alpha=True)
    for wanted, read in zip(frames, Animation(str(tmp_path / "in.gif")).read()):
        seen = wanted[..., 3] > 0
        mean = wanted[seen][:, :3].mean(0)
        assert np.abs(read.rgb[~seen] - mean).max() < 1
        np.testing.assert_array_equal(read.rgb[seen], wanted[seen][:, :3])
