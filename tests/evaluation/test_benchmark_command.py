"""`python -m nst_tf.benchmark`: what is timed, ratios, what is written, and bad input."""

import json

import numpy as np
import pytest
from support import tiny

from nst_tf import benchmark
from nst_tf.config.benchmark import BenchmarkSettings
from nst_tf.core.errors import UserError
from nst_tf.evaluation import benchmark as model_benchmark
from nst_tf.inference import latency
from nst_tf.inference.latency import Timing

pytestmark = pytest.mark.slow


def settings(*models, **changes):
    return BenchmarkSettings(
        **{
            "models": models,
            "sizes": ("32",),
            "threads": ("1",),
            "repeats": 2,
            "rounds": 1,
            **changes,
        }
    )


@pytest.fixture(scope="module")
def paths():
    folder = tiny.any_style_exported()
    return {
        "tflite": tiny.artifact("tiny_int8.tflite"),
        "saved_model": tiny.artifact("1"),
        "any style": folder / "tflite" / "tiny_transform_float16.tflite",
        "keras": folder / "network.keras",
    }


@pytest.mark.parametrize("name", ["tflite", "saved_model", "any style", "keras"])
def test_every_kind_of_model_is_timed(paths, name):
    found = latency.time_alone(str(paths[name]), 40, 1, 3)
    files = (
        [paths[name]]
        if paths[name].is_file()
        else [f for f in paths[name].rglob("*") if f.is_file()]
    )
    assert found.size == sum(file.stat().st_size for file in files) and found.side == 40
    assert (
        len(found.seconds) == 3
        and 0 < min(found.seconds)
        and 0 < found.first
        and 0 < found.load
    )
    assert 2e7 < found.memory < 4e9


def test_a_larger_picture_takes_longer(paths):
    small, large = (
        np.median(latency.time_alone(str(paths["tflite"]), side, 1, 5).seconds)
        for side in (32, 512)
    )
    assert large > 10 * small  # 256 times the pixels


def test_a_model_of_a_fixed_size_is_timed_once_at_its_own(paths):
    fixed = paths["any style"].with_name("tiny_transform_64_int8.tflite")
    rows = model_benchmark.benchmark(
        settings(f"fixed={fixed}", sizes=("64",)), lambda line: None
    )
    assert [row.side for row in rows] == [64]


def test_ratios_are_to_the_first_model_of_each_round(monkeypatch):
    times = {"slow": iter([4.0, 8.0, 40.0]), "fast": iter([2.0, 2.0, 20.0])}
    monkeypatch.setattr(
        latency,
        "time_alone",
        lambda path, side, threads, repeats: Timing(
            10**6, side, 0.1, 0.2, [next(times[path])] * 3, 10**8
        ),
    )
    lines = []
    slow, fast = model_benchmark.benchmark(
        settings("slow", "fast", rounds=3), lines.append
    )
    assert (slow.seconds, fast.seconds) == (8.0, 2.0) and slow.ratio == 1
    assert fast.ratio == 0.5  # of 0.5, 0.25 and 0.5
    assert (
        "| fast | 32x32 | 1 | 1.00 | 100 | 200 | 2000.0 | 0.00 | 100 | 0.50 |"
        in lines[0]
    )


def test_it_leaves_table_numbers_and_plot_and_does_not_overwrite_them(paths, tmp_path):
    wanted = settings(f"ours={paths['tflite']}", output=str(tmp_path / "out"))
    rows = model_benchmark.benchmark(wanted, lambda line: None)
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(
        model_benchmark.WRITTEN
    )
    numbers = json.loads((tmp_path / "out" / "numbers.json").read_text())
    assert numbers["rows"][0]["seconds"] == rows[0].seconds
    with pytest.raises(UserError, match="--output without results"):
        model_benchmark.benchmark(wanted, lambda line: None)


def test_a_model_that_cannot_be_timed_is_named_and_left_out(paths, tmp_path):
    (tmp_path / "broken.tflite").write_bytes(b"TFL3 no more")
    lines = []
    rows = model_benchmark.benchmark(
        settings(str(tmp_path / "broken.tflite"), f"ours={paths['tflite']}"),
        lines.append,
    )
    assert (
        [row.name for row in rows] == ["ours"]
        and "left out" in lines[0]
        and "broken.tflite" in lines[0]
    )
    with pytest.raises(UserError, match="a model that can be timed"):
        model_benchmark.benchmark(settings(str(tmp_path / "nothing")), lines.append)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"models": ()}, "Expected --models"),
        ({"sizes": ("x",)}, "--sizes as whole numbers"),
        ({"sizes": ()}, "--sizes as whole"),
        ({"threads": ("0",)}, "--threads as whole"),
        ({"rounds": 0}, "--rounds"),
        ({"models": ("a=x", "a=y")}, "a name for each of --models"),
    ],
)
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        settings("x", **changes)


def test_the_command_prints_the_table(paths, in_process):
    status, out, _ = in_process(
        benchmark.main,
        BenchmarkSettings,
        [
            f"--models=ours={paths['tflite']}",
            "--sizes=32",
            "--threads=1",
            "--rounds=1",
            "--repeats=1",
        ],
    )
    assert status == 0 and "| ours | 32x32 | 1 |" in out


@pytest.mark.parametrize("output", ["/dev/null", "/dev/null/below"])
def test_an_output_that_cannot_be_written_is_told_before_anything_is_timed(
    monkeypatch, output
):
    monkeypatch.setattr(latency, "time_alone", lambda *given: pytest.fail("was timed"))
    with pytest.raises(UserError, match="a folder that can be written"):
        model_benchmark.benchmark(settings("m", output=output))


def test_more_threads_than_a_machine_starts_are_refused_at_once():
    with pytest.raises(UserError, match="--threads as whole numbers from 1 to 1024"):
        settings("m", threads=("1000000",))


def test_a_path_may_hold_the_sign_between_name_and_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr=0.1").mkdir()
    named = settings("lr=0.1", "mine=runs/lr=0.2", "runs/lr=0.3/a.keras").named_models
    assert named == [
        ("lr=0.1", "lr=0.1"),
        ("mine", "runs/lr=0.2"),
        ("runs/lr=0.3/a.keras", "runs/lr=0.3/a.keras"),
    ]
