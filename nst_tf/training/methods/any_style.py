"""A network that paints any photo in any style in one pass.

Huang, Belongie 2017 (arXiv:1703.06868): a frozen encoder, adaptive instance norm, a
decoder that learns; or the style prediction network of Ghiasi et al. 2017 (arXiv:1705.06830).
The loss is ours: that of all methods, with --statistic=mean_std
--content_target=transferred the paper's terms in our convention.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from nst_tf.config.train import AnyStyleSettings
from nst_tf.data import known_pictures, sample_photos, style_images
from nst_tf.images import io as image_io
from nst_tf.losses import perceptual
from nst_tf.models import (
    adain_net,
    feature_transforms,
)
from nst_tf.models.build_network import build_any_style_net
from nst_tf.training.methods.drawing import DrawingTask, read_sample

PREVIEW_SIDE, SHEET_SIDE = 256, 384  # pixels, long side of photos on previews and sheet
PREVIEW_PHOTOS = ("cat", "coffee", "astronaut")


class AnyStyleTask(DrawingTask):
    """Trains a network of any style on pairs of photos and paintings.

    Args:
        settings: network, encoder, feature network, loss weights.
    """

    pairs = True
    output_layers = (adain_net.OUTPUT,)

    def __init__(self, settings: AnyStyleSettings):
        super().__init__(settings)
        self._transfer = feature_transforms.transfer(settings.transfer)
        self._transferred = settings.content_target == "transferred"
        self.network, self._encoder = build_network(settings)

    @property
    def provenance(self) -> dict:
        """Hashes of the weights of encoder and feature network."""
        extractors_of = {
            "encoder": self._encoder,
            "feature_network": self._loss.extractor,
        }
        return {
            role: {"name": extractor.name, **extractor.provenance}
            for role, extractor in extractors_of.items()
        }

    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        crops, paintings = batch["image"], batch["style"]
        back = self._mask_identity(batch["index"])
        pictures = self.network([crops, paintings, 1.0 - back[:, None]], training=True)
        asked = self._loss.extractor(paintings)
        target = perceptual.StyleTarget(
            tf.nest.map_structure(tf.stop_gradient, self._loss.style_target_of(asked))
        )
        kept = self._loss.content_target(crops)
        if self._transferred:
            kept = {
                layer: tf.stop_gradient(
                    self._transfer.apply(maps, self._transfer.describe(asked[layer]))
                )
                for layer, maps in kept.items()
            }
        terms = self._loss.compare(pictures, kept, [target])
        return self._add_terms(terms, pictures, crops, back)

    def _preview_rows(self):
        return self._rows(PREVIEW_SIDE, PREVIEW_PHOTOS), PREVIEW_SIDE

    def _sheet_rows(self):
        return self._rows(SHEET_SIDE, tuple(sample_photos.PHOTOS)), SHEET_SIDE

    def _rows(self, side, names):
        """The photos; then for each packaged style the photos painted in it; then
        without strength.
        """
        shown = {name: read_sample(name, side) for name in names}
        first = [("", np.full((1, 1, 3), 255, np.uint8))]
        first += [(name, image_io.to_uint8(rgb)) for name, rgb in shown.items()]
        rows = [first]
        for name, path in style_images.packaged_styles().items():
            style = image_io.read_image(path, long_side=side).rgb
            row = [(name, image_io.to_uint8(style))]
            row += [("", self._draw_one(rgb, style, 1.0)) for rgb in shown.values()]
            rows.append(row)
        last = [rows[-1][0]]
        last += [("alpha 0", self._draw_one(rgb, style, 0.0)) for rgb in shown.values()]
        return [*rows, last]

    def _draw_one(self, photo, style, alpha):
        drawn = self._draw(photo[None], style[None], np.array([[alpha]], np.float32))
        return image_io.to_uint8(drawn[0].numpy())

    @tf.function(
        input_signature=[tf.TensorSpec([1, None, None, 3])] * 2
        + [tf.TensorSpec([1, 1])],
        reduce_retracing=True,
    )
    def _draw(self, photo, style, alpha):
        return self.network([photo, style, alpha])


def build_network(settings: AnyStyleSettings):
    """Returns the network that `settings` name, and its encoder."""
    photos = known_pictures.read_known_photos()
    styles = known_pictures.read_known_styles()
    return build_any_style_net(settings, photos, styles)
