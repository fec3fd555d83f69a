"""A network that paints any photo in one style, or in one of several, in one pass.

Johnson, Alahi, Fei-Fei 2016 (arXiv:1603.08155): the content target is the photo's
features, the style target the Gram matrices of a style image. Several styles share all
but the scales and offsets of the norms (Dumoulin, Shlens, Kudlur 2016,
arXiv:1610.07629). Departures are listed in `nst_tf.models.transform_net` and
`nst_tf.losses.perceptual`.
"""

import dataclasses
from collections.abc import Collection, Mapping

import numpy as np
import tensorflow as tf

from nst_tf.config.train import FeedforwardSettings
from nst_tf.core.errors import expected
from nst_tf.data import sample_photos, style_images
from nst_tf.data.draws import Purpose, draw_turns
from nst_tf.features import extractors
from nst_tf.features.geometry import Geometry
from nst_tf.images import io as image_io
from nst_tf.losses import perceptual, regularizers, temporal
from nst_tf.models import (
    base_network,
    build_network,
    style_prediction_net,
    transform_net,
)
from nst_tf.training.first_weights import restore_weights
from nst_tf.training.methods.drawing import DrawingTask, read_sample
from nst_tf.training.moved_photos import move_photos
from nst_tf.training.task import OpenBatches

PREVIEW_SIDE = PREVIEW_CELL = 384  # pixels, long side of preview photos
SHEET_SIDE = 512  # the same on the contact sheet


