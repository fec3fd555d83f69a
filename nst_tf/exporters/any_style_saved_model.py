"""SavedModel of a network of any style: both ways, and both at once."""

from pathlib import Path

import keras
import tensorflow as tf

from nst_tf import any_style
from nst_tf.exporters import parity, saved_model

JPEG_QUALITY = 95                              # as `nst_tf.images` writes


def export(network: keras.Model, folder: Path, name: str) -> list[parity.Artefact]:
    """Writes `folder`/saved_model/1 with five signatures, each for pictures of any size.

    stylize: "content" float32 [B, H, W, 3], "style" float32 [B or 1, h, w, 3], both RGB in [0, 1], and
        "alpha" float32 [B or 1, 1] -> "stylized" float32 [B, H, W, 3] in [0, 1].
    encode_style: "style" -> "code" float32 [B, N].
    transform: "content", "code" [B or 1, N], "alpha" -> "stylized".
    serving_default: as stylize, pictures as uint8.
    stylize_bytes: "content" and "style" strings [B], each a JPEG, PNG, GIF or BMP, and "alpha" [B, 1] ->
        "stylized" strings [B], JPEG. EXIF orientation and colour profiles are not looked at.

    Args:
        network: of any style, float32.
        folder: run folder.
        name: not used; the folder's name is the model's.

    Returns:
        The one artefact.

    Raises:
        UserError: the folder cannot be written.
        RuntimeError: the artefact does not draw what the network draws; it was not written.
    """
    parts = any_style.parts_of(network)
    code_size = parts.encode_style.output.shape[-1]

    @tf.function(input_signature=_signature("content", "code", "alpha", code_size=code_size))
    def transform(content, code, alpha):
        return {"stylized": tf.clip_by_value(parts.transform([content, code, alpha]), 0.0, 1.0)}

    @tf.function(input_signature=_signature("style"))
    def encode_style(style):
        return {"code": parts.encode_style(style)}

    @tf.function(input_signature=_signature("content", "style", "alpha"))
    def stylize(content, style, alpha):
        return transform(content, parts.encode_style(style), alpha)

    @tf.function(input_signature=_signature("content", "style", "alpha", dtype=tf.uint8))
    def serving_default(content, style, alpha):
        drawn = stylize(saved_model.from_bytes(content), saved_model.from_bytes(style), alpha)["stylized"]
        return {"stylized": saved_model.to_bytes(drawn)}

    @tf.function(input_signature=[
        tf.TensorSpec([None], tf.string, name="content"), tf.TensorSpec([None], tf.string, name="style"),
        tf.TensorSpec([None, 1], tf.float32, name="alpha")])
    def stylize_bytes(content, style, alpha):
        def one(inputs):
            photo, painting = (saved_model.from_bytes(
                tf.io.decode_image(data, channels=3, expand_animations=False))[None] for data in inputs[:2])
            drawn = stylize(photo, painting, inputs[2][None])["stylized"][0]
            return tf.io.encode_jpeg(
                saved_model.to_bytes(drawn), quality=JPEG_QUALITY, chroma_downsampling=False)

        return {"stylized": tf.map_fn(one, (content, style, alpha), fn_output_signature=tf.string)}

    def check(loaded, path):
        def at_once(**inputs):
            return saved_model.run(loaded, "stylize", "stylized", **inputs)

        def in_two_steps(content, style, alpha):
            code = saved_model.run(loaded, "encode_style", "code", style=style)
            return saved_model.run(loaded, "transform", "stylized", content=content, code=code, alpha=alpha)

        return min(parity.check(network, draw, path, saved_model.AT_LEAST) for draw in (at_once, in_two_steps))

    return [saved_model.written(saved_model.variables_of(network), {
        "serving_default": serving_default, "stylize": stylize, "encode_style": encode_style,
        "transform": transform, "stylize_bytes": stylize_bytes}, folder, check)]


def _signature(*names, code_size=None, dtype=tf.float32):
    shapes = {"content": ([None, None, None, 3], dtype), "style": ([None, None, None, 3], dtype),
              "code": ([None, code_size], tf.float32), "alpha": ([None, 1], tf.float32)}
    return [tf.TensorSpec(*shapes[name], name=name) for name in names]
