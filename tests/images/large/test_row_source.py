"""Rows of a picture are those of the whole, whichever way they are decoded."""

import io
import logging
import os
import struct
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from support.image_files import encoded, photo
from support.profiles import WHITE, gamma_curve, profile, wide_profile

from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io
from nst_tf.images.large import stored_rows
from nst_tf.images.large.row_source import open_rows

HEIGHT, WIDTH = 300, 270  # more than two bands, and no multiple of tiles
TURNED = range(1, 9)


def colors(channels=3):
    return photo(HEIGHT, WIDTH, channels)


def with_hole(channels):
    pixels = colors(channels)
    pixels[20:90, 30:200, -1] = 0
    pixels[90:100, :, -1] = np.linspace(0, 255, WIDTH)
    return pixels


def deep(channels):
    values = colors(channels).astype(np.uint16) * 257
    values += np.arange(WIDTH, dtype=np.uint16)[:, None] % 200
    return values[..., 0] if channels == 1 else values


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def deep_png(values, key=None):
    """A PNG of 16 bits a value, by hand: Pillow writes gray alone."""
    height, width = values.shape[:2]
    color = {2: 0, 3: 2}[values.ndim] if values.ndim == 2 else {2: 4, 3: 2, 4: 6}
    color = color if isinstance(color, int) else color[values.shape[2]]
    rows = values.astype(">u2").reshape(height, -1).view(np.uint8)
    rows = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1)

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
    parts = [b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header)]
    if key:
        parts.append(chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)))
    parts += [chunk(b"IDAT", zlib.compress(rows.tobytes())), chunk(b"IEND", b"")]
    return b"".join(parts)


def gray_profile():
    return profile(
        b"GRAY", b"mntr", b"XYZ ", {b"wtpt": WHITE, b"kTRC": gamma_curve(1.5)}
    )


def palette(transparent):
    image = Image.fromarray(colors()).quantize(60)
    if transparent:
        image.info["transparency"] = bytes([0, 128, 255] * 20)
    return encoded(image)


def turned(format, orientation, **options):
    exif = Image.Exif()
    exif[274] = orientation
    return encoded(colors(), format, exif=exif, **options)


