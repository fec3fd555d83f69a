"""`python -m nst_tf.client`: photos painted at a server are the local ones, and
everything that goes wrong.
"""

import contextlib
import copy
import itertools
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import serving_servers, tiny
from support.pictures import smooth
from support.profiles import wide_profile
from support.serving_servers import Refusal, Served

from nst_tf import client
from nst_tf.config.painting.client import ClientSettings
from nst_tf.core.errors import UserError
from nst_tf.exporters.saved_model.exporter import SavedModelExporter
from nst_tf.images import io as image_io
from nst_tf.inference import folder as photo_folder
from nst_tf.serving import run as client_run, stylizer as remote_stylizer

pytestmark = pytest.mark.slow

by_protocol = pytest.mark.parametrize("protocol", ["grpc", "rest"])
by_signature = pytest.mark.parametrize(
    "signature", ["serving_bytes", "serving_default"]
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """{styles, or "strength" for one with strength: (network, its SavedModel)}"""
    found = {}
    for key, shape in ((1, {}), (2, {"styles": 2}), ("strength", {"strength": True})):
        folder, network = tmp_path_factory.mktemp("exported"), tiny.network(**shape)
        SavedModelExporter().export(network, folder, "tiny")
        found[key] = network, folder / "saved_model" / "1"
    return found


@pytest.fixture(scope="module")
def loaded(exported):
    return {
        styles: Served("starry", path, version=1)
        for styles, (_, path) in exported.items()
    }


@pytest.fixture
def served(loaded):
    """The model of one style, with a `before`, an `answered` and signatures of the test's own."""
    own = copy.copy(loaded[1])
    own.signatures = dict(own.signatures)
    return own


def serving(protocol, served, **options):
    return serving_servers.SERVERS[protocol](served, **options)


def settings(server, protocol="grpc", content="photos", output="painted", **changes):
    return ClientSettings(
        **{
            "server": server,
            "protocol": protocol,
            "model": "starry",
            "content": str(content),
            "output": str(output),
            "retry_wait": 0.01,
            **changes,
        }
    )


def painter(server, protocol="grpc", style=None, strength=1.0, **options):
    model = remote_stylizer.connect(server, "starry", protocol=protocol, **options)
    return model.prepare(style, strength)


def network(server, protocol="grpc"):
    connection = remote_stylizer.open_connection(protocol, server, "starry")
    return remote_stylizer.RemoteNetwork(connection, f"starry at {server}")


def photos(folder, names="abcdef"):
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        smooth(20 + seed, 30, seed).save(folder / f"{name}.png")
    return folder


def tree(folder):
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()
    )


def errors(capsys):
    shown = capsys.readouterr()
    lines = [
        line
        for line in shown.err.replace("\r", "\n").splitlines()
        if line.startswith("error: ")
    ]
    return shown.out, lines


def levels(path):
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


# -- the same pictures -----------------------------------------------------------------------------


