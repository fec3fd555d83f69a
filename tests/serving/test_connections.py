"""Connections to a server: messages on the wire, what fails how, and trying again."""

import contextlib
import functools
import gzip
import json
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from concurrent import futures
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf.descriptor import FieldDescriptor
from support import serving_servers
from tensorflow.core.framework import tensor_pb2, tensor_shape_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    model_pb2,
    predict_pb2,
    prediction_log_pb2,
)

from nst_tf.core.errors import UserError
from nst_tf.core.server_address import ServerAddress, parse_server
from nst_tf.serving import (
    prediction_service_pb2 as messages,
    retries as serving_retries,
    stylizer as remote_stylizer,
    tensors,
)
from nst_tf.serving.retries import Failure, Retries

PROTOCOLS = ("grpc", "rest")


def strings(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


ARRAYS = {
    "pixels": np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 10,
    "weights": np.float32([[0.25, -1.5e-9]]),
    "files": strings(b"\x89PNG\0\0", b"", b"\0"),
    "none": np.zeros((0, 3), np.float32),
}


# -- messages --------------------------------------------------------------------------------------


def request_of(**inputs):
    request = messages.PredictRequest()
    tensors.fill_request(request, "serving_bytes", inputs)
    return predict_pb2.PredictRequest.FromString(request.SerializeToString())


def read(answer, most=100):
    """The arrays of an answer of tensorflow-serving-api's."""
    data = answer.SerializeToString()
    return tensors.read_outputs(messages.PredictResponse.FromString(data), most)


def answer_of(shape, **fields):
    answer = predict_pb2.PredictResponse()
    answer.outputs["x"].CopyFrom(tensor_pb2.TensorProto(dtype=4, **fields))
    for size in shape:
        answer.outputs["x"].tensor_shape.dim.add(size=size)
    return answer


def test_a_request_is_what_tensorflow_serving_api_reads():
    found = request_of(**ARRAYS)
    assert found.model_spec.signature_name == "serving_bytes"
    assert set(found.inputs) == set(ARRAYS)
    for name, array in ARRAYS.items():
        value = tf.make_ndarray(found.inputs[name])
        assert value.dtype == array.dtype and value.shape == array.shape
        assert (value == array).all()


def test_each_field_of_the_messages_has_number_and_type_of_tensorflow_serving_api():
    theirs = {
        "Tensor": tensor_pb2.TensorProto,
        "TensorShape": tensor_shape_pb2.TensorShapeProto,
        "TensorInfo": meta_graph_pb2.TensorInfo,
        "SignatureDef": meta_graph_pb2.SignatureDef,
        "ModelSpec": model_pb2.ModelSpec,
        "PredictLog": prediction_log_pb2.PredictLog,
        "PredictionLog": prediction_log_pb2.PredictionLog,
        "PredictRequest": predict_pb2.PredictRequest,
        "PredictResponse": predict_pb2.PredictResponse,
        "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
        "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
        "SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
    }
    assert set(messages.DESCRIPTOR.message_types_by_name) == set(theirs)
    enum, int32 = FieldDescriptor.TYPE_ENUM, FieldDescriptor.TYPE_INT32
    for name, own in messages.DESCRIPTOR.message_types_by_name.items():
        for field in own.fields:
            their = theirs[name].DESCRIPTOR.fields_by_name[field.name]
            their_type = int32 if their.type == enum else their.type
            assert (field.number, field.type) == (their.number, their_type)
            assert field.is_repeated == their.is_repeated


@pytest.mark.parametrize(
    "written",
    [tf.make_tensor_proto, serving_servers.as_fields],
    ids=["content", "fields"],
)
def test_tensors_of_an_answer_are_read_however_they_are_written(written):
    answer = predict_pb2.PredictResponse()
    for name, array in ARRAYS.items():
        answer.outputs[name].CopyFrom(written(array))
    answer.outputs["of another type"].CopyFrom(tf.make_tensor_proto([1], tf.int64))
    found = read(answer)
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].dtype == array.dtype and found[name].shape == array.shape
        assert (found[name] == array).all()


