"""Broad strokes: painted small, written at the photo's own size."""

import numpy as np
import pytest
from PIL import Image
from support.painting import NEGATIVE, Negative, pixels, save
from support.pictures import smooth

from nst_tf.config.painting.client import ClientSettings
from nst_tf.config.painting.stylize import StylizeSettings
from nst_tf.core.errors import UserError
from nst_tf.images import color, io as image_io
from nst_tf.images.enlarging import enlarge, shrink
from nst_tf.images.large.row_source import open_rows
from nst_tf.inference import run as painting
from nst_tf.inference.model import Model
from nst_tf.inference.strokes import broad_strokes
from nst_tf.inference.strokes.broad_strokes import Strokes


class Recorder(Negative):
    """A negative of each of two styles, that notes the sizes it was asked for."""

    styles = 2

    def __init__(self):
        self.sizes = []

    def draw(self, image, code, strength):
        self.sizes.append(image.shape[:2])
        return 1 - image if code[0] else image / 2


def photo(height=96, width=128):
    return np.asarray(smooth(height, width), np.float32) / 255


def command(monkeypatch, runtime, **settings):
    model = Model(runtime, ["one", "two"])
    monkeypatch.setattr(painting, "load_model", lambda *unused, **options: model)
    return painting.stylize(StylizeSettings(model="m", **settings))


@pytest.mark.parametrize(
    "options, size, painted",
    [
        ({"scale": 4}, (300, 400), (75, 100)),
        ({"scale": 1.5}, (300, 400), (200, 267)),
        ({"scale": 64}, (3, 40), (1, 1)),
        ({"image_size": 100}, (300, 400), (75, 100)),
        ({"image_size": 500}, (300, 400), (300, 400)),
        ({}, (300, 400), (300, 400)),
    ],
)
def test_a_photo_is_painted_at_a_part_of_its_size(options, size, painted):
    assert Strokes(**options).find_size(*size) == painted


@pytest.mark.parametrize("upscale", ["bicubic", "guided"])
def test_a_model_with_broad_strokes_paints_small_and_enlarges(upscale):
    runtime, large = Recorder(), photo()
    model = Model(runtime, ["one", "two"]).broaden(stroke_scale=4, upscale=upscale)
    drawn = model(large, "one")
    assert runtime.sizes == [(24, 32)]
    small = shrink(large, (24, 32))
    np.testing.assert_array_equal(drawn, enlarge(1 - small, small, large, upscale))


def test_a_photo_that_is_small_already_is_painted_as_it_is():
    large = photo(20, 30)
    drawn = NEGATIVE.broaden(image_size=30)(large)
    np.testing.assert_array_equal(drawn, 1 - large)


def test_masks_keep_their_size_and_their_sharp_border():
    large, runtime = photo(), Recorder()
    left = np.zeros((*large.shape[:2], 1), np.float32)
    left[:, :50] = 1
    model = Model(runtime, ["one", "two"]).broaden(stroke_scale=4)
    drawn = model(large, ["one", "two"], masks=[left, 1 - left])
    one, two = model(large, "one"), model(large, "two")
    np.testing.assert_allclose(drawn[:, :50], one[:, :50], atol=1e-6)
    np.testing.assert_allclose(drawn[:, 50:], two[:, 50:], atol=1e-6)
    assert set(runtime.sizes) == {(24, 32)}


def test_colors_are_kept_of_the_photo_at_its_own_size():
    large = photo()
    model = NEGATIVE.broaden(stroke_scale=4)
    drawn = model(large, preserve_color="luminance")
    colored = color.luminance(model(large), large)
    np.testing.assert_array_equal(drawn, colored)


def test_a_model_of_any_style_can_be_broadened():
    class AnyStyle(Recorder):
        styles = 0

        def encode(self, picture):
            return picture.mean((0, 1))

    runtime = AnyStyle()
    Model(runtime).broaden(stroke_scale=2)(photo(), photo(8, 8))
    assert runtime.sizes == [(48, 64)]


@pytest.mark.parametrize(
    "options, size",
    [
        ({"image_size": 32, "upscale": "guided"}, (96, 128)),
        ({"image_size": 32, "upscale": "bicubic"}, (96, 128)),
        ({"stroke_scale": 4.0}, (96, 128)),
        ({"stroke_scale": 4.0, "upscale": "bicubic"}, (96, 128)),
        ({"image_size": 32}, (24, 32)),
    ],
)
def test_the_command_writes_the_photos_own_size_with_upscale(
    tmp_path, monkeypatch, options, size
):
    smooth(96, 128).save(tmp_path / "a.png")
    runtime = Recorder()
    settings = {"content": str(tmp_path / "a.png"), "output": str(tmp_path / "b.png")}
    command(monkeypatch, runtime, style=("one",), **settings, **options)
    assert pixels(tmp_path / "b.png").shape[:2] == size
    assert runtime.sizes == [(24, 32)]


