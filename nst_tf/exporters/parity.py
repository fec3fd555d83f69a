"""The gate of every export: the artifact must draw the pictures that the network draws."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from nst_tf.core import memory
from nst_tf.data import sample_photos
from nst_tf.exporters import network_inputs, views

# Memory of drawing, in sizes of the network's largest tensor. Measured: in TensorFlow 3.4
# to 3.5 for the published models; as .tflite 3.7 for starry_night_mobile at 12
# megapixels, and 5.8 for starry_night, whose last kernel is nine wide. TensorFlow does
# not give back all that it took before.
PEAK = 8.0


@dataclasses.dataclass(frozen=True, order=True)
class Likeness:
    """How near an artifact comes to the network, over several pictures.

    Attributes:
        least: peak signal-to-noise ratio of the picture that differs most, decibels;
            infinite where equal.
        mean: of the ratios of all pictures that are not equal.
        largest: difference of the one number that differs most, gray levels.
        average: over the numbers of all pictures, gray levels.
        by_size: least ratio of the pictures of each size, "WIDTHxHEIGHT".
        left_out: why no large picture was looked at; "" if one was, or none is asked.
    """

    least: float
    mean: float
    largest: float
    average: float
    by_size: dict[str, float] = dataclasses.field(default_factory=dict, compare=False)
    left_out: str = dataclasses.field(default="", compare=False)

    def __str__(self):
        """ "equal to the network", or "at least 52.1 dB to the network, 55.0 in the mean";
        then what was left out.
        """
        text = "equal to the network"
        if not math.isinf(self.least):
            text = f"at least {self.least:.1f} dB to the network, {self.mean:.1f} in the mean"
        return f"{text}; {self.left_out}" if self.left_out else text


@dataclasses.dataclass(frozen=True)
class Artifact:
    """What an export wrote; as text a line for the user.

    Attributes:
        path: file or folder, for the exporter's `open` and `describe`.
        size: bytes.
        likeness: to the network; None if nothing here can draw with it.
        at_least: the ratio that the format promises, decibels.
        exporter: name of the format.
        not_drawn: why there is no likeness, and what was looked at instead.
    """

    path: Path
    size: int
    likeness: Likeness | None
    at_least: float
    exporter: str
    not_drawn: str = ""

    def __str__(self):
        found = self.likeness or f"not drawn: {self.not_drawn}"
        return f"{self.path} ({self.size / 1e6:.2f} MB, {found})"


@dataclasses.dataclass(frozen=True)
class Reference:
    """What an artifact is compared with.

    Attributes:
        inputs: arrays by the names that artifacts give them.
        picture: what the network makes of them, float32 [1, H, W, 3] in [0, 1].
    """

    inputs: dict[str, np.ndarray]
    picture: np.ndarray


def draw_references(
    network: keras.Model,
    size: tuple[int, int] = views.SIZE,
    numbers: Sequence[int] = range(views.VIEWS),
) -> list[Reference]:
    """Returns what a network makes of photographs, in its style settings in turn.

    Args:
        network: of one, several or any styles.
        size: height and width of the photographs, pixels.
        numbers: of the views; see `views.view`.
    """
    return [
        Reference(inputs, network_inputs.draw(network, *inputs.values()))
        for inputs in _choose_inputs(network, size, numbers)
    ]


def draw_all_sizes(network: keras.Model) -> list[Reference]:
    """Returns the references of all views of `views.SIZE`, and of one of
    each of `views.SIZES`."""
    references = draw_references(network)
    for number, size in enumerate(views.SIZES):
        references += draw_references(network, size, [number])
    return references


def draw_large(network: keras.Model) -> tuple[list[Reference], str]:
    """Returns the reference of one view of `views.LARGE`; or none, and why.

    LiteRT may take more memory for it than TensorFlow.
    """
    (inputs,) = _choose_inputs(network, views.LARGE, [0], views.cut_view)
    compiled = network_inputs.compile_drawing(network, inputs)
    needed = PEAK * compiled.largest_tensor
    free = memory.available_memory()
    # Half of it, since others take memory meanwhile, and a process that runs out is ended.
    if needed > free / 2:
        height, width = views.LARGE
        return [], (
            f"not looked at {width}x{height} pixels, which takes {needed / 1e9:.1f} GB "
            f"of memory, more than half of the {free / 1e9:.1f} that are free"
        )
    return [Reference(inputs, compiled.draw())], ""


def _choose_inputs(network, size, numbers, cut=views.view):
    """Yields photographs with settings of style, as inputs by name, the photo first."""
    settings = network_inputs.style_settings(network)
    name = "content" if network_inputs.is_any_style(network) else "image"
    for number in numbers:
        # Shifts the pairing each round, so that every photo meets every setting.
        turn = number + number // len(sample_photos.PHOTOS)
        photo = cut(number, size)[None]
        yield {name: photo, **settings[turn % len(settings)]}


def compare(
    references: Sequence[Reference],
    artifact: Callable[..., np.ndarray],
    path: Path,
    at_least: float,
    large_at_least: float = 0.0,
) -> Likeness:
    """Compares an artifact with what the network has drawn.

    Args:
        references: from `draw_references`, `draw_all_sizes`, `draw_large`.
        artifact: the same function as loaded from disk, of inputs by name, clipped to
            [0, 1].
        path: where the artifact is to be, for the error.
        at_least: peak signal-to-noise ratio in decibels that each picture must reach,
            but for one of a single pixel, which has to be drawn and no more: it is
            grown to a picture of one color, of which norms divide mere rounding by
            the root of their epsilon, one after the other, so that TensorFlow's
            picture of it may be noise, too.
        large_at_least: the same for pictures of `views.MANY_PIXELS` and more; 0 for no
            other.

    Raises:
        RuntimeError: the artifact is wrong. That is a fault of conversion, not of the
            user.
    """
    differences = []
    for reference in references:
        height, width = reference.picture.shape[1:3]
        floor = at_least
        if height == width == 1:
            floor = -math.inf
        elif height * width >= views.MANY_PIXELS:
            floor = large_at_least or at_least
        differences.append(_compare(reference, artifact, path, floor))
    decibels, largest, average = zip(*differences)
    larger = [
        ratio
        for reference, ratio in zip(references, decibels)
        if reference.picture.shape[1:3] != (1, 1)
    ]
    unequal = [ratio for ratio in larger if not math.isinf(ratio)]
    by_size: dict[str, float] = {}
    for reference, ratio in zip(references, decibels):
        height, width = reference.picture.shape[1:3]
        size = f"{width}x{height}"
        by_size[size] = min(ratio, by_size.get(size, math.inf))
    return Likeness(
        min(larger or decibels),
        float(np.mean(unequal)) if unequal else math.inf,
        max(largest),
        float(np.mean(average)),
        by_size,
    )


def _compare(reference, artifact, path, at_least):
    """Decibels, and the largest and the mean difference in gray levels."""
    picture = artifact(**reference.inputs)
    wanted = reference.picture
    finite = bool(np.isfinite(picture).all())
    if picture.shape != wanted.shape or not finite:
        raise RuntimeError(
            f"Expected {path} to draw finite pixels of shape {wanted.shape}. Received: "
            f"shape {picture.shape}, finite: {finite}. It was not written."
        )
    height, width = wanted.shape[1:3]
    decibels = psnr(picture, wanted)
    # Not "below": a network that draws NaN compares as neither.
    if not decibels >= at_least:
        raise RuntimeError(
            f"Expected {path} to equal the network by {at_least:.0f} dB. Received: {decibels:.1f} "
            f"dB at {width}x{height} pixels. It was not written."
        )
    grays = 255 * np.abs(picture - wanted)
    return decibels, float(grays.max()), float(grays.mean())


def psnr(picture: np.ndarray, reference: np.ndarray) -> float:
    """Returns the peak signal-to-noise ratio of pictures in [0, 1], decibels; infinite if equal."""
    error = float(np.mean(np.square(picture.astype(np.float64) - reference)))
    return math.inf if error == 0 else -10 * math.log10(error)
