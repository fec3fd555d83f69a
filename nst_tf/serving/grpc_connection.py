"""TensorFlow Serving's PredictionService over gRPC."""

import contextlib
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf.message import DecodeError

from nst_tf.core.server_address import ServerAddress
from nst_tf.serving import prediction_service_pb2 as messages, tensors
from nst_tf.serving.retries import Failure

_SERVICE = "/tensorflow.serving.PredictionService/"
# An answer has 6 bytes a pixel at most (uint8 as numbers of variable length), and names
# and shapes; without a picture it describes the model.
_BYTES_A_PIXEL, _BYTES_BESIDE = 8, 1 << 20
_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    # Photos go to the server that was named, and nowhere else.
    ("grpc.enable_http_proxy", 0),
    # `retries.Retries` waits; a channel that waits longer would fail its tries without
    # asking the server.
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
)


class GrpcConnection:
    """A `retries.Connection`.

    Args:
        address: from `parse_server`.
        model: its name at the server.
        version: of the model; 0 for the server's newest.
        ca_file: certificates (PEM) that may vouch for the server; empty for gRPC's own.
    """

    def __init__(
        self, address: ServerAddress, model: str, version: int = 0, ca_file: str = ""
    ):
        self._target = address.host_and_port
        self._credentials = None
        if address.encrypted:
            trusted = Path(ca_file).read_bytes() if ca_file else None
            self._credentials = grpc.ssl_channel_credentials(trusted)
        self._model, self._version = model, version
        self._channels: dict[int, Any] = {}
        self._closed, self._lock = False, threading.Lock()

    def signatures(
        self, deadline: float
    ) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
        """See `retries.Connection`."""
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        data = self._call("GetModelMetadata", request, deadline, 0)
        with _refuse_other_forms():
            response = messages.GetModelMetadataResponse.FromString(data)
            return tensors.read_signatures(response)

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        deadline: float,
        pixels: int,
    ) -> dict[str, np.ndarray]:
        """See `retries.Connection`."""
        request = messages.PredictRequest()
        tensors.fill_request(request, signature, inputs)
        data = self._call("Predict", request, deadline, pixels)
        with _refuse_other_forms():
            response = messages.PredictResponse.FromString(data)
            return tensors.read_outputs(response, 3 * pixels)

    def close(self) -> None:
        """See `retries.Connection`."""
        with self._lock:
            self._closed = True
            for channel in self._channels.values():
                channel.close()

    def _call(self, method: str, request: Any, deadline: float, pixels: int) -> bytes:
        request.model_spec.name = self._model
        if self._version:
            request.model_spec.version.value = self._version
        try:
            # Without functions for messages it takes and gives bytes: gRPC would log
            # the stack trace of an answer that cannot be read.
            call = self._open_channel(pixels).unary_unary(_SERVICE + method)
            data: bytes = call(request.SerializeToString(), timeout=deadline)
            return data
        except grpc.RpcError as error:
            raise Failure(error.code().name, error.details() or "") from error
        except ValueError as error:  # a channel that was closed meanwhile
            raise Failure("CANCELLED", str(error)) from error

    def _open_channel(self, pixels: int) -> Any:
        """Returns a channel for answers of so many pixels; gRPC bounds them by channel."""
        most = (_BYTES_A_PIXEL * pixels + _BYTES_BESIDE).bit_length()
        with self._lock:
            if self._closed:
                raise Failure("CANCELLED", "the connection was closed")
            if most not in self._channels:
                limit = min(2**most, 2**31 - 1)
                options = (*_OPTIONS, ("grpc.max_receive_message_length", limit))
                self._channels[most] = (
                    grpc.secure_channel(self._target, self._credentials, options)
                    if self._credentials
                    else grpc.insecure_channel(self._target, options)
                )
            return self._channels[most]


@contextlib.contextmanager
def _refuse_other_forms() -> Iterator[None]:
    try:
        yield
    except DecodeError as error:
        raise Failure("INTERNAL", "an answer of another form") from error
