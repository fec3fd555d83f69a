"""Signatures of a SavedModel of one or several styles."""

from collections.abc import Callable

import keras
import tensorflow as tf

from nst_tf.exporters import network_inputs
from nst_tf.exporters.saved_model import image_bytes as encoded_images, serving_files
from nst_tf.models import transform_net


def signatures(network: keras.Model) -> dict[str, Callable]:
    """Returns three `tf.function`s, each for batches of any size.

    serving_default: "image" uint8 [B, H, W, 3] -> "stylized" uint8 [B, H, W, 3].
    serving_float: "image" float32 RGB in [0, 1] -> "stylized" float32 in [0, 1].
    serving_bytes: "image_bytes" string [B], JPEG, PNG or WebP of any sizes ->
        "stylized_bytes" string [B], JPEG, and "error" string [B]; see
        `image_bytes.paint_each` for what is read and what an error is.

    All take "style_weights" or "strengths" float32 [B or 1, N] too, if the network
    does; see `transform_net.transform_net`.
    """

    @tf.function(input_signature=transform_net.signature(network))
    def serving_float(image, *style_weights):
        drawn = transform_net.draw(network, image, *style_weights)
        return {"stylized": tf.clip_by_value(drawn, 0.0, 1.0)}

    @tf.function(input_signature=transform_net.signature(network, tf.uint8))
    def serving_default(image, *style_weights):
        floats = encoded_images.to_float(image)
        drawn = serving_float(floats, *style_weights)["stylized"]
        return {"stylized": encoded_images.to_uint8(drawn)}

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None], tf.string, name="image_bytes"),
            *transform_net.signature(network)[1:],
        ],
    )
    def serving_bytes(image_bytes, *style_weights):
        return encoded_images.paint_each(
            lambda image, *blend: serving_default(image, *blend)["stylized"],
            {"image_bytes": image_bytes},
            *style_weights,
        )

    return {
        "serving_default": serving_default,
        "serving_float": serving_float,
        "serving_bytes": serving_bytes,
    }


def warm_up_requests(network: keras.Model) -> serving_files.Requests:
    """Returns requests for TensorFlow Serving to begin with."""
    rgb8, jpeg = serving_files.photo()
    blend = network_inputs.single_style(network)
    return {
        "serving_default": {"image": rgb8, **blend},
        "serving_bytes": {"image_bytes": jpeg, **blend},
    }
