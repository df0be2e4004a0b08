"""How many chunks a task has: as many neighbours as last about a second."""

from time import monotonic

from convcalc.sweeps.job import CHUNK, Job, Partial

SECONDS = 1.0
"""How long a task is to last."""
FASTER = 4
"""By what a task may be larger than the largest one before it."""
MOST = 262_144
"""Most designs of a task: as many networks may be among the best, where all are alike in that."""


class Pace:
    """What was seen of how long designs take."""

    def __init__(self, job: Job) -> None:
        self.designs = job.space.designs
        self.chunks = 1
        self.settled = False
        """Whether tasks last about as long as they are to."""

    def stop(self, start: int) -> int:
        """Where a task that begins at `start` ends: behind whole chunks, or with the sweep."""
        return min((start // CHUNK + self.chunks) * CHUNK, self.designs)

    def took(self, designs: int, seconds: float) -> None:
        """Take in how long a task lasted."""
        wanted = SECONDS / max(seconds, 1e-6) * designs / CHUNK
        most = min(self.chunks * FASTER, MOST // CHUNK)
        self.settled = wanted <= most or most < self.chunks * FASTER
        self.chunks = max(1, min(int(wanted), most))

    def timed(self, job: Job, start: int, stop: int) -> Partial:
        """Run a task, and take in how long it lasts."""
        began = monotonic()
        partial = job.run(start, stop)
        self.took(stop - start, monotonic() - began)
        return partial
