"""Ctrl-C and SIGTERM as a wish to stop, so that a step is never cut in two."""

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

INTERRUPTED = 130  # a shell's status for a command after Ctrl-C
_stderr = 2  # the file descriptor that the user sees


def leave_on_interrupt() -> None:
    """Lets Ctrl-C end the process at once, with one line, until `raise_on_interrupt`.

    This is for a command's imports, where it would be a stack trace, or be lost. Where
    a shell has it ignored, or a program has its own handler, nothing changes.
    """
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    with contextlib.suppress(ValueError):  # not in the main thread
        if usual:
            signal.signal(signal.SIGINT, _leave)


def raise_on_interrupt() -> None:
    """Lets Ctrl-C raise KeyboardInterrupt again."""
    with contextlib.suppress(ValueError):
        if signal.getsignal(signal.SIGINT) is _leave:
            signal.signal(signal.SIGINT, signal.default_int_handler)


@contextlib.contextmanager
def leave_on_interrupt_inside(stderr: int) -> Iterator[None]:
    """Does `leave_on_interrupt` for the block; the line goes to a file descriptor."""
    global _stderr
    before, _stderr = _stderr, stderr
    leave_on_interrupt()
    try:
        yield
    finally:
        raise_on_interrupt()
        _stderr = before


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(_stderr, b"interrupted\n")
    os._exit(INTERRUPTED)


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
