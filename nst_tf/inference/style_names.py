"""What the styles of a model are called, and how a name that a user gives is found among them."""

import re
from collections.abc import Sequence
from pathlib import Path

from nst_tf.core.errors import expected
from nst_tf.core.lists import split_list


def label_style(style: str) -> str:
    """Returns what a style is called: "a/vangogh_starry-night.jpg" is "Vangogh starry night"."""
    name = Path(style).stem.replace("_", " ").replace("-", " ")
    return name[:1].upper() + name[1:]


def label_styles(style_image: str, count: int) -> list[str]:
    """Returns the names of a network's styles, in their order.

    Args:
        style_image: the run's setting; if it does not name `count` styles, they are
            numbered.
        count: of styles.
    """
    named = split_list(style_image)
    if len(named) != count:
        return [f"Style {number + 1}" for number in range(count)]
    return [label_style(each) for each in named]


def find_style(name: str, names: Sequence[str], model: str) -> int:
    """Returns the index of a style: by its name, by its number from 0, or by words of its name.

    Args:
        name: such as "wave" for "Hokusai wave"; case and punctuation do not count.
        names: of the model's styles.
        model: names the model in errors.

    Raises:
        UserError: no style is called so, or several.
    """
    words = _split_words(name)
    exact = [index for index, each in enumerate(names) if _split_words(each) == words]
    if exact:
        return exact[0]
    if name.isdecimal() and int(name) < len(names):
        return int(name)
    matching = [
        index
        for index, each in enumerate(names)
        if words and set(words) <= set(_split_words(each))
    ]
    if len(matching) == 1:
        return matching[0]
    found = "; ".join(names[index] for index in matching)
    raise expected(
        f"one of the styles of {model}: {'; '.join(names)}",
        f"{name!r}, which could be {found}" if found else repr(name),
        "Name one, or give its number from 0.",
    )


def _split_words(name: str) -> list[str]:
    return re.findall(r"\w+", name.lower().replace("_", " "))
