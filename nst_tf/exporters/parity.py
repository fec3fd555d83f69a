"""The gate of every export: the artefact must draw the picture that the network draws."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from nst_tf import any_style, images, networks, photos, styles

SIZE = (95, 126)         # no side is one that the network can draw without growing it
STYLE_SIDE = 126         # pixels, short side of style pictures


@dataclasses.dataclass(frozen=True)
class Artefact:
    """What an export wrote; as text a line for the user.

    Attributes:
        path: file or folder, for `nst_tf.artifacts.open_artifact`.
        size: bytes.
        decibels: peak signal-to-noise ratio against the network; infinite where both are equal.
        at_least: the ratio that the format promises.
    """

    path: Path
    size: int
    decibels: float
    at_least: float

    def __str__(self):
        return f"{self.path} ({self.size / 1e6:.2f} MB, {text(self.decibels)})"


def check(
    network: keras.Model, artefact: Callable[..., np.ndarray], path: Path, at_least: float,
    size: tuple[int, int] = SIZE,
) -> float:
    """Compares an artefact with the network it was made from, on a photograph.

    A network of several styles is tried with the first, the last and all of them blended, one with strength at
    half of that and at none too, one of any style with two packaged styles, at full and half strength.

    Args:
        network: RGB in [0, 1] -> about [0, 1], [1, H, W, 3]; of several styles with style weights [1, N]
            as its second input; or of any style.
        artefact: the same function as loaded from disk, of inputs by name, clipped to [0, 1].
        path: where the artefact is to be, for the error.
        at_least: peak signal-to-noise ratio in decibels that it must reach.
        size: height and width of the photograph, pixels.

    Returns:
        The ratio in decibels, infinite where both are equal; the smallest of several.

    Raises:
        RuntimeError: the artefact is wrong. That is a fault of conversion, not of the user.
    """
    return min(_decibels(network, artefact, inputs, path, at_least) for inputs in _inputs(network, size))


def _inputs(network, size):
    photo = images.to_float(images.resize_rgb8(photos.builtin_photo("cat"), *size))[None]
    if any_style.is_any_style(network):
        pictures = [images.read_picture(path, short_side=STYLE_SIDE).rgb[None]
                    for path in list(styles.packaged_styles().values())[:2]]
        # By the names of artefacts.
        return [{"content": photo, "style": picture, any_style.ALPHA: np.array([[alpha]], np.float32)}
                for picture, alpha in zip(pictures, (1.0, 0.5))]
    if (name := networks.blend_name(network)) is None:
        return [{"image": photo}]
    single = np.eye(networks.styles_of(network), dtype=np.float32)
    blends = [single[0], single[-1], single.mean(0)]
    if name == networks.STRENGTHS:
        blends += [blends[-1] / 2, np.zeros_like(single[0])]
    return [{"image": photo, name: blend[None]} for blend in blends]


def _decibels(network, artefact, inputs, path, at_least):
    wanted = np.clip(np.asarray(networks.draw(network, *inputs.values())), 0.0, 1.0)
    drawn = artefact(**inputs)
    if drawn.shape != wanted.shape or not np.isfinite(drawn).all():
        raise RuntimeError(
            f"Expected {path} to draw finite pixels of shape {wanted.shape}. Received: shape "
            f"{drawn.shape}, finite: {bool(np.isfinite(drawn).all())}. It was not written.")
    decibels = psnr(drawn, wanted)
    # Not "below": a network that draws NaN compares as neither.
    if not decibels >= at_least:
        raise RuntimeError(
            f"Expected {path} to equal the network by {at_least:.0f} dB. Received: {decibels:.1f} "
            "dB. It was not written.")
    return decibels


def psnr(picture: np.ndarray, reference: np.ndarray) -> float:
    """Returns the peak signal-to-noise ratio of pictures in [0, 1], decibels; infinite if equal."""
    error = float(np.mean(np.square(picture.astype(np.float64) - reference)))
    return math.inf if error == 0 else -10 * math.log10(error)


def text(decibels: float) -> str:
    """Returns "equal to the network" or "52.1 dB to the network"."""
    return "equal to the network" if math.isinf(decibels) else f"{decibels:.1f} dB to the network"