def mixed(folder):
    """Photos of several formats, one turned, one with a color profile, one with alpha,
    gray, tiny, in a folder.
    """
    folder.mkdir()
    smooth(33, 47, 1).save(folder / "a.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    smooth(20, 40, 2).save(folder / "turned.jpg", exif=exif)
    smooth(24, 24, 3).save(folder / "profile.png", icc_profile=wide_profile())
    alpha = smooth(30, 20, 4)
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    alpha.save(folder / "alpha.png")
    smooth(9, 9, 5).convert("L").save(folder / "gray.bmp")
    (folder / "below").mkdir()
    smooth(1, 1, 6).save(folder / "below" / "tiny.webp", lossless=True)
    smooth(16, 16, 7).save(folder / "below" / "first.gif")
    return folder


def sent_back(drawn, signature):
    """What becomes of a painted picture on its way: JPEG of the model's, for serving_bytes."""
    if signature == "serving_default":
        return drawn
    return image_io.read_image(image_io.encode(image_io.Image(drawn), "jpg")).rgb


def close(drawn, wanted, lossy):
    """Whether levels differ by roundings, or by what they do to a lossy file."""
    off = np.abs(drawn.astype(float) - wanted)
    return off.max() <= (12 if lossy else 1) and off.mean() <= 1


@by_protocol
@by_signature
def test_an_album_comes_out_as_with_the_model_itself(
    tmp_path, exported, served, protocol, signature, capsys
):
    album, model = mixed(tmp_path / "in"), tiny.open_painter(exported[1][1])
    local = photo_folder.stylize_folder(
        lambda rgb: sent_back(model(rgb), signature),
        str(album),
        str(tmp_path / "local"),
    )
    with serving(protocol, served) as (server, _):
        status = client_run.stylize(
            settings(server, protocol, album, tmp_path / "out", signature=signature)
        ).status
    assert errors(capsys) == ("photos painted: 7, failed: 0\n", []) and status == 0
    assert (
        tree(tmp_path / "out") == tree(tmp_path / "local") and len(local.written) == 7
    )
    for name in tree(tmp_path / "local"):
        lossy = signature == "serving_bytes" or not name.endswith(("png", "bmp"))
        assert close(
            levels(tmp_path / "out" / name), levels(tmp_path / "local" / name), lossy
        ), name
    assert levels(tmp_path / "out" / "turned.jpg").shape == (40, 20, 3)
    np.testing.assert_array_equal(
        levels(tmp_path / "out" / "alpha.png")[..., 3],
        levels(album / "alpha.png")[..., 3],
    )


@by_protocol
@by_signature
def test_each_signature_draws_what_the_network_draws(
    exported, served, protocol, signature
):
    rgb = image_io.to_float(tiny.photo(33, 47))
    with serving(protocol, served) as (server, _):
        drawn = painter(server, protocol, signature=signature)(rgb)
    wanted = sent_back(tiny.draw(exported[1][0], rgb), signature)
    assert close(drawn * 255, wanted * 255, signature == "serving_bytes")


def test_photos_are_sent_as_jpg_on_request(exported, served):
    rgb = image_io.to_float(tiny.photo(33, 47))
    sent = image_io.read_image(image_io.encode(image_io.Image(rgb), "jpg")).rgb
    with serving("grpc", served) as (server, _):
        as_jpg, as_png = (
            painter(server, encoding=encoding)(rgb) * 255 for encoding in ("jpg", "png")
        )
    wanted = sent_back(tiny.draw(exported[1][0], sent), "serving_bytes") * 255
    assert np.abs(as_jpg - wanted).mean() < 0.5 * np.abs(as_png - wanted).mean()


@by_protocol
@by_signature
def test_style_weights_reach_the_model(exported, loaded, protocol, signature):
    rgb = image_io.to_float(tiny.photo(20, 30))
    with serving(protocol, loaded[2]) as (server, _):
        drawn = painter(server, protocol, signature=signature, style=(0.3, 0.7))(rgb)
    wanted = sent_back(tiny.draw(exported[2][0], rgb, (0.3, 0.7)), signature)
    assert close(drawn * 255, wanted * 255, signature == "serving_bytes")


@by_protocol
def test_strength_reaches_the_model(exported, loaded, protocol):
    rgb = image_io.to_float(tiny.photo(20, 30))
    with serving(protocol, loaded["strength"]) as (server, _):
        drawn = painter(server, protocol, signature="serving_default", strength=0.4)(
            rgb
        )
    assert close(
        drawn * 255, tiny.draw(exported["strength"][0], rgb, (0.4,)) * 255, False
    )


@by_protocol
@pytest.mark.parametrize(
    "styles, weights, message",
    [
        (
            2,
            (),
            "Expected one of the styles of starry at .* for each of the 2: .* Received: none",
        ),
        (2, ("1", "0", "0"), "a share for each of the 2: .* Received: 3 shares"),
        (1, ("1", "0"), "a share for each of the 1: Style 1. Received: 2 shares"),
    ],
)
def test_style_weights_that_do_not_suit_the_model_are_refused_before_a_photo_is_sent(
    tmp_path, loaded, protocol, styles, weights, message
):
    answered = loaded[styles].answered
    with (
        serving(protocol, loaded[styles]) as (server, _),
        pytest.raises(UserError, match=message),
    ):
        client_run.stylize(
            settings(
                server,
                protocol,
                photos(tmp_path / "in"),
                tmp_path / "out",
                style_weights=weights,
            )
        ).status
    assert loaded[styles].answered == answered and not (tmp_path / "out").exists()


@by_protocol
def test_as_many_photos_are_under_way_at_once_as_asked_for(tmp_path, served, protocol):
    barrier, lock, now, most = threading.Barrier(3), threading.Lock(), [0], [0]

    def before(signature):
        with lock:
            now[0] += 1
            most[0] = max(now[0], most[0])
        barrier.wait(20)  # passes only if three are here
        time.sleep(0.02)
        with lock:
            now[0] -= 1

    served.before = before
    with serving(protocol, served) as (server, _):
        assert (
            client_run.stylize(
                settings(
                    server,
                    protocol,
                    photos(tmp_path / "in"),
                    tmp_path / "out",
                    concurrency=3,
                )
            ).status
            == 0
        )
    assert most == [3] and len(tree(tmp_path / "out")) == 6


def test_more_than_grpcs_own_limit_of_4_mb_comes_through(served):
    served_file = image_io.encode_rgb8(
        np.random.default_rng(0).integers(0, 256, (1300, 1200, 3), np.uint8), "png"
    )
    assert len(served_file) > 4.5e6
    served.predict = lambda name, inputs: {
        "stylized_bytes": inputs["image_bytes"],
        "error": np.array([b""], object),
    }
    with serving("grpc", served, max_receive_message_length=-1) as (server, _):
        assert network(server).stylize_file(served_file, {}, 1300 * 1200) == served_file


# -- photos that cannot be painted -----------------------------------------------------------------


@by_protocol
def test_bad_photos_are_named_and_do_not_stop_the_others(
    tmp_path, served, protocol, capsys
):
    album = photos(tmp_path / "in", "bd")
    (album / "a.jpg").write_text("I am no photo.")
    (album / "c.png").write_bytes((album / "b.png").read_bytes()[:100])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "d.png").write_bytes(b"precious")
    with serving(protocol, served) as (server, _):
        assert (
            client_run.stylize(
                settings(server, protocol, album, tmp_path / "out")
            ).status
            == 1
        )
        out, lines = errors(capsys)
        assert out == "photos painted: 1, failed: 3\n" and len(lines) == 3
        assert (
            "a.jpg" in lines[0]
            and "c.png" in lines[1]
            and "d.png" in lines[2]
            and "--overwrite" in lines[2]
        )
        assert (
            tmp_path / "out" / "d.png"
        ).read_bytes() == b"precious" and served.answered == 1
        assert (
            client_run.stylize(
                settings(
                    server, protocol, album / "d.png", tmp_path / "out", overwrite=True
                )
            ).status
            == 0
        )
    assert levels(tmp_path / "out" / "d.png").shape == (21, 30, 3)