def test_stroke_scale_is_guided_unless_bicubic_is_named(tmp_path, monkeypatch):
    smooth(96, 128).save(tmp_path / "a.png")
    for name, options in {
        "default": {},
        "guided": {"upscale": "guided"},
        "bicubic": {"upscale": "bicubic"},
    }.items():
        output = str(tmp_path / f"{name}.png")
        settings = {"content": str(tmp_path / "a.png"), "output": output}
        options = {"stroke_scale": 4.0, "style": ("one",), **settings, **options}
        command(monkeypatch, Recorder(), **options)
    drawn = {path.stem: pixels(path) for path in tmp_path.glob("*c.png")}
    default = pixels(tmp_path / "default.png")
    assert np.array_equal(default, pixels(tmp_path / "guided.png"))
    assert not np.array_equal(default, drawn["bicubic"])


def test_alpha_and_metadata_are_the_photos_own(tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[271] = "a camera"
    image = save(tmp_path / "a.png", 96, 128, "RGBA", exif=exif, dpi=(300, 300))
    options = {"content": str(tmp_path / "a.png"), "output": str(tmp_path / "b.png")}
    command(monkeypatch, Recorder(), style=("one",), stroke_scale=4.0, **options)
    before, after = (image_io.read_image(tmp_path / f"{n}.png") for n in "ab")
    np.testing.assert_array_equal(after.alpha * 255, np.asarray(image)[..., 3])
    assert after.metadata == before.metadata


def test_masks_of_the_command_have_the_photos_size_with_upscale(tmp_path, monkeypatch):
    smooth(96, 128).save(tmp_path / "a.png")
    white = Image.new("L", (128, 96), 255)
    white.save(tmp_path / "white.png")
    settings = {"content": str(tmp_path / "a.png"), "output": str(tmp_path / "b.png")}
    command(
        monkeypatch,
        Recorder(),
        style=("one",),
        content_masks=(str(tmp_path / "white.png"),),
        image_size=32,
        upscale="guided",
        **settings,
    )
    assert pixels(tmp_path / "b.png").shape[:2] == (96, 128)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"upscale": "guided"}, "--upscale with --image_size or --stroke_scale"),
        ({"upscale": "bilinear", "image_size": 9}, "--upscale"),
        ({"stroke_scale": 0.5}, "--stroke_scale"),
        ({"stroke_scale": 2.0, "image_size": 9}, "--image_size or --stroke_scale"),
    ],
)
def test_settings_that_do_not_count_or_fit_are_refused_by_name(settings, message):
    files = {"model": "m", "content": "a.png", "output": "b.png"}
    with pytest.raises(UserError, match=message):
        StylizeSettings(**files, **settings)
    with pytest.raises(UserError, match=message):
        ClientSettings(server="localhost:8500", **files, **settings)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"texture_size": "9x9", "stroke_scale": 2.0}, "--texture_size without"),
        (
            {
                "content": "a.png",
                "style": ("one",),
                "content_masks": ("m.png",),
                "image_size": 9,
            },
            "add --upscale=guided",
        ),
    ],
)
def test_what_has_no_size_of_a_photo_is_refused_by_name(settings, message):
    with pytest.raises(UserError, match=message):
        StylizeSettings(model="m", output="b.png", **settings)


@pytest.mark.parametrize(
    "options", [{"stroke_scale": 0.5}, {"stroke_scale": 2, "image_size": 9}]
)
def test_the_library_refuses_what_the_command_refuses(options):
    with pytest.raises(UserError, match="--stroke_scale"):
        NEGATIVE.broaden(**options)
    with pytest.raises(UserError, match="--upscale among bicubic, guided"):
        NEGATIVE.broaden(upscale="none")


def test_a_photo_without_memory_for_it_is_refused_by_its_size(monkeypatch):
    monkeypatch.setattr(broad_strokes, "available_memory", lambda: 100_000)
    with pytest.raises(UserError, match="128x96 pixels.*leave out --upscale"):
        NEGATIVE.broaden(stroke_scale=2)(photo())


@pytest.mark.parametrize("upscale", ["bicubic", "guided"])
def test_a_photo_in_rows_is_painted_as_the_whole(tmp_path, upscale):
    smooth(600, 800).save(tmp_path / "a.png")
    broad = NEGATIVE.broaden(stroke_scale=5, upscale=upscale)
    rows = []
    with open_rows(tmp_path / "a.png") as source:
        broad.prepare().paint_rows(source.read, source.size, rows.append)
    whole = broad(image_io.read_image(tmp_path / "a.png").rgb)
    assert len(rows) > 1
    np.testing.assert_allclose(np.concatenate(rows), whole, atol=1e-5)


def test_closing_a_broadened_model_closes_the_model():
    class Closing(Negative):
        closed = False

        def close(self):
            self.closed = True

    runtime = Closing()
    with Model(runtime, ["one"]).broaden(stroke_scale=2):
        pass
    assert runtime.closed


def test_a_style_picture_is_refused_by_max_pixels_alone(tmp_path):
    save(tmp_path / "style.png", 30, 40)

    class AnyStyle(Negative):
        styles = 0

        def encode(self, picture):
            return picture.mean((0, 1))

    name = str(tmp_path / "style.png")
    with pytest.raises(UserError, match="style.png.*give --max_pixels=1200"):
        Model(AnyStyle(), max_pixels=1199).encode(name)
    assert Model(AnyStyle(), max_pixels=1200).encode(name).shape == (3,)
