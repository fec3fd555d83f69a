"""Image files to numbers and back."""

import concurrent.futures
import io
import itertools
import logging
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from IPython.core.formatters import PNGFormatter
from PIL import Image, ImageCms, JpegImagePlugin, PngImagePlugin
from support.image_files import encoded, photo, png, read8
from support.profiles import WHITE, WIDE, fixed16, gamma_curve, profile, wide_profile

from nst_tf.core.errors import UserError
from nst_tf.images import codecs, io as image_io
from nst_tf.images.io import Image as Picture

# -- sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size, options, expected",
    [
        ((480, 640), {}, (480, 640)),
        ((480, 640), {"short_side": 240}, (240, 320)),
        ((480, 640), {"long_side": 320}, (240, 320)),
        ((640, 480), {"short_side": 960}, (1280, 960)),
        ((3, 1000), {"long_side": 10}, (1, 10)),
        ((333, 500), {"short_side": 100}, (100, 150)),
        ((1, 1), {"short_side": 7}, (7, 7)),
    ],
)
def test_fit_size_keeps_the_aspect(size, options, expected):
    assert image_io.fit_size(*size, **options) == expected


def test_fit_size_meets_the_wanted_side_exactly():
    for height, width, side in itertools.product(
        [1, 7, 333, 1023], [1, 49, 641], [1, 3, 255, 999]
    ):
        assert min(image_io.fit_size(height, width, short_side=side)) == side
        assert max(image_io.fit_size(height, width, long_side=side)) == side


@pytest.mark.parametrize(
    "options", [{"short_side": 0}, {"long_side": -1}, {"short_side": 3, "long_side": 4}]
)
def test_fit_size_refuses_what_makes_no_sense(options):
    with pytest.raises(UserError):
        image_io.fit_size(10, 10, **options)


# -- formats and modes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "format, tolerance",
    [("PNG", 0), ("BMP", 0), ("TIFF", 0), ("WEBP", 0), ("GIF", 0), ("JPEG", 3)],
)
@pytest.mark.parametrize("as_path", [True, False])
def test_every_format_is_read_from_a_path_and_from_bytes(
    tmp_path, format, tolerance, as_path
):
    pixels = photo()
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    image = Image.fromarray(pixels)
    if format == "GIF":
        image = image.quantize(256)
        pixels = np.array(image.convert("RGB"))
    source = encoded(image, format, **options.get(format, {}))
    if as_path:
        (tmp_path / "misleading.txt").write_bytes(source)
        source = tmp_path / "misleading.txt"
    picture = image_io.read_image(source)
    assert (
        picture.rgb.dtype == np.float32
        and picture.alpha is None
        and picture.size == (6, 9)
    )
    for result in (image_io.to_uint8(picture.rgb), image_io.decode_rgb8(source)):
        assert np.abs(result.astype(int) - pixels).max() <= tolerance


def test_the_first_frame_of_an_animation_is_read():
    red, blue = Image.new("RGB", (4, 3), "red"), Image.new("RGB", (4, 3), "blue")
    for format in ("GIF", "WEBP", "PNG", "TIFF"):
        result = read8(encoded(red, format, save_all=True, append_images=[blue]))
        assert (result[..., 0] > 240).all() and (result[..., 2] < 15).all()


def test_gray_is_repeated_over_the_channels():
    gray = photo(channels=1)[..., 0]
    assert np.array_equal(read8(encoded(gray)), np.repeat(gray[..., None], 3, axis=2))
    bits = gray > 90
    assert np.array_equal(read8(encoded(bits))[..., 1], np.where(bits, 255, 0))


def on_mean(pixels):
    """uint8 [H, W, C + 1] on the mean color of what is seen, by hand, in float64."""
    color, alpha = pixels[..., :-1].astype(float), pixels[..., -1:] / 255
    mean = (color * alpha).sum((0, 1)) / alpha.sum()
    return color * alpha + mean * (1 - alpha)


def test_gray_with_alpha_keeps_both():
    pixels = photo(channels=2)
    picture = image_io.read_image(encoded(pixels))
    for channel in range(3):
        gray = picture.rgb[..., channel] * 255
        np.testing.assert_allclose(gray, on_mean(pixels)[..., 0], atol=1.1)
    assert np.array_equal(image_io.to_uint8(picture.alpha), pixels[..., 1])


