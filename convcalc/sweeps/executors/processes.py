"""A sweep in several processes of this machine."""

import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from time import monotonic

from convcalc.sweeps.executors import serial
from convcalc.sweeps.executors.tasks import Pace
from convcalc.sweeps.job import Job, Partial, StoppedError

AHEAD = 3
"""Tasks a process that are given out and not merged yet."""
_JOBS: list[Job] = []
"""The sweep that this process works for."""


def partials(job: Job, start: int, jobs: int) -> Iterator[Partial]:
    """What comes of all designs from `start` on, in their order, worked out by `jobs` processes.

    Raises `StoppedError` where a process ends before its time.
    """
    for partial in serial.first_partials(job, start):
        yield partial
        start = partial.stop
    if start >= job.space.designs:
        return
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin, initargs=(job,)
    )
    pace = Pace(job)
    waiting: deque[tuple[int, int, Future[tuple[Partial, float]]]] = deque()
    try:
        while start < job.space.designs or waiting:
            while start < job.space.designs and len(waiting) < AHEAD * jobs:
                stop = pace.stop(start)
                waiting.append((start, stop, pool.submit(_run, start, stop)))
                start = stop
            first, last, future = waiting.popleft()
            partial, seconds = future.result()
            pace.took(last - first, seconds)
            yield partial
    except BrokenProcessPool:
        key = job.space.wording.key("jobs")
        message = f"a process of {key} ended before its time: there may be too little memory"
        raise StoppedError(message) from None
    except BaseException:
        _end(pool)
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _end(pool: ProcessPoolExecutor) -> None:
    """End the processes now: what they are at would only be waited for at the very end."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.terminate()


def _begin(job: Job) -> None:
    """Take the sweep; Ctrl-C is for the process that the others work for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _JOBS[:] = [job]


def _run(start: int, stop: int) -> tuple[Partial, float]:
    began = monotonic()
    partial = _JOBS[0].run(start, stop)
    return partial, monotonic() - began
