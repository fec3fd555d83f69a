"""Frames of a camera, always the newest one, with the times at which they came."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from nst_tf.config.painting.clip import CAMERA
from nst_tf.core.errors import expected
from nst_tf.video.frames import Facts, Frame
from nst_tf.video.packages import import_cv2

_MILLISECOND = Fraction(1, 1000)
_USUAL_RATE = 30
_WAIT_SECONDS = 5.0  # for a frame, before a camera counts as gone


class Camera:
    """A camera's frames until `end`, or until who reads them stops; see `frames.Source`.

    While a frame is painted others come and go: none waits for its turn.

    Args:
        content: "camera:" and its number.
        end: seconds after which it ends; 0 for never.

    Raises:
        UserError: no such camera, or one that gives no picture.
    """

    def __init__(self, content: str, end: Fraction = Fraction(0)):
        number = content.removeprefix(CAMERA)
        if not number.isdecimal():
            raise expected(
                "a camera as camera:NUMBER", content, "camera:0 is the first one."
            )
        cv2 = import_cv2()
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        self.faults: list[str] = []
        self._name, self._end = content, end
        self._capture = cv2.VideoCapture(int(number))
        first = None
        if self._capture.isOpened():
            _, first = self._capture.read()
        if first is None:
            self._capture.release()
            raise expected(
                "a camera that gives pictures",
                f"{content}, which is absent or in use",
                "Check that it is connected, and that no other program uses it.",
            )
        rate = Fraction(self._capture.get(cv2.CAP_PROP_FPS) or _USUAL_RATE)
        self.facts = Facts(first.shape[:2], _MILLISECOND, rate.limit_denominator(1000))

    def read(self, skip: int = 0, after: int | None = None) -> Iterator[Frame]:
        """See `frames.Source`; a camera has no earlier frames to skip."""
        newest = _Newest(self._capture)
        began, last = None, -1
        try:
            while (taken := newest.take()) is not None:
                moment, bgr = taken
                began = moment if began is None else began
                shown = max(round(1000 * (moment - began)), last + 1)
                if self._end and shown >= 1000 * self._end:
                    return
                last = shown
                yield Frame(shown, 0, np.ascontiguousarray(bgr[..., ::-1]))
            self.faults.append("it gives no more pictures")
        finally:
            newest.stop()
            self._capture.release()


class _Newest:
    """Reads a camera in a thread and keeps the last picture alone."""

    def __init__(self, capture: Any):
        self._capture = capture
        self._changed = threading.Condition()
        self._picture: tuple[float, Any] | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def take(self) -> tuple[float, Any] | None:
        """Returns time and picture, as soon as there is a new one; None if none comes."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._picture is not None or self._stopped, _WAIT_SECONDS
            )
            taken, self._picture = self._picture, None
            return taken

    def stop(self) -> None:
        """Ends the thread."""
        self._stopped = True
        self._thread.join(_WAIT_SECONDS)

    def _read(self) -> None:
        while not self._stopped:
            shown, picture = self._capture.read()
            with self._changed:
                if not shown:
                    self._stopped = True
                else:
                    self._picture = time.monotonic(), picture
                self._changed.notify()
