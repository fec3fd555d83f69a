"""A stand-in for LiteRT.js: an npm tarball of the same files with other content, and its hashes."""

import contextlib
import hashlib
import io
import tarfile
from pathlib import Path
from unittest import mock

from nst_tf.exporters.web import litert_js, page as web

FILES = {
    name: f"// {name} {web.IMPORT.decode() if name.endswith('index.js') else ''};\n".encode()
    for name in litert_js.SHA256
}


def tarball(path: Path, contents=FILES) -> Path:
    """Writes a tarball as npm packs it."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in contents.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return path


@contextlib.contextmanager
def expected(path: Path):
    """Inside, the hashes of a tarball of `FILES` stand for the pinned ones."""
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in FILES.items()}
    with mock.patch.multiple(
        litert_js, INTEGRITY=litert_js.integrity(path.read_bytes()), SHA256=hashes
    ):
        yield
