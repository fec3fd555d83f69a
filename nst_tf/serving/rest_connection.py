"""TensorFlow Serving's REST interface, https://www.tensorflow.org/tfx/serving/api_rest.

Bytes are {"b64": ...} in JSON; the server sends them so for outputs whose names end in
_bytes, and other strings as they are. Arrays are nested lists.
"""

import base64
import contextlib
import http.client
import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

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


class RestConnection:
    """A `retries.Connection`; a connection of its own for each call.

    Args:
        server: host:port.
        model: its name at the server.
        version: of the model; 0 for the server's newest.
    """

    def __init__(self, server: str, model: str, version: int = 0):
        self._server = server
        self._path = f"/v1/models/{urllib.parse.quote(model, safe='')}" + (
            f"/versions/{version}" if version else ""
        )
        self._open: set[socket.socket] = set()
        self._closed, self._lock = False, threading.Lock()

    def signatures(
        self, deadline: float
    ) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
        """See `retries.Connection`."""
        reply = self._call("GET", "/metadata", None, deadline)
        with _refuse_other_forms(reply):
            return {
                name: {
                    each: tuple(
                        int(dim["size"]) for dim in info["tensor_shape"].get("dim", ())
                    )
                    for each, info in signature.get("inputs", {}).items()
                }
                for name, signature in reply["metadata"]["signature_def"][
                    "signature_def"
                ].items()
            }

    def predict(
        self, signature: str, inputs: Mapping[str, np.ndarray], deadline: float
    ) -> dict[str, np.ndarray]:
        """See `retries.Connection`."""
        reply = self._call(
            "POST",
            ":predict",
            {
                "signature_name": signature,
                "inputs": {name: _to_json(array) for name, array in inputs.items()},
            },
            deadline,
        )
        with _refuse_other_forms(reply):
            outputs = reply["outputs"]
            # The only output of a signature comes without its name.
            return {
                name: _to_array(values)
                for name, values in (
                    outputs if isinstance(outputs, dict) else {"": outputs}
                ).items()
            }

    def close(self) -> None:
        """See `retries.Connection`."""
        with self._lock:
            self._closed = True
            for stream in self._open:
                with contextlib.suppress(OSError):  # the server has closed it
                    stream.shutdown(socket.SHUT_RDWR)

    def _call(
        self, verb: str, what: str, body: Mapping[str, Any] | None, deadline: float
    ) -> Any:
        until = time.monotonic() + deadline
        data = (
            None if body is None else json.dumps(body, separators=(",", ":")).encode()
        )
        connection = http.client.HTTPConnection(self._server, timeout=deadline)
        try:
            connection.connect()
            with self._keep(connection.sock) as stream:
                stream.settimeout(_seconds_left(until))
                connection.request(
                    verb, self._path + what, data, {"Content-Type": "application/json"}
                )
                status, reply = _read_answer(connection, stream, until)
        except TimeoutError as error:
            raise Failure("DEADLINE_EXCEEDED", str(error)) from error
        except (OSError, http.client.HTTPException) as error:
            raise Failure("UNAVAILABLE", str(error) or type(error).__name__) from error
        finally:
            connection.close()
        if status != 200:
            raise Failure(_CODES.get(status, "INTERNAL"), _find_reason(status, reply))
        try:
            return json.loads(reply)
        except ValueError as error:
            raise Failure("INTERNAL", f"an answer that is no JSON: {error}") from error

    @contextlib.contextmanager
    def _keep(self, stream: socket.socket) -> Iterator[socket.socket]:
        """Keeps a socket where `close` finds it."""
        with self._lock:
            if self._closed:
                raise Failure("CANCELLED", "the connection was closed")
            self._open.add(stream)
        try:
            yield stream
        finally:
            with self._lock:
                self._open.discard(stream)


def _read_answer(
    connection: http.client.HTTPConnection, stream: socket.socket, until: float
) -> tuple[int, bytes]:
    """Returns (status, body). A socket's timeout begins anew with each part: what is
    left is set for each.
    """
    stream.settimeout(_seconds_left(until))
    parts = []
    with connection.getresponse() as response:
        while part := response.read(_CHUNK):
            parts.append(part)
            stream.settimeout(_seconds_left(until))
        if response.length:  # bytes that were announced
            raise http.client.IncompleteRead(b"", response.length)
        return response.status, b"".join(parts)


def _seconds_left(until: float) -> float:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


def _find_reason(status: int, reply: bytes) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return f"HTTP status {status}: {json.loads(reply)['error']}"
    return f"HTTP status {status}"


@contextlib.contextmanager
def _refuse_other_forms(reply: Any) -> Iterator[None]:
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Failure(
            "INTERNAL", f"an answer of another form: {str(reply)[:80]}"
        ) from error


def _to_json(array: np.ndarray) -> Any:
    if array.dtype != object:
        return array.tolist()
    return [{"b64": base64.b64encode(each).decode()} for each in array]


def _to_array(values: Any) -> np.ndarray:
    if not (isinstance(values, list) and values and isinstance(values[0], (str, dict))):
        return np.array(values)
    strings = np.empty(len(values), object)
    strings[:] = [
        base64.b64decode(each["b64"], validate=True)
        if isinstance(each, dict)
        else each.encode()
        for each in values
    ]
    return strings
