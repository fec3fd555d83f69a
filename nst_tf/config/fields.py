"""Settings: frozen dataclasses whose fields say what they take, and when they count.

A command's flags, their help, the run folder's replayable file and the check on resume
are made from these fields; the library reads them as a frozen dataclass.
"""

import dataclasses
import math
import os
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import nst_tf
from nst_tf.core import files
from nst_tf.core.errors import UserError, expected
from nst_tf.core.lists import expand_home, join_list, split_list
from nst_tf.core.registry import Registry

Field = dataclasses.Field[Any]
# How a setting names files: as the path that it is (or each entry, of a tuple), as
# paths between commas in one text, or as NAME=PATH or NAME=PATH+PATH.
PATH, PATHS, NAMED_PATHS = "path", "paths", "named paths"
Own = TypeVar("Own", bound="Settings")


@dataclasses.dataclass(frozen=True)
class Other:
    """In a condition: any value but this one."""

    value: Any


@dataclasses.dataclass(frozen=True)
class Includes:
    """In a condition on a tuple: one of these entries is in it."""

    values: tuple[Any, ...]


def setting(
    default: Any,
    help: str,
    *,
    required: str = "",
    choices: Sequence[str] | Registry = (),
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    off: float | None = None,
    resumable: bool = False,
    used_if: Mapping[str, Any] | None = None,
    aliases: Sequence[str] = (),
    path: str = "",
) -> Any:
    """Declares one field of a class of `Settings`.

    Args:
        default: its default; its type is the flag's (str, int, float, bool or tuple).
        help: one sentence for `--help`.
        required: what to try if nothing is given; empty if nothing is allowed.
        choices: the allowed strings, where there is a list; of a tuple, those of each
            entry. A registry's earlier names are read too.
        least, above, most, below: bounds of a number, or of each number of a tuple.
        off: a number out of bounds that stands for no limit.
        resumable: whether a resumed run may use another value, because what is learnt does
            not depend on it.
        used_if: {other setting: value, tuple of values, `Other` or `Includes`}; the setting counts
            if one of these holds. Settings that a class lacks are passed over, and
            where it lacks all of them, the setting counts.
        aliases: earlier names.
        path: `PATH`, `PATHS` or `NAMED_PATHS` if its text names files, in which ~ is the
            home folder; empty for another text.
    """
    return dataclasses.field(
        default=default,
        metadata={
            "help": help,
            "required": required,
            "choices": tuple(choices),
            "registry": choices if isinstance(choices, Registry) else None,
            "bounds": (least, above, most, below),
            "off": off,
            "resumable": resumable,
            "used_if": dict(used_if or {}),
            "aliases": tuple(aliases),
            "path": path,
        },
    )


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a command is told; every field is the flag of the same name.

    Raises:
        UserError: a value that is not allowed, or one that does not count beside the
            others and is not its default.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = parse_value(field, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        for _, error in _find_unused(type(self), vars(self)):
            raise error
        self._check()

    def _check(self) -> None:
        """Checks what takes more than one setting; a subclass extends it."""

    @classmethod
    def flag_fields(cls) -> tuple[Field, ...]:
        """Returns the fields that the command has flags for."""
        return dataclasses.fields(cls)

    @classmethod
    def find_run(cls, values: Mapping[str, Any]) -> str:
        """Returns the folder of the run that these values describe; empty for none."""
        return ""

    @classmethod
    def of(
        cls: type[Own],
        values: Mapping[str, Any],
        drop_unused: bool = False,
        log: Callable[[str], None] = print,
    ) -> Own:
        """Returns settings from values by present or earlier names, as flags and records have them.

        Args:
            values: {name: value}; what is left out has its default.
            drop_unused: leaves out what does not count, instead of refusing it. So does a
                value `resume` of a run that an earlier version began.
            log: takes a line on each value left out.

        Raises:
            UserError: see the class.
        """
        if not isinstance(values, Mapping):
            raise expected("settings by name", type(values).__name__, "Check run.json.")
        names = {
            alias: field.name
            for field in cls.flag_fields()
            for alias in field.metadata["aliases"]
        }
        values = {names.get(name, name): value for name, value in values.items()}
        drop_unused = drop_unused or _resumes_earlier_version(cls, values)
        settings = cls._choose_class(values)
        known = {field.name: field for field in cls.flag_fields()}
        parsed = {}
        for name, value in values.items():
            if name in known:
                parsed[name] = parse_value(known[name], value)
            elif not drop_unused:
                raise expected(
                    f"a setting among {', '.join(known)}", name, "Check its spelling."
                )
        unused = dict(cls._find_foreign(settings, parsed))
        own = {
            field.name: parsed.get(field.name, field.default)
            for field in dataclasses.fields(settings)
        }
        unused.update(_find_unused(settings, own))
        for name, error in unused.items():
            if not drop_unused:
                raise error
            log(f"left out: --{name}={parsed[name]}, which does not count here")
            own.pop(name, None)
        return settings(**own)

    def to_flags(self) -> dict[str, str]:
        """Returns {name: value as text} of all settings, as flags have them."""
        return {
            field.name: text_of(getattr(self, field.name))
            for field in dataclasses.fields(self)
        }

    @classmethod
    def _choose_class(cls: type[Own], values: Mapping[str, Any]) -> type[Own]:
        return cls

    @classmethod
    def _find_foreign(
        cls, settings: Any, values: Mapping[str, Any]
    ) -> Iterator[tuple[str, UserError]]:
        yield from ()


def _resumes_earlier_version(cls: type[Settings], values: Mapping[str, Any]) -> bool:
    folder = cls.find_run(values) if values.get("resume") else ""
    record = files.read_json(Path(folder) / "run.json") if folder else {}
    return bool(record) and record.get("version") != nst_tf.__version__


def parse_value(field: Field, value: Any) -> Any:
    """Returns a field's value in its type, by its present name; raises `UserError`."""
    if field.metadata["required"] and not value:
        numbers = isinstance(field.default, tuple) and field.type != tuple[str, ...]
        what = _what_number(field) if numbers else f"--{field.name}"
        raise expected(what, "nothing", field.metadata["required"])
    if not isinstance(field.default, tuple):
        return _check_entry(field, value, type(field.default))
    if isinstance(value, (str, os.PathLike)):
        value = _split(field, os.fspath(value))
    if not isinstance(value, (tuple, list)):
        raise expected(f"a list as --{field.name}", repr(value), "Check its type.")
    (kind, _) = typing.get_args(field.type)
    entries = tuple(_check_entry(field, entry, kind, tuple(value)) for entry in value)
    if field.metadata["choices"]:
        check_distinct(field.name, entries)
    return entries


def _split(field: Field, text: str) -> tuple[str, ...]:
    path = field.metadata["path"]
    return split_list(expand_home(text) if path else text)


def _check_entry(field: Field, value: Any, kind: type, among: Any = None) -> Any:
    if kind in (int, float):
        return _check_number(field, value, kind, value if among is None else among)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, kind):
        what = "true or false" if kind is bool else "a text"
        raise expected(f"{what} as --{field.name}", repr(value), "Check its type.")
    if isinstance(value, str):
        value = _check_text(field, value)
    choices, registry = field.metadata["choices"], field.metadata["registry"]
    if registry is not None and value in registry:
        return registry.canonical(value)
    if choices and value not in choices:
        among = ", ".join(choices) if registry is None else registry.choices
        raise expected(f"--{field.name} among {among}", repr(value), "Choose one.")
    return value


