"""A network that paints any photo in one style, or in one of several, in one pass.

Johnson, Alahi, Fei-Fei 2016 (arXiv:1603.08155): the content target is the photo's
features, the style target the Gram matrices of a style image. Several styles share all
but the scales and offsets of the norms (Dumoulin, Shlens, Kudlur 2016,
arXiv:1610.07629). Departures are listed in `nst_tf.models.transform_net` and
`nst_tf.losses.perceptual`.
"""

import dataclasses
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from nst_tf.config.train import TrainSettings
from nst_tf.core import files
from nst_tf.core.errors import expected
from nst_tf.data import sample_photos, style_images
from nst_tf.features import extractors
from nst_tf.features.geometry import Geometry
from nst_tf.images import contact_sheet, io as image_io
from nst_tf.losses import perceptual, regularizers
from nst_tf.models import transform_net
from nst_tf.runs.folder import RunFolder
from nst_tf.training import loop as fit_loop
from nst_tf.training.schedule import FitResult

PREVIEW_SIDE = 384  # pixels, long side of preview photos
SHEET_SIDE = 512  # the same on the contact sheet
NOISE = 5 / 255  # standard deviation; 5 gray levels as in nst_tf.evaluation.metrics


class FeedforwardTask:
    """Trains a `transform_net.transform_net` for one style or several; a
    `nst_tf.training.loop.Task`.

    Args:
        settings: style_images, feature network, loss weights, network shape.
    """

    draws = True
    pairs = False
    state: Mapping[str, tf.Variable] = {}
    output_layers = (transform_net.OUTPUT,)

    def __init__(self, settings: TrainSettings):
        weights = perceptual.LossWeights.of(settings)
        self._loss = perceptual.PerceptualLoss(
            extractors.open_extractor(settings, weights.layers),
            weights,
            settings.statistic,
        )
        read = [
            read_style(
                *style,
                settings.style_size,
                weights.style_layers,
                self._loss.extractor.geometry,
            )
            for style in settings.styles
        ]
        self._styles, self._hashes = (
            [picture for picture, _ in read],
            [digest for _, digest in read],
        )
        targets = [self._loss.style_target(style.rgb[None]) for style in self._styles]
        # Plain tensors, made once: a step must not compute them again. [N, C, C] at
        # each layer
        self._targets = tf.nest.map_structure(
            lambda *grams: tf.constant(
                np.concatenate([gram.numpy() for gram in grams])
            ),
            *targets,
        )
        self._begin_with = (
            RunFolder(Path(settings.init_from)) if settings.init_from else None
        )
        self._kept = self._styles_kept()
        self._stability_weight, self._mesh_weight = (
            settings.stability_weight,
            settings.mesh_weight,
        )
        self._seed = settings.seed
        # Where the photo is kept with the first style_images, there is nothing to learn
        # of it.
        self._identity_weight = (
            settings.identity_weight if settings.strength and not self._kept else 0.0
        )
        self._shape = transform_net.TransformNetConfig(
            settings.width,
            settings.residual_blocks,
            settings.padding,
            settings.block,
            settings.edge_size,
            len(self._styles),
            self._kept,
            settings.strength,
        )
        self._dtype = settings.compute_dtype
        self.network = transform_net.transform_net(self._shape, dtype=self._dtype)
        self._blends = transform_net.blend_name(self.network) is not None

    @property
    def provenance(self) -> dict:
        """Hashes of the style images and the feature network's weights."""
        extractor = self._loss.extractor
        return {
            "style_sha256": self._hashes,
            "feature_network": {"name": extractor.name, **extractor.provenance},
        }

    def start(self, open_batches) -> None:
        """Takes the weights of --init_from, if one is named; else they are random.

        If that run has fewer style_images, the norms of the new ones begin as the mean
        of the old ones.
        """
        if self._begin_with is None:
            return
        if not self._kept:
            fit_loop.restore_weights(self.network, self._begin_with.checkpoints)
            return
        known = transform_net.transform_net(
            dataclasses.replace(self._shape, styles=self._kept, kept_styles=0),
            dtype=self._dtype,
        )
        fit_loop.restore_weights(known, self._begin_with.checkpoints)
        for layer in self.network.layers:
            found = known.get_layer(layer.name).get_weights() if layer.weights else []
            layer.set_weights(
                [
                    self._extended(values, weight)
                    for values, weight in zip(found, layer.weights)
                ]
            )

    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        crops, blend, targets, index = batch["image"], [], self._targets, batch["index"]
        back = regularizers.identity_mask(index) * float(self._identity_weight > 0)
        if self._blends:
            if self._identity_weight:
                index -= (
                    index // regularizers.IDENTITY_PERIOD + 1
                )  # counts the painted crops alone
            # In turn, by the running number of the crop: each style gets its share, on
            # any number of devices.
            learning = len(self._styles) - self._kept
            numbers = self._kept + tf.cast(index % learning, tf.int32)
            blend = [tf.one_hot(numbers, len(self._styles)) * (1.0 - back[:, None])]
            targets = tf.nest.map_structure(
                lambda grams: tf.gather(grams, numbers), self._targets
            )
        pictures = transform_net.draw(self.network, crops, *blend, training=True)
        terms = self._loss.terms(pictures, crops, targets)
        if self._mesh_weight:
            terms = regularizers.add_term(
                terms, "mesh", regularizers.mesh_energy(pictures), self._mesh_weight
            )
        if self._identity_weight:
            terms = regularizers.add_identity(
                terms, pictures, crops, back, self._identity_weight
            )
        if self._stability_weight:
            # The noise of a crop is its own: a resumed run sees the same.
            noise = NOISE * tf.map_fn(
                lambda index: tf.random.stateless_normal(
                    tf.shape(crops)[1:], [self._seed, index]
                ),
                batch["index"],
                fn_output_signature=tf.float32,
            )
            again = transform_net.draw(
                self.network, crops + noise, *blend, training=True
            )
            stability = regularizers.measure_amplification(again - pictures, noise)
            terms = regularizers.add_term(
                terms, "stability", stability, self._stability_weight
            )
        return terms

    def preview(self, run: RunFolder, step: int) -> None:
        """Writes the preview photos as the network draws them now, a row for each style."""
        rows = [
            self._drawn(PREVIEW_SIDE, number) for number in range(len(self._styles))
        ]
        files.write_atomically(
            run.previews / f"step_{step:06d}.png",
            image_io.encode_rgb8(contact_sheet.make_contact_sheet(rows), "png"),
            overwrite=True,
        )

    def finish(self, run: RunFolder, result: FitResult) -> list[str]:
        """Writes network and contact sheet; returns lines for the user."""
        self.network.save(run.network)
        files.write_atomically(
            run.contact_sheet,
            image_io.encode_rgb8(
                contact_sheet.make_contact_sheet(self._sheet_rows(), cell=SHEET_SIDE),
                "png",
            ),
            overwrite=True,
        )
        return [f"wrote {run.network}", f"wrote {run.contact_sheet}: look at it"]

    def _sheet_rows(self):
        pictures = [image_io.to_uint8(style.rgb) for style in self._styles]
        originals = [
            (name, self._photo(name, SHEET_SIDE)) for name in sample_photos.PHOTOS
        ]
        if len(pictures) > 1:
            return [[("", pictures[0][:1, :1]), *originals]] + [
                [(f"style {number}", picture), *self._drawn(SHEET_SIDE, number)]
                for number, picture in enumerate(pictures)
            ]
        drawn = self._drawn(SHEET_SIDE)
        return [
            [("style", pictures[0]), *originals[:2]],
            [("", pictures[0][:1, :1]), *drawn[:2]],
            originals[2:],
            drawn[2:],
        ]

    def _drawn(self, side, number=0):
        blend = tf.one_hot([number], len(self._styles))
        return [
            (
                f"{name}, painted",
                image_io.to_uint8(
                    self._draw(image_io.to_float(self._photo(name, side))[None], blend)[
                        0
                    ].numpy()
                ),
            )
            for name in sample_photos.PHOTOS
        ]

    @tf.function(
        input_signature=[tf.TensorSpec([1, None, None, 3]), tf.TensorSpec([1, None])],
        reduce_retracing=True,
    )
    def _draw(self, photo, blend):
        return transform_net.draw(
            self.network,
            photo,
            *([tf.ensure_shape(blend, [1, len(self._styles)])] if self._blends else []),
        )

    def _styles_kept(self):
        """How many styles the network of --init_from draws already, if they are fewer; else 0."""
        if self._begin_with is None:
            return 0
        known = self._begin_with.recorded.get("style_sha256")
        if known is None:
            raise expected(
                "--init_from with the folder of a run",
                str(self._begin_with.path),
                "Check the path.",
            )
        if len(known) >= len(self._styles):
            return 0
        if known != self._hashes[: len(known)]:
            raise expected(
                f"the {len(known)} styles of --init_from={self._begin_with.path} first in --style_image",
                "others",
                f"See its {self._begin_with.record.name} for their hashes and their order.",
            )
        return len(known)

    def _extended(self, values, weight):
        if values.shape == weight.shape:
            return values
        # One style's have no axis of styles; with strength the first row is the
        # photo's.
        rows = values.reshape(self._kept + self._shape.strength, -1)
        mean = rows[int(self._shape.strength) :].mean(0, keepdims=True)
        return np.concatenate([rows, *[mean] * (len(self._styles) - self._kept)])

    @staticmethod
    def _photo(name, side):
        pixels = sample_photos.builtin_photo(name)
        return image_io.resize_rgb8(
            pixels, *image_io.fit_size(*pixels.shape[:2], long_side=side)
        )


def read_style(
    style_image: str,
    sha256: str,
    style_size: int,
    style_layers: Collection[str],
    geometry: Geometry,
) -> tuple[image_io.Picture, str]:
    """Reads a style image at `style_size`, its short side in pixels, and returns it
    with its SHA-256.

    Raises:
        UserError: unreadable, or too small to have a statistic at the deepest style
            layer.
    """
    data, digest = style_images.fetch_style(style_image, sha256)
    original = image_io.read_picture(data)
    geometry.check_style_side(
        min(*original.size, style_size),
        style_layers,
        f"{style_image}: {original.size[1]}x{original.size[0]} at --style_size={style_size}",
        "Use a larger picture, or leave out deep --style_layers.",
    )
    if min(original.size) < style_size:
        print(
            f"note: the style image {style_image} is enlarged from {min(original.size)} to {style_size} "
            "pixels; --style_size sets another size"
        )
    return image_io.read_picture(data, short_side=style_size), digest


build = FeedforwardTask
