"""The public API: what it has, that it is lazy, and that its names are documented and typed."""

import inspect
import typing

import pytest

import nst_tf

EXPECTED = {
    "Image",
    "UserError",
    "__version__",
    "connect",
    "evaluate_models",
    "export_model",
    "load_model",
    "optimize_image",
    "read_image",
    "stylize_files",
    "train_network",
    "write_image",
}


def test_the_api_is_what_all_lists():
    assert set(nst_tf.__all__) == EXPECTED
    assert EXPECTED <= set(dir(nst_tf))


@pytest.mark.parametrize("name", sorted(EXPECTED - {"__version__"}))
def test_every_name_is_there_documented_and_typed(name):
    item = getattr(nst_tf, name)
    assert item.__name__ == name and item.__doc__
    if inspect.isfunction(item):
        hints = typing.get_type_hints(item)
        assert set(hints) == {*inspect.signature(item).parameters, "return"}


def test_another_name_is_no_attribute():
    with pytest.raises(
        AttributeError, match="module 'nst_tf' has no attribute 'paint'"
    ):
        nst_tf.paint  # noqa: B018
