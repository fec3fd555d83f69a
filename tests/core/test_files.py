"""Writing whole files or nothing, and finding files."""

import os
import subprocess
import sys

import pytest

from nst_tf.core import files
from nst_tf.core.errors import UserError, first_line


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_parent_folders(tmp_path):
    files.write_atomically(tmp_path / "a" / "b" / "c.json", b"{}")
    assert (tmp_path / "a" / "b" / "c.json").read_bytes() == b"{}"
    assert names(tmp_path / "a" / "b") == ["c.json"]


def test_overwrite_is_refused_unless_asked_for(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(UserError) as caught:
        files.write_atomically(path, b"new")
    assert str(path) in str(caught.value) and "--overwrite" in str(caught.value)
    assert path.read_bytes() == b"old"
    files.write_atomically(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new" and names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()]
)
def test_a_failing_write_leaves_the_old_file(tmp_path, monkeypatch, step, error):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def fail(*args):
        # The temporary file must exist by now, or its removal would prove nothing.
        assert len(names(tmp_path)) == 2
        raise error

    monkeypatch.setattr(os, step, fail)
    wanted = UserError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(wanted) as caught:
        files.write_atomically(path, b"new", overwrite=True)
    if wanted is UserError:
        assert str(path) in str(caught.value) and "No space left" in str(caught.value)
    assert names(tmp_path) == ["a.bin"] and path.read_bytes() == b"old"


def test_a_real_size_limit_leaves_the_old_file_and_one_line(tmp_path):
    pytest.importorskip("resource")
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    code = """
import resource, sys
from nst_tf.core import errors, files
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    files.write_atomically(sys.argv[1], bytes(100_000), overwrite=True)
except errors.UserError as error:
    print(error)
"""
    result = subprocess.run(
        [sys.executable, "-c", code, path],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert str(path) in result.stdout and len(result.stdout.splitlines()) == 1
    assert names(tmp_path) == ["a.bin"] and path.read_bytes() == b"old"


@pytest.mark.parametrize("overwrite, named", [(False, "link"), (True, "replace")])
def test_the_bytes_reach_the_disk_before_the_name_changes(
    tmp_path, monkeypatch, overwrite, named
):
    steps = []
    for step in ("fsync", "link", "replace"):
        real = getattr(os, step)
        monkeypatch.setattr(
            os,
            step,
            lambda *args, step=step, real=real: (steps.append(step), real(*args)),
        )
    files.write_atomically(tmp_path / "a.bin", b"new", overwrite=overwrite)
    assert steps == ["fsync", named]


# Writes "A" or "B" at a moment that the test gives, and prints whether it was told.
WRITER = """
import sys
from nst_tf.core import errors, files
if sys.argv[3] == "no links":
    def refuse(*args):
        raise PermissionError(1, "Operation not permitted")
    files.os.link = refuse
fsync = files.os.fsync
def wait(*args):
    print("ready", flush=True)
    sys.stdin.readline()
    fsync(*args)
files.os.fsync = wait
try:
    files.write_atomically(sys.argv[1], sys.argv[2].encode() * 100_000)
    print("wrote", flush=True)
except errors.UserError as error:
    print(error, flush=True)
"""


@pytest.mark.parametrize("links", ["links", "no links"])
def test_of_two_writers_of_one_new_file_one_succeeds_and_the_other_is_told(
    tmp_path, links
):
    path = tmp_path / "new.bin"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, path, letter, links],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for letter in "AB"
    ]
    for writer in writers:  # both have seen that there is no such file
        assert writer.stdout.readline() == "ready\n"
    said = [writer.communicate("\n")[0].strip() for writer in writers]
    assert sorted(line == "wrote" for line in said) == [False, True]
    told = said[said[0] == "wrote"]
    assert str(path) in told and "no file exists yet" in told
    assert path.read_bytes() == "AB"[said.index("wrote")].encode() * 100_000
    assert names(tmp_path) == ["new.bin"]


def test_without_links_a_failure_leaves_no_empty_file(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", fail)
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match="No space left"):
        files.write_atomically(tmp_path / "a.bin", b"new")
    assert names(tmp_path) == []


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_the_umask_decides_who_may_read(tmp_path):
    before = os.umask(0o022)
    try:
        files.write_atomically(tmp_path / "a.bin", b"new")
    finally:
        os.umask(before)
    assert (tmp_path / "a.bin").stat().st_mode & 0o777 == 0o644