def palette_image():
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    return image


@pytest.mark.parametrize(
    "transparency, alpha",
    [(None, None), (1, [255, 0, 255]), (bytes([9, 128, 255]), [9, 128, 255])],
)
def test_a_palette_becomes_its_colors(transparency, alpha):
    options = {} if transparency is None else {"transparency": transparency}
    picture = image_io.read_image(encoded(palette_image(), **options))
    if alpha is None:
        assert np.array_equal(picture.rgb[0], np.eye(3))
        assert picture.alpha is None
    else:
        pixels = np.dstack([np.eye(3)[None] * 255, np.array([alpha])])
        np.testing.assert_allclose(picture.rgb * 255, on_mean(pixels), atol=1.1)
        assert np.array_equal(image_io.to_uint8(picture.alpha), [alpha])


@pytest.mark.parametrize(
    "mode, key, pixels",
    [
        ("L", 7, np.array([[7, 8]], np.uint8)),
        ("RGB", (7, 7, 7), np.array([[[7, 7, 7], [7, 7, 8]]], np.uint8)),
        ("I;16", 700, np.array([[700, 701]], np.uint16)),
    ],
)
def test_a_transparent_color_becomes_alpha(mode, key, pixels):
    source = encoded(pixels, transparency=key)
    assert Image.open(io.BytesIO(source)).mode == mode
    assert np.array_equal(image_io.read_image(source).alpha, [[0, 1]])


# -- orientation and color ------------------------------------------------------------------------

