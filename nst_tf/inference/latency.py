"""Times one model on one size of picture, in a process of its own: so its memory is its
own as well.
"""

import dataclasses
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nst_tf.core.errors import UserError, expected
from nst_tf.inference import check_card, open_model
from nst_tf.inference.runtimes.model_file import ModelFile

_ALONE = """
import json, sys
from nst_tf.inference import latency
from nst_tf.core.errors import UserError
try:
    print("\\n" + json.dumps(latency.time_model(**json.loads(sys.argv[1]))))
except UserError as error:
    sys.exit(f"error: {error}")
"""


Draw = Callable[[], Any]  # draws one picture


@dataclasses.dataclass(frozen=True)
class Timing:
    """What one model took.

    Attributes:
        size: bytes on disk.
        side: of the picture, pixels; the model's own if it has a fixed one.
        load: seconds to open it and to make it ready for that size.
        first: seconds of the first picture.
        seconds: each of the pictures after it.
        memory: peak of the process, with the runtime, bytes.
    """

    size: int
    side: int
    load: float
    first: float
    seconds: list[float]
    memory: int


def time_alone(model: str, side: int, threads: int, repeats: int) -> Timing:
    """Times a model in a new process.

    Args:
        model: as for `open_model.find_artifact`.
        side: of the square picture, pixels.
        threads: of the CPU.
        repeats: pictures after the first.

    Raises:
        UserError: it cannot be opened or does not run.
    """
    job = {"model": model, "side": side, "threads": threads, "repeats": repeats}
    done = subprocess.run(
        [sys.executable, "-c", _ALONE, json.dumps(job)], capture_output=True, text=True
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        if last.startswith("error: "):
            raise UserError(last.removeprefix("error: "))
        raise expected(
            f"{model} to run at {side}x{side}", last, "Leave it out, or change --sizes."
        )
    return Timing(**json.loads(done.stdout.strip().splitlines()[-1]))


def time_model(model: str, side: int, threads: int, repeats: int) -> dict[str, Any]:
    """Times a model in this process; see `time_alone`. Returns the fields of `Timing`."""
    path = Path(model)
    kind, file = find_kind(path)
    if kind != KERAS:
        check_card.check(file)
    started = time.perf_counter()
    with open_model.opening(path):
        if kind in (KERAS, SAVED_MODEL):
            _limit_tensorflow(threads)
        draw, side = OPENERS[kind](file, side, threads)
    load = time.perf_counter() - started
    seconds = _time_pictures(draw, repeats)
    own = [file] if file.is_file() else file.rglob("*")
    if kind == OPENVINO:
        own = [file, file.with_suffix(".bin")]
    return dataclasses.asdict(
        Timing(
            sum(part.stat().st_size for part in own if part.is_file()),
            side,
            load,
            seconds[0],
            seconds[1:],
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            * (1 if sys.platform == "darwin" else 1024),
        )
    )


def find_kind(path: Path) -> tuple[str, Path]:
    """Returns which of `OPENERS` opens a path, and the file or folder to open.

    Args:
        path: as for `open_model.find_artifact`.

    Raises:
        UserError: it is none of these.
    """
    file = open_model.find_artifact(path)
    return (SAVED_MODEL if file.is_dir() else file.suffix[1:]), file


def here(path: Path, side: int = 384, repeats: int = 3) -> dict[str, Any]:
    """Times an exported file in this process, whatever else it does: a rough figure, for a card.

    Args:
        path: a file of `MODEL_FILES` or a SavedModel.
        side: of the square picture, pixels; a file of a fixed size is timed at that.
        repeats: pictures after the first, of which the median counts.

    Returns:
        {"pixels", "milliseconds", "threads", "machine"}; threads are those of the processor.

    Raises:
        UserError: it is no model of a known kind.
    """
    threads = os.cpu_count() or 1
    kind, file = find_kind(path)
    draw, side = OPENERS[kind](file, side, threads)
    seconds = _time_pictures(draw, repeats)[1:]
    return {
        "pixels": side**2,
        "milliseconds": round(1000 * statistics.median(seconds), 1),
        "threads": threads,
        "machine": platform.machine(),
    }


def _time_pictures(draw: Draw, repeats: int) -> list[float]:
    """Seconds of the first picture and of so many after it."""
    seconds = []
    for _ in range(1 + repeats):
        started = time.perf_counter()
        draw()
        seconds.append(time.perf_counter() - started)
    return seconds


def _open_tflite(path: Path, side: int, threads: int) -> tuple[Draw, int]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    details = interpreter.get_input_details()
    pictures = [detail for detail in details if _is_picture(detail["shape"])]
    if not pictures:
        raise expected(
            "a .tflite that takes a picture",
            f"{path} with {[d['shape'].tolist() for d in details]}",
            "Leave it out.",
        )
    asked = [1, side, side, 3]
    try:
        for detail in pictures:
            interpreter.resize_tensor_input(detail["index"], asked)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError):
        # Made for one size: timed at that.
        interpreter = Interpreter(model_path=str(path), num_threads=threads)
        interpreter.allocate_tensors()
    rng = np.random.default_rng(0)
    details = interpreter.get_input_details()
    for detail in details:
        interpreter.set_tensor(
            detail["index"], rng.random(detail["shape"]).astype(detail["dtype"])
        )
    own = next(detail["shape"][1] for detail in details if _is_picture(detail["shape"]))
    return interpreter.invoke, int(own)


