"""A feature network like no VGG: three convolutions of strides 1, 2 and 4, with names of its own."""

import keras

from nst_tf.features.extractors import FeatureExtractor, FeatureNetwork
from nst_tf.features.geometry import Geometry

STEPS = (("edges", 3, 1), ("corners", 5, 2), ("parts", 3, 4))  # (name, kernel, stride)
CHANNELS = {"edges": 4, "corners": 6, "parts": 8}
LAYERS = Geometry.from_steps(STEPS)


def load(
    settings,
    layers,
    *,
    pooling="max",
    padding="zeros",
    dtype="float32",
    as_encoder=False,
):
    keras.utils.set_random_seed(7)
    inputs = x = keras.Input((None, None, 3))
    maps = {}
    for name, kernel, stride in STEPS:
        x = maps[name] = keras.layers.Conv2D(
            CHANNELS[name],
            kernel,
            stride,
            padding="same",
            activation="softplus",  # no position is without a gradient
            name=name,
            dtype=dtype,
        )(x)
    model = keras.Model(inputs, {layer: maps[layer] for layer in layers})
    model.trainable = False
    return FeatureExtractor("strided", model, {"weights": "seed 7"}, LAYERS)


NETWORK = FeatureNetwork(LAYERS, load)
