"""Every setting of `nst_tf.client`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import PATH, Other, refuse_unused, setting
from nst_tf.config.painting.folder import FolderSettings
from nst_tf.config.registries import CONNECTIONS
from nst_tf.core.server_address import parse_server


@dataclasses.dataclass(frozen=True)
class ClientSettings(FolderSettings):
    """Settings of `nst_tf.client`; each field is the flag of the same name."""

    model: str = setting("", "Name of the model at the server.", required="See --help.")
    server: str = setting(
        "",
        "The server's host:port; TensorFlow Serving listens for gRPC at 8500, for REST at 8501. Or, where a "
        "proxy encrypts for it, grpcs://HOST:PORT or https://HOST:PORT/PATH.",
    )
    model_version: int = setting(
        0,
        "Version of the model; 0 for the server's newest.",
        least=0,
        most=2**63 - 1,
    )
    protocol: str = setting(
        "grpc", "How to speak with the server.", choices=CONNECTIONS
    )
    ca_file: str = setting(
        "",
        "File of certificates (PEM) that may vouch for a server of grpcs:// or https://; without it those of "
        "gRPC or of this machine.",
        path=PATH,
    )
    signature: str = setting(
        "serving_bytes",
        "The model's signature: serving_bytes sends photos as files, serving_default as uint8 "
        "values, many times as large.",
        choices=("serving_bytes", "serving_default"),
    )
    encoding: str = setting(
        "png",
        "Files in which photos are sent: png is exact, jpg smaller.",
        choices=("png", "jpg"),
        used_if={"signature": "serving_bytes"},
    )
    deadline: float = setting(
        60.0,
        "Seconds that one request may take, from the connection to the last byte; each try anew.",
        above=0,
    )
    retries: int = setting(
        4, "Further tries where the server is not available or has no room.", least=0
    )
    retry_wait: float = setting(
        0.5,
        "Seconds before the second try at most; doubles with each, up to 8, and varies down to its half.",
        least=0,
        used_if={"retries": Other(0)},
    )
    concurrency: int = setting(4, "Photos at once.", least=1, most=256)

    def _check(self) -> None:
        super()._check()
        address = parse_server(self.server, self.protocol)
        if self.ca_file and not address.encrypted:
            condition = "a --server of grpcs:// or https://"
            raise refuse_unused("ca_file", condition, f"--server={self.server}")

    @property
    def blend(self) -> tuple[float, ...]:
        """Shares by position, for a model with styles of its own."""
        return self.style_weights
