"""A picture written from its rows is the one that is written whole."""

import io
import os

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image
from support.image_files import encoded
from support.pictures import smooth

from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io
from nst_tf.images.io import Image as Picture
from nst_tf.images.large import row_writer, tiff
from nst_tf.images.large.row_writer import RowWriter, check_can_hold

SIZE = (300, 270)


def picture(alpha=False, metadata=None):
    rgb = np.asarray(smooth(*SIZE), np.float32) / 255 * 1.2 - 0.1
    rgb += np.random.default_rng(0).normal(0, 0.05, rgb.shape).astype("f4")
    ramp = np.linspace(-0.2, 1.2, SIZE[1], dtype="f4") * np.ones((SIZE[0], 1), "f4")
    return Picture(rgb, ramp.clip(0, 1) if alpha else None, metadata)


def full_metadata():
    exif = Image.Exif()
    exif[271], exif[315] = "a maker", "Zo\xc3\xab"
    exif.get_ifd(0x8769)[33434] = 0.01
    exif.get_ifd(0x8825)[1] = "N"
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>a title</x:xmpmeta>"
    source = encoded(smooth(8, 8), "JPEG", exif=exif, xmp=xmp, dpi=(300, 200))
    return image_io.read_image(source).metadata


def write_rows(path, whole, **options):
    with RowWriter(
        path,
        whole.size,
        metadata=whole.metadata,
        alpha=whole.alpha is not None,
        **options,
    ) as writer:
        for first in range(0, whole.size[0], 77):
            alpha = None if whole.alpha is None else whole.alpha[first : first + 77]
            writer.write(whole.rgb[first : first + 77], alpha)
    return path


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "webp", "bmp", "avif"])
def test_pixels_and_metadata_are_those_of_the_whole(tmp_path, suffix, alpha):
    if "." + suffix not in image_io.IMAGE_SUFFIXES:
        pytest.skip("this Pillow has no AVIF")
    whole = picture(alpha, full_metadata())
    image_io.write_image(tmp_path / f"whole.{suffix}", whole)
    write_rows(tmp_path / f"rows.{suffix}", whole)
    one, other = (
        image_io.read_image(tmp_path / f"{name}.{suffix}") for name in ("whole", "rows")
    )
    np.testing.assert_array_equal(one.rgb, other.rgb)
    assert (
        (one.alpha is None)
        == (other.alpha is None)
        == (not alpha or suffix in ("jpg", "bmp"))
    )
    if one.alpha is not None:
        np.testing.assert_array_equal(one.alpha, other.alpha)
    assert one.metadata == other.metadata
    profiles = [
        Image.open(tmp_path / f"{name}.{suffix}").info.get("icc_profile")
        for name in ("whole", "rows")
    ]
    assert profiles[0] == profiles[1]


def test_a_jpeg_has_the_very_bytes_of_the_whole(tmp_path):
    whole = picture(metadata=full_metadata())
    path = write_rows(tmp_path / "rows.jpg", whole, quality=83)
    assert path.read_bytes() == image_io.encode(whole, "jpg", quality=83)


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 300), (65, 1), (256, 256), (257, 511)])
def test_other_decoders_read_png_and_tiff_of_any_size(tmp_path, size, alpha):
    values = np.random.default_rng(0).integers(0, 256, (*size, 4), np.uint8)
    floats = values.astype("f4") / 255
    whole = Picture(floats[..., :3], floats[..., 3] if alpha else None)
    channels = 4 if alpha else 3
    path = write_rows(tmp_path / "rows.png", whole)
    decoded = pyvips.Image.new_from_file(str(path), fail_on="warning").numpy()
    np.testing.assert_array_equal(decoded, values[..., :channels])
    path = write_rows(tmp_path / "rows.tif", whole)
    np.testing.assert_array_equal(tifffile.imread(path), values[..., :channels])
    decoded = pyvips.Image.new_from_file(str(path), fail_on="warning").numpy()
    np.testing.assert_array_equal(decoded, values[..., :channels])


def test_a_png_is_about_as_small_as_pillows(tmp_path):
    whole = Picture(np.asarray(smooth(*SIZE), np.float32) / 255)
    size = write_rows(tmp_path / "rows.png", whole).stat().st_size
    assert size < 1.1 * len(image_io.encode(whole, "png"))


@pytest.mark.parametrize("alpha", [False, True])
def test_a_bigtiff_is_read_by_others_with_its_metadata(tmp_path, alpha, monkeypatch):
    monkeypatch.setattr(tiff, "_CLASSIC_BYTES", 1000)
    whole = picture(alpha, full_metadata())
    path = write_rows(tmp_path / "rows.tif", whole)
    with tifffile.TiffFile(path) as file:
        assert file.is_bigtiff and file.pages[0].is_tiled
        tags = file.pages[0].tags
        assert tags[34665].value["ExposureTime"] == pytest.approx(0.01)
        assert tags[34853].value["GPSLatitudeRef"] == "N"
        pixels = file.pages[0].asarray()
    expected = image_io.to_uint8(whole.rgb)
    np.testing.assert_array_equal(pixels[..., :3], expected)
    decoded = pyvips.Image.new_from_file(str(path), fail_on="warning").numpy()
    np.testing.assert_array_equal(decoded, pixels)
    read = image_io.read_image(path)
    np.testing.assert_array_equal(image_io.to_uint8(read.rgb)[:, -1], expected[:, -1])
    assert read.metadata == whole.metadata


