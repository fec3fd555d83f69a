"""Draws for a crop: each purpose by itself, each thing its share, wherever a stream begins."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from nst_tf.data import pipeline
from nst_tf.data.draws import Purpose, draw_turn, draw_turns, open_rng

COUNT = 2400


def turns(purpose, count, seed=5):
    """What a step draws for the first crops of a run."""
    numbers = tf.range(COUNT, dtype=tf.int64)
    return tf.function(draw_turns)(seed, numbers, purpose, count).numpy()


def kinds(seed=5):
    return np.array([draw_turn(seed, n, Purpose.KIND, 2) for n in range(COUNT)])


def flips(seed=5):
    pixels = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 3)
    crops = [
        pipeline.random_crop(pixels, 2, open_rng(seed, number, Purpose.CROP))
        for number in range(COUNT)
    ]
    return np.array([crop[0, 0, 0] != 0 for crop in crops])


def recolored(seed=5):
    draws = [open_rng(seed, n, Purpose.RECOLORING).random() for n in range(COUNT)]
    return np.array(draws) < 0.5


@pytest.mark.parametrize("styles", [2, 3, 4, 8])
def test_no_draw_tells_another_one(styles):
    drawn = {
        "kind": kinds(),
        "style": turns(Purpose.STYLE, styles),
        "identity": turns(Purpose.IDENTITY, 8) == 0,
        "flip": flips(),
        "recolored": recolored(),
        "place in a batch": np.arange(COUNT) % 8,
    }
    for one, other in itertools.combinations(drawn, 2):
        table = stats.contingency.crosstab(drawn[one], drawn[other]).count
        assert stats.chi2_contingency(table).pvalue > 1e-4, (one, other)


@pytest.mark.parametrize("count", [1, 2, 3, 8])
def test_each_comes_once_a_turn_and_the_turns_differ(count):
    drawn = turns(Purpose.STYLE, count)[: COUNT // count * count].reshape(-1, count)
    np.testing.assert_array_equal(
        np.sort(drawn, 1), np.tile(range(count), (len(drawn), 1))
    )
    assert len(np.unique(drawn, axis=0)) == count
    both = kinds().reshape(-1, 2)
    assert (both.sum(1) == 1).all() and 0.4 < both[:, 0].mean() < 0.6


def test_a_part_of_the_numbers_has_the_draws_of_the_whole():
    numbers = tf.constant([7, 2000, 3, 12], tf.int64)
    step = tf.function(lambda numbers: draw_turns(5, numbers, Purpose.STYLE, 3))
    np.testing.assert_array_equal(
        step(numbers), turns(Purpose.STYLE, 3)[numbers.numpy()]
    )


def test_another_seed_draws_otherwise():
    same = turns(Purpose.STYLE, 8) == turns(Purpose.STYLE, 8, seed=6)
    assert 0.05 < same.mean() < 0.3
    assert 0.4 < (kinds() == kinds(seed=6)).mean() < 0.6
