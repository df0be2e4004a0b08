"""A sweep by one process, by several, and by a Dask cluster of this machine; and many workers.

The supernet with peak and field, wall time: several processes, and as many workers that are up
already, beside one process. Then a simulation of a large cluster: workers that only wait, in
threads of this process, each task for a second and with what a real one gives, so that what remains
is the work of the client and the scheduler, who are one each however many workers there are.
"""

import os
import pickle
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.arguments import parser, positive
from benchmarks.sweep import CHOICES
from benchmarks.timing import print_table
from convcalc.sweeps.executors import cluster, processes, serial
from convcalc.sweeps.job import Job, Partial
from convcalc.sweeps.report import merged, nothing
from convcalc.sweeps.space import Sample, read_space
from convcalc.sweeps.subject import Subject

SPEC = "ofa_proxyless"
WHERE = "memory < 24MB and receptive_field > 300"
GOALS = "macs,-parameters"
TASK = 1.0
"""Seconds of a task that only waits, as long as one is to last."""
TASKS = 10
"""Tasks that each worker that only waits is given."""


class Waiting:
    """A sweep whose designs take their time and no work, and give what real ones gave."""

    waits = False
    """It is of a front, and no networks are the first."""

    def __init__(self, job: Job, real: Partial, designs: int) -> None:
        self.space = job.space._replace(sample=Sample(designs))
        self.real = real

    def run(self, start: int, stop: int) -> Partial:
        """Wait, as long as so many designs take."""
        time.sleep(TASK * (stop - start) / (self.real.stop - self.real.start))
        return self.real._replace(start=start, stop=stop)


def _job(sample: int | None) -> Job:
    subject = Subject(SPEC)
    taken = None if sample is None else Sample(sample)
    space = read_space(subject, list(CHOICES), sample=taken)
    return Job(subject, space, where=WHERE, pareto=GOALS)


def _whole(job: Job, partials: Iterator[Partial]) -> float:
    """Seconds of a whole sweep."""
    began = time.perf_counter()
    result = nothing(job)
    for partial in partials:
        result = merged(result, partial)
    return time.perf_counter() - began


def _beside(workers: int, sample: int | None) -> list[list[str]]:
    """Rows of one process, several, and a cluster."""
    from distributed import LocalCluster

    job = _job(sample)
    alone = _whole(job, serial.partials(job, 0))
    several = _whole(job, processes.partials(job, 0, workers))
    made: Any = LocalCluster
    with made(n_workers=workers, threads_per_worker=1, dashboard_address=":0") as started:
        client = cluster.connected(started.scheduler_address)
        by_cluster = _whole(job, cluster.partials(job, 0, client))
        client.close()
    designs = job.space.designs
    rows = [["", "seconds", "designs/s", "beside one process"]]
    for title, seconds in (
        ("one process", alone),
        (f"{workers} processes", several),
        (f"a cluster of {workers} workers", by_cluster),
    ):
        rate = f"{designs / seconds:,.0f}"
        rows.append([title, f"{seconds:.1f}", rate, f"{alone / seconds:.2f}"])
    return rows


def _simulated(counts: list[int]) -> list[list[str]]:
    """Rows of clusters whose workers only wait."""
    from distributed import LocalCluster

    job = _job(2**22)
    stop = 2**16
    began = time.perf_counter()
    job.run(0, stop)
    began = time.perf_counter()
    real = job.run(stop, 2 * stop)
    rate = stop / (time.perf_counter() - began)
    real = real._replace(start=0, stop=int(rate * TASK))
    sent = len(pickle.dumps(job)) + len(pickle.dumps(real))
    rows = [["workers that wait", "tasks", "seconds", "tasks/s", "of what they could", "B a task"]]
    for count in counts:
        designs = int(count * TASKS * rate * TASK)
        waiting: Any = Waiting(job, real, designs)
        made: Any = LocalCluster
        with made(
            n_workers=count, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as started:
            client = cluster.connected(started.scheduler_address)
            tasks, result = 0, nothing(job)
            before = time.perf_counter()
            for partial in cluster.partials(waiting, 0, client):
                result = merged(result, partial._replace(start=result.done))
                tasks += 1
            seconds = time.perf_counter() - before
            client.close()
        most = designs / (count * rate)
        shares = (f"{tasks / seconds:,.1f}", f"{most / seconds:.0%}", f"{sent:,}")
        rows.append([f"{count:,}", f"{tasks:,}", f"{seconds:.1f}", *shares])
    return rows


def main(arguments: list[str]) -> int:
    """Print both tables."""
    reader = parser("cluster", __doc__)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    reader.add_argument("--workers", type=positive, default=cores, help="processes and workers")
    reader.add_argument("--sample", type=positive, help="designs, and not all 14,348,907")
    reader.add_argument("--only", choices=("real", "simulated"), help="one of the tables")
    given = reader.parse_args(arguments)
    if given.only != "simulated":
        print_table(_beside(given.workers, given.sample))
    if given.only != "real":
        print()
        print_table(_simulated([8, 64]))
    return 0
