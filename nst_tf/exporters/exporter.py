"""What a format is: one class, one line in `config.registries.EXPORTERS`."""

import abc
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np

from nst_tf.config.registries import EXPORTERS
from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.exporters import network_inputs
from nst_tf.exporters.parity import Artifact


class Exporter(abc.ABC):
    """Writes a format, opens what it wrote, and describes it.

    Attributes:
        name: of the format, its key in `EXPORTERS`.
        options: what `export` takes by name beside network, folder and name.
        any_style: whether it takes networks of any style, too.
    """

    name: ClassVar[str]
    options: ClassVar[tuple[str, ...]] = ()
    any_style: ClassVar[bool] = True

    def check(self, network: keras.Model) -> None:
        """Raises `UserError` for a network that there is no such format for."""
        if network_inputs.is_any_style(network) and not self.any_style:
            others = [name for name in EXPORTERS if EXPORTERS[name].any_style]
            raise expected(
                f"for a network of any style a format among {', '.join(others)}",
                repr(self.name),
                "Leave it out; it is for networks of one or several styles.",
            )

    def check_machine(self) -> None:  # noqa: B027 (most formats need nothing more)
        """Raises `UserError` if this machine lacks what the format needs beside the package."""

    @abc.abstractmethod
    def export(
        self, network: keras.Model, folder: Path, name: str, **options
    ) -> list[Artifact]:
        """Writes into a folder, and only what draws what the network draws.

        Args:
            network: float32; RGB in [0, 1] -> about [0, 1], [B, H, W, 3]; of one,
                several or any styles.
            folder: the format makes its own folder or files in it; older ones of its
                own are replaced.
            name: of the files, where a format has names for them.
            **options: see `options`.

        Raises:
            UserError: the folder cannot be written, or an option that does not suit.
            RuntimeError: an artifact does not draw what the network draws; it was not
                written.
        """

    @abc.abstractmethod
    def open(self, path: Path) -> Callable[..., np.ndarray]:
        """Opens what was written as a function of arrays by the names of its inputs.

        Args:
            path: of an `Artifact`.

        Returns:
            Pictures are float32 [1, H, W, 3] in [0, 1], of any size that the artifact
            has files for; see `parity.Reference`. It returns the first output.
        """

    @abc.abstractmethod
    def describe(self, path: Path) -> dict:
        """Returns what the card says of an artifact, for JSON: hashes, inputs, outputs,
        operations, latency.
        """


def hash_files(folder: Path) -> dict[str, str]:
    """Returns {path in the folder: SHA-256} of all files."""
    return {
        file.relative_to(folder).as_posix(): files.sha256(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def format_tensor(dtype: str, shape: Sequence[int | None]) -> str:
    """Returns an input or output as the card writes it: "float32 [1, any, any, 3]"."""
    sides = [
        "any" if side is None or int(side) < 0 else str(int(side)) for side in shape
    ]
    return f"{dtype} [{', '.join(sides)}]"
