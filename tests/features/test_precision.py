"""--precision=auto: the faster arithmetic, said aloud, and nothing else changed."""

import platform
from pathlib import Path

import pytest

from nst_tf.config.train import TrainSettings
from nst_tf.core.errors import UserError
from nst_tf.features import precision

CPU = Path("/proc/cpuinfo")


def auto(**options):
    return TrainSettings.of(
        {"output": "runs/test", "steps": 1, "precision": "auto", **options}
    )


@pytest.mark.parametrize(
    "bfloat16, chosen", [(0.5, "bfloat16"), (0.9, "float32"), (6.5, "float32")]
)
def test_auto_takes_bfloat16_where_it_is_worthwhile_and_says_why(
    monkeypatch, bfloat16, chosen
):
    monkeypatch.setattr(
        precision, "convolution_seconds", {"float32": 1.0, "bfloat16": bfloat16}.get
    )
    said = []
    found = precision.resolve_precision(auto(seed=7), said.append)
    assert found == auto(seed=7, precision=chosen)
    assert said == [
        f"--precision={chosen}: a convolution in bfloat16 takes {bfloat16} times float32's time here"
    ]


@pytest.mark.parametrize("choice", ["float32", "bfloat16"])
def test_a_choice_of_the_user_stands_without_a_measurement(monkeypatch, choice):
    monkeypatch.setattr(precision, "convolution_seconds", None)
    said, asked = [], auto(precision=choice)
    assert precision.resolve_precision(asked, said.append) is asked and not said


def test_emulated_bfloat16_is_found_out():
    if platform.machine() != "x86_64" or not CPU.exists():
        pytest.skip("needs /proc/cpuinfo of an x86 processor")
    abilities = set(
        next(
            line for line in CPU.read_text().splitlines() if line.startswith("flags")
        ).split()
    )
    if abilities & {"avx512f", "avx_ne_convert"}:
        pytest.skip("needs a processor that is without bfloat16 for sure")
    assert precision.resolve_precision(auto(), lambda line: None).precision == "float32"


def test_auto_is_refused_where_workers_might_choose_differently():
    with pytest.raises(UserError, match="multi_worker"):
        auto(strategy="multi_worker")


def test_a_precision_that_is_not_settled_has_no_arithmetic():
    with pytest.raises(KeyError, match="auto"):
        auto().compute_dtype