UPRIGHT = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, -1),
    7: lambda p: p[::-1, ::-1].swapaxes(0, 1),
    8: lambda p: np.rot90(p),
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(orientation, format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = photo(16, 24)
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    source = encoded(pixels, format, exif=exif, **options.get(format, {}))
    expected = UPRIGHT[orientation](pixels).astype(int)
    for result in (read8(source), image_io.decode_rgb8(source)):
        assert result.shape == expected.shape
        assert np.abs(result - expected).max() <= (3 if format == "JPEG" else 0)
    half = (expected.shape[0] // 2, expected.shape[1] // 2)
    assert image_io.read_image(source, short_side=8).size == half
    assert image_io.decode_rgb8(source, short_side=8).shape[:2] == half


def test_orientation_turns_alpha_and_deep_gray_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = photo(channels=4)
    assert np.array_equal(
        image_io.to_uint8(image_io.read_image(encoded(pixels, exif=exif)).alpha),
        np.rot90(pixels[..., 3], -1),
    )
    levels = photo(channels=1)[..., 0].astype(np.uint16) * 200
    rgb = image_io.read_image(encoded(levels, exif=exif)).rgb
    np.testing.assert_allclose(rgb[..., 0], np.rot90(levels, -1) / 65535, rtol=1e-6)


def test_broken_exif_does_not_make_a_picture_unreadable(caplog):
    source = encoded(photo(), exif=b"Exif\0\0this is not it")
    assert np.array_equal(read8(source), photo())
    assert "EXIF" in caplog.text


SRGB = np.array(
    [[0.4361, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7142]]
)


def srgb_curve(linear):
    linear = np.clip(linear, 0, 1)
    return np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055
    )


def wide_to_srgb(rgb):
    linear = (rgb / 255.0) ** 2.0
    return srgb_curve(linear @ WIDE.T @ np.linalg.inv(SRGB).T) * 255


@pytest.mark.parametrize("channels", [3, 4])
def test_an_embedded_profile_is_converted_to_srgb(channels):
    pixels = photo(channels=channels)
    result = image_io.read_image(encoded(pixels, icc_profile=wide_profile()))
    if channels == 4:
        assert np.array_equal(image_io.to_uint8(result.alpha), pixels[..., 3])
        pixels[..., 3] = 255
        result = image_io.read_image(encoded(pixels, icc_profile=wide_profile()))
    expected = wide_to_srgb(pixels[..., :3])
    assert np.abs(expected - pixels[..., :3]).max() > 10  # the profile does matter
    np.testing.assert_allclose(result.rgb * 255, expected, atol=2)
    reference = ImageCms.profileToProfile(
        Image.fromarray(pixels[..., :3]),
        io.BytesIO(wide_profile()),
        ImageCms.createProfile("sRGB"),
    )
    assert np.array_equal(image_io.to_uint8(result.rgb), np.asarray(reference))


def test_a_palette_goes_through_its_profile():
    image = Image.new("P", (1, 1))
    image.putpalette([100, 150, 200])
    result = read8(encoded(image, icc_profile=wide_profile()))
    np.testing.assert_allclose(
        result[0, 0], wide_to_srgb(np.array([100, 150, 200])), atol=2
    )


@pytest.mark.parametrize(
    "pixels",
    [
        np.array([[55, 200]], np.uint8),
        np.array([[55, 200]], np.uint16) * 257,
        np.array([[[55, 255], [200, 255]]], np.uint8),
    ],
)
def test_gray_goes_through_its_profile(pixels):
    linear_gray = profile(
        b"GRAY", b"mntr", b"XYZ ", {b"wtpt": WHITE, b"kTRC": gamma_curve(1)}
    )
    result = read8(encoded(pixels, icc_profile=linear_gray))
    expected = srgb_curve(np.array([55, 200]) / 255) * 255
    for channel in range(3):
        np.testing.assert_allclose(result[0, :, channel], expected, atol=2)


def cmyk_profile():
    """Any ink is the same green: nothing that a conversion without the profile could give."""
    ramp = bytes(range(256))
    green = bytes([150, 70, 170])  # L*, a* and b* in 8 bits
    paper = bytes([255, 128, 128])
    table = (
        b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + fixed16(1, 0, 0, 0, 1, 0, 0, 0, 1)
    )
    table += ramp * 4 + paper + green * 15 + ramp * 3
    return profile(b"CMYK", b"prtr", b"Lab ", {b"wtpt": WHITE, b"A2B0": table})


def test_cmyk_with_a_profile_goes_through_it():
    pixels = np.array([[[0, 0, 0, 0]] * 8, [[0, 255, 0, 0]] * 8] * 4, np.uint8).repeat(
        4, 0
    )
    image = Image.frombytes("CMYK", (8, 32), pixels.tobytes())
    source = encoded(image, "TIFF", icc_profile=cmyk_profile())
    result = read8(source)
    reference = ImageCms.profileToProfile(
        image,
        io.BytesIO(cmyk_profile()),
        ImageCms.createProfile("sRGB"),
        outputMode="RGB",
    )
    assert np.array_equal(result, np.asarray(reference))
    red, green, blue = result[4, 0].astype(int)
    assert (
        green > red + 50 and green > blue + 50
    )  # magenta ink, were it not for the profile
    assert (result[0, 0] >= 250).all()


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_without_a_profile_is_converted_the_plain_way(format):
    pixels = np.broadcast_to(np.array([0, 255, 255, 0], np.uint8), (8, 8, 4))
    source = encoded(Image.frombytes("CMYK", (8, 8), pixels.tobytes()), format)
    np.testing.assert_allclose(
        read8(source), np.broadcast_to([255, 0, 0], (8, 8, 3)), atol=4
    )


def test_a_broken_profile_is_ignored_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING):
        assert np.array_equal(
            read8(encoded(photo(), icc_profile=b"not a profile")), photo()
        )
    assert "profile" in caplog.text


def test_a_profile_for_another_color_space_is_ignored_with_a_warning(caplog):
    gray = photo(channels=1)[..., 0]
    assert np.array_equal(
        read8(encoded(gray, icc_profile=wide_profile()))[..., 0], gray
    )
    assert "profile" in caplog.text


# -- resizing --------------------------------------------------------------------------------------


def readers():
    return [read8, image_io.decode_rgb8]


@pytest.mark.parametrize("reader", readers())
def test_shrinking_does_not_alias(reader):
    board = (np.indices((64, 64)).sum(0) % 2 * 255).astype(np.uint8)
    for side in (32, 21, 16):
        result = reader(encoded(board), short_side=side)
        assert result.shape == (side, side, 3)
        inner = result[2:-2, 2:-2].astype(int)  # the border cuts the filter off
        assert np.abs(inner - 127.5).max() < 4


@pytest.mark.parametrize("reader", readers())
@pytest.mark.parametrize(
    "options, size",
    [
        ({"short_side": 3}, (3, 5)),
        ({"long_side": 18}, (12, 18)),
        ({"short_side": 60}, (60, 90)),
        ({}, (6, 9)),
    ],
)
def test_the_wanted_side_is_met_up_and_down(reader, options, size):
    result = reader(encoded(photo()), **options)
    assert result.shape == (*size, 3)
    assert abs(result.mean() - photo().mean()) < 3


