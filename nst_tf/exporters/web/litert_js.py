"""LiteRT.js for exported pages: the npm package, fetched by npm, checked against pinned
hashes, and cached.
"""

import base64
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from nst_tf.core import files
from nst_tf.core.errors import expected

PACKAGE, VERSION = "@litertjs/core", "2.5.3"
TARBALL = f"litertjs-core-{VERSION}.tgz"  # npm's name for it
# npm's integrity of the tarball, and SHA-256 of the files that a page needs, which tell
# of an unpacked folder.
INTEGRITY = "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ=="
SHA256 = {
    "dist/index.js": "e7daccc3a31eef890848a737ccb863ded5f046a6b40c3fdc0556495adeb5d9b3",
    "wasm/litert_wasm_internal.js": "68efb69f770e3f76aff36a377de629ca496c131b86ac0f0f4b592a1543a898eb",
    "wasm/litert_wasm_internal.wasm": "7280cf4471774867e385e6c3cd53e2b45e2975b80fea338fff4ef359b0865614",
    "wasm/litert_wasm_compat_internal.js": "4d8f894b7883654fd6e8439730aa41e79ceaab7d19184fc4f1f0b0f1a2a2c8a5",
    "wasm/litert_wasm_compat_internal.wasm": "5255c8ad06eabdbd2522cdebf6b22fc10faf74625c23a49b9e072570cd1fa41c",
    "wasm/litert_wasm_threaded_internal.js": "92fe7a720c6deedaa1194c011c79a005ea4f6fc98f533b661cf7900760ab4849",
    "wasm/litert_wasm_threaded_internal.wasm": "b5e54eca10f043497edf9a02186332707cae260c550d7ea22b2cae55669596cf",
}
TIMEOUT = 300  # seconds, for npm
FOLDER = "package"  # in which npm's tarballs have all files


def load(path: str = "") -> dict[str, bytes]:
    """Returns the files that a page needs, {their path in the package: content}.

    Args:
        path: of the tarball or of a folder that it was unpacked to; empty for the
            cache, or npm where the tarball is not there.

    Raises:
        UserError: there is no such file, npm cannot get it, or it is not what the
            hashes say.
    """
    if path and Path(path).is_dir():
        return _check_files(_read_folder(Path(path)), path)
    data = _read(Path(path)) if path else _load_cached()
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return _check_files(
            {name: archive.extractfile(f"{FOLDER}/{name}").read() for name in SHA256},
            path,
        )


def integrity(data: bytes) -> str:
    """Returns the hash of a tarball as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(data).digest()).decode()


def cache() -> Path:
    """Returns the path of the cached tarball, in the folder that the system has for such things."""
    defaults = {
        "darwin": Path.home() / "Library" / "Caches",
        "win32": os.environ.get("LOCALAPPDATA", Path.home()),
    }
    folder = os.environ.get("XDG_CACHE_HOME") or defaults.get(
        sys.platform, Path.home() / ".cache"
    )
    return Path(folder) / "nst_tf" / TARBALL


def _load_cached():
    path = cache()
    if path.is_file() and integrity(data := path.read_bytes()) == INTEGRITY:
        return data
    data = _fetch()
    files.write_atomically(path, data, overwrite=True)
    return data


def _fetch():
    """The tarball by npm, which knows the registry to ask."""
    npm = shutil.which("npm")
    if not npm:
        raise _missing("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [npm, "pack", f"{PACKAGE}@{VERSION}"],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _missing(f"npm: {error}") from error
        path = Path(folder) / TARBALL
        if done.returncode or not path.is_file():
            reasons = [
                line
                for line in done.stderr.splitlines()
                if line.startswith(("npm error", "npm ERR!"))
            ]
            raise _missing(
                " ".join([*reasons[:2], f"npm ended with status {done.returncode}"])
            )
        return _read(path)


def _read(path):
    if not path.is_file():
        raise expected(
            f"the tarball of {PACKAGE} {VERSION} or a folder with its files",
            f"{path}, which is not there",
            "Check --web_runtime.",
        )
    data = path.read_bytes()
    if integrity(data) != INTEGRITY:
        raise expected(
            f"the tarball of {PACKAGE} {VERSION} with integrity {INTEGRITY}",
            f"{path.name} with {integrity(data)}",
            f"Get that one with npm pack {PACKAGE}@{VERSION}.",
        )
    return data


def _read_folder(folder):
    """The files of an unpacked tarball, or of node_modules."""
    root = next(
        (
            place
            for place in (folder, folder / FOLDER, folder / "node_modules" / PACKAGE)
            if (place / "dist").is_dir()
        ),
        None,
    )
    missing = [name for name in SHA256 if not root or not (root / name).is_file()]
    if missing:
        raise expected(
            f"{', '.join(missing)} of {PACKAGE} {VERSION}",
            f"a folder without: {folder}",
            "Check --web_runtime.",
        )
    return {name: (root / name).read_bytes() for name in SHA256}


def _check_files(found, path):
    for name, data in found.items():
        digest = hashlib.sha256(data).hexdigest()
        if digest != SHA256[name]:
            raise expected(
                f"{name} of {PACKAGE} {VERSION} with SHA-256 {SHA256[name]}",
                f"{digest} in {path}",
                f"Get it with npm pack {PACKAGE}@{VERSION}.",
            )
    return found


def _missing(reason):
    return expected(
        f"the npm package {PACKAGE} {VERSION}, integrity {INTEGRITY}",
        reason,
        f"Where npm has a network, run npm pack {PACKAGE}@{VERSION}, and give the file: --web_runtime={TARBALL}.",
    )
