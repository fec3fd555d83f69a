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

    Example:
        >>> Registry("a root", {"square": "math:sqrt"})["square"](9.0)
        3.0
    """

    def __init__(
        self,
        what: str,
        entries: Mapping[str, str],
        aliases: Mapping[str, str] | None = None,
    ):
        self._what = what
        self._entries = dict(entries)
        self._aliases = dict(aliases or {})

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._entries)

    def canonical(self, name: str) -> str:
        """Returns the present name for an earlier one.

        Raises:
            UserError: there is no such entry.
        """
        name = self._aliases.get(name, name)
        if name not in self._entries:
            raise expected(
                f"{self._what} among {', '.join(self._entries)}",
                repr(name),
                "Choose one.",
            )
        return name

    def __getitem__(self, name: str) -> Any:
        """Imports the object of a name.

        Raises:
            UserError: there is no such entry.
        """
        module, _, attribute = self._entries[self.canonical(name)].partition(":")
        return getattr(importlib.import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self._entries or name in self._aliases

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
