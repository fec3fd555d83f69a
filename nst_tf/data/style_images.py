"""Style images: a packaged picture by name, a file, or a URL."""

import functools
import hashlib
import http.client
import importlib.resources
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from nst_tf.core.errors import expected
from nst_tf.images.codecs import NamedBytes

TIMEOUT = 60  # seconds, for a download
MAX_DOWNLOAD = 50_000_000  # bytes


def packaged_styles() -> dict[str, Path]:
    """Returns {name: path} of the pictures that `tools.style_pictures.paint_styles` has drawn."""
    folder = Path(str(importlib.resources.files("nst_tf.assets"))) / "styles"
    return {path.stem: path for path in sorted(folder.glob("*.jpg"))}


def fetch_style(style_image: str, sha256: str = "") -> tuple[bytes, str]:
    """Returns the bytes of a style image, called by its name in errors, and their SHA-256.

    Args:
        style_image: a packaged picture's name, a path, or an http(s) URL.
        sha256: 64 hexadecimal digits that the bytes must have; empty for any. Those of
            a URL are then printed.

    Raises:
        UserError: nothing there, or other bytes than expected.
    """
    if is_url(style_image):
        data = _download(style_image)
    else:
        path = packaged_styles().get(style_image, Path(style_image))
        if not path.is_file():
            raise expected(
                f"a style image: a path, a URL, or one of {', '.join(packaged_styles())}",
                repr(style_image),
                "Check the name of the style.",
            )
        data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if sha256 and digest != sha256.lower():
        raise expected(
            f"a style image with SHA-256 {sha256}",
            digest,
            "The picture has changed: check it, then --style_sha256.",
        )
    if is_url(style_image) and not sha256:
        print(f"note: {style_image} has the SHA-256 {digest}")
    return NamedBytes(data, style_image), digest


def pin_urls(styles: Sequence[str], hashes: Sequence[str]) -> tuple[str, ...]:
    """Returns hashes in which those of URLs are filled in, so that a run can be repeated.

    Args:
        styles: as for `fetch_style`.
        hashes: one each, empty for none; or none at all.

    Returns:
        One hash a style; `hashes` as they are if no URL lacks its own.

    Raises:
        UserError: a URL cannot be fetched.
    """
    given = tuple(hashes) or ("",) * len(styles)
    pinned = tuple(
        digest or (fetch_style(style)[1] if is_url(style) else "")
        for style, digest in zip(styles, given, strict=True)
    )
    return pinned if pinned != given else tuple(hashes)


def is_url(style_image: str) -> bool:
    """Returns whether a style image is to be fetched."""
    return re.match(r"https?://", style_image) is not None


@functools.lru_cache(maxsize=4)  # it is hashed first, and then read
def _download(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            data = answer.read(MAX_DOWNLOAD + 1)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split())
        raise expected(
            "a style image at a reachable URL",
            f"{url} ({reason})",
            "Check the address and the network, or give a path.",
        ) from error
    if len(data) > MAX_DOWNLOAD:
        raise expected(
            f"a style image of at most {MAX_DOWNLOAD // 10**6} MB",
            url,
            "Give a smaller picture.",
        )
    return data
