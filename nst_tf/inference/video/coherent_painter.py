"""Paints a clip so that strokes stay on what they are painted on, with any model.

Each frame is painted by itself, and then blended with the last painted frame, moved
along the optical flow, as far as the flow can be trusted. Ruder, Dosovitskiy, Brox 2016
(arXiv:1604.08610) start from the moved frame and check it so; the blend instead of an
optimization is ours. Where the flow is doubtful, the moved frame is kept within the
colors that the new painting has around, which real-time rendering does against ghosts
(Karis 2014, High-quality temporal supersampling; Salvi 2016, variance clipping).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from nst_tf.video.flow import (
    FlowEstimator,
    Motion,
    resize_flow,
    warp,
)
from nst_tf.video.packages import import_cv2

# All ours, by benchmarks/video.py.
CERTAIN_SHARE = 0.9  # of the last frame, where the flow is certain
POSSIBLE_SHARE = 0.7  # of it, where the flow is only possible
WINDOW = 9  # pixels, of what is "around": a few strokes
# Where the flow is only possible, and where it is certain: how many deviations the
# moved frame may differ from the mean around, and how much contrast is given back.
REACH = (1.0, 3.0)
MOST_GAIN = (1.08, 1.12)
LEAST_DEVIATION = 0.004  # one gray level: below, there is no contrast to give back

Paint = Callable[[np.ndarray], np.ndarray]


class CoherentPainter:
    """Paints the frames of a clip in their order.

    Args:
        paint: paints a frame, float32 [H, W, 3] in [0, 1], by itself.
        coherence: 0 (frame by frame) to 1, the factor of the last frame's shares in the
            next; a stroke that is tracked lives about ten frames at 1.

    Attributes:
        is_cut: whether the last frame began a new scene; so the first one does.

    Raises:
        UserError: OpenCV is not installed.
    """

    def __init__(self, paint: Paint, coherence: float = 1.0):
        self._paint = paint
        self._coherence = coherence
        self._cv2 = import_cv2()
        self.reset()

    def reset(self) -> None:
        """Forgets the frames: the next one begins a clip."""
        # OpenCV's search carries something over from frame to frame: its results after
        # a reset are those of a new one.
        self._estimator = FlowEstimator()
        self._small: np.ndarray | None = None
        self._painted: np.ndarray | None = None
        self.is_cut = True

    def paint(self, rgb: np.ndarray) -> np.ndarray:
        """Returns the next frame, painted; float32 [H, W, 3] in [0, 1] both."""
        small = self._estimator.shrink(rgb)
        painted = self._paint(rgb)
        motion = self._find_motion(small, painted.shape)
        self.is_cut = motion is None
        if motion is not None:
            painted = self._blend(painted, motion)
        self._small, self._painted = small, painted
        return painted

    def state(self) -> dict[str, np.ndarray]:
        """Returns what the next frame depends on; {} before the first one."""
        if self._small is None or self._painted is None:
            return {}
        return {"small": self._small, "painted": self._painted}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Goes on where `state` was taken."""
        self.reset()
        if state:
            self._small = np.asarray(state["small"], np.float32)
            self._painted = np.asarray(state["painted"], np.float32)

    def _find_motion(self, small: np.ndarray, shape: tuple[int, ...]) -> Motion | None:
        """Returns the motion since the last frame; None if there is none, or at a cut."""
        if self._small is None or self._painted is None:
            return None
        if self._painted.shape != shape or self._small.shape != small.shape:
            return None
        motion = self._estimator.find_motion(self._small, small)
        return None if motion.is_cut else motion

    def _blend(self, painted: np.ndarray, motion: Motion) -> np.ndarray:
        assert self._painted is not None
        height, width = painted.shape[:2]
        flow = resize_flow(motion.flow, height, width)
        certain, possible = (
            self._cv2.resize(each, (width, height))[..., None]
            for each in (motion.certain, motion.possible)
        )
        moved = warp(self._painted, flow, sharp=True)
        mean = self._average(painted)
        deviation = self._measure_deviation(painted)
        reach = (REACH[0] + (REACH[1] - REACH[0]) * certain) * deviation
        # A color that the painting itself has there is one of those around.
        lowest = np.minimum(mean - reach, painted)
        np.clip(moved, lowest, np.maximum(mean + reach, painted), out=moved)
        share = POSSIBLE_SHARE * possible + (CERTAIN_SHARE - POSSIBLE_SHARE) * certain
        moved -= painted
        moved *= self._coherence * share
        moved += painted
        most = MOST_GAIN[0] + (MOST_GAIN[1] - MOST_GAIN[0]) * certain
        return self._give_contrast_back(moved, deviation, most)

    def _give_contrast_back(
        self, blended: np.ndarray, deviation: np.ndarray, most: np.ndarray
    ) -> np.ndarray:
        """Returns a frame with the contrast of its own painting, as far as `most` goes.

        Two paintings of one stroke never meet exactly, and to move a picture blurs it:
        after ten frames a quarter of the fine contrast would be gone.

        Args:
            blended: [H, W, 3]; it is changed.
            deviation: of the painting's lightness around each pixel, [H, W, 1].
            most: factor of the contrast at most, [H, W, 1].
        """
        mean = self._average(blended)
        own = self._measure_deviation(blended)
        ratio = (deviation + LEAST_DEVIATION) / (own + LEAST_DEVIATION)
        gain = np.clip(ratio, 1, most)
        blended -= mean
        blended *= gain
        blended += mean
        return np.clip(blended, 0, 1, out=blended)

    def _measure_deviation(self, picture: np.ndarray) -> np.ndarray:
        """Returns the deviation of the lightness around each pixel, [H, W, 1]."""
        gray = self._cv2.cvtColor(picture, self._cv2.COLOR_RGB2GRAY)
        squares = self._average(np.square(gray))
        variance = squares - np.square(self._average(gray))
        return np.sqrt(np.maximum(variance, 0))[..., None]

    def _average(self, picture: np.ndarray) -> np.ndarray:
        """Returns the mean around each pixel."""
        return np.asarray(self._cv2.blur(picture, (WINDOW, WINDOW)))
