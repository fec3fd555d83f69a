"""More than 8 bits a value: read as tifffile and imageio read them, on the scale of the file."""

import io
import logging
import struct
import zlib

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
from PIL import Image
from support.image_files import encoded, png, read8

from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io


def test_sixteen_bit_png_keeps_its_gray_levels():
    levels = np.array([[0, 1, 1000, 1001, 40000, 65535]], np.uint16)
    rgb = image_io.read_image(encoded(levels)).rgb
    for channel in range(3):
        np.testing.assert_allclose(rgb[..., channel], levels / 65535, rtol=1e-6)


@pytest.mark.parametrize(
    "dtype, order", [(np.uint16, "<"), (np.uint16, ">"), (np.int32, "<")]
)
def test_deep_gray_tiff_keeps_its_gray_levels(dtype, order):
    levels = np.array([[0, 1, 1000, 1001, 30000, 65535]], dtype)
    mode = {"<": "I;16", ">": "I;16B"}[order] if dtype == np.uint16 else "I"
    raw = levels.astype(np.dtype(dtype).newbyteorder(order)).tobytes()
    source = encoded(Image.frombytes(mode, (6, 1), raw), "TIFF")
    assert Image.open(io.BytesIO(source)).mode == mode
    np.testing.assert_allclose(
        image_io.read_image(source).rgb[..., 1], levels / 65535, rtol=1e-6
    )


def test_sixteen_bit_gray_is_scaled_for_training_not_cut_off():
    levels = np.array([[0, 1000, 40000, 65535]], np.uint16)
    assert image_io.decode_rgb8(encoded(levels))[0, :, 0].tolist() == [0, 4, 156, 255]


def test_sixteen_bit_color_png_is_read():
    rows = (
        b"\0"
        + np.array([[65535, 257 * 100, 0], [0, 257 * 200, 65535]], ">u2").tobytes()
    )
    assert read8(png(2, 1, 16, 2, rows)).tolist() == [[[255, 100, 0], [0, 200, 255]]]


@pytest.mark.parametrize("scale", [1, 255])
def test_float_images_are_taken_as_0_to_1_or_0_to_255(scale):
    values = np.array([[0, 0.2501, 1]], np.float32)
    rgb = image_io.read_image(encoded(values * np.float32(scale), "TIFF")).rgb
    np.testing.assert_allclose(rgb[..., 0], values, rtol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        np.array([[0.5, np.nan]], np.float32),
        np.array([[0, 70000]], np.int32),
        np.array([[-1, 5]], np.int32),
    ],
)
def test_values_without_a_meaning_are_refused(values):
    with pytest.raises(UserError):
        image_io.read_image(encoded(values, "TIFF"))


# -- color of 16 bits -------------------------------------------------------------------


def colors16(channels, seed=0):
    colors = np.random.default_rng(seed).integers(0, 65536, (31, 23, channels))
    # Where cutting off and rounding part, and the ends.
    colors[0, :8, 0] = [0, 128, 129, 255, 256, 65407, 65406, 65535]
    return colors.astype(np.uint16)


def rounded(values):
    """The nearest of 255 levels, in whole numbers."""
    return (values.astype(np.int64) * 255 * 2 + 65535) // (2 * 65535)


@pytest.mark.parametrize("color_type, channels", [(2, 3), (6, 4), (4, 2)])
def test_color_png_of_16_bits_is_rounded_not_cut_off(color_type, channels):
    colors = colors16(channels)
    if channels != 3:
        colors[..., -1] = 65535
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colors)
    source = png(23, 31, 16, color_type, rows)
    expected = rounded(colors if channels == 3 else colors[..., :-1])
    for result in (read8(source), image_io.decode_rgb8(source)):
        assert np.array_equal(result, np.broadcast_to(expected, result.shape))


def test_alpha_of_16_bits_is_rounded_too():
    colors = colors16(4)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colors)
    picture = image_io.read_image(png(23, 31, 16, 6, rows))
    assert np.array_equal(image_io.to_uint8(picture.alpha), rounded(colors[..., 3]))


def test_a_transparent_color_of_16_bits_is_that_color_alone():
    colors = np.array([[[700, 1000, 40000], [700, 1000, 40001]]], np.uint16)
    data = png(2, 1, 16, 2, b"\0" + colors.astype(">u2").tobytes())
    key = struct.pack(">3H", *colors[0, 0].tolist())
    chunk = struct.pack(">I", 6) + b"tRNS" + key
    chunk += struct.pack(">I", zlib.crc32(b"tRNS" + key))
    place = data.index(b"IDAT") - 4
    picture = image_io.read_image(data[:place] + chunk + data[place:])
    assert picture.alpha.tolist() == [[0, 1]]


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("channels", [3, 4])
def test_color_tiff_of_16_bits_is_what_tifffile_reads(order, compression, channels):
    colors = colors16(channels)
    if channels == 4:
        colors[..., 3] = 65535
    extra = ["unassalpha"] if channels == 4 else None
    source = tiff(
        colors,
        photometric="rgb",
        byteorder=order,
        compression=compression,
        extrasamples=extra,
    )
    other = tifffile.imread(io.BytesIO(source))[..., :3]
    assert np.array_equal(other, imageio.imread(source, plugin="tifffile")[..., :3])
    rgb = image_io.read_image(source).rgb
    assert np.abs(rgb - other / 65535).max() <= 0.5 / 255 + 1e-6


def test_colors_in_planes_apart_are_right_to_one_level_or_refused():
    colors = colors16(3)
    planes = np.moveaxis(colors, -1, 0).copy()
    options = {"photometric": "rgb", "planarconfig": "separate"}
    packed = tiff(planes, compression="zlib", **options)
    assert np.abs(read8(packed) - rounded(colors)).max() <= 1
    with pytest.raises(UserError, match="16-bit TIFF that is not read"):
        image_io.read_image(tiff(planes, **options))