def test_resizing_keeps_deep_gray_levels():
    levels = np.full((8, 8), 1001, np.uint16)
    rgb = image_io.read_image(encoded(levels), short_side=4).rgb
    np.testing.assert_allclose(rgb, 1001 / 65535, rtol=1e-5)


def test_resizing_stays_within_0_and_1():
    edge = np.repeat(np.array([[0, 255]], np.uint8), 8, axis=1).repeat(16, axis=0)
    rgb = image_io.read_image(encoded(edge), short_side=11).rgb
    assert rgb.min() == 0 and rgb.max() == 1
    veiled = np.random.default_rng(0).integers(1, 256, (64, 64, 4)).astype(np.uint8)
    veiled[..., :3] = 255
    picture = image_io.read_image(encoded(veiled), short_side=23)
    assert picture.rgb.max() == 1 and picture.alpha.max() <= 1


def test_a_half_transparent_edge_gets_no_dark_fringe():
    pixels = np.zeros((32, 32, 4), np.uint8)  # transparent black around an orange disc
    disc = np.hypot(*(np.indices((32, 32)) - 15.5)) < 11
    pixels[disc] = [255, 128, 0, 255]
    for side in (8, 13, 50):
        picture = image_io.read_image(encoded(pixels), short_side=side)
        seen = picture.alpha > 0
        assert (
            (picture.alpha > 0.02) & (picture.alpha < 0.98)
        ).any()  # there is an edge
        np.testing.assert_allclose(
            picture.rgb[seen],
            np.broadcast_to(np.array([255, 128, 0]) / 255, picture.rgb[seen].shape),
            atol=1e-3,
        )


TRANSPARENT_FORMATS = ("PNG", "WEBP", "TIFF", "AVIF", "GIF")


def cut_out(below, format="PNG", side=32):
    """A smooth disc; what cannot be seen around it has one color."""
    pixels = np.dstack([photo(side, side), np.full((side, side), 255, np.uint8)])
    middle = (side - 1) / 2
    outside = np.hypot(*(np.indices((side, side)) - middle)) > side / 3
    pixels[outside] = [below] * 3 + [0]
    image = Image.fromarray(pixels)
    options = {"WEBP": {"lossless": True, "exact": True}, "AVIF": {"quality": 100}}
    return encoded(image, format, **options.get(format, {})), outside


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("options", [{}, {"short_side": 13}, {"short_side": 50}])
def test_what_lies_below_a_cut_out_counts_nowhere(format, options):
    black, white = (cut_out(below, format)[0] for below in (0, 255))
    for reader in (
        image_io.decode_rgb8,
        lambda *a, **o: image_io.read_image(*a, **o).rgb,
    ):
        assert np.array_equal(reader(black, **options), reader(white, **options))


def test_statistics_of_a_cut_out_are_those_of_what_is_seen():
    # AVIF loses a little, so its two are alike, not equal.
    for format in ("PNG", "AVIF"):
        for below in (0, 255):
            source, outside = cut_out(below, format)
            seen = photo(32, 32)[~outside] / 255
            picture = image_io.read_image(source)
            mean = picture.rgb.reshape(-1, 3).mean(0)
            np.testing.assert_allclose(mean, seen.mean(0), atol=0.01)
            np.testing.assert_allclose(
                picture.rgb[0, 0], seen.mean(0), atol=1e-2 if format == "AVIF" else 2e-3
            )
            assert np.array_equal(picture.alpha, ~outside)


def test_what_is_half_transparent_is_composited_on_the_mean_of_what_is_seen():
    pixels = np.array(
        [[[200, 100, 0, 255], [9, 9, 9, 0], [100, 100, 60, 51]]], np.uint8
    )
    expected = on_mean(pixels)
    for result in (image_io.decode_rgb8(encoded(pixels)), read8(encoded(pixels))):
        np.testing.assert_allclose(result, expected, atol=1.1)


def test_a_transparent_level_of_deep_gray_is_composited_too():
    levels = np.array([[0, 10000, 30000]], np.uint16)
    picture = image_io.read_image(encoded(levels, transparency=0))
    np.testing.assert_allclose(
        picture.rgb[0, :, 1] * 65535, [20000, 10000, 30000], rtol=1e-5
    )
    assert picture.alpha.tolist() == [[0, 1, 1]]