def _check_text(field: Field, text: str) -> str:
    if set(text) & set("\0\r\n"):
        raise expected(f"--{field.name} in one line", repr(text), "Rename the file.")
    if field.metadata["path"] == PATHS:
        return join_list(map(expand_home, _split(field, text)))
    if field.metadata["path"]:
        named = field.metadata["path"] == NAMED_PATHS
        return expand_home(text, behind="=+" if named else "")
    return text


def _check_number(field: Field, value: Any, kind: type, among: Any) -> Any:
    received = text_of(among) if isinstance(among, tuple) else among
    try:
        number = kind(value) if isinstance(value, str) else value
        if isinstance(value, bool) or kind is int and number != int(number):
            raise ValueError(number)
        math.isfinite(number)  # raises, if it is no number, or one beyond floats
    except (TypeError, ValueError, OverflowError):
        raise expected(
            _what_number(field), received, f"Change --{field.name}."
        ) from None
    least, above, most, below = field.metadata["bounds"]
    holds = (
        math.isfinite(number)
        and (least is None or number >= least)
        and (above is None or number > above)
        and (most is None or number <= most)
        and (below is None or number < below)
    )
    if not holds and number != field.metadata["off"]:
        bounds = bounds_text(field) or "that is finite"
        what = f"--{field.name} {bounds}"
        if kind is int and isinstance(among, tuple):
            what = _what_number(field)
        raise expected(what, received, f"Change --{field.name}.")
    return number


