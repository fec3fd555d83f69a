"""The line search of quasi-Newton methods, as a loop that stays on the device."""

import tensorflow as tf

# c1 and c2 of the strong Wolfe conditions; Nocedal, Wright 2006, section 3.1.
DECREASE = 1e-4
CURVATURE = 0.9


def strong_wolfe(along, value, slope, point, first, max_evaluations, slack=0.0):
    """Finds a step length with f(t) <= f(0) + c1 t f'(0) + slack and |f'(t)| <= c2 |f'(0)|.

    Bracketing and zooming are one loop over an interval (low, high): `low` is the best
    point that decreases the value enough, `high` the other end, once there is one.

    Args:
        along: length [] -> (value [], slope [], point); the point is a tuple of tensors
            that is handed back, the gradient first.
        value, slope, point: at length 0; slope below 0.
        first: the first length to try.
        max_evaluations: of `along`.
        slack: rise of the value that rounding alone may cause. With it, slopes decide
            where values can't: the approximate Wolfe conditions of Hager and Zhang 2005
            (SIAM J. Optim. 16), section 3.

    Returns:
        (length, value, point, evaluations): the accepted point; if no length satisfies
        both conditions in time, the best that satisfies the first; length 0 if none
        does.
    """
    zero = tf.zeros_like(value)
    nowhere = (zero, value, slope)

    def body(count, done, bracketed, length, low, high, low_point):
        new_value, new_slope, new_point = along(length)
        finite = is_finite(new_value, new_point[0])
        too_high = (
            ~finite
            | (new_value > value + DECREASE * length * slope + slack)
            | ((low[0] > 0) & (new_value >= low[1] + slack))
        )
        flat = tf.abs(new_slope) <= -CURVATURE * slope
        new = (length, new_value, new_slope)
        past = tf.where(bracketed, new_slope * (high[0] - low[0]) >= 0, new_slope >= 0)
        new_high = _choose(too_high, new, _choose(past, low, high))
        new_low = _choose(too_high, low, new)
        low_point = _choose(too_high, low_point, new_point)
        bracketed = bracketed | too_high | past
        done = ~too_high & flat
        between = _interpolate(new_low, new_high)
        following = tf.where(bracketed, between, 2.0 * length)
        return count + 1, done, bracketed, following, new_low, new_high, low_point

    count, _, _, _, low, _, low_point = tf.while_loop(
        lambda count, done, *_: ~done & (count < max_evaluations),
        body,
        (
            tf.constant(0),
            tf.constant(False),
            tf.constant(False),
            tf.cast(first, value.dtype),
            nowhere,
            nowhere,
            point,
        ),
    )
    return low[0], low[1], low_point, count


def _interpolate(low, high):
    """Returns the minimum of the cubic through both ends, kept away from them; Nocedal, Wright, (3.59)."""
    (a, fa, da), (b, fb, db) = low, high
    width = b - a
    safe = tf.where(width == 0, tf.ones_like(width), width)
    d1 = da + db - 3 * (fb - fa) / safe
    inside = d1 * d1 - da * db
    d2 = tf.sign(width) * tf.sqrt(tf.maximum(inside, 0))
    below = db - da + 2 * d2
    share = 1 - (db + d2 - d1) / tf.where(below == 0, tf.ones_like(below), below)
    usable = (
        (inside >= 0) & (below != 0) & tf.math.is_finite(share) & tf.math.is_finite(fb)
    )
    share = tf.where(usable, tf.clip_by_value(share, 0.1, 0.9), 0.5)
    return a + share * width


def _choose(condition, first, second):
    return tuple(tf.where(condition, a, b) for a, b in zip(first, second))


def is_finite(value: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
    """Returns whether a value [] and all entries of a gradient [n] are finite."""
    return tf.math.is_finite(value) & tf.reduce_all(tf.math.is_finite(gradient))
