"""Shares of several styles: one way to blend, for every model and for the optimizer."""

import math
from collections.abc import Sequence

from nst_tf.core.errors import expected


def normalize_shares(shares: Sequence[float]) -> tuple[float, ...]:
    """Scales shares of styles to a sum of 1.

    Args:
        shares: numbers of at least 0, in any scale, not all 0.

    Raises:
        UserError: a share below 0 or not finite, or nothing but zeros.
    """
    largest = max(shares, default=0)
    usable = all(0 <= share < math.inf for share in shares) and largest > 0
    if not usable:
        raise expected(
            "shares of styles of at least 0, not all 0",
            ", ".join(f"{share:g}" for share in shares) or "none",
            "Change them in --style, such as wave:2,cafe:1.",
        )
    # Divided by the largest first: sums of huge shares would overflow.
    total = math.fsum(share / largest for share in shares)
    return tuple(share / largest / total for share in shares)