def _open_onnx(path: Path, side: int, threads: int) -> tuple[Draw, int]:
    from nst_tf.inference.runtimes.onnx import OnnxModel

    return _draw_with(OnnxModel(path, threads), side)


def _open_openvino(path: Path, side: int, threads: int) -> tuple[Draw, int]:
    from nst_tf.inference.runtimes.openvino import OpenVinoModel

    return _draw_with(OpenVinoModel(path, threads), side)


def _draw_with(file: ModelFile, side: int) -> tuple[Draw, int]:
    """Returns what runs a file on noise, at its own side if that is fixed."""
    own = [each.shape[1] for each in file.inputs.values() if _is_picture(each.shape)]
    if not own:
        raise expected(
            f"a {file.path.suffix} that takes a picture",
            f"{file.path} with {', '.join(map(str, file.inputs.values()))}",
            "Leave it out.",
        )
    side = own[0] or side
    rng, values = np.random.default_rng(0), {}
    for name, each in file.inputs.items():
        free = [1, side, side, 3] if len(each.shape) == 4 else [1] * len(each.shape)
        shape = [given or other for given, other in zip(each.shape, free)]
        values[name] = rng.random(shape).astype(each.dtype)
    return lambda: file(values), side


def _limit_tensorflow(threads: int) -> None:
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def _open_keras(path: Path, side: int, threads: int) -> tuple[Draw, int]:
    import tensorflow as tf

    network = open_model.open_network(path).get_drawing_part()
    inputs = _random_tensors(side, [each.shape for each in network.inputs])
    compiled = tf.function(lambda: network(inputs if len(inputs) > 1 else inputs[0]))
    return lambda: compiled().numpy(), side


def _open_saved_model(path: Path, side: int, threads: int) -> tuple[Draw, int]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    ours = [
        name for name in ("transform", "serving_float") if name in loaded.signatures
    ]
    if not ours:
        raise expected(
            "a SavedModel of ours",
            f"{path} with {', '.join(loaded.signatures) or 'no signatures'}",
            "Leave it out.",
        )
    signature = loaded.signatures[ours[0]]
    specs = signature.structured_input_signature[1]
    tensors = _random_tensors(side, [spec.shape for spec in specs.values()])
    inputs = dict(zip(specs, tensors))

    def draw() -> None:
        # `loaded` owns the variables: the closure keeps it alive.
        assert loaded is not None
        signature(**inputs)["stylized"].numpy()

    return draw, side


def _random_tensors(side: int, shapes: Sequence[Any]) -> list[Any]:
    import tensorflow as tf

    rng = np.random.default_rng(0)
    tensors = []
    for shape in shapes:
        size = [1, side, side, 3] if len(shape) == 4 else [1, shape[-1]]
        tensors.append(tf.constant(rng.random(size), tf.float32))
    return tensors


def _is_picture(shape: Sequence[int | None]) -> bool:
    return len(shape) == 4 and shape[-1] == 3


TFLITE, KERAS, SAVED_MODEL = "tflite", "keras", "saved_model"
ONNX, OPENVINO = "onnx", "xml"
# (path, side, threads) -> (draws one picture, the side that it has)
OPENERS = {
    TFLITE: _open_tflite,
    KERAS: _open_keras,
    SAVED_MODEL: _open_saved_model,
    ONNX: _open_onnx,
    OPENVINO: _open_openvino,
}
