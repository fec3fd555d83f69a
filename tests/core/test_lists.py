"""Lists in one text, names before paths, and the home folder."""

import csv
import os

import pytest

from nst_tf.core import lists
from nst_tf.core.errors import UserError


@pytest.mark.parametrize(
    "entries",
    [
        ("a",),
        ("a", "b"),
        ("a,b.jpg", "c.jpg"),
        ('say "hi".jpg', '"', '""'),
        ("", "a"),
        ("a", ""),
        ("",),
        ("über.jpg", "\udcff.jpg"),
        (1, 0.5, 1e-5),
        (),
    ],
    ids=str,
)
def test_a_joined_list_is_split_into_its_entries(entries):
    text = lists.join_list(entries)
    assert lists.split_list(text) == tuple(map(str, entries))
    assert [list(map(str, entries))] == list(csv.reader([text])) or entries == ()


def test_spaces_around_entries_do_not_count():
    assert lists.split_list(' a.jpg , "b,c.jpg" ') == ("a.jpg", "b,c.jpg")


def test_what_exists_as_a_whole_is_one_entry(tmp_path):
    path = tmp_path / 'a, "b'
    path.write_bytes(b"")
    assert lists.split_list(str(path)) == (str(path),)
    # And quoted again, it stays itself when it is gone.
    text = lists.join_list([path])
    path.unlink()
    assert lists.split_list(text) == (str(path),)


def test_a_quote_that_is_not_closed_is_refused():
    with pytest.raises(UserError, match='quoted.*Received: "a,b'):
        lists.split_list('"a,b')


def test_a_name_stands_before_the_first_equals_sign(tmp_path):
    assert lists.split_name("mine=a/b=c.tflite") == ("mine", "a/b=c.tflite")
    assert lists.split_name("a.tflite") == ("", "a.tflite")
    # A folder cannot be part of a name.
    assert lists.split_name("runs/lr=0.1/net.keras") == ("", "runs/lr=0.1/net.keras")
    path = tmp_path / "lr=0.1"
    path.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        assert lists.split_name("lr=0.1") == ("", "lr=0.1")


def test_the_home_folder_is_that_of_python(monkeypatch):
    monkeypatch.setenv("HOME", "/people/me")
    assert lists.expand_home("~/a.jpg") == os.path.expanduser("~/a.jpg")
    assert lists.expand_home("~") == "/people/me"
    assert lists.expand_home("a/~/b") == "a/~/b" and lists.expand_home("a~") == "a~"
    assert lists.expand_home("x=~/a+~/b+c~", "=+") == "x=/people/me/a+/people/me/b+c~"
    assert lists.expand_home("x=~/a") == "x=~/a"
