"""Flags made from a settings dataclass: its fields are the one list of names, defaults and help."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any

from absl import app, flags

from nst_tf.errors import UserError


def define(settings: type) -> None:
    """Defines a flag for each field of a dataclass whose fields come from `settings.setting`."""
    for field in dataclasses.fields(settings):
        default, help, choices = field.default, field.metadata["help"], field.metadata["choices"]
        if choices:
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
    values = {field.name: getattr(flags.FLAGS, field.name) for field in dataclasses.fields(settings)}
    return settings(**{
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def run(main: Callable[[], int | None]) -> None:
    """Parses flags, runs `main` and exits with its status; a `UserError` becomes one line and status 1."""

    def guarded(argv):
        if len(argv) > 1:
            print(f"Expected only flags. Received: {' '.join(argv[1:])}. See --help.", file=sys.stderr)
            sys.exit(1)
        try:
            sys.exit(main() or 0)
        except UserError as error:
            print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
            sys.exit(1)

    app.run(guarded)
