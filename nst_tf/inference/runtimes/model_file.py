"""Paints with files of networks, whatever runs them: one file, or a pair of any style."""

import abc
import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from nst_tf.core.errors import UserError, expected
from nst_tf.images import padding
from nst_tf.inference import check_card, memory_check
from nst_tf.inference.runtimes.runtime import BLENDS, STRENGTHS, Runtime, blend_inputs
from nst_tf.inference.tiles.graph import Graph

# In names of the two files of a network of any style.
STYLE_PART, TRANSFORM_PART = "_style", "_transform"


@dataclasses.dataclass(frozen=True)
class Tensor:
    """An input or output of a file.

    Attributes:
        dtype: such as "float32".
        shape: None for a side that can be set.
    """

    dtype: str
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        sides = ["any" if side is None else str(side) for side in self.shape]
        return f"{self.dtype} [{', '.join(sides)}]"

    @property
    def is_picture(self) -> bool:
        """Whether it is float32 [1, height, width, 3], of sides that do not matter."""
        if self.dtype != "float32" or len(self.shape) != 4:
            return False
        return self.shape[0] in (None, 1) and self.shape[3] == 3


class ModelFile(abc.ABC):
    """A file as a function of arrays, for any shapes of its inputs that it can take.

    Attributes:
        path: of the file.
        inputs, outputs: by name, in the file's order; a call returns the first output.
        resizable: whether height and width can be set although the file names them.
    """

    path: Path
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]
    resizable: bool = False

    @abc.abstractmethod
    def __call__(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Returns the first output for inputs by name."""

    @abc.abstractmethod
    def open_again(self) -> "ModelFile":
        """Returns the same file, opened anew."""

    def make_graph(self, image: str, sides: tuple[int, int]) -> Graph | None:
        """Returns the file as a graph, which bands of a photo are painted with; None
        where the runtime cannot take a file apart.

        Args:
            image: name of the photo among the inputs.
            sides: multiple and minimum of the sides that it draws, pixels.
        """
        return None


Opener = Callable[[Path], ModelFile]


class FileNetwork(Runtime):
    """A file of a network with styles of its own; any file that maps a picture to one."""

    def __init__(self, file: ModelFile):
        self.name = str(file.path)
        self._file = file
        self._blend = next((name for name in BLENDS if name in file.inputs), None)
        pictures = [name for name in file.inputs if name != self._blend]
        _check_pictures("input", {name: file.inputs[name] for name in pictures})
        _check_pictures("output", file.outputs)
        self._image = pictures[0]
        self.has_strength = self._blend == STRENGTHS
        self.styles = _size_of(file.inputs[self._blend]) if self._blend else 1

    @functools.cached_property
    def bytes_a_pixel(self) -> float:
        # Anew, since runtimes keep what earlier photos took.
        return _measure_bytes(FileNetwork(self._file.open_again()), self.styles)

    def make_graph(self) -> Graph | None:
        return self._file.make_graph(self._image, (padding.MULTIPLE, padding.MINIMUM))

    def make_settings(self, code: np.ndarray, strength: float) -> dict[str, np.ndarray]:
        return blend_inputs(self._blend, code, strength)

    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        _check_size(self._file, self._image, image)
        height, width = image.shape[:2]
        padded = padding.pad_to_multiple(image)[None]
        inputs = {self._image: padded, **self.make_settings(code, strength)}
        return self._file(inputs)[0, :height, :width]


class FilePair(Runtime):
    """The two files of a network of any style: its encoder of styles, and what draws."""

    styles = 0
    has_strength = True

    def __init__(self, encoder: ModelFile, transformer: ModelFile):
        self.name = str(transformer.path)
        for file, output in ((encoder, "code"), (transformer, "stylized")):
            if list(file.outputs) != [output]:
                found = ", ".join(file.outputs) or "none"
                raise ValueError(f"its outputs are {found}, not {output}")
        self._encoder, self._transformer = encoder, transformer

    @functools.cached_property
    def bytes_a_pixel(self) -> float:
        code = _size_of(self._transformer.inputs["code"])
        fresh = FilePair(self._encoder.open_again(), self._transformer.open_again())
        return _measure_bytes(fresh, code)

    def make_graph(self) -> Graph | None:
        if None not in self._transformer.inputs["content"].shape[1:3]:
            return None
        return self._transformer.make_graph("content", padding.ANY_STYLE)

    def make_settings(self, code: np.ndarray, strength: float) -> dict[str, np.ndarray]:
        return {"code": code[None], "alpha": np.array([[strength]], np.float32)}

    def encode(self, picture: np.ndarray) -> np.ndarray:
        padded = padding.pad_to_multiple(picture, *padding.ANY_STYLE)
        return self._encoder({"style": padded[None]})[0]

    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        _check_size(self._transformer, "content", image)
        height, width = image.shape[:2]
        inputs = {
            "content": padding.pad_to_multiple(image, *padding.ANY_STYLE)[None],
            **self.make_settings(code, strength),
        }
        return self._transformer(inputs)[0, :height, :width]


def open_file(path: Path, opener: Opener) -> Runtime:
    """Opens a network with styles of its own, or one of a pair of any style.

    Args:
        path: of the file.
        opener: of one file.

    Raises:
        UserError: the other file of a pair is missing, or a file is not the one that
            its card describes.
        ValueError: it does not map pictures to pictures; runtimes raise others on
            damaged files.
    """
    check_card.check(path)
    file = opener(path)
    if not {"style", "code"} & set(file.inputs):
        return FileNetwork(file)
    style_path, transform_path = find_pair(path)
    if path == transform_path:
        check_card.check(style_path)
        return FilePair(opener(style_path), file)
    check_card.check(transform_path)
    return FilePair(file, opener(transform_path))


def find_pair(path: Path) -> tuple[Path, Path]:
    """Returns the style part and the transformer that a file belongs to."""
    # The last one is the file's: a network may be called my_style.
    own, other = sorted((STYLE_PART, TRANSFORM_PART), key=path.stem.rfind, reverse=True)
    head, found, tail = path.stem.rpartition(own)
    if found:
        # The transformer of a fixed size has its side before the kind of numbers.
        _, separator, kind = tail.rpartition("_")
        suffix = f"_{kind}" if separator and not kind.isdigit() else ""
        partner = path.with_name(f"{head}{other}{suffix}{path.suffix}")
        if not partner.is_file():
            raise expected(
                f"{partner.name} beside {path}",
                "there is none",
                "Keep both parts in one folder.",
            )
        return (path, partner) if own == STYLE_PART else (partner, path)
    kind = path.suffix
    raise expected(
        f"a pair of files NAME_style*{kind} and NAME_transform*{kind}",
        f"{path}, which is one of such a pair under another name",
        "Give both the names that the export gave them.",
    )


def _measure_bytes(fresh: Runtime, code_size: int) -> float:
    """Returns the bytes that painting takes a pixel, measured on a small picture.

    Args:
        fresh: a network that has not painted yet.
        code_size: numbers of a code.
    """
    side = memory_check.PROBE
    picture, code = (
        np.zeros((side, side, 3), np.float32),
        np.ones(code_size, np.float32),
    )
    try:
        grown = memory_check.measure_growth(lambda: fresh.draw(picture, code, 1.0))
    except (UserError, RuntimeError, ValueError):
        # A file of one fixed size refuses all others itself.
        return memory_check.PHOTO
    return memory_check.MARGIN * grown / side**2 + memory_check.PHOTO


def _check_pictures(what: str, tensors: Mapping[str, Tensor]) -> None:
    (*_, last) = tensors.values() or [None]
    if len(tensors) != 1 or last is None or not last.is_picture:
        found = ", ".join(map(str, tensors.values()))
        raise ValueError(f"its {what} is {found}, not float32 [1, height, width, 3]")


def _check_size(file: ModelFile, name: str, image: np.ndarray) -> None:
    """Refuses a photo of another size than a file's fixed one."""
    sides = file.inputs[name].shape[1:3]
    if not file.resizable and any(
        side not in (None, own) for side, own in zip(sides, image.shape)
    ):
        height, width = ("any" if side is None else side for side in sides)
        raise expected(
            f"a photo of {width}x{height} pixels for {file.path}",
            f"{image.shape[1]}x{image.shape[0]}",
            "Resize it, or use the file of any size, whose name has no number.",
        )


def _size_of(tensor: Tensor) -> int:
    size = tensor.shape[-1]
    if size is None:
        raise ValueError(f"it takes {tensor}, whose last side is not fixed")
    return size
