"""The exported page: whole, from its own server alone, and its files draw what the
network draws.
"""

import functools
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from support import litert_js, tiny

from nst_tf.config.export import ExportSettings
from nst_tf.core.errors import UserError
from nst_tf.data import style_images
from nst_tf.exporters import (
    export_network as exporters,
    model_card,
    parity,
    run as export_run,
    views,
)
from nst_tf.exporters.tflite import per_style
from nst_tf.exporters.web import page as web
from nst_tf.images import io as image_io, padding
from nst_tf.inference.model import read_style
from nst_tf.models import adain_net, transform_net

pytestmark = pytest.mark.slow

SIDES, SHAPES = (32,), ((0.75, 1.0),)
TWO = "mosaic,https://example.org/my-wave_2.jpg"  # the second's picture is not at hand


def exported(network, folder, **options):
    """Exports with small frames and a stand-in for LiteRT.js."""
    path = litert_js.tarball(Path(folder) / "runtime.tgz")
    small = mock.patch.multiple(web, SIDES=SIDES, SHAPES=SHAPES)
    with small, litert_js.expected(path):
        return exporters.export_network(
            "web", network, Path(folder), "tiny", web_runtime=str(path), **options
        )


@functools.cache
def made(kind):
    folder = tempfile.TemporaryDirectory()
    network = {
        "single": tiny.network,
        "several": lambda: tiny.network(styles=2),
        "strengths": lambda: tiny.network(strength=True),
        "any": tiny.any_style,
    }[kind]()
    artifacts = exported(
        network, folder.name, style_image=TWO if kind == "several" else "mosaic"
    )
    return (
        network,
        Path(folder.name),
        artifacts,
        folder,
    )  # the last: lives as long as the cache


def unconverted(network, folder, **options):
    """As `exported`, but with older files instead of conversions, which take seconds."""
    kind = web.KINDS[transform_net.blend_name(network)]
    data = (made(kind)[1] / "web" / "models" / "tiny_32x24_float16.tflite").read_bytes()
    with mock.patch.object(per_style, "convert", lambda *args: {"": data}):
        return exported(network, folder, **options)


@pytest.fixture(params=["single", "several", "strengths", "any"])
def page(request):
    network, folder, _, _ = made(request.param)
    return (
        network,
        folder / "web",
        described_at(folder / "web"),
    )


def described_at(folder):
    (described,) = json.loads((folder / "model.json").read_text())["models"]
    return described


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_file_draws_the_networks_picture_at_its_size(page):
    network, folder, described = page
    assert [(frame["width"], frame["height"]) for frame in described["frames"]] == [
        (32, 24)
    ]
    for frame in described["frames"]:
        photo = image_io.to_float(tiny.photo(21, 30))
        grown = np.stack(
            [
                photo[:, :, channel][padding.mirrored(21, frame["height"])][
                    :, padding.mirrored(30, frame["width"])
                ]
                for channel in range(3)
            ],
            -1,
        )
        run = Interpreter(str(folder / frame["file"])).get_signature_runner()
        if described["kind"] == "any":
            style = image_io.to_float(tiny.photo(40, 50))[None]
            inputs = {
                "content": grown[None],
                "code": adain_net.parts_of(network).encode_style(style).numpy(),
                "alpha": np.array([[0.5]], np.float32),
            }
            wanted = np.clip(tiny.draw_any(network, grown[None], style, 0.5)[0], 0, 1)
        else:
            name, blend = {
                "single": ("", ()),
                "several": ("style_weights", (0.25, 0.75)),
                "strengths": ("strengths", (0.6,)),
            }[described["kind"]]
            inputs = {"image": grown[None]} | (
                {name: np.array([blend], np.float32)} if blend else {}
            )
            wanted = tiny.draw(network, grown, blend)
        assert wanted.std() > 0.05
        assert parity.psnr(run(**inputs)["stylized"][0], wanted) >= 50


