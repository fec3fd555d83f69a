"""What the pictures of a batch are called, and which photos a text stands for."""

import glob
import hashlib
import itertools
import os
import posixpath
import re
from pathlib import PurePosixPath

from nst_tf.core.errors import expected
from nst_tf.images.io import IMAGE_SUFFIXES
from nst_tf.inference.folder import make_writable
from nst_tf.pipelines import storage

_ANY_DEPTH = re.compile(r"/\*\*(?=/)")
_MOST_PATTERNS = 16  # of one glob


def find_patterns(content: str) -> list[str]:
    """Returns Beam's patterns of what --content stands for: a photo, a folder or a glob.

    Beam's ** needs a folder where the shell's, and `nst stylize`, need none: each
    becomes a pattern with and one without.

    Raises:
        UserError: a glob with too many **.
    """
    if storage.is_local(content):
        path = os.path.abspath(content)
        if os.path.isfile(path):
            return [glob.escape(path)]
        if os.path.isdir(path):
            return [f"{glob.escape(path)}/**"]
        content = path
    elif content.endswith("/"):
        return [f"{content}**"]
    before, *parts = _ANY_DEPTH.split(content)
    if 2 ** len(parts) > _MOST_PATTERNS:
        raise expected("a glob with at most 4 **", content, "Name a folder further up.")
    choices = [("", "/**")] * len(parts)
    return [
        before + "".join(map("".join, zip(chosen, parts)))
        for chosen in itertools.product(*choices)
    ]


def find_root(content: str) -> str:
    """Returns the folder from which on the photos' folders are kept, as `nst stylize` does."""
    if storage.is_local(content):
        path = os.path.abspath(content)
        if os.path.isfile(path):
            return os.path.dirname(path)
        if os.path.isdir(path):
            return path
        content = path
    fixed = re.split(r"[*?\[]", content, maxsplit=1)[0]
    return fixed.rstrip("/") if content.endswith("/") else posixpath.dirname(fixed)


def is_photo(path: str, root: str) -> bool:
    """Returns whether a file found by a folder or a glob is taken: by its suffix, and not hidden."""
    parts = PurePosixPath(path[len(root) :]).parts
    hidden = any(part.startswith(".") for part in parts)
    return PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES and not hidden


def name_by_path(photo: str, root: str, output: str) -> str:
    """Returns the path of a photo's picture: its own folders and name in `output`.

    What cannot be written in its own format becomes .png.

    Raises:
        UserError: the photo does not lie in the root.
    """
    relative = PurePosixPath(photo[len(root) :].lstrip("/"))
    if not photo.startswith(f"{root.rstrip('/')}/") or ".." in relative.parts:
        raise expected(
            f"photos that lie in {root}",
            photo,
            "Name a folder of all of them with --root, or use --names=hash.",
        )
    return storage.join(output, PurePosixPath(make_writable(relative)).as_posix())


def name_by_hash(
    photo: str, photo_sha256: str, model_sha256: str, settings_sha256: str, output: str
) -> str:
    """Returns the path of a photo's picture: a hash of all that makes it, in `output`.

    256 folders keep each of them small.
    """
    text = "\0".join([photo, photo_sha256, model_sha256, settings_sha256])
    name = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    suffix = make_writable(PurePosixPath(photo)).suffix
    return storage.join(output, name[:2], name + suffix.lower())
