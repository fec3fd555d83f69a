"""Bands of a picture are the picture: every kind of network, in every runtime."""

import numpy as np
import pytest
from support import tiny
from support.pictures import batch

from nst_tf.core.errors import UserError
from nst_tf.images import color, io as image_io
from nst_tf.inference.open_model import load_model
from nst_tf.inference.runtimes.keras_network import KerasNetwork
from nst_tf.inference.tiles import (
    any_size,
    bands,
    photo as rows_of_files,
    plan,
    stored_map,
)
from nst_tf.inference.tiles.any_size import AnySize

SIZES = [(301, 77), (9, 200), (1, 1), (130, 7)]


@pytest.fixture(autouse=True)
def small_bands(monkeypatch):
    """Bands of the least height: every stage has several."""
    monkeypatch.setattr(bands, "MOST_BYTES", 0)
    monkeypatch.setattr(bands._Painting, "_check", lambda self, stages: None)


def photo(height, width):
    return batch(height, width, seed=5)[0]


def decibels(one, other):
    return -10 * np.log10(np.mean(np.square(one - other)) + 1e-20)


def draw_both(runtime, height, width, code, strength=1.0):
    """The picture as a whole, and in bands."""
    picture = photo(height, width)
    whole = runtime.draw(picture, code, strength)
    in_bands = AnySize(runtime)
    in_bands._draws_whole = lambda pixels: False
    return whole, in_bands.draw(picture, code, strength)


def one_hot(styles, index=0):
    return np.eye(max(styles, 1), dtype=np.float32)[index]


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"padding": "zeros"},
        {"block": "separable", "residual_blocks": 2, "edge_size": 5},
        {"residual_blocks": 0, "edge_size": 1},
        {"residual_blocks": 3},
        {"dtype": "mixed_bfloat16"},
    ],
    ids=str,
)
def test_every_shape_of_network_gives_the_whole_picture(shape):
    runtime = KerasNetwork("tiny", tiny.network(**shape))
    # Rounding to bfloat16 differs where sums have another order.
    least = 50 if "dtype" in shape else 100
    for height, width in SIZES[:2]:
        whole, parts = draw_both(runtime, height, width, one_hot(1))
        assert parts.shape == whole.shape
        assert decibels(whole, parts) > least


@pytest.mark.parametrize("strength", [1.0, 0.3])
def test_several_styles_and_strengths_give_the_whole_picture(strength):
    runtime = KerasNetwork("tiny", tiny.network(styles=3, strength=True))
    code = np.array([0.2, 0.5, 0.3], np.float32)
    whole, parts = draw_both(runtime, 301, 77, code, strength)
    assert decibels(whole, parts) > 100


@pytest.mark.parametrize("kind", ["modulated", "colors", "adain", "skips"])
def test_networks_of_any_style_give_the_whole_picture(kind):
    runtime = KerasNetwork("tiny", tiny.any_style(kind))
    code = runtime.encode(photo(70, 90))
    for strength in (1.0, 0.5):
        whole, parts = draw_both(runtime, 301, 77, code, strength)
        assert decibels(whole, parts) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1", "tiny.tflite", "tiny_float16.tflite"])
def test_exports_give_the_whole_picture(name):
    runtime = load_model(tiny.artifact(name))._runtime._runtime
    for height, width in SIZES:
        whole, parts = draw_both(runtime, height, width, one_hot(1))
        assert decibels(whole, parts) > 100


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["modulated", "colors"])
@pytest.mark.parametrize(
    "name", ["saved_model/1", "tflite/tiny_transform_float16.tflite"]
)
def test_exports_of_any_style_give_the_whole_picture(name, kind):
    runtime = load_model(tiny.any_style_exported(kind) / name)._runtime._runtime
    code = runtime.encode(photo(70, 90))
    whole, parts = draw_both(runtime, 301, 77, code, 0.7)
    assert decibels(whole, parts) > 100


@pytest.mark.slow
def test_an_int8_file_in_bands_is_nearer_to_the_network_than_its_whole_picture():
    network = tiny.exported()[0]
    runtime = load_model(tiny.artifact("tiny_int8.tflite"))._runtime._runtime
    whole, parts = draw_both(runtime, 301, 77, one_hot(1))
    exact = tiny.draw(network, photo(301, 77))
    assert decibels(parts, exact) > decibels(whole, exact)
    assert decibels(parts, whole) > 35


def test_sampled_moments_of_a_small_picture_are_exact_and_of_a_large_one_near(
    monkeypatch,
):
    runtime = KerasNetwork("tiny", tiny.network())
    picture = photo(301, 77)
    whole = runtime.draw(picture, one_hot(1), 1.0)
    sampled = AnySize(runtime, moments="sampled")
    sampled._draws_whole = lambda pixels: False
    assert decibels(sampled.draw(picture, one_hot(1), 1.0), whole) > 100
    monkeypatch.setattr(bands, "SAMPLE", 0)
    monkeypatch.setattr(bands, "STRIP", 8)
    near = sampled.draw(picture, one_hot(1), 1.0)
    assert 20 < decibels(near, whole) < 100


def test_running_moments_are_those_of_all_numbers():
    values = np.random.default_rng(0).normal(1000, 0.1, (1000, 4))
    running = bands.RunningMoments()
    for part in np.split(values, [1, 100, 640]):
        running.add(len(part), part.mean(0), part.var(0))
    mean, variance = running.get()
    np.testing.assert_allclose(mean.ravel(), values.mean(0), rtol=1e-6)
    np.testing.assert_allclose(variance.ravel(), values.var(0), rtol=1e-6)


