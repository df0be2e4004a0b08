"""A sweep in this process."""

import os
from collections.abc import Iterator
from time import monotonic

from convcalc.sweeps.executors.tasks import Pace
from convcalc.sweeps.job import Job, Partial

PATIENCE = 2.0
"""Seconds after which other processes may be started."""
LONG = 10.0
"""Seconds that must be left then, so that their start is worth its time."""
SEARCHED = 10_000
"""Designs that are gone through here, at most, before others are given some."""


def partials(job: Job, start: int) -> Iterator[Partial]:
    """What comes of all designs from `start` on, stretch by stretch."""
    pace = Pace(job)
    while start < job.space.designs:
        stop = pace.stop(start)
        partial = pace.timed(job, start, stop)
        start = stop
        yield partial


def first_partials(job: Job, start: int) -> Iterator[Partial]:
    """What comes of the first stretches, until it is known which networks are the first.

    What others are to count is known after a few designs, as a rule; none where it is already.
    """
    if not job.waits:
        return
    for partial in partials(job, start):
        yield partial
        if not job.waits or partial.stop > SEARCHED:
            return


def where_long(job: Job, start: int) -> Iterator[Partial]:
    """The same in this process, and in one a core from the moment on that it turns out long."""
    began, first = monotonic(), start
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for partial in partials(job, start):
        yield partial
        start = partial.stop
        spent = monotonic() - began
        left = (job.space.designs - start) * spent / max(start - first, 1)
        if (cores or 1) > 1 and spent > PATIENCE and left > LONG:
            from convcalc.sweeps.executors import processes  # which few sweeps are long enough for

            yield from processes.partials(job, start, cores or 1)
            return