def test_repetitions_of_the_last_value_that_were_left_out_are_filled_in():
    answer = answer_of([2, 3], int_val=[7, 9])
    assert tf.make_ndarray(answer.outputs["x"]).tolist() == [[7, 9, 9], [9, 9, 9]]
    assert read(answer)["x"].tolist() == [[7, 9, 9], [9, 9, 9]]


@pytest.mark.parametrize(
    "shape, fields, reason",
    [
        ([2, 3], {"tensor_content": b"12345"}, r"shape \(2, 3\) came with 5 values"),
        ([2], {"int_val": [255, 256]}, "values outside 0 to 255"),
        ([2], {"int_val": [-1]}, "values outside 0 to 255"),
        ([-1], {"int_val": [1]}, "a tensor of shape"),
        ([2**32, 2**32], {"tensor_content": b""}, "a tensor of shape"),
        # 40 GB of one value.
        ([200_000, 200_000], {"int_val": [1]}, "a tensor of shape"),
        ([1] * 1000, {"int_val": [1]}, "a tensor of shape"),
        ([3], {}, "came with 0 values"),
    ],
)
def test_a_tensor_that_does_not_fit_is_a_failure(shape, fields, reason):
    with pytest.raises(Failure, match=rf"INTERNAL \(.*{reason}"):
        read(answer_of(shape, **fields))


def test_signatures_are_read_from_the_servers_description():
    found = get_model_metadata_pb2.SignatureDefMap()
    for name, shape in (("style_weights", [None, 5]), ("image_bytes", [None])):
        info = found.signature_def["serving_bytes"].inputs[name]
        info.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    found.signature_def["other"].method_name = "x"
    answer = get_model_metadata_pb2.GetModelMetadataResponse()
    answer.metadata["signature_def"].Pack(found)
    data = answer.SerializeToString()
    assert tensors.read_signatures(
        messages.GetModelMetadataResponse.FromString(data)
    ) == {
        "serving_bytes": {"style_weights": (-1, 5), "image_bytes": (-1,)},
        "other": {},
    }


# -- trying again ----------------------------------------------------------------------------------


def failing(*failures):
    left = list(failures)

    def call():
        if left:
            raise left.pop(0)
        return "done"

    return call, left


def test_waits_double_vary_and_have_a_limit(monkeypatch):
    retries, waits = Retries(6, 1.0), []
    monkeypatch.setattr(retries._closed, "wait", lambda seconds: waits.append(seconds))
    call, _ = failing(*[Failure("UNAVAILABLE", "")] * 6)
    assert retries(call) == "done"
    tops = np.array([1, 2, 4, 8, 8, 8])
    assert (
        (np.array(waits) <= tops).all()
        and (np.array(waits) >= tops / 2).all()
        and len(set(waits)) == 6
    )


@pytest.mark.parametrize(
    "code, reason, tried",
    [
        ("UNAVAILABLE", "connection refused", 3),
        ("CANCELLED", "the server ends", 3),
        ("RESOURCE_EXHAUSTED", "out of memory", 3),
        ("RESOURCE_EXHAUSTED", "Received message larger than max (9 vs. 5)", 1),
        ("INVALID_ARGUMENT", "", 1),
        ("RESOURCE_EXHAUSTED", "HTTP status 413", 1),
        ("UNAVAILABLE", "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed", 1),
        ("DEADLINE_EXCEEDED", "", 1),
        ("NOT_FOUND", "", 1),
    ],
)
def test_only_what_may_pass_is_tried_again(code, reason, tried):
    call, left = failing(*[Failure(code, reason)] * 9)
    with pytest.raises(Failure, match=code):
        Retries(2, 0)(call)
    assert 9 - len(left) == tried


