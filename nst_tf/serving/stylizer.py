"""Painting with a model that TensorFlow Serving has, without TensorFlow here.

One file a protocol: a connection has `signatures`, `predict` and `close`, is for several
threads at once, and raises `retries.Failure` for whatever goes wrong.
"""

import ssl
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from nst_tf.config.registries import CONNECTIONS
from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.core.server_address import parse_server
from nst_tf.images import io as image_io
from nst_tf.inference.model import Model
from nst_tf.inference.runtimes.runtime import BLENDS, STRENGTHS, Runtime, blend_inputs
from nst_tf.inference.style_names import label_styles
from nst_tf.serving.retries import Connection, Failure, Retries, clean_words

BYTES, PIXELS = "serving_bytes", "serving_default"
_MOST_STYLES = 10_000
_LONGEST_DEADLINE = 1e6  # seconds; sockets and threads cannot wait for any number


def connect(
    server: str,
    model: str,
    *,
    protocol: str = "grpc",
    version: int = 0,
    ca_file: str = "",
    signature: str = BYTES,
    encoding: str = "png",
    deadline: float = 60.0,
    retries: Retries | None = None,
) -> Model:
    """Opens a model at a server; it paints like one here, from several threads at once.

    Args:
        server: HOST:PORT, or a URL, as for `parse_server`.
        model: its name at the server.
        protocol: "grpc" or "rest".
        version: of the model; 0 for the server's newest.
        ca_file: certificates (PEM) that may vouch for a server of grpcs:// or https://;
            empty for gRPC's own, or this machine's.
        signature: `BYTES` sends photos as files, `PIXELS` as uint8 values.
        encoding: of these files, "png" or "jpg".
        deadline: seconds that one try may take.
        retries: for failures that may pass; None for 4 tries more.

    Raises:
        UserError: packages are missing; no such server, model or signature.
    """
    connection = open_connection(protocol, server, model, version, ca_file)
    try:
        network = RemoteNetwork(
            connection, f"{model} at {server}", signature, encoding, deadline, retries
        )
    except BaseException:
        connection.close()
        raise
    return Model(network, label_styles("", network.styles))


def open_connection(
    protocol: str, server: str, model: str, version: int = 0, ca_file: str = ""
) -> Connection:
    """Returns a connection; it speaks with the server only when it is used.

    Args:
        protocol, server, model, version, ca_file: as for `connect`.

    Raises:
        UserError: packages are missing, or there is no such protocol, or what is given
            is no address, no name, or no file of certificates.
    """
    if not model.isprintable():
        raise expected("--model as a name", ascii(model), "Check --model.")
    try:
        kind = CONNECTIONS[protocol]
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("grpc", "google", "urllib3"):
            raise
        raise expected(
            f"the packages of --protocol={protocol}",
            f"no module {error.name}",
            "Install them with `pip install 'nst_tf[serving]'`.",
        ) from error
    address = parse_server(server, protocol)
    _check_certificates(ca_file)
    connection: Connection = kind(address, model, version, ca_file)
    return connection


def _check_certificates(ca_file: str) -> None:
    """Reads them as OpenSSL does; gRPC would not say what they lack."""
    try:
        ssl.create_default_context(cafile=ca_file or None)
    except (OSError, ValueError) as error:
        raise expected(
            "a file of certificates (PEM) as --ca_file",
            f"{ca_file} ({first_line(error)})",
            "Check --ca_file.",
        ) from error