@by_protocol
def test_a_photo_that_the_server_cannot_read_gets_the_servers_words(served, protocol):
    with serving(protocol, served) as (server, _):
        remote = network(server, protocol)
        with pytest.raises(
            UserError,
            match=f"a photo that starry at {server} can read. Received: .*PNG",
        ):
            remote.stylize_file(b"I am no photo.", {}, 35)
        assert image_io.decode_rgb8(
            remote.stylize_file(image_io.encode_rgb8(tiny.photo(5, 7), "png"), {}, 35)
        ).shape == (5, 7, 3)


@by_protocol
@pytest.mark.parametrize(
    "signature, change, reason",
    [
        ("serving_default", lambda x: x.astype(np.int32) * 2, "0 to 255"),
        ("serving_default", lambda x: x.astype(np.int32) - 300, "0 to 255"),
        ("serving_default", lambda x: x.astype(np.float32), "0 to 255"),
        ("serving_default", lambda x: x[:, 1:], "a picture of the photo's size"),
        ("serving_default", lambda x: x[..., 0], "a picture of the photo's size"),
        ("serving_default", lambda x: x[:0], "one item of the output stylized"),
        ("serving_default", lambda x: np.array([b"x"], object), "0 to 255"),
        ("serving_bytes", lambda x: np.array([b"GIF89a"], object), "a picture from"),
        ("serving_bytes", lambda x: np.array([b""], object), "a picture from"),
        ("serving_bytes", lambda x: np.array([1], np.uint8), "bytes as the output"),
        (
            "serving_bytes",
            lambda x: np.array(
                [image_io.encode_rgb8(tiny.photo(99, 99), "png")], object
            ),
            "a picture from .*pixels",
        ),
    ],
    ids="above below floats rows gray none bytes damaged empty numbers huge".split(),
)
def test_a_malformed_answer_costs_one_photo(
    tmp_path, served, protocol, signature, change, reason, capsys
):
    """The second of three photos gets it."""
    predict, number = served.predict, itertools.count()

    def malformed(name, inputs):
        outputs = predict(name, inputs)
        if next(number) == 1:
            key = "stylized" if name == "serving_default" else "stylized_bytes"
            outputs[key] = change(outputs[key])
        return outputs

    served.predict = malformed
    with serving(protocol, served) as (server, _):
        status = client_run.stylize(
            settings(
                server,
                protocol,
                photos(tmp_path / "in", "abc"),
                tmp_path / "out",
                signature=signature,
                concurrency=1,
            )
        ).status
    out, (line,) = errors(capsys)
    assert status == 1 and out == "photos painted: 2, failed: 1\n"
    assert "b.png" in line and re.search(reason, line), line
    assert tree(tmp_path / "out") == ["a.png", "c.png"]


