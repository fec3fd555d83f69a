"""Moves pictures along a flow: tensors in, tensors out."""

import tensorflow as tf


def warp(pictures: tf.Tensor, flow: tf.Tensor) -> tf.Tensor:
    """Returns pictures at x + flow for each x, between pixels by linear interpolation.

    Beyond the border there is what is at the border.

    Args:
        pictures: [B, H, W, C] float32; gradients flow to them, none to the flow.
        flow: [B, H, W, 2] float32, across and down, pixels.

    Returns:
        [B, H, W, C].
    """
    shape = tf.shape(flow)
    height, width = shape[1], shape[2]
    across, down = (
        tf.clip_by_value(place, 0.0, tf.cast(most - 1, tf.float32))
        for place, most in zip(find_places(flow), (width, height))
    )
    left, top = tf.floor(across), tf.floor(down)
    right_share, lower_share = (across - left)[..., None], (down - top)[..., None]
    columns, rows = tf.cast(left, tf.int32), tf.cast(top, tf.int32)
    next_columns = tf.minimum(columns + 1, width - 1)
    next_rows = tf.minimum(rows + 1, height - 1)
    upper = _mix(pictures, rows, columns, next_columns, right_share)
    lower = _mix(pictures, next_rows, columns, next_columns, right_share)
    return upper + lower_share * (lower - upper)


def find_places(flow: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns x + flow across and down, [B, H, W] both, of a flow [B, H, W, 2]."""
    shape = tf.shape(flow)
    columns = tf.range(tf.cast(shape[2], tf.float32))
    rows = tf.range(tf.cast(shape[1], tf.float32))[:, None]
    return flow[..., 0] + columns, flow[..., 1] + rows


def _mix(pictures, rows, columns, next_columns, right_share):
    left, right = (
        tf.gather_nd(pictures, tf.stack([rows, each], -1), batch_dims=1)
        for each in (columns, next_columns)
    )
    return left + right_share * (right - left)
