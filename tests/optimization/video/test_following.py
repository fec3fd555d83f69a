"""What a frame takes from those that are painted, in clips whose motion is known."""

import numpy as np
import pytest
from support.scenes import HEIGHT, WIDTH, scene

from nst_tf.images import io as image_io
from nst_tf.optimization.video import following
from nst_tf.optimization.video.following import follow
from nst_tf.optimization.video.kept_frames import KeptFrames
from nst_tf.optimization.video.turns import Turn
from nst_tf.video.frames import Frame
from nst_tf.video.moves import Move

MIDDLE = np.s_[16:-16, 16:-16]


def keep(folder, frames):
    kept = KeptFrames(folder)
    bytes_of = map(image_io.to_uint8, frames)
    kept.read((Frame(n, 1, rgb) for n, rgb in enumerate(bytes_of)), lambda: False)
    return kept


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    """Four frames, each 4 pixels further to the right; painted: the negatives."""
    frames = [scene(0, 4 * number, 0) for number in range(4)]
    kept = keep(tmp_path_factory.mktemp("moving") / "frames", frames)
    for number, frame in enumerate(frames):
        kept.keep(Turn(1, number, 1, number), 1 - frame)
    return kept, frames


def test_a_frame_begins_with_the_last_painting_moved_to_where_it_is_now(moving):
    kept, frames = moving
    followed = follow(kept, Turn(1, 1, 1, 1), (1,))
    assert followed.known[MIDDLE].mean() > 0.9
    known = followed.known[..., 0] > 0
    for shown in (followed.start, followed.picture):
        assert np.abs(shown - (1 - frames[1]))[MIDDLE][known[MIDDLE]].mean() < 0.01
    # What came in from the left was in no frame: there the frame itself is.
    assert followed.known[:, :3].max() == 0
    new = followed.start[16:-16, :3] - kept.content(1)[16:-16, :3]
    assert (np.abs(new).max(-1) < 1e-6).mean() > 0.8


def test_a_flat_place_of_doubtful_flow_stays_painted_but_is_not_held(
    tmp_path, monkeypatch
):
    gray, other = np.full((2, HEIGHT, WIDTH, 3), 0.5, np.float32)
    other[:, WIDTH // 2 :] = 0.9  # looks like nothing before
    kept = keep(tmp_path / "frames", [gray, gray])
    painting = 1 - scene()
    kept.keep(Turn(1, 0, 1, 0), painting)
    nowhere = Move(
        np.zeros((HEIGHT, WIDTH, 2), np.float32), np.zeros((HEIGHT, WIDTH), bool)
    )
    monkeypatch.setattr(following, "find_move", lambda *unused: nowhere)
    monkeypatch.setattr(kept, "content", lambda number: other if number else gray)
    followed = follow(kept, Turn(1, 1, 1, 1), (1,))
    assert followed.known.max() == 0
    left, right = np.s_[:, : WIDTH // 2 - 8], np.s_[:, WIDTH // 2 + 8 :]
    np.testing.assert_allclose(followed.start[left], painting[left], atol=0.01)
    np.testing.assert_allclose(followed.start[right], other[right], atol=0.01)


def test_what_was_hidden_is_not_known(tmp_path):
    """A square moves over a still ground: what it uncovers was in no painting."""
    ground, square = scene(0), scene(5)[:32, :32]
    frames = []
    for left in (40, 50):
        frame = ground.copy()
        frame[32:64, left : left + 32] = square
        frames.append(frame)
    kept = keep(tmp_path / "frames", frames)
    kept.keep(Turn(1, 0, 1, 0), 1 - frames[0])
    known = follow(kept, Turn(1, 1, 1, 1), (1,)).known[..., 0]
    assert known[36:60, 41:48].mean() < 0.2  # uncovered
    assert known[:24].mean() > 0.95  # still
    assert known[40:56, 60:74].mean() > 0.7  # the square, which moved


def test_the_nearest_painting_that_shows_a_place_counts(moving):
    kept, frames = moving
    near, far = np.full_like(frames[0], 0.25), np.full_like(frames[0], 0.75)
    kept.keep(Turn(5, 2, 1, 2), near)
    kept.keep(Turn(5, 0, 1, 0), far)
    kept.keep(Turn(4, 3, -1, 0), frames[0])
    followed = follow(kept, Turn(5, 3, 1, 3), (3, 1))
    alone = follow(kept, Turn(5, 3, 1, 3), (1,)).known > 0
    known = followed.known > 0
    assert (known >= alone).all()
    place = alone[..., 0]
    np.testing.assert_allclose(followed.picture[place], 0.25, atol=0.01)
    place = (known & ~alone)[..., 0]
    np.testing.assert_allclose(followed.picture[place], 0.75, atol=0.01)
    far_alone = follow(kept, Turn(5, 3, 1, 3), (3,))
    assert far_alone.known.mean() > 0.5
    np.testing.assert_allclose(
        far_alone.picture[far_alone.known[..., 0] > 0], 0.75, atol=0.01
    )


def test_later_passes_begin_with_the_mean_of_both_paintings(moving):
    kept, frames = moving
    kept.keep(Turn(2, 3, -1, 0), np.full_like(frames[0], 0.8))
    followed = follow(kept, Turn(2, 2, -1, 1), (1,))
    before, known = kept.painted(1, 2), followed.known > 0
    wanted = np.where(known, (before + 204 / 255) / 2, before)
    np.testing.assert_allclose(followed.start, wanted, atol=0.005)
    first = follow(kept, Turn(2, 3, -1, 0), (1,))
    np.testing.assert_allclose(first.start, kept.painted(1, 3))
    assert first.known.max() == 0


def test_scenes_begin_at_cuts_and_a_read_that_was_stopped_counts_for_nothing(tmp_path):
    frames = [scene(0), scene(0, 2), scene(7), scene(7, 0, 2), scene(3)]
    kept = keep(tmp_path / "frames", frames)
    assert kept.scenes == [range(0, 2), range(2, 4), range(4, 5)]
    assert kept.count == 5
    stops = iter([False, False, True])
    given = (Frame(n, 1, image_io.to_uint8(rgb)) for n, rgb in enumerate(frames))
    kept.read(given, lambda: next(stops))
    assert not kept.are_read


@pytest.mark.parametrize("size", [(16, 16), (16, 41), (33, 17)])
def test_small_and_odd_sizes_are_followed(tmp_path, size):
    crop = np.s_[: size[0], : size[1]]
    frames = [scene(0)[crop], scene(0, 1)[crop]]
    kept = keep(tmp_path / "frames", frames)
    kept.keep(Turn(1, 0, 1, 0), frames[0])
    followed = follow(kept, Turn(1, 1, 1, 1), (1,))
    assert followed.start.shape == (*size, 3) and np.isfinite(followed.start).all()
    assert HEIGHT > size[0] and WIDTH > size[1]