@by_protocol
def test_the_servers_words_cannot_reach_the_terminal_as_commands(
    tmp_path, served, protocol, capsys
):
    def before(signature):
        raise Refusal("INVALID_ARGUMENT", "\x1b]0;title\x07\x1b[2J\u202e no")

    served.before = before
    with serving(protocol, served) as (server, _):
        photo = photos(tmp_path / "in", "a")
        client_run.stylize(settings(server, protocol, photo, tmp_path / "out")).status
    _, (line,) = errors(capsys)
    assert "]0;title[2J no" in line and line.isprintable()


def test_a_photo_above_the_servers_limit_is_named_and_not_tried_again(
    tmp_path, served, capsys
):
    album = photos(tmp_path / "in", "a")
    Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
    ).save(album / "large.png")
    tries = []
    served.before = tries.append
    with serving("grpc", served, max_receive_message_length=10_000) as (server, _):
        assert (
            client_run.stylize(settings(server, "grpc", album, tmp_path / "out")).status
            == 1
        )
    out, (line,) = errors(capsys)
    assert (
        "large.png" in line
        and "RESOURCE_EXHAUSTED" in line
        and "larger than max" in line
    )
    assert (
        "--encoding=jpg" in line
        and out == "photos painted: 1, failed: 1\n"
        and len(tries) == 1
    )


