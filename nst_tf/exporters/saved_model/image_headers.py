"""What image files say of themselves before their pixels, read inside a TensorFlow graph.

Nothing here raises, whatever the file: what lies beyond its end reads as 0.
"""

import tensorflow as tf

from nst_tf.exporters.saved_model.catch_errors import catch_errors

# By what files begin with; of a WebP also its bytes 8 to 11.
KINDS = ("JPEG", "PNG", "WebP")
UNKNOWN = len(KINDS)
# A decoder goes over the whole picture for each scan of a JPEG, and libpng inflates
# each compressed text twice, up to 8 MB. Cameras and editors write 10 scans and 5 texts
# at most.
MAX_SCANS = 64
MAX_TEXTS = 16
# What they begin with: a scan's length follows from its components, 1 to 4, so that a
# film behind the picture has none by chance.
_SCANS = [bytes([0xFF, 0xDA, 0, 6 + 2 * count, count]) for count in range(1, 5)]
_TEXTS = [b"zTXt", b"iTXt", b"iCCP"]
_MAX_SEGMENTS = 64  # of a JPEG, in which EXIF is looked for; it should be the first


def kind_of(data: tf.Tensor) -> tf.Tensor:
    """Returns the index in `KINDS` of an image file, int32 scalar; `UNKNOWN` if it is none of them.

    Args:
        data: string scalar.
    """

    def begins(magic):
        return _part(data, 0, len(magic)) == magic

    return tf.argmax(
        tf.stack(
            [
                begins(b"\xff\xd8\xff"),
                begins(b"\x89PNG\r\n\x1a\n"),
                begins(b"RIFF") & (_part(data, 8, 4) == b"WEBP"),
                True,
            ]
        ),
        output_type=tf.int32,
    )


def size_of(data: tf.Tensor, kind: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns height and width of what a file's decoder would allocate, int64 scalars.

    Both are 0 where they cannot be told, for a variant that TensorFlow does not decode
    (an animated WebP), and for a file of more than `MAX_SCANS` or `MAX_TEXTS`, which
    takes much longer than its size lets expect.

    Args:
        data: string scalar.
        kind: from `kind_of`.
    """
    height, width = tf.switch_case(
        kind,
        [
            lambda: _jpeg(data),
            lambda: _png(data),
            lambda: _webp(data),
            lambda: _size(0, 0),
        ],
    )
    return height, width


def orientation_of(data: tf.Tensor) -> tf.Tensor:
    """Returns the EXIF orientation of a JPEG, int64 scalar, 1 to 8; 1 where it has none.

    Source: CIPA DC-008 (EXIF 2.32), sections 4.5.4 and 4.6.4, tag 0x0112.
    """

    def is_metadata(at):  # APP0 to APP15 and comments precede all else
        marker = _number(data, at, 2)
        return (marker >= 0xFFE0) & (marker <= 0xFFEF) | (marker == 0xFFFE)

    def is_exif(at):
        return (_number(data, at, 2) == 0xFFE1) & (
            _part(data, at + 4, 6) == b"Exif\0\0"
        )

    at = tf.while_loop(
        lambda at: is_metadata(at) & ~is_exif(at),
        lambda at: [at + 2 + _number(data, at + 2, 2)],
        [tf.constant(2, tf.int64)],
        maximum_iterations=_MAX_SEGMENTS,
    )[0]
    return tf.cond(
        is_exif(at),
        lambda: _orientation(data, at + 10),
        lambda: tf.constant(1, tf.int64),
    )


def is_shallow_gray(data: tf.Tensor) -> tf.Tensor:
    """Returns whether a PNG is gray and has fewer than 8 bits a pixel, bool scalar."""
    return (_number(data, 24, 1) < 8) & (_number(data, 25, 1) == 0)


def _orientation(data, start):
    """From the TIFF header at `start`."""
    little = _part(data, start, 2) == b"II"
    directory = start + _number(data, start + 4, 4, little)
    count = _number(data, directory, 2, little)
    entries = tf.reshape(_bytes(data, directory + 2, 12 * count), [-1, 12])
    tags, values = (_whole(entries[:, at : at + 2], little) for at in (0, 8))
    value = tf.concat([values[tags == 0x0112], tf.ones([1], tf.int64)], 0)[0]
    return tf.where((value >= 1) & (value <= 8), value, 1)


def _jpeg(data):
    # By libjpeg, lest a file have one size for us and another for the decoder.
    shape = catch_errors(
        lambda data: tf.io.extract_jpeg_shape(data, tf.int64),
        data,
        tf.zeros([3], tf.int64),
    )
    few = _have_at_most(data, _SCANS, MAX_SCANS)
    return _size_if(few, shape[0], shape[1])


def _png(data):
    few = _have_at_most(data, _TEXTS, MAX_TEXTS)
    return _size_if(few, _number(data, 20, 4), _number(data, 16, 4))


def _webp(data):
    """Source: developers.google.com/speed/webp/docs/riff_container, RFC 9649."""

    def extended():
        height, width = (_number(data, at, 3, True) + 1 for at in (27, 24))
        still = _number(data, 20, 1) // 2 % 2 == 0
        return _size_if(still, height, width)

    def lossless():
        bits = _number(data, 21, 4, True)
        return _size(bits // 2**14 % 2**14 + 1, bits % 2**14 + 1)

    def lossy():
        return _size(*(_number(data, at, 2, True) % 2**14 for at in (28, 26)))

    chunk = _part(data, 12, 4)
    return tf.case([(chunk == b"VP8X", extended), (chunk == b"VP8L", lossless)], lossy)


def _size(height, width):
    return [tf.cast(side, tf.int64) for side in (height, width)]


def _size_if(holds, height, width):
    return [tf.where(holds, side, 0) for side in _size(height, width)]


def _have_at_most(data, beginnings, most):
    """Whether the beginnings occur in a file so often at most, together."""
    parts = [tf.strings.split(data, each, most + 1) for each in beginnings]
    return tf.add_n([tf.size(each) - 1 for each in parts]) <= most


def _part(data, at, count):
    """The `count` bytes at `at`, string scalar; as many of them as there are."""
    at, count = (tf.cast(each, tf.int64) for each in (at, count))
    return tf.strings.substr(
        data, tf.minimum(at, tf.cast(tf.strings.length(data), tf.int64)), count
    )


def _bytes(data, at, count):
    """The same as int64 [count], with 0 for what is not there."""
    values = tf.cast(tf.io.decode_raw(_part(data, at, count), tf.uint8), tf.int64)
    return tf.pad(values, [[0, tf.cast(count, tf.int32) - tf.size(values)]])


def _number(data, at, count, little=False):
    """The unsigned number of the `count` bytes at `at`, int64 scalar."""
    return _whole(tf.ensure_shape(_bytes(data, at, count), [count]), little)


def _whole(values, little):
    """Bytes [..., N] as numbers [...]."""
    powers = tf.constant([256**power for power in range(values.shape[-1])], tf.int64)
    return tf.reduce_sum(values * tf.where(little, powers, powers[::-1]), -1)
