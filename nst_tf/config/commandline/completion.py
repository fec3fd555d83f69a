"""Scripts with which shells complete the command line of `nst`, made from the settings."""

import shlex
import sys
from collections.abc import Mapping, Sequence

from nst_tf.config.fields import Settings

SHELLS = ("bash", "zsh", "fish")

BASH = """\
_nst() {
    local typed=${COMP_LINE:0:COMP_POINT} words=
    local word=${typed##*[[:space:]]}
    if ((COMP_CWORD == 1)); then
        words="@COMMANDS@"
    else
        case ${COMP_WORDS[1]} in
@CASES@
        esac
    fi
    local IFS=$' \\n'
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    # readline replaces only what stands behind "=".
    [[ $word == *=* ]] && COMPREPLY=("${COMPREPLY[@]#*=}")
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} != *= ]] && COMPREPLY[0]+=" "
}
complete -o default -o nospace -F _nst nst
"""
ZSH = """\
#compdef nst
_nst() {
    if ((CURRENT == 2)); then
        compadd @COMMANDS@
        return
    fi
    local command=$words[2]
    shift words
    ((CURRENT--))
    case $command in
@CASES@
    esac
}
compdef _nst nst
"""


def print_completion(
    words: Sequence[str], commands: Mapping[str, type[Settings]]
) -> int:
    """Prints the script for the shell that the words name; returns the exit status.

    Args:
        words: one of `SHELLS`; else one line on stderr says what was expected.
        commands: {subcommand: its settings}.
    """
    if list(words) not in [[shell] for shell in SHELLS]:
        print(
            f"error: Expected a shell among {', '.join(SHELLS)}. "
            f"Received: {' '.join(words) or 'none'}. "
            'Try eval "$(nst completion bash)".',
            file=sys.stderr,
        )
        return 1
    print(completion_script(words[0], commands), end="")
    return 0


def completion_script(shell: str, commands: Mapping[str, type[Settings]]) -> str:
    """Returns a script for one of `SHELLS`; `commands` are {subcommand: its settings}."""
    if shell == "fish":
        return _fish_script(commands)
    template, case = (BASH, _bash_case) if shell == "bash" else (ZSH, _zsh_case)
    cases = [case(name, settings) for name, settings in commands.items()]
    script = template.replace("@COMMANDS@", " ".join(commands))
    return script.replace("@CASES@", "\n".join(cases))


def _bash_case(name: str, settings: type[Settings]) -> str:
    words = ["--flagfile=", "--help"]
    for field in settings.flag_fields():
        if isinstance(field.default, bool):
            words.append(f"--{field.name}")
            continue
        words.append(f"--{field.name}=")
        for choice in field.metadata["choices"]:
            words.append(f"--{field.name}={choice}")
    return f'            {name}) words="{" ".join(words)}" ;;'


def _zsh_case(name: str, settings: type[Settings]) -> str:
    specs = [
        "'--flagfile=-[Flags in a file.]:file:_files'",
        "'--help[Show all flags.]'",
    ]
    for field in settings.flag_fields():
        help = field.metadata["help"].translate(
            {ord("["): "(", ord("]"): ")", ord("'"): "’", ord(":"): ";"}
        )
        if isinstance(field.default, bool):
            specs.append(f"'--{field.name}[{help}]'")
            continue
        choices = " ".join(field.metadata["choices"])
        action = f"({choices})" if choices else "_files"
        specs.append(f"'--{field.name}=-[{help}]:{field.name}:{action}'")
    lines = " \\\n            ".join(specs)
    return f"        {name}) _arguments \\\n            {lines} ;;"


def _fish_script(commands: Mapping[str, type[Settings]]) -> str:
    lines = [
        f"complete -c nst -n __fish_use_subcommand -f -a {shlex.quote(' '.join(commands))}"
    ]
    for name, settings in commands.items():
        for field in settings.flag_fields():
            words = ["complete", "-c", "nst", "-n"]
            words += [f"__fish_seen_subcommand_from {name}", "-l", field.name]
            if field.metadata["choices"]:
                words += ["-x", "-a", " ".join(field.metadata["choices"])]
            elif not isinstance(field.default, bool):
                words.append("-r")
            words += ["-d", field.metadata["help"]]
            lines.append(shlex.join(words))
    return "\n".join(lines) + "\n"
