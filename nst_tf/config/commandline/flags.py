"""Flags made from settings: their fields are the one list of names, defaults and help."""

import contextlib
import io
import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn

from absl import (
    flags,
    logging,  # noqa: F401 (defines --verbosity)
)

from nst_tf.config.fields import Settings, text_of
from nst_tf.core.errors import UserError, expected, first_line
from nst_tf.core.interrupts import INTERRUPTED, raise_on_interrupt
from nst_tf.core.lists import expand_home
from nst_tf.core.results import CommandResult

JSON_HELP = (
    "Print the result as one JSON object on stdout; all other lines go to stderr."
)
HELP = ("help", "h", "?", "helpfull", "helpshort", "helpxml")

# A program's help shows the flags of its own module: those defined here count as its own.
flags.disclaim_key_flags()


def define(
    settings: type[Settings], flag_values: flags.FlagValues = flags.FLAGS
) -> None:
    """Defines a flag for each field of some settings, and for its earlier names."""
    kinds: dict[type, Any] = {
        bool: flags.DEFINE_bool,
        int: flags.DEFINE_integer,
        float: flags.DEFINE_float,
        str: flags.DEFINE_string,
    }
    flags.DEFINE_bool("json", False, JSON_HELP, flag_values=flag_values)
    for field in settings.flag_fields():
        default = field.default
        if isinstance(default, tuple):  # the settings split it
            default = text_of(default)
        kinds[type(default)](
            field.name, default, _help_text(field), flag_values=flag_values
        )
        for alias in field.metadata["aliases"]:
            flags.DEFINE_alias(alias, field.name, flag_values=flag_values)


def read(
    settings: type[Settings], flag_values: flags.FlagValues = flags.FLAGS
) -> Settings:
    """Returns an instance of `settings` from the parsed flags."""
    names = [field.name for field in settings.flag_fields()]
    return settings.of({name: flag_values[name].value for name in names})


def run(
    main: Callable[..., CommandResult | int | None],
    settings: type[Settings] | None = None,
    arguments: Sequence[str] | None = None,
    flag_values: flags.FlagValues = flags.FLAGS,
) -> NoReturn:
    """Parses flags, runs `main` and exits with its status.

    What the user can mend (a `UserError`, a file that cannot be read or written, a
    package that is missing) becomes one line and status 1, Ctrl-C one line and status
    130; all else is a bug and keeps its stack trace.

    Args:
        main: takes an instance of `settings`; nothing, if there are none.
        settings: their flags are defined here. None for a program that has defined its
            flags itself.
        arguments: without the program's name; None for those of this process.
        flag_values: where the flags are.
    """
    print_any_name()
    try:
        with ending_with_the_reader():
            _run(main, settings, arguments, flag_values)
    except UserError as error:
        _exit(f"error: {error}", 1)
    except ModuleNotFoundError as error:
        if (error.name or "nst_tf").startswith("nst_tf"):
            raise
        missing = f"the package {error.name}"
        line = expected(missing, first_line(error), "Install it with pip.")
        _exit(f"error: {line}", 1)
    except OSError as error:
        _exit(
            f"error: Expected files that can be read and written. Received: {error}. Check "
            "the path, its permissions and the free space.",
            1,
        )
    except KeyboardInterrupt as interrupt:
        text = f"interrupted: {interrupt}" if str(interrupt) else "interrupted"
        _exit(text, INTERRUPTED)


def _run(
    main: Callable[..., CommandResult | int | None],
    settings: type[Settings] | None,
    arguments: Sequence[str] | None,
    flag_values: flags.FlagValues,
) -> NoReturn:
    raise_on_interrupt()
    given = list(sys.argv[1:] if arguments is None else arguments)
    arguments = list(_read_flagfiles(given))
    if any(asks_for_help(word) for word in arguments):
        print(_help(main, settings, flag_values), flush=True)
        sys.exit(0)
    if settings is not None:
        define(settings, flag_values)
    _parse(arguments, flag_values)
    if settings is not None and flag_values["json"].value:
        sys.exit(_print_json(main, settings, flag_values))
    result = main() if settings is None else main(read(settings, flag_values))
    sys.exit(result.status if isinstance(result, CommandResult) else result or 0)


