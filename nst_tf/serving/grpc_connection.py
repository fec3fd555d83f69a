"""TensorFlow Serving's PredictionService over gRPC."""

from collections.abc import Mapping
from typing import Any

import grpc
import numpy as np

from nst_tf.serving import messages
from nst_tf.serving.retries import Failure

_SERVICE = "/tensorflow.serving.PredictionService/"
_OPTIONS = (
    # gRPC's own limit of 4 MB is below a painted photo.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # `retries.Retries` waits; a channel that waits longer would fail its tries without
    # asking the server.
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 500),
)


class GrpcConnection:
    """A `retries.Connection`; unencrypted, as TensorFlow Serving listens unless it is
    told otherwise.

    Args:
        server: host:port.
        model: its name at the server.
        version: of the model; 0 for the server's newest.
    """

    def __init__(self, server: str, model: str, version: int = 0):
        self._model, self._version = model, version
        self._channel = grpc.insecure_channel(server, _OPTIONS)
        self._predict = self._open_method(
            "Predict", messages.PredictRequest, messages.PredictResponse
        )
        self._describe = self._open_method(
            "GetModelMetadata",
            messages.GetModelMetadataRequest,
            messages.GetModelMetadataResponse,
        )

    def signatures(
        self, deadline: float
    ) -> Mapping[str, Mapping[str, tuple[int, ...]]]:
        """See `retries.Connection`."""
        request = messages.GetModelMetadataRequest(metadata_field=["signature_def"])
        messages.set_model(request.model_spec, self._model, self._version)
        return messages.signatures_of(_call(self._describe, request, deadline))

    def predict(
        self, signature: str, inputs: Mapping[str, np.ndarray], deadline: float
    ) -> dict[str, np.ndarray]:
        """See `retries.Connection`."""
        request = messages.PredictRequest()
        messages.set_model(request.model_spec, self._model, self._version, signature)
        messages.add_tensors(request.inputs, inputs)
        return messages.arrays_of(_call(self._predict, request, deadline).outputs)

    def close(self) -> None:
        """See `retries.Connection`."""
        self._channel.close()

    def _open_method(self, name: str, request: Any, response: Any) -> Any:
        return self._channel.unary_unary(
            _SERVICE + name,
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString,
        )


def _call(method: Any, request: Any, deadline: float) -> Any:
    try:
        return method(request, timeout=deadline)
    except grpc.RpcError as error:
        raise Failure(error.code().name, error.details() or "") from error
    except ValueError as error:  # a channel that was closed meanwhile
        raise Failure("CANCELLED", str(error)) from error
