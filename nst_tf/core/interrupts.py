"""Ctrl-C and SIGTERM as a wish to stop, so that a step is never cut in two."""

import signal


class Interruptible:
    """Lets Ctrl-C and SIGTERM end the loop after the step; a second Ctrl-C ends it at once."""

    def __enter__(self):
        self.received = False
        self._previous = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._note)
        except ValueError:  # not in the main thread: leave signals to who started it
            pass
        return self

    def _note(self, number, frame):
        if self.received:
            raise KeyboardInterrupt
        self.received = True

    def __exit__(self, *unused):
        for number, handler in self._previous.items():
            signal.signal(number, handler)
