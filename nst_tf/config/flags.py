"""Flags made from settings: their fields are the one list of names, defaults and help."""

from nst_tf.core import early_interrupts  # noqa: F401 (before what takes time) # isort: skip
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from absl import (
    flags,
    logging,  # noqa: F401 (defines --verbosity)
)

from nst_tf.config.fields import Settings, text_of
from nst_tf.core.errors import UserError, expected

INTERRUPTED = 130  # a shell's status for a command after Ctrl-C
HELP = ("--help", "-help", "-h", "--helpfull", "--helpshort")

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
    for field in settings.flag_fields():
        default = field.default
        help = _help_text(field)
        if isinstance(default, tuple):
            entries = [str(entry) for entry in default]
            flags.DEFINE_list(field.name, entries, help, flag_values=flag_values)
        else:
            kinds[type(default)](field.name, default, help, flag_values=flag_values)
        for alias in field.metadata["aliases"]:
            flags.DEFINE_alias(alias, field.name, flag_values=flag_values)


def read(
    settings: type[Settings], flag_values: flags.FlagValues = flags.FLAGS
) -> Settings:
    """Returns an instance of `settings` from the parsed flags."""
    values = {}
    for field in settings.flag_fields():
        value = flag_values[field.name].value
        values[field.name] = tuple(value) if isinstance(value, list) else value
    return settings.of(values)


def run(
    main: Callable[..., int | None],
    settings: type[Settings] | None = None,
    arguments: Sequence[str] | None = None,
    flag_values: flags.FlagValues = flags.FLAGS,
) -> NoReturn:
    """Parses flags, runs `main` and exits with its status.

    What the user can mend (a `UserError`, a file that cannot be read or written)
    becomes one line and status 1, Ctrl-C one line and status 130; all else is a bug and
    keeps its stack trace.

    Args:
        main: takes an instance of `settings`; nothing, if there are none.
        settings: their flags are defined here. None for a program that has defined its
            flags itself.
        arguments: without the program's name; None for those of this process.
        flag_values: where the flags are.
    """
    if settings is not None:
        define(settings, flag_values)
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if set(arguments) & set(HELP):
        print(_help(main, settings, flag_values))
        sys.exit(0)
    try:
        _parse(arguments, flag_values)
        values = [] if settings is None else [read(settings, flag_values)]
        sys.exit(main(*values) or 0)
    except UserError as error:
        _exit(f"error: {error}", 1)
    except OSError as error:
        _exit(
            f"error: Expected files that can be read and written. Received: {error}. Check "
            "the path, its permissions and the free space.",
            1,
        )
    except KeyboardInterrupt as interrupt:
        text = f"interrupted: {interrupt}" if str(interrupt) else "interrupted"
        _exit(text, INTERRUPTED)


def _parse(arguments: list[str], flag_values: flags.FlagValues) -> None:
    # absl's own default shows notes for TensorFlow's developers; a --verbosity of the
    # user comes later and wins.
    quiet = ["--verbosity=-1"] if "verbosity" in flag_values else []
    try:
        words = flag_values([sys.argv[0], *quiet, *arguments])[1:]
    except flags.Error as error:
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
    return text


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
    print(" ".join(line.split()), file=sys.stderr)
    sys.exit(status)