def test_styles_have_names_pictures_and_codes(page):
    network, folder, described = page
    offered = described["styles"]
    if described["kind"] == "any":
        assert [style["name"] for style in offered] == [
            "Autumn knife",
            "Ink wash",
            "Mosaic",
            "Starry swirls",
            "Woodblock",
        ]
        encode = adain_net.parts_of(network).encode_style
        for style, name in zip(offered, style_images.packaged_styles()):
            np.testing.assert_allclose(
                style["code"],
                encode(read_style(name, 512)[None])[0],
                rtol=1e-5,
                atol=1e-6,
            )
    else:
        assert [style["name"] for style in offered] == ["Mosaic", "My wave 2"][
            : len(offered)
        ]
        assert [style["code"] for style in offered] == [[]] * len(offered)
    for style in offered:
        picture = image_io.decode_rgb8((folder / style["picture"]).read_bytes())
        assert min(picture.shape[:2]) == web.THUMBNAIL
    if described["kind"] == "several":  # the second's picture is not at hand
        photo = views.view(0, (web.THUMBNAIL, web.THUMBNAIL))
        painted = image_io.to_uint8(tiny.draw(network, photo, (0, 1)))
        assert parity.psnr(picture / 255, painted / 255) > 25  # it is a JPEG


def test_styles_without_a_record_are_numbered(tmp_path):
    unconverted(tiny.network(styles=2), tmp_path)
    described = described_at(tmp_path / "web")
    assert [style["name"] for style in described["styles"]] == ["Style 1", "Style 2"]


def test_all_that_the_page_names_is_there(page):
    _, folder, described = page
    named = {frame["file"] for frame in described["frames"]} | {
        "sample.jpg",
        "model.json",
    }
    html = (folder / "index.html").read_text()
    named |= {
        link
        for link in re.findall(r'(?:href|src)="([^"]+)"', html)
        if not link.startswith("data:")
    }
    for script in (folder / "js").glob("*.js"):
        relative = re.findall(
            r'(?:from |import\(|new URL\()"([^"]+)"', script.read_text()
        )
        # Dynamic imports and URLs in a worker start from its own place, as static ones
        # do.
        named |= {
            (script.parent / name).resolve().relative_to(folder.resolve()).as_posix()
            for name in relative
        }
    assert {
        "js/app.js",
        "js/worker.js",
        "runtime/index.js",
        "runtime/LICENSE.txt",
        "style.css",
    } <= named
    assert [name for name in named - {"runtime"} if not (folder / name).is_file()] == []
    identifiers = set(
        re.findall(r'\bget\("([a-z-]+)"\)', (folder / "js" / "app.js").read_text())
    )
    assert len(identifiers) > 10 and identifiers <= set(
        re.findall(r'id="([a-z-]+)"', html)
    )


def test_nothing_comes_from_elsewhere(page):
    _, folder, _ = page
    own = {
        name: data.decode()
        for name, data in contents(folder).items()
        if name.endswith((".html", ".css", ".js", ".py"))
        and not name.startswith("runtime/")
    }
    assert len(own) > 10
    addresses = {
        address
        for text in own.values()
        for address in re.findall(r"(?:https?:|wss?:)?//[\w.:-]+\.?\w+", text)
        if not address.startswith(("//", "http://localhost", "http://www.w3.org"))
    }
    assert addresses == set()
    policy = re.search(
        r'Content-Security-Policy" content="([^"]+)"', own["index.html"]
    ).group(1)
    assert "default-src 'none'" in policy and "http" not in policy and "*" not in policy


def test_the_runtime_comes_as_published_but_for_one_import(page):
    _, folder, _ = page
    for name, data in litert_js.FILES.items():
        placed = (folder / "runtime" / Path(name).name).read_bytes()
        if name == "dist/index.js":
            notice, placed = placed.split(b"\n", 1)
            assert notice.startswith(b"// Changed by nst_tf")
            data = data.replace(b'"@litertjs/wasm-utils"', b'"../js/wasm_utils.js"')
            assert b"@litertjs" not in data
        assert placed == data
    license = (folder / "runtime" / "LICENSE.txt").read_text()
    assert "@litertjs/core 2.5.3" in license
    assert (Path(__file__).parents[2] / "LICENSE").read_text() in license


