"""Every setting of a training run: name, default, meaning, all in one place.

The command's flags, their help, the run folder's replayable file and the check on
resume are made from these fields; the library reads them as a frozen dataclass.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

from nst_tf.core.errors import expected


def setting(
    default: Any, help: str, *, choices: Sequence[str] = (), resumable: bool = False
) -> Any:
    """Declares one field of a settings dataclass.

    Args:
        default: its default; its type is the flag's (str, int, float, bool or tuple of
            str).
        help: one sentence for `--help`.
        choices: the allowed strings, where there is a list; of a tuple, those of each
            entry.
        resumable: whether a resumed run may use another value, because what is learnt does
            not depend on it.
    """
    return dataclasses.field(
        default=default,
        metadata={"help": help, "choices": tuple(choices), "resumable": resumable},
    )


def texture_sides(size: str) -> tuple[int, int]:
    """Returns height and width of a --texture_size such as "512x384", width first.

    Raises:
        UserError: it is no size.
    """
    try:
        width, height = (int(side) for side in size.split("x"))
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise expected("--texture_size as WIDTHxHEIGHT", size, "Try 512x384.")
    return height, width


def layer_weights(names: Sequence[str]) -> dict[str, float]:
    """Parses ("relu1_1", "relu2_1:0.5") into {"relu1_1": 1.0, "relu2_1": 0.5}.

    Raises:
        UserError: a weight that is not a number.
    """
    weights = {}
    for item in names:
        name, _, weight = item.partition(":")
        try:
            weights[name] = float(weight) if weight else 1.0
        except ValueError:
            raise expected(
                "a layer as NAME or NAME:WEIGHT", repr(item), "Try relu3_1:0.5."
            ) from None
    return weights
