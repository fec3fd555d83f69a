"""Serves this folder so that the page may use threads: python serve.py [PORT]

Browsers give threads (shared memory) only to pages that are cross-origin isolated, and `python -m http.server`
cannot send the two headers for that.
"""

import functools
import http.server
import pathlib
import sys

HEADERS = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


class Handler(http.server.SimpleHTTPRequestHandler):
    """Static files, with `HEADERS`."""

    def end_headers(self):
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()


def server(folder: str, port: int, host: str = "localhost") -> http.server.ThreadingHTTPServer:
    """Returns a server of a folder's files; port 0 takes a free one."""
    return http.server.ThreadingHTTPServer((host, port), functools.partial(Handler, directory=folder))


if __name__ == "__main__":
    with server(str(pathlib.Path(__file__).parent), int(sys.argv[1]) if len(sys.argv) > 1 else 8000) as serving:
        print(f"http://localhost:{serving.server_port}", flush=True)
        serving.serve_forever()
