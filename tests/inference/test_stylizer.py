"""Painting in any style with every artifact: codes, strength, blends, regions, colors
and bad input.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from support import tiny
from support.pictures import smooth

from nst_tf.config.style_request import Wishes
from nst_tf.config.stylize import StylizeSettings
from nst_tf.core.errors import UserError
from nst_tf.exporters import model_card, parity
from nst_tf.images import color, io as image_io
from nst_tf.inference import open_any_style, run as stylize_run, stylizer

pytestmark = pytest.mark.slow

ARTIFACTS = {
    "network.keras": 80,
    "saved_model": 80,
    "tflite/tiny_transform_float16.tflite": 50,
    "tflite/tiny_transform_int8.tflite": 30,
    "tflite/tiny_style_int8.tflite": 30,
}


def rgb(height, width, seed=0):
    return image_io.to_float(np.asarray(smooth(height, width, seed)))


def reference(photo, style, alpha, kind="modulated"):
    drawn = tiny.any_style(kind)(
        [photo[None], style[None], np.array([[alpha]], np.float32)]
    )
    return np.clip(drawn.numpy()[0], 0, 1)


@pytest.fixture
def pictures(tmp_path):
    for name, size, seed in (
        ("photo", (45, 61), 0),
        ("a", (40, 50), 1),
        ("b", (33, 70), 2),
    ):
        smooth(*size, seed).save(tmp_path / f"{name}.png")
    return tmp_path


# -- artifacts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["modulated", "adain", "skips"])
@pytest.mark.parametrize("name", ARTIFACTS)
def test_every_artifact_draws_what_the_network_draws(name, kind):
    opened = open_any_style.open_any_style(tiny.any_style_exported(kind) / name)
    for size, alpha in (
        ((45, 61), 1.0),
        ((1, 1), 0.3),
        ((24, 100), 0.3),
        ((64, 64), 1.0),
    ):
        photo, style = rgb(*size), rgb(50, 39, 1)
        drawn = opened.transform(photo, opened.encode_style(style), alpha)
        assert drawn.shape == photo.shape and 0 <= drawn.min() <= drawn.max() <= 1
        assert (
            parity.psnr(drawn, reference(photo, style, alpha, kind)) > ARTIFACTS[name]
        )


def test_a_folder_of_exports_and_a_run_folder_are_opened():
    folder = tiny.any_style_exported()
    photo, style = rgb(32, 32), rgb(32, 32, 1)
    for path in (folder, folder / "saved_model", folder / "saved_model" / "1"):
        opened = open_any_style.open_any_style(path)
        drawn = opened.transform(photo, opened.encode_style(style), 1.0)
        np.testing.assert_allclose(drawn, reference(photo, style, 1.0), atol=1e-4)


def test_a_file_of_a_fixed_size_draws_it_and_refuses_others():
    opened = open_any_style.open_any_style(
        tiny.any_style_exported() / "tflite" / "tiny_transform_64_float16.tflite"
    )
    photo, code = rgb(64, 64), opened.encode_style(rgb(32, 32, 1))
    assert (
        parity.psnr(
            opened.transform(photo, code, 1.0), reference(photo, rgb(32, 32, 1), 1.0)
        )
        > 50
    )
    with pytest.raises(UserError, match="photo of 64x64.*Received: 61x45"):
        opened.transform(rgb(45, 61), code, 1.0)


def test_a_part_without_the_other_is_named(tmp_path):
    source = tiny.any_style_exported() / "tflite" / "tiny_transform_int8.tflite"
    (tmp_path / source.name).write_bytes(source.read_bytes())
    with pytest.raises(UserError, match="tiny_style_int8.tflite beside"):
        open_any_style.open_any_style(tmp_path / source.name)


def test_models_of_their_own_styles_and_of_any_are_told_apart(tmp_path):
    tiny.network().save(tmp_path / "single.keras")
    single = [
        tmp_path / "single.keras",
        tiny.artifact("1"),
        tiny.artifact("tiny.tflite"),
    ]
    for path in single:
        with pytest.raises(UserError, match="Leave out --style"):
            open_any_style.open_any_style(path)
    for name in ("network.keras", "saved_model", "tflite/tiny_transform_int8.tflite"):
        with pytest.raises(UserError, match="Name one with --style"):
            stylizer.open_painter(str(tiny.any_style_exported() / name))


def test_a_damaged_part_is_named(tmp_path):
    for part in ("style", "transform"):
        (tmp_path / f"x_{part}.tflite").write_bytes(b"TFL3 no more")
    with pytest.raises(UserError, match="Expected a model that can be opened"):
        open_any_style.open_any_style(tmp_path / "x_transform.tflite")


def test_the_saved_model_takes_and_gives_encoded_pictures():
    import tensorflow as tf

    loaded = tf.saved_model.load(str(tiny.any_style_exported() / "saved_model" / "1"))
    sizes, styles = [(40, 56), (24, 32)], [rgb(32, 48, 1), rgb(40, 40, 2)]
    photos_ = [rgb(*size) for size in sizes]
    encoded = [
        [image_io.encode(image_io.Picture(each), "png") for each in group]
        for group in (photos_, styles)
    ]
    out = loaded.signatures["stylize_bytes"](
        content_bytes=tf.constant(encoded[0]),
        style_bytes=tf.constant(encoded[1]),
        alpha=tf.constant([[1.0], [0.5]]),
    )
    assert out["error"].numpy().tolist() == [b"", b""]
    for data, photo, style, alpha in zip(
        out["stylized_bytes"].numpy(), photos_, styles, (1.0, 0.5)
    ):
        drawn = image_io.read_picture(data).rgb
        assert (
            parity.psnr(drawn, reference(photo, style, alpha)) > 30
        )  # JPEG's own error


def test_the_saved_model_says_which_of_two_files_cannot_be_read():
    import tensorflow as tf

    loaded = tf.saved_model.load(str(tiny.any_style_exported() / "saved_model" / "1"))
    good = image_io.encode(image_io.Picture(rgb(24, 32)), "png")
    out = loaded.signatures["stylize_bytes"](
        content_bytes=tf.constant([good, good[:99], good]),
        style_bytes=tf.constant([good, good, b"?"]),
        alpha=tf.constant([[1.0]]),
    )
    first, second, third = (error.decode() for error in out["error"].numpy())
    assert (first, second.split(":")[0], third.split(":")[0]) == (
        "",
        "content_bytes",
        "style_bytes",
    )
    assert [len(data) > 0 for data in out["stylized_bytes"].numpy()] == [
        True,
        False,
        False,
    ]


def test_a_card_can_be_written_of_both_parts():
    folder = tiny.any_style_exported()
    paths = [
        folder / "tflite" / f"tiny_{part}_int8.tflite"
        for part in ("style", "transform")
    ]
    likeness = parity.Likeness(40.0, 45.0, 9.0, 1.0)
    entries = model_card.card(
        folder, [parity.Artifact(path, 1, likeness, 30.0) for path in paths], {}
    )["artifacts"]
    assert entries[0]["inputs"] == {"style": "float32 [1, any, any, 3]"}
    assert list(entries[0]["outputs"]) == ["code"] and list(entries[1]["outputs"]) == [
        "stylized"
    ]
    assert entries[1]["inputs"]["content"] == "float32 [1, any, any, 3]"
    assert len(entries[1]["inputs"]) == 3 and entries[1]["operations"]["CONV_2D"] >= 7


# -- wishes ----------------------------------------------------------------------------------------


def painter(wishes):
    return stylizer.open_painter(
        str(tiny.any_style_exported() / "network.keras"), (), wishes
    )


def test_one_style_at_some_strength(pictures):
    drawn = painter(Wishes([str(pictures / "a.png")], alpha=0.4))(rgb(45, 61))
    np.testing.assert_allclose(
        drawn, reference(rgb(45, 61), rgb(40, 50, 1), 0.4), atol=1e-4
    )


def test_weights_blend_codes_whatever_their_sum(pictures):
    names = [str(pictures / "a.png"), str(pictures / "b.png")]
    drawn = painter(Wishes(names, (3.0, 1.0)))(rgb(45, 61))
    opened = open_any_style.open_any_style(tiny.any_style_exported() / "network.keras")
    codes = [opened.encode_style(rgb(40, 50, 1)), opened.encode_style(rgb(33, 70, 2))]
    np.testing.assert_allclose(
        drawn,
        opened.transform(rgb(45, 61), 0.75 * codes[0] + 0.25 * codes[1], 1.0),
        atol=1e-4,
    )
    alone = painter(Wishes(names, (1.0, 0.0)))(rgb(45, 61))
    np.testing.assert_allclose(
        alone, painter(Wishes(names[:1]))(rgb(45, 61)), atol=1e-5
    )


def test_masks_give_each_style_its_region_and_leave_the_rest_to_the_photo(pictures):
    masks = np.zeros((2, 45, 61), np.uint8)
    masks[0, :, :20], masks[1, :, 40:] = 255, 255
    for mask, name in zip(masks, "ab"):
        Image.fromarray(mask).save(pictures / f"mask_{name}.png")
    names = [str(pictures / "a.png"), str(pictures / "b.png")]
    drawn = painter(
        Wishes(names, masks=[str(pictures / f"mask_{name}.png") for name in "ab"])
    )(rgb(45, 61))
    first, second = (painter(Wishes([name]))(rgb(45, 61)) for name in names)
    np.testing.assert_allclose(drawn[:, :20], first[:, :20], atol=1e-5)
    np.testing.assert_allclose(drawn[:, 20:40], rgb(45, 61)[:, 20:40], atol=1e-5)
    np.testing.assert_allclose(drawn[:, 40:], second[:, 40:], atol=1e-5)


def test_overlapping_masks_average(pictures):
    Image.new("L", (61, 45), 255).save(pictures / "all.png")
    names = [str(pictures / "a.png"), str(pictures / "b.png")]
    drawn = painter(Wishes(names, masks=[str(pictures / "all.png")] * 2))(rgb(45, 61))
    first, second = (painter(Wishes([name]))(rgb(45, 61)) for name in names)
    np.testing.assert_allclose(drawn, (first + second) / 2, atol=1e-5)


def test_styles_are_read_at_most_at_their_size(pictures):
    assert stylizer.read_style(str(pictures / "a.png"), 20).shape[:2] == (20, 25)
    assert stylizer.read_style(str(pictures / "a.png"), 512).shape[:2] == (40, 50)
    assert min(stylizer.read_style("mosaic", 64).shape[:2]) == 64


@pytest.mark.parametrize("mode", color.MODES)
def test_preserved_colors_are_those_of_the_shared_functions(mode):
    negative = stylizer.preserving_colors(lambda photo: 1 - photo, mode)
    np.testing.assert_array_equal(
        negative(rgb(30, 40)), color.MODES[mode](1 - rgb(30, 40), rgb(30, 40))
    )


@pytest.mark.parametrize("kind", ["modulated", "adain"])
def test_a_style_of_one_pixel_or_one_color_gives_a_finite_picture(kind):
    opened = open_any_style.open_any_style(
        tiny.any_style_exported(kind) / "network.keras"
    )
    for size, level in (((1, 1, 3), 0.7), ((40, 30, 3), 0.2), ((16, 16, 3), 0.0)):
        style = np.full(size, level, np.float32)
        assert np.isfinite(
            opened.transform(rgb(40, 40), opened.encode_style(style), 1.0)
        ).all()


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wishes, message",
    [
        ({"alpha": 1.5}, "--alpha from 0 to 1. Received: 1.5"),
        ({"alpha": -0.1}, "--alpha from 0 to 1"),
        ({"alpha": float("nan")}, "--alpha from 0 to 1"),
        ({"style_size": 0}, "--style_size of at least 1"),
        ({"masks": ["m.png", "n.png"]}, "1 masks, one for each --style. Received: 2"),
        ({"masks": ["m.png"], "weights": [1.0]}, "Received: both"),
    ],
)
def test_wishes_that_cannot_be_met_are_refused(wishes, message):
    with pytest.raises(UserError, match=message):
        Wishes(["mosaic"], **wishes)


@pytest.mark.parametrize(
    "weights, message",
    [
        ([1.0], "2 numbers as --style_weights, one for each style. Received: 1"),
        ([0.0, 0.0], "not all 0"),
        ([1.0, -1.0], "at least 0"),
        ([np.nan, 1.0], "at least 0"),
    ],
)
def test_weights_that_blend_nothing_are_refused(weights, message):
    with pytest.raises(UserError, match=message):
        open_any_style.blended([np.zeros(3), np.ones(3)], weights)


@pytest.mark.parametrize(
    "mask, message",
    [
        (np.zeros((45, 61), np.uint8), "a mask with white in it"),
        (
            np.full((45, 60), 255, np.uint8),
            "a mask of the photo's size, 61x45. Received: .*60x45",
        ),
    ],
)
def test_a_mask_of_nothing_or_of_another_size_is_refused(pictures, mask, message):
    Image.fromarray(mask).save(pictures / "mask.png")
    draws = painter(
        Wishes([str(pictures / "a.png")], masks=[str(pictures / "mask.png")])
    )
    with pytest.raises(UserError, match=message):
        draws(rgb(45, 61))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"alpha": 0.5}, "--style with --alpha"),
        ({"content_masks": ("m.png",)}, "--style with --alpha"),
        ({"preserve_color": "all"}, "--preserve_color among none, luminance"),
        ({"style": ("mosaic",), "style_weights": ("x",)}, "numbers as --style_weights"),
    ],
)
def test_flags_that_do_not_fit_together_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        StylizeSettings(model="m", content="c", output="o", **changes)


# -- the command -----------------------------------------------------------------------------------


def test_the_command_paints_gray_and_transparent_photos_in_a_packaged_style(pictures):
    Image.fromarray(np.asarray(smooth(40, 50, 4))[..., 0]).save(pictures / "gray.png")
    see_through = np.dstack(
        [np.asarray(smooth(40, 50, 5)), np.full((40, 50), 99, np.uint8)]
    )
    Image.fromarray(see_through).save(pictures / "alpha.png")
    for name in ("gray", "alpha"):
        status = stylize_run.stylize(
            StylizeSettings(
                model=str(tiny.any_style_exported()),
                style=("mosaic",),
                content=str(pictures / f"{name}.png"),
                output=str(pictures / f"{name}_out.png"),
                alpha=0.8,
                preserve_color="luminance",
            )
        )
        assert status == 0
    assert np.asarray(Image.open(pictures / "gray_out.png")).shape == (40, 50, 3)
    np.testing.assert_array_equal(
        np.asarray(Image.open(pictures / "alpha_out.png"))[..., 3], 99
    )


def test_a_pair_of_tflite_files_is_painted_with_without_tensorflow(pictures):
    (pictures / "tensorflow.py").write_text(
        "raise ImportError('TensorFlow was imported')"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "nst_tf.stylize",
            f"--content={pictures / 'photo.png'}",
            f"--model={tiny.any_style_exported() / 'tflite' / 'tiny_transform_int8.tflite'}",
            f"--style={pictures / 'a.png'}",
            f"--output={pictures / 'out.png'}",
        ],
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "PYTHONPATH": f"{pictures}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        },
    )
    assert done.returncode == 0, done.stderr
    assert Image.open(pictures / "out.png").size == (61, 45)
