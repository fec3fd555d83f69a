"""What a picture's file tells beside its pixels: kept, written anew, left out."""

import dataclasses
import io

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, Image, ImageCms
from support.image_files import encoded, photo

from nst_tf.images import io as image_io
from nst_tf.images.metadata import Metadata, srgb_profile

SUFFIXES = ("jpg", "png", "webp", "tif", "avif")
Base, IFD = ExifTags.Base, ExifTags.IFD
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    b'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
    b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" tiff:Orientation="6" '
    b'GCamera:MotionPhoto="1" dc:source="me">'
    b"<xmp:Thumbnails>\nold\n</xmp:Thumbnails></rdf:Description></rdf:RDF></x:xmpmeta>"
)


def camera_exif():
    exif = Image.Exif()
    exif[Base.Orientation] = 6
    exif[Base.Make] = "Maker"
    exif[Base.Artist] = "Jörg".encode()
    exif[Base.XPTitle] = "Title\0".encode("utf-16-le")
    details = exif.get_ifd(IFD.Exif)
    details[Base.DateTimeOriginal] = "2024:05:06 07:08:09"
    details[Base.ExposureTime] = 0.01
    details[Base.ColorSpace] = 65535
    details[Base.ExifImageWidth] = 4000
    details[Base.MakerNote] = b"preview" * 99
    place = exif.get_ifd(IFD.GPSInfo)
    place[1], place[2] = "N", (50.0, 6.0, 7.5)
    return exif


def camera_jpeg():
    """With a thumbnail, as a camera writes it, which Pillow does not."""
    thumbnail = encoded(photo(8, 12), "JPEG")
    plain = camera_exif().tobytes()
    head, data = plain[:6], bytearray(plain[6:])
    order = "little" if data[:2] == b"II" else "big"
    count = int.from_bytes(data[8:10], order)
    link = 10 + 12 * count
    data[link : link + 4] = len(data).to_bytes(4, order)
    entries = ((0x103, 3, 6), (0x201, 4, len(data) + 42), (0x202, 4, len(thumbnail)))
    data += len(entries).to_bytes(2, order)
    for tag, kind, value in entries:
        data += tag.to_bytes(2, order) + kind.to_bytes(2, order)
        data += (1).to_bytes(4, order)
        size = 2 if kind == 3 else 4
        data += value.to_bytes(size, order).ljust(4, b"\0")
    data += bytes(4) + thumbnail
    return encoded(
        photo(16, 24), "JPEG", exif=head + bytes(data), xmp=XMP, dpi=(300, 300)
    )


def test_the_camera_file_has_a_thumbnail_and_stands_on_its_side():
    with Image.open(io.BytesIO(camera_jpeg())) as image:
        exif = image.getexif()
        assert exif[Base.Orientation] == 6
        assert exif.get_ifd(IFD.IFD1)[0x202] > 100


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_exif_and_xmp_go_along_without_orientation_thumbnail_and_makers_note(suffix):
    picture = image_io.read_image(camera_jpeg())
    assert picture.size == (24, 16)
    data = image_io.encode(picture, suffix)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        exif, xmp = image.getexif(), image.info["xmp"]
        assert image.size == (16, 24)
    assert Base.Orientation not in exif and not exif.get_ifd(IFD.IFD1)
    assert exif[Base.Make] == "Maker"
    assert exif[Base.Artist].encode("latin-1") == "Jörg".encode()
    assert bytes(exif[Base.XPTitle]).decode("utf-16-le") == "Title\0"
    details, place = exif.get_ifd(IFD.Exif), exif.get_ifd(IFD.GPSInfo)
    assert details[Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert float(details[Base.ExposureTime]) == pytest.approx(0.01)
    assert details[Base.ColorSpace] == 1  # sRGB
    assert not {Base.MakerNote, Base.ExifImageWidth} & set(details)
    assert tuple(map(float, place[2])) == (50.0, 6.0, 7.5)
    assert b'dc:source="me"' in xmp
    for part in (b"Orientation", b"Thumbnails", b"MotionPhoto"):
        assert part not in xmp
    # And once more, from this format.
    again = image_io.read_image(data)
    assert again.size == (24, 16)
    with Image.open(io.BytesIO(image_io.encode(again, "jpg"))) as image:
        assert image.getexif()[Base.Make] == "Maker"
        assert image.getexif().get_ifd(IFD.GPSInfo)[1] == "N"
        assert b'dc:source="me"' in image.info["xmp"]


def test_tifffile_reads_the_tags_that_are_written():
    data = image_io.encode(image_io.read_image(camera_jpeg()), "tif")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tags = file.pages[0].tags
        assert tags["Make"].value == "Maker"
        assert tags["ExifTag"].value["DateTimeOriginal"] == "2024:05:06 07:08:09"
        assert tags["GPSTag"].value["GPSLatitudeRef"] == "N"
        assert b'dc:source="me"' in tags["XMP"].value


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "bmp"])
def test_dpi_go_along_where_the_format_has_them(suffix):
    picture = image_io.read_image(camera_jpeg(), long_side=12)
    with Image.open(io.BytesIO(image_io.encode(picture, suffix))) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize("suffix", (*SUFFIXES, "bmp"))