def _what_number(field: Field) -> str:
    several = isinstance(field.default, tuple)
    if several and typing.get_args(field.type)[0] is float:
        return f"numbers as --{field.name}"
    what = "whole numbers" if several else "a number"
    return f"--{field.name} as {what} {bounds_text(field)}".rstrip()


def bounds_text(field: Field) -> str:
    """Returns a number's bounds in words, such as "from 0 to 1"; empty without any."""
    least, above, most, below = field.metadata["bounds"]
    off = field.metadata["off"]
    low = least if above is None else above
    high = f"{most}" if below is None else f"below {below}"
    if most is not None or below is not None:
        text = f"from {low} to {high}"
    elif above is not None:
        text = f"above {above}"
    else:
        text = "" if least is None else f"of at least {least}"
    return text if off is None else f"{text}, or {off} for no limit"


def _find_unused(
    cls: type[Settings], values: Mapping[str, Any]
) -> Iterator[tuple[str, UserError]]:
    """Yields the settings that differ from their defaults and do not count, each with its error."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name, field in fields.items():
        conditions = {
            other: condition
            for other, condition in field.metadata["used_if"].items()
            if other in fields
        }
        if not conditions or values[name] == field.default:
            continue
        if any(_holds(values[other], conditions[other]) for other in conditions):
            continue
        wanted = condition_texts(tuple(fields.values()), field)
        received = [_value_text(fields[other], values[other]) for other in conditions]
        yield name, refuse_unused(name, " or ".join(wanted), ", ".join(received))


def condition_texts(fields: Sequence[Field], field: Field) -> list[str]:
    """Returns what a field counts with, as flags; empty if it always counts.

    Args:
        fields: all of a command.
        field: one of them.
    """
    by_name = {other.name: other for other in fields}
    return [
        _condition_text(by_name[name], condition)
        for name, condition in field.metadata["used_if"].items()
        if name in by_name
    ]


def refuse_unused(name: str, condition: str, received: str) -> UserError:
    """Returns the error for a setting that does not count beside the others."""
    return expected(f"--{name} with {condition}", received, f"Leave --{name} out.")


def _holds(value: Any, condition: Any) -> bool:
    if isinstance(condition, Other):
        return value != condition.value
    if isinstance(condition, Includes):
        return any(entry in value for entry in condition.values)
    return value in (condition if isinstance(condition, tuple) else (condition,))


def _condition_text(field: Field, condition: Any) -> str:
    if condition is True:
        return f"--{field.name}"
    if isinstance(condition, Includes):
        return f"{' or '.join(map(str, condition.values))} among --{field.name}"
    if not isinstance(condition, Other):
        values = condition if isinstance(condition, tuple) else (condition,)
        return f"--{field.name}={' or '.join(map(str, values))}"
    if condition.value == field.default:
        return f"--{field.name}"
    return f"another --{field.name} than {condition.value}"


def _value_text(field: Field, value: Any) -> str:
    if value in ("", (), False, -1):
        return f"no --{field.name}"
    return f"--{field.name}={text_of(value)}"


def check_distinct(name: str, entries: Sequence[str]) -> None:
    """Raises `UserError` if a setting names one thing twice."""
    if len(set(entries)) < len(entries):
        raise expected(
            f"each of --{name} once", ",".join(entries), "Leave the second one out."
        )


def check_resume(resume: bool, overwrite: bool) -> None:
    """Raises `UserError` if a run is to be continued and to be replaced."""
    if resume and overwrite:
        raise expected(
            "--resume or --overwrite", "both", "Continue the old run, or replace it."
        )


def text_of(value: Any) -> str:
    """Returns a setting's value as a flag has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return join_list(value) if isinstance(value, tuple) else str(value)
