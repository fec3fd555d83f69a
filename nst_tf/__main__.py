"""Neural style transfer: `nst COMMAND ...` is `python -m nst_tf.COMMAND ...`."""

import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

COMMANDS = "train optimize stylize sheet evaluate export benchmark client".split()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand and exits with its status; lists them all where none is named."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if name in ("--help", "-h", "help"):
        print(_list_commands())
        return 0
    if name == "completion":
        from nst_tf.config.completion import print_completion

        return print_completion(rest, {each: _load(each).Settings for each in COMMANDS})
    if name == "models":
        from nst_tf.inference.published import list_models

        list_models()
        return 0
    if name not in COMMANDS:
        known = ", ".join([*COMMANDS, "models", "completion"])
        print(
            f"error: Expected a command among {known}. Received: {name}. See nst --help.",
            file=sys.stderr,
        )
        return 1
    from nst_tf.config import flags

    command = _load(name)
    flags.run(command.main, command.Settings, rest)


def _load(name: str) -> ModuleType:
    return importlib.import_module(f"nst_tf.{name}")


def _list_commands() -> str:
    lines = [__doc__, ""]
    for name in COMMANDS:
        doc = _load(name).__doc__
        lines.append(f"  {name:11}{str(doc).splitlines()[0]}")
    lines.append("  models     Lists the models that come with the package.")
    lines.append("  completion Prints a script for the shell: bash, zsh or fish.")
    return "\n".join([*lines, "", "nst COMMAND --help shows a command's flags."])


if __name__ == "__main__":
    sys.exit(main())
