"""What a user must know of exported files: how they came about, what they take and
give, how exact they are.
"""

import importlib.metadata
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

from nst_tf.core.files import sha256
from nst_tf.exporters.parity import Artifact
from nst_tf.inference import latency

# What a run's record says that tells something of the network.
RECORDED = (
    "settings",
    "versions",
    "style_sha256",
    "encoder",
    "feature_network",
    "content",
    "steps",
    "seconds",
    "last_terms",
)
# What the guide of TensorFlow Lite's GPU delegate lists
# (tensorflow.org/lite/performance/gpu_advanced); drivers run more.
GPU_DELEGATE = frozenset(
    (
        "ADD",
        "AVERAGE_POOL_2D",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "EXP",
        "FULLY_CONNECTED",
        "LOGISTIC",
        "LSTM",
        "MAX_POOL_2D",
        "MAXIMUM",
        "MINIMUM",
        "MUL",
        "PAD",
        "PRELU",
        "RELU",
        "RELU6",
        "RESHAPE",
        "RESIZE_BILINEAR",
        "SOFTMAX",
        "STRIDED_SLICE",
        "SUB",
        "TRANSPOSE_CONV",
    )
)
RANGES = "pictures: RGB in [0, 1] as float32, 0 to 255 as uint8; style_weights, strengths, alpha: 0 to 1"


def label(style: str) -> str:
    """Returns what a style is called for users: "a/vangogh_starry-night.jpg" is
    "Vangogh starry night".
    """
    name = Path(style).stem.replace("_", " ").replace("-", " ")
    return name[:1].upper() + name[1:]


def labels(style_image: str, count: int) -> list[str]:
    """Returns the names of a network's styles, in the order of its style weights.

    Args:
        style_image: the run's setting; if it does not name `count` styles, they are
            numbered.
        count: of styles.
    """
    named = style_image.split(",") if style_image else []
    return (
        [label(each) for each in named]
        if len(named) == count
        else [f"Style {n + 1}" for n in range(count)]
    )


def card(
    folder: Path,
    artifacts: Sequence[Artifact],
    recorded: dict,
    styles: Sequence[str] = (),
) -> dict:
    """Returns the card of some artifacts for JSON.

    Absolute paths among the run's settings are given by their last name: cards are
    published.

    Args:
        folder: in which they lie.
        artifacts: from `exporters.export`.
        recorded: `run_folder.RunFolder.recorded` of the run, {} if it is not known.
        styles: from `labels`; none for a network of any style.
    """
    return {
        "name": folder.resolve().name,
        "ranges": RANGES,
        **({"styles": list(styles)} if styles else {}),
        "exported_with": {
            name: importlib.metadata.version(name)
            for name in ("tensorflow", "keras", "ai-edge-litert")
        },
        "run": {name: _public(recorded[name]) for name in RECORDED if name in recorded},
        "artifacts": [_entry(folder, artifact) for artifact in artifacts],
    }


def _public(value):
    if isinstance(value, dict):
        return {name: _public(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_public(each) for each in value]
    if not isinstance(value, str):
        return value
    # Several paths stand in one setting.
    return ",".join(
        Path(part).name if part.startswith("/") else part for part in value.split(",")
    )


def _entry(folder, artifact):
    likeness = artifact.likeness
    decibels = {"least": round(likeness.least, 1), "mean": round(likeness.mean, 1)}
    entry = {
        "file": artifact.path.relative_to(folder).as_posix(),
        "bytes": artifact.size,
        "decibels_to_the_network": "equal" if math.isinf(likeness.least) else decibels,
        "gray_levels_to_the_network": {
            "largest": round(likeness.largest, 2),
            "mean": round(likeness.average, 3),
        },
    }
    if artifact.path.is_file():
        return entry | {"latency": latency.here(artifact.path)} | _tflite(artifact.path)
    if (artifact.path / "saved_model.pb").is_file():
        return (
            entry
            | {"latency": latency.here(artifact.path)}
            | _saved_model(artifact.path)
        )
    # What it takes in browsers, nothing here can say.
    return entry | _page(artifact.path)


def _tflite(path):
    # Not allocated: a file of any size has none yet.
    interpreter = Interpreter(model_path=str(path))
    # LiteRT has no public list of a file's operations. DELEGATE stands for those that
    # XNNPACK took over.
    details = interpreter._get_ops_details()
    operations = Counter(op["op_name"] for op in details)
    operations.pop("DELEGATE", None)
    signature = interpreter.get_signature_runner()
    types = {
        tensor["index"]: tensor["dtype"] for tensor in interpreter.get_tensor_details()
    }
    integer = Counter(
        op["op_name"]
        for op in details
        if all(
            types.get(index) is np.int8 for index in (*op["inputs"][:1], *op["outputs"])
        )
    )
    gpu = {
        "not_in_the_published_list": sorted(set(operations) - GPU_DELEGATE),
        "run": "not on a GPU",
    }
    return {
        "sha256": sha256(path),
        "operations": dict(sorted(operations.items())),
        # All others are in float32.
        **({"operations_in_8_bits": dict(sorted(integer.items()))} if integer else {}),
        "gpu_delegate": gpu,
        **{
            kind: {
                name: f"{detail['dtype'].__name__} {_shape(detail['shape_signature'])}"
                for name, detail in ends.items()
            }
            for kind, ends in (
                ("inputs", signature.get_input_details()),
                ("outputs", signature.get_output_details()),
            )
        },
    }


def _saved_model(path):
    signatures = tf.saved_model.load(str(path)).signatures
    return {
        "sha256": _hashes(path),
        "signatures": {
            name: {
                # TensorFlow's order changes from load to load.
                kind: {
                    key: f"{spec.dtype.name} {_shape(spec.shape)}"
                    for key, spec in sorted(specs.items())
                }
                for kind, specs in (
                    ("inputs", signature.structured_input_signature[1]),
                    ("outputs", signature.structured_outputs),
                )
            }
            for name, signature in signatures.items()
        },
    }


def _page(path):
    return {
        "sha256": _hashes(path),
        "models": {
            file.relative_to(path).as_posix(): {
                key: value for key, value in _tflite(file).items() if key != "sha256"
            }
            for file in sorted(path.rglob("*.tflite"))
        },
    }


def _hashes(folder):
    return {
        file.relative_to(folder).as_posix(): sha256(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _shape(shape):
    return (
        "["
        + ", ".join(
            "any" if side is None or int(side) < 0 else str(int(side)) for side in shape
        )
        + "]"
    )
