"""The address of a server that paints, as --server has it."""

import dataclasses
import ipaddress
import re
import urllib.parse

from nst_tf.core.errors import expected

# {protocol: its schemes: open, encrypted}, with the ports of those that have one.
SCHEMES = {"grpc": ("grpc", "grpcs"), "rest": ("http", "https")}
_PORTS = {"http": 80, "https": 443, "grpcs": 443}


@dataclasses.dataclass(frozen=True)
class ServerAddress:
    """Where a server listens.

    Attributes:
        host: a name or an IP address, without brackets.
        port: 1 to 65535.
        encrypted: whether it speaks TLS.
        path: what precedes the protocol's own paths, "" or such as "/models".
    """

    host: str
    port: int
    encrypted: bool = False
    path: str = ""

    @property
    def host_and_port(self) -> str:
        """Such as "localhost:8500" or "[::1]:8500"."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_server(server: str, protocol: str) -> ServerAddress:
    """Parses HOST:PORT or a URL of the protocol's.

    Args:
        server: such as "localhost:8500", "grpcs://example.org" or
            "https://example.org/models"; over gRPC without a path.
        protocol: "grpc" or "rest".

    Raises:
        UserError: it is none of these, or a URL of the other protocol.
    """
    try:
        return _parse(server, protocol)
    except ValueError as error:
        plain, encrypted = SCHEMES[protocol]
        path = "/PATH" if protocol == "rest" else ""
        port = 8501 if protocol == "rest" else 8500
        received = server if server.isprintable() else ascii(server)
        raise expected(
            f"--server=HOST:PORT, or {plain}:// or {encrypted}://HOST:PORT{path}, "
            f"with --protocol={protocol}",
            f"{received or 'none'} ({error})",
            f"Try --server=localhost:{port}.",
        ) from error


def _parse(server: str, protocol: str) -> ServerAddress:
    """Raises ValueError with the reason."""
    plain, encrypted = SCHEMES[protocol]
    if not re.fullmatch("[!-~]*", server):
        raise ValueError("a space, or another character that is not in ASCII")
    url = server if "://" in server else f"{plain}://{server}"
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in (plain, encrypted):
        raise ValueError(f"{parts.scheme} belongs to another protocol")
    port = parts.port
    if port is None and url == server:
        port = _PORTS.get(parts.scheme)
    if not port:
        raise ValueError("no port from 1 to 65535")
    host = parts.hostname or ""
    if ":" in host:
        ipaddress.IPv6Address(host)
    elif not re.fullmatch(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?", host):
        raise ValueError("no host")
    path = parts.path.rstrip("/")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("a user, a query or a fragment")
    if path and protocol == "grpc":
        raise ValueError("a path")
    return ServerAddress(host, port, parts.scheme == encrypted, path)
