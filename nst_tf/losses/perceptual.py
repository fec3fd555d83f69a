"""Perceptual losses as named terms under one convention.

Convention: every term is a relative squared error, ||value - target||^2 / ||target||^2,
averaged over layers (by their weights) and over the batch. It has no unit and depends
neither on picture size, batch size, number of channels nor on the scale of the
features, so that one weight means the same for every style and for all feature
networks, and the training loss and the reported objective are one number. 0 is a
perfect match; an unrelated picture scores about 1 to 3.

In Gatys's notation (arXiv:1508.06576) the style term of layer l is 4 C^2 M^2 E_l /
||A_l||^2, and the content term is 2 L_content / ||P||^2.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence

import tensorflow as tf

from nst_tf.config.perceptual import PerceptualSettings, layer_weights
from nst_tf.config.registries import STATISTICS
from nst_tf.core.errors import expected
from nst_tf.features.extractors import FeatureExtractor
from nst_tf.losses import style_statistics
from nst_tf.losses.regularizers import total_variation
from nst_tf.ops.statistics import relative_squared_error

CONTENT_LAYERS = {"relu4_2": 1.0}  # Gatys et al. 2016
STYLE_LAYERS = {f"relu{block}_1": 1.0 for block in range(1, 6)}  # Gatys et al. 2016


@dataclasses.dataclass(frozen=True)
class LossWeights:
    """Weights of the named terms; all at least 0.

    Attributes:
        content, style, total_variation: factors of the terms in the sum.
        content_layers, style_layers: {layer: weight}; only ratios count, since each
            term is the weighted mean over its layers.
    """

    content: float = 1.0
    style: float = 1.0
    total_variation: float = 0.0
    content_layers: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: dict(CONTENT_LAYERS)
    )
    style_layers: Mapping[str, float] = dataclasses.field(
        default_factory=lambda: dict(STYLE_LAYERS)
    )

    def __post_init__(self) -> None:
        named = [("content", self.content), ("style", self.style)]
        named.append(("total variation", self.total_variation))
        # One after the other, since both terms may use a layer, with different weights.
        named += [*self.content_layers.items(), *self.style_layers.items()]
        for name, weight in named:
            if not (math.isfinite(weight) and weight >= 0):
                raise expected(
                    f"a {name} weight of at least 0",
                    weight,
                    "Use 0 to switch a term or layer off.",
                )
        for name, layers, weight in (
            ("content", self.content_layers, self.content),
            ("style", self.style_layers, self.style),
        ):
            if weight and not sum(layers.values()) > 0:
                raise expected(
                    f"a {name} layer with a weight above 0",
                    layers,
                    f"Name one, or set --{name}_weight=0 to switch the term off.",
                )

    @classmethod
    def of(cls, settings: PerceptualSettings) -> "LossWeights":
        """Returns the weights that settings name."""
        return cls(
            settings.content_weight,
            settings.style_weight,
            settings.tv_weight,
            layer_weights(settings.content_layers),
            layer_weights(settings.style_layers),
        )

    @property
    def layers(self) -> tuple[str, ...]:
        """All layers a feature extractor must deliver, without repetition."""
        return tuple(dict.fromkeys((*self.style_layers, *self.content_layers)))


@dataclasses.dataclass(frozen=True)
class StyleTarget:
    """The style that a picture, or a region of it, should have.

    Attributes:
        statistics: {layer: from `PerceptualLoss.style_target`}.
        share: factor of this style's errors.
        masks: {layer: [1, h, w, 1]}, the region where the style counts, at each layer's
            size; empty for the whole picture.
    """

    statistics: Mapping[str, style_statistics.Description]
    share: float = 1.0
    masks: Mapping[str, tf.Tensor] = dataclasses.field(default_factory=dict)


class PerceptualLoss:
    """Content, style and total-variation terms of pictures against photos and styles.

    Args:
        extractor: delivers at least `weights.layers`.
        weights: of terms and layers.
        statistic: of the features, that a style is compared by; a name in `STATISTICS`.
    """

    def __init__(
        self, extractor: FeatureExtractor, weights: LossWeights, statistic: str = "gram"
    ):
        self.extractor = extractor
        self.weights = weights
        self._statistic: style_statistics.StyleStatistic = STATISTICS[statistic]

    def style_target(
        self, style: tf.Tensor, mask: tf.Tensor | None = None
    ) -> dict[str, style_statistics.Description]:
        """Returns {layer: statistic} of one style picture.

        Args:
            style: [1, H, W, 3], RGB in [0, 1].
            mask: [1, H, W, 1] in [0, 1], the part of it that counts; None for all.
        """
        return self.style_target_of(self.extractor(style), self.shrink_mask(mask))

    def style_target_of(
        self, features: Mapping[str, tf.Tensor], masks: Mapping[str, tf.Tensor] = {}
    ) -> dict[str, style_statistics.Description]:
        """Returns {layer: statistic} of the features of style pictures, from the
        extractor, [B, h, w, C].

        Args:
            features: at least those of the style layers.
            masks: from `shrink_mask`.
        """
        return {
            layer: self._statistic.target(
                self._statistic.describe(features[layer], masks.get(layer))
            )
            for layer in self.weights.style_layers
        }

    def shrink_mask(self, mask: tf.Tensor | None) -> dict[str, tf.Tensor]:
        """Shrinks a mask [1, H, W, 1] in [0, 1] to the maps of each style layer, by
        area; {} for None.

        Raises:
            UserError: at some layer nothing of it is left.
        """
        if mask is None:
            return {}
        masks = {}
        for layer in self.weights.style_layers:
            size = self.extractor.map_size(layer, *mask.shape[1:3])
            masks[layer] = tf.image.resize(mask, size, tf.image.ResizeMethod.AREA)
            if not float(tf.reduce_sum(masks[layer])) > 0:
                raise expected(
                    "a mask with white in it",
                    "one that is black",
                    "Paint the region white.",
                )
        return masks

    def content_target(self, photos: tf.Tensor) -> dict[str, tf.Tensor]:
        """Returns {content layer: features} of photos [B, H, W, 3], RGB in [0, 1]; no
        gradient flows through them.
        """
        if not self.weights.content_layers:
            return {}
        features = self.extractor(photos)
        return {
            layer: tf.stop_gradient(features[layer])
            for layer in self.weights.content_layers
        }

    def terms(
        self,
        pictures: tf.Tensor,
        photos: tf.Tensor,
        style_target: Mapping[str, style_statistics.Description],
    ) -> dict[str, tf.Tensor]:
        """Returns the named terms for each picture of a batch.

        Args:
            pictures: [B, H, W, 3], the stylized pictures, RGB about [0, 1]; gradients
                flow to them.
            photos: [B, H, W, 3], whose content they should have, RGB in [0, 1].
            style_target: from `style_target`.

        Returns:
            {"loss", "content", "style", "total_variation"}, each [B] float32; "loss" is the
            weighted sum, the others are not weighted.
        """
        return self.compare(
            pictures, self.content_target(photos), [StyleTarget(style_target)]
        )

    def compare(
        self,
        pictures: tf.Tensor,
        content_target: Mapping[str, tf.Tensor],
        styles: Sequence[StyleTarget],
    ) -> dict[str, tf.Tensor]:
        """Returns the terms as `terms` does, against targets that were computed before.

        Args:
            pictures: [B, H, W, 3], RGB about [0, 1]; gradients flow to them.
            content_target: from `content_target`.
            styles: their errors add up by their shares.
        """
        features = self.extractor(pictures)
        none = tf.zeros(tf.shape(pictures)[0])
        content = none + weighted_mean(
            self.weights.content_layers, self.content_errors(features, content_target)
        )
        style = none
        for target in styles:
            style += target.share * weighted_mean(
                self.weights.style_layers, self.style_errors(features, target)
            )
        variation = total_variation(pictures)
        total = (
            self.weights.content * content
            + self.weights.style * style
            + self.weights.total_variation * variation
        )
        return {
            "loss": total,
            "content": content,
            "style": style,
            "total_variation": variation,
        }

    def content_errors(
        self, features: Mapping[str, tf.Tensor], content_target: Mapping[str, tf.Tensor]
    ) -> dict[str, tf.Tensor]:
        """Returns {content layer: [B]}, the errors of pictures' feature maps."""
        return {
            layer: relative_squared_error(features[layer], content_target[layer])
            for layer in self.weights.content_layers
        }

    def style_errors(
        self, features: Mapping[str, tf.Tensor], target: StyleTarget
    ) -> dict[str, tf.Tensor]:
        """Returns {style layer: [B]}, the errors of pictures' statistics, without the
        target's share.
        """
        return {
            layer: self._statistic.error(
                self._statistic.describe(features[layer], target.masks.get(layer)),
                target.statistics[layer],
            )
            for layer in self.weights.style_layers
        }


def weighted_mean(
    weights: Mapping[str, float], values: Mapping[str, tf.Tensor | float]
) -> tf.Tensor | float:
    """Returns a term: the mean of its layers' errors, {layer: value}, by {layer: weight}."""
    total = sum(weights.values())
    # A sum of 0 means a term that was switched off: `LossWeights` refuses others.
    if not total:
        return 0.0
    return sum(value * (weights[layer] / total) for layer, value in values.items())