def test_without_metadata_only_the_tag_of_srgb_is_written(suffix):
    picture = image_io.read_image(camera_jpeg())
    bare = dataclasses.replace(picture, metadata=None)
    with Image.open(io.BytesIO(image_io.encode(bare, suffix))) as image:
        image.load()
        exif = image.getexif()
        assert "xmp" not in image.info and "exif" not in image.info
        assert Base.Make not in exif and not exif.get_ifd(IFD.Exif)
        assert image.info.get("dpi", (96, 96))[0] in (1, pytest.approx(96, abs=0.1))


@pytest.mark.parametrize("suffix", ["jpg", "webp", "tif", "png"])
def test_what_is_written_says_that_it_is_srgb(suffix):
    data = image_io.encode(image_io.Image(image_io.to_float(photo())), suffix)
    with Image.open(io.BytesIO(data)) as image:
        if suffix == "png":
            assert image.info["srgb"] == 0
            return
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    colors = Image.fromarray(photo(32, 48))
    same = ImageCms.profileToProfile(colors, profile, ImageCms.createProfile("sRGB"))
    assert np.abs(np.asarray(same).astype(int) - photo(32, 48)).max() <= 1


def test_an_avif_says_that_it_is_srgb_by_numbers():
    data = image_io.encode(image_io.Image(image_io.to_float(photo())), "avif")
    # ITU-T H.273: primaries 1 are those of sRGB, transfer 13 is its curve.
    assert b"colrnclx\x00\x01\x00\x0d" in data


def test_the_profile_is_the_same_on_every_day():
    assert srgb_profile()[24:36] == bytes.fromhex("07d0 0001 0001 0000 0000 0000")


def test_reading_what_was_written_changes_no_color():
    pixels = photo(48, 64)
    data = image_io.encode(image_io.Image(image_io.to_float(pixels)), "tif")
    assert np.array_equal(image_io.decode_rgb8(data), pixels)


def test_a_plain_file_has_no_metadata():
    for format in ("PNG", "GIF", "WEBP", "TIFF", "AVIF"):
        assert image_io.read_image(encoded(photo(), format)).metadata is None


def test_what_a_jpeg_cannot_hold_is_left_out_aloud(caplog):
    rgb = image_io.to_float(photo())
    full = image_io.read_image(camera_jpeg()).metadata
    long = dataclasses.replace(full, xmp=XMP + b" " * 70_000)
    with Image.open(
        io.BytesIO(image_io.encode(image_io.Image(rgb, metadata=long), "jpg"))
    ) as image:
        assert image.getexif()[Base.Make] == "Maker" and "xmp" not in image.info
    assert "XMP left out" in caplog.text
    huge = Metadata(exif=full.exif + bytes(70_000))
    image_io.encode(image_io.Image(rgb, metadata=huge), "jpg")
    assert "EXIF left out" in caplog.text


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_broken_exif_and_dpi_do_not_make_a_picture_unreadable():
    exif = camera_exif().tobytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        broken = bytearray(exif)
        for place in rng.integers(6, len(broken), 4):
            broken[place] = rng.integers(256)
        source = encoded(photo(16, 24), "JPEG", exif=bytes(broken))
        picture = image_io.read_image(source)
        for suffix in ("jpg", "tif"):
            image_io.encode(picture, suffix)
