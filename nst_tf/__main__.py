"""Neural style transfer: `nst COMMAND ...` is `python -m nst_tf.COMMAND ...`."""

import importlib
import json
import sys
from collections.abc import Sequence
from types import ModuleType

from nst_tf.core.interrupts import leave_on_interrupt

COMMANDS = "train optimize stylize batch sheet evaluate export benchmark client".split()
OTHERS = {
    "models": "Lists the models that come with the package.",
    "completion": "Prints a script for the shell: bash, zsh or fish.",
}
HELP = ("--help", "-help", "-h", "help")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand and exits with its status; lists them all where none is named."""
    if arguments is None:
        leave_on_interrupt()  # until `flags.run`
        arguments = sys.argv[1:]
    name, *rest = arguments or ["--help"]
    if name in HELP and rest:  # nst help train
        name, rest = rest[0], ["--help"]
    if name in HELP:
        print(_list_commands())
        return 0
    from nst_tf.config.commandline import flags

    if name in COMMANDS:
        command = _load(name)
        flags.run(command.main, command.Settings, rest)
    if name not in OTHERS:
        known = ", ".join([*COMMANDS, *OTHERS])
        print(
            f"error: Expected a command among {known}. Received: {name}. See nst --help.",
            file=sys.stderr,
        )
        return 1
    if any(flags.asks_for_help(word) for word in rest):
        print(f"nst {name}: {OTHERS[name]}")
        return 0
    flags.print_any_name()
    with flags.ending_with_the_reader():
        return _run_other(name, rest)


def _run_other(name: str, rest: Sequence[str]) -> int:
    if name == "completion":
        from nst_tf.config.commandline.completion import print_completion

        return print_completion(rest, {each: _load(each).Settings for each in COMMANDS})
    from nst_tf.inference.published import list_models, summarize_models

    if "--json" in rest:
        print(json.dumps(summarize_models(), default=str))
    else:
        list_models()
    return 0


def _load(name: str) -> ModuleType:
    return importlib.import_module(f"nst_tf.{name}")


def _list_commands() -> str:
    lines = [__doc__, ""]
    for name in COMMANDS:
        doc = _load(name).__doc__
        lines.append(f"  {name:11}{str(doc).splitlines()[0]}")
    lines += [f"  {name:11}{what}" for name, what in OTHERS.items()]
    return "\n".join([*lines, "", "nst COMMAND --help shows a command's flags."])


if __name__ == "__main__":
    sys.exit(main())
