"""Opens models of any style (run folder, .keras, SavedModel, pair of .tflite) as two
functions on pictures.

Runtimes are imported when they are needed: a pair of .tflite does without TensorFlow.
"""

import dataclasses
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from nst_tf.core.errors import expected
from nst_tf.images import padding
from nst_tf.inference import check_card, litert, open_model

STYLE_PART, TRANSFORM_PART = "_style", "_transform"  # in names of .tflite files


@dataclasses.dataclass(frozen=True)
class AnyStyle:
    """A model of any style; it is not for several threads at once.

    Attributes:
        encode_style: float32 [h, w, 3] RGB in [0, 1] -> code, float32 [N].
        transform: (float32 [H, W, 3] RGB in [0, 1], code, alpha) -> the painted photo,
            of the same shape, in [0, 1].
    """

    encode_style: Callable[[np.ndarray], np.ndarray]
    transform: Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def open_any_style(model: str | os.PathLike) -> AnyStyle:
    """Opens a model of any style by its path.

    Args:
        model: a run folder, a .keras file, a SavedModel, a folder of exports, or one of
            a pair of .tflite files, NAME_style*.tflite and NAME_transform*.tflite.

    Raises:
        UserError: nothing there that paints in any style, a damaged file, or one that
            is not as the card beside it says (`check_card.check`).
    """
    path = Path(model)
    if path.suffix == ".tflite" and path.is_file():
        pair = _pair(path)
        for part in pair:
            check_card.check(part)
        with open_model.opening(path):
            return _open_pair(*pair)
    if open_model.keras_file(path):
        return _open_network(path)
    if saved := open_model.saved_model_folder(path):
        check_card.check(saved)
        with open_model.opening(saved):
            return _open_saved_model(saved)
    raise open_model.nothing(
        path, "a run folder, a .keras file, a SavedModel folder or a .tflite file"
    )


def blended(codes: Sequence[np.ndarray], weights: Sequence[float] = ()) -> np.ndarray:
    """Returns the weighted mean of styles' codes; the weights are scaled to a sum of 1,
    none are equal ones.

    Raises:
        UserError: other than one weight a style, or weights that cannot be scaled so.
    """
    weights = np.array(weights or [1.0] * len(codes), np.float64)
    if len(weights) != len(codes):
        raise expected(
            f"{len(codes)} numbers as --style_weights, one for each style",
            len(weights),
            "Name as many as --style has.",
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.sum() > 0:
        raise expected(
            "--style_weights of at least 0, not all 0", weights.tolist(), "Try 1,1."
        )
    return np.tensordot(weights / weights.sum(), np.stack(codes), 1).astype(np.float32)


def _open_network(path):
    import tensorflow as tf

    from nst_tf.models import adain_net

    network = open_model.open_network(path)
    if not adain_net.is_any_style(network):
        raise _single(path)
    parts = adain_net.parts_of(network)
    picture, numbers = tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([1, None])
    size = parts.encode_style.output.shape[-1]

    @tf.function(input_signature=[picture])
    def encode(style):
        return parts.encode_style(style)

    @tf.function(input_signature=[picture, numbers, numbers])
    def transform(photo, code, alpha):
        code, alpha = tf.ensure_shape(code, [1, size]), tf.ensure_shape(alpha, [1, 1])
        return tf.clip_by_value(parts.transform([photo, code, alpha]), 0.0, 1.0)

    return AnyStyle(
        lambda style: encode(style[None]).numpy()[0],
        lambda photo, code, alpha: transform(
            photo[None], code[None], _number(alpha)
        ).numpy()[0],
    )


def _open_saved_model(path):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    if not {"encode_style", "transform"} <= set(loaded.signatures):
        raise _single(path)

    def encode(style):
        # `loaded` owns the variables: the closures keep it alive.
        return loaded.signatures["encode_style"](style=tf.constant(style[None]))[
            "code"
        ].numpy()[0]

    def transform(photo, code, alpha):
        return loaded.signatures["transform"](
            content=tf.constant(photo[None]),
            code=tf.constant(code[None]),
            alpha=tf.constant(_number(alpha)),
        )["stylized"].numpy()[0]

    return AnyStyle(encode, transform)


def _pair(path):
    """The style part and the transformer that a .tflite belongs to."""
    for own, other in ((STYLE_PART, TRANSFORM_PART), (TRANSFORM_PART, STYLE_PART)):
        head, found, tail = path.stem.rpartition(own)
        if not found:
            continue
        suffix = (
            tail[tail.rfind("_") :]
            if "_" in tail and not tail[tail.rfind("_") + 1 :].isdigit()
            else ""
        )
        partner = path.with_name(f"{head}{other}{suffix}.tflite")
        if not partner.is_file():
            raise expected(
                f"{partner.name} beside {path}",
                "there is none",
                "Keep both parts in one folder.",
            )
        return (path, partner) if own == STYLE_PART else (partner, path)
    raise _single(path)


def _open_pair(style_path, transform_path):
    encoder, transformer = (
        litert.LiteRtModel(style_path),
        litert.LiteRtModel(transform_path),
    )
    for model, wanted in ((encoder, "code"), (transformer, "stylized")):
        if model.signature_outputs != [wanted]:
            raise ValueError(
                f"its outputs are {', '.join(model.signature_outputs) or 'none'}, not {wanted}"
            )
    sides = tuple(map(int, transformer.inputs["content"]["shape_signature"][1:3]))
    fixed = sides if sides[0] > 0 else None

    def encode(style):
        return encoder(
            {"style": padding.pad_to_multiple(style, *padding.ANY_STYLE)[None]}
        )[0]

    def transform(photo, code, alpha):
        height, width = photo.shape[:2]
        if fixed and fixed != (height, width):
            raise expected(
                f"a photo of {fixed[1]}x{fixed[0]} pixels for {transform_path}",
                f"{width}x{height}",
                "Resize it, or use the file of any size, whose name has no number.",
            )
        grown = padding.pad_to_multiple(photo, *padding.ANY_STYLE)[None]
        return transformer(
            {"content": grown, "code": code[None], "alpha": _number(alpha)}
        )[0, :height, :width]

    return AnyStyle(encode, transform)


def _number(alpha):
    return np.array([[alpha]], np.float32)


def _single(path):
    return expected(
        "a model of any style",
        f"{path}, which has styles of its own",
        "Leave out --style.",
    )
