"""SavedModel of a network of any style: both ways, and both at once."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from nst_tf.exporters import parity
from nst_tf.exporters.saved_model import (
    image_bytes,
    per_style as saved_model,
    serving_files,
)
from nst_tf.models import adain_net


def export(network: keras.Model, folder: Path, name: str) -> list[parity.Artifact]:
    """Writes `folder`/saved_model/1 with five signatures, each for pictures of any size.

    stylize: "content" float32 [B, H, W, 3], "style" float32 [B or 1, h, w, 3], both RGB
        in [0, 1], and "alpha" float32 [B or 1, 1] -> "stylized" float32 [B, H, W, 3] in
        [0, 1].
    encode_style: "style" -> "code" float32 [B, N].
    transform: "content", "code" [B or 1, N], "alpha" -> "stylized".
    serving_default: as stylize, pictures as uint8.
    stylize_bytes: "content_bytes" string [B] and "style_bytes" string [B or 1], JPEG,
        PNG, WebP, BMP or GIF of any sizes, and "alpha" [B or 1, 1] -> "stylized_bytes"
        string [B], JPEG, and "error" string [B]; see `image_bytes.paint_each` for what
        is read and what an error is.

    Args:
        network: of any style, float32.
        folder: run folder.
        name: not used; the folder's name is the model's.

    Returns:
        The one artifact.

    Raises:
        UserError: the folder cannot be written.
        RuntimeError: the artifact does not draw what the network draws; it was not
            written.
    """
    parts = adain_net.parts_of(network)
    code_size = parts.encode_style.output.shape[-1]

    @tf.function(
        input_signature=_signature("content", "code", "alpha", code_size=code_size)
    )
    def transform(content, code, alpha):
        return {
            "stylized": tf.clip_by_value(
                parts.transform([content, code, alpha]), 0.0, 1.0
            )
        }

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
        drawn = stylize(
            saved_model.from_bytes(content), saved_model.from_bytes(style), alpha
        )["stylized"]
        return {"stylized": saved_model.to_bytes(drawn)}

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

    def check(loaded, path):
        def at_once(**inputs):
            return saved_model.run(loaded, "stylize", "stylized", **inputs)

        def in_two_steps(content, style, alpha):
            code = saved_model.run(loaded, "encode_style", "code", style=style)
            return saved_model.run(
                loaded, "transform", "stylized", content=content, code=code, alpha=alpha
            )

        wanted = parity.drawn(network)
        return min(
            parity.compare(wanted, draw, path, saved_model.AT_LEAST)
            for draw in (at_once, in_two_steps)
        )

    rgb8, jpeg = serving_files.photo()
    full = {adain_net.ALPHA: np.ones((1, 1), np.float32)}
    return [
        saved_model.written(
            saved_model.variables_of(network),
            {
                "serving_default": serving_default,
                "stylize": stylize,
                "encode_style": encode_style,
                "transform": transform,
                "stylize_bytes": stylize_bytes,
            },
            folder,
            check,
            {
                "serving_default": {"content": rgb8, "style": rgb8, **full},
                "stylize_bytes": {"content_bytes": jpeg, "style_bytes": jpeg, **full},
            },
        )
    ]


def _signature(*names, code_size=None, dtype=tf.float32):
    shapes = {
        "content": ([None, None, None, 3], dtype),
        "style": ([None, None, None, 3], dtype),
        "code": ([None, code_size], tf.float32),
        "alpha": ([None, 1], tf.float32),
    }
    return [tf.TensorSpec(*shapes[name], name=name) for name in names]
