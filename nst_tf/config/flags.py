"""Flags made from a settings dataclass: its fields are the one list of names, defaults and help."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

from absl import app, flags

from nst_tf.core.errors import UserError, expected

INTERRUPTED = 130  # a shell's status for a command after Ctrl-C

# --help shows the flags of the command's own module: those defined here must count as its own.
flags.disclaim_key_flags()


def define(settings: type) -> None:
    """Defines a flag for each field of a dataclass whose fields come from `fields.setting`."""
    for field in dataclasses.fields(settings):
        default, help, choices = (
            field.default,
            field.metadata["help"],
            field.metadata["choices"],
        )
        if choices and not isinstance(default, tuple):
            flags.DEFINE_enum(field.name, default, choices, help)
        elif isinstance(default, bool):
            flags.DEFINE_bool(field.name, default, help)
        elif isinstance(default, int):
            flags.DEFINE_integer(field.name, default, help)
        elif isinstance(default, float):
            flags.DEFINE_float(field.name, default, help)
        elif isinstance(default, tuple):
            flags.DEFINE_list(field.name, list(default), help)
        else:
            flags.DEFINE_string(field.name, default, help)


def read(settings: type) -> Any:
    """Returns an instance of `settings` from the parsed flags."""
    values = {
        field.name: getattr(flags.FLAGS, field.name)
        for field in dataclasses.fields(settings)
    }
    return settings(
        **{
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
    )


def run(main: Callable[[], int | None]) -> None:
    """Parses flags, runs `main` and exits with its status.

    What the user can mend (a `UserError`, a file that cannot be read or written)
    becomes one line and status 1, Ctrl-C one line and status 130; all else is a bug and
    keeps its stack trace.
    """

    def guarded(argv):
        try:
            if len(argv) > 1:
                raise expected("only flags", " ".join(argv[1:]), "See --help.")
            sys.exit(main() or 0)
        except UserError as error:
            _exit(f"error: {error}", 1)
        except OSError as error:
            _exit(
                f"error: Expected files that can be read and written. Received: {error}. Check "
                "the path, its permissions and the free space.",
                1,
            )
        except KeyboardInterrupt as interrupt:
            _exit(
                f"interrupted: {interrupt}" if str(interrupt) else "interrupted",
                INTERRUPTED,
            )

    # absl's own default shows notes for TensorFlow's developers; a --verbosity of the
    # user comes later and wins.
    app.run(guarded, [sys.argv[0], "--verbosity=-1", *sys.argv[1:]])


def _exit(line, status):
    print(" ".join(line.split()), file=sys.stderr)
    sys.exit(status)