def test_closing_ends_the_waiting():
    retries, began = Retries(5, serving_retries.LONGEST_WAIT), time.monotonic()
    threading.Timer(0.05, retries.close).start()
    with pytest.raises(Failure):
        retries(failing(*[Failure("UNAVAILABLE", "")] * 9)[0])
    assert time.monotonic() - began < 2


# -- connections -----------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol, package", [("grpc", "grpc"), ("rest", "urllib3")])
def test_a_protocol_without_its_packages_is_one_line(monkeypatch, protocol, package):
    for module in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    file = f"{protocol}_connection"
    monkeypatch.delitem(sys.modules, f"nst_tf.serving.{file}", raising=False)
    monkeypatch.delattr(sys.modules["nst_tf.serving"], file, raising=False)
    with pytest.raises(
        UserError,
        match=rf"no module {package}.*. Install .*pip install 'nst_tf\[serving\]'",
    ) as found:
        remote_stylizer.open_connection(protocol, "localhost:1", "starry")
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_server_that_speaks_something_else_is_a_failure(protocol):
    other = {"grpc": "rest", "rest": "grpc"}[protocol]
    with serving_servers.SERVERS[other](None) as (server, _):
        connection = remote_stylizer.open_connection(protocol, server, "starry")
        words = {"grpc": "", "rest": " .an answer that is no HTTP"}[protocol]
        with pytest.raises(Failure, match=f"UNAVAILABLE{words}"):
            connection.signatures(5)
        connection.close()


@pytest.mark.parametrize(
    "status, body, code",
    [
        (200, b"<html>", "INTERNAL .an answer that is no JSON"),
        (200, b"[1]", "INTERNAL .an answer of another form"),
        (413, b"<html>too large", "RESOURCE_EXHAUSTED .HTTP status 413"),
        (502, b"", "UNAVAILABLE .HTTP status 502"),
        (
            404,
            b'{"error": "no\\nsuch model"}',
            "NOT_FOUND .HTTP status 404: no such model",
        ),
    ],
)
def test_answers_over_rest_that_are_none_are_failures(monkeypatch, status, body, code):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    monkeypatch.setattr(serving_servers._RestHandler, "do_GET", answer)
    with serving_servers.rest_server(None) as (server, _):
        with pytest.raises(Failure, match=code):
            remote_stylizer.open_connection("rest", server, "starry").signatures(5)


def test_an_answer_over_rest_that_stops_half_way_is_a_failure(monkeypatch):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.close_connection = True

    monkeypatch.setattr(serving_servers._RestHandler, "do_GET", answer)
    with serving_servers.rest_server(None) as (server, _):
        with pytest.raises(Failure, match="UNAVAILABLE .*IncompleteRead"):
            remote_stylizer.open_connection("rest", server, "starry").signatures(5)


