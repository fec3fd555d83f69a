"""Writing files so that a failure never leaves half of one behind."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from nst_tf.core.errors import UserError, expected


def write_atomically(
    path: str | os.PathLike[str], data: bytes, *, overwrite: bool = False
) -> None:
    """Writes a file whole or not at all, as `open_atomically`.

    Args:
        path: the file to write.
        data: its whole content.
        overwrite: whether an existing file may be replaced.

    Raises:
        UserError: as `open_atomically`.
    """
    with open_atomically(path, overwrite=overwrite) as file:
        file.write(data)


@contextlib.contextmanager
def open_atomically(
    path: str | os.PathLike[str], *, overwrite: bool = False
) -> Iterator[BinaryIO]:
    """Opens a file that is there whole, when the block ends without an error, or not at all.

    The bytes go to a temporary file in the same folder, reach the disk, and take the
    name in one step. Whatever goes wrong before that step, Ctrl-C included, the old
    file stays as it was and the temporary one is removed. Of several that write one new
    file at once, one succeeds, and the others are told. A symbolic link is followed.
    Missing parent folders are created.

    Args:
        path: the file to write.
        overwrite: whether an existing file may be replaced.

    Yields:
        The file, to write and to read, at its beginning.

    Raises:
        UserError: the file exists and `overwrite` is false, the path is not a regular
            file, or the system refuses to write (no permission, no space).
    """
    # The link's target is replaced, not the link, so the temporary file must lie beside
    # the target.
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise expected("a path to a regular file", path, "Choose another path.")
    if target.exists() and not overwrite:
        raise _existing(path)
    temporary = target.with_name(_temporary_name())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        # Unlike tempfile, open() gives the file the permissions that the user's umask
        # asks for.
        with open(temporary, "x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            os.replace(temporary, target)
        else:
            _name_new_file(temporary, target)
    except OSError as error:
        raise unwritable("a file", path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def replace_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Writes a folder whole or not at all; it takes the place of an older one.

    The block fills a new folder beside `path`. When it ends without an error, the older
    folder is renamed, the new one takes the name, and the older one is removed. So the
    older or the new one is whole at any moment; a process that is killed between the
    two renames leaves the older one as .NAME.old, which the next call puts back first.
    A symbolic link is followed. Missing parent folders are created.

    Args:
        path: of the folder.

    Yields:
        The new folder, empty.

    Raises:
        UserError: the path is not a folder, or its parent cannot be written.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_dir():
        raise expected("a path to a folder", path, "Choose another path.")
    ensure_writable_folder(target.parent)
    aside = target.with_name(f".{target.name}.old")
    if aside.exists() and not target.exists():
        os.rename(aside, target)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".export") as scratch:
        whole = Path(scratch) / target.name
        whole.mkdir()
        yield whole
        shutil.rmtree(aside, ignore_errors=True)
        try:
            if target.exists():
                os.rename(target, aside)
            os.rename(whole, target)
        except BaseException:
            if aside.exists() and not target.exists():
                os.rename(aside, target)
            raise
    shutil.rmtree(aside, ignore_errors=True)


def ensure_writable_folder(path: str | os.PathLike[str]) -> Path:
    """Creates a folder where it is missing, and proves that files can be written to it.

    A long run calls this first: what cannot be saved should fail in its first second.

    Args:
        path: the folder; missing parents are created too.

    Returns:
        The folder as a `Path`.

    Raises:
        UserError: it cannot be created or written.
    """
    folder = Path(path)
    probe = folder / _temporary_name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Permission bits do not tell (read-only mounts, root, network shares): only a
        # write does.
        try:
            probe.write_bytes(b"0")
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable("a folder", path, error) from error
    return folder


def sha256(path: str | os.PathLike[str]) -> str:
    """Returns the SHA-256 of a file as 64 hexadecimal digits."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Returns the object in a JSON file; {} if there is no such file, or none in it."""
    try:
        return dict(json.loads(Path(path).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def _name_new_file(temporary: Path, target: Path) -> None:
    """Gives a file its name; raises `UserError` if another file has taken it since."""
    try:
        os.link(temporary, target)
    except FileExistsError as error:
        raise _existing(target) from error
    except OSError:
        # No links here (FAT, some network shares): an empty file takes the name first.
        # A process that is killed before the next step leaves that.
        try:
            target.open("xb").close()
        except FileExistsError as error:
            raise _existing(target) from error
        try:
            os.replace(temporary, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _temporary_name() -> str:
    # Not made from the final name, which may already be as long as the file system
    # allows.
    return f".{secrets.token_hex(8)}.tmp"


def _existing(path: str | os.PathLike[str]) -> UserError:
    return expected(
        "a path where no file exists yet", path, "Choose another, or add --overwrite."
    )


def unwritable(what: str, path: str | os.PathLike[str], error: OSError) -> UserError:
    """Returns the error for a path that the system refuses to write."""
    return expected(
        f"{what} that can be written",
        f"{path} ({error.strerror or error})",
        "Check the path, its permissions and the free space, or choose another.",
    )