def test_a_white_disc_on_transparent_white_is_a_mask_of_the_disc():
    pixels = np.full((32, 32, 4), 255, np.uint8)
    outside = np.hypot(*(np.indices((32, 32)) - 15.5)) > 10
    pixels[outside, 3] = 0
    pixels[16, 16, 3] = 128
    mask = image_io.read_mask(encoded(pixels), (32, 32))
    np.testing.assert_allclose(mask[..., 0], pixels[..., 3] / 255, atol=1e-6)


@pytest.mark.parametrize("format", TRANSPARENT_FORMATS)
def test_what_is_wholly_transparent_is_refused_by_name(tmp_path, format):
    path = tmp_path / "nothing.bin"
    pixels = photo(channels=4)
    pixels[..., 3] = 0
    path.write_bytes(encoded(Image.fromarray(pixels), format))
    readers = (
        image_io.read_image,
        image_io.decode_rgb8,
        lambda source: image_io.read_mask(source, (6, 9)),
    )
    for reader in readers:
        with pytest.raises(UserError, match="wholly transparent") as caught:
            reader(path)
        assert str(path) in str(caught.value)


def test_a_jpeg_is_decoded_small_but_never_too_small(monkeypatch):
    sizes = []
    real = JpegImagePlugin.JpegImageFile.load_end
    monkeypatch.setattr(
        JpegImagePlugin.JpegImageFile,
        "load_end",
        lambda image: (sizes.append(image.size), real(image)),
    )
    source = encoded(photo(400, 600), "JPEG")
    for side in (25, 49, 51, 99, 100, 101, 199, 201, 399, 500):
        result = image_io.decode_rgb8(source, short_side=side)
        assert result.shape[0] == side and result.shape[1] == round(side * 1.5 + 1e-6)
        assert abs(result.mean() - photo(400, 600).mean()) < 2
    assert [min(size) for size in sizes] == [
        50,
        50,
        100,
        100,
        100,
        200,
        200,
        400,
        400,
        400,
    ]
    sizes.clear()
    image_io.read_image(source, short_side=25)
    assert sizes == [(600, 400)]  # full quality is read in full


def test_resize_rgb8_gives_the_size_asked_for():
    result = image_io.resize_rgb8(photo(), 4, 17)
    assert result.shape == (4, 17, 3) and result.dtype == np.uint8
    assert abs(result.mean() - photo().mean()) < 2
    assert np.array_equal(image_io.resize_rgb8(photo(), 6, 9), photo())


@pytest.mark.parametrize("reader", readers())
def test_one_pixel_works(reader):
    source = encoded(np.array([[[1, 2, 3]]], np.uint8))
    assert reader(source).tolist() == [[[1, 2, 3]]]
    assert reader(source, short_side=3).tolist() == [[[1, 2, 3]] * 3] * 3


