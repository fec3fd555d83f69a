"""Servers and clients that were not written here; `benchmarks/protocols.py` tries more of them."""

import importlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from support import serving_servers, tiny

from nst_tf.core.errors import UserError
from nst_tf.images import io as image_io
from nst_tf.serving.retries import Retries
from nst_tf.serving.stylizer import connect

ROOT = Path(__file__).parents[2]


class KServe(BaseHTTPRequestHandler):
    """KServe's V1 protocol, as its "Data plane" page has it: a model's state, and its
    prediction, but no description. The model is one that inverts pixels.
    """

    state = {"name": "painter", "ready": True}

    def log_message(self, *unused):
        pass

    def do_GET(self):  # noqa: N802, http.server's name
        known = self.path == "/v1/models/painter"
        self.answer(*((200, self.state) if known else (404, {"detail": "Not Found"})))

    def do_POST(self):  # noqa: N802
        size = int(self.headers["Content-Length"])
        (image,) = json.loads(self.rfile.read(size))["inputs"].values()
        inverted = 255 - np.array(image)
        self.answer(200, {"outputs": {"stylized": inverted.tolist()}})

    def answer(self, status, reply):
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def kserve():
    with ThreadingHTTPServer(("127.0.0.1", 0), KServe) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_model_that_does_not_say_what_it_takes_is_one_of_one_style(kserve):
    photo = image_io.to_float(tiny.photo(5, 7))
    signature = {"protocol": "rest", "signature": "serving_default"}
    with connect(kserve, "painter", **signature) as model:
        assert len(model.styles) == 1
        drawn = model.prepare()(photo)
    np.testing.assert_allclose(drawn, 1 - photo, atol=1e-6)


@pytest.mark.parametrize("state", [{"name": "painter"}, [], "ready"])
def test_another_servers_words_are_not_taken_for_kserves(kserve, monkeypatch, state):
    monkeypatch.setattr(KServe, "state", state)
    with pytest.raises(UserError, match="NOT_FOUND.*Check --model"):
        connect(kserve, "painter", protocol="rest", retries=Retries(0, 0))


def test_a_model_that_kserve_has_not_is_not_found(kserve):
    with pytest.raises(UserError, match="NOT_FOUND.*Check --model"):
        connect(kserve, "other", protocol="rest", retries=Retries(0, 0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "program, protocol, module",
    [
        ("OVMSCLIENT", "grpc", "ovmsclient"),
        ("OVMSCLIENT", "rest", "ovmsclient"),
        ("STUBS", "grpc", "tensorflow_serving"),
    ],
)
def test_foreign_clients_get_the_networks_painting(
    monkeypatch, program, protocol, module
):
    pytest.importorskip(module)
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    protocols = importlib.import_module("protocols")
    photo = tiny.photo(45, 61)
    served = serving_servers.Served("painter", tiny.artifact("1"))
    with serving_servers.SERVERS[protocol](served) as (address, _):
        drawn = protocols.run_client(
            sys.executable, getattr(protocols, program), protocol, address, photo[None]
        )
    wanted = tiny.draw(tiny.exported()[0], image_io.to_float(photo))
    np.testing.assert_array_equal(drawn[0], image_io.to_uint8(wanted))