class RemoteNetwork(Runtime):
    """A network with styles of its own at a server; for several threads at once.

    Args:
        connection: from `open_connection`; it is closed with the network.
        name: of model and server, for errors.
        signature, encoding, deadline, retries: as for `connect`.

    Raises:
        UserError: no such server, model or signature.
    """

    def __init__(
        self,
        connection: Connection,
        name: str,
        signature: str = BYTES,
        encoding: str = "png",
        deadline: float = 60.0,
        retries: Retries | None = None,
    ):
        self.name = name
        self._connection = connection
        self._signature = signature
        self._encoding = encoding
        self._deadline = min(deadline, _LONGEST_DEADLINE)
        self._retries = retries or Retries(4, 0.5)
        offered = self._try(
            lambda: connection.signatures(self._deadline),
            "a model that says what it takes",
        )
        inputs = self._find_inputs(offered)
        self._blend = next((each for each in BLENDS if each in inputs), None)
        self.has_strength = self._blend == STRENGTHS
        shape = inputs[self._blend] if self._blend else (1,)
        if not shape or not 1 <= shape[-1] <= _MOST_STYLES:
            raise expected(
                f"{name} to have from 1 to {_MOST_STYLES} styles",
                f"{self._blend} of shape {list(shape)}",
                "Export the model again.",
            )
        self.styles = shape[-1]

    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        """See `Runtime.draw`; raises as `stylize_file`."""
        blend = blend_inputs(self._blend, code, strength)
        pixels = image.shape[0] * image.shape[1]
        if self._signature == BYTES:
            photo = image_io.encode(image_io.Image(image), self._encoding)
            stylized = self.stylize_file(photo, blend, pixels)
            drawn = self._read(stylized, pixels)
        else:
            sent = image_io.to_uint8(image)[None]
            outputs = self._predict(pixels, image=sent, **blend)
            drawn = self._to_float(_take_only(outputs, "stylized", self.name))
        if drawn.shape != image.shape:
            raise expected(
                f"a picture of the photo's size from {self.name}",
                f"one of shape {list(drawn.shape)}",
                "Export the model again.",
            )
        return drawn

    def stylize_file(
        self, data: bytes, blend: Mapping[str, np.ndarray], pixels: int
    ) -> bytes:
        """Returns the stylized picture's file for a photo's, with `BYTES`.

        Args:
            data: the photo's file.
            blend: from `blend_inputs`.
            pixels: of the photo at most; much larger answers are refused.

        Raises:
            UserError: the server cannot be reached or refuses, after all tries; it
                cannot read the photo.
        """
        strings = np.empty(1, object)
        strings[0] = data
        outputs = self._predict(pixels, image_bytes=strings, **blend)
        reason = _take_bytes(outputs, "error", self.name).decode(errors="replace")
        if reason:
            raise expected(
                f"a photo that {self.name} can read",
                clean_words(reason),
                "Check the photo.",
            )
        return _take_bytes(outputs, "stylized_bytes", self.name)

    def close(self) -> None:
        """Ends calls that are under way."""
        self._retries.close()
        self._connection.close()

    def _find_inputs(
        self, offered: Mapping[str, Mapping[str, tuple[int, ...]]]
    ) -> Mapping[str, tuple[int, ...]]:
        """Returns {input: shape} of the signature that is used."""
        inputs = offered.get(self._signature)
        if inputs is None:
            raise expected(
                f"{self.name} to have the signature {self._signature}",
                clean_words(", ".join(offered)) or "none",
                f"Choose one with --signature={BYTES} or {PIXELS}, or export the model again.",
            )
        if beside := set(inputs) - {"image_bytes", "image", *BLENDS}:
            raise expected(
                "a model that paints in styles of its own",
                f"{self.name}, which also takes {clean_words(', '.join(sorted(beside)))}",
                "Models of any style are not served to this client.",
            )
        return inputs

    def _predict(self, pixels: int, **inputs: np.ndarray) -> Mapping[str, np.ndarray]:
        return self._try(
            lambda: self._connection.predict(
                self._signature, inputs, self._deadline, pixels
            ),
            "a painted photo",
        )

    def _read(self, stylized: bytes, pixels: int) -> np.ndarray:
        try:
            return image_io.read_image(stylized, max_pixels=pixels).rgb
        except UserError as error:
            raise expected(
                f"a picture from {self.name}", clean_words(str(error)), "See its log."
            ) from error

    def _to_float(self, pixels: Any) -> np.ndarray:
        values = np.asarray(pixels)
        whole = values.dtype.kind in "iu" and values.size
        if not whole or values.min() < 0 or values.max() > 255:
            raise expected(
                f"whole numbers from 0 to 255 as pixels from {self.name}",
                "others",
                "Export the model again.",
            )
        return image_io.to_float(values.astype(np.uint8))

    def _try(self, call: Callable[[], Any], what: str) -> Any:
        try:
            return self._retries(call)
        except Failure as failure:
            raise self._explain(failure, what) from failure

    def _explain(self, failure: Failure, what: str) -> UserError:
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
        if "CERTIFICATE_VERIFY_FAILED" in failure.reason:
            remedies["UNAVAILABLE"] = (
                "Check the host's name, or name the certificates that vouch for it with --ca_file."
            )
        return expected(
            f"{what} from {self.name}",
            failure,
            remedies.get(failure.code, "See the server's log."),
        )


def _take_only(outputs: Mapping[str, np.ndarray], name: str, model: str) -> Any:
    """Returns the one item of an output; REST leaves out the name where there is one output."""
    found = outputs.get(name, outputs.get("") if len(outputs) == 1 else None)
    if found is None or found.ndim == 0 or len(found) != 1:
        raise expected(
            f"one item of the output {name} from {model}",
            clean_words(", ".join(outputs)) or "none",
            "Export the model again.",
        )
    return found[0]


def _take_bytes(outputs: Mapping[str, np.ndarray], name: str, model: str) -> bytes:
    found = _take_only(outputs, name, model)
    if not isinstance(found, bytes):
        raise expected(
            f"bytes as the output {name} from {model}",
            "numbers",
            "Export the model again.",
        )
    return found