FILES = {
    "jpeg": encoded(colors(), "JPEG", quality=90),
    "jpeg 4:2:0": encoded(colors(), "JPEG", quality=60, subsampling=2),
    "jpeg progressive": encoded(colors(), "JPEG", quality=80, progressive=True),
    "jpeg gray": encoded(colors()[..., 0], "JPEG"),
    "jpeg cmyk": encoded(Image.fromarray(colors(4), "CMYK"), "JPEG", quality=90),
    "jpeg profile": encoded(colors(), "JPEG", icc_profile=wide_profile()),
    "png": encoded(colors()),
    "png gray": encoded(colors()[..., 0]),
    "png 1 bit": encoded(Image.fromarray(colors()[..., 0]).convert("1")),
    "png gray profile": encoded(colors()[..., 0], icc_profile=gray_profile()),
    "png profile": encoded(colors(), icc_profile=wide_profile()),
    "png alpha": encoded(with_hole(4)),
    "png gray alpha": encoded(with_hole(2)),
    "png alpha profile": encoded(with_hole(4), icc_profile=wide_profile()),
    "png palette": palette(False),
    "png palette alpha": palette(True),
    "png key": encoded(colors(), transparency=tuple(colors()[5, 5].tolist())),
    "png 16 gray": deep_png(deep(1)),
    "png 16 gray key": deep_png(deep(1), (int(deep(1)[7, 7]),)),
    "png 16 color": deep_png(deep(3)),
    "png 16 color key": deep_png(deep(3), tuple(deep(3)[7, 7].tolist())),
    "png 16 alpha": deep_png(deep(4)),
    "png 16 gray alpha": deep_png(deep(2)),
    "tiff": tiff(colors(), photometric="rgb"),
    "tiff strips": tiff(
        colors(), photometric="rgb", rowsperstrip=70, compression="zlib"
    ),
    "tiff tiles": tiff(
        colors(),
        photometric="rgb",
        tile=(64, 80),
        compression="zlib",
        predictor=True,
    ),
    "tiff plain tiles": tiff(colors(), photometric="rgb", tile=(64, 80)),
    "tiff big": tiff(colors(), photometric="rgb", tile=(64, 80), bigtiff=True),
    "tiff big-endian": tiff(deep(3), photometric="rgb", byteorder=">"),
    "tiff gray": tiff(colors()[..., 0], photometric="minisblack"),
    "tiff white is 0": tiff(colors()[..., 0], photometric="miniswhite"),
    "tiff lzw": encoded(colors(), "TIFF", compression="tiff_lzw"),
    "tiff jpeg": encoded(colors(), "TIFF", compression="jpeg"),
    "tiff cmyk": encoded(Image.fromarray(colors(4), "CMYK"), "TIFF"),
    "tiff palette": encoded(Image.fromarray(colors()).quantize(60), "TIFF"),
    "tiff alpha": tiff(with_hole(4), photometric="rgb", extrasamples=["unassalpha"]),
    "tiff unknown channel": tiff(
        with_hole(4), photometric="rgb", extrasamples=["unspecified"]
    ),
    "tiff 16 gray": tiff(deep(1), photometric="minisblack", tile=(64, 80)),
    "tiff 12 bits": tiff(
        deep(1) // 16,
        photometric="minisblack",
        extratags=[(281, 3, 1, 4095, True)],
    ),
    "tiff 16 color": tiff(deep(3), photometric="rgb", compression="zlib"),
    "tiff 16 profile": tiff(deep(3), photometric="rgb", iccprofile=wide_profile()),
    **{f"jpeg turned {n}": turned("JPEG", n) for n in TURNED},
    **{f"png turned {n}": turned("PNG", n) for n in TURNED},
    **{f"tiff turned {n}": turned("TIFF", n) for n in TURNED},
}
# Kinds that are decoded whole whatever the memory.
WHOLE = {
    "webp": encoded(with_hole(4), "WEBP", lossless=True),
    "gif": encoded(Image.fromarray(colors()).quantize(60), "GIF"),
    "bmp": encoded(colors(), "BMP"),
    "tiff premultiplied": tiff(
        with_hole(4), photometric="rgb", extrasamples=["assocalpha"]
    ),
    "tiff float": tiff(colors()[..., 0].astype("f4") / 255, photometric="minisblack"),
    "tiff 32 bits": tiff(colors()[..., 0].astype("u4") << 24, photometric="minisblack"),
}


def check_equal(rows, whole):
    """Compares rows in bands with a halo, and in no order, with the whole picture."""
    height, width = whole.size
    assert rows.size == (height, width)
    assert rows.metadata == whole.metadata
    assert rows.has_alpha == (whole.alpha is not None)
    bands = [(max(0, y - 9), min(height, y + 70)) for y in range(0, height, 61)]
    for first, last in [*bands, (5, 6), (0, height), bands[1]]:
        np.testing.assert_array_equal(rows.read(first, last), whole.rgb[first:last])
        alpha = rows.alpha(first, last)
        if whole.alpha is None:
            assert alpha is None
        else:
            np.testing.assert_array_equal(alpha, whole.alpha[first:last])


@pytest.mark.parametrize("kind", FILES)
def test_rows_decoded_one_after_the_other_are_those_of_the_whole(kind):
    with open_rows(FILES[kind], memory=0) as rows:
        check_equal(rows, image_io.read_image(FILES[kind]))


@pytest.mark.parametrize("kind", [*FILES, *WHOLE])
def test_rows_of_a_picture_decoded_whole_are_its_own(kind):
    source = (FILES | WHOLE)[kind]
    with open_rows(source) as rows:
        check_equal(rows, image_io.read_image(source))


