"""Which sizes a transformation network can draw, and how a picture is grown to one of them.

Stated once, without TensorFlow, because the network does it in its graph and a
.tflite's caller does it in NumPy, and both must draw the same picture.
"""

import numpy as np

PADDINGS = ("reflect", "zeros")  # of convolutions
MULTIPLE = 4  # two halvings on the way in
# reflection pads of 1 at a quarter of the size need 2 pixels there, the 9x9 needs 5
MINIMUM = 8
ANY_STYLE = (8, 16)  # both for networks of any style: their encoder has three halvings


def padded_side(side: int, multiple: int = MULTIPLE, minimum: int = MINIMUM) -> int:
    """Returns the smallest multiple of `multiple` that is at least `side` and `minimum`, pixels."""
    return max(-(-side // multiple) * multiple, minimum)


def mirrored(side: int, stop: int, start: int = 0) -> np.ndarray:
    """Returns the indices ... 2 1 0 1 2 3 2 1 0 1 ... that continue `side` pixels; one
    pixel repeats.

    Returns:
        int [stop - start], each in 0 .. side - 1: those of positions `start` to `stop`
        - 1.
    """
    period = max(2 * (side - 1), 1)
    phase = np.arange(start, stop) % period
    return np.minimum(np.minimum(phase, period - phase), side - 1)


def pad_to_multiple(
    picture: np.ndarray, multiple: int = MULTIPLE, minimum: int = MINIMUM
) -> np.ndarray:
    """Returns [H, W, C] grown at the bottom and right to sides that the network can
    draw; see `padded_side`.
    """
    rows, columns = (
        mirrored(side, padded_side(side, multiple, minimum))
        for side in picture.shape[:2]
    )
    return picture[rows][:, columns]
