"""Work as a count of calls: the same on every machine, however busy it is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


class TooMuchWorkError(AssertionError):
    """More calls than were allowed."""


class Work:
    """How many functions were called, Python's and C's."""

    calls = 0


@contextmanager
def counted(most: int | None = None) -> Iterator[Work]:
    """Count the calls of what runs inside, and end it once there are more than `most`."""
    work = Work()

    def count(_: FrameType, event: str, __: object) -> None:
        if event in ("call", "c_call"):
            work.calls += 1
            if most is not None and work.calls > most:
                sys.setprofile(before)
                message = f"more than {most:,} calls"
                raise TooMuchWorkError(message)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield work
    finally:
        sys.setprofile(before)


@contextmanager
def stepped(most: int) -> Iterator[Work]:
    """Count the lines that run inside, and end it once there are more than `most`.

    Slower than `counted`, and it sees loops that call nothing.
    """
    work = Work()

    def count(_: FrameType, event: str, __: object) -> Any:
        if event == "line":
            work.calls += 1
            if work.calls > most:
                sys.settrace(before)
                message = f"more than {most:,} lines"
                raise TooMuchWorkError(message)
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        yield work
    finally:
        sys.settrace(before)
