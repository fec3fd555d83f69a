"""Paints with .tflite files by LiteRT, without TensorFlow."""

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.core.errors import UserError, expected
from nst_tf.core.startup import filter_stderr
from nst_tf.images import padding
from nst_tf.inference import check_card, memory_check
from nst_tf.inference.runtimes.runtime import BLENDS, STRENGTHS, Runtime, blend_inputs
from nst_tf.inference.tiles.graph import Graph

# In names of the two files of a network of any style.
STYLE_PART, TRANSFORM_PART = "_style", "_transform"


class LiteRtModel:
    """A .tflite as a function of arrays, for any shapes of its inputs that it can take.

    Attributes:
        inputs: {name: LiteRT's detail}.
        outputs: LiteRT's details; a call returns the first.
        signature_outputs: their names in the signature; [] for a file without one.
    """

    def __init__(self, path: Path):
        from ai_edge_litert.interpreter import Interpreter

        threads = os.cpu_count()
        with filter_stderr("INFO: "):  # such as that it has made a delegate
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
        details = self._interpreter.get_input_details()
        # The name in the signature, as far as files have one.
        self.inputs = {_plain_name(detail["name"]): detail for detail in details}
        self.outputs = self._interpreter.get_output_details()
        signatures = self._interpreter.get_signature_list()
        self.signature_outputs = signatures.get("serving_default", {}).get(
            "outputs", []
        )
        self._allocated: dict[str, tuple[int, ...]] | None = None

    def __call__(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Returns the first output for inputs by name."""
        shapes = {name: value.shape for name, value in values.items()}
        if shapes != self._allocated:
            self._allocate(shapes)
        for name, value in values.items():
            self._interpreter.set_tensor(self.inputs[name]["index"], value)
        self._interpreter.invoke()
        return self._interpreter.get_tensor(self.outputs[0]["index"])

    def _allocate(self, shapes: dict[str, tuple[int, ...]]) -> None:
        # Forgotten first: after a failure nothing is allocated.
        self._allocated = None
        for name, shape in shapes.items():
            self._interpreter.resize_tensor_input(self.inputs[name]["index"], shape)
        with filter_stderr("INFO: "):
            self._interpreter.allocate_tensors()
        self._allocated = shapes


class LiteRtNetwork(Runtime):
    """A .tflite of a network with styles of its own; any file that maps a picture to one."""

    def __init__(self, path: Path, model: LiteRtModel):
        self.name = str(path)
        self._path = path
        self._model = model
        self._blend = next((name for name in BLENDS if name in model.inputs), None)
        pictures = [name for name in model.inputs if name != self._blend]
        _check_pictures("input", [model.inputs[name] for name in pictures])
        _check_pictures("output", model.outputs)
        self._image = pictures[0]
        self.has_strength = self._blend == STRENGTHS
        self.styles = int(model.inputs[self._blend]["shape"][1]) if self._blend else 1

    @functools.cached_property
    def bytes_a_pixel(self) -> float:
        # Anew, since an interpreter keeps what earlier photos took.
        fresh = LiteRtNetwork(self._path, LiteRtModel(self._path))
        return _measure_bytes(fresh, self.styles)

    def make_graph(self) -> Graph:
        from nst_tf.inference.tiles.litert_graph import LiteRtGraph

        return LiteRtGraph(self._path, self._image, (padding.MULTIPLE, padding.MINIMUM))

    def make_settings(self, code: np.ndarray, strength: float) -> dict[str, np.ndarray]:
        return blend_inputs(self._blend, code, strength)

    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        height, width = image.shape[:2]
        padded = padding.pad_to_multiple(image)[None]
        inputs = {self._image: padded, **self.make_settings(code, strength)}
        return self._model(inputs)[0, :height, :width]


class LiteRtPair(Runtime):
    """The two .tflite files of a network of any style: its encoder of styles, and what draws."""

    styles = 0
    has_strength = True

    def __init__(self, style_path: Path, transform_path: Path):
        self.name = str(transform_path)
        self._paths = style_path, transform_path
        self._encoder = _open_part(style_path, "code")
        self._transformer = _open_part(transform_path, "stylized")
        content = self._transformer.inputs["content"]
        self._fixed = tuple(int(side) for side in content["shape_signature"][1:3])

    @functools.cached_property
    def bytes_a_pixel(self) -> float:
        code = self._transformer.inputs["code"]["shape"]
        return _measure_bytes(LiteRtPair(*self._paths), int(code[1]))

    def make_graph(self) -> Graph | None:
        from nst_tf.inference.tiles.litert_graph import LiteRtGraph

        if self._fixed[0] > 0:
            return None
        return LiteRtGraph(self._paths[1], "content", padding.ANY_STYLE)

    def make_settings(self, code: np.ndarray, strength: float) -> dict[str, np.ndarray]:
        return {"code": code[None], "alpha": np.array([[strength]], np.float32)}

    def encode(self, picture: np.ndarray) -> np.ndarray:
        padded = padding.pad_to_multiple(picture, *padding.ANY_STYLE)
        return self._encoder({"style": padded[None]})[0]

    def draw(self, image: np.ndarray, code: np.ndarray, strength: float) -> np.ndarray:
        height, width = image.shape[:2]
        if self._fixed[0] > 0 and self._fixed != (height, width):
            raise expected(
                f"a photo of {self._fixed[1]}x{self._fixed[0]} pixels for {self.name}",
                f"{width}x{height}",
                "Resize it, or use the file of any size, whose name has no number.",
            )
        inputs = {
            "content": padding.pad_to_multiple(image, *padding.ANY_STYLE)[None],
            **self.make_settings(code, strength),
        }
        return self._transformer(inputs)[0, :height, :width]


def open_tflite(path: Path) -> Runtime:
    """Opens a .tflite: a network with styles of its own, or one of a pair of any style.

    Raises:
        UserError: the other file of a pair is missing, or a file is not the one that
            its card describes.
        ValueError: it does not map pictures to pictures; LiteRT raises others on
            damaged files.
    """
    check_card.check(path)
    model = LiteRtModel(path)
    if not {"style", "code"} & set(model.inputs):
        return LiteRtNetwork(path, model)
    style_path, transform_path = find_pair(path)
    check_card.check(style_path if path == transform_path else transform_path)
    return LiteRtPair(style_path, transform_path)


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


def _plain_name(name: str) -> str:
    return name.removeprefix("serving_default_").partition(":")[0]


def _open_part(path: Path, output: str) -> LiteRtModel:
    model = LiteRtModel(path)
    if model.signature_outputs != [output]:
        found = ", ".join(model.signature_outputs) or "none"
        raise ValueError(f"its outputs are {found}, not {output}")
    return model


def _check_pictures(what: str, details: Sequence[Mapping[str, Any]]) -> None:
    shapes = [
        f"{detail['dtype'].__name__} {detail['shape'].tolist()}" for detail in details
    ]
    if len(details) != 1 or not _is_picture(details[0]):
        raise ValueError(
            f"its {what} is {', '.join(shapes)}, not float32 [1, height, width, 3]"
        )


def _is_picture(detail: Mapping[str, Any]) -> bool:
    # Height and width do not matter: any can be set.
    shape = detail["shape"]
    return (
        detail["dtype"] == np.float32
        and len(shape) == 4
        and (int(shape[0]), int(shape[3])) == (1, 3)
    )


def find_pair(path: Path) -> tuple[Path, Path]:
    """Returns the style part and the transformer that a .tflite belongs to."""
    for own, other in ((STYLE_PART, TRANSFORM_PART), (TRANSFORM_PART, STYLE_PART)):
        head, found, tail = path.stem.rpartition(own)
        if not found:
            continue
        # The transformer of a fixed size has its side before the kind of numbers.
        _, separator, kind = tail.rpartition("_")
        suffix = f"_{kind}" if separator and not kind.isdigit() else ""
        partner = path.with_name(f"{head}{other}{suffix}.tflite")
        if not partner.is_file():
            raise expected(
                f"{partner.name} beside {path}",
                "there is none",
                "Keep both parts in one folder.",
            )
        return (path, partner) if own == STYLE_PART else (partner, path)
    raise expected(
        "a pair of files NAME_style*.tflite and NAME_transform*.tflite",
        f"{path}, which is one of such a pair under another name",
        "Give both the names that the export gave them.",
    )
