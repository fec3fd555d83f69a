"""Signatures of a SavedModel of any style: both ways, and both at once."""

from collections.abc import Callable

import keras
import tensorflow as tf

from nst_tf.exporters import network_inputs
from nst_tf.exporters.saved_model import image_bytes, serving_files


def signatures(network: keras.Model) -> dict[str, Callable]:
    """Returns five `tf.function`s, each for pictures of any size.

    stylize: "content" float32 [B, H, W, 3], "style" float32 [B or 1, h, w, 3], both RGB
        in [0, 1], and "alpha" float32 [B or 1, 1] -> "stylized" float32 [B, H, W, 3] in
        [0, 1].
    encode_style: "style" -> "code" float32 [B, N].
    transform: "content", "code" [B or 1, N], "alpha" -> "stylized".
    serving_default: as stylize, pictures as uint8.
    stylize_bytes: "content_bytes" string [B] and "style_bytes" string [B or 1], JPEG,
        PNG or WebP of any sizes, and "alpha" [B or 1, 1] -> "stylized_bytes"
        string [B], JPEG, and "error" string [B]; see `image_bytes.paint_each` for what
        is read and what an error is.
    """
    parts = network_inputs.parts_of(network)
    code_size = parts.encode_style.output.shape[-1]

    @tf.function(
        input_signature=_signature("content", "code", "alpha", code_size=code_size)
    )
    def transform(content, code, alpha):
        drawn = parts.transform([content, code, alpha])
        return {"stylized": tf.clip_by_value(drawn, 0.0, 1.0)}

    @tf.function(input_signature=_signature("style"))
    def encode_style(style):
        return {"code": parts.encode_style(style)}

    @tf.function(input_signature=_signature("content", "style", "alpha"))
    def stylize(content, style, alpha):
        return transform(content, parts.encode_style(style), alpha)

    @tf.function(
        input_signature=_signature("content", "style", "alpha", dtype=tf.uint8)
    )
    def serving_default(content, style, alpha):
        pictures = image_bytes.to_float(content), image_bytes.to_float(style)
        drawn = stylize(*pictures, alpha)["stylized"]
        return {"stylized": image_bytes.to_uint8(drawn)}

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None], tf.string, name="content_bytes"),
            tf.TensorSpec([None], tf.string, name="style_bytes"),
            *_signature("alpha"),
        ],
    )
    def stylize_bytes(content_bytes, style_bytes, alpha):
        return image_bytes.paint_each(
            lambda *inputs: serving_default(*inputs)["stylized"],
            {"content_bytes": content_bytes, "style_bytes": style_bytes},
            alpha,
        )

    return {
        "serving_default": serving_default,
        "stylize": stylize,
        "encode_style": encode_style,
        "transform": transform,
        "stylize_bytes": stylize_bytes,
    }


def warm_up_requests(network: keras.Model) -> serving_files.Requests:
    """Returns requests for TensorFlow Serving to begin with."""
    rgb8, jpeg = serving_files.photo()
    full = network_inputs.single_style(network)
    return {
        "serving_default": {"content": rgb8, "style": rgb8, **full},
        "stylize_bytes": {"content_bytes": jpeg, "style_bytes": jpeg, **full},
    }


def _signature(*names, code_size=None, dtype=tf.float32):
    shapes = {
        "content": ([None, None, None, 3], dtype),
        "style": ([None, None, None, 3], dtype),
        "code": ([None, code_size], tf.float32),
        "alpha": ([None, 1], tf.float32),
    }
    return [tf.TensorSpec(*shapes[name], name=name) for name in names]
