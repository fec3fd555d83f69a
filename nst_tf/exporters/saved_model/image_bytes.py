"""Image files in and out of a TensorFlow graph, so that one that cannot be read does
not spoil its batch.

What is caught: files of no known kind, cut off, damaged, of variants that TensorFlow
does not decode, of parts without end, and with more than `MAX_PIXELS` pixels by their
header, before anything is allocated for them. What is not: a picture within that limit
that the machine has no memory to paint.

JPEG's EXIF orientation is applied. What is transparent is composited on the mean of
what is seen, and alpha is left out. Not looked at are EXIF in other formats and color
profiles.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from nst_tf.exporters.saved_model import image_headers
from nst_tf.exporters.saved_model.catch_errors import catch_errors
from nst_tf.images import io as image_io

JPEG_QUALITY = 95  # as `nst_tf.images.io` writes
MAX_PIXELS = 2**23  # a 4K picture; the classic network needs 9 GB for it
MAX_SIDE = 65_500  # libjpeg's: what is painted becomes a JPEG
# In the order of `image_headers.KINDS`.
_DAMAGED = (
    f"damaged, cut off, or of more than {image_headers.MAX_SCANS} scans",
    "damaged, cut off, transparent all over, or with more than "
    f"{image_headers.MAX_TEXTS} compressed texts",
    "damaged, cut off, transparent all over, or an animation",
)


def paint_each(
    paint: Callable[..., tf.Tensor], files: Mapping[str, tf.Tensor], *others: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Paints a batch of image files one by one, whatever their sizes and formats.

    Args:
        paint: (uint8 [1, H, W, 3], another for each of `files`, one [1, ...] of each of
            `others`) -> uint8 [1, H, W, 3].
        files: {name: string [B], each a JPEG, PNG or WebP}. Of all but the first there
            may be one for the whole batch.
        others: [B or 1, ...].

    Returns:
        "stylized_bytes": string [B], JPEG of quality 95 with color in full resolution;
            empty where there is an error.
        "error": string [B], what was wrong with the item, empty where nothing was.
    """
    first = next(iter(files.values()))
    batch = [
        _repeat(tensor, tf.shape(first)[0]) for tensor in (*files.values(), *others)
    ]

    def one(inputs):
        pictures, errors = zip(*map(read, inputs[: len(files)]))
        error = _join(files, errors)

        def paint_one():
            drawn = paint(
                *(picture[None] for picture in pictures),
                *(each[None] for each in inputs[len(files) :]),
            )
            return tf.io.encode_jpeg(
                drawn[0], quality=JPEG_QUALITY, chroma_downsampling=False
            )

        return tf.cond(error == "", paint_one, lambda: tf.constant(b"")), error

    # One after the other: a batch needs no more memory than its largest picture.
    stylized, error = tf.map_fn(
        one,
        tuple(batch),
        fn_output_signature=(tf.string, tf.string),
        parallel_iterations=1,
    )
    return {"stylized_bytes": stylized, "error": error}


