"""Keeps a network's numbers within the range of float16, in which phones' GPUs compute."""

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from nst_tf.data import sample_photos
from nst_tf.exporters import network_inputs
from nst_tf.exporters.tflite import litert_layers
from nst_tf.images import io as image_io
from nst_tf.layers.normalization import InstanceNormalization, ModulatedNormalization
from nst_tf.ops import statistics

NORMS = (InstanceNormalization, ModulatedNormalization)
# of features less their mean: their squares stay a sixteenth of float16's largest
# number
LARGEST = 64.0
MOST = 4  # halvings; more would take the norm's epsilon below float16's smallest number
SIDE = 256  # pixels of the photos that features are measured on


def within_float16(core: keras.Model, inputs: Sequence | None = None) -> keras.Model:
    """Returns a copy of a network that draws the same picture from smaller features.

    Trained networks reach features of several hundred, whose squares, in the norms'
    variances, overflow in float16: the norm then gives zeros. But a norm undoes any
    scale of what it normalizes. So the convolution before it is divided by a power of
    two, and the norm's epsilon by its square; both are exact in binary.

    Args:
        core: from `transform_net.core`, of a `transform_net.transform_net` or of the
            part of a network of any style that draws. A transfer of any style that is
            no norm stays as it is.
        inputs: by which its features are measured, see `largest_features`.
    """
    halvings, source = _halvings(core, inputs), litert_layers.producers(core)

    def clone(layer):
        config = layer.get_config()
        if layer.name in halvings:
            config["epsilon"] /= 4.0 ** halvings[layer.name]
        return type(layer).from_config(config)

    small = keras.models.clone_model(core, clone_function=clone)
    small.set_weights(core.get_weights())
    for norm, count in halvings.items():
        convolution = small.get_layer(source[norm].name)
        convolution.set_weights(
            [weight / np.float32(2.0**count) for weight in convolution.get_weights()]
        )
    return small


def largest_features(
    core: keras.Model, inputs: Sequence | None = None
) -> dict[str, float]:
    """Returns {norm: the largest of its input's features less their channel's mean},
    over several inputs.

    Args:
        core: from `transform_net.core`, of any network.
        inputs: of the network, each as it takes them; None for the packaged photos in
            each of its styles, which a network of any style does not have.
    """
    norms = [layer for layer in core.layers if isinstance(layer, NORMS)]
    if not norms:
        return {}
    # A norm of several styles has the blend as its second input, one of any style its
    # parameters.
    probe = keras.Model(core.input, [tf.nest.flatten(norm.input)[0] for norm in norms])
    largest = dict.fromkeys((norm.name for norm in norms), 0.0)
    for each in _packaged(core) if inputs is None else inputs:
        # Keras takes either arrays or tensors.
        for norm, maps in zip(
            norms,
            tf.nest.flatten(probe(tf.nest.map_structure(tf.convert_to_tensor, each))),
        ):
            centered = maps - statistics.spatial_mean(maps)
            largest[norm.name] = max(
                largest[norm.name], float(tf.reduce_max(tf.abs(centered)))
            )
    return largest


def packaged_photos() -> np.ndarray:
    """Returns the packaged photos as one batch, float32 [N, SIDE, SIDE, 3] in [0, 1]."""
    return np.stack(
        [
            image_io.to_float(
                image_io.resize_rgb8(sample_photos.builtin_photo(name), SIDE, SIDE)
            )
            for name in sample_photos.PHOTOS
        ]
    )


def _packaged(core):
    """The packaged photos, for each style of the network."""
    rgb = packaged_photos()
    styles = network_inputs.own_styles(core)
    return [[rgb, np.tile(one, (len(rgb), 1))] for one in styles] or [rgb]


def _halvings(core, inputs):
    """{norm: how often its features are halved}, for those that need it."""
    halvings = {}
    for name, value in largest_features(core, inputs).items():
        count = math.ceil(math.log2(max(value, LARGEST) / LARGEST))
        if count:
            halvings[name] = min(count, MOST)
    return halvings
