"""What is drawn for a crop: from seed and running number, for each purpose by itself.

So a stream can begin anywhere, on any number of devices, and no draw tells another one.
Where a few things take turns, each comes once a turn, and where the turn begins is drawn
anew: each gets its share, and no period of one meets a period of another.
"""

import enum

import numpy as np
import tensorflow as tf


class Purpose(enum.IntEnum):
    """What something is drawn for; the numbers are part of what a seed stands for."""

    CROP = 0  # its place and flip
    PHOTO = 1  # which of the sample photos, and its size
    ZOOM = 2
    RECOLORING = 3
    KIND = 4  # of a picture of the built-in source
    ORDER = 5  # of files in an epoch
    STYLE = 6
    IDENTITY = 7
    MOTION = 8


def open_rng(seed: int, number: int, purpose: Purpose) -> np.random.Generator:
    """Opens the generator of one purpose for one running number."""
    return np.random.default_rng([seed, number, purpose])


def draw_turn(seed: int, number: int, purpose: Purpose, count: int) -> int:
    """Returns which of `count` things is the turn of a running number, 0 to count - 1."""
    offset = open_rng(seed, number // count, purpose).integers(count)
    return int(number + offset) % count


def draw_turns(
    seed: int, numbers: tf.Tensor, purpose: Purpose, count: int
) -> tf.Tensor:
    """Returns what `draw_turn` stands for inside a step, by draws of TensorFlow's own.

    Args:
        seed: of the run.
        numbers: int64 [B], running numbers.
        purpose: what is drawn.
        count: of the things that take turns.

    Returns:
        int64 [B], 0 to count - 1.
    """
    key = tf.constant((seed << 8) + purpose, tf.int64)
    offsets = tf.map_fn(
        lambda turn: tf.random.stateless_uniform(
            [], tf.stack([key, turn]), 0, count, tf.int64
        ),
        numbers // count,
    )
    return (numbers + offsets) % count
