"""Registries name objects, import them late, and know their earlier names."""

import math
import sys

import pytest

from nst_tf.core.errors import UserError
from nst_tf.core.registry import Registry

ROOTS = Registry(
    "a root", {"square": "math:sqrt", "cube": "math:cbrt"}, {"root": "square"}
)


def test_an_entry_is_the_object_that_its_string_names():
    assert ROOTS["square"] is math.sqrt
    assert ROOTS["root"] is math.sqrt


def test_names_are_listed_in_order_without_the_earlier_ones():
    assert ROOTS.names == tuple(ROOTS) == ("square", "cube")
    assert "root" in ROOTS and "fourth" not in ROOTS


def test_nothing_is_imported_before_it_is_asked_for():
    sys.modules.pop("this", None)
    lazy = Registry("a poem", {"zen": "this:s"})
    assert "zen" in lazy and "this" not in sys.modules
    assert lazy["zen"]
    assert "this" in sys.modules


def test_an_unknown_name_is_one_line_with_all_choices():
    with pytest.raises(
        UserError, match="Expected a root among square, cube. Received: 'x'."
    ):
        ROOTS["x"]


def test_a_registry_that_takes_paths_makes_entries_of_them():
    places = Registry("a place", {"root": "math:sqrt"}, of_path="os.path:dirname")
    assert "runs/vgg" in places and places.canonical("runs/vgg") == "runs/vgg"
    assert places["runs/vgg"] == "runs" and tuple(places) == ("root",)
    with pytest.raises(UserError, match="root, or a path such as runs/NAME"):
        places["vgg"]
    assert "runs/vgg" not in ROOTS
