"""Every setting of `nst_tf.client`: name, default, meaning; see `nst_tf.config.fields`."""

import dataclasses

from nst_tf.config.fields import setting
from nst_tf.config.folder import AlbumSettings
from nst_tf.core.errors import expected


@dataclasses.dataclass(frozen=True)
class ClientSettings(AlbumSettings):
    """Settings of `nst_tf.client`; each field is the flag of the same name."""

    model: str = setting("", "Name of the model at the server.")
    server: str = setting(
        "",
        "The server's host:port; TensorFlow Serving listens for gRPC at 8500, for REST at 8501.",
    )
    model_version: int = setting(0, "Version of the model; 0 for the server's newest.")
    protocol: str = setting(
        "grpc", "How to speak with the server.", choices=("grpc", "rest")
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
    )
    deadline: float = setting(60.0, "Seconds that one request may take, each try anew.")
    retries: int = setting(
        4, "Further tries where the server is not available or has no room."
    )
    retry_wait: float = setting(
        0.5,
        "Seconds before the second try at most; doubles with each, up to 8, and varies down to its half.",
    )
    concurrency: int = setting(4, "Photos at once.")

    def __post_init__(self):
        super().__post_init__()
        host, _, port = self.server.rpartition(":")
        if not host or not port.isdecimal() or "/" in host:
            raise expected(
                "--server=HOST:PORT",
                self.server or "none",
                "Try --server=localhost:8500.",
            )
        for name, least in (
            ("model_version", 0),
            ("retries", 0),
            ("concurrency", 1),
            ("retry_wait", 0),
        ):
            if getattr(self, name) < least:
                raise expected(
                    f"--{name} of at least {least}",
                    getattr(self, name),
                    f"Change --{name}.",
                )
        if not self.deadline > 0:
            raise expected("--deadline above 0", self.deadline, "Change --deadline.")
