"""Which settings of `nst optimize` count for clips, and which for photos."""

import pytest

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.core.errors import UserError


def settings(content, output, **options):
    return OptimizeSettings(
        content=content, output=output, style=("starry_swirls",), **options
    )


@pytest.mark.parametrize(
    "option",
    [
        {"temporal_weight": 3.0},
        {"long_term": (1, 5)},
        {"passes": 2},
        {"frame_iterations": 7},
        {"start": "1"},
        {"end": "2"},
        {"codec": "vp9"},
        {"crf": 20},
        {"fps": 12.0},
    ],
)
def test_a_photo_refuses_what_only_clips_use(option):
    (name,) = option
    with pytest.raises(UserError, match=f"--{name} with a clip.*Leave --{name} out"):
        settings("builtin:cat", "out.png", **option)
    output = "out.mp4"
    content = "frames/*.png" if name == "fps" else "clip.mp4"
    assert settings(content, output, **option).paints_clip


@pytest.mark.parametrize(
    "option",
    [{"preview_steps": 5}, {"content_masks": ("m.png",)}, {"texture_size": "8x8"}],
)
def test_a_clip_refuses_what_only_photos_use(option):
    (name,) = option
    with pytest.raises(UserError, match=f"--{name} with a photo"):
        settings("clip.mp4", "out.mp4", **option)


@pytest.mark.parametrize(
    "content, output, option, words",
    [
        ("camera:0", "out.mp4", {}, "A camera does not wait"),
        ("clip.mp4", "out.png", {}, "cut it out with --start and --end"),
        ("clip.mp4", "out.avi", {}, "a clip that can be written"),
        ("clip.mp4", "out.xyz", {}, "end it in /"),
        ("clip.mp4", "out.gif", {"crf": 20}, "--crf with --output of"),
        ("clip.mp4", "out.mp4", {"quality": 80}, "--quality with a picture or a .webp"),
        ("clip.mp4", "out.mp4", {"start": "2", "end": "1"}, "--end after --start"),
        ("clip.mp4", "out.mp4", {"long_term": (1, 1)}, "each of --long_term once"),
        ("clip.mp4", "out.mp4", {"long_term": (0,)}, "whole numbers of at least 1"),
        (
            "clip.mp4",
            "out.mp4",
            {"temporal_weight": 0.0, "long_term": (2,)},
            "--long_term with",
        ),
    ],
)
def test_what_a_clip_cannot_have_is_one_line(content, output, option, words):
    with pytest.raises(UserError, match=words) as raised:
        settings(content, output, **option)
    assert "\n" not in str(raised.value)


def test_the_run_of_a_folder_of_frames_lies_beside_it():
    values = {"output": "painted/frames/"}
    assert OptimizeSettings.find_run(values) == "painted/frames_run"
