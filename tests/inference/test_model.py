"""One Model for every kind of network in every runtime: styles, codes, strength, blends,
regions, colors and bad input.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import tiny
from support.pictures import smooth

from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.core.errors import UserError
from nst_tf.exporters import model_card, parity
from nst_tf.images import color, io as image_io
from nst_tf.images.metadata import Metadata
from nst_tf.inference import model as models, run as stylize_run
from nst_tf.inference.open_model import load_model
from nst_tf.inference.style_names import find_style

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


@pytest.mark.parametrize("kind", ["modulated", "colors", "adain", "skips"])
@pytest.mark.parametrize("name", ARTIFACTS)
def test_every_artifact_draws_what_the_network_draws(name, kind):
    opened = load_model(tiny.any_style_exported(kind) / name)
    for size, alpha in (
        ((45, 61), 1.0),
        ((1, 1), 0.3),
        ((24, 100), 0.3),
        ((64, 64), 1.0),
    ):
        photo, style = rgb(*size), rgb(50, 39, 1)
        drawn = opened(photo, style, alpha)
        assert drawn.shape == photo.shape and 0 <= drawn.min() <= drawn.max() <= 1
        assert (
            parity.psnr(drawn, reference(photo, style, alpha, kind)) > ARTIFACTS[name]
        )


def test_a_folder_of_exports_and_a_run_folder_are_opened():
    folder = tiny.any_style_exported()
    photo, style = rgb(32, 32), rgb(32, 32, 1)
    for path in (folder, folder / "saved_model", folder / "saved_model" / "1"):
        opened = load_model(path)
        drawn = opened(photo, style, 1.0)
        np.testing.assert_allclose(drawn, reference(photo, style, 1.0), atol=1e-4)


def test_a_file_of_a_fixed_size_draws_it_and_refuses_others():
    opened = load_model(
        tiny.any_style_exported() / "tflite" / "tiny_transform_64_float16.tflite"
    )
    photo, code = rgb(64, 64), opened.encode(rgb(32, 32, 1))
    assert (
        parity.psnr(opened(photo, code, 1.0), reference(photo, rgb(32, 32, 1), 1.0))
        > 50
    )
    with pytest.raises(UserError, match="photo of 64x64.*Received: 61x45"):
        opened(rgb(45, 61), code, 1.0)


def test_a_part_without_the_other_is_named(tmp_path):
    source = tiny.any_style_exported() / "tflite" / "tiny_transform_int8.tflite"
    (tmp_path / source.name).write_bytes(source.read_bytes())
    with pytest.raises(UserError, match="tiny_style_int8.tflite beside"):
        load_model(tmp_path / source.name)


def test_models_of_their_own_styles_and_of_any_are_told_apart(tmp_path):
    tiny.network().save(tmp_path / "single.keras")
    single = [
        tmp_path / "single.keras",
        tiny.artifact("1"),
        tiny.artifact("tiny.tflite"),
    ]
    for path in single:
        opened = load_model(path)
        assert opened.styles == ("Style 1",)
        with pytest.raises(UserError, match="one of the styles of .*: Style 1"):
            opened.prepare("mosaic")
        with pytest.raises(UserError, match="which has styles of its own"):
            opened.encode(rgb(32, 32))
    for name in ("network.keras", "saved_model", "tflite/tiny_transform_int8.tflite"):
        opened = load_model(tiny.any_style_exported() / name)
        assert opened.styles == ()
        with pytest.raises(UserError, match="Name one with --style"):
            opened.prepare()


def test_a_damaged_part_is_named(tmp_path):
    for part in ("style", "transform"):
        (tmp_path / f"x_{part}.tflite").write_bytes(b"TFL3 no more")
    with pytest.raises(UserError, match="Expected a model that can be opened"):
        load_model(tmp_path / "x_transform.tflite")


def test_the_saved_model_takes_and_gives_encoded_pictures():
    import tensorflow as tf

    loaded = tf.saved_model.load(str(tiny.any_style_exported() / "saved_model" / "1"))
    sizes, styles = [(40, 56), (24, 32)], [rgb(32, 48, 1), rgb(40, 40, 2)]
    photos_ = [rgb(*size) for size in sizes]
    encoded = [
        [image_io.encode(image_io.Image(each), "png") for each in group]
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
        drawn = image_io.read_image(data).rgb
        assert (
            parity.psnr(drawn, reference(photo, style, alpha)) > 30
        )  # JPEG's own error


def test_the_saved_model_says_which_of_two_files_cannot_be_read():
    import tensorflow as tf

    loaded = tf.saved_model.load(str(tiny.any_style_exported() / "saved_model" / "1"))
    good = image_io.encode(image_io.Image(rgb(24, 32)), "png")
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
    entries = model_card.make_card(
        folder,
        [parity.Artifact(path, 1, likeness, 30.0, "tflite") for path in paths],
        {},
    )["artifacts"]
    assert entries[0]["inputs"] == {"style": "float32 [1, any, any, 3]"}
    assert list(entries[0]["outputs"]) == ["code"] and list(entries[1]["outputs"]) == [
        "stylized"
    ]
    assert entries[1]["inputs"]["content"] == "float32 [1, any, any, 3]"
    assert len(entries[1]["inputs"]) == 3 and entries[1]["operations"]["CONV_2D"] >= 7


# -- styles of any picture -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def any_model():
    return load_model(tiny.any_style_exported() / "network.keras")


def test_one_style_at_some_strength(any_model, pictures):
    drawn = any_model(rgb(45, 61), str(pictures / "a.png"), 0.4)
    wanted = reference(rgb(45, 61), rgb(40, 50, 1), 0.4)
    np.testing.assert_allclose(drawn, wanted, atol=1e-4)


def test_a_style_is_a_path_a_picture_or_a_code(any_model, pictures):
    by_path = any_model(rgb(45, 61), pictures / "a.png")
    code = any_model.encode(rgb(40, 50, 1))
    for style in (
        rgb(40, 50, 1),
        image_io.Image(rgb(40, 50, 1)),
        code,
        [code],
        {str(pictures / "a.png"): 7},
    ):
        np.testing.assert_allclose(any_model(rgb(45, 61), style), by_path, atol=1e-6)


def test_shares_blend_codes_whatever_their_sum(any_model, pictures):
    a, b = str(pictures / "a.png"), str(pictures / "b.png")
    drawn = any_model(rgb(45, 61), {a: 3, b: 1})
    mixed = 0.75 * any_model.encode(a) + 0.25 * any_model.encode(b)
    np.testing.assert_allclose(drawn, any_model(rgb(45, 61), mixed), atol=1e-4)
    alone = any_model(rgb(45, 61), {a: 1.0, b: 0.0})
    np.testing.assert_allclose(alone, any_model(rgb(45, 61), a), atol=1e-5)


def test_a_picture_keeps_its_alpha_and_metadata(any_model):
    alpha = np.linspace(0, 1, 45 * 61, dtype=np.float32).reshape(45, 61)
    metadata = Metadata(dpi=(300, 300))
    drawn = any_model(image_io.Image(rgb(45, 61), alpha, metadata), "mosaic")
    np.testing.assert_array_equal(drawn.alpha, alpha)
    assert drawn.metadata == metadata
    np.testing.assert_array_equal(drawn.rgb, any_model(rgb(45, 61), "mosaic"))


def test_masks_give_each_style_its_region_and_leave_the_rest_to_the_photo(
    any_model, pictures
):
    masks = np.zeros((2, 45, 61), np.uint8)
    masks[0, :, :20], masks[1, :, 40:] = 255, 255
    for mask, name in zip(masks, "ab"):
        Image.fromarray(mask).save(pictures / f"mask_{name}.png")
    names = [str(pictures / "a.png"), str(pictures / "b.png")]
    files = [str(pictures / f"mask_{name}.png") for name in "ab"]
    drawn = any_model(rgb(45, 61), names, masks=files)
    arrays = [mask / np.float32(255) for mask in masks]
    np.testing.assert_array_equal(drawn, any_model(rgb(45, 61), names, masks=arrays))
    first, second = (any_model(rgb(45, 61), name) for name in names)
    np.testing.assert_allclose(drawn[:, :20], first[:, :20], atol=1e-5)
    np.testing.assert_allclose(drawn[:, 20:40], rgb(45, 61)[:, 20:40], atol=1e-5)
    np.testing.assert_allclose(drawn[:, 40:], second[:, 40:], atol=1e-5)


def test_overlapping_masks_average(any_model, pictures):
    Image.new("L", (61, 45), 255).save(pictures / "all.png")
    names = [str(pictures / "a.png"), str(pictures / "b.png")]
    drawn = any_model(rgb(45, 61), names, masks=[str(pictures / "all.png")] * 2)
    first, second = (any_model(rgb(45, 61), name) for name in names)
    np.testing.assert_allclose(drawn, (first + second) / 2, atol=1e-5)


def test_styles_are_read_at_most_at_their_size(pictures):
    assert models.read_style(str(pictures / "a.png"), 20).shape[:2] == (20, 25)
    assert models.read_style(str(pictures / "a.png"), 512).shape[:2] == (40, 50)
    assert min(models.read_style("mosaic", 64).shape[:2]) == 64


@pytest.mark.parametrize("mode", color.MODES)
def test_preserved_colors_are_those_of_the_shared_functions(any_model, mode):
    photo = rgb(30, 40)
    plain = any_model(photo, "mosaic")
    kept = any_model(photo, "mosaic", preserve_color=mode)
    np.testing.assert_array_equal(kept, color.MODES[mode](plain, photo))


@pytest.mark.parametrize("kind", ["modulated", "colors", "adain"])
def test_a_style_of_one_pixel_or_one_color_gives_a_finite_picture(kind):
    opened = load_model(tiny.any_style_exported(kind) / "network.keras")
    for size, level in (((1, 1, 3), 0.7), ((40, 30, 3), 0.2), ((16, 16, 3), 0.0)):
        style = np.full(size, level, np.float32)
        assert np.isfinite(opened(rgb(40, 40), style, 1.0)).all()


# -- styles of its own -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    """Paths of a network of three styles in every runtime, with a run that names them."""
    network, artifacts = tiny.exported(3)
    folder = tmp_path_factory.mktemp("several")
    network.save(folder / "network.keras")
    names = {"style_image": "hokusai_wave.jpg,a/cafe-terrace.jpg,starry_night.jpg"}
    (folder / "run.json").write_text(json.dumps({"settings": names}))
    return [folder, *(made.path for each in artifacts.values() for made in each)]


def test_styles_have_the_names_of_their_pictures(several):
    names = ("Hokusai wave", "Cafe terrace", "Starry night")
    assert load_model(several[0]).styles == names
    # These have neither a run nor a card beside them.
    assert load_model(several[1]).styles == ("Style 1", "Style 2", "Style 3")


def test_a_style_is_found_by_name_by_a_word_of_it_and_by_number(several):
    opened = load_model(several[0])
    by_number = opened(rgb(24, 32), 1)
    for style in ("Cafe terrace", "cafe", "CAFE-TERRACE", "1", (0, 1, 0), {"cafe": 3}):
        np.testing.assert_array_equal(opened(rgb(24, 32), style), by_number)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 2.0, 1e30])
def test_shares_are_scaled_to_a_sum_of_one_in_every_runtime(several, scale):
    network = tiny.exported(3)[0]
    wanted = tiny.draw(network, rgb(45, 61), (0.2, 0.3, 0.5))
    for path in several:
        opened = load_model(path)
        drawn = opened(rgb(45, 61), tuple(scale * share for share in (2, 3, 5)))
        least = {"tiny_float16.tflite": 50, "tiny_int8.tflite": 30}.get(path.name, 80)
        assert parity.psnr(drawn, wanted) > least, path.name


def test_regions_work_for_styles_of_its_own(several):
    opened = load_model(several[0])
    left = np.zeros((24, 32, 1), np.float32)
    left[:, :16] = 1
    drawn = opened(rgb(24, 32), ["wave", "cafe"], masks=[left, 1 - left])
    np.testing.assert_array_equal(drawn[:, :16], opened(rgb(24, 32), "wave")[:, :16])
    np.testing.assert_array_equal(drawn[:, 16:], opened(rgb(24, 32), "cafe")[:, 16:])


@pytest.mark.parametrize(
    "style, message",
    [
        (
            None,
            "share for each of the 3: Hokusai wave; Cafe terrace; Starry night. Received: none",
        ),
        ((1, 0), "a share for each of the 3: .* Received: 2 shares"),
        ((0, 0, 0), "shares of styles of at least 0, not all 0"),
        ((1, -1, 1), "shares of styles of at least 0"),
        ((1, float("nan"), 0), "shares of styles of at least 0"),
        ({"wave": float("inf")}, "shares of styles of at least 0"),
        ("kandinsky", "one of the styles of .* Received: 'kandinsky'"),
        ("a", "one of the styles of .* Received: 'a'"),
        (3, "a style from 0 to 2"),
        (np.zeros((8, 8, 3), np.float32), "Received: a picture or a code"),
    ],
)
def test_a_style_that_the_model_does_not_have_is_refused(several, style, message):
    with pytest.raises(UserError, match=message):
        load_model(several[0]).prepare(style)


def test_a_name_of_several_styles_is_refused_with_all_of_them():
    names = ("Starry night", "Night watch", "Wave")
    with pytest.raises(UserError, match="which could be Starry night; Night watch"):
        find_style("night", names, "m")
    assert find_style("night watch", names, "m") == 1


def test_a_number_is_a_place_also_where_names_have_numbers():
    names = ("Style 1", "Style 2", "Style 3")
    assert [find_style(each, names, "m") for each in "012"] == [0, 1, 2]
    assert find_style("style 1", names, "m") == 0


# -- files of 0ad64c8 ------------------------------------------------------------------------------

EARLIER = Path(__file__).parents[1] / "fixtures" / "run_of_0ad64c8"


@pytest.mark.parametrize(
    "kind", ["one_style", "straight", "adain", "skips", "modulated"]
)
def test_a_network_of_an_earlier_version_draws_its_picture(kind):
    expected = np.load(EARLIER / "expected.npz")
    style, strength = expected["style"], 0.7
    if kind == "one_style":
        style, strength = None, 1.0
    elif kind == "straight":
        style, strength = (0.25, 0.75), 0.8
    drawn = load_model(EARLIER / f"{kind}.keras")(expected["photo"], style, strength)
    # That version's moments were single sums, which round otherwise.
    np.testing.assert_allclose(drawn, expected[kind], atol=3e-5)


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, message",
    [
        ({"strength": 1.5}, "--strength from 0 to 1. Received: 1.5"),
        ({"strength": -0.1}, "--strength from 0 to 1"),
        ({"strength": float("nan")}, "--strength from 0 to 1"),
        ({"masks": ["m.png", "n.png"]}, "1 masks, one for each --style. Received: 2"),
        ({"preserve_color": "all"}, "--preserve_color among none, luminance"),
    ],
)
def test_options_that_cannot_be_met_are_refused(any_model, options, message):
    with pytest.raises(UserError, match=message):
        any_model.prepare("mosaic", **options)


def test_masks_and_unequal_shares_are_refused(any_model):
    with pytest.raises(UserError, match="Received: both"):
        any_model.prepare({"mosaic": 2, "woodblock": 1}, masks=["m.png", "n.png"])


def test_a_style_size_of_nothing_is_refused():
    with pytest.raises(UserError, match="--style_size of at least 1"):
        load_model(tiny.artifact("tiny.tflite"), style_size=0)


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
def test_a_mask_of_nothing_or_of_another_size_is_refused(
    any_model, pictures, mask, message
):
    Image.fromarray(mask).save(pictures / "mask.png")
    paint = any_model.prepare(pictures / "a.png", masks=[pictures / "mask.png"])
    with pytest.raises(UserError, match=message):
        paint(rgb(45, 61))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"content_masks": ("m.png",)}, "--content_masks with --style"),
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
                strength=0.8,
                preserve_color="luminance",
            )
        ).status
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
