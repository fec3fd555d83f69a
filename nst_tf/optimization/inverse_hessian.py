"""The product of L-BFGS's inverse Hessian, given by pairs of steps and gradient
differences, with a vector.
"""

from collections.abc import Callable

import tensorflow as tf


def multiply_inverse(
    steps: tf.Tensor,
    changes: tf.Tensor,
    products: tf.Tensor,
    pairs: tf.Tensor,
    vector: tf.Tensor,
    multiply_first: Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor],
) -> tf.Tensor:
    """Returns H v = r + S R^-T (D R^-1 S^T v - Y^T r) for r = H0 (v - Y R^-1 S^T v).

    S and Y are the kept steps and changes from the oldest to the newest, R the upper
    triangle of S^T Y, D its diagonal. This is the two-loop recursion (Nocedal, Wright
    2006, algorithm 7.4), whose loops solve these triangles row by row; as products of
    matrices they read the pairs half as often.

    Args:
        steps, changes: [m, n], rings of which pair k has row k % m.
        products: [m, m], of the step of each row with the change of each column; those
            of a step with an older change are not read.
        pairs: [] int32, how many there have been; the newest m are kept.
        vector: [n].
        multiply_first: (vector [n], newest change [n], their pair's curvature []) -> H0
            times the vector; not asked before the first pair.

    Reference:
        Byrd, Nocedal, Schnabel 1994, Representations of quasi-Newton matrices and their
        use in limited memory methods (Mathematical Programming 63), theorem 2.2.
    """
    memory = steps.shape[0]
    count = tf.minimum(pairs, memory)
    oldest, ages = pairs - count, tf.range(memory)
    rows = (oldest + ages) % memory  # by age; from `count` on they hold no pair
    kept = ages < count
    ordered = tf.gather(tf.gather(products, rows), rows, axis=1)
    triangle = tf.where(
        kept[:, None] & kept, ordered, tf.eye(memory, dtype=vector.dtype)
    )

    def along(ring, vector):
        return tf.where(kept, tf.gather(tf.linalg.matvec(ring, vector), rows), 0.0)[
            :, None
        ]

    def combined(ring, shares):
        return tf.linalg.matvec(
            ring, tf.gather(shares[:, 0], (ages - oldest) % memory), transpose_a=True
        )

    shares = tf.linalg.triangular_solve(triangle, along(steps, vector), lower=False)
    rest = vector - combined(changes, shares)
    newest = (pairs - 1) % memory
    rest = tf.cond(
        count > 0,
        lambda: multiply_first(rest, changes[newest], products[newest, newest]),
        lambda: rest,
    )
    back = tf.linalg.diag_part(triangle)[:, None] * shares - along(changes, rest)
    return rest + combined(
        steps, tf.linalg.triangular_solve(triangle, back, lower=False, adjoint=True)
    )
