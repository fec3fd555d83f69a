"""The public API: what it has, that it is lazy, and that its names are documented and typed."""

import inspect
import typing

import numpy as np
import pytest

import nst_tf

EXPECTED = {
    "Image",
    "UserError",
    "__version__",
    "arrange_images",
    "connect",
    "evaluate_models",
    "export_model",
    "load_model",
    "optimize_image",
    "published_models",
    "read_image",
    "read_log",
    "read_sample",
    "stylize_files",
    "stylize_video",
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


@pytest.mark.parametrize(
    "call, arguments",
    [
        ("train_network", {}),
        ("optimize_image", {"output": "out.png"}),
        ("export_model", {"model": "runs/a", "output": "out"}),
        ("evaluate_models", {"models": ["a"], "output": "out"}),
    ],
)
def test_a_setting_that_there_is_not_is_one_line(call, arguments):
    with pytest.raises(nst_tf.UserError, match="a setting among .*Received: stlye"):
        getattr(nst_tf, call)(**arguments, stlye="mosaic")


def test_files_are_stylized_and_a_picture_is_optimized(tmp_path):
    photo = np.full((40, 48, 3), 0.4, np.float32)
    photo[10:30, 10:30] = (0.9, 0.2, 0.1)
    nst_tf.write_image(tmp_path / "in" / "a.png", nst_tf.Image(photo))
    nst_tf.write_image(tmp_path / "in" / "b.png", nst_tf.Image(1 - photo))
    outcome = nst_tf.stylize_files(
        "starry_night_mobile", tmp_path / "in", tmp_path / "out"
    )
    names = sorted(path.name for path in outcome.written)
    assert names == ["a.png", "b.png"] and not outcome.failed
    stylized = nst_tf.read_image(tmp_path / "out" / "a.png").rgb
    model = nst_tf.load_model("starry_night_mobile")
    original = nst_tf.read_image(tmp_path / "in" / "a.png").rgb
    assert np.abs(stylized - model(original)).max() < 0.51 / 255


@pytest.mark.slow
def test_a_picture_is_optimized_and_a_network_trained_exported_and_measured(tmp_path):
    lines = []
    image = nst_tf.optimize_image(
        tmp_path / "out.png",
        content="builtin:cat",
        style=("mosaic",),
        image_size=224,
        iterations=2,
        scales=1,
        log=lines.append,
    )
    assert image.size == (149, 224) and any("wrote" in line for line in lines)
    run = nst_tf.train_network(
        output=str(tmp_path / "run"),
        style_image="mosaic",
        steps=2,
        width=4,
        residual_blocks=0,
        crop_size=64,
        style_size=160,
        export=(),
        log=lines.append,
    )
    folder = nst_tf.export_model(run.path, tmp_path / "exported", formats=("tflite",))
    assert (folder / "tflite" / "exported_int8.tflite").is_file()
    rows = nst_tf.evaluate_models(
        [str(run.path)],
        tmp_path / "evaluation",
        photos=1,
        image_size=64,
        feature_network="slim_vgg19",
        log=lines.append,
    )
    assert [row.name for row in rows][-1] == "run"
