"""Opens what draws pictures (run folder, .keras, SavedModel, .tflite) as one function on photos.

Runtimes are imported when they are needed: a .tflite does without TensorFlow.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nst_tf.core.errors import UserError, expected
from nst_tf.images import padding
from nst_tf.inference import check_card
from nst_tf.runs.folder import RunFolder

if TYPE_CHECKING:
    import keras

from nst_tf.inference.litert import LiteRtModel

Artifact = Callable[[np.ndarray], np.ndarray]
# From the name of a model's second input and the number of its styles to what goes in,
# or None; `blend_of`.
Blend = Callable[["str | None", int], "np.ndarray | None"]
BLENDS = (
    "style_weights",
    "strengths",
)  # names of the second input that a model of styles can have


class NeedsStyle(UserError):
    """The model paints in any style: `open_any_style.open_any_style` opens it."""


def open_artifact(
    model: str | os.PathLike,
    style_weights: Sequence[float] | int = (),
    strength: float = 1.0,
) -> Artifact:
    """Opens a model by its path.

    Args:
        model: a run folder, a .keras file, a SavedModel (its folder, or the folder of
            its versions, of which the highest is taken), or a .tflite file.
        style_weights: for a model of N styles, N numbers: 1 for the one to paint in and
            0 for the others, or a blend; or a whole number, that of the one style, from
            0.
        strength: how strongly to paint, 0 (the photo, nearly) to 1; below 1 for models
            that learnt it alone.

    Returns:
        A function from float32 [H, W, 3] RGB in [0, 1] to the stylized photo of the
        same shape, in [0, 1], for any H and W from 1 up. It is not for several threads
        at once.

    Raises:
        NeedsStyle: the model paints in any style.
        UserError: nothing there that draws pictures, a damaged file, one that is not as
            the card beside it says (`check_card.check`), or style weights or a strength
            that do not suit the model.
    """
    path, blend = (
        Path(model),
        functools.partial(blend_of, style_weights, strength, Path(model)),
    )
    if path.suffix == ".tflite" and path.is_file():
        check_card.check(path)
        with opening(path):
            return _open_tflite(path, blend)
    if keras_file(path):
        network = open_network(path)
        _refuse_any_style([each.name for each in network.inputs], path)
        return _relaxed(network, blend)
    if saved := saved_model_folder(path):
        check_card.check(saved)
        with opening(saved):
            return _open_saved_model(saved, blend)
    raise nothing(
        path, "a run folder, a .keras file, a SavedModel folder or a .tflite file"
    )


def open_network(model: str | os.PathLike) -> keras.Model:
    """Opens a trained network itself, which can be exported.

    Args:
        model: a run folder or a .keras file.

    Returns:
        RGB in [0, 1] -> about [0, 1], [B, H, W, 3]; with a second input if it has
        several styles, see `transform_net.transform_net`; with style and alpha if it is
        of any style, see `adain_net.any_style_net`.

    Raises:
        UserError: no network there, a damaged file, or a network that does not draw
            pictures.
    """
    file = keras_file(Path(model))
    if file is None:
        raise nothing(Path(model), "a run folder or a .keras file")
    with opening(file):
        import keras

        # They register the layers that the file names.
        from nst_tf.models import adain_net, style_prediction_net, transform_net  # noqa: F401

        network = keras.saving.load_model(file, compile=False)
        if not adain_net.is_any_style(network):
            transform_net.styles_of(network)
    return network


@contextlib.contextmanager
def opening(path: Path) -> Iterator[None]:
    """Makes one line of whatever the runtimes raise on files that are damaged or no models."""
    try:
        yield
    except (UserError, ImportError):
        raise
    # Zip, JSON, HDF5, protocol buffers and flat buffers each fail in their own way, and
    # what they raise is about the file: nothing but opening it happens inside.
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise expected(
            "a model that can be opened",
            f"{path} ({reason.rstrip('.')})",
            "Export or train it again.",
        ) from error


def keras_file(path: Path) -> Path | None:
    """Returns the .keras file that a path stands for, itself or in a run folder."""
    if path.is_file():
        return path if path.suffix == ".keras" else None
    return path / "network.keras" if (path / "network.keras").is_file() else None


def saved_model_folder(path: Path) -> Path | None:
    """Returns the SavedModel that a path stands for: itself, its newest version, or in
    a folder of exports.
    """
    if (path / "saved_model.pb").is_file():
        return path
    versions = [
        folder
        for folder in path.glob("*")
        if folder.name.isdecimal() and (folder / "saved_model.pb").is_file()
    ]
    if not versions and (path / "saved_model").is_dir():
        return saved_model_folder(path / "saved_model")
    return max(versions, key=lambda folder: int(folder.name), default=None)


def nothing(path: Path, wanted: str) -> UserError:
    """Returns the error that there is no model at a path."""
    run = RunFolder(path)
    if run.command == "nst_tf.optimize":
        return expected(
            "a run of nst_tf.train",
            f"{path}, which nst_tf.optimize made: a picture, not a network",
            "Train a network for the style with `python -m nst_tf.train`.",
        )
    if (path / "slim_vgg19.npz").is_file():
        return expected(
            "a run that trained a network that paints",
            f"{path}, which trained a feature network",
            "Use it with --slim_weights, or check --model.",
        )
    if run.record.is_file():
        return expected(
            "a finished run",
            f"{path}, which has no network.keras",
            "Let it finish with "
            f"`python -m nst_tf.train --flagfile={run.flags} --resume`.",
        )
    state = "none of these" if path.exists() else "there is nothing"
    return expected(wanted, f"{path} ({state})", "Check --model.")


def blend_of(
    style_weights: Sequence[float] | int,
    strength: float,
    path: str | os.PathLike,
    name: str | None,
    styles: int,
) -> np.ndarray | None:
    """Returns a model's second input, [1, N]; None if it takes none.

    Args:
        style_weights, strength: as for `open_artifact`.
        path: names the model in errors.
        name: of its second input, one of `BLENDS`; None if it has none.
        styles: N.

    Raises:
        UserError: weights for a single style, or not one for each of several; a
            strength for a model without.
    """
    if not 0 <= strength <= 1:
        raise expected(
            "--strength from 0 to 1",
            strength,
            "0 keeps the photo, 1 paints in full strength.",
        )
    if isinstance(style_weights, int):
        if not 0 <= style_weights < styles:
            raise expected(
                f"a style from 0 to {styles - 1} of {path}",
                style_weights,
                "Choose one.",
            )
        style_weights = np.eye(styles)[style_weights] if styles > 1 else ()
    blend = np.array(style_weights, np.float32)
    if styles == 1:
        if len(blend):
            raise expected(
                f"no --style_weights for {path}, which has one style",
                blend.tolist(),
                "Leave them out.",
            )
        blend = np.ones(1, np.float32)
    elif len(blend) != styles or not np.isfinite(blend).all():
        raise expected(
            f"{styles} numbers as --style_weights for {path}, one for each of its styles",
            blend.tolist() or "none",
            "1 for a style and 0 for the others paints in that one.",
        )
    if name == "strengths":
        return np.float32(strength) * blend[None]
    if strength != 1:
        raise expected(
            f"--strength=1 for {path}, which learnt no other",
            strength,
            "Train with --strength for a network that can paint weakly.",
        )
    return blend[None] if name else None


def _refuse_any_style(names, path):
    """Raises `NeedsStyle` for inputs or signatures of a model of any style."""
    if {"style", "code", "encode_style"} & set(names):
        raise NeedsStyle(
            str(
                expected(
                    "a model that needs no style picture",
                    f"{path}, which paints in any style",
                    "Name one with --style.",
                )
            )
        )


def _relaxed(network: keras.Model, blend_for: Blend) -> Artifact:
    """One trace serves every size; made here, since TensorFlow warns of many functions
    of one name.
    """
    import tensorflow as tf

    from nst_tf.models import transform_net

    blend = blend_for(
        transform_net.blend_name(network), transform_net.styles_of(network)
    )
    rest = [] if blend is None else [tf.constant(blend)]

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], tf.float32)])
    def function(photo):
        return tf.clip_by_value(transform_net.draw(network, photo, *rest), 0.0, 1.0)

    compiled = function.get_concrete_function()
    return lambda photo: compiled(tf.constant(photo[None])).numpy()[0]


def _open_saved_model(path: Path, blend_for: Blend) -> Artifact:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    _refuse_any_style(loaded.signatures, path)
    if "serving_float" not in loaded.signatures:
        raise ValueError(
            f"it has no signature serving_float, only {', '.join(loaded.signatures) or 'none'}"
        )
    signature = loaded.signatures["serving_float"]
    specs = signature.structured_input_signature[1]
    name = next((name for name in BLENDS if name in specs), None)
    blend = blend_for(name, specs[name].shape[1] if name else 1)
    rest = {} if blend is None else {name: tf.constant(blend)}

    def draw(photo: np.ndarray) -> np.ndarray:
        # `loaded` owns the variables: the closure keeps it alive.
        assert loaded is not None
        return signature(image=tf.constant(photo[None]), **rest)["stylized"].numpy()[0]

    return draw


def _open_tflite(path: Path, blend_for: Blend) -> Artifact:
    model = LiteRtModel(path)
    _refuse_any_style(model.inputs, path)
    name = next((name for name in BLENDS if name in model.inputs), None)
    pictures = {each: detail for each, detail in model.inputs.items() if each != name}
    for what, details in (
        ("input", list(pictures.values())),
        ("output", model.outputs),
    ):
        shapes = [
            f"{detail['dtype'].__name__} {detail['shape'].tolist()}"
            for detail in details
        ]
        # Height and width do not matter: any can be set.
        if (
            len(details) != 1
            or details[0]["dtype"] != np.float32
            or (
                len(details[0]["shape"]) != 4
                or list(details[0]["shape"][[0, 3]]) != [1, 3]
            )
        ):
            raise ValueError(
                f"its {what} is {', '.join(shapes)}, not float32 [1, height, width, 3]"
            )
    blend = blend_for(name, int(model.inputs[name]["shape"][1]) if name else 1)
    rest = {} if blend is None else {name: blend}

    def draw(photo: np.ndarray) -> np.ndarray:
        height, width = photo.shape[:2]
        return model(
            {**dict.fromkeys(pictures, padding.pad_to_multiple(photo)[None]), **rest}
        )[0, :height, :width]

    return draw
