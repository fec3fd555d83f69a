"""Finding the files that a path, a folder or a glob stands for."""

import glob
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


# -- what is left out -------------------------------------------------------------------


def test_what_is_left_out_is_counted_by_suffix_and_said_once(tmp_path, caplog):
    for name in ("a.jpg", "b.HEIC", "sub/c.heic", "d.avif", "sub/README", ".e.heic"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    for _ in range(2):
        found = find_files(tmp_path, (".jpg",), {".heic": "pip install it"})
        assert found == [tmp_path / "a.jpg"]
    (record,) = caplog.records
    assert record.getMessage() == (
        f"4 files left out of {tmp_path}: "
        ".heic 2 (pip install it), no suffix 1, .avif 1"
    )


def test_a_line_names_few_suffixes(tmp_path, caplog):
    for number in range(30):
        (tmp_path / f"a.{number}").write_bytes(b"")
    (tmp_path / "a.jpg").write_bytes(b"")
    find_files(tmp_path, (".jpg",))
    message = caplog.records[0].getMessage()
    assert message.startswith("30 files left out") and message.endswith(" 1, ...")
    assert message.count(" 1,") == 8


def test_a_glob_says_what_it_leaves_out_too(tmp_path, caplog):
    for name in ("a.jpg", "b.txt"):
        (tmp_path / name).write_bytes(b"")
    assert find_files(tmp_path / "*", (".jpg",)) == [tmp_path / "a.jpg"]
    assert find_files(tmp_path / "*.jpg", (".jpg",)) == [tmp_path / "a.jpg"]
    assert [each.getMessage() for each in caplog.records] == [
        f"1 file left out of {tmp_path}/*: .txt 1"
    ]


def test_nothing_found_says_what_there_is_instead(tmp_path):
    (tmp_path / "a.heic").write_bytes(b"")
    with pytest.raises(UserError, match=r"there are none, but \.heic 1 \(do it\)"):
        find_files(tmp_path, (".jpg",), {".heic": "do it"})


# -- links ------------------------------------------------------------------------------


@pytest.fixture
def linked(tmp_path):
    """photos/ with links: to a folder outside, within, to itself and to what holds it."""
    for name in ("photos/a.jpg", "photos/real/b.jpg", "outside/c.jpg", "other/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    photos = tmp_path / "photos"
    (photos / "1_loop").symlink_to(photos)
    (photos / "2_loop").symlink_to(photos / "real", target_is_directory=True)
    (photos / "3_up").symlink_to(tmp_path)
    (photos / "4_outside").symlink_to(tmp_path / "outside")
    (photos / "5_outside_again").symlink_to(tmp_path / "outside")
    (tmp_path / "outside" / "back").symlink_to(photos)
    (photos / "gone.jpg").symlink_to(tmp_path / "nothing.jpg")
    (photos / "link.jpg").symlink_to(tmp_path / "other" / "d.jpg")
    return photos


FOUND = ["4_outside/c.jpg", "a.jpg", "link.jpg", "real/b.jpg"]


@pytest.mark.parametrize("spec", ["", "**/*.jpg", "**", "**/**/*.jpg"])
def test_links_are_followed_and_each_real_folder_is_searched_once(linked, spec):
    assert find_files(linked / spec, (".jpg",)) == [linked / name for name in FOUND]


def test_the_search_may_begin_at_a_link(linked, tmp_path):
    (tmp_path / "start").symlink_to(linked)
    start = tmp_path / "start"
    assert find_files(start, (".jpg",)) == [start / name for name in FOUND]


def test_a_glob_finds_what_globs_own_search_finds(tree):
    for pattern in (
        "**",
        "**/*",
        "s*/**/*.jpg",
        "**/deep/*",
        "*/*",
        "**/c.*",
        "**/*/*",
    ):
        by_glob = glob.glob(os.fspath(tree / pattern), recursive=True)
        wanted = {name for name in by_glob if os.path.isfile(name)}
        wanted = sorted(
            name for name in wanted if name.lower().endswith(("jpg", "png"))
        )
        found = find_files(tree / pattern, (".jpg", ".png"))
        assert sorted(map(os.fspath, found)) == wanted, pattern


def test_a_relative_glob_stays_relative(tree, monkeypatch):
    monkeypatch.chdir(tree)
    names = [os.fspath(path) for path in find_files("**/*.jpg", (".jpg",))]
    assert names == ["a.jpg", "odd[1].jpg", "sub/deep/d.jpg"]