def test_results_can_be_changed_in_place():
    source = encoded(photo(channels=4))
    image_io.decode_rgb8(source)[0] = 0
    picture = image_io.read_image(source)
    picture.rgb[0] = 0
    picture.alpha[0] = 0


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.filterwarnings("error")
def test_a_20000x20000_png_header_is_refused_before_decoding(monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda image: pytest.fail("decoded"))
    for reader in readers():
        with pytest.raises(UserError) as caught:
            reader(
                png(20000, 20000, 8, 2), short_side=64
            )  # a small result makes it no better
        for part in (
            "20000 x 20000",
            "400000000",
            str(image_io.MAX_PIXELS),
            "max_pixels",
        ):
            assert part in str(caught.value)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("format", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_only_max_pixels_decides_what_is_too_large(format, monkeypatch):
    # Were Pillow asked, it would refuse everything above 2 pixels and warn above 1.
    source = encoded(np.zeros((6, 9), np.uint8), format)
    if format not in ("WEBP", "GIF"):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
        monkeypatch.setattr(codecs, "_GIANT_PIXELS", 1)
    assert image_io.read_image(source, max_pixels=54).size == (6, 9)
    with pytest.raises(UserError, match="max_pixels"):
        image_io.read_image(source, max_pixels=53)
    if format not in ("WEBP", "GIF"):
        assert Image.MAX_IMAGE_PIXELS == 1  # put back


@pytest.mark.filterwarnings("error")
def test_what_pillow_refuses_while_opening_is_one_clear_error(monkeypatch):
    source = bytearray(encoded(np.zeros((6, 9), np.uint8), "GIF"))
    source[6:10] = (
        1,
        0,
        1,
        0,
    )  # a screen of 1 x 1: the size shows only at the first frame
    source = bytes(source)
    assert image_io.read_image(source).size == (6, 9)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    with pytest.raises(UserError, match="at most 100000000 pixels") as caught:
        image_io.read_image(source)
    assert "bomb" not in str(caught.value)


def test_a_size_that_explodes_by_enlarging_is_refused():
    strip = encoded(np.zeros((1, 5000), np.uint8))
    with pytest.raises(UserError, match="2560000 x 512 = 1310720000 pixels"):
        image_io.decode_rgb8(strip, short_side=512)


BIG = photo(64, 64)
SOURCES = {
    "a text named jpg": ("text.jpg", b"hello, I am no image", "not a JPEG"),
    "an empty file": ("empty.png", b"", "empty"),
    "a half jpeg": ("half.jpg", encoded(BIG, "JPEG")[:-60], "truncated"),
    "a half png": ("half.png", encoded(BIG)[:-300], "truncated"),
    "a half progressive": (
        "half2.jpg",
        encoded(BIG, "JPEG", progressive=True)[:-200],
        "",
    ),
    "a half webp": ("half.webp", encoded(BIG, "WEBP")[:-100], ""),
    "a half bmp": ("half.bmp", encoded(BIG, "BMP")[:-300], "truncated"),
    "a half tiff": ("half.tif", encoded(BIG, "TIFF")[:-6000], ""),
    "a half gif": (
        "half.gif",
        encoded(Image.fromarray(BIG).quantize(), "GIF")[:-500],
        "",
    ),
    "a sound": ("sound.webp", b"RIFF\x24\0\0\0WAVEfmt " + bytes(40), ""),
    "an empty picture": ("zero.png", png(0, 5, 8, 2), ""),
}


@pytest.mark.parametrize("case", SOURCES)
@pytest.mark.parametrize("reader", readers())
def test_an_unreadable_file_is_one_line_with_path_and_reason(tmp_path, case, reader):
    name, data, reason = SOURCES[case]
    path = tmp_path / name
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises(UserError) as caught:
            reader(source)
        message = str(caught.value)
        assert reason in message and "\n" not in message and "()" not in message
        assert (str(path) if source is path else f"{len(data)} bytes") in message


@pytest.mark.parametrize("reader", readers())
def test_a_missing_file_and_a_folder_are_one_line_each(tmp_path, reader):
    for path, reason in (
        (tmp_path / "no.jpg", "No such file"),
        (tmp_path, "directory"),
    ):
        with pytest.raises(UserError) as caught:
            reader(path)
        assert str(path) in str(caught.value) and reason in str(caught.value)
        assert "\n" not in str(caught.value) and "Errno" not in str(caught.value)


def test_giant_images_are_decoded_one_at_a_time(monkeypatch):
    # Otherwise one thread would put the limit of Pillow back under the hands of
    # another.
    monkeypatch.setattr(codecs, "_GIANT_PIXELS", 1)
    running, most = [], []
    real = PngImagePlugin.PngImageFile.load

    def load(image):
        if image.tile:  # only the call that decodes
            running.append(image)
            time.sleep(0.02)
            most.append(len(running))
            running.remove(image)
        return real(image)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", load)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(read8, [encoded(photo())] * 4))
    assert most == [1, 1, 1, 1]


def test_reading_from_several_threads_gives_the_same_pictures(monkeypatch):
    monkeypatch.setattr(codecs, "_GIANT_PIXELS", 1000)  # so that some take the lock
    before = Image.MAX_IMAGE_PIXELS
    sources = [
        encoded(photo(10 + 5 * n, 40), format, icc_profile=wide_profile())
        for n, format in enumerate(("PNG", "TIFF", "JPEG", "WEBP"))
    ] * 10
    expected = [read8(source) for source in sources]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(read8, sources))
    assert all(np.array_equal(a, b) for a, b in zip(results, expected, strict=True))
    assert Image.MAX_IMAGE_PIXELS == before