@contextlib.contextmanager
def raw_server(answer):
    """Yields host:port of a server that calls answer(socket) after each request's head."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            with contextlib.suppress(OSError):
                data = b""
                while b"\r\n\r\n" not in data:
                    data += self.request.recv(1 << 16)
                answer(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield "{}:{}".format(*server.server_address)
        server.shutdown()


def described_model():
    """A model that servers can describe, and no more."""
    served = mock.Mock(signatures={"a": meta_graph_pb2.SignatureDef()}, version=1)
    served.name = "starry"
    return served


def described(server, deadline=5.0):
    connection = remote_stylizer.open_connection("rest", server, "starry")
    return connection.signatures(deadline)


DESCRIPTION = json.dumps(
    {"metadata": {"signature_def": {"signature_def": {"a": {"inputs": {}}}}}}
).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Connection: close\r\n\r\n" + DESCRIPTION,
        HEAD
        + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(DESCRIPTION)
        + DESCRIPTION,
        b"HTTP/1.0 200 OK\r\n\r\n" + DESCRIPTION,
        HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(DESCRIPTION)
        + DESCRIPTION
        + b"\r\n0\r\n\r\n",
    ],
    ids=["to the end", "close", "HTTP 1.0", "chunks"],
)
def test_answers_over_rest_may_end_in_each_way_of_http(answer):
    def send(stream):
        stream.sendall(answer)
        stream.shutdown(socket.SHUT_WR)

    with raw_server(send) as server:
        assert [described(server) for _ in range(10)] == [{"a": {}}] * 10


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\nX: ", HEAD + b"Content-Length: 1000\r\n\r\n"]
)
def test_an_answer_over_rest_that_drips_meets_the_deadline(head):
    ended = threading.Event()

    def drip(stream):
        stream.sendall(head)
        while not ended.wait(0.05):  # each byte comes well within the deadline
            try:
                stream.sendall(b" ")
            except OSError:
                ended.set()

    with raw_server(drip) as server:
        began = time.monotonic()
        with pytest.raises(Failure, match="DEADLINE_EXCEEDED"):
            described(server, 0.4)
        assert time.monotonic() - began < 2
        assert ended.wait(5)  # the connection is closed, not left behind


def test_closing_ends_calls_over_rest():
    with raw_server(lambda stream: stream.recv(1)) as server:
        connection = remote_stylizer.open_connection("rest", server, "starry")
        threading.Timer(0.2, connection.close).start()
        began = time.monotonic()
        with pytest.raises(Failure, match="CANCELLED"):
            connection.signatures(30)
        assert time.monotonic() - began < 5
        with pytest.raises(Failure, match="CANCELLED"):
            connection.signatures(30)


def endless(stream):
    stream.sendall(HEAD + b"\r\n[")
    while True:
        stream.sendall(b"1, " * 10_000)


@pytest.mark.parametrize(
    "answer, reason",
    [
        (endless, "an answer of more than 1048576 bytes"),
        (lambda s: s.sendall(HEAD + b"\r\n" + b"[" * 9_999), "no JSON"),
        (lambda s: s.sendall(HEAD + b"\r\n[" + b"[]," * 9_999), "more values than"),
        (lambda s: s.sendall(b"SSH-2.0-OpenSSH_9.9\r\n"), "UNAVAILABLE"),
        (lambda s: s.sendall(HEAD + b"Content-Length: -1\r\n\r\n"), "no JSON"),
        (lambda s: s.sendall(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200), "UNAVAIL"),
        (
            lambda s: s.sendall(
                HEAD.replace(b"200", b"307") + b"Location: http://127.0.0.1:9/x\r\n\r\n"
            ),
            "HTTP status 307: see http://127.0.0.1:9/x",
        ),
        (
            lambda s: s.sendall(
                HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(DESCRIPTION)
            ),
            "no JSON",
        ),
    ],
    ids="endless deep many ssh length headers redirect gzip".split(),
)
def test_hostile_answers_over_rest_are_failures_at_once(answer, reason):
    def send(stream):
        answer(stream)
        stream.shutdown(socket.SHUT_WR)

    with raw_server(send) as server:
        with pytest.raises(Failure, match=reason):
            described(server)


@pytest.mark.parametrize(
    "outputs",
    [
        {"stylized": [[1, 2], [3]]},
        {"stylized": [None]},
        {"stylized": [True]},
        {"stylized": {"b64": 7}},
        {"stylized_bytes": [{"b64": "?"}]},
        {"stylized_bytes": [{"c": ""}]},
        {"stylized_bytes": ["a", 1]},
        {"stylized": [10**400]},
        {"stylized": ["\ud800"]},
    ],
)
def test_outputs_over_rest_of_another_form_are_failures(outputs):
    body = json.dumps({"outputs": outputs}).encode()

    def send(stream):
        stream.sendall(HEAD + b"\r\n" + body)
        stream.shutdown(socket.SHUT_WR)

    with raw_server(send) as server:
        connection = remote_stylizer.open_connection("rest", server, "starry")
        with pytest.raises(Failure, match="INTERNAL .an answer of another form"):
            connection.predict("serving_bytes", {}, 5, 100)


@pytest.mark.parametrize("data", [b"\xff\xff garbage", b"\x12\x05\x0a\x03\xff\xfe\xfd"])
def test_messages_over_grpc_of_another_form_are_failures(data, capfd):
    handlers = grpc.method_handlers_generic_handler(
        "tensorflow.serving.PredictionService",
        {
            "GetModelMetadata": grpc.unary_unary_rpc_method_handler(
                lambda request, context: data
            )
        },
    )
    server = grpc.server(futures.ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    connection = remote_stylizer.open_connection("grpc", f"127.0.0.1:{port}", "x")
    with pytest.raises(Failure, match="INTERNAL .an answer of another form"):
        connection.signatures(5)
    connection.close()
    server.stop(0)
    assert "Traceback" not in capfd.readouterr().err


def test_an_answer_over_grpc_that_is_much_larger_than_the_picture_is_a_failure():
    served = mock.Mock()
    served.predict.return_value = {"stylized": np.zeros(2 * 2**20, np.uint8)}
    with serving_servers.grpc_server(served) as (server, _):
        connection = remote_stylizer.open_connection("grpc", server, "starry")
        with pytest.raises(Failure, match="RESOURCE_EXHAUSTED .*larger than max") as e:
            connection.predict("serving_default", {}, 5, 10)
        assert not e.value.transient
        found = connection.predict("serving_default", {}, 5, 2**20)
        assert found["stylized"].shape == (2 * 2**20,)
        connection.close()


def test_words_of_servers_come_without_control_characters():
    failure = Failure(
        "NOT_FOUND", "a\n\x1b[31mred\x07 \u202eright-to-left." + "x" * 999
    )
    shown = str(failure)
    assert shown.startswith("NOT_FOUND (a [31mred right-to-left.xxx")
    assert shown.isprintable() and len(shown) < 330


# -- addresses and TLS -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "server, protocol, wanted",
    [
        ("localhost:8500", "grpc", ServerAddress("localhost", 8500)),
        ("grpc://h:1/", "grpc", ServerAddress("h", 1)),
        ("grpcs://a.b-c.d:65535", "grpc", ServerAddress("a.b-c.d", 65535, True)),
        ("grpcs://h", "grpc", ServerAddress("h", 443, True)),
        ("[::1]:8501", "rest", ServerAddress("::1", 8501)),
        ("127.0.0.1:8501", "rest", ServerAddress("127.0.0.1", 8501)),
        ("http://h", "rest", ServerAddress("h", 80)),
        ("https://h/", "rest", ServerAddress("h", 443, True)),
        ("https://h:8/a/b/", "rest", ServerAddress("h", 8, True, "/a/b")),
    ],
)
def test_addresses_are_read(server, protocol, wanted):
    assert parse_server(server, protocol) == wanted


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "server",
    [
        "",
        "localhost",
        ":80",
        "a b:80",
        "a:b:80",
        "a:65536",
        "a:0",
        "a:-1",
        "a:８０",
        "a:80?b",
        "a:80#b",
        "user@a:80",
        "ftp://a:80",
        "a\n:80",
        "\x1b[31m:80",
        "[::1",
        "[1.2]:80",
        "..:80",
        "a/b:80",
        "grpc:/a:80",
    ],
)
def test_what_is_no_address_is_one_line(protocol, server):
    with pytest.raises(UserError, match="Expected --server=HOST:PORT") as caught:
        remote_stylizer.open_connection(protocol, server, "starry")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("protocol", ["soap", ""])
def test_an_unknown_protocol_is_one_line(protocol):
    with pytest.raises(UserError, match="a protocol among"):
        remote_stylizer.open_connection(protocol, "localhost:1", "starry")


@pytest.mark.parametrize("model", ["a\nb", "\udc80", "\x1b[31m"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_is_no_name_of_a_model_is_one_line(protocol, model):
    with pytest.raises(UserError, match="Expected --model as a name") as caught:
        remote_stylizer.open_connection(protocol, "localhost:1", model)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "protocol, server", [("grpc", "https://h"), ("rest", "grpcs://h")]
)
def test_an_address_of_the_other_protocol_is_one_line(protocol, server):
    with pytest.raises(UserError, match="belongs to another protocol"):
        parse_server(server, protocol)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(key, certificate) for localhost, PEM files by OpenSSL."""
    folder = tmp_path_factory.mktemp("certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split()
        + ["-addext", "subjectAltName=DNS:localhost"]
        + ["-keyout", str(key), "-out", str(certificate)],
        capture_output=True,
    )
    assert made.returncode == 0, made.stderr
    return key, certificate