@pytest.mark.parametrize("kind", WHOLE)
def test_what_is_not_decoded_in_rows_is_refused_beyond_memory(kind):
    with pytest.raises(UserError, match="0.0 GB, .*270 x 300.*neither interlaced"):
        open_rows(WHOLE[kind], memory=0)


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff lzw"])
def test_without_pyvips_the_extra_is_named(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with pytest.raises(UserError, match=r"pip install 'nst_tf\[large\]'"):
        open_rows(FILES[kind], memory=0)


@pytest.mark.parametrize(
    "kind", ["tiff", "tiff strips", "tiff tiles", "tiff plain tiles", "tiff big"]
)
def test_a_plain_tiff_needs_no_pyvips(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvips", None)
    with open_rows(FILES[kind], memory=0) as rows:
        np.testing.assert_array_equal(rows.read(0, HEIGHT) * 255, colors())


@pytest.mark.parametrize("kind", ["tiff", "tiff tiles", "tiff alpha", "tiff 16 color"])
def test_pyvips_reads_a_tiff_as_tifffile_does(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with open_rows(FILES[kind], memory=0) as rows:
        check_equal(rows, image_io.read_image(FILES[kind]))


@pytest.mark.parametrize("memory", [None, 0])
def test_metadata_behind_the_pixels_of_a_png_is_found(memory):
    exif = Image.Exif()
    exif[271], exif[274] = "a camera", 6
    source = encoded(colors(), exif=exif, dpi=(300, 300))
    first = source.index(b"eXIf") - 4
    last = first + 12 + int.from_bytes(source[first : first + 4], "big")
    end = source.index(b"IEND") - 4
    moved = source[:first] + source[last:end] + source[first:last] + source[end:]
    whole = image_io.read_image(moved)
    assert whole.metadata.exif and whole.size == (WIDTH, HEIGHT)
    with open_rows(moved, memory=memory) as rows:
        check_equal(rows, whole)


@pytest.mark.parametrize("kind", ["jpeg", "png", "tiff tiles", "tiff lzw"])
@pytest.mark.parametrize("memory", [None, 0])
def test_a_file_that_is_cut_off_is_refused_by_name(kind, memory, tmp_path):
    path = tmp_path / "photo.x"
    path.write_bytes(FILES[kind][: len(FILES[kind]) // 2])
    with pytest.raises(UserError, match="an image that can be read.*photo.x"):
        open_rows(path, memory=memory)


@pytest.mark.parametrize("memory", [None, 0])
def test_what_is_wholly_transparent_is_refused(memory):
    pixels = colors(4)
    pixels[..., 3] = 0
    with pytest.raises(UserError, match="wholly transparent"):
        open_rows(encoded(pixels), memory=memory)


def test_more_pixels_than_allowed_are_refused_with_the_flag_that_allows_them():
    with pytest.raises(UserError, match=r"at most 80999 .* give --max_pixels=81000\."):
        open_rows(FILES["png"], HEIGHT * WIDTH - 1)
    with open_rows(FILES["png"], HEIGHT * WIDTH):
        pass


def test_a_missing_file_and_no_image_are_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere.jpg"):
        open_rows(tmp_path / "nowhere.jpg")
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(UserError, match="text.jpg"):
        open_rows(tmp_path / "text.jpg")


def test_nothing_is_left_on_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    with open_rows(FILES["png alpha"], memory=0) as rows:
        rows.read(0, 10)
        assert list(tmp_path.iterdir()) == []
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


def test_a_disk_without_space_is_one_line(monkeypatch):
    def refuse(*unused):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(UserError, match="No space left on device.*TMPDIR"):
        open_rows(FILES["png"], memory=0)


def test_several_pages_are_said(caplog):
    first, second = Image.fromarray(colors()), Image.fromarray(colors()[::-1])
    source = encoded(first, "TIFF", save_all=True, append_images=[second])
    with caplog.at_level(logging.WARNING), open_rows(source, memory=0) as rows:
        np.testing.assert_array_equal(rows.read(0, HEIGHT) * 255, colors())
    assert "several frames or pages" in caplog.text


def test_the_profile_of_srgb_changes_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with open_rows(encoded(colors(), icc_profile=srgb), memory=0) as rows:
        assert np.abs(rows.read(0, HEIGHT) * 255 - colors()).max() <= 1


def test_bands_are_of_a_bounded_size():
    assert stored_rows._LARGEST_SEGMENT <= 2**26
