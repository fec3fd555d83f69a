"""Builds the networks that training settings describe."""

from collections.abc import Sequence

import numpy as np

from nst_tf.config.train import AnyStyleSettings, FeedforwardSettings
from nst_tf.features import extractors
from nst_tf.features.extractors import FeatureExtractor
from nst_tf.models import adain_net, style_prediction_net, transform_net
from nst_tf.models.style_network import AnyStyleNetwork


def describe_shape(
    settings: FeedforwardSettings | AnyStyleSettings, **styles: int | bool
) -> transform_net.TransformNetConfig:
    """Returns the shape of the network that draws.

    Args:
        settings: of the training.
        **styles: fields of `TransformNetConfig` on styles and strength.
    """
    return transform_net.TransformNetConfig(
        settings.width,
        settings.residual_blocks,
        settings.padding,
        settings.block,
        settings.edge_size,
        **styles,
    )


def build_any_style_net(
    settings: AnyStyleSettings,
    photos: Sequence[np.ndarray],
    styles: Sequence[np.ndarray],
) -> tuple[AnyStyleNetwork, FeatureExtractor]:
    """Builds the network of any style that settings name, and its encoder.

    Args:
        settings: of the training.
        photos, styles: pictures by which features are scaled, float32 [H, W, 3] in [0, 1].

    Raises:
        UserError: weights of the encoder that cannot be read.
    """
    if settings.network == "style_prediction":
        layers = style_prediction_net.LAYERS
        encoder = extractors.open_encoder(settings.encoder, settings, layers)
        network = style_prediction_net.modulated_net(
            encoder,
            describe_shape(settings),
            [*photos, *styles],
            style_colors=settings.style_colors,
            dtype=settings.compute_dtype,
        )
        return network, encoder
    layers = (adain_net.LAYER, *settings.skips)
    encoder = extractors.open_encoder(settings.encoder, settings, layers)
    known = [encoder(photo[None]) for photo in photos]
    rms = {}
    for layer in layers:
        energies = [np.square(maps[layer]).mean() for maps in known]
        rms[layer] = float(np.sqrt(np.mean(energies)))
    network = adain_net.any_style_net(
        encoder,
        settings.transfer,
        skips=settings.skips,
        rms=rms,
        dtype=settings.compute_dtype,
    )
    return network, encoder
