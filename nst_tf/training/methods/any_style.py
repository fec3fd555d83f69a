"""A network that paints any photo in any style in one pass.

Huang, Belongie 2017 (arXiv:1703.06868): a frozen encoder, adaptive instance norm, a
decoder that learns; or the modulated network of Ghiasi et al. 2017 (arXiv:1705.06830).
The loss is ours: that of all methods, with --statistic=mean_std
--content_target=transferred the paper's terms in our convention.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from nst_tf.config.train import TrainSettings
from nst_tf.core import files
from nst_tf.data import sample_photos, style_images
from nst_tf.features import extractors
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.losses import perceptual, regularizers
from nst_tf.models import (
    adain_net,
    feature_transforms,
    style_prediction_net,
    transform_net,
)
from nst_tf.runs.folder import RunFolder
from nst_tf.training import loop as fit_loop
from nst_tf.training.schedule import FitResult

PREVIEW_SIDE, SHEET_SIDE = 256, 384  # pixels, long side of photos on previews and sheet
PREVIEW_PHOTOS = ("cat", "coffee", "astronaut")
KNOWN_SIDE = 256  # pixels, of pictures that features are scaled by


class AdainTask:
    """Trains a network of any style on pairs of photos and paintings; a
    `nst_tf.training.loop.Task`.

    Args:
        settings: network, encoder, feature network, loss weights.
    """

    draws = True
    pairs = True
    state: Mapping[str, tf.Variable] = {}
    output_layers = (adain_net.OUTPUT,)

    def __init__(self, settings: TrainSettings):
        weights = perceptual.LossWeights.of(settings)
        self._loss = perceptual.PerceptualLoss(
            extractors.open_extractor(settings, weights.layers),
            weights,
            settings.statistic,
        )
        self._transfer = feature_transforms.transfer(settings.transfer)
        self._transferred = settings.content_target == "transferred"
        self._identity_weight, self._mesh_weight = (
            settings.identity_weight,
            settings.mesh_weight,
        )
        self._begin_with = (
            RunFolder(Path(settings.init_from)) if settings.init_from else None
        )
        self.network, self._encoder = _network(settings)

    @property
    def provenance(self) -> dict:
        """Hashes of the weights of encoder and feature network."""
        return {
            role: {"name": extractor.name, **extractor.provenance}
            for role, extractor in (
                ("encoder", self._encoder),
                ("feature_network", self._loss.extractor),
            )
        }

    def start(self, open_batches) -> None:
        """Takes the weights of --init_from, if one is named; else the decoder's are random."""
        if self._begin_with:
            fit_loop.restore_weights(self.network, self._begin_with.checkpoints)

    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        crops, paintings = batch["image"], batch["style"]
        back = regularizers.identity_mask(batch["index"]) * float(
            self._identity_weight > 0
        )
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
        if self._mesh_weight:
            terms = regularizers.add_term(
                terms, "mesh", regularizers.mesh_energy(pictures), self._mesh_weight
            )
        if not self._identity_weight:
            return terms
        return regularizers.add_identity(
            terms, pictures, crops, back, self._identity_weight
        )

    def preview(self, run: RunFolder, step: int) -> None:
        """Writes preview photos in the packaged styles, as the network paints them now."""
        self._write_sheet(
            run.previews / f"step_{step:06d}.png", PREVIEW_SIDE, PREVIEW_PHOTOS
        )

    def finish(self, run: RunFolder, result: FitResult) -> list[str]:
        """Writes network and contact sheet; returns lines for the user."""
        self.network.save(run.network)
        self._write_sheet(run.contact_sheet, SHEET_SIDE, tuple(sample_photos.PHOTOS))
        return [f"wrote {run.network}", f"wrote {run.contact_sheet}: look at it"]

    def _write_sheet(self, path, side, names):
        sheet = contact_sheet.make_contact_sheet(self._rows(side, names), cell=side)
        files.write_atomically(path, image_io.encode_rgb8(sheet, "png"), overwrite=True)

    def _rows(self, side, names):
        """The photos; then for each packaged style the photos painted in it; then
        without strength.
        """
        shown = {
            name: sample_photos.read_photo(
                sample_photos.BUILTIN + name, long_side=side
            ).rgb
            for name in names
        }
        rows = [
            [
                ("", np.full((1, 1, 3), 255, np.uint8)),
                *((name, image_io.to_uint8(rgb)) for name, rgb in shown.items()),
            ]
        ]
        for name, path in style_images.packaged_styles().items():
            style = image_io.read_picture(path, long_side=side).rgb
            rows.append(
                [
                    (name, image_io.to_uint8(style)),
                    *(("", self._drawn(rgb, style, 1.0)) for rgb in shown.values()),
                ]
            )
        return [
            *rows,
            [
                rows[-1][0],
                *(("alpha 0", self._drawn(rgb, style, 0.0)) for rgb in shown.values()),
            ],
        ]

    def _drawn(self, photo, style, alpha):
        drawn = self._draw(photo[None], style[None], np.array([[alpha]], np.float32))
        return image_io.to_uint8(drawn[0].numpy())

    @tf.function(
        input_signature=[tf.TensorSpec([1, None, None, 3])] * 2
        + [tf.TensorSpec([1, 1])],
        reduce_retracing=True,
    )
    def _draw(self, photo, style, alpha):
        return self.network([photo, style, alpha])


def _network(settings):
    """The network that `settings` name, and its encoder."""
    layers = (
        style_prediction_net.LAYERS
        if settings.any_style == "modulated"
        else (adain_net.LAYER, *settings.skips)
    )
    encoder = extractors.open_encoder(settings.encoder, settings, layers)
    pictures = [
        sample_photos.read_photo(sample_photos.BUILTIN + name, long_side=KNOWN_SIDE).rgb
        for name in sample_photos.PHOTOS
    ]
    if settings.any_style == "adain":
        known = [encoder(rgb[None]) for rgb in pictures]
        rms = {
            layer: float(
                np.sqrt(np.mean([np.square(maps[layer]).mean() for maps in known]))
            )
            for layer in layers
        }
        return adain_net.any_style_net(
            encoder,
            settings.transfer,
            skips=settings.skips,
            rms=rms,
            dtype=settings.compute_dtype,
        ), encoder
    pictures += [
        image_io.read_picture(path, long_side=KNOWN_SIDE).rgb
        for path in style_images.packaged_styles().values()
    ]
    config = transform_net.TransformNetConfig(
        settings.width,
        settings.residual_blocks,
        settings.padding,
        settings.block,
        settings.edge_size,
    )
    return style_prediction_net.modulated_net(
        encoder, config, pictures, dtype=settings.compute_dtype
    ), encoder


build = AdainTask