def test_a_tiff_is_a_bigtiff_when_it_is_beyond_4_gigabytes():
    file = io.BytesIO()
    tags = {"icc_profile": b"x"}
    tiff.TiffRows(file, (40_000, 40_000), 3, tags)
    assert file.getvalue()[:4] == b"II\x2b\0"
    file = io.BytesIO()
    tiff.TiffRows(file, (30_000, 40_000), 3, tags)
    assert file.getvalue()[:4] == b"II\x2a\0"


def test_metadata_that_a_format_cannot_hold_is_left_out_aloud(tmp_path, caplog):
    metadata = image_io.Metadata(exif=full_metadata().exif, xmp=b"x" * 70_000)
    path = write_rows(tmp_path / "rows.jpg", picture(metadata=metadata))
    assert "XMP left out" in caplog.text
    assert image_io.read_image(path).metadata.exif == metadata.exif


def test_dropped_alpha_is_said_once(tmp_path, caplog):
    write_rows(tmp_path / "rows.jpg", picture(alpha=True))
    assert caplog.text.count("alpha dropped: JPEG cannot hold it") == 1


# -- whole or not at all ---------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, UserError])
def test_after_an_error_the_old_file_stays_and_nothing_else(tmp_path, suffix, error):
    path = tmp_path / f"rows.{suffix}"
    path.write_bytes(b"old")
    whole = picture()
    with pytest.raises(error, match="of the painting"):
        with RowWriter(path, SIZE, overwrite=True) as writer:
            writer.write(whole.rgb[:200])
            raise error("of the painting")
    assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [
        (path.name, b"old")
    ]


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
def test_missing_rows_are_an_error_and_no_file(tmp_path, suffix):
    with pytest.raises(ValueError, match="Expected 300 rows. Received: 200"):
        with RowWriter(tmp_path / f"rows.{suffix}", SIZE) as writer:
            writer.write(picture().rgb[:200])
    assert list(tmp_path.iterdir()) == []


def test_too_many_rows_other_shapes_and_nan_are_errors(tmp_path):
    rgb = picture().rgb
    with pytest.raises(ValueError, match="300 in all"):
        with RowWriter(tmp_path / "rows.png", SIZE) as writer:
            writer.write(rgb)
            writer.write(rgb[:1])
    with pytest.raises(ValueError, match="rows of shape"):
        with RowWriter(tmp_path / "rows.png", SIZE) as writer:
            writer.write(rgb[:, 1:])
    with pytest.raises(ValueError, match="NaN"):
        with RowWriter(tmp_path / "rows.png", SIZE) as writer:
            writer.write(rgb * np.float32("nan"))
    with pytest.raises(ValueError, match="with alpha, or without"):
        with RowWriter(tmp_path / "rows.png", SIZE, alpha=True) as writer:
            writer.write(rgb)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_unless_it_may_be_replaced(tmp_path):
    path = tmp_path / "rows.png"
    path.write_bytes(b"old")
    with pytest.raises(UserError, match="--overwrite"):
        with RowWriter(path, SIZE):
            raise AssertionError("nothing may be painted")
    write_rows(path, picture(), overwrite=True)
    assert image_io.read_image(path).size == SIZE
    assert [each.name for each in tmp_path.iterdir()] == ["rows.png"]


def test_permissions_are_those_of_a_new_file_and_links_are_followed(tmp_path):
    before = os.umask(0o027)
    try:
        (tmp_path / "link.png").symlink_to(tmp_path / "new" / "rows.png")
        write_rows(tmp_path / "link.png", picture())
    finally:
        os.umask(before)
    assert (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "new" / "rows.png").stat().st_mode & 0o777 == 0o640


def test_a_full_disk_is_one_line(tmp_path, monkeypatch):
    def refuse(*unused):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(row_writer.PngRows, "write", refuse)
    with pytest.raises(UserError, match="rows.png .No space left on device"):
        write_rows(tmp_path / "rows.png", picture())
    assert list(tmp_path.iterdir()) == []


# -- what a format can hold ------------------------------------------------------------


@pytest.mark.parametrize(
    "suffix, side, options",
    [
        (".jpg", row_writer.LONGEST_SIDE["JPEG"], {}),
        (".webp", row_writer.LONGEST_SIDE["WEBP"], {"method": 0}),
    ],
)
def test_the_longest_sides_are_those_of_the_encoders(suffix, side, options):
    format = image_io.format_of(suffix)
    check_can_hold(suffix, (1, side))
    encoded(Image.new("RGB", (side, 1)), format, **options)
    with pytest.raises(UserError, match=f"at most {side} pixels .*PNG or TIFF"):
        check_can_hold(suffix, (side + 1, 1))
    with pytest.raises((OSError, ValueError)):
        encoded(Image.new("RGB", (side + 1, 1)), format, **options)


def test_what_is_encoded_whole_needs_memory_that_jpeg_png_and_tiff_do_not():
    for suffix in (".jpg", ".png", ".tif"):
        check_can_hold(suffix, (10_000, 10_000), memory=0)
    for suffix in (".webp", ".bmp"):
        with pytest.raises(UserError, match="2.0 GB of memory.*JPEG, PNG, TIFF"):
            check_can_hold(suffix, (10_000, 10_000), memory=10**9)


def test_a_picture_that_its_format_cannot_hold_is_refused_before_it_is_painted(
    tmp_path,
):
    with pytest.raises(UserError, match="at most 16383 pixels for WEBP"):
        RowWriter(tmp_path / "rows.webp", (10, 20_000))
    with pytest.raises(UserError, match="a quality from 1 to 100"):
        RowWriter(tmp_path / "rows.jpg", (10, 10), quality=0)
    with pytest.raises(UserError, match="an image suffix"):
        RowWriter(tmp_path / "rows.txt", (10, 10))
