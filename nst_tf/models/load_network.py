"""Opens networks from Keras's files, those of earlier versions too."""

import json
import os

import keras

from nst_tf.models import adain_net, style_prediction_net, transform_net
from nst_tf.models.style_network import StyleNetwork


def load_network(file: str | os.PathLike) -> StyleNetwork:
    """Opens a network that draws.

    Args:
        file: a .keras file. It is opened in Keras's safe mode: no code in it runs.

    Raises:
        ValueError: the network does not draw pictures; Keras and the formats inside
            raise many other types on a damaged file.
    """
    network = keras.saving.load_model(file, compile=False)
    if isinstance(network, StyleNetwork):
        return network
    return _upgrade(network)


def _upgrade(network: keras.Model) -> StyleNetwork:
    """Gives a network of version 0.1.0, a plain Keras model, the class of its kind."""
    if not adain_net.is_any_style(network):
        transform_net.styles_of(network)  # raises, if it does not draw
        kind, configuration = transform_net.TransformNet, {}
    elif any(
        layer.name == "transform" and isinstance(layer, keras.Model)
        for layer in network.layers
    ):
        kind, configuration = style_prediction_net.StylePredictionNet, {}
    else:
        kind = adain_net.AdainNet
        configuration = {"transfer": network.get_layer("transfer").transfer}
    return kind(
        network.input,
        network.output,
        name=network.name,
        configuration=json.dumps(configuration),
    )
