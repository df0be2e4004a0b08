"""A sweep in this process."""

from collections.abc import Iterator

from convcalc.sweeps.executors.tasks import Pace
from convcalc.sweeps.job import Job, Partial

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
