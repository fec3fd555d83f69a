"""Registries: names, and where the objects behind them are, which are imported when they are first asked for.

Choices of flags are the keys of registries, so that `--help` needs no TensorFlow.
"""

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

from nst_tf.core.errors import expected


class Registry(Mapping[str, Any]):
    """A mapping of names to objects that are imported on demand.

    Args:
        what: an entry, as errors call it: "a method".
        entries: {name: "module:object"}.
        aliases: {earlier name: name}; they are read, but not listed.
        of_path: "module:function" that makes an entry of a path; without it, paths are
            no entries. A name with a slash in it is a path.

    Example:
        >>> Registry("a root", {"square": "math:sqrt"})["square"](9.0)
        3.0
    """

    def __init__(
        self,
        what: str,
        entries: Mapping[str, str],
        aliases: Mapping[str, str] | None = None,
        of_path: str = "",
    ):
        self._what = what
        self._entries = dict(entries)
        self._of_path = of_path
        self._aliases = dict(aliases or {})

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._entries)

    @property
    def choices(self) -> str:
        """What can be chosen, in words."""
        choices = ", ".join(self._entries)
        return f"{choices}, or a path such as runs/NAME" if self._of_path else choices

    def canonical(self, name: str) -> str:
        """Returns the present name for an earlier one; a path as it is.

        Raises:
            UserError: there is no such entry.
        """
        name = self._aliases.get(name, name)
        if name not in self:
            raise expected(
                f"{self._what} among {self.choices}", repr(name), "Choose one."
            )
        return name

    def __getitem__(self, name: str) -> Any:
        """Imports the object of a name, or makes that of a path.

        Raises:
            UserError: there is no such entry.
        """
        name = self.canonical(name)
        if name in self._entries:
            return _import_object(self._entries[name])
        return _import_object(self._of_path)(name)

    def __contains__(self, name: object) -> bool:
        if name in self._entries or name in self._aliases:
            return True
        return bool(self._of_path) and isinstance(name, str) and "/" in name

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


def _import_object(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)
