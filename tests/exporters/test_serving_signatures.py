"""A SavedModel as TensorFlow Serving uses it: encoded pictures, warm-up, and loaders
that are not Python's.
"""

import io
import pickle
import re
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from PIL import Image, ImageOps, JpegImagePlugin
from support import tiny
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2

from nst_tf.exporters.saved_model import (
    image_bytes,
    serving_files,
)
from nst_tf.exporters.saved_model.exporter import SavedModelExporter
from nst_tf.images import io as image_io
from nst_tf.layers.padding import PadToMultiple

pytestmark = pytest.mark.slow

HUGE = 20_000  # pixels a side


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The network, and the path of its SavedModel."""
    network = tiny.network()
    (artifact,) = SavedModelExporter().export(
        network, tmp_path_factory.mktemp("night"), "night"
    )
    return network, artifact.path


@pytest.fixture(scope="module")
def signatures(exported):
    """Its signatures as functions of arrays."""
    return functions(exported[1])


def functions(path):
    loaded = tf.saved_model.load(str(path))

    def function(name):
        def run(**inputs):
            answer = loaded.signatures[name](
                **{key: tf.constant(value) for key, value in inputs.items()}
            )
            return {key: value.numpy() for key, value in answer.items()}

        return run

    return {name: function(name) for name in loaded.signatures}


def encoded(kind, size=(45, 61), mode="RGB", **options):
    """An image file of Pillow's."""
    buffer = io.BytesIO()
    Image.fromarray(tiny.photo(*size)).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(data):
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def wanted_of(network, photo, blend=()):
    return image_io.to_uint8(tiny.draw(network, image_io.to_float(photo), blend))


def changed(data, at, new):
    return data[:at] + new + data[at + len(new) :]


def sizes(count, most=64):
    rng = np.random.default_rng(0)
    return [tuple(int(side) for side in rng.integers(1, most, 2)) for _ in range(count)]


MIXED = [
    encoded("JPEG"),
    encoded("PNG", (33, 20)),
    encoded("WEBP", (20, 70), lossless=True),
    encoded("PNG", (1, 1)),
    encoded("JPEG", (30, 31), "CMYK"),
    encoded("JPEG", (8, 50), "L", progressive=True),
    encoded("PNG", (9, 7), "RGBA"),
    encoded("PNG", (50, 20), "P"),
    encoded("WEBP", (20, 20), quality=80),
    encoded("PNG", (13, 12), "1"),
]


def png_chunk(name, data):
    checked = name + data
    return (
        struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
    )


def with_segments(count, **options):
    """A JPEG that begins with so many empty APP1 segments."""
    data = encoded("JPEG", **options)
    return data[:2] + b"\xff\xe1\0\2" * count + data[2:]


def with_scans(count):
    """A progressive JPEG of 8 megapixels whose last scan is repeated."""
    buffer = io.BytesIO()
    Image.new("RGB", (2896, 2896)).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + data[-2:]


def with_texts(count):
    """A PNG with texts of 7.9 MB that take 8 kB each."""
    data = encoded("PNG")
    text = png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(7_900_000)))
    return data[:33] + text * count + data[33:]


