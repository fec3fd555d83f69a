"""Perceptual losses as named terms under one convention.

Convention: every term is a relative squared error, averaged over layers (by their weights) and over
the batch: ||value - target||^2 / ||target||^2. It has no unit and depends neither on picture size,
batch size, number of channels nor on the scale of the features, so that one weight means the same for
every style and for both feature networks, and the training loss and the reported objective are one
number. 0 is a perfect match; an unrelated picture scores about 1 to 3.

In Gatys's notation (arXiv:1508.06576) the style term of layer l is 4 C^2 M^2 E_l / ||A_l||^2, and the
content term is 2 L_content / ||P||^2.
"""

import dataclasses
import math
from collections.abc import Mapping

import tensorflow as tf

from nst_tf import statistics
from nst_tf.errors import expected
from nst_tf.features import FeatureExtractor

CONTENT_LAYERS = {"relu4_2": 1.0}                                        # Gatys et al. 2016
STYLE_LAYERS = {f"relu{block}_1": 1.0 for block in range(1, 6)}          # Gatys et al. 2016


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weights of the named terms; all at least 0.

    Attributes:
        content, style, total_variation: factors of the terms in the sum.
        content_layers, style_layers: {layer: weight}; only ratios count, since each term is the
            weighted mean over its layers.
    """

    content: float = 1.0
    style: float = 1.0
    total_variation: float = 0.0
    content_layers: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: dict(CONTENT_LAYERS)
    )
    style_layers: Mapping[str, float] = dataclasses.field(default_factory=lambda: dict(STYLE_LAYERS))

    def __post_init__(self):
        named = [("content", self.content), ("style", self.style)]
        named.append(("total variation", self.total_variation))
        # One after the other, since both terms may use a layer, with different weights.
        named += [*self.content_layers.items(), *self.style_layers.items()]
        for name, weight in named:
            if not (math.isfinite(weight) and weight >= 0):
                raise expected(
                    f"a {name} weight of at least 0", weight, "Use 0 to switch a term or layer off."
                )
        for name, layers, weight in (("content", self.content_layers, self.content),
                                     ("style", self.style_layers, self.style)):
            if weight and not sum(layers.values()) > 0:
                raise expected(
                    f"a {name} layer with a weight above 0", layers,
                    f"Name one, or set --{name}_weight=0 to switch the term off.",
                )

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers a feature extractor must deliver, without repetition."""
        return tuple(dict.fromkeys((*self.style_layers, *self.content_layers)))


class PerceptualLoss:
    """Content, style and total-variation terms of pictures against a photo and a style's Gram matrices.

    Args:
        extractor: delivers at least `weights.layers`.
        weights: what counts how much.
    """

    def __init__(self, extractor: FeatureExtractor, weights: LossWeights):
        self.extractor = extractor
        self.weights = weights

    def style_target(self, style: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {layer: Gram matrix [1, C, C]} of one style picture, [1, H, W, 3] RGB in [0, 1]."""
        features = self.extractor(style)
        return {layer: statistics.gram_matrix(features[layer]) for layer in self.weights.style_layers}

    def terms(
        self, pictures: tf.Tensor, photos: tf.Tensor, style_target: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Returns the named terms for each picture of a batch.

        Args:
            pictures: [B, H, W, 3], the stylised pictures, RGB about [0, 1]; gradients flow to them.
            photos: [B, H, W, 3], what they show, RGB in [0, 1].
            style_target: from `style_target`.

        Returns:
            {"loss", "content", "style", "total_variation"}, each [B] float32; "loss" is the
            weighted sum, the others are not weighted.
        """
        # One pass for both: half the kernel launches, and the photo's gradient is never formed.
        features = self.extractor(pictures)
        targets = self.extractor(photos)
        none = tf.zeros(tf.shape(pictures)[0])
        content = none + _weighted_mean(self.weights.content_layers, {
            layer: statistics.relative_squared_error(
                features[layer], tf.stop_gradient(targets[layer])
            ) for layer in self.weights.content_layers
        })
        style = none + _weighted_mean(self.weights.style_layers, {
            layer: statistics.relative_squared_error(
                statistics.gram_matrix(features[layer]), style_target[layer]
            ) for layer in self.weights.style_layers
        })
        variation = statistics.total_variation(pictures)
        total = (
            self.weights.content * content
            + self.weights.style * style
            + self.weights.total_variation * variation
        )
        return {"loss": total, "content": content, "style": style, "total_variation": variation}


def _weighted_mean(weights: Mapping[str, float], values: Mapping[str, tf.Tensor]) -> tf.Tensor:
    total = sum(weights.values())
    # Nothing counts: a term that was switched off, since weights see to it.
    return sum(value * (weights[layer] / total) for layer, value in values.items()) if total else 0.0