class FeedforwardTask(DrawingTask):
    """Trains a `transform_net.transform_net` for one style or several.

    Args:
        settings: style images, feature network, loss weights, network shape.
    """

    output_layers = (transform_net.OUTPUT,)

    def __init__(self, settings: FeedforwardSettings):
        super().__init__(settings)
        layers = perceptual.LossWeights.of(settings).style_layers
        geometry = self._loss.extractor.geometry
        self._styles, self._hashes = [], []
        for style in settings.styles:
            picture, digest = read_style(
                *style, settings.style_size, layers, geometry, settings.max_pixels
            )
            self._styles.append(picture)
            self._hashes.append(digest)
        targets = [self._loss.style_target(style.rgb[None]) for style in self._styles]
        # Plain tensors, made once: a step must not compute them again. [N, C, C] at
        # each layer
        self._targets = tf.nest.map_structure(
            lambda *grams: tf.constant(
                np.concatenate([gram.numpy() for gram in grams])
            ),
            *targets,
        )
        self._kept = self._count_kept_styles()
        self.learning_rows = self._kept and len(self._styles) - self._kept
        self._temporal_weight = settings.temporal_weight
        if self._temporal_weight:
            self._early = extractors.open_extractor(settings, (temporal.LAYER,))
        # A network that keeps its first styles keeps the photo too: there is nothing to
        # learn.
        if not settings.strength or self._kept:
            self._identity_weight = 0.0
        self._shape = build_network.describe_shape(
            settings,
            styles=len(self._styles),
            kept_styles=self._kept,
            strength=settings.strength,
        )
        self._base, self._settings = None, settings
        if settings.begins_with_base:
            self._base = base_network.find_base(self._shape)
        self._dtype = settings.compute_dtype
        self.network = transform_net.transform_net(self._shape, dtype=self._dtype)
        self._blends = transform_net.blend_name(self.network) is not None

    @property
    def provenance(self) -> dict:
        """Hashes of the style images and the feature network's weights."""
        extractor = self._loss.extractor
        found = {
            "style_sha256": self._hashes,
            "feature_network": {"name": extractor.name, **extractor.provenance},
        }
        if self._base:
            found["base"] = self._base.provenance
        return found

    def start(self, open_batches: OpenBatches) -> None:
        """Takes the weights of --init_from, if one is named; else they are random.

        If that run has fewer styles, the norms of the new ones begin as the mean of the
        old ones. The packaged base paints the styles after a fashion at once.
        """
        if self._base:
            encoder = extractors.open_encoder(
                base_network.ENCODER, self._settings, style_prediction_net.LAYERS
            )
            styles = [style.rgb for style in self._styles]
            self._base.start(self.network, styles, encoder)
            return
        if not self._kept:
            super().start(open_batches)
            return
        known = transform_net.transform_net(
            dataclasses.replace(self._shape, styles=self._kept, kept_styles=0),
            dtype=self._dtype,
        )
        restore_weights(known, self._begin_with)
        for layer in self.network.layers:
            found = known.get_layer(layer.name).get_weights() if layer.weights else []
            layer.set_weights(
                [
                    self._extend(values, weight)
                    for values, weight in zip(found, layer.weights)
                ]
            )

    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        crops, index = batch["image"], batch["index"]
        blend, targets = [], self._targets
        back = self._mask_identity(index)
        if self._blends:
            # Each style gets its share, on any number of devices.
            learning = len(self._styles) - self._kept
            turns = draw_turns(self._seed, index, Purpose.STYLE, learning)
            numbers = self._kept + tf.cast(turns, tf.int32)
            blend = [tf.one_hot(numbers, len(self._styles)) * (1.0 - back[:, None])]
            targets = tf.nest.map_structure(
                lambda grams: tf.gather(grams, numbers), self._targets
            )
        pictures = transform_net.draw(self.network, crops, *blend, training=True)
        terms = self._loss.terms(pictures, crops, targets)
        terms = self._add_terms(terms, pictures, crops, back)
        if self._temporal_weight:
            moved = move_photos(crops, index, self._seed)
            again = transform_net.draw(self.network, moved.frame, *blend, training=True)
            error = temporal.temporal_error(self._early, crops, moved, pictures, again)
            terms = regularizers.add_term(
                terms, "temporal", error, self._temporal_weight
            )
        return terms

    def _preview_rows(self):
        """A row for each style."""
        rows = [self._draw_row(PREVIEW_SIDE, n) for n in range(len(self._styles))]
        return rows, PREVIEW_CELL

    def _sheet_rows(self):
        pictures = [image_io.to_uint8(style.rgb) for style in self._styles]
        originals = []
        for name in sample_photos.PHOTOS:
            photo = read_sample(name, SHEET_SIDE)
            originals.append((name, image_io.to_uint8(photo)))
        blank = ("", pictures[0][:1, :1])
        if len(pictures) == 1:
            drawn = self._draw_row(SHEET_SIDE)
            return [
                [("style", pictures[0]), *originals[:2]],
                [blank, *drawn[:2]],
                originals[2:],
                drawn[2:],
            ], SHEET_SIDE
        rows = [[blank, *originals]]
        for number, picture in enumerate(pictures):
            drawn = self._draw_row(SHEET_SIDE, number)
            rows.append([(f"style {number}", picture), *drawn])
        return rows, SHEET_SIDE

    def _draw_row(self, side, number=0):
        blend = tf.one_hot([number], len(self._styles))
        row = []
        for name in sample_photos.PHOTOS:
            drawn = self._draw(read_sample(name, side)[None], blend)[0].numpy()
            row.append((f"{name}, painted", image_io.to_uint8(drawn)))
        return row

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

    def _count_kept_styles(self):
        """Returns how many styles the network of --init_from draws already, if they are fewer; else 0."""
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

    def _extend(self, values, weight):
        if values.shape == weight.shape:
            return values
        # Norms of one style have no axis of styles; with strength the first row is the
        # photo's.
        rows = values.reshape(self._kept + self._shape.strength, -1)
        mean = rows[int(self._shape.strength) :].mean(0, keepdims=True)
        return np.concatenate([rows, *[mean] * (len(self._styles) - self._kept)])


def read_style(
    style_image: str,
    sha256: str,
    style_size: int,
    style_layers: Collection[str],
    geometry: Geometry,
    max_pixels: int = image_io.MAX_PIXELS,
) -> tuple[image_io.Image, str]:
    """Reads a style image at `style_size`, its short side in pixels, and returns it
    with its SHA-256.

    Raises:
        UserError: unreadable, or too small to have a statistic at the deepest style
            layer.
    """
    data, digest = style_images.fetch_style(style_image, sha256)
    original = image_io.read_image(data, max_pixels=max_pixels)
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
    style = image_io.read_image(data, short_side=style_size, max_pixels=max_pixels)
    return style, digest