@pytest.fixture
def encrypted(certificate):
    """{protocol: URL of a server of it that speaks TLS and describes its model}."""
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    served = described_model()
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), chain.read_bytes())])
    rest = serving_servers.rest_server(served, tls=context)
    over_grpc = serving_servers.grpc_server(served, tls=credentials)
    with rest as (rest_address, _), over_grpc as (grpc_address, _):
        yield {
            "rest": "https://localhost:" + rest_address.split(":")[1],
            "grpc": "grpcs://localhost:" + grpc_address.split(":")[1],
        }


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_connections_are_encrypted_and_the_server_is_checked(
    certificate, encrypted, protocol
):
    def signatures(server, ca_file=""):
        connection = remote_stylizer.open_connection(
            protocol, server, "starry", ca_file=ca_file
        )
        with contextlib.closing(connection):
            return connection.signatures(5)

    server = encrypted[protocol]
    assert signatures(server, str(certificate[1])) == {"a": {}}
    with pytest.raises(Failure, match="CERTIFICATE_VERIFY_FAILED") as caught:
        signatures(server)
    assert not caught.value.transient
    # The certificate is for another name.
    other = server.replace("localhost", "127.0.0.1")
    with pytest.raises(Failure, match="UNAVAILABLE"):
        signatures(other, str(certificate[1]))
    # An open connection to a server that speaks TLS.
    with pytest.raises(Failure, match="UNAVAILABLE"):
        signatures(server.split("//")[1])


