"""Budgets and the course of the step size."""

import math

import pytest

from nst_tf.training.schedule import WARM_UP, FitConfig


def config(schedule="constant", steps=200, minutes=-1.0, least_steps=0):
    return FitConfig(steps, minutes, least_steps, 0.5, schedule, 1, 1000, 60.0)


def test_the_budget_that_is_used_up_first_counts():
    both = config(steps=100, minutes=2.0)
    assert both.progress(50, 30.0) == 0.5 and both.progress(10, 90.0) == 0.75
    assert both.progress(100, 0.0) == both.progress(500, 999.0) == 1.0
    assert config(steps=-1, minutes=2.0).progress(10**6, 60.0) == 0.5


def test_a_slow_machine_goes_on_to_the_least_steps_and_a_fast_one_ends_by_its_minutes():
    slow_or_fast = config(steps=-1, minutes=2.0, least_steps=100)
    assert (
        slow_or_fast.progress(25, 120.0) == 0.25
        and slow_or_fast.progress(99, 1e6) < 1.0
    )
    assert slow_or_fast.progress(100, 1e6) == slow_or_fast.progress(500, 120.0) == 1.0
    assert slow_or_fast.progress(500, 60.0) == 0.5


def test_the_least_steps_hold_against_minutes_and_not_against_steps():
    assert config(steps=50, minutes=2.0, least_steps=100).progress(50, 0.0) == 1.0
    assert config(steps=50, least_steps=100).progress(25, 1e6) == 0.5


def test_a_constant_step_size_stays():
    assert {config().step_size(progress / 10) for progress in range(11)} == {0.5}


def test_a_cosine_goes_from_the_step_size_through_half_of_it_to_zero():
    cosine = config("cosine")
    assert cosine.step_size(0.0) == 0.5
    assert cosine.step_size(0.5) == pytest.approx(0.25)
    assert cosine.step_size(1.0) == pytest.approx(0.0)


def test_a_warm_cosine_grows_first_and_is_the_cosine_then():
    warm, cosine = config("warm_cosine"), config("cosine")
    rising = [warm.step_size(WARM_UP * part / 10) for part in range(10)]
    assert rising == sorted(rising) and 0 < rising[0] < 0.06
    for progress in (WARM_UP, 0.5, 0.9, 1.0):
        assert warm.step_size(progress) == cosine.step_size(progress)
    assert math.isclose(rising[5], 0.6 * cosine.step_size(WARM_UP / 2))