@by_protocol
def test_a_photo_that_takes_longer_than_the_deadline_is_named_and_not_tried_again(
    tmp_path, served, protocol, capsys
):
    released, tries = threading.Event(), []
    served.before = lambda signature: (
        tries.append(signature),
        len(tries) == 2 and released.wait(20),
    )
    with serving(protocol, served) as (server, _):
        began = time.monotonic()
        status = client_run.stylize(
            settings(
                server,
                protocol,
                photos(tmp_path / "in", "abc"),
                tmp_path / "out",
                deadline=1.0,
                concurrency=1,
            )
        ).status
        assert 1 <= time.monotonic() - began < 5 and status == 1
        released.set()
    out, (line,) = errors(capsys)
    assert (
        "b.png" in line and "DEADLINE_EXCEEDED" in line and "Raise --deadline=1" in line
    )
    assert out == "photos painted: 2, failed: 1\n" and len(tries) == 3


# -- servers that refuse, fail and come back -------------------------------------------------------


@by_protocol
@pytest.mark.parametrize(
    "changes, message",
    [
        (
            {"model": "mosaic"},
            "Expected .* from mosaic at .*NOT_FOUND .*Servable not found.*Check --model and",
        ),
        ({"model_version": 7}, "NOT_FOUND .*Servable not found"),
    ],
)
def test_a_missing_model_or_version_is_one_line(
    tmp_path, served, protocol, changes, message
):
    with (
        serving(protocol, served) as (server, _),
        pytest.raises(UserError, match=message) as caught,
    ):
        client_run.stylize(
            settings(
                server, protocol, photos(tmp_path / "in"), tmp_path / "out", **changes
            )
        ).status
    assert "\n" not in str(caught.value) and served.answered == 0


@by_protocol
def test_the_version_asked_for_is_used(served, protocol, tmp_path):
    with serving(protocol, served) as (server, _):
        assert (
            client_run.stylize(
                settings(
                    server,
                    protocol,
                    photos(tmp_path / "in", "a"),
                    tmp_path / "out",
                    model_version=1,
                )
            ).status
            == 0
        )


def test_broad_strokes_are_painted_by_the_server_and_enlarged_here(served, tmp_path):
    album = photos(tmp_path / "in", "a")
    with serving("grpc", served) as (server, _):
        chosen = settings(server, "grpc", album, tmp_path / "out", stroke_scale=2.0)
        assert client_run.stylize(chosen).status == 0
        with remote_stylizer.connect(server, "starry") as model:
            photo = image_io.read_image(album / "a.png").rgb
            wanted = model.broaden(stroke_scale=2)(photo)
    drawn = levels(tmp_path / "out" / "a.png")
    assert drawn.shape == (20, 30, 3)
    np.testing.assert_array_equal(drawn, image_io.to_uint8(wanted))


@by_protocol
def test_a_missing_signature_is_one_line_that_names_those_there(
    tmp_path, served, protocol
):
    del served.signatures["serving_bytes"]
    with (
        serving(protocol, served) as (server, _),
        pytest.raises(
            UserError,
            match="signature serving_bytes. Received: .*serving_default.*--signature",
        ),
    ):
        client_run.stylize(
            settings(server, protocol, photos(tmp_path / "in"), tmp_path / "out")
        ).status


def test_a_model_of_any_style_is_one_line(served, monkeypatch):
    signatures = {
        "serving_default": {
            "content": (-1, -1, -1, 3),
            "style": (-1, -1, -1, 3),
            "alpha": (-1, 1),
        }
    }
    connection = remote_stylizer.open_connection("rest", "127.0.0.1:1", "starry")
    monkeypatch.setattr(connection, "signatures", lambda deadline: signatures)
    with pytest.raises(
        UserError,
        match="styles of its own. Received: starry, which also takes alpha, content, style",
    ):
        remote_stylizer.RemoteNetwork(connection, "starry", signature="serving_default")


