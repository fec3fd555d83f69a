"""LiteRT.js is taken from a path, the cache or npm, and only if it is the pinned one."""

import base64
import hashlib
import shutil
import sys
import tarfile

import pytest
from support import litert_js

from nst_tf.core.errors import UserError
from nst_tf.exporters.web import litert_js as web_litert_js


@pytest.fixture
def tarball(tmp_path, monkeypatch):
    """A tarball whose hashes are the expected ones; cache and PATH are empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    path = litert_js.tarball(tmp_path / "own.tgz")
    with litert_js.expected(path):
        yield path


def npm(tmp_path, lines):
    """Puts a program npm on PATH, of Python lines."""
    script = tmp_path / "bin" / "npm"
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\nimport shutil, sys\n{lines}\n")
    script.chmod(0o755)


def fetching(tarball):
    """Lines that do what `npm pack` does, once."""
    return (
        f"assert sys.argv[1:] == ['pack', '@litertjs/core@2.5.3']\n"
        f"shutil.move({str(tarball)!r}, 'litertjs-core-2.5.3.tgz')"
    )


def test_the_pinned_hash_is_a_sha512_as_npm_writes_it():
    kind, digest = web_litert_js.INTEGRITY.split("-", 1)
    assert kind == "sha512" and len(base64.b64decode(digest, validate=True)) == 64
    wanted = hashlib.sha512(b"abc").digest()
    assert (
        web_litert_js.integrity(b"abc") == f"sha512-{base64.b64encode(wanted).decode()}"
    )


def unpack(tarball, folder):
    with tarfile.open(tarball) as archive:
        # Python 3.11.2, which Debian 12 has, knows no filters.
        archive.extraction_filter = getattr(
            tarfile, "data_filter", lambda member, path: member
        )
        archive.extractall(folder)


def test_a_tarball_and_a_folder_give_the_same_files(tarball, tmp_path):
    unpack(tarball, tmp_path / "unpacked")
    modules = tmp_path / "project" / "node_modules" / "@litertjs" / "core"
    shutil.copytree(tmp_path / "unpacked" / "package", modules)
    places = [
        tarball,
        tmp_path / "unpacked",
        tmp_path / "unpacked" / "package",
        tmp_path / "project",
    ]
    assert [web_litert_js.load(str(place)) == litert_js.FILES for place in places] == [
        True
    ] * 4


def test_a_tarball_with_one_other_byte_is_refused(tarball):
    changed = bytearray(tarball.read_bytes())
    changed[-1] ^= 1
    tarball.write_bytes(changed)
    with pytest.raises(
        UserError,
        match="integrity sha512-.*own.tgz with sha512-.*npm pack @litertjs/core@2.5.3",
    ):
        web_litert_js.load(str(tarball))


def test_a_folder_with_one_other_byte_is_refused(tarball, tmp_path):
    unpack(tarball, tmp_path / "unpacked")
    (
        tmp_path / "unpacked" / "package" / "wasm" / "litert_wasm_internal.wasm"
    ).write_bytes(b"other")
    with pytest.raises(
        UserError,
        match="wasm/litert_wasm_internal.wasm of @litertjs/core 2.5.3 with SHA-256",
    ):
        web_litert_js.load(str(tmp_path / "unpacked"))


@pytest.mark.parametrize("place", ["nowhere.tgz", "."])
def test_a_place_without_it_is_named(tarball, tmp_path, place):
    with pytest.raises(UserError, match="@litertjs/core 2.5.3.*Check --web_runtime"):
        web_litert_js.load(str(tmp_path / place))


def test_npm_fetches_it_once(tarball, tmp_path):
    npm(tmp_path, fetching(tarball))
    assert web_litert_js.load() == litert_js.FILES
    assert not tarball.exists()  # npm gave it away: a second time would fail
    assert web_litert_js.load() == litert_js.FILES
    assert web_litert_js.cache().is_relative_to(tmp_path / "cache")


def test_a_damaged_cache_is_fetched_anew(tarball, tmp_path):
    web_litert_js.cache().parent.mkdir(parents=True)
    web_litert_js.cache().write_bytes(b"damaged")
    npm(tmp_path, fetching(tarball))
    assert web_litert_js.load() == litert_js.FILES


def test_what_npm_brings_is_checked_and_not_cached(tarball, tmp_path):
    npm(
        tmp_path,
        fetching(litert_js.tarball(tmp_path / "other.tgz", {"dist/index.js": b"evil"})),
    )
    with pytest.raises(UserError, match="with integrity"):
        web_litert_js.load()
    assert not web_litert_js.cache().exists()


@pytest.mark.parametrize(
    "lines, reason",
    [
        (None, "npm is not installed"),
        (
            "print('npm notice x', file=sys.stderr); print('npm error code ENOTFOUND', file=sys.stderr); sys.exit(1)",
            "npm error code ENOTFOUND npm ended with status 1",
        ),
        ("", "status 0"),
    ],
)
def test_unreachable_is_one_line_with_version_hash_and_the_manual_way(
    tarball, tmp_path, lines, reason
):
    if lines is not None:
        npm(tmp_path, lines)
    with pytest.raises(UserError) as caught:
        web_litert_js.load()
    message = str(caught.value)
    for part in (
        "@litertjs/core 2.5.3",
        web_litert_js.INTEGRITY,
        reason,
        "npm pack @litertjs/core@2.5.3",
        "--web_runtime=litertjs-core-2.5.3.tgz",
    ):
        assert part in message
    assert "\n" not in message and "notice" not in message
