"""Which files are read, at which fraction, and what is said of the rest."""

import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms
from support.image_files import encoded, photo, read8

from nst_tf.core.errors import UserError
from nst_tf.images import codecs, io as image_io

# -- more formats -----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "mpo", "avif"])
def test_these_suffixes_are_found_and_read(tmp_path, suffix):
    format = {"mpo": "MPO", "avif": "AVIF"}.get(suffix, "JPEG")
    options = {"save_all": True, "append_images": [Image.new("RGB", (9, 6))]}
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(
        encoded(photo(), format, quality=100, **(options if suffix == "mpo" else {}))
    )
    assert image_io.find_images(tmp_path) == [path]
    assert np.abs(read8(path).astype(int) - photo()).max() <= 6


def heic(pixels, **options):
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    file = pillow_heif.from_pillow(Image.fromarray(pixels))
    file.save(buffer, quality=-1, **options)
    return buffer.getvalue()


def test_heic_is_read_with_its_alpha(tmp_path):
    pixels = np.dstack([photo(32, 48), np.full((32, 48), 255, np.uint8)])
    pixels[:8, :, 3] = 0
    path = tmp_path / "a.HEIC"
    path.write_bytes(heic(pixels))
    assert image_io.find_images(tmp_path) == [path]
    picture = image_io.read_image(path)
    assert np.array_equal(picture.alpha, pixels[..., 3] / 255)
    seen = image_io.to_uint8(picture.rgb)[8:].astype(int)
    assert np.abs(seen - pixels[8:, :, :3]).max() <= 4


