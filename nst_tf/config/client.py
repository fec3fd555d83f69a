"""Every setting of `nst_tf.client`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import Other, setting
from nst_tf.config.folder import FolderSettings
from nst_tf.config.registries import CONNECTIONS
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class ClientSettings(FolderSettings):
    """Settings of `nst_tf.client`; each field is the flag of the same name."""

    model: str = setting("", "Name of the model at the server.", required="See --help.")
    server: str = setting(
        "",
        "The server's host:port; TensorFlow Serving listens for gRPC at 8500, for REST at 8501.",
    )
    model_version: int = setting(
        0, "Version of the model; 0 for the server's newest.", least=0
    )
    protocol: str = setting(
        "grpc", "How to speak with the server.", choices=CONNECTIONS
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
        60.0, "Seconds that one request may take, each try anew.", above=0
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
    concurrency: int = setting(4, "Photos at once.", least=1)

    def _check(self) -> None:
        super()._check()
        host, _, port = self.server.rpartition(":")
        if not host or not port.isdecimal() or "/" in host:
            raise expected(
                "--server=HOST:PORT",
                self.server or "none",
                "Try --server=localhost:8500.",
            )

    @property
    def blend(self) -> tuple[float, ...]:
        """Shares by position, for a model with styles of its own."""
        return self.style_weights
