"""A network that paints any photo in one style, in one pass.

Johnson, Alahi, Fei-Fei 2016 (arXiv:1603.08155): the content target is the photo's features, the style
target the Gram matrices of one style image. Departures are listed in `nst_tf.networks` and
`nst_tf.losses`.
"""

from collections.abc import Mapping
from pathlib import Path

import tensorflow as tf

from nst_tf import features, files, images, losses, networks, photos, sheets, styles, training, vgg
from nst_tf.budgets import FitResult
from nst_tf.runs import RunFolder
from nst_tf.settings import TrainSettings, layer_weights

PREVIEW_SIDE = 384                                         # pixels, long side of preview photos
SHEET_SIDE = 512                                           # the same on the contact sheet


class FeedforwardTask:
    """Trains a `networks.transform_net` for one style; a `nst_tf.training.Task`.

    Args:
        settings: style, feature network, loss weights, network shape.
    """

    draws = True
    state: Mapping[str, tf.Variable] = {}
    output_layers = (networks.OUTPUT,)

    def __init__(self, settings: TrainSettings):
        weights = losses.LossWeights(
            settings.content_weight, settings.style_weight, settings.tv_weight,
            layer_weights(settings.content_layers), layer_weights(settings.style_layers))
        self._loss = losses.PerceptualLoss(features.open_extractor(settings, weights.layers), weights)
        self._style, self.style_sha256 = read_style(settings, weights.style_layers)
        target = self._loss.style_target(self._style.rgb[None])
        # Plain tensors, made once: a step must not compute them again.
        self._target = tf.nest.map_structure(lambda gram: tf.constant(gram.numpy()), target)
        shape = networks.TransformNetConfig(
            settings.width, settings.residual_blocks, settings.padding)
        self._init_from = settings.init_from
        self.network = networks.transform_net(shape, dtype=settings.compute_dtype)

    @property
    def provenance(self) -> dict:
        """Hashes of the style image and the feature network's weights."""
        extractor = self._loss.extractor
        return {"style_sha256": self.style_sha256,
                "feature_network": {"name": extractor.name, **extractor.provenance}}

    def start(self, open_batches) -> None:
        """Takes the weights of --init_from, if one is named; else they are random."""
        if self._init_from:
            training.restore_weights(self.network, RunFolder(Path(self._init_from)).checkpoints)

    def terms(self, batch: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        pictures = self.network(batch["image"], training=True)
        return self._loss.terms(pictures, batch["image"], self._target)

    def preview(self, run: RunFolder, step: int) -> None:
        """Writes the preview photos as the network draws them now."""
        files.write_atomically(
            run.previews / f"step_{step:06d}.png",
            self._encode(sheets.sheet([self._drawn(PREVIEW_SIDE)])), overwrite=True)

    def finish(self, run: RunFolder, result: FitResult) -> list[str]:
        """Writes network and contact sheet; returns lines for the user."""
        self.network.save(run.network)
        style = images.to_uint8(self._style.rgb)
        originals = [(name, self._photo(name, SHEET_SIDE)) for name in photos.PHOTOS]
        drawn = self._drawn(SHEET_SIDE)
        rows = [[("style", style), *originals[:2]], [("", style[:1, :1]), *drawn[:2]],
                originals[2:], drawn[2:]]
        files.write_atomically(
            run.contact_sheet, self._encode(sheets.sheet(rows, cell=SHEET_SIDE)), overwrite=True)
        return [f"wrote {run.network}", f"wrote {run.contact_sheet}: look at it"]

    def _drawn(self, side):
        return [(f"{name}, painted", images.to_uint8(self._draw(images.to_float(
            self._photo(name, side))[None])[0].numpy())) for name in photos.PHOTOS]

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3])], reduce_retracing=True)
    def _draw(self, photo):
        return self.network(photo)

    @staticmethod
    def _photo(name, side):
        pixels = photos.builtin_photo(name)
        return images.resize_rgb8(pixels, *images.fit_size(*pixels.shape[:2], long_side=side))

    @staticmethod
    def _encode(pixels):
        return images.encode(images.Picture(images.to_float(pixels)), "png")


def read_style(settings: TrainSettings, style_layers) -> tuple[images.Picture, str]:
    """Reads the style image at --style_size, and returns it with its SHA-256.

    Raises:
        UserError: unreadable, or too small to have a statistic at the deepest style layer.
    """
    data, digest = styles.fetch_style(settings.style_image, settings.style_sha256)
    original = images.read_picture(data)
    vgg.check_style_side(
        min(*original.size, settings.style_size), style_layers,
        f"{original.size[1]}x{original.size[0]} at --style_size={settings.style_size}",
        "Use a larger picture, or leave out deep --style_layers.")
    if min(original.size) < settings.style_size:
        print(f"note: the style image is enlarged from {min(original.size)} to {settings.style_size} "
              "pixels; --style_size sets another size")
    return images.read_picture(data, short_side=settings.style_size), digest


build = FeedforwardTask