@by_protocol
def test_a_server_that_is_not_there_is_one_line_after_all_tries(
    tmp_path, served, protocol, in_process
):
    with serving(protocol, served) as (server, stop):
        stop()
    status, out, err = in_process(
        client.main,
        ClientSettings,
        [
            f"--server={server}",
            f"--protocol={protocol}",
            "--model=starry",
            f"--content={photos(tmp_path / 'in')}",
            f"--output={tmp_path / 'out'}",
            "--retries=2",
            "--retry_wait=0.05",
        ],
    )
    (line,) = err.splitlines()
    assert (
        status == 1
        and out == ""
        and line.startswith(
            "error: Expected a model that says what it takes from starry"
        )
    )
    assert (
        f"starry at {server}" in line
        and "UNAVAILABLE" in line
        and "check --server and --protocol" in line
    )


@by_protocol
@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_a_refusal_that_passes_is_tried_again(tmp_path, served, protocol, code, capsys):
    left = [3]

    def before(signature):
        left[0] -= 1
        if left[0] >= 0:
            raise Refusal(code, "the queue is full")

    served.before = before
    options = {"concurrency": 1, "overwrite": True}
    with serving(protocol, served) as (server, _):
        photo = photos(tmp_path / "in", "a")
        assert (
            client_run.stylize(
                settings(
                    server, protocol, photo, tmp_path / "out", retries=2, **options
                )
            ).status
            == 1
        )
        assert code in errors(capsys)[1][0] and tree(tmp_path) == ["in/a.png"]
        left[0] = 3
        assert (
            client_run.stylize(
                settings(
                    server, protocol, photo, tmp_path / "out", retries=3, **options
                )
            ).status
            == 0
        )
    assert tree(tmp_path) == ["in/a.png", "out/a.png"]


@by_protocol
def test_a_refusal_for_good_is_not_tried_again(tmp_path, served, protocol, capsys):
    tries = []

    def before(signature):
        tries.append(signature)
        raise Refusal("INVALID_ARGUMENT", "a reason\nof two lines")

    served.before = before
    with serving(protocol, served) as (server, _):
        assert (
            client_run.stylize(
                settings(
                    server, protocol, photos(tmp_path / "in", "a"), tmp_path / "out"
                )
            ).status
            == 1
        )
    out, (line,) = errors(capsys)
    assert (
        "INVALID_ARGUMENT" in line
        and "a reason of two lines" in line
        and "a.png" in line
        and len(tries) == 1
    )


@by_protocol
def test_when_the_server_goes_what_is_painted_stays_and_the_rest_is_named(
    tmp_path, served, protocol, capsys
):
    album, number, gone = photos(tmp_path / "in"), itertools.count(), threading.Event()
    with serving(protocol, served) as (server, stop):

        def before(signature):
            asked = next(number)
            if asked == 4:
                threading.Thread(target=lambda: (stop(), gone.set())).start()
            if asked >= 4:
                gone.wait(5)

        served.before = before
        status = client_run.stylize(
            settings(
                server, protocol, album, tmp_path / "out", concurrency=2, retries=2
            )
        ).status
    out, lines = errors(capsys)
    painted = tree(tmp_path / "out")
    assert (
        status == 1 and out == f"photos painted: {len(painted)}, failed: {len(lines)}\n"
    )
    # Of four that the server has painted, one may not have been sent yet.
    assert 3 <= len(painted) <= 4 and all(
        "UNAVAILABLE" in line or "CANCELLED" in line for line in lines
    )
    named = {Path(line.split(":")[1].strip()).name for line in lines}
    assert named | set(painted) == set(tree(album)) and not named & set(painted)
    for name in painted:
        assert levels(tmp_path / "out" / name).shape == levels(album / name).shape


@by_protocol
def test_when_the_server_comes_back_nothing_is_lost(tmp_path, served, protocol):
    album, number, gone = photos(tmp_path / "in"), itertools.count(), threading.Event()
    with contextlib.ExitStack() as stack:
        server, stop = stack.enter_context(serving(protocol, served))
        back = []

        def restart():
            stop()
            gone.set()
            time.sleep(0.3)
            back.append(
                stack.enter_context(
                    serving(protocol, served, port=int(server.split(":")[1]))
                )
            )

        def before(signature):
            if next(number) == 2:
                threading.Thread(target=restart).start()
                gone.wait(5)

        served.before = before
        status = client_run.stylize(
            settings(
                server,
                protocol,
                album,
                tmp_path / "out",
                retry_wait=0.2,
                retries=9,
                concurrency=2,
            )
        ).status
        assert back and status == 0
    assert tree(tmp_path / "out") == tree(album)


