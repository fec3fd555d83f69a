"""Settings of `nst batch`, and what it says where Beam is missing; Beam is not needed here."""

import subprocess
import sys

import pytest

from nst_tf.config.painting.batch import BatchSettings
from nst_tf.core.errors import UserError

GIVEN = {"model": "m", "content": "a/", "output": "out/"}


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"output": "out.jpg"}, "a folder as --output"),
        ({"output": "-"}, "a folder as --output"),
        ({"content": "-"}, "photos as --content"),
        ({"root": "r"}, "--root with a list or a table"),
        (
            {"root": "r", "content": "a.txt", "names": "hash"},
            "--root with --names=path",
        ),
        ({"column": "c"}, "--column with a table"),
        ({"column": "c", "content": "a.txt"}, "--column with a table"),
        ({"processes": 2, "runner": "FlinkRunner"}, "--processes with --runner="),
        ({"runner": "flink"}, "--runner among FnApiRunner, DirectRunner, Flink"),
        ({"names": "number"}, "--names among path, hash"),
        ({"style_size": 8}, "--style_size with --style"),
        ({"skip_existing": True}, "a setting among"),
        ({"stdout_format": "jpg"}, "a setting among"),
    ],
)
def test_a_setting_that_does_not_count_is_refused_by_name(changes, message):
    with pytest.raises(UserError, match=message):
        BatchSettings.of({**GIVEN, **changes})


@pytest.mark.parametrize(
    "content, is_list, is_table",
    [("a.txt", True, False), ("gs://b/A.CSV", True, True), ("a.parquet", True, True)]
    + [(each, False, False) for each in ("a/*.jpg", "a", "a.jpg", "csv")],
)
def test_lists_and_tables_are_told_by_their_suffix(content, is_list, is_table):
    settings = BatchSettings(**{**GIVEN, "content": content})
    assert (settings.is_list, settings.is_table) == (is_list, is_table)


def test_without_beam_one_line_names_the_extra_before_tensorflow_is_imported(tmp_path):
    code = (
        "import sys; sys.modules['apache_beam'] = sys.modules['tensorflow'] = None\n"
        "from nst_tf.__main__ import main; main(sys.argv[1:])"
    )
    arguments = ["--model=m", f"--content={tmp_path}/a.jpg", f"--output={tmp_path}/b"]
    done = subprocess.run(
        [sys.executable, "-c", code, "batch", *arguments],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: Expected the package apache-beam")
    assert line.endswith("pip install 'nst_tf[beam]'")
