"""One frame is read ahead and one is written behind the one that is painted, in threads."""

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
_STOP_SECONDS = 0.1  # until a thread that waits looks whether it is still needed


@contextlib.contextmanager
def read_ahead(items: Iterator[Item]) -> Generator[Iterator[Item], None, None]:
    """Takes items from an iterator in a thread of its own, one more than were asked for.

    Args:
        items: what it raises is raised where its item would be.

    Yields:
        The same items.
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(1)
    ended = threading.Event()

    def put(kind: str, value: Any) -> bool:
        while not ended.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put((kind, value), timeout=_STOP_SECONDS)
                return True
        return False

    def read() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
            put("end", None)
        except BaseException as error:  # it belongs to who waits for the item
            put("error", error)
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()

    def take() -> Iterator[Item]:
        while True:
            kind, value = waiting.get()
            if kind == "error":
                raise value
            if kind == "end":
                return
            yield value

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        ended.set()
        thread.join()


class WriteBehind:
    """Calls functions one after the other in a thread of its own; one at most waits.

    What a call raises, the next `call` or the end of the block raises.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._last: Future[Any] | None = None

    def __enter__(self) -> "WriteBehind":
        return self

    def __exit__(self, kind: Any, *unused: object) -> None:
        # What is under way ends; nothing new begins.
        self._pool.shutdown(wait=True)
        if kind is None:
            self._finish()

    def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Returns once the call before this one has ended, while this one is under way."""
        self._finish()
        self._last = self._pool.submit(function, *arguments)

    def _finish(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.result()
