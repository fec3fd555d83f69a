"""Serves this folder so that the page may use threads: python serve.py [PORT]

Browsers give threads (shared memory) only to pages that are cross-origin isolated, and
`python -m http.server` cannot send the two headers for that.
"""

import contextlib
import functools
import http.server
import pathlib
import sys

HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Static files, with `HEADERS`."""

    # On Windows the registry may name other types, which browsers refuse.
    extensions_map = {
        **http.server.SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".wasm": "application/wasm",
    }

    def end_headers(self):
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()


def server(
    folder: str, port: int, host: str = "localhost"
) -> http.server.ThreadingHTTPServer:
    """Returns a server of a folder's files; port 0 takes a free one."""
    return http.server.ThreadingHTTPServer(
        (host, port), functools.partial(Handler, directory=folder)
    )


def main(arguments: list[str]) -> None:
    """Serves until Ctrl-C; the one argument is a port, 8000 without."""
    try:
        serving = server(
            str(pathlib.Path(__file__).parent), int(arguments[0]) if arguments else 8000
        )
    except (OSError, ValueError, OverflowError) as error:
        sys.exit(f"Expected a free port. Received: {error}. Try python serve.py 8001.")
    with serving, contextlib.suppress(KeyboardInterrupt):
        print(f"http://localhost:{serving.server_port}", flush=True)
        serving.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
