"""`nst COMMAND ...`, which is `python -m nst_tf COMMAND ...`: the list, help, errors, completion."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nst_tf
from nst_tf import __main__ as commands
from nst_tf.config.commandline import completion

FOLDER = Path(nst_tf.__file__).parent


def run(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "nst_tf", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_the_commands_list_themselves_with_a_line_each(arguments, capsys):
    assert commands.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in (*commands.COMMANDS, "completion"):
        (line,) = [line for line in lines if line.split()[:1] == [name]]
        assert line.endswith((".", ":")) and len(line.split()) > 3


def test_every_command_of_the_root_is_listed_and_short():
    files = {path.stem for path in FOLDER.glob("*.py")}
    assert files == {"__init__", "__main__", *commands.COMMANDS}
    for name in commands.COMMANDS:
        text = (FOLDER / f"{name}.py").read_text()
        assert text.count("\n") <= 25, name


def test_an_unknown_command_is_one_line_and_status_1(capsys):
    assert commands.main(["paint"]) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith("error: Expected a command among train, ")
    assert shown.err.count("\n") == 1 and shown.out == ""


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_help_exits_with_0_and_needs_no_tensorflow(name):
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['keras'] = None; "
        "from nst_tf.__main__ import main; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, name, "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "--output: " in done.stdout and done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        *(["help", name] for name in commands.COMMANDS),
        *([name, "--help"] for name in commands.OTHERS),
        *(["train", word] for word in ("-h", "-help", "-?", "--helpfull", "--helpxml")),
        ["-help"],
    ],
    ids=" ".join,
)
def test_help_in_any_spelling_exits_with_0(arguments, capsys):
    try:
        status = commands.main(arguments)
    except SystemExit as ended:
        status = ended.code
    shown = capsys.readouterr()
    assert status == 0 and shown.err == "" and len(shown.out.split()) > 3


# Presses Ctrl-C when a module is about to be imported.
STRIKE = """
import importlib.abc, os, signal, sys

class Strike(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["STRIKE_AT"]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Strike())
"""


def strike(folder, module, *arguments):
    (folder / "sitecustomize.py").write_text(STRIKE)
    paths = [str(folder), str(FOLDER.parent)]
    env = {**os.environ, "STRIKE_AT": module, "PYTHONPATH": os.pathsep.join(paths)}
    env.pop("TF_CPP_MIN_LOG_LEVEL", None)
    done = subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", commands.COMMANDS)
def test_ctrl_c_in_the_first_imports_is_one_line_and_status_130(name, tmp_path):
    for start in (["-m", f"nst_tf.{name}"], ["-m", "nst_tf", name]):
        ended = strike(tmp_path, "nst_tf.config.fields", *start)
        assert ended == (130, "", "interrupted\n"), start


@pytest.mark.parametrize(
    "module, arguments",
    [
        ("nst_tf.core.keras_classes", ["-m", "nst_tf.train"]),
        ("numpy", ["-m", "nst_tf.stylize"]),
        ("nst_tf.inference.published", ["-m", "nst_tf", "models"]),
        (
            "nst_tf.config.commandline.completion",
            ["-m", "nst_tf", "completion", "bash"],
        ),
        ("nst_tf.train", ["-c", "from nst_tf.__main__ import main; main()"]),
        ("nst_tf.training.run", ["-m", "nst_tf.train", "--output=x", "--steps=1"]),
        ("keras", ["-m", "nst_tf.train", "--output=x", "--steps=1"]),
        ("nst_tf.optimization.run", ["-m", "nst_tf.optimize", "--style=mosaic"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_ctrl_c_in_any_import_is_one_line_and_status_130(module, arguments, tmp_path):
    arguments = [*arguments, *(["--output=x.png"] if "optim" in module else [])]
    assert strike(tmp_path, module, *arguments) == (130, "", "interrupted\n")


def test_ctrl_c_belongs_to_a_program_that_imports_the_package():
    code = (
        "import nst_tf, nst_tf.train, signal; "
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_subcommand_is_the_module_of_its_name():
    one = run("train", "--steps=0", "--output=x")
    other = subprocess.run(
        [sys.executable, "-m", "nst_tf.train", "--steps=0", "--output=x"],
        capture_output=True,
        text=True,
    )
    assert (one.returncode, one.stdout, one.stderr) == (
        other.returncode,
        other.stdout,
        other.stderr,
    )
    assert one.returncode == 1 and one.stderr.startswith("error: Expected --steps")


def test_a_flag_that_is_none_is_one_line_and_status_1():
    done = run("train", "--stepz=3")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: Expected flags of this command. Received: ")
    assert "stepz" in done.stderr


# -- completion ------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [[], ["ksh"], ["bash", "zsh"]])
def test_a_shell_that_is_none_is_one_line_and_status_1(arguments, capsys):
    assert commands.main(["completion", *arguments]) == 1
    assert capsys.readouterr().err.startswith("error: Expected a shell among bash, zsh")


@pytest.mark.parametrize("shell", completion.SHELLS)
def test_a_script_names_every_command_flag_and_choice(shell, capsys):
    assert commands.main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name in commands.COMMANDS:
        assert name in script
    for word in ("residual_blocks", "style_prediction", "max_pixels", "tflite_integer"):
        assert word in script


@pytest.mark.parametrize(
    "line, expected",
    [
        ("nst tr", {"train "}),
        ("nst train --resid", {"--residual_blocks="}),
        ("nst train --method=f", {"feedforward "}),
        ("nst train --network=", {"", "adain", "style_prediction"}),
        ("nst client --protocol=r", {"rest "}),
        ("nst train --overw", {"--overwrite "}),
    ],
)
@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_bash_completes_what_is_typed(line, expected, capsys):
    commands.main(["completion", "bash"])
    script = capsys.readouterr().out
    words = line.split(" ")
    script += f"""
COMP_LINE='{line}' COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}
COMP_WORDS=({line})
_nst
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = subprocess.run(
        ["bash", "--norc", "-c", script], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.removesuffix("\n").split("\n")) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_shell_itself_can_read_its_script(shell, capsys):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    commands.main(["completion", shell])
    script = capsys.readouterr().out
    subprocess.run([shell, "-n"], input=script, text=True, check=True)
