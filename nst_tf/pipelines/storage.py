"""Files on any filesystem that Beam has: read whole, written aside and renamed."""

import os
import secrets

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from nst_tf.core.errors import expected, first_line
from nst_tf.core.files import write_atomically

_PLAIN = CompressionTypes.UNCOMPRESSED  # a suffix such as .gz means nothing here


def is_local(path: str) -> bool:
    """Returns whether a path is this machine's, not a URL of another filesystem."""
    return FileSystems.get_scheme(path) is None


def normalize(path: str) -> str:
    """Returns a path that means the same in every process: absolute, without a / at its end."""
    return os.path.abspath(path) if is_local(path) else path.rstrip("/")


def join(folder: str, *names: str) -> str:
    """Returns the path of something in a folder."""
    return "/".join([folder.rstrip("/"), *names])


def is_inside(path: str, folder: str) -> bool:
    """Returns whether a path lies in a folder, links followed where there are any."""
    if is_local(path) and is_local(folder):
        path, folder = os.path.realpath(path), os.path.realpath(folder)
    return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def exists(path: str) -> bool:
    """Returns whether there is a file of this name."""
    return bool(FileSystems.exists(path))


def read(path: str) -> bytes:
    """Returns the content of a file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        with FileSystems.open(path, compression_type=_PLAIN) as file:
            return bytes(file.read())
    except (OSError, ValueError) as error:  # BeamIOError is an OSError
        reason = getattr(error, "strerror", None) or first_line(error)
        raise expected(
            "a file that can be read", f"{path} ({reason})", "Check the path."
        ) from error


def write(path: str, data: bytes) -> None:
    """Writes a file aside and renames it, so that it is whole whenever it is there.

    A file that is there is replaced. On this machine the bytes reach the disk first; on
    an object store a rename is a copy.

    Raises:
        UserError: this machine's disk refuses the file.
        BeamIOError: another filesystem does.
    """
    if is_local(path):
        write_atomically(path, data, overwrite=True)
        return
    folder, _ = FileSystems.split(path)
    aside = join(folder, f".{secrets.token_hex(8)}.tmp")
    with FileSystems.create(aside, compression_type=_PLAIN) as file:
        file.write(data)
    FileSystems.rename([aside], [path])


def list_files(pattern: str) -> list[str]:
    """Returns the paths that a pattern of Beam's stands for; [] if there are none."""
    try:
        (result,) = FileSystems.match([pattern])
    except BeamIOError as error:
        raise expected(
            "a folder that can be listed",
            f"{pattern} ({first_line(error)})",
            "Check the path.",
        ) from error
    return [each.path for each in result.metadata_list]