@pytest.mark.parametrize(
    "protocol, server", [("grpc", "grpcs://h"), ("rest", "https://h")]
)
def test_certificates_that_cannot_be_read_are_one_line(tmp_path, protocol, server):
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("I am no certificate.")
    for path in (garbage, tmp_path / "missing.pem", tmp_path):
        with pytest.raises(UserError, match=f"as --ca_file. Received: {path} "):
            remote_stylizer.open_connection(protocol, server, "x", ca_file=str(path))


def test_a_path_precedes_that_of_the_protocol(monkeypatch):
    asked = []

    def answer(handler):
        asked.append(handler.path)
        handler.send_response(404)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    monkeypatch.setattr(serving_servers._RestHandler, "do_GET", answer)
    with serving_servers.rest_server(None) as (server, _):
        with pytest.raises(Failure, match="NOT_FOUND"):
            described(f"http://{server}/prefix/")
    # The second is for a server of KServe's V1, which has no metadata.
    model = "/prefix/v1/models/starry"
    assert asked == [f"{model}/metadata", model]


def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    for name in ("http_proxy", "grpc_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    served = described_model()
    for protocol in PROTOCOLS:
        with serving_servers.SERVERS[protocol](served) as (server, _):
            connection = remote_stylizer.open_connection(protocol, server, "starry")
            assert connection.signatures(5) == {"a": {}}
            connection.close()


def test_pythons_file_server_has_no_such_model(tmp_path):
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        with pytest.raises(Failure, match="NOT_FOUND"):
            described(f"127.0.0.1:{server.server_port}")
        server.shutdown()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_deadline_may_be_of_any_length(protocol):
    with serving_servers.SERVERS[protocol](None) as (server, stop):
        stop()
    with pytest.raises(UserError, match="UNAVAILABLE"):
        remote_stylizer.connect(
            server,
            "starry",
            protocol=protocol,
            deadline=1e300,
            retries=Retries(0, 0),
        )