# -- gray: which value is white ---------------------------------------------------------


@pytest.mark.parametrize(
    "dtype, low, high",
    [
        ("f4", 0, 1.0),
        ("f4", -20, 90),
        ("f4", 0, 65535),
        ("u2", 100, 900),
        ("i2", -1000, 1000),
        ("i4", 0, 255),
        ("u4", 0, 4_000_000_000),
    ],
)
def test_gray_is_on_the_scale_of_its_tags(dtype, low, high):
    values = np.linspace(low, high, 12).astype(dtype).reshape(3, 4)
    kind = {"f4": 11, "u2": 3, "i2": 8, "i4": 9, "u4": 4}[dtype]
    tags = [(340, kind, 1, low, True), (341, kind, 1, high, True)]
    source = tiff(values, extratags=tags, photometric="minisblack")
    other = tifffile.imread(io.BytesIO(source)).astype(float)
    expected = (other - low) / (high - low)
    for rgb in (image_io.read_image(source).rgb, image_io.decode_rgb8(source) / 255):
        np.testing.assert_allclose(rgb[..., 1], expected, atol=0.51 / 255)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_so_many_bits_in_16_are_as_bright_as_their_tag_says(bits, caplog):
    most = 2**bits - 1
    values = np.array([[0, most // 3, most]], np.uint16)
    source = tiff(values, extratags=[(281, 3, 1, most, True)], photometric=1)
    np.testing.assert_allclose(
        image_io.read_image(source).rgb[0, :, 0], values[0] / most, atol=1e-6
    )
    assert not caplog.records


def test_packed_12_bits_are_0_to_4095(tmp_path):
    # 0xabc 0x123 0xfff 0x000, as three bytes for two.
    (tmp_path / "a.tif").write_bytes(
        tiff(np.frombuffer(bytes.fromhex("abc123fff000"), np.uint8)[None])
    )
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+b") as file:
        file.pages[0].tags["BitsPerSample"].overwrite(12)
        file.pages[0].tags["ImageWidth"].overwrite(4)
    rgb = image_io.read_image(tmp_path / "a.tif").rgb
    np.testing.assert_allclose(rgb[0, :, 0] * 4095, [0xABC, 0x123, 0xFFF, 0], rtol=1e-5)


def test_12_bits_that_no_tag_tells_are_read_as_they_are_and_named(tmp_path, caplog):
    path = tmp_path / "dark.tif"
    path.write_bytes(tiff(np.array([[0, 2000, 4095]], np.uint16)))
    rgb = image_io.read_image(path).rgb
    np.testing.assert_allclose(rgb[0, :, 0] * 65535, [0, 2000, 4095], rtol=1e-5)
    assert str(path) in caplog.text and "MaxSampleValue" in caplog.text


@pytest.mark.parametrize(
    "dtype, brightest, white",
    [
        ("f4", 0.01, 1),
        ("f4", 1.01, 1),
        ("f4", 1.4, 1),
        ("f4", 255, 255),
        ("f4", 260, 255),
        ("f4", 65535, 65535),
        ("f4", 40000, 65535),
        ("i4", 255, 255),
        ("i4", 40000, 65535),
        ("i4", 2**31 - 1, 2**31 - 1),
        ("u4", 2**32 - 1, 2**32 - 1),
        ("i2", 32767, 32767),
        ("i2", 200, 32767),
    ],
)
def test_the_brightest_value_tells_the_usual_range_where_no_tag_does(
    dtype, brightest, white, caplog
):
    values = np.array([[0, brightest / 3, brightest]], np.float64).astype(dtype)
    rgb = image_io.read_image(tiff(values)).rgb
    np.testing.assert_allclose(
        rgb[0, :, 2], np.clip(values[0] / white, 0, 1), rtol=1e-5
    )
    guessed = white != 1 and dtype != "i2"
    assert ("does not tell its range" in caplog.text) == guessed


@pytest.mark.parametrize(
    "values",
    [
        np.array([[0, 3]], np.float32),
        np.array([[0, 4095]], np.float32),
        np.array([[0, 1e6]], np.float32),
        np.array([[0, 12]], np.int32),
        np.array([[0, 4095]], np.uint32),
        np.array([[-5, 255]], np.int32),
        np.array([[-5, 255]], np.int16),
        np.array([[-5, 100]], np.int8),
        np.array([[0, 1]], np.float64),
        np.array([[0, 1]], np.float16),
    ],
)
def test_a_scale_that_cannot_be_told_is_one_line(tmp_path, values):
    path = tmp_path / "odd.tif"
    path.write_bytes(tiff(values, photometric="minisblack"))
    for reader in (image_io.read_image, image_io.decode_rgb8):
        with pytest.raises(UserError) as caught:
            reader(path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_float_colors_are_one_line():
    with pytest.raises(UserError, match="an image of .* bytes"):
        image_io.read_image(tiff(np.zeros((2, 2, 3), np.float32), photometric="rgb"))


def test_black_all_over_is_black_on_any_scale(caplog):
    for dtype in ("f4", "i4", "u2"):
        assert not image_io.read_image(tiff(np.zeros((2, 3), dtype))).rgb.any()
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


def test_gray_whose_white_is_0_is_turned():
    values = np.array([[0, 1000, 65535]], np.uint16)
    source = tiff(values, photometric="miniswhite")
    np.testing.assert_allclose(
        image_io.read_image(source).rgb[0, :, 0], 1 - values[0] / 65535, atol=1e-6
    )
