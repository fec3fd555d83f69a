"""Finding the files that a path, a folder or a glob stands for."""

import os

import pytest

from nst_tf.core.errors import UserError
from nst_tf.core.file_search import find_files


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
    assert find_files(tree / spec, (".jpg", ".png")) == [tree / name for name in found]


@pytest.mark.parametrize("spec", ["missing", "*.gif", "folder.jpg", "*.txt"])
def test_nothing_found_says_what_was_looked_for(tree, spec):
    with pytest.raises(UserError) as caught:
        find_files(tree / spec, (".jpg", ".png"))
    assert str(tree / spec) in str(caught.value) and ".jpg .png" in str(caught.value)


def test_a_folder_that_cannot_be_listed_is_logged(tree, monkeypatch, caplog):
    real = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert find_files(tree / "sub", (".jpg", ".png")) == [tree / "sub" / "c.png"]
    assert "deep (Permission denied)" in caplog.text
