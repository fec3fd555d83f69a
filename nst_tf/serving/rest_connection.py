"""TensorFlow Serving's REST interface, https://www.tensorflow.org/tfx/serving/api_rest;
KServe's V1 is the same without a description of the model.

Bytes are {"b64": ...} in JSON; the server sends them so for outputs whose names end in
_bytes, and other strings as they are. Arrays are nested lists.

Photos go to the server that was named, and nowhere else: redirects are refused, and
proxies of the environment are not asked. Each call has a connection of its own.
"""

import base64
import contextlib
import http.client
import json
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from concurrent import futures
from typing import Any

import numpy as np
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    HTTPError,
    NewConnectionError,
    TimeoutError as HTTPTimeoutError,
)

from nst_tf.core.server_address import ServerAddress
from nst_tf.serving.retries import Failure

# gRPC's names of what the server turns into these (ToHTTPStatusCode in its
# http_server.cc), or a proxy answers with.
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_CHUNK = 1 << 16  # bytes
# An answer has 20 bytes a pixel at most ("[255, 255, 255], "), and in them 5 commas and
# brackets, each of which may become an object of Python; without a picture it describes
# the model.
_BYTES_A_PIXEL, _BYTES_BESIDE = 24, 1 << 20
_MARKS_A_PIXEL, _MARKS_BESIDE = 6, 10_000
# What our exports of one style take.
_OF_ONE_STYLE: dict[str, dict[str, tuple[int, ...]]] = {
    "serving_bytes": {"image_bytes": (-1,)},
    "serving_default": {"image": (-1, -1, -1, 3)},
}


class RestConnection:
    """A `retries.Connection`.

    Args:
        address: from `parse_server`.
        model: its name at the server.
        version: of the model; 0 for the server's newest.
        ca_file: certificates (PEM) that may vouch for the server; empty for this
            machine's.
    """

    def __init__(
        self, address: ServerAddress, model: str, version: int = 0, ca_file: str = ""
    ):
        self._address = address
        self._tls = None
        if address.encrypted:
            self._tls = ssl.create_default_context(cafile=ca_file or None)
        path = f"{address.path}/v1/models/{urllib.parse.quote(model, safe='')}"
        self._path = f"{path}/versions/{version}" if version else path
        self._calls: set[futures.Future[tuple[int, bytes]]] = set()
        self._closed, self._lock = False, threading.Lock()

    def signatures(
        self, deadline: float
    ) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
        """See `retries.Connection`; of a model that KServe serves those of one style."""
        try:
            reply = self._call("GET", "/metadata", None, deadline, 0)
        except Failure as failure:
            if failure.code == "NOT_FOUND" and self._is_kserve(deadline):
                return _OF_ONE_STYLE
            raise
        with _refuse_other_forms():
            signatures = reply["metadata"]["signature_def"]["signature_def"]
            return {
                name: _shapes_of(signature.get("inputs", {}))
                for name, signature in signatures.items()
            }

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        deadline: float,
        pixels: int,
    ) -> dict[str, np.ndarray]:
        """See `retries.Connection`."""
        listed = {name: _to_json(array) for name, array in inputs.items()}
        body = {"signature_name": signature, "inputs": listed}
        reply = self._call("POST", ":predict", body, deadline, pixels)
        with _refuse_other_forms():
            outputs = reply["outputs"]
            # The only output of a signature comes without its name.
            named = outputs if isinstance(outputs, dict) else {"": outputs}
            return {name: _to_array(values) for name, values in named.items()}

    def close(self) -> None:
        """See `retries.Connection`."""
        with self._lock:
            self._closed = True
            for call in self._calls:
                call.cancel()

    def _is_kserve(self, deadline: float) -> bool:
        """Returns whether the server says of the model what KServe's V1 does."""
        try:
            state = self._call("GET", "", None, deadline, 0)
        except Failure:
            return False
        return isinstance(state, dict) and {"name", "ready"} <= set(state)

    def _call(
        self,
        verb: str,
        what: str,
        body: Mapping[str, Any] | None,
        deadline: float,
        pixels: int,
    ) -> Any:
        data = body and json.dumps(body, separators=(",", ":")).encode()
        request = verb, self._path + what, data
        most = _BYTES_A_PIXEL * pixels + _BYTES_BESIDE
        try:
            status, reply = self._send(request, deadline, most)
        except NewConnectionError as error:  # which is a TimeoutError, too
            raise Failure("UNAVAILABLE", str(error)) from error
        except (futures.TimeoutError, TimeoutError, HTTPTimeoutError) as error:
            raise Failure("DEADLINE_EXCEEDED", str(error) or "timed out") from error
        except futures.CancelledError as error:
            raise Failure("CANCELLED", "the connection was closed") from error
        except (OSError, http.client.HTTPException, HTTPError, ValueError) as error:
            words = str(error) or type(error).__name__
            # Not one that left without an answer, which is a subclass.
            if type(error) is http.client.BadStatusLine:
                words = "an answer that is no HTTP"
            raise Failure("UNAVAILABLE", words) from error
        if status != 200:
            raise Failure(_CODES.get(status, "INTERNAL"), _find_reason(status, reply))
        marks = sum(map(reply.count, (b",", b"[", b"{")))
        if marks > _MARKS_A_PIXEL * pixels + _MARKS_BESIDE:
            raise Failure("INTERNAL", "an answer of more values than were asked for")
        try:
            return json.loads(reply)
        except (ValueError, RecursionError) as error:
            raise Failure("INTERNAL", f"an answer that is no JSON: {error}") from error

    def _send(
        self, request: tuple[str, str, Any], deadline: float, most: int
    ) -> tuple[int, bytes]:
        """Returns (status, body) in time.

        The limits of sockets begin anew with each part, and looking up a name has none:
        a thread that need not be waited for does both.
        """
        answer: futures.Future[tuple[int, bytes]] = futures.Future()
        streams: list[socket.socket] = []
        with self._lock:
            if self._closed:
                raise futures.CancelledError
            self._calls.add(answer)

        def exchange() -> None:
            try:
                with contextlib.closing(self._connect(deadline)) as connection:
                    connection.connect()
                    streams.append(connection.sock)
                    if answer.cancelled():
                        return
                    found = _exchange(connection, request, most)
            except BaseException as error:
                with contextlib.suppress(futures.InvalidStateError):
                    answer.set_exception(error)
            else:
                with contextlib.suppress(futures.InvalidStateError):
                    answer.set_result(found)

        threading.Thread(target=exchange, daemon=True).start()
        try:
            return answer.result(deadline)
        finally:
            answer.cancel()
            with self._lock:
                self._calls.discard(answer)
            for stream in streams:
                with contextlib.suppress(OSError):  # it is closed
                    stream.shutdown(socket.SHUT_RDWR)

    def _connect(self, deadline: float) -> HTTPConnection:
        host, port = self._address.host, self._address.port
        if self._tls:
            return HTTPSConnection(host, port, timeout=deadline, ssl_context=self._tls)
        return HTTPConnection(host, port, timeout=deadline)


