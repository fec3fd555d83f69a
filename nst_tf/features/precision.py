"""Chooses the faster arithmetic: where the hardware lacks bfloat16, it takes several
times float32's time.
"""

import dataclasses
import timeit
from collections.abc import Callable
from typing import TypeVar

import tensorflow as tf

from nst_tf.config.perceptual import PrecisionSettings

# Use bfloat16 only where it takes at most 0.8 of float32's time.
WORTHWHILE = 0.8
# Of the maps: work for all cores, in less than a second where bfloat16 is emulated.
SHAPE = (1, 32, 32, 128)

Settings = TypeVar("Settings", bound=PrecisionSettings)


def resolve_precision(settings: Settings, log: Callable[[str], None]) -> Settings:
    """Returns the settings with --precision=auto replaced by what is faster here;
    others as they are.

    Args:
        settings: of any command.
        log: takes a line for the user on what was chosen, and why.
    """
    if settings.precision != "auto":
        return settings
    ratio = convolution_seconds("bfloat16") / convolution_seconds("float32")
    chosen = "bfloat16" if ratio < WORTHWHILE else "float32"
    log(
        f"--precision={chosen}: a convolution in bfloat16 takes {ratio:.2g} times float32's time here"
    )
    return dataclasses.replace(settings, precision=chosen)


def convolution_seconds(dtype: str, repeats: int = 6) -> float:
    """Returns the least time that a convolution and its gradient take in `dtype` on the
    default device.
    """
    features = tf.cast(tf.random.stateless_normal(SHAPE, (1, 2)), dtype)
    kernel = tf.cast(
        tf.random.stateless_normal((3, 3, SHAPE[-1], SHAPE[-1]), (3, 4)), dtype
    )

    @tf.function
    def gradient(features: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(features)
            drawn = tf.nn.conv2d(features, kernel, 1, "SAME")
        return tape.gradient(drawn, features)

    # The first call compiles, so it is never the least; the sum waits for the device.
    return min(
        timeit.repeat(
            lambda: tf.reduce_sum(gradient(features)).numpy(), number=1, repeat=repeats
        )
    )