def test_a_link_is_followed(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.bin").write_bytes(b"old")
    link = tmp_path / "link.bin"
    link.symlink_to(tmp_path / "data" / "a.bin")
    files.write_atomically(link, b"new", overwrite=True)
    assert link.is_symlink() and (tmp_path / "data" / "a.bin").read_bytes() == b"new"


def test_a_name_of_full_length_is_written(tmp_path):
    files.write_atomically(tmp_path / ("x" * 255), b"new")
    assert names(tmp_path) == ["x" * 255]


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(UserError, match="regular file"):
        files.write_atomically(tmp_path / "a", b"new", overwrite=True)


def test_a_path_below_a_file_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    for call in (
        lambda path: files.write_atomically(path, b"new"),
        files.ensure_writable_folder,
    ):
        with pytest.raises(UserError) as caught:
            call(tmp_path / "file" / "below")
        assert str(tmp_path / "file" / "below") in str(caught.value)
        assert "\n" not in str(caught.value)


def test_a_writable_folder_is_created_and_left_empty(tmp_path):
    folder = files.ensure_writable_folder(str(tmp_path / "a" / "b"))
    assert folder == tmp_path / "a" / "b" and names(folder) == []


def test_a_folder_that_refuses_files_is_found_out(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.Path, "write_bytes", refuse)
    with pytest.raises(UserError, match="Permission denied"):
        files.ensure_writable_folder(tmp_path)


@pytest.fixture
def tree(tmp_path):
    for name in (
        "b.PNG",
        "a.jpg",
        "notes.txt",
        ".hidden.jpg",
        "sub/c.png",
        "sub/deep/d.jpg",
        ".cache/e.jpg",
        "odd[1].jpg",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    "spec, found",
    [
        ("", ["a.jpg", "b.PNG", "odd[1].jpg", "sub/c.png", "sub/deep/d.jpg"]),
        ("sub", ["sub/c.png", "sub/deep/d.jpg"]),
        ("*", ["a.jpg", "b.PNG", "odd[1].jpg"]),
        ("**/*.jpg", ["a.jpg", "odd[1].jpg", "sub/deep/d.jpg"]),
        ("**/**/d.jpg", ["sub/deep/d.jpg"]),
        ("notes.txt", ["notes.txt"]),
        ("odd[1].jpg", ["odd[1].jpg"]),
    ],
)
def test_files_are_found_by_file_folder_and_glob(tree, spec, found):
    assert files.find_files(tree / spec, (".jpg", ".png")) == [
        tree / name for name in found
    ]


@pytest.mark.parametrize("spec", ["missing", "*.gif", "folder.jpg", "*.txt"])
def test_nothing_found_says_what_was_looked_for(tree, spec):
    with pytest.raises(UserError) as caught:
        files.find_files(tree / spec, (".jpg", ".png"))
    assert str(tree / spec) in str(caught.value) and ".jpg .png" in str(caught.value)


def test_a_folder_that_cannot_be_listed_is_logged(tree, monkeypatch, caplog):
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert files.find_files(tree / "sub", (".jpg", ".png")) == [tree / "sub" / "c.png"]
    assert "deep (Permission denied)" in caplog.text


# -- folders ---------------------------------------------------------------------------------------


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def replace(path, content):
    with files.replace_folder(path) as folder:
        (folder / "a.bin").write_bytes(content)


def test_a_folder_is_written_and_replaced_with_nothing_left_beside_it(tmp_path):
    path = tmp_path / "parent" / "web"
    replace(path, b"old")
    (path / "more.bin").write_bytes(b"of the older one alone")
    replace(path, b"new")
    assert contents(tmp_path) == {"parent/web/a.bin": b"new"}
    assert names(path.parent) == ["web"]


def test_a_block_that_fails_leaves_the_old_folder(tmp_path):
    replace(tmp_path / "web", b"old")
    with pytest.raises(RuntimeError, match="not equal"):
        with files.replace_folder(tmp_path / "web") as folder:
            (folder / "a.bin").write_bytes(b"new")
            raise RuntimeError("not equal")
    assert contents(tmp_path) == {"web/a.bin": b"old"} and names(tmp_path) == ["web"]


@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("moved", [False, True])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()]
)
def test_a_rename_that_fails_or_is_interrupted_leaves_one_whole_folder(
    tmp_path, monkeypatch, step, moved, error
):
    replace(tmp_path / "web", b"old")
    rename, calls = os.rename, []

    def fail(*args):
        calls.append(args)
        if len(calls) != step:
            return rename(*args)
        if moved:
            rename(*args)
        raise error

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(type(error)):
        replace(tmp_path / "web", b"new")
    monkeypatch.undo()
    kept = b"new" if (step, moved) == (2, True) else b"old"
    assert (tmp_path / "web" / "a.bin").read_bytes() == kept
    replace(tmp_path / "web", b"next")
    assert contents(tmp_path) == {"web/a.bin": b"next"} and names(tmp_path) == ["web"]


@pytest.mark.parametrize("step", ["rename", "rmtree"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_process_killed_between_the_steps_leaves_one_whole_folder_which_the_next_finds(
    tmp_path, step, count
):
    path = tmp_path / "web"
    replace(path, b"old")
    code = f"""
import os, shutil, sys
from nst_tf.core import files
module = {{"rename": os, "rmtree": shutil}}[{step!r}]
step, calls = getattr(module, {step!r}), []
def die(*args, **options):
    calls.append(args)
    if len(calls) == {count}:
        os._exit(9)
    return step(*args, **options)
setattr(module, {step!r}, die)
with files.replace_folder(sys.argv[1]) as folder:
    (folder / "a.bin").write_bytes(b"new")
"""
    done = subprocess.run([sys.executable, "-c", code, str(path)])
    assert done.returncode == 9
    found = [
        place / "a.bin"
        for place in (path, tmp_path / ".web.old")
        if (place / "a.bin").is_file()
    ]
    assert found[0].read_bytes() in (b"old", b"new")
    # What the next call does fails: then, too, one of the two has the name again.
    with pytest.raises(RuntimeError):
        with files.replace_folder(path):
            raise RuntimeError
    assert (path / "a.bin").read_bytes() in (b"old", b"new")
    replace(path, b"next")
    assert contents(path) == {"a.bin": b"next"} and not (tmp_path / ".web.old").exists()


def test_a_file_where_a_folder_is_to_be_is_one_line_and_stays(tmp_path):
    (tmp_path / "web").write_bytes(b"mine")
    with pytest.raises(UserError, match="a path to a folder.*web"):
        replace(tmp_path / "web", b"new")
    assert (tmp_path / "web").read_bytes() == b"mine"


# -- errors ----------------------------------------------------------------------------------------


def test_the_first_line_of_an_error_has_no_period_and_is_never_empty():
    assert first_line(ValueError("\nToo small.\nTraceback")) == "Too small"
    assert first_line(KeyboardInterrupt()) == "KeyboardInterrupt"