# -- the command -----------------------------------------------------------------------------------

# Runs the command where TensorFlow cannot be imported.
ALONE = """
import runpy, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)          # a shell's background jobs begin deaf to Ctrl-C
sys.modules["tensorflow"] = sys.modules["keras"] = sys.modules["tensorflow_serving"] = None
runpy.run_module("nst_tf.client", run_name="__main__", alter_sys=True)
"""


def command(server, protocol, *arguments):
    return [
        sys.executable,
        "-c",
        ALONE,
        f"--server={server}",
        f"--protocol={protocol}",
        "--model=starry",
        *arguments,
    ]


@by_protocol
def test_the_command_does_without_tensorflow(tmp_path, served, protocol):
    album = photos(tmp_path / "in", "ab")
    (album / "c.png").write_text("I am no photo.")
    with serving(protocol, served) as (server, _):
        done = subprocess.run(
            command(
                server, protocol, f"--content={album}", f"--output={tmp_path / 'out'}"
            ),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.stdout == "photos painted: 2, failed: 1\n" and done.returncode == 1, (
        done.stderr
    )
    assert (
        "3/3" in done.stderr
        and "Traceback" not in done.stderr
        and tree(tmp_path / "out") == ["a.png", "b.png"]
    )


@by_protocol
def test_ctrl_c_ends_the_command_at_once_in_one_line(tmp_path, served, protocol):
    waiting, released = threading.Event(), threading.Event()
    served.before = lambda signature: (
        served.answered >= 1 and (waiting.set(), released.wait(30))
    )
    with serving(protocol, served) as (server, _):
        running = subprocess.Popen(
            command(
                server,
                protocol,
                f"--content={photos(tmp_path / 'in')}",
                f"--output={tmp_path / 'out'}",
                "--concurrency=2",
            ),
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert waiting.wait(30)
            began = time.monotonic()
            running.send_signal(signal.SIGINT)
            _, err = running.communicate(timeout=20)
        finally:
            running.kill()
            released.set()
    assert running.returncode == 130 and time.monotonic() - began < 8
    last = err.rstrip().splitlines()[-1]
    assert re.search(r"interrupted: \d photos painted", last)
    assert "Traceback" not in err
    assert all(
        levels(tmp_path / "out" / name).shape[2] == 3 for name in tree(tmp_path / "out")
    )


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"server": ""}, "Expected --server=HOST:PORT.*Received: none"),
        ({"server": "localhost"}, "HOST:PORT"),
        ({"server": "a b:80"}, "HOST:PORT.*Received: a b:80 .a space"),
        ({"server": "localhost:65536"}, "HOST:PORT"),
        ({"server": "http://localhost:8501"}, "with --protocol=grpc"),
        ({"ca_file": "ca.pem"}, "--ca_file with a --server of grpcs://"),
        ({"model": ""}, "Expected --model"),
        ({"content": ""}, "Expected --content"),
        ({"style_weights": ("x",)}, "numbers as --style_weights"),
        ({"deadline": 0.0}, "--deadline above 0"),
        ({"deadline": float("nan")}, "--deadline above 0"),
        ({"retries": -1}, "--retries of at least 0"),
        ({"concurrency": 0}, "--concurrency from 1 to 256"),
        ({"model_version": 2**63}, "--model_version"),
        ({"retry_wait": -0.1}, "--retry_wait of at least 0"),
        ({"model_version": -1}, "--model_version from 0"),
    ],
)
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        settings(**{"server": "localhost:8500", **changes})
