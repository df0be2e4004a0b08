"""Work as a count of calls: the same on every machine, however busy it is."""

import dis
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from cProfile import Profile
from functools import cache
from types import CodeType, FrameType
from typing import Any

JUMPS = {*dis.hasjabs, *dis.hasjrel}


class TooMuchWorkError(AssertionError):
    """More calls than were allowed."""


class Work:
    """How many functions were called, Python's and C's."""

    calls = 0


@contextmanager
def counted(most: int | None = None) -> Iterator[Work]:
    """Count the calls of what runs inside, and end it once there are more than `most`.

    Without `most`, `calls` is there when all has run: what counts without asking is much faster.
    """
    work = Work()
    if most is None:
        profile = Profile()
        profile.enable()
        try:
            yield work
        finally:
            profile.disable()
            work.calls = sum(entry.callcount for entry in profile.getstats())
        return

    def count(_: FrameType, event: str, __: object) -> None:
        if event in ("call", "c_call"):
            work.calls += 1
            if work.calls > most:
                sys.setprofile(before)
                message = f"more than {most:,} calls"
                raise TooMuchWorkError(message)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield work
    finally:
        sys.setprofile(before)


@cache
def _repeats(code: CodeType) -> bool:
    """Whether something in a function may run more than once in one call."""
    return any(
        step.opcode in JUMPS and step.argval <= step.offset for step in dis.get_instructions(code)
    )


@contextmanager
def stepped(most: int) -> Iterator[Work]:
    """Count calls, and lines of functions with loops, and end it once there are more than `most`.

    Slower than `counted`, and it sees loops that call nothing. Lines of a function without a loop
    are no more than it has, whatever it is given.
    """
    work = Work()

    traced: dict[int, bool] = {}  # by what is cheaper to look up than code, which outlives the run

    def step() -> None:
        work.calls += 1
        if work.calls > most:
            sys.settrace(before)
            message = f"more than {most:,} steps"
            raise TooMuchWorkError(message)

    def line(_: FrameType, event: str, __: object) -> Any:
        if event == "line":
            step()
        return line

    def call(frame: FrameType, _: str, __: object) -> Any:
        code = frame.f_code
        repeats = traced.get(id(code))
        if repeats is None:
            repeats = traced[id(code)] = _repeats(code)
        if repeats:
            return line
        step()
        return None

    before = sys.gettrace()
    sys.settrace(call)
    try:
        yield work
    finally:
        sys.settrace(before)
