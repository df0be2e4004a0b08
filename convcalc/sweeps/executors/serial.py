"""A sweep in this process."""

from collections.abc import Iterator

from convcalc.sweeps.executors.tasks import Pace
from convcalc.sweeps.job import Job, Partial


def partials(job: Job, start: int) -> Iterator[Partial]:
    """What comes of all designs from `start` on, stretch by stretch."""
    pace = Pace(job)
    while start < job.space.designs:
        stop = pace.stop(start)
        partial = pace.timed(job, start, stop)
        start = stop
        yield partial
