"""One frame is read ahead and one is written behind the one that is painted."""

import threading
import time

import pytest

from nst_tf.core.errors import UserError
from nst_tf.video.overlap import WriteBehind, read_ahead


def test_reading_and_writing_go_on_while_a_frame_is_painted():
    log, free = [], threading.Event()

    def read():
        for number in range(3):
            log.append(f"read {number}")
            yield number

    with read_ahead(read()) as items, WriteBehind() as writer:
        first = next(items)
        deadline = time.monotonic() + 5
        while "read 1" not in log and time.monotonic() < deadline:
            time.sleep(0.001)
        assert "read 1" in log  # while the first is in our hands
        writer.call(free.wait, 5)
        assert first == 0 and not free.is_set()
        free.set()
        assert list(items) == [1, 2]


def test_what_a_thread_raises_is_raised_where_it_is_asked_for():
    def read():
        yield 1
        raise UserError("unreadable")

    with read_ahead(read()) as items:
        assert next(items) == 1
        with pytest.raises(UserError, match="unreadable"):
            next(items)

    def fail():
        raise UserError("unwritable")

    with pytest.raises(UserError, match="unwritable"), WriteBehind() as writer:
        writer.call(fail)
    writes = []
    with pytest.raises(UserError, match="unwritable"), WriteBehind() as writer:
        writer.call(fail)
        writer.call(writes.append, 1)
    assert writes == []


def test_a_reader_that_nobody_needs_ends():
    closed = threading.Event()

    def read():
        try:
            while True:
                yield 1
        finally:
            closed.set()

    with read_ahead(read()) as items:
        assert next(items) == 1
    assert closed.is_set()
