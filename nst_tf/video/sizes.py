"""The size at which frames are painted and written."""

import dataclasses

from nst_tf.images import io as image_io
from nst_tf.video.frames import Facts, Frame


def fit_facts(facts: Facts, image_size: int) -> Facts:
    """Returns the facts of frames that are shrunk to a long side of `image_size`, if above 0.

    Sides of frames that are shrunk are even, as H.264 needs them, from 2 pixels up.
    """
    if not image_size or max(facts.size) <= image_size:
        return facts
    height, width = image_io.fit_size(*facts.size, long_side=image_size)
    even = max(height - height % 2, 2), max(width - width % 2, 2)
    return dataclasses.replace(facts, size=even)


def resize_frame(frame: Frame, size: tuple[int, int]) -> Frame:
    """Returns a frame of another height and width."""
    if frame.rgb.shape[:2] == tuple(size):
        return frame
    alpha = frame.alpha
    if alpha is not None:
        alpha = image_io.resize_rgb8(alpha, *size)
    return dataclasses.replace(
        frame, rgb=image_io.resize_rgb8(frame.rgb, *size), alpha=alpha
    )