# A function of its own: traced once, and stored once however often it is called.
@tf.function(autograph=False, input_signature=[tf.TensorSpec([], tf.string)])
def read(data: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads one image file; never raises.

    Args:
        data: string scalar.

    Returns:
        uint8 [H, W, 3], upright; and what is wrong with the file, a string scalar,
        empty if nothing. Then H and W are 0.
    """
    kind = image_headers.kind_of(data)
    height, width = image_headers.size_of(data, kind)
    allowed = (height * width <= MAX_PIXELS) & (tf.maximum(height, width) <= MAX_SIDE)
    picture = tf.cond(
        allowed & (height * width > 0), lambda: _decode(data, kind), _nothing
    )
    error = tf.case(
        [
            (~allowed, lambda: _describe_size(height, width)),
            (tf.size(picture) == 0, lambda: _describe_damage(data, kind)),
        ],
        lambda: tf.constant(""),
    )
    return picture, error


def to_float(image: tf.Tensor) -> tf.Tensor:
    """Returns uint8 values as float32 in [0, 1].

    From a table, because TensorFlow replaces a division by 255 with a product, which is
    not always the same number: now and then a pixel would be a gray level off.
    """
    table = image_io.to_float(np.arange(256, dtype=np.uint8))
    return tf.gather(table, tf.cast(image, tf.int32))


def to_uint8(image: tf.Tensor) -> tf.Tensor:
    """Returns float32 values in [0, 1] as uint8."""
    return tf.cast(tf.round(image * 255.0), tf.uint8)


def _decode(data, kind):
    def jpeg():
        # INTEGER_ACCURATE is what other decoders do; TensorFlow's default is off by up
        # to ten gray levels.
        picture = _try_decode(
            data, lambda data: tf.io.decode_jpeg(data, 3, dct_method="INTEGER_ACCURATE")
        )
        return _turn_upright(picture, image_headers.orientation_of(data))

    def png():
        picture = _try_decode(data, lambda data: tf.io.decode_png(data, 4))
        # TensorFlow makes gray of fewer than 8 bits transparent.
        shallow = image_headers.is_shallow_gray(data)
        return _composite(
            tf.cond(shallow, lambda: _to_rgba(picture[..., :3]), lambda: picture)
        )

    def webp():
        # TensorFlow decodes as many channels as there are, and can be asked for neither
        # three nor four of any WebP.
        picture = _try_decode(
            data, lambda data: tf.io.decode_image(data, expand_animations=False)
        )
        return _composite(_to_rgba(picture))

    picture = tf.switch_case(kind, [jpeg, png, webp])
    return tf.ensure_shape(picture, [None, None, 3])


def _try_decode(data, decode):
    def decode_rank_3(data):
        return tf.ensure_shape(decode(data), [None, None, None])

    return catch_errors(decode_rank_3, data, _nothing())


def _to_rgba(picture):
    """[H, W, 3 or 4] as [H, W, 4]."""
    opaque = tf.ones_like(picture[..., :1]) * 255
    return tf.concat([picture, opaque], -1)[..., :4]


def _composite(rgba):
    """[H, W, 4] on the mean of what is seen; [0, 0, 3] if there is nothing to see."""
    rgb, alpha = rgba[..., :3], rgba[..., 3:]

    def composite():
        colors, opacity = to_float(rgb), to_float(alpha)
        # Row by row: float32 loses what is added to a sum of megapixels.
        seen, weight = (
            tf.reduce_sum(tf.reduce_sum(values, 1), 0)
            for values in (colors * opacity, opacity)
        )
        mean = seen / weight
        return to_uint8(colors * opacity + mean * (1.0 - opacity))

    picture = tf.cond(tf.reduce_all(alpha == 255), lambda: rgb, composite)
    return tf.cond(tf.reduce_any(alpha > 0), lambda: picture, _nothing)


def _turn_upright(picture, orientation):
    """Source: CIPA DC-008 (EXIF 2.32), section 4.6.4, tag 0x0112."""

    def one_of(*orientations):
        return tf.reduce_any(orientation == tf.constant(orientations, tf.int64))

    picture = tf.cond(
        orientation >= 5, lambda: tf.transpose(picture, [1, 0, 2]), lambda: picture
    )
    picture = tf.cond(one_of(3, 4, 7, 8), lambda: picture[::-1], lambda: picture)
    return tf.cond(one_of(2, 3, 6, 7), lambda: picture[:, ::-1], lambda: picture)


def _nothing():
    return tf.zeros([0, 0, 3], tf.uint8)


def _describe_size(height, width):
    return tf.strings.join(
        [
            f"Expected at most {MAX_PIXELS} pixels and sides of at most {MAX_SIDE}. Received: ",
            tf.strings.format("{}x{}", (width, height)),
            ". Use a smaller picture.",
        ]
    )


def _describe_damage(data, kind):
    size = tf.strings.as_string(tf.strings.length(data))
    damaged = [
        tf.strings.join(
            [
                f"Expected a {name} that can be read. Received: one of ",
                size,
                f" bytes that is {state}. Save it anew.",
            ]
        )
        for name, state in zip(image_headers.KINDS, _DAMAGED)
    ]
    unknown = tf.strings.join(
        [
            "Expected a JPEG, PNG or WebP. Received: ",
            size,
            " bytes that begin like none of them. Save the picture as one.",
        ]
    )
    return tf.gather(tf.stack([*damaged, unknown]), kind)


def _join(names: Sequence[str], errors):
    """One text of several files' errors, which it names."""
    if len(errors) == 1:
        return errors[0]
    named = tf.stack(
        [
            tf.where(error == "", "", tf.strings.join([f"{name}: ", error]))
            for name, error in zip(names, errors)
        ]
    )
    return tf.strings.reduce_join(named[named != ""], separator=" ")


def _repeat(tensor, batch):
    """[B or 1, ...] as [B, ...]."""
    repeated = tf.broadcast_to(
        tensor, tf.concat([batch[None], tf.shape(tensor)[1:]], 0)
    )
    return tf.ensure_shape(repeated, [None, *tensor.shape[1:]])
