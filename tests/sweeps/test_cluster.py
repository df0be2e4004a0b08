"""A sweep on a Dask cluster: the same bytes as here, whoever dies, and one line for what ends it.

Every cluster is a real one, of processes of this machine.
"""

import os
import pickle
import signal
from collections.abc import Iterator
from time import sleep
from typing import Any

import pytest

from convcalc.diagnostics import ArgumentError
from convcalc.sweeps.executors import cluster, serial
from convcalc.sweeps.job import Job, Partial
from convcalc.sweeps.report import SweepReport, merged, nothing
from convcalc.sweeps.space import read_space
from convcalc.sweeps.subject import Subject

distributed = pytest.importorskip("distributed", reason="the extra `sweep` is not installed")

SPEC = """\
input: 16x16x3
parameters: {width: 4, depth: 2, kernel: 3}
layers:
  - {conv: {filters: width, kernel: kernel, padding: kernel // 2}, repeat: depth}
  - flatten
  - linear: 10
"""
VARIED = [("width", "1..16"), ("depth", "1..6"), ("kernel", "1..7")]
"""672 designs."""


@pytest.fixture(scope="module")
def two_workers() -> Iterator[Any]:
    """A cluster of two processes, each of which is started anew where it dies."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as started:
        yield started


def job(**asked: Any) -> Job:
    subject = Subject(read_text_of(SPEC))
    asked = {"where": "parameters < 100k", "pareto": "macs,-parameters", **asked}
    return Job(subject, read_space(subject, VARIED), **asked)


def read_text_of(text: str) -> Any:
    from convcalc import parse

    return parse(text)


def whole(one: Job, partials: Iterator[Partial]) -> SweepReport:
    result = nothing(one)
    for partial in partials:
        result = merged(result, partial)
    return result


def values(result: SweepReport) -> bytes:
    return pickle.dumps((result.done, result.left, result.invalid, result.best, result.front))


def test_a_cluster_gives_the_bytes_of_one_process(two_workers: Any) -> None:
    one = job()
    alone = whole(one, serial.partials(one, 0))
    client = cluster.connected(two_workers.scheduler_address)
    try:
        assert values(whole(one, cluster.partials(one, 0, client))) == values(alone)
        assert values(whole(one, cluster.partials(one, 0, client))) == values(alone)
    finally:
        client.close()


def test_a_worker_that_is_killed_loses_nothing(two_workers: Any) -> None:
    one = job()
    alone = whole(one, serial.partials(one, 0))
    client = cluster.connected(two_workers.scheduler_address)
    try:
        pids = client.run(os.getpid)
        result, killed = nothing(one), 0
        for partial in cluster.partials(one, 0, client):
            if not killed and partial.start:
                killed = next(iter(pids.values()))
                os.kill(killed, signal.SIGKILL)
            result = merged(result, partial)
        assert killed
        assert values(result) == values(alone)
    finally:
        client.close()


def test_what_is_given_out_is_taken_back_where_nobody_wants_it_any_more(two_workers: Any) -> None:
    one = job()
    client = cluster.connected(two_workers.scheduler_address)
    try:
        partials: Any = cluster.partials(one, 0, client)
        next(partials)
        partials.close()  # as Ctrl-C does
        for _ in range(600):  # the scheduler hears of it a moment later
            if not client.futures:
                break
            sleep(0.05)
        assert not client.futures
    finally:
        client.close()


def test_another_version_of_a_worker_ends_in_one_line(
    two_workers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = cluster.connected(two_workers.scheduler_address)
    own = client.get_versions
    change: dict[str, str | None] = {}

    def unlike(**asked: Any) -> Any:
        versions = own(**asked)
        last = [*versions["workers"].values()][-1]
        last["packages"] |= change
        return versions

    monkeypatch.setattr(client, "get_versions", unlike)
    try:
        for name, version, said in (
            ("convcalc", None, "has no convcalc"),
            ("convcalc", "0.0.1", "has convcalc 0.0.1"),
            ("numpy", "1.0", "has numpy 1.0"),
            ("python", "3.9.1.final.0", "has python 3.9.1"),
        ):
            change.clear()
            change[name] = version
            with pytest.raises(ArgumentError, match=said):
                next(cluster.partials(job(), 0, client))
    finally:
        client.close()


def test_no_worker_and_a_lost_scheduler_end_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 2.0)
    monkeypatch.setattr(cluster, "CONNECTING", 2.0)
    started = distributed.LocalCluster(n_workers=0, dashboard_address=":0")
    client = cluster.connected(started.scheduler_address)
    try:
        with pytest.raises(ArgumentError, match="has had no worker for 2 s: start one, dask"):
            next(cluster.partials(job(), 0, client))
        started.scale(1)
        client.wait_for_workers(1, timeout=60)
        partials = cluster.partials(job(), 0, client)
        next(partials)
        started.close()
        with pytest.raises(ArgumentError, match="the scheduler is lost"):
            list(partials)
    finally:
        client.close()
        started.close()


def test_what_is_no_scheduler_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECTING", 1.0)
    monkeypatch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
    for given, said in (
        ("nosuch.json", "no scheduler file"),
        ("auto", "it names none: set DASK_SCHEDULER_ADDRESS"),
        ("tcp://127.0.0.1:9", "tcp://127.0.0.1:9: no scheduler of Dask answers"),
        ("nosuch://127.0.0.1:9", "no scheduler of Dask answers"),
    ):
        with pytest.raises(ArgumentError, match=said):
            cluster.connected(given)