# -- numbers ---------------------------------------------------------------------------------------


def test_rounding_is_to_nearest_and_clipped():
    values = (
        np.array([-3, 0, 0.49, 0.51, 100.4, 100.6, 254.51, 255, 300], np.float32) / 255
    )
    assert image_io.to_uint8(values).tolist() == [0, 0, 0, 1, 100, 101, 255, 255, 255]


def test_all_256_levels_survive_the_round_trip():
    levels = np.arange(256, dtype=np.uint8)
    values = image_io.to_float(levels)
    assert values.dtype == np.float32 and values.min() == 0 and values.max() == 1
    assert np.array_equal(image_io.to_uint8(values), levels)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_never_become_numbers(bad):
    with pytest.raises(ValueError, match="NaN or infinity"):
        image_io.to_uint8(np.array([0.5, bad], np.float32))


def test_the_wrong_kind_of_numbers_is_refused():
    with pytest.raises(ValueError, match="float"):
        image_io.to_uint8(photo())
    with pytest.raises(ValueError, match="uint8"):
        image_io.to_float(np.zeros((2, 2, 3), np.float32))


@pytest.mark.parametrize(
    "rgb, alpha",
    [((2, 2), None), ((2, 2, 4), None), ((0, 2, 3), None), ((2, 3, 3), (3, 2))],
)
def test_a_picture_of_the_wrong_shape_is_refused(rgb, alpha):
    with pytest.raises(ValueError, match="shape"):
        Picture(
            np.zeros(rgb, np.float32),
            None if alpha is None else np.zeros(alpha, np.float32),
        )


# -- writing ---------------------------------------------------------------------------------------


def picture(channels=3):
    values = image_io.to_float(photo(48, 64, channels))
    return Picture(values[..., :3], values[..., 3] if channels == 4 else None)


@pytest.mark.parametrize(
    "suffix, tolerance",
    [
        ("png", 0),
        ("bmp", 0),
        ("tif", 0),
        ("TIFF", 0),
        ("jpg", 4),
        ("jpeg", 4),
        ("webp", 12),
        ("avif", 12),
    ],
)
def test_what_is_written_is_what_is_read(tmp_path, suffix, tolerance):
    path = tmp_path / "new" / "folder" / f"a.{suffix}"
    image_io.write_image(path, picture())
    with Image.open(path) as image:
        assert image.format == {"tif": "TIFF", "jpg": "JPEG"}.get(
            suffix, suffix.upper()
        )
        assert not image.getexif().get(0x0112)
    result = image_io.read_image(path)
    assert result.alpha is None
    assert np.abs(result.rgb - picture().rgb).max() * 255 <= tolerance + 0.01


@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
def test_alpha_is_kept_where_the_format_can(suffix, caplog):
    original = picture(4)
    result = image_io.read_image(image_io.encode(original, suffix))
    assert np.array_equal(
        image_io.to_uint8(result.alpha), image_io.to_uint8(original.alpha)
    )
    assert not caplog.records


@pytest.mark.parametrize("suffix", ["jpg", "bmp"])
def test_alpha_that_cannot_be_kept_is_composited_on_white_and_logged(suffix, caplog):
    rgb = np.zeros((16, 16, 3), np.float32)
    alpha = np.full((16, 16), 0.25, np.float32)
    result = image_io.read_image(image_io.encode(Picture(rgb, alpha), suffix))
    np.testing.assert_allclose(result.rgb, 0.75, atol=0.01)
    assert result.alpha is None
    assert len(caplog.records) == 1 and "alpha dropped" in caplog.text


def test_alpha_without_transparency_is_dropped_silently(caplog):
    image_io.encode(Picture(picture().rgb, np.ones((48, 64), np.float32)), "jpg")
    assert not caplog.records


def test_jpeg_is_444_at_95():
    with Image.open(io.BytesIO(image_io.encode(picture(), "jpg"))) as image:
        assert JpegImagePlugin.get_sampling(image) == 0
        tables = image.quantization
    # The example luminance table of the JPEG standard starts with 16 11 10 16 24 40 51
    # 61; quality 95 takes a tenth of it.
    assert list(tables[0][:8]) == [2, 1, 1, 2, 2, 4, 5, 6]


