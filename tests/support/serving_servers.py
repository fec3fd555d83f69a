"""Servers that speak TensorFlow Serving's gRPC and REST protocols with one SavedModel,
on the loopback address.

For gRPC with the messages and stubs of tensorflow-serving-api, for REST by its
documentation. Checks, codes and texts of refusals, and how tensors are written, are
those of TensorFlow Serving's predict_util.cc, json_tensor.cc and http_server.cc. Not
part of it: several models, batching, labels.
"""

import base64
import contextlib
import http.server
import json
import re
import threading
from concurrent import futures
from pathlib import Path

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc as service,
)

HTTP_STATUS = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


class Refusal(Exception):
    """An error that the protocols can carry: (gRPC's name of a code, text)."""


class Served:
    """One version of one model, as both servers see it.

    Attributes:
        before: called with the signature's name before each prediction; may wait, or
            raise a `Refusal`.
        answered: predictions so far.
    """

    def __init__(self, name: str, saved_model: Path, version: int = 1):
        self.name, self.version = name, version
        self.before = lambda signature: None
        self.answered = 0
        self._lock = threading.Lock()
        self._loaded = tf.saved_model.load(str(saved_model))
        graph = saved_model_pb2.SavedModel.FromString(
            (saved_model / "saved_model.pb").read_bytes()
        ).meta_graphs[0]
        self.signatures = {
            each: definition
            for each, definition in graph.signature_def.items()
            if each in self._loaded.signatures
        }

    def check(self, name: str, version: int) -> None:
        if name != self.name or version not in (0, self.version):
            which = f"Specific({name}, {version})" if version else f"Latest({name})"
            raise Refusal("NOT_FOUND", f"Servable not found for request: {which}")

    def signature(self, name: str):
        if name not in self.signatures:
            raise Refusal(
                "FAILED_PRECONDITION", f'Serving signature key "{name}" not found.'
            )
        return self.signatures[name]

    def predict(
        self, name: str, inputs: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        definition = self.signature(name)
        if set(inputs) != set(definition.inputs):
            raise Refusal(
                "INVALID_ARGUMENT",
                f"input size does not match signature: {len(inputs)}!={len(definition.inputs)} "
                f"len({{{','.join(sorted(inputs))}}}) != len({{{','.join(sorted(definition.inputs))}}}).",
            )
        self.before(name)
        try:
            found = self._loaded.signatures[name](
                **{
                    each: tf.constant(value, definition.inputs[each].dtype)
                    for each, value in inputs.items()
                }
            )
        except tf.errors.OpError as error:
            raise Refusal(
                error.__class__.__name__.removesuffix("Error").upper(), error.message
            ) from error
        outputs = {each: value.numpy() for each, value in found.items()}
        with self._lock:
            self.answered += 1
        return outputs


@contextlib.contextmanager
def grpc_server(served: Served, port: int = 0, tls=None, **limits: int):
    """Yields (host:port, a function that stops the server at once).

    Args:
        served: the model.
        port: 0 for any that is free.
        tls: gRPC's credentials for a server, to encrypt with.
        limits: gRPC's options for a server, such as max_receive_message_length, bytes.
    """
    server = grpc.server(
        futures.ThreadPoolExecutor(16),
        options=[
            ("grpc.so_reuseport", 0),
            *((f"grpc.{name}", value) for name, value in limits.items()),
        ],
    )
    service.add_PredictionServiceServicer_to_server(_PredictionService(served), server)
    address = f"127.0.0.1:{port}"
    number = (
        server.add_secure_port(address, tls)
        if tls
        else server.add_insecure_port(address)
    )
    server.start()
    try:
        yield f"127.0.0.1:{number}", lambda: server.stop(0).wait()
    finally:
        server.stop(0).wait()


class _PredictionService(service.PredictionServiceServicer):
    def __init__(self, served):
        self._served = served

    def Predict(self, request, context):  # noqa: N802, gRPC's name
        with _refusing(context):
            self._served.check(
                request.model_spec.name, request.model_spec.version.value
            )
            name = request.model_spec.signature_name or "serving_default"
            outputs = self._served.predict(
                name,
                {
                    each: tf.make_ndarray(value)
                    for each, value in request.inputs.items()
                },
            )
            response = predict_pb2.PredictResponse()
            for each, value in outputs.items():
                response.outputs[each].CopyFrom(as_fields(value))
            return response

    def GetModelMetadata(self, request, context):  # noqa: N802
        with _refusing(context):
            return metadata(
                self._served, request.model_spec.name, request.model_spec.version.value
            )


@contextlib.contextmanager
def _refusing(context):
    try:
        yield
    except Refusal as refusal:
        code, text = refusal.args
        context.abort(grpc.StatusCode[code], text)


def as_fields(array: np.ndarray):
    """As the server writes tensors: each value in a field of its own, AsProtoField in
    TensorFlow. Signed numbers are a lie: a tensor of uint8 whose values may not fit it.
    """
    dtype = tf.uint8 if array.dtype.kind == "i" else tf.as_dtype(array.dtype)
    proto = tf.make_tensor_proto([], dtype, shape=[0])
    proto.tensor_shape.CopyFrom(tf.TensorShape(array.shape).as_proto())
    proto.ClearField("tensor_content")
    fields = {"O": proto.string_val, "f": proto.float_val}
    field = fields.get(array.dtype.kind, proto.int_val)
    field.extend(array.ravel().tolist())
    return proto


def metadata(served: Served, name: str, version: int):
    served.check(name, version)
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    response.model_spec.name, response.model_spec.version.value = (
        served.name,
        served.version,
    )
    found = get_model_metadata_pb2.SignatureDefMap()
    for each, definition in served.signatures.items():
        found.signature_def[each].CopyFrom(definition)
    response.metadata["signature_def"].Pack(found)
    return response


@contextlib.contextmanager
def rest_server(served: Served, port: int = 0, tls=None):
    """Yields (host:port, a function that stops the server at once), as `grpc_server`;
    `tls` is an SSLContext.
    """
    server = _HTTPServer(
        ("127.0.0.1", port), type("Handler", (_RestHandler,), {"served": served})
    )
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()

    def stop():
        server.gone = True  # requests that wait get no answer
        server.shutdown()
        server.server_close()

    try:
        yield "{}:{}".format(*server.server_address), stop
    finally:
        stop()


class _HTTPServer(http.server.ThreadingHTTPServer):
    gone = False
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass  # a client that left


class _RestHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Served

    def log_message(self, *unused):
        pass

    def do_GET(self):  # noqa: N802, http.server's name
        self._reply(
            lambda name, version, what, body: json.loads(
                json_format.MessageToJson(
                    metadata(self.served, name, version),
                    preserving_proto_field_name=True,
                )
            ),
            "/metadata",
        )

    def do_POST(self):  # noqa: N802
        self._reply(self._predicted, ":predict")

    def _reply(self, answer, wanted):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            parts = re.fullmatch(
                r"/v1/models/([^/:]+)(?:/versions/(\d+))?(/metadata|:predict)",
                self.path,
            )
            if not parts or parts[3] != wanted:
                raise Refusal(
                    "INVALID_ARGUMENT", f"Malformed request: {self.command} {self.path}"
                )
            status, reply = 200, answer(parts[1], int(parts[2] or 0), parts[3], body)
        except Refusal as refusal:
            status, reply = HTTP_STATUS[refusal.args[0]], {"error": refusal.args[1]}
        if self.server.gone:
            self.close_connection = True
            return
        data = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _predicted(self, name, version, what, body):
        self.served.check(name, version)
        try:
            request = json.loads(body)
        except ValueError as error:
            raise Refusal("INVALID_ARGUMENT", f"JSON Parse error: {error}") from error
        signature = request.get("signature_name", "serving_default")
        infos = self.served.signature(signature).inputs
        by_rows = "instances" in request
        if by_rows == ("inputs" in request):
            raise Refusal("INVALID_ARGUMENT", "Missing 'inputs' or 'instances' key")
        given = request["instances" if by_rows else "inputs"]
        if by_rows and not (isinstance(given[0], dict) and set(given[0]) != {"b64"}):
            given = [{next(iter(infos)): each} for each in given]
        if by_rows:
            given = {each: [row[each] for row in given] for each in given[0]}
        elif not isinstance(given, dict):
            given = {next(iter(infos)): given}
        for each in infos:
            if each not in given:
                raise Refusal(
                    "INVALID_ARGUMENT",
                    f"Missing named input: {each} in 'inputs' object.",
                )
        outputs = self.served.predict(
            signature,
            {
                each: _parsed(given[each], tf.as_dtype(info.dtype))
                for each, info in infos.items()
            },
        )
        listed = {each: _listed(each, value) for each, value in outputs.items()}
        if by_rows:
            rows = [dict(zip(listed, row)) for row in zip(*listed.values())]
            return {
                "predictions": rows if len(listed) > 1 else next(iter(listed.values()))
            }
        return {"outputs": listed if len(listed) > 1 else next(iter(listed.values()))}


def _parsed(values, dtype):
    if dtype != tf.string:
        try:
            return np.array(values, dtype.as_numpy_dtype)
        except (ValueError, OverflowError) as error:
            raise Refusal("INVALID_ARGUMENT", str(error)) from error
    found = np.empty(len(values), object)
    found[:] = [
        base64.b64decode(each["b64"]) if isinstance(each, dict) else each.encode()
        for each in values
    ]
    return found


def _listed(name, array):
    if array.dtype != object:
        return array.tolist()
    # Only names with this ending get binary strings as base64.
    encoded = name.endswith("_bytes")
    return [
        {"b64": base64.b64encode(each).decode()} if encoded else each.decode()
        for each in array.tolist()
    ]


SERVERS = {"grpc": grpc_server, "rest": rest_server}