def _exchange(
    connection: HTTPConnection, request: tuple[str, str, Any], most: int
) -> tuple[int, bytes]:
    """Returns (status, body), of `most` bytes at most."""
    verb, path, data = request
    # A server may refuse a body before it has read all of it.
    with contextlib.suppress(BrokenPipeError):
        connection.request(
            verb,
            path,
            data,
            {"Content-Type": "application/json"},
            preload_content=False,
            decode_content=False,
        )
    body = bytearray()
    response = connection.getresponse()
    if location := response.get_redirect_location():
        raise Failure("INTERNAL", f"HTTP status {response.status}: see {location}")
    while part := response.read(_CHUNK):
        body += part
        if len(body) > most:
            raise Failure("INTERNAL", f"an answer of more than {most} bytes")
    return response.status, bytes(body)


def _find_reason(status: int, reply: bytes) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        return f"HTTP status {status}: {json.loads(reply[:_CHUNK])['error']}"
    return f"HTTP status {status}"


@contextlib.contextmanager
def _refuse_other_forms() -> Iterator[None]:
    try:
        yield
    except (
        AttributeError,
        KeyError,
        OverflowError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        raise Failure("INTERNAL", f"an answer of another form: {error}") from error


def _shapes_of(inputs: Any) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for name, info in inputs.items():
        dims = info["tensor_shape"].get("dim", ())
        shapes[name] = tuple(int(dim["size"]) for dim in dims)
    return shapes


def _to_json(array: np.ndarray) -> Any:
    if array.dtype != object:
        return array.tolist()
    return [{"b64": base64.b64encode(each).decode()} for each in array]


def _to_array(values: Any) -> np.ndarray:
    """Returns numbers, or objects that are bytes; raises a built-in error for all else."""
    if not (isinstance(values, list) and values and isinstance(values[0], (str, dict))):
        numbers = np.array(values)
        if numbers.dtype.kind not in "iuf":
            raise ValueError("neither numbers nor strings")
        return numbers
    strings = np.empty(len(values), object)
    for index, value in enumerate(values):
        strings[index] = (
            base64.b64decode(value["b64"], validate=True)
            if isinstance(value, dict)
            else value.encode()
        )
    return strings