def transparent(kind, size=(45, 61), seen=True, **options):
    """A picture that fades, or of which nothing is seen, over colors that differ."""
    image = Image.fromarray(tiny.photo(*size))
    fading = Image.linear_gradient("L").resize(image.size)
    image.putalpha(fading if seen else 0)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def broken():
    """{what: (image file, words of its error)}."""
    jpeg, png, webp = (encoded(kind) for kind in ("JPEG", "PNG", "WEBP"))
    width = jpeg.index(b"\xff\xc0") + 7
    cut = {
        f"cut {kind}": (data[: len(data) // 2], f"{kind} that can be read")
        for kind, data in (("JPEG", jpeg), ("PNG", png), ("WebP", webp))
    }
    heads = {
        f"head of a {kind}": (data[:10], f"{kind} that can be read.*10 bytes")
        for kind, data in (("JPEG", jpeg), ("PNG", png))
    }
    huge = {
        "huge JPEG": changed(jpeg, width - 2, struct.pack(">HH", HUGE, HUGE)),
        "huge PNG": changed(png, 16, struct.pack(">II", HUGE, HUGE)),
        "huge WebP": changed(
            encoded("WEBP", exif=b"1"), 24, 2 * struct.pack("<I", HUGE - 1)[:3]
        ),
    }
    unknown = {
        kind: (encoded(kind), "a JPEG, PNG or WebP.*begin like none")
        for kind in ("BMP", "GIF", "TIFF")
    }
    return {
        "nothing": (b"", "JPEG, PNG or WebP.*0 bytes"),
        "text": (b"Once upon a time", "JPEG, PNG or WebP.*16 bytes"),
        **cut,
        **heads,
        **unknown,
        "changed PNG": (
            changed(png, len(png) // 2, b"changed"),
            "PNG that can be read",
        ),
        "animated WebP": (
            encoded("WEBP", save_all=True, append_images=[Image.new("RGB", (61, 45))]),
            "WebP that can be read.*animation",
        ),
        "invisible PNG": (transparent("PNG", seen=False), "PNG.*transparent all over"),
        "invisible WebP": (
            transparent("WEBP", seen=False),
            "WebP.*transparent all over",
        ),
        "no height": (changed(png, 16, bytes(8)), "PNG that can be read"),
        "long": (encoded("PNG", (1, 65_501)), "65500.*65501x1|65500.*1x65501"),
        "scans": (with_scans(1000), "JPEG that can be read.*more than 64 scans"),
        "texts": (with_texts(1000), "PNG that can be read.*more than 16 compressed"),
        **{
            what: (data, f"at most 8388608 pixels.*{HUGE}x{HUGE}")
            for what, data in huge.items()
        },
    }


# -- serving_bytes ---------------------------------------------------------------------------------


def test_a_batch_of_mixed_formats_and_sizes_is_painted_as_serving_default_paints(
    signatures,
):
    answer = signatures["serving_bytes"](image_bytes=MIXED)
    assert answer["error"].tolist() == [b""] * len(MIXED)
    for data, painted in zip(MIXED, answer["stylized_bytes"], strict=True):
        wanted = signatures["serving_default"](image=decoded(data)[None])["stylized"][0]
        with Image.open(io.BytesIO(painted)) as image:
            assert (
                image.format == "JPEG" and JpegImagePlugin.get_sampling(image) == 0
            )  # 4:4:4
        # Pillow's JPEG of the same pixels, at the quality that is promised.
        assert (
            np.abs(
                decoded(painted).astype(int)
                - decoded(image_io.encode_rgb8(wanted, "jpg"))
            ).max()
            <= 1
        )


def test_what_cannot_be_read_is_named_and_spoils_nothing_else(signatures):
    items = broken()
    good = encoded("PNG", (20, 21))
    alone = signatures["serving_bytes"](image_bytes=[good])["stylized_bytes"][0]
    batch = [good, *(data for data, _ in items.values()), good]
    answer = signatures["serving_bytes"](image_bytes=batch)
    assert answer["stylized_bytes"].tolist() == [alone, *[b""] * len(items), alone]
    first, *errors, last = (error.decode() for error in answer["error"])
    assert first == last == ""
    for (what, (_, words)), error in zip(items.items(), errors, strict=True):
        assert (
            error.startswith("Expected ")
            and "Received: " in error
            and "\n" not in error
        ), what
        assert re.search(words, error), (what, error)


def test_no_pictures_are_no_answers(signatures):
    answer = signatures["serving_bytes"](image_bytes=np.array([], object))
    assert [len(values) for values in answer.values()] == [0, 0]


@pytest.mark.parametrize("endian", "<>")
def test_the_orientation_of_a_photo_is_applied_as_pillow_does(endian):
    for orientation in (*range(1, 9), 0, 9):
        exif = Image.Exif()
        exif.endian = endian
        exif[0x010E], exif[0x0112] = "before it", orientation
        data = encoded("JPEG", exif=exif, comment=b"after it")
        with Image.open(io.BytesIO(data)) as image:
            upright = np.asarray(ImageOps.exif_transpose(image))
        read, error = image_bytes.read(data)
        assert error == b""
        np.testing.assert_array_equal(read, upright)
    at = data.index(b"Exif\0\0")
    for damage in (
        changed(data, at + 10, b"\xff" * 4),
        changed(data, at + 14, b"\xff" * 2),
    ):
        np.testing.assert_array_equal(image_bytes.read(damage)[0], decoded(data))


def test_pixels_are_read_as_pillow_reads_them():
    for data in MIXED:
        np.testing.assert_array_equal(image_bytes.read(data)[0], decoded(data))


@pytest.mark.parametrize(
    "data",
    [
        transparent("PNG"),
        transparent("WEBP", lossless=True, exact=True),
        transparent("WEBP", quality=80),
        encoded("PNG", mode="L", transparency=200),
        encoded("PNG", mode="P", transparency=3),
    ],
    ids=["PNG", "lossless WebP", "WebP", "gray PNG", "PNG with a palette"],
)
def test_what_is_transparent_is_composited_on_the_mean_of_what_is_seen(data):
    check_composited(data)


def test_the_mean_of_8_megapixels_is_exact():
    check_composited(transparent("PNG", (2800, 2900), compress_level=1))


def check_composited(data):
    with Image.open(io.BytesIO(data)) as image:
        stored = np.asarray(image.convert("RGBA"), np.float64)
    colors, opacity = stored[..., :3], stored[..., 3:] / 255
    mean = (colors * opacity).sum((0, 1)) / opacity.sum()
    read, error = image_bytes.read(data)
    assert error == b""
    wanted = colors * opacity + mean * (1 - opacity)
    assert np.abs(read.numpy() - wanted).max() <= 0.501


def test_a_png_with_a_megabyte_of_text_is_a_picture():
    data = encoded("PNG")
    text = png_chunk(b"tEXt", b"a\0" + b"x" * 2**20)
    read, error = image_bytes.read(data[:33] + text + data[33:])
    assert error == b""
    np.testing.assert_array_equal(read, decoded(data))


@pytest.mark.parametrize(
    "make",
    [
        lambda: with_segments(240_000),
        lambda: with_scans(10_000),
        lambda: with_texts(99),
    ],
    ids=["segments", "scans", "texts"],
)
def test_files_of_many_parts_take_no_longer_than_pictures(make):
    image_bytes.read(encoded("PNG"))  # traced
    data = make()
    began = time.monotonic()
    image_bytes.read(data)
    assert time.monotonic() - began < 2


def test_a_photo_with_a_film_behind_it_is_a_photo():
    """As phones write them; the film is noise, in which markers of JPEG occur."""
    film = np.random.default_rng(0).bytes(20_000_000)
    assert film.count(b"\xff\xda") > 200
    photo = encoded("JPEG")
    read, error = image_bytes.read(photo + film)
    assert error == b""
    np.testing.assert_array_equal(read, decoded(photo))


def test_orientation_is_found_behind_other_segments():
    exif = Image.Exif()
    exif[0x0112] = 6
    behind = with_segments(50, exif=exif)
    with Image.open(io.BytesIO(encoded("JPEG", exif=exif))) as image:
        upright = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(image_bytes.read(behind)[0], upright)


def test_several_styles_take_weights_for_each_picture_or_for_all(tmp_path):
    network = tiny.network(styles=3)
    (artifact,) = SavedModelExporter().export(network, tmp_path, "three")
    run = functions(artifact.path)
    files, weights = MIXED[:2], np.array([[0, 1, 0], [0.5, 0, 0.5]], np.float32)
    each = run["serving_bytes"](image_bytes=files, style_weights=weights)[
        "stylized_bytes"
    ]
    first = run["serving_bytes"](image_bytes=files, style_weights=weights[:1])[
        "stylized_bytes"
    ]
    for painted, data, blend in zip(each, files, weights):
        wanted = wanted_of(network, decoded(data), blend)
        assert (
            np.abs(
                decoded(painted).astype(int)
                - decoded(image_io.encode_rgb8(wanted, "jpg"))
            ).max()
            <= 1
        )
    assert first[0] == each[0] and first[1] != each[1]


def test_many_sizes_are_no_new_traces_and_no_more_memory(signatures, monkeypatch):
    status = Path("/proc/self/statm")
    if not status.exists():
        pytest.skip("needs Linux's /proc")

    def resident():
        return int(status.read_text().split()[1]) * 4096

    def paint(most):
        for size in most:
            data = [encoded("PNG", size), b"broken"]
            assert signatures["serving_bytes"](image_bytes=data)["error"][0] == b""
            signatures["serving_default"](image=tiny.photo(*size)[None])

    traces, many = [], sizes(40)
    monkeypatch.setattr(PadToMultiple, "call", lambda *args: traces.append(args))
    paint(many)  # oneDNN keeps something for each new size, up to a bound
    before = resident()
    paint(many)
    # A picture's activations at 64x64 take about 1 MB: 80 that are kept would show.
    assert resident() - before < 10e6 and traces == []


# -- what lies beside ------------------------------------------------------------------------------


def test_warm_up_requests_are_messages_of_tensorflow_serving_that_the_model_answers(
    exported, signatures
):
    asked = []
    for record in tf.data.TFRecordDataset(
        str(exported[1] / "assets.extra" / "tf_serving_warmup_requests")
    ):
        request = prediction_log_pb2.PredictionLog.FromString(
            record.numpy()
        ).predict_log.request
        assert request.SerializeToString(deterministic=True)
        inputs = {
            name: tf.make_ndarray(value) for name, value in request.inputs.items()
        }
        answer = signatures[request.model_spec.signature_name](**inputs)
        assert not any(answer.get("error", []))
        asked.append(request.model_spec.signature_name)
    assert asked == ["serving_default", "serving_bytes"]


@pytest.mark.parametrize("shape", [{"styles": 2}, {"strength": True}], ids=str)
def test_warm_up_requests_have_every_input_of_a_network_that_takes_weights_of_styles(
    tmp_path, shape
):
    (artifact,) = SavedModelExporter().export(tiny.network(**shape), tmp_path, "night")
    for record in tf.data.TFRecordDataset(
        str(artifact.path / "assets.extra" / "tf_serving_warmup_requests")
    ):
        request = prediction_log_pb2.PredictionLog.FromString(
            record.numpy()
        ).predict_log.request
        assert set(request.inputs) == set(
            ends(artifact.path, request.model_spec.signature_name)[0]
        )
        assert len(request.inputs) == 2


@pytest.mark.parametrize("name", ["night", 'a "b" \\ ö'])
def test_the_list_of_models_is_one_of_tensorflow_serving(name):
    parsed = text_format.Parse(
        serving_files.models_config(name), model_server_config_pb2.ModelServerConfig()
    )
    (model,) = parsed.model_config_list.config
    assert (model.name, model.base_path) == (name, f"/models/{name}/saved_model")
    assert model.model_platform == "tensorflow"


# -- other loaders ---------------------------------------------------------------------------------


def ends(path, signature):
    """({input: its tensor}, {output: its tensor}) of a signature, by the file alone."""
    (graph,) = saved_model_pb2.SavedModel.FromString(
        (path / "saved_model.pb").read_bytes()
    ).meta_graphs
    definition = graph.signature_def[signature]
    return tuple(
        {name: info.name for name, info in side.items()}
        for side in (definition.inputs, definition.outputs)
    )


def test_the_c_api_alone_draws_the_networks_picture_and_survives_broken_files(
    exported, signatures
):
    network, path = exported
    photo = tiny.photo(45, 61)
    (inputs, outputs), (file_inputs, file_outputs) = (
        ends(path, "serving_default"),
        ends(path, "serving_bytes"),
    )
    files = np.array(
        [MIXED[0], *(data for data, _ in broken().values()), MIXED[1]], object
    )
    asked = [
        (str(path), {inputs["image"]: photo[None]}, [outputs["stylized"]]),
        (
            str(path),
            {file_inputs["image_bytes"]: files},
            [file_outputs[name] for name in ("stylized_bytes", "error")],
        ),
    ]
    library = Path(tf.__file__).with_name("libtensorflow_cc.so.2")
    done = subprocess.run(
        [
            sys.executable,
            str(Path(__file__).parents[1] / "support" / "c_api_main.py"),
            str(library),
        ],
        input=pickle.dumps(asked),
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr.decode()
    (drawn,), (painted, errors) = pickle.loads(done.stdout)
    np.testing.assert_array_equal(drawn[0], wanted_of(network, photo))
    answer = signatures["serving_bytes"](image_bytes=files)
    assert (
        errors == answer["error"].tolist()
        and painted == answer["stylized_bytes"].tolist()
    )
    assert painted[0] and painted[-1] and not any(painted[1:-1])


def test_the_loader_of_tensorflow_1_draws_the_networks_picture(exported):
    network, path = exported
    photo = tiny.photo(30, 41)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.loader.load(session, ["serve"], str(path))
        signature = graph.signature_def["serving_default"]
        drawn = session.run(
            signature.outputs["stylized"].name,
            {signature.inputs["image"].name: photo[None]},
        )
        signature = graph.signature_def["serving_bytes"]
        error = session.run(
            signature.outputs["error"].name,
            {signature.inputs["image_bytes"].name: [MIXED[0], MIXED[0][:99]]},
        )
    np.testing.assert_array_equal(drawn[0], wanted_of(network, photo))
    assert error[0] == b"" and b"99 bytes" in error[1]


def test_saved_model_cli_draws_the_networks_picture(exported, tmp_path):
    network, path = exported
    photo = tiny.photo(30, 41)
    np.save(tmp_path / "photo.npy", photo[None])
    subprocess.run(
        [
            sys.executable,
            "-m",
            "tensorflow.python.tools.saved_model_cli",
            "run",
            "--dir",
            str(path),
            "--tag_set",
            "serve",
            "--signature_def",
            "serving_default",
            "--inputs",
            "image=photo.npy",
            "--outdir",
            ".",
        ],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    np.testing.assert_array_equal(
        np.load(tmp_path / "stylized.npy")[0], wanted_of(network, photo)
    )
