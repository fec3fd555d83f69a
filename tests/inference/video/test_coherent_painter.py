"""Coherent clips: what moves takes its strokes along, and what is new is painted anew."""

import sys
from pathlib import Path

import numpy as np
import pytest
from support.pictures import smooth
from support.scenes import scene

from nst_tf.core.errors import UserError
from nst_tf.inference.video.coherent_painter import CoherentPainter

cv2 = pytest.importorskip("cv2")


class Flickering:
    """Paints strokes that are new in every frame: an unstable network."""

    def __init__(self, strength=0.1):
        self._rng, self._strength = np.random.default_rng(0), strength
        self.painted = []

    def __call__(self, rgb):
        strokes = self._rng.normal(0, self._strength, rgb.shape).astype(np.float32)
        self.painted.append(np.clip(0.5 * rgb + 0.25 + strokes, 0, 1))
        return self.painted[-1]


def differ(one, other):
    return float(np.sqrt(np.mean(np.square(one - other, dtype=np.float64))))


# -- painting --------------------------------------------------------------------------------------


def test_a_still_clip_flickers_a_third_as_much_and_keeps_its_contrast():
    paint = Flickering()
    painter = CoherentPainter(paint)
    outputs = [painter.paint(scene()) for _ in range(12)]
    plain = differ(paint.painted[-1], paint.painted[-2])
    assert differ(outputs[-1], outputs[-2]) < plain / 3
    assert 0.75 < outputs[-1].std() / paint.painted[-1].std() < 1.05


def test_strokes_move_with_what_they_are_painted_on():
    paint = Flickering()
    painter = CoherentPainter(paint)
    outputs = [painter.paint(scene(0, 2 * step, step)) for step in range(8)]
    moved = outputs[-1][1:, 2:][8:-8, 8:-8], outputs[-2][:-1, :-2][8:-8, 8:-8]
    stayed = outputs[-1][8:-8, 8:-8], outputs[-2][8:-8, 8:-8]
    assert differ(*moved) < 0.5 * differ(*stayed)
    plain = paint.painted[-1][1:, 2:], paint.painted[-2][:-1, :-2]
    assert differ(*moved) < 0.5 * differ(*plain)


def test_a_new_scene_is_painted_as_if_it_were_the_first_one():
    paint = Flickering()
    painter = CoherentPainter(paint)
    cuts = []
    for seed in (0, 0, 0, 7, 7):
        output = painter.paint(scene(seed))
        cuts.append(painter.is_cut)
        if painter.is_cut:
            np.testing.assert_array_equal(output, paint.painted[-1])
    assert cuts == [True, False, False, True, False]


def test_what_is_gone_leaves_no_ghost():
    painter = CoherentPainter(lambda rgb: rgb)
    there = scene()
    there[30:60, 40:80] = (1, 0, 0)
    for _ in range(5):
        painter.paint(there)
    output = painter.paint(scene())
    assert not painter.is_cut
    assert np.abs(output - scene())[30:60, 40:80].mean() < 0.03


def test_without_coherence_each_frame_is_its_own_painting():
    paint = Flickering()
    painter = CoherentPainter(paint, coherence=0)
    for step in range(3):
        output = painter.paint(scene(0, step))
        np.testing.assert_allclose(output, paint.painted[-1], atol=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (17, 9), (45, 61)])
def test_odd_sizes_keep_their_size(size):
    painter = CoherentPainter(lambda rgb: 1 - rgb)
    frame = np.asarray(smooth(*size, 3), np.float32) / 255
    for _ in range(3):
        output = painter.paint(frame)
    assert output.shape == frame.shape and output.dtype == np.float32
    np.testing.assert_allclose(output, 1 - frame, atol=0.02)


def test_a_clip_whose_size_changes_begins_anew():
    painter = CoherentPainter(lambda rgb: rgb)
    painter.paint(scene())
    painter.paint(scene()[:60])
    assert painter.is_cut


# -- resume ----------------------------------------------------------------------------------------


def test_a_restored_painter_goes_on_exactly():
    def paint(rgb):
        return np.float32(1) - rgb

    frames = [scene(0, step, -step) for step in range(6)]
    whole = CoherentPainter(paint)
    outputs = [whole.paint(frame) for frame in frames]
    first, second = CoherentPainter(paint), CoherentPainter(paint)
    for frame in frames[:3]:
        first.paint(frame)
    second.restore(first.state())
    for frame, output in zip(frames[3:], outputs[3:]):
        np.testing.assert_array_equal(second.paint(frame), output)


def test_a_painter_that_was_reset_remembers_nothing():
    painter = CoherentPainter(Flickering())
    assert painter.state() == {}
    painter.paint(scene())
    assert set(painter.state()) == {"small", "painted"}
    painter.reset()
    assert painter.state() == {}
    painter.restore({})
    painter.paint(scene())
    assert painter.is_cut


def test_a_missing_opencv_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UserError, match=r"pip install 'nst_tf\[video\]'"):
        CoherentPainter(lambda rgb: rgb)


SINTEL = Path(__file__).parents[4] / "shared/data/video"


@pytest.mark.shared
@pytest.mark.skipif(not SINTEL.is_dir(), reason="../shared has no clips here")
def test_cuts_of_a_film_are_found_and_nothing_else():
    av = pytest.importorskip("av")
    painter = CoherentPainter(lambda rgb: rgb)
    cuts = []
    with av.open(str(SINTEL / "cutBunny.mp4")) as container:
        for number, frame in enumerate(container.decode(video=0)):
            painter.paint(
                frame.to_ndarray(format="rgb24", width=256, height=144).astype("f4")
                / 255
            )
            if painter.is_cut:
                cuts.append(number)
    assert cuts == [0, 235]
