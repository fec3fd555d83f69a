"""Ctrl-C and SIGTERM as a wish to stop, so that a step is never cut in two."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any


class Interruptible:
    """Lets Ctrl-C and SIGTERM end the loop after the step; a second Ctrl-C ends it at once."""

    def __enter__(self) -> "Interruptible":
        self.received = False
        self._previous: dict[int, Any] = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        except ValueError:  # not in the main thread: leave signals to who started it
            pass
        return self

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.received:
            raise KeyboardInterrupt
        self.received = True

    def __exit__(self, *unused: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def interrupt_on_terminate() -> Iterator[None]:
    """Has SIGTERM raise `KeyboardInterrupt`, as Ctrl-C does, so that what is half done is removed."""
    try:
        previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    except ValueError:  # not in the main thread: leave signals to who started it
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
