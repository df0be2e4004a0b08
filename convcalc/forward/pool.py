"""Running a plan on threads, with the BLAS held at one thread each."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import numpy as np

Call = tuple[Callable[..., Any], tuple[Any, ...]]
Phase = Sequence[Sequence[Call]]
"""The calls of each thread; all must be done before the next phase begins."""

SYMBOLS = (
    "scipy_openblas_{}_num_threads64_",
    "openblas_{}_num_threads64_",
    "openblas_{}_num_threads",
)
Control = tuple[Callable[[], int], Callable[[int], None]]
_controls: list[Control] | None = None


def available_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _blas_controls() -> list[Control]:
    """Getters and setters of the number of threads of the OpenBLAS that NumPy brings."""
    import ctypes

    root = Path(np.__file__).parent
    found: list[Control] = []
    for folder in (root.parent / "numpy.libs", root / ".dylibs", root / ".libs"):
        for path in sorted(folder.glob("*openblas*")):
            try:
                library = ctypes.CDLL(str(path))
            except OSError:
                continue
            for symbol in SYMBOLS:
                if hasattr(library, symbol.format("set")):
                    getter = getattr(library, symbol.format("get"))
                    setter = getattr(library, symbol.format("set"))
                    found.append((getter, setter))
                    break
    return found


def blas_controls() -> list[Control]:
    """The same, looked for once; empty with another BLAS, whose settings then stay."""
    global _controls  # noqa: PLW0603
    if _controls is None:
        _controls = _blas_controls()
    return _controls


@contextmanager
def blas_threads(count: int) -> Iterator[None]:
    """Let the BLAS use so many threads per call."""
    controls = blas_controls()
    before = [getter() for getter, _ in controls]
    try:
        for _, setter in controls:
            setter(count)
        yield
    finally:
        for (_, setter), own in zip(controls, before, strict=True):
            setter(own)


class _Worker:
    """A thread that waits for its part of each phase."""

    def __init__(self, number: int) -> None:
        # Two raw locks wake in 5 µs; threading.Barrier takes 10, a ThreadPool 30.
        self.go, self.done = Lock(), Lock()
        self.go.acquire()
        self.done.acquire()
        self.calls: Sequence[Call] | None = None
        self.error: BaseException | None = None
        self.thread = Thread(target=self._work, name=f"convcalc-{number}", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        while True:
            self.go.acquire()
            if self.calls is None:
                return
            try:
                for function, arguments in self.calls:
                    function(*arguments)
            except BaseException as error:  # noqa: BLE001 (raised again by the caller)
                self.error = error
            self.done.release()

    def start(self, calls: Sequence[Call]) -> None:
        self.calls = calls
        self.go.release()

    def wait(self) -> None:
        self.done.acquire()
        if self.error is not None:
            raise self.error


@contextmanager
def workers(count: int) -> Iterator[Callable[[Sequence[Phase]], None]]:
    """A function that runs phases on `count` threads, the caller's among them."""
    others = [_Worker(number) for number in range(1, count)]
    busy: list[_Worker] = []

    def execute(phases: Sequence[Phase]) -> None:
        for own, *parts in phases:
            for worker, calls in zip(others, parts, strict=False):
                if calls:
                    worker.start(calls)
                    busy.append(worker)
            for function, arguments in own:
                function(*arguments)
            while busy:
                busy.pop().wait()

    try:
        with blas_threads(1):  # the pool is what makes parallel: 15 % on VGG-16
            yield execute
    finally:
        for worker in busy:  # interrupted: nobody may write into the plan's memory any more
            worker.done.acquire()
        for worker in others:
            worker.calls = None
            worker.go.release()
            worker.thread.join()
