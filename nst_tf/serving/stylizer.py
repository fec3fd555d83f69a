"""From a model at a server to one function on photos."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nst_tf.core.errors import UserError, expected
from nst_tf.images import io as image_io
from nst_tf.inference import open_model
from nst_tf.serving.retries import Connection, Failure, Retries

BYTES, PIXELS = "serving_bytes", "serving_default"


def connect(protocol: str, server: str, model: str, version: int = 0) -> Connection:
    """Returns a connection; it speaks with the server only when it is used.

    Args:
        protocol: "grpc" or "rest".
        server: host:port.
        model: its name at the server.
        version: of the model; 0 for the server's newest.

    Raises:
        UserError: gRPC's packages are missing.
    """
    if protocol == "rest":
        from nst_tf.serving import rest_connection

        return rest_connection.RestConnection(server, model, version)
    try:
        from nst_tf.serving import grpc_connection
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("grpc", "google"):
            raise
        raise expected(
            "grpcio and protobuf for --protocol=grpc",
            f"no module {error.name}",
            "Install them with `pip install 'nst_tf[serving]'`, or use --protocol=rest.",
        ) from error
    return grpc_connection.GrpcConnection(server, model, version)


class RemotePainter:
    """An artifact (see `open_model.open_artifact`) at a server; for several threads at once.

    Args:
        connection: from `connect`; it is closed with the painter.
        name: of model and server, for errors.
        signature: `BYTES` sends pictures as files, one string each; `PIXELS` as uint8
            values.
        style_weights: for a model of several styles of its own.
        strength: 0 to 1, for a model that learnt it.
        encoding: format of the files: png or jpg.
        deadline: seconds that one try may take.
        retries: for failures that may pass.

    Raises:
        UserError: no such server, model or signature, or style weights or a strength
            that do not suit the model.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        *,
        signature: str = BYTES,
        style_weights: Sequence[float] = (),
        strength: float = 1.0,
        encoding: str = "png",
        deadline: float = 60.0,
        retries: Retries | None = None,
    ):
        self._connection, self._name, self._signature = connection, name, signature
        self._encoding, self._deadline = encoding, deadline
        self._retries = retries or Retries(4, 0.5)
        offered = self._tried(
            lambda: connection.signatures(deadline), "a model that says what it takes"
        )
        self._rest = self._checked(offered, style_weights, strength)

    def __call__(self, rgb: np.ndarray) -> np.ndarray:
        """Returns the stylized photo, both float32 [H, W, 3] in [0, 1]; see
        `paint_file` for errors.
        """
        if self._signature == BYTES:
            painted = self.paint_file(
                image_io.encode(image_io.Picture(rgb), self._encoding)
            )
            drawn = image_io.read_picture(
                painted, max_pixels=rgb.shape[0] * rgb.shape[1]
            ).rgb
        else:
            outputs = self._outputs(image=image_io.to_uint8(rgb)[None])
            drawn = image_io.to_float(
                np.asarray(_only(outputs, "stylized", self._name), np.uint8)
            )
        if drawn.shape != rgb.shape:
            raise expected(
                f"a picture of the photo's size from {self._name}",
                f"{drawn.shape[1]}x{drawn.shape[0]}",
                "Export the model again.",
            )
        return drawn

    def paint_file(self, data: bytes) -> bytes:
        """Returns the stylized picture's file for a photo's, with `BYTES`.

        Raises:
            UserError: the server cannot be reached or refuses, after all tries; it
                cannot read the photo.
        """
        strings = np.empty(1, object)
        strings[0] = data
        outputs = self._outputs(image_bytes=strings)
        reason = _only(outputs, "error", self._name).decode(errors="replace")
        if reason:
            raise expected(
                f"a photo that {self._name} can read",
                reason.rstrip("."),
                "Check the photo.",
            )
        return _only(outputs, "stylized_bytes", self._name)

    def close(self) -> None:
        """Ends calls that are under way."""
        self._retries.close()
        self._connection.close()

    def _checked(self, offered, style_weights, strength):
        """Returns the inputs beside the picture."""
        inputs = offered.get(self._signature)
        if inputs is None:
            raise expected(
                f"{self._name} to have the signature {self._signature}",
                ", ".join(offered) or "none",
                f"Choose one with --signature={BYTES} or {PIXELS}, or export the model again.",
            )
        if beside := set(inputs) - {"image_bytes", "image", *open_model.BLENDS}:
            raise expected(
                "a model that paints in styles of its own",
                f"{self._name}, which also takes {', '.join(sorted(beside))}",
                "Models of any style are not served to this client.",
            )
        name = next((name for name in open_model.BLENDS if name in inputs), None)
        blend = open_model.blend_of(
            style_weights, strength, self._name, name, inputs[name][-1] if name else 1
        )
        return {} if blend is None else {name: blend}

    def _outputs(self, **picture):
        return self._tried(
            lambda: self._connection.predict(
                self._signature, {**picture, **self._rest}, self._deadline
            ),
            "a painted photo",
        )

    def _tried(self, call: Callable[[], Any], what: str) -> Any:
        try:
            return self._retries(call)
        except Failure as failure:
            raise self._explained(failure, what) from failure

    def _explained(self, failure: Failure, what: str) -> UserError:
        gone = (
            "Start the server, or check --server and --protocol: TensorFlow Serving listens for gRPC at port "
            "8500 and for REST at 8501."
        )
        remedies = {
            "UNAVAILABLE": gone,
            "CANCELLED": gone,
            "NOT_FOUND": "Check --model and --model_version.",
            "DEADLINE_EXCEEDED": f"Raise --deadline={self._deadline:g}, lower --concurrency, or use a smaller photo.",
            "RESOURCE_EXHAUSTED": "Use a smaller photo or --encoding=jpg, lower --concurrency, or raise the "
            "server's limit.",
        }
        return expected(
            f"{what} from {self._name}",
            failure,
            remedies.get(failure.code, "See the server's log."),
        )


def _only(outputs, name, model):
    """Returns the one item of an output; REST leaves out the name where there is one output."""
    found = outputs.get(name, outputs.get("") if len(outputs) == 1 else None)
    if found is None or found.ndim == 0 or len(found) != 1:
        raise expected(
            f"one item of the output {name} from {model}",
            ", ".join(outputs) or "none",
            "Export the model again.",
        )
    return found[0]
