"""Several entries in one text, as flags have them, and paths in texts.

Entries are separated by commas, and quoted where they hold one, as in CSV.
"""

import csv
import io
import os
import re
from collections.abc import Iterable

from nst_tf.core.errors import expected


def split_list(text: str) -> tuple[str, ...]:
    """Splits 'a.jpg,b.jpg', or '"a,b.jpg",c.jpg'; the path of something that exists is one entry.

    Raises:
        UserError: a quote that is not closed.
    """
    if not text:
        return ()
    if os.path.exists(text):
        return (text,)
    try:
        (entries,) = csv.reader([text.strip()], strict=True, skipinitialspace=True)
    except (csv.Error, ValueError):
        raise expected(
            "entries separated by commas, quoted where they hold a comma",
            text,
            'Try "a,b.jpg",c.jpg, with the quotes.',
        ) from None
    return tuple(entry.strip() for entry in entries)


def join_list(entries: Iterable[object]) -> str:
    """Returns the text that `split_list` splits into these entries."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(list(entries))
    return text.getvalue()


def split_name(entry: str) -> tuple[str, str]:
    """Splits NAME=PATH; a path that exists, or a = behind a slash, is a path without a name.

    Returns:
        Name and path; the name is empty where there is none.
    """
    name, equals, path = entry.partition("=")
    if not equals or os.path.exists(entry) or re.search(r"[/\\]", name):
        return "", entry
    return name, path


def expand_home(text: str, behind: str = "") -> str:
    """Writes the home folder for a ~ at the start of a path.

    Args:
        text: a path, or paths between signs.
        behind: the signs behind which a path begins, too, such as "=+".
    """
    if not behind:
        return os.path.expanduser(text)
    begins = rf"(^|[{re.escape(behind)}])(~[^/{re.escape(behind)}]*)"
    return re.sub(begins, lambda found: found[1] + os.path.expanduser(found[2]), text)