def test_heic_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    source = heic(photo(32, 48), exif=exif.tobytes())
    turned = np.rot90(photo(32, 48), -1).astype(int)
    for result in (read8(source), image_io.decode_rgb8(source)):
        assert np.abs(result - turned).max() <= 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_avif_stands_upright(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(photo(32, 48))
    source = encoded(image, "AVIF", exif=exif, quality=100, subsampling="4:4:4")
    method = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    upright = image.transpose(method[orientation]) if orientation > 1 else image
    assert np.abs(read8(source).astype(int) - np.asarray(upright)).max() <= 4


HEIC_HEAD = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + bytes(40)


def test_without_its_library_heic_is_left_out_and_named_with_what_helps(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(photo()))
    (tmp_path / "b.heic").write_bytes(HEIC_HEAD)
    code = """
import sys
sys.modules["pillow_heif"] = None
from nst_tf.core.errors import UserError
from nst_tf.images import io
folder = sys.argv[1]
assert [path.name for path in io.find_images(folder)] == ["a.png"]
try:
    io.read_image(folder + "/b.heic")
except UserError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert f"1 file left out of {tmp_path}: .heic 1 (pip install" in done.stderr
    for part in ("b.heic", "pillow-heif", "pip install 'nst_tf[heif]'"):
        assert part in done.stdout


def test_display_p3_becomes_srgb():
    # Chromaticities of SMPTE EG 432-1, D65 adapted to D50 by Bradford, as ICC wants it.
    from support.profiles import WHITE, fixed16, gamma_curve, profile

    p3 = np.array(
        [
            [0.51512, 0.29198, 0.15710],
            [0.24120, 0.69225, 0.06657],
            [-0.00105, 0.04189, 0.78407],
        ]
    )
    tags = {b"wtpt": WHITE}
    for name, column in zip((b"r", b"g", b"b"), p3.T, strict=True):
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + fixed16(*column)
        tags[name + b"TRC"] = gamma_curve(2)
    icc = profile(b"RGB ", b"mntr", b"XYZ ", tags)
    pixels = photo(16, 24)
    for format in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF"):
        options = {"lossless": True} if format == "WEBP" else {"quality": 100}
        source = encoded(pixels, format, icc_profile=icc, **options)
        reference = ImageCms.profileToProfile(
            Image.fromarray(pixels), io.BytesIO(icc), ImageCms.createProfile("sRGB")
        )
        difference = read8(source).astype(int) - np.asarray(reference)
        assert np.abs(difference).max() <= (0 if format in ("PNG", "TIFF") else 6)


# -- frames -----------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_of_an_animation_it_is_said_once_that_one_frame_is_read(
    tmp_path, format, caplog
):
    path = tmp_path / "moves.bin"
    frames = [Image.new("RGB", (16, 16), color) for color in ("red", "blue", "lime")]
    path.write_bytes(
        encoded(frames[0], format, save_all=True, append_images=frames[1:])
    )
    for _ in range(2):
        assert (read8(path)[..., 0] > 240).all()
        assert (image_io.decode_rgb8(path)[..., 0] > 240).all()
    (record,) = caplog.records
    assert record.getMessage().startswith(f"{path} has several frames")


@pytest.mark.parametrize("format", ["GIF", "PNG", "WEBP", "AVIF", "TIFF", "JPEG"])
def test_of_a_still_nothing_is_said(format, caplog):
    image_io.read_image(encoded(photo(), format))
    assert not caplog.records


# -- a fraction of a large picture ------------------------------------------------------


def test_a_large_jpeg_is_decoded_at_a_fraction_instead_of_refused():
    pixels = photo(320, 480)
    source = encoded(pixels, "JPEG", quality=95)
    whole = image_io.read_image(source, long_side=60).rgb
    for reader in (
        lambda **o: image_io.read_image(source, **o).rgb,
        lambda **o: image_io.decode_rgb8(source, **o) / 255,
    ):
        small = reader(long_side=60, max_pixels=10_000)
        assert np.abs(small - whole).max() < 3 / 255
        with pytest.raises(UserError, match="480 x 320 = 153600 pixels.*max_pixels"):
            reader(max_pixels=10_000)
        with pytest.raises(UserError, match="480 x 320"):
            reader(long_side=40, max_pixels=2000)  # an eighth still has 2400


def test_a_jpeg_whose_decoder_keeps_the_whole_is_refused():
    progressive = encoded(photo(320, 480), "JPEG", progressive=True)
    several_scans = bytearray(encoded(photo(320, 480), "JPEG"))
    several_scans[several_scans.index(b"\xff\xda") + 4] = 1
    for source in (progressive, bytes(several_scans)):
        with pytest.raises(UserError, match="480 x 320"):
            image_io.decode_rgb8(source, long_side=60, max_pixels=10_000)


def pyramid(reduced=1, turn=1):
    buffer = io.BytesIO()
    tags = [(274, 3, 1, turn, True)]
    with tifffile.TiffWriter(buffer) as file:
        for step, kind in ((1, 0), (2, reduced), (4, reduced), (8, reduced)):
            level = np.full((320 // step, 480 // step, 3), 20 * step, np.uint8)
            file.write(level, subfiletype=kind, photometric="rgb", extratags=tags)
    return buffer.getvalue()


def test_of_a_large_tiff_the_smallest_page_that_suffices_is_read(caplog):
    for side, level in ((60, 8), (61, 4), (200, 2), (240, 2)):
        picture = read8(pyramid(), long_side=side, max_pixels=100_000)
        assert max(picture.shape) == side and (picture == 20 * level).all()
    assert (read8(pyramid(), long_side=60) == 20).all()  # it is not too large
    assert not caplog.records  # its pages are no frames
    for source in (pyramid(reduced=0), pyramid()):
        with pytest.raises(UserError, match="480 x 320"):
            image_io.read_image(
                source, long_side=60 if source == pyramid(0) else None, max_pixels=9999
            )


def test_a_reduced_page_is_turned_as_the_whole():
    picture = read8(pyramid(turn=6), long_side=60, max_pixels=100_000)
    assert picture.shape == (60, 40, 3) and (picture == 160).all()


# -- text, files ------------------------------------------------------------------------


def text_chunk(kind, size):
    body = b"Comment\0\0" + zlib.compress(b"a" * size)
    if kind == b"iTXt":
        body = b"Comment\0\1\0\0\0" + zlib.compress(b"a" * size)
    if kind == b"tEXt":
        body = b"Comment\0" + b"a" * size
    check = struct.pack(">I", zlib.crc32(kind + body))
    return struct.pack(">I", len(body)) + kind + body + check


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"tEXt"])
@pytest.mark.parametrize("behind", [False, True])
def test_a_png_with_megabytes_of_text_is_a_picture(kind, behind, tmp_path):
    data = encoded(photo())
    place = data.index(b"IEND" if behind else b"IDAT") - 4
    text = text_chunk(kind, 3_000_000)
    source = data[:place] + text + data[place:]
    assert np.array_equal(read8(source), photo())
    assert np.array_equal(image_io.decode_rgb8(source), photo())
    (tmp_path / "a.png").write_bytes(source)
    assert codecs.pixels_of(tmp_path / "a.png") == 54


def test_text_of_a_hundred_megabytes_in_chunks_is_left_out_aloud(caplog):
    data = encoded(photo())
    place = data.index(b"IDAT") - 4
    source = data[:place] + text_chunk(b"zTXt", 1_000_000) * 100 + data[place:]
    assert np.array_equal(read8(source), photo())
    assert "text left out" in caplog.text


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_a_picture_file_is_closed(tmp_path):
    paths = []
    for format in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"):
        data = encoded(photo(), format)
        for name, content in ((format, data), (f"half_{format}", data[:-40])):
            paths.append(tmp_path / name)
            paths[-1].write_bytes(content)
    kept = []  # a reference to what is read, or to an error, must not hold a file
    before = len(os.listdir("/proc/self/fd"))
    for path in paths:
        for reader in (image_io.read_image, image_io.decode_rgb8, codecs.pixels_of):
            try:
                kept.append(reader(path))
            except UserError as error:
                kept.append(error)
        assert len(os.listdir("/proc/self/fd")) == before


def test_bytes_with_a_name_are_called_by_it():
    data = codecs.NamedBytes(b"no picture", "https://example.org/a.jpg")
    with pytest.raises(UserError, match="https://example.org/a.jpg"):
        image_io.read_image(data)
    assert data == b"no picture"


# -- damage -----------------------------------------------------------------------------


def damage(data, rng):
    """Cuts, overwrites single bytes, most often near the head, or puts noise in."""
    kind, damaged = rng.integers(4), bytearray(data)
    if kind == 0:
        return bytes(damaged[: rng.integers(len(damaged))])
    if kind == 3:
        start = rng.integers(len(damaged))
        damaged[start : start + rng.integers(40)] = rng.bytes(rng.integers(60))
        return bytes(damaged)
    for _ in range(rng.integers(1, 8)):
        end = min(400, len(damaged)) if kind == 1 else len(damaged)
        damaged[rng.integers(end)] = rng.choice([0, 1, 128, 255, rng.integers(256)])
    return bytes(damaged)


@pytest.mark.parametrize(
    "format",
    ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF", "MPO", "deep", "HEIC"],
)
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_damage_is_a_picture_or_one_line_never_a_stack_trace(format):
    pixels = np.dstack([photo(16, 24), photo(16, 24)[..., :1]])
    if format == "HEIC":
        source = heic(pixels)
    elif format == "deep":
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, pixels[..., :3].astype("u2") * 257, photometric="rgb")
        source = buffer.getvalue()
    else:
        opaque = format in ("JPEG", "BMP", "MPO")
        source = encoded(pixels[..., :3] if opaque else pixels, format)
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = damage(source, rng)
        for options in ({"max_pixels": 100_000}, {"short_side": 8, "max_pixels": 300}):
            for reader in (image_io.read_image, image_io.decode_rgb8):
                try:
                    reader(damaged, **options)
                except UserError as error:
                    assert "\n" not in str(error)