@contextlib.contextmanager
def ending_with_the_reader() -> Iterator[None]:
    """Ends the process quietly, with status 1, when who reads its output has had enough."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)


def _print_json(
    main: Callable[..., CommandResult | int | None],
    settings: type[Settings],
    flag_values: flags.FlagValues,
) -> int:
    """Runs a command and prints its result, or its error, as JSON; returns its status."""
    if "output" in flag_values and flag_values["output"].value == "-":
        raise expected("--json or --output=-", "both", "Stdout takes one of them.")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            result = main(read(settings, flag_values))
    except UserError as error:
        print(json.dumps({"status": 1, "error": str(error)}))
        raise
    if not isinstance(result, CommandResult):
        result = CommandResult({}, result or 0)
    print(json.dumps({"status": result.status, **result.values}, default=str))
    return result.status


def asks_for_help(word: str) -> bool:
    """Returns whether an argument is --help, in one of its spellings."""
    return word.startswith("-") and word.lstrip("-") in HELP


def print_any_name() -> None:
    """Lets stdout take names of files that its encoding does not have, escaped."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _read_flagfiles(
    arguments: Sequence[str], inside: tuple[str, ...] = ()
) -> Iterator[str]:
    """Yields arguments, each --flagfile replaced by its lines.

    absl would read them in the encoding of the locale. Names that are not UTF-8 are
    read as the system's own functions give them.
    """
    words = iter(arguments)
    for word in words:
        name, equals, path = word.partition("=")
        if name not in ("--flagfile", "-flagfile"):
            yield word
            continue
        path = expand_home(path.strip() if equals else next(words, ""))
        try:
            real = os.path.realpath(path)
            with open(path, encoding="utf-8-sig", errors="surrogateescape") as file:
                lines = [line.strip() for line in file]
        except (OSError, ValueError) as error:  # or a path with a null byte
            raise expected(
                "a --flagfile that can be read",
                f"{path or 'none'} ({first_line(error)})",
                "Check the path.",
            ) from error
        if real in inside:
            raise expected("flagfiles that end", f"{path} in itself", "Take it out.")
        kept = [line for line in lines if line and not line.startswith(("#", "//"))]
        yield from _read_flagfiles(kept, (*inside, real))


def _parse(arguments: list[str], flag_values: flags.FlagValues) -> None:
    # absl's own default shows notes for TensorFlow's developers; a --verbosity of the
    # user comes later and wins.
    quiet = ["--verbosity=-1"] if "verbosity" in flag_values else []
    try:
        words = flag_values([sys.argv[0], *quiet, *arguments])[1:]
    except (flags.Error, ValueError) as error:
        reason = str(error).removeprefix("ERROR:: ").rstrip(". ")
        raise expected("flags of this command", reason, "See --help.") from error
    if words:
        raise expected("only flags", " ".join(words), "See --help.")


def _help_text(field: Any) -> str:
    choices = "|".join(field.metadata["choices"])
    return (
        f"<{choices}>: {field.metadata['help']}" if choices else field.metadata["help"]
    )


def _help(
    main: Callable[..., Any],
    settings: type[Settings] | None,
    flag_values: flags.FlagValues,
) -> str:
    """The text of --help: the program's docstring, then its flags."""
    text = f"{sys.modules[main.__module__].__doc__}\n"
    if settings is None:
        return text + flag_values.main_module_help()
    for field in settings.flag_fields():
        switch = "[no]" if isinstance(field.default, bool) else ""
        text += _wrap(f"--{switch}{field.name}: {_help_text(field)}", "  ")
        text += _wrap(f"(default: {text_of(field.default) or 'none'})", "    ")
        for alias in field.metadata["aliases"]:
            text += _wrap(f"--{alias}: Alias for --{field.name}.", "  ")
    return text + _wrap(f"--[no]json: {JSON_HELP}", "  ") + "    (default: false)\n"


def _wrap(text: str, indent: str) -> str:
    lines = textwrap.wrap(
        text,
        width=88,
        initial_indent=indent,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines) + "\n"


def _exit(line: str, status: int) -> NoReturn:
    line = " ".join(line.split())
    # Names of files and texts of others may hold signs that steer a terminal.
    shown = (sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)
    print("".join(shown), file=sys.stderr)
    sys.exit(status)