def test_frames_are_squares_and_photos_lying_and_standing_that_every_network_can_draw():
    sizes = [
        (round(side * height), round(side * width))
        for side in web.SIDES
        for height, width in web.SHAPES
    ]
    assert {width / height for height, width in sizes} == {1, 4 / 3, 3 / 4}
    assert all(
        padding.padded_side(side, *padding.ANY_STYLE) == side
        for size in sizes
        for side in size
    )


def test_its_server_sends_what_threads_and_scripts_need(page):
    _, folder, _ = page
    done = subprocess.run(
        [sys.executable, str(folder / "serve.py"), "many"],
        capture_output=True,
        text=True,
    )
    assert (
        done.returncode == 1
        and done.stderr.startswith("Expected a free port.")
        and done.stderr.count("\n") == 1
    )
    running = subprocess.Popen(
        [sys.executable, str(folder / "serve.py"), "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        address = running.stdout.readline().strip()
        for name, kind in (
            ("index.html", "text/html"),
            ("js/worker.js", "text/javascript"),
            ("runtime/litert_wasm_internal.wasm", "application/wasm"),
        ):
            with urllib.request.urlopen(f"{address}/{name}", timeout=20) as answer:
                assert answer.read() == (folder / name).read_bytes()
                assert answer.headers["Content-Type"] == kind
                assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
                assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    finally:
        running.terminate()
        running.wait()


def test_a_runtime_that_imports_otherwise_is_refused():
    with pytest.raises(RuntimeError, match="Expected one from .*Received: 0"):
        web._place_runtime({"dist/index.js": b"import x from 'y'"})


def test_the_card_lists_every_file_with_its_hash(page):
    _, folder, _ = page
    (entry,) = model_card.make_card(
        folder.parent,
        made(described_at(folder)["kind"])[2],
        {},
    )["artifacts"]
    assert entry["file"] == "web" and set(entry["sha256"]) == set(contents(folder))
    assert entry["bytes"] == sum(map(len, contents(folder).values()))
    assert entry["decibels_to_the_network"]["least"] >= 60
    assert (
        all(model["operations"]["CONV_2D"] > 3 for model in entry["models"].values())
        and len(entry["models"]) == 1
    )


def test_what_the_gate_refuses_leaves_the_older_page(tmp_path):
    unconverted(tiny.network(), tmp_path)
    before = contents(tmp_path / "web")
    with (
        mock.patch.object(web, "SAMPLE", "cat"),
        mock.patch.object(parity, "psnr", lambda *pictures: 59.0),
    ):
        with pytest.raises(
            RuntimeError,
            match="_float16.tflite to equal the network by 60 dB. Received: 59.0 dB",
        ):
            unconverted(tiny.network(), tmp_path)
    assert contents(tmp_path / "web") == before
    assert {path.name for path in tmp_path.iterdir()} == {"web", "runtime.tgz"}


def test_the_command_takes_the_runs_styles_and_a_runtime(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    tiny.network(styles=2).save(run / "network.keras")
    (run / "run.json").write_text(
        json.dumps({"settings": {"style_image": "mosaic,ink_wash"}})
    )
    path = litert_js.tarball(tmp_path / "runtime.tgz")
    settings = {
        "model": str(run),
        "formats": ("web",),
        "output": str(tmp_path / "night"),
    }
    with pytest.raises(UserError, match="Check --web_runtime"):
        export_run.export(ExportSettings(**settings, web_runtime="nowhere.tgz"))
    data = (
        made("several")[1] / "web" / "models" / "tiny_32x24_float16.tflite"
    ).read_bytes()
    small = mock.patch.multiple(web, SIDES=SIDES, SHAPES=SHAPES)
    with (
        litert_js.expected(path),
        small,
        mock.patch.object(per_style, "convert", lambda *args: {"": data}),
    ):
        export_run.export(ExportSettings(**settings, web_runtime=str(path)))
    described = described_at(tmp_path / "night" / "web")
    assert described["name"] == "night" and described["kind"] == "several"
    assert [style["name"] for style in described["styles"]] == ["Mosaic", "Ink wash"]
    card = json.loads((tmp_path / "night" / "model_card.json").read_text())
    assert "models/night_32x24_float16.tflite" in card["artifacts"][0]["sha256"]
