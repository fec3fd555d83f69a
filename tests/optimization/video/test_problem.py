"""The problem of a frame that follows others, against computations by hand."""

import numpy as np
import pytest
import tensorflow as tf
from support.negatives import NegativeTask
from support.pictures import smooth

from nst_tf.config.optimize import OptimizeSettings
from nst_tf.images import io as image_io
from nst_tf.optimization.loop import ImageOptimization
from nst_tf.optimization.video.following import Followed
from nst_tf.optimization.video.problem import (
    TERMS,
    FollowingFrames,
    temporal_error,
)

HEIGHT, WIDTH = 6, 9


def picture(seed):
    return np.asarray(smooth(HEIGHT, WIDTH, seed), np.float32) / 255


def half_known():
    known = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    known[:, : WIDTH // 2] = 1
    return known


def test_the_temporal_error_is_the_mean_square_under_the_mask():
    one, other, known = picture(0), picture(1), half_known()
    total = 0.0
    for row in range(HEIGHT):
        for column in range(WIDTH):
            for channel in range(3):
                gap = float(one[row, column, channel] - other[row, column, channel])
                total += float(known[row, column, 0]) * gap**2
    error = temporal_error(one[None], other[None], known[None])
    assert error.shape == (1,) and total > 0.1
    assert float(error[0]) == pytest.approx(total / (HEIGHT * WIDTH * 3), rel=1e-5)


def test_nothing_pulls_where_nothing_is_known():
    x = tf.constant(picture(0)[None])
    with tf.GradientTape() as tape:
        tape.watch(x)
        error = temporal_error(x, 1.1 + 0 * x, half_known()[None])
    gradient = tape.gradient(error, x).numpy()[0]
    assert gradient[:, : WIDTH // 2].max() < 0
    assert (gradient[:, WIDTH // 2 :] == 0).all()


@pytest.fixture(scope="module", params=["lbfgs", "adam"])
def following(request):
    settings = OptimizeSettings(
        content="clip.mp4", output="out.mp4", optimizer=request.param
    )
    task = NegativeTask(settings, image_io.Image(picture(0)))
    return task, FollowingFrames(task, 150, weight=3.0)


@pytest.mark.parametrize("seed", [2, 3])
def test_each_frame_has_its_own_minimum_though_it_is_compiled_once(
    following, tmp_path, seed
):
    """The minimum of (x - n)^2 + 3 c (x - f)^2 is (n + 3 c f) / (1 + 3 c)."""
    task, frames = following
    frame, followed, known = picture(seed), picture(seed + 10), half_known()
    task.show(image_io.Image(frame))
    frames.pose(Followed(frame, followed, known))
    painted = ImageOptimization(
        frames,
        frames.open_optimizer,
        TERMS,
        tmp_path / "state.npz",
        1.0,
        keep_state=False,
        compile=frames.compile,
    ).run()
    wanted = (1 - frame + 3 * known * followed) / (1 + 3 * known)
    np.testing.assert_allclose(painted.picture, wanted, atol=0.01)
    error = np.mean(known * np.square(painted.picture - followed))
    assert painted.logs["temporal"] == pytest.approx(error, abs=1e-3)
    assert not (tmp_path / "state.npz").exists()
