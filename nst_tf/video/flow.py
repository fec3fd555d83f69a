"""Optical flow between two frames of a clip, and how far it can be trusted."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from nst_tf.video.packages import import_cv2

# Of the picture that flow is looked for in. All ours, by benchmarks/video.py.
SHARE = 0.625  # of the frame's sides
LONG_SIDE = 640  # pixels at most: above, flow costs more than it gives
SHORT_SIDE = 32  # pixels at least: four of the patches that flow is looked for with

# Of DIS (below): patches of 8 pixels, 5 apart, 6 steps each.
PATCH_STRIDE, DESCENT_STEPS = 5, 6
# Finest scale and rounds of refinement of the flow, and of that which only checks it.
FINEST, REFINEMENTS = 0, 3
CHECKING_FINEST, CHECKING_REFINEMENTS = 1, 0  # 1 is half the size

# Forward and backward flow agree where their sum is below SPREAD of their squared
# lengths and SLACK squared pixels; half the figures of Sundaram, Brox, Keutzer 2010.
SPREAD, SLACK = 0.01, 0.5
# Mean difference of a frame and the last one along the flow, [0, 1]: ours.
CERTAIN_ERROR, POSSIBLE_ERROR = 0.1, 0.3
CUT = 0.2  # mean certainty below which a new scene begins: 0.00 at cuts, others 0.43 up
BLUR = 1.0  # pixels, deviation of the Gaussian over that difference: noise is no motion


@dataclasses.dataclass(frozen=True)
class Motion:
    """Where each pixel of a frame was in the last one. Sizes are those of a small picture.

    Attributes:
        flow: [h, w, 2] float32, across and down, pixels of the small picture: what is
            at x now was at x + flow.
        certain: [h, w] in [0, 1], 1 where both directions of the flow agree, and the
            last frame looks the same there.
        possible: [h, w] in [0, 1], at least `certain`; 1 where the last frame looks alike.
    """

    flow: np.ndarray
    certain: np.ndarray
    possible: np.ndarray

    @property
    def is_cut(self) -> bool:
        """Whether the frame has nothing of the last one: a new scene begins."""
        return bool(self.certain.mean() < CUT)


class FlowEstimator:
    """Finds the flow between small pictures of frames.

    Dense inverse search (Kroeger, Timofte, Dai, Van Gool 2016, arXiv:1603.03590), by
    OpenCV. The flow forwards only checks the one backwards, and is taken at half the
    size.

    Raises:
        UserError: OpenCV is not installed.
    """

    def __init__(self) -> None:
        self._cv2 = import_cv2()
        self._backward = _open_search(self._cv2, FINEST, REFINEMENTS)
        self._forward = _open_search(self._cv2, CHECKING_FINEST, CHECKING_REFINEMENTS)

    def shrink(self, rgb: np.ndarray) -> np.ndarray:
        """Returns the small picture of a frame, float32 [H, W, 3] in [0, 1] both."""
        height, width = rgb.shape[:2]
        share = min(SHARE, LONG_SIDE / max(height, width))
        share = max(share, SHORT_SIDE / min(height, width))
        size = max(1, round(share * width)), max(1, round(share * height))
        return np.asarray(
            self._cv2.resize(rgb, size, interpolation=self._cv2.INTER_AREA), np.float32
        )

    def find_motion(self, last: np.ndarray, small: np.ndarray) -> Motion:
        """Returns the motion between two small pictures, from `shrink`, of one size."""
        grays = [to_gray(each) for each in (last, small)]
        # Without a start of its own each would begin with the flow before.
        backward = self._backward.calc(grays[1], grays[0], None)
        forward = self._forward.calc(grays[0], grays[1], None)
        returned = warp(forward, backward)
        gap = _square_length(returned + backward)
        lengths = _square_length(returned) + _square_length(backward)
        error = measure_difference(last, small, backward)
        inside = find_inside(backward)
        doubt = gap / (SPREAD * lengths + SLACK) + np.square(error / CERTAIN_ERROR)
        certain = inside * np.exp(-doubt)
        possible = inside * np.exp(-np.square(error / POSSIBLE_ERROR))
        return Motion(backward, certain, np.maximum(certain, possible))


def to_gray(rgb: np.ndarray) -> np.ndarray:
    """Returns the lightness of float32 [H, W, 3] in [0, 1] that flow is looked for in,
    uint8 [H, W].
    """
    cv2 = import_cv2()
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return np.asarray(np.clip(np.rint(255 * gray), 0, 255), np.uint8)


def warp(values: np.ndarray, flow: np.ndarray, sharp: bool = False) -> np.ndarray:
    """Returns values at x + flow for each x; beyond the border those of the border.

    Args:
        values: float32 [H, W] or [H, W, C].
        flow: float32 [H, W, 2], across and down, pixels.
        sharp: takes cubic splines instead of linear ones, which blur a picture that is
            warped again and again. They can overshoot.
    """
    cv2 = import_cv2()
    height, width = flow.shape[:2]
    across = flow[..., 0] + np.arange(width, dtype=np.float32)
    down = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    way = cv2.INTER_CUBIC if sharp else cv2.INTER_LINEAR
    return np.asarray(
        cv2.remap(values, across, down, way, borderMode=cv2.BORDER_REPLICATE)
    )


def measure_difference(
    last: np.ndarray, frame: np.ndarray, flow: np.ndarray
) -> np.ndarray:
    """Returns how far a frame and the last one along the flow differ, mean over colors.

    Args:
        last, frame: float32 [H, W, 3] in [0, 1].
        flow: float32 [H, W, 2], as for `warp`.

    Returns:
        float32 [H, W] in [0, 1], without noise of single pixels.
    """
    cv2 = import_cv2()
    difference = cv2.absdiff(frame, warp(last, flow))
    error = cv2.transform(difference, np.full((1, 3), 1 / 3, np.float32))
    return np.asarray(cv2.GaussianBlur(error, (0, 0), BLUR))


def find_inside(flow: np.ndarray) -> np.ndarray:
    """Returns float32 [H, W], 1 where x + flow is inside of the picture, else 0."""
    height, width = flow.shape[:2]
    across = flow[..., 0] + np.arange(width, dtype=np.float32)
    down = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    held = (across >= 0) & (across <= width - 1) & (down >= 0) & (down <= height - 1)
    return held.astype(np.float32)


def resize_flow(flow: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns a flow [h, w, 2] for pictures of another size, [height, width, 2]."""
    cv2 = import_cv2()
    factors = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
    return np.asarray(cv2.resize(flow, (width, height)) * factors)


def _square_length(flow: np.ndarray) -> np.ndarray:
    across, down = flow[..., 0], flow[..., 1]
    return across * across + down * down


def _open_search(cv2: Any, finest: int, refinements: int) -> Any:
    search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(finest)
    search.setPatchStride(PATCH_STRIDE)
    search.setGradientDescentIterations(DESCENT_STEPS)
    search.setVariationalRefinementIterations(refinements)
    return search
