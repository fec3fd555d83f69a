"""The perceptual score of stylized photos: what every comparison of
models is made with.
"""

import bisect
import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np
import tensorflow as tf

from nst_tf.features.extractors import FeatureExtractor
from nst_tf.images import io as image_io
from nst_tf.inference.folder import Paint
from nst_tf.losses.perceptual import (
    LossWeights,
    PerceptualLoss,
    StyleTarget,
    weighted_mean,
)

LEAST = 1e-12  # of a style objective whose logarithm is taken


@dataclasses.dataclass(frozen=True)
class Score:
    """Objectives of one set of stylized photos.

    Attributes:
        content: mean relative squared error of relu4_2 to the photo's.
        style: mean over relu1_1 ... relu5_1 of the relative squared error of the Gram
            matrices.
    """

    content: float
    style: float


class PerceptualScore:
    """Scores models on photos for one style.

    Args:
        extractor: normally the real VGG19; it must deliver `weights.layers`.
        style: the style picture at the size that it is judged at.
        weights: layers of both terms, and the terms' weights in the sum.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        style: image_io.Image,
        weights: LossWeights = LossWeights(),
    ):
        self._loss = PerceptualLoss(extractor, weights)
        self._target = StyleTarget(self._loss.style_target(style.rgb[None]))
        self._photo: np.ndarray | None = None
        picture = tf.TensorSpec([1, None, None, 3])
        maps = dict.fromkeys(
            weights.content_layers, tf.TensorSpec([1, None, None, None])
        )
        self._find_content = tf.function(
            self._loss.content_target, autograph=False, input_signature=[picture]
        )
        self._find_errors = tf.function(
            self._errors, autograph=False, input_signature=[picture, maps]
        )

    def terms(self, drawn: np.ndarray, photo: np.ndarray) -> dict[str, float]:
        """Returns the terms of one stylized photo, both float32 [H, W, 3] in [0, 1].

        Returns:
            {"content", "style", "total"} and, for each layer, "content relu4_2" or "style relu1_1"; total is
            the sum by the weights, all others are not weighted.
        """
        if photo is not self._photo:  # several paintings of one photo need it once
            self._content = self._find_content(photo[None])
            self._photo = photo
        found = self._find_errors(drawn[None], self._content)
        errors = {
            term: {layer: float(error[0]) for layer, error in layers.items()}
            for term, layers in found.items()
        }
        weights = self._loss.weights
        content = weighted_mean(weights.content_layers, errors["content"])
        style = weighted_mean(weights.style_layers, errors["style"])
        return {
            "content": content,
            "style": style,
            "total": weights.content * content + weights.style * style,
            **{
                f"{term} {layer}": error
                for term, layers in errors.items()
                for layer, error in layers.items()
            },
        }

    def score(self, paint: Paint, photos: Iterable[np.ndarray]) -> Score:
        """Stylizes each photo, float32 [H, W, 3] in [0, 1], and returns the mean objectives."""
        found = [self.terms(paint(photo), photo) for photo in photos]
        return Score(
            *(
                float(np.mean([terms[name] for terms in found]))
                for name in ("content", "style")
            )
        )

    def _errors(self, drawn, content):
        loss, features = self._loss, self._loss.extractor(drawn)
        return {
            "content": loss.content_errors(features, content),
            "style": loss.style_errors(features, self._target),
        }


def read_photos(content: str, long_side: int, count: int = 0) -> Sequence[np.ndarray]:
    """Returns the photos that `content` stands for, float32 [H, W, 3] in [0, 1], at
    `long_side` pixels.

    With a `count` above 0, about that many of them, evenly chosen.
    """
    return [
        image_io.read_image(path, long_side=long_side).rgb
        for path in evenly(image_io.find_images(content), count)
    ]


def evenly(items: Sequence, count: int) -> Sequence:
    """Returns about `count` of the items, at equal distances; all of them for 0."""
    return items[:: max(1, len(items) // count)] if count else items


def style_at_content(points: Sequence[tuple[float, float]], content: float) -> float:
    """Returns the style objective that a family of models has at a given content objective.

    Content and style trade off, so models are compared at equal content: the logarithm
    of style is interpolated linearly between the two (content, style) points on both
    sides of it. Beyond the last point the last two are continued. Of points of one
    content the mean logarithm counts; where there is but one content, it is the result.

    Args:
        points: (content, style) of models that differ in their loss weights only.
        content: where to read off.
    """
    logs: dict[float, list[float]] = {}
    for place, style in points:
        logs.setdefault(place, []).append(np.log(max(style, LEAST)))
    places = sorted(logs)
    heights = [float(np.mean(logs[place])) for place in places]
    if len(places) == 1:
        return float(np.exp(heights[0]))
    right = min(max(bisect.bisect(places, content), 1), len(places) - 1)
    (c0, c1), (h0, h1) = places[right - 1 : right + 1], heights[right - 1 : right + 1]
    share = (content - c0) / (c1 - c0)
    return float(np.exp(h0 * (1 - share) + h1 * share))
