"""The gate of every export: the artifact must draw the pictures that the network draws."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np

from nst_tf.data import sample_photos
from nst_tf.exporters import network_inputs
from nst_tf.images import io as image_io

VIEWS = 20  # of the packaged photographs
SIZE = (71, 94)  # no side is one that the network can draw without padding it


@dataclasses.dataclass(frozen=True, order=True)
class Likeness:
    """How near an artifact comes to the network, over several pictures.

    Attributes:
        least: peak signal-to-noise ratio of the picture that differs most, decibels;
            infinite where equal.
        mean: of the ratios of all pictures.
        largest: difference of the one number that differs most, gray levels.
        average: over the numbers of all pictures, gray levels.
    """

    least: float
    mean: float
    largest: float
    average: float

    def __str__(self):
        """ "equal to the network", or "at least 52.1 dB to the network, 55.0 in the mean"."""
        if math.isinf(self.least):
            return "equal to the network"
        return (
            f"at least {self.least:.1f} dB to the network, {self.mean:.1f} in the mean"
        )


@dataclasses.dataclass(frozen=True)
class Artifact:
    """What an export wrote; as text a line for the user.

    Attributes:
        path: file or folder, for the exporter's `open` and `describe`.
        size: bytes.
        likeness: to the network.
        at_least: the ratio that the format promises, decibels.
        exporter: name of the format.
    """

    path: Path
    size: int
    likeness: Likeness
    at_least: float
    exporter: str

    def __str__(self):
        return f"{self.path} ({self.size / 1e6:.2f} MB, {self.likeness})"


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
    size: tuple[int, int] = SIZE,
    views: Sequence[int] = range(VIEWS),
) -> list[Reference]:
    """Returns what a network makes of photographs, in its style settings in turn.

    Args:
        network: of one, several or any styles.
        size: height and width of the photographs, pixels.
        views: which; see `view`.
    """
    settings = network_inputs.style_settings(network)
    name = "content" if network_inputs.is_any_style(network) else "image"
    references = []
    for number in views:
        # Shifts the pairing each round, so that every photo meets every setting.
        turn = number + number // len(sample_photos.PHOTOS)
        chosen = settings[turn % len(settings)]
        photo = view(number, size)[None]
        picture = network_inputs.draw(network, photo, chosen)
        references.append(Reference({name: photo, **chosen}, picture))
    return references


def compare(
    references: Sequence[Reference],
    artifact: Callable[..., np.ndarray],
    path: Path,
    at_least: float,
) -> Likeness:
    """Compares an artifact with what the network has drawn.

    Args:
        references: from `draw_references`.
        artifact: the same function as loaded from disk, of inputs by name, clipped to
            [0, 1].
        path: where the artifact is to be, for the error.
        at_least: peak signal-to-noise ratio in decibels that each picture must reach.

    Raises:
        RuntimeError: the artifact is wrong. That is a fault of conversion, not of the
            user.
    """
    differences = [_compare(each, artifact, path, at_least) for each in references]
    decibels, largest, average = zip(*differences)
    return Likeness(
        min(decibels), float(np.mean(decibels)), max(largest), float(np.mean(average))
    )


@functools.lru_cache(maxsize=2 * VIEWS)
def view(number: int, size: tuple[int, int]) -> np.ndarray:
    """Returns a part of a packaged photograph, float32 [H, W, 3]: the same for the same
    number, another for others.

    Parts, because five photographs are too few: small and large ones, with and without
    flat sky or wall, in which instance norm makes much of little.
    """
    rgb8 = sample_photos.builtin_photo(
        list(sample_photos.PHOTOS)[number % len(sample_photos.PHOTOS)]
    )
    rng, (height, width) = np.random.default_rng(number), rgb8.shape[:2]
    scale = rng.uniform(0.35, 1.0) * min(height / size[0], width / size[1])
    tall, wide = (max(1, int(scale * side)) for side in size)
    top, left = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    return image_io.to_float(
        image_io.resize_rgb8(rgb8[top : top + tall, left : left + wide], *size)
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
    decibels = psnr(picture, wanted)
    # Not "below": a network that draws NaN compares as neither.
    if not decibels >= at_least:
        raise RuntimeError(
            f"Expected {path} to equal the network by {at_least:.0f} dB. Received: {decibels:.1f} "
            "dB. It was not written."
        )
    grays = 255 * np.abs(picture - wanted)
    return decibels, float(grays.max()), float(grays.mean())


def psnr(picture: np.ndarray, reference: np.ndarray) -> float:
    """Returns the peak signal-to-noise ratio of pictures in [0, 1], decibels; infinite if equal."""
    error = float(np.mean(np.square(picture.astype(np.float64) - reference)))
    return math.inf if error == 0 else -10 * math.log10(error)