def test_quality_is_used_and_checked():
    noise = np.random.default_rng(0).random((64, 64, 3), np.float32)
    for suffix in ("jpg", "webp"):
        sizes = [
            len(image_io.encode(Picture(noise), suffix, quality))
            for quality in (20, 60, 95)
        ]
        assert sizes == sorted(sizes) and sizes[0] < sizes[2] / 2
    for quality in (0, 101):
        with pytest.raises(UserError, match=str(quality)):
            image_io.encode(Picture(noise), "jpg", quality)


@pytest.mark.parametrize("name", ["a.gif", "a.xyz", "a"])
def test_an_unknown_suffix_is_refused_with_a_list(tmp_path, name):
    with pytest.raises(UserError, match=r"\.png"):
        image_io.write_image(tmp_path / name, picture())
    assert list(tmp_path.iterdir()) == []


def test_a_picture_too_large_for_its_format_is_one_clear_error():
    strip = Picture(np.zeros((1, 70000, 3), np.float32))
    for suffix in ("jpg", "webp"):
        with pytest.raises(UserError, match="70000 x 1 pixels"):
            image_io.encode(strip, suffix)


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="NaN"):
        image_io.write_image(
            tmp_path / "a.png", Picture(np.full((2, 2, 3), np.nan, np.float32))
        )
    assert list(tmp_path.iterdir()) == []


def test_overwrite_is_refused(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(UserError) as caught:
        image_io.write_image(path, picture())
    assert str(path) in str(caught.value) and "--overwrite" in str(caught.value)
    assert path.read_bytes() == b"old"
    image_io.write_image(path, picture(), overwrite=True)
    assert image_io.read_image(path).size == (48, 64)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()]
)
def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch, error):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*args):
        raise error

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError if isinstance(error, OSError) else KeyboardInterrupt):
        image_io.write_image(path, picture(), overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == [
        "a.png"
    ] and path.read_bytes() == b"old"


def test_an_unwritable_path_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UserError) as caught:
        image_io.write_image(tmp_path / "file" / "a.png", picture())
    assert str(tmp_path / "file" / "a.png") in str(caught.value) and "\n" not in str(
        caught.value
    )


# -- finding, and the module itself ----------------------------------------------------------------


def test_find_images_knows_every_suffix_that_is_read(tmp_path):
    for name in (
        "a.jpg",
        "b.JPEG",
        "c.png",
        "d.webp",
        "e.bmp",
        "f.tif",
        "g.tiff",
        "h.gif",
        "i.txt",
    ):
        (tmp_path / name).write_bytes(b"")
    found = image_io.find_images(tmp_path)
    assert [path.name[0] for path in found] == list("abcdefgh")
    with pytest.raises(UserError, match="webp"):
        image_io.find_images(tmp_path / "*.txt")


def test_the_module_does_not_need_tensorflow():
    code = "import sys; sys.modules['tensorflow'] = None; import nst_tf.images.io"
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_notebook_shows_an_image_as_the_png_that_is_written(tmp_path):
    image = Picture(image_io.to_float(photo()), np.full((6, 9), 0.5, np.float32))
    shown = PNGFormatter()(image)
    image_io.write_image(tmp_path / "a.png", image)
    assert shown == (tmp_path / "a.png").read_bytes()


def test_importing_and_reading_leaves_the_settings_of_pillow_alone():
    code = """
import sys, warnings
import numpy  # sets warning filters of its own
from PIL import Image, ImageFile
before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
from nst_tf.images import codecs, io
codecs._GIANT_PIXELS = 1
io.read_image(sys.stdin.buffer.read())
assert before == (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters))
"""
    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        input=encoded(photo()),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def test_a_mask_that_does_not_fit_is_named_by_its_path_or_size_not_by_its_bytes(
    tmp_path,
):
    data = encoded(np.zeros((3, 5), np.uint8))
    path = tmp_path / "mask.png"
    path.write_bytes(data)
    for source, name in ((data, f"an image of {len(data)} bytes"), (path, str(path))):
        with pytest.raises(UserError, match="of the photo's size") as caught:
            image_io.read_mask(source, (4, 5))
        assert f"Received: {name}: 5x3. Make it" in str(caught.value)
        with pytest.raises(UserError, match="with white in it") as caught:
            image_io.read_mask(source, (3, 5))
        assert f"Received: {name}, which is black. Paint" in str(caught.value)
