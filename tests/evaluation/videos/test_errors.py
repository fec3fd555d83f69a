"""Errors of painted clips along their motion, against motions and errors known by hand."""

import numpy as np
import pytest
from support.pictures import smooth

from nst_tf.evaluation.videos.errors import (
    LONG,
    Chain,
    WarpErrors,
    find_flat,
)
from nst_tf.video.moves import Move

pytest.importorskip("cv2")

SIZE = (40, 64)


def shift(across, down):
    """What moves so, and where it stays in the picture."""
    flow = np.broadcast_to(np.float32([across, down]), (*SIZE, 2)).copy()
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    ends = rows + down, columns + across
    inside = (ends[0] >= 0) & (ends[0] < SIZE[0])
    return Move(flow, inside & (ends[1] >= 0) & (ends[1] < SIZE[1]))


def frames(count, across, down):
    whole = np.asarray(smooth(160, 200, 4))
    return [
        whole[60 - down * n : 100 - down * n, 60 - across * n : 124 - across * n]
        for n in range(count)
    ]


def measure(pictures, move, flat=None):
    errors, chain = WarpErrors(), Chain()
    for number, picture in enumerate(pictures):
        known = move if number else None
        errors.add(number, picture, known, chain.add(known) if number else None, flat)
    return errors


def test_what_moves_with_the_clip_has_no_error_after_1_and_10_frames():
    errors = measure(frames(LONG + 3, 2, -1), shift(2, -1))
    assert errors.short.value < 1e-6 and errors.long.value < 1e-6
    assert [number for number, _ in errors.short.steps] == list(range(1, LONG + 3))
    assert [number for number, _ in errors.long.steps] == [LONG, LONG + 1, LONG + 2]


def test_an_error_is_the_root_mean_square_of_values_from_0_to_1():
    still = shift(0, 0)
    pictures = [np.full((*SIZE, 3), level, np.uint8) for level in (100, 151, 100)]
    assert measure(pictures, still).short.value == pytest.approx(0.2)
    flat = np.zeros(SIZE, bool)
    assert measure(pictures, still, flat).flat.value is None
    flat[:3] = True
    assert measure(pictures, still, flat).flat.value == pytest.approx(0.2)


def test_steps_of_different_area_count_by_their_pixels():
    errors = WarpErrors()
    base = np.zeros((*SIZE, 3), np.uint8)
    known = np.zeros(SIZE, bool)
    known[:10] = True
    errors.add(0, base, None, None, None)
    errors.add(1, base + 255, Move(shift(0, 0).flow, known), None, None)
    errors.add(2, base + 255, shift(0, 0), None, None)
    assert errors.short.value == pytest.approx((10 / 50) ** 0.5)


def test_moves_add_up_and_what_leaves_the_picture_is_not_known():
    joined = shift(3, 0).follow(shift(4, -2))
    wanted = shift(7, -2)
    known = joined.known[:, :-8]
    np.testing.assert_array_equal(known, wanted.known[:, :-8])
    np.testing.assert_allclose(
        joined.flow[joined.known], [[7, -2]] * joined.known.sum()
    )


def test_a_chain_with_a_gap_has_no_long_move():
    chain = Chain()
    for number in range(2 * LONG):
        move = chain.add(None if number == 3 else shift(1, 0))
        assert (move is not None) == (number >= LONG + 3)


def test_flat_areas_are_those_without_detail():
    frame = np.full((40, 64, 3), 0.5, np.float32)
    frame[:, 32:] += np.random.default_rng(0).normal(0, 0.1, (40, 32, 3)).astype("f4")
    flat = find_flat(frame)
    assert flat[:, :26].all() and not flat[:, 38:].any()