def test_maps_take_no_more_disk_than_was_asked_for(monkeypatch):
    held, most = [], []

    class Counted(stored_map.Spool):
        def __init__(self, shape, dtype):
            super().__init__(shape, dtype)
            held.append(self)
            most.append(sum(np.prod(each.shape) * 4 for each in held))

        def close(self):
            super().close()
            held.remove(self)

    monkeypatch.setattr(stored_map, "Spool", Counted)
    runtime = KerasNetwork("tiny", tiny.network(residual_blocks=2))
    rows, columns = 1024, 64
    whole, parts = draw_both(runtime, rows, columns, one_hot(1))
    assert decibels(whole, parts) > 100
    stages = plan.make_plan(runtime.make_graph(), {}).stages
    expected = bands.find_disk_bytes(stages, rows, columns)
    assert 0.9 * expected < max(most) < 1.2 * expected
    assert not held


def test_a_map_gives_back_its_rows_until_they_are_freed():
    rows = np.arange(20 * 3 * 2, dtype=np.float32).reshape(20, 3, 2)
    stored = stored_map.StoredMap()
    for part in np.split(rows, [4, 5, 12]):
        stored.write(part)
    np.testing.assert_array_equal(stored.read(3, 13), rows[3:13])
    stored.free(5)
    np.testing.assert_array_equal(stored.read(5, 20), rows[5:])
    assert len(stored.read(0, 20)) == 15
    stored.close()


def test_files_are_read_and_written_within_the_memory_that_was_set(
    tmp_path, monkeypatch
):
    tiny.network().save(tmp_path / "network.keras")
    model = load_model(tmp_path, memory="100GB")
    image_io.write_image(tmp_path / "photo.png", image_io.Image(photo(40, 30)))
    monkeypatch.setattr(any_size, "available_memory", lambda: 10**9)
    told = []
    real = rows_of_files.open_rows, rows_of_files.RowWriter

    def open_rows(source, max_pixels, memory):
        told.append(memory)
        return real[0](source, max_pixels, memory)

    def write_rows(*args, memory, **options):
        told.append(memory)
        return real[1](*args, memory=memory, **options)

    monkeypatch.setattr(rows_of_files, "open_rows", open_rows)
    monkeypatch.setattr(rows_of_files, "RowWriter", write_rows)
    rows_of_files.stylize_in_rows(
        model.prepare(),
        tmp_path / "photo.png",
        tmp_path / "painted.png",
        rows_of_files.RowOptions(max_pixels=10**6),
    )
    painted = image_io.read_image(tmp_path / "painted.png")
    assert painted.size == (40, 30)
    assert told[0] == told[1] == pytest.approx(5 * 10**8, rel=0.5)


def test_halos_are_what_kernels_see():
    shape = {"edge_size": 9, "residual_blocks": 1}
    graph = KerasNetwork("tiny", tiny.network(**shape)).make_graph()
    settings = {"code": one_hot(1)[None], "strength": np.ones((1, 1), np.float32)}
    made = plan.make_plan(graph, settings, sampled=True)
    # The first kernel sees 4 pixels beyond, the last one 4 of a map that upsampling and
    # a kernel of 3 make: all rounded up to multiples of 4.
    assert made.stages[0].halo == 4
    assert made.stages[-1].halo == 8
    # 4 + 1 + 2, two of 4, then 2 + 1 + 4: 22, of which some see half a pixel less.
    assert made.single.halo in (20, 24)


def test_a_network_that_sees_all_of_a_picture_elsewhere_is_refused():
    import tensorflow as tf

    from nst_tf.inference.tiles.tensorflow_graph import TensorFlowGraph

    @tf.function(input_signature=[tf.TensorSpec([1, None, None, 3], name="image")])
    def center(image):
        return image - tf.reduce_mean(image, [1, 2], keepdims=True)

    graph = TensorFlowGraph("other", center.get_concrete_function(), "image", (1, 1))
    with pytest.raises(UserError, match="Export it again"):
        plan.make_plan(graph, {})


def test_painting_in_rows_keeps_lightness_and_refuses_what_needs_the_whole(tmp_path):
    tiny.network().save(tmp_path / "network.keras")
    model = load_model(tmp_path)
    picture = photo(90, 64)
    written = []

    def read(first, last):
        return picture[first:last]

    painter = model.prepare(preserve_color="luminance")
    painter.paint_rows(read, picture.shape[:2], written.append)
    whole = color.MODES["luminance"](model(picture), picture)
    assert decibels(np.concatenate(written), whole) > 80
    painter = model.prepare(preserve_color="histogram")
    with pytest.raises(UserError, match="fits into memory for --preserve_color"):
        painter.paint_rows(read, picture.shape[:2], written.append)


def test_too_little_memory_or_disk_is_said_before_anything_is_painted(
    monkeypatch, tmp_path
):
    monkeypatch.undo()
    tiny.network().save(tmp_path / "network.keras")
    model = load_model(tmp_path, memory="1MB")
    with pytest.raises(UserError, match="free memory for a band.*Raise --memory"):
        model(photo(90, 64))
    model = load_model(tmp_path)
    monkeypatch.setattr(AnySize, "_draws_whole", lambda self, pixels: False)
    monkeypatch.setattr(any_size, "BANDS_SHARE", 1.0)

    class Full:
        free = 0

    monkeypatch.setattr(bands.shutil, "disk_usage", lambda place: Full)
    with pytest.raises(UserError, match="disk space.*TMPDIR"):
        model(photo(90, 64))
