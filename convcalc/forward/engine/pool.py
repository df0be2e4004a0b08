"""Running compiled calls on threads, with the BLAS held at one thread each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock, Thread
from typing import Any

from convcalc.forward.threads import blas_threads, hold_blas

Call = tuple[Callable[..., Any], tuple[Any, ...]]
Phase = Sequence[Sequence[Call]]
"""The calls of each thread; all must be done before the next phase begins."""


class _Worker:
    """A thread that waits for its part of each phase."""

    def __init__(self, number: int) -> None:
        # Two raw locks wake a thread sooner than a Barrier or a ThreadPool does.
        self.go, self.done = Lock(), Lock()
        self.go.acquire()
        self.done.acquire()
        self.calls: Sequence[Call] | None = None
        self.error: BaseException | None = None
        self.thread = Thread(target=self._work, name=f"convcalc-{number}", daemon=True)
        self.thread.start()

    def _work(self) -> None:
        try:
            hold_blas()
        except BaseException as error:  # noqa: BLE001 (raised again by the caller)
            self.error = error
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
    with blas_threads(1):  # the pool is what makes parallel
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
            yield execute
        finally:
            for worker in busy:  # interrupted: nobody may write into the memory any more
                worker.done.acquire()
            for worker in others:
                worker.calls = None
                worker.go.release()
                worker.thread.join()
