"""A sweep on the workers of a Dask cluster that is there already.

What comes of a stretch is reduced on a worker and merged here in the order of the designs, so that
it makes no difference who worked what out, or how often: a worker that dies has its tasks done by
others.
"""

import ctypes
import json
import logging
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from threading import local
from time import monotonic
from typing import Any

from convcalc.diagnostics import ArgumentError
from convcalc.sweeps.executors import serial
from convcalc.sweeps.executors.tasks import Pace
from convcalc.sweeps.job import Job, Partial, StoppedError

AHEAD = 4
"""Tasks a worker that are given out and not merged yet."""
PATIENCE = 60.0
"""Seconds that a sweep waits for a first worker, and for another one where all are gone."""
CONNECTING = 10.0
"""Seconds that a sweep waits for a scheduler to answer."""
LOOK = 1.0
"""Seconds after which one looks whether the scheduler and its workers are still there."""
AUTO = "auto"
"""What stands for the scheduler that Dask's own configuration names."""
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""What glibc calls two of its settings: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD."""
ROOM = 2**25
"""Bytes that a worker's allocator keeps for arrays to come, and the largest that it keeps."""
_KEPT = local()
"""The last sweep that this thread of a worker works for, with its digest: what a sweep keeps as it
goes is one thread's own."""


def connected(scheduler: str) -> Any:
    """Dask's `Client` of a scheduler: its address, a scheduler file, or `auto`.

    `auto` is what Dask's own configuration names, as does its TLS for every one of them. Raises
    `ArgumentError` where Dask is not installed, and where no scheduler answers.
    """
    there = Path(scheduler).is_file()
    if there:
        _check_file(scheduler)
    elif ":" not in scheduler and scheduler != AUTO:
        empty = "" if scheduler else "an empty text names no file: "
        message = (
            f"{empty}{scheduler[:200]!r} is no address such as tcp://10.0.0.1:8786, no scheduler "
            "file that is there, and not auto"
        )
        raise ArgumentError(message)
    try:
        import dask
        import distributed
    except ImportError:
        message = "a cluster takes Dask: pip install 'convcalc[sweep]'"
        raise ArgumentError(message) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    where = {"scheduler_file" if there else "address": scheduler}
    if scheduler == AUTO and not there:
        where["address"] = str(dask.config.get("scheduler-address", None) or "")
        if not where["address"]:
            message = (
                "auto is the scheduler of Dask's configuration, and it names none: set "
                "DASK_SCHEDULER_ADDRESS=tcp://HOST:8786, or give the address"
            )
            raise ArgumentError(message)
    try:
        made: Any = distributed.Client
        return made(**where, timeout=CONNECTING, set_as_default=False, name="convcalc")
    except Exception as error:  # noqa: BLE001 (whatever Dask's connections raise)
        said = " ".join(str(error).split()) or type(error).__name__
        message = f"{next(iter(where.values()))}: no scheduler of Dask answers: {said[:300]}"
        raise ArgumentError(message) from None


def _check_file(file: str) -> None:
    """Raise `ArgumentError` for what is no scheduler file."""
    try:
        with Path(file).open("rb") as opened:
            there = json.loads(opened.read(1_000_000))
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror or error}"
        raise ArgumentError(message) from None
    except (ValueError, RecursionError):
        there = None
    if not isinstance(there, dict) or not isinstance(there.get("address"), str):
        message = f"{file}: no scheduler file, as dask scheduler --scheduler-file {file} writes one"
        raise ArgumentError(message)


def partials(
    job: Job,
    start: int,
    scheduler: Any,
    told: Callable[[str], None] | None = None,
) -> Iterator[Partial]:
    """What comes of all designs from `start` on, in their order, worked out by a cluster's workers.

    `scheduler` is what `connected` takes, or a `Client` that is connected already; `told` gets the
    address of the dashboard. Raises `StoppedError` where there is no worker, where one has another
    version of convcalc, Python or NumPy, and where the scheduler is lost.
    """
    if not isinstance(scheduler, str):
        yield from _partials(job, start, scheduler)
        return
    client = connected(scheduler)
    try:
        if told is not None and client.dashboard_link:
            told(f"the cluster's dashboard is {client.dashboard_link}")
        yield from _partials(job, start, client)
    finally:
        client.close(timeout=CONNECTING)


def _partials(job: Job, start: int, client: Any) -> Iterator[Partial]:
    for partial in serial.first_partials(job, start):
        yield partial
        start = partial.stop
    if start >= job.space.designs:
        return
    payload = pickle.dumps(job)
    digest = blake2b(payload, digest_size=16).hexdigest()
    name = f"convcalc-sweep-{token_hex(8)}"
    workers = _Workers(client)
    pace = Pace(job)
    waiting: deque[tuple[int, int, Any]] = deque()
    try:
        while start < job.space.designs or waiting:
            room = workers.count() * (AHEAD if pace.settled else 1)
            while start < job.space.designs and len(waiting) < room:
                stop = pace.stop(start)
                key = f"{name}-{start}-{stop}"
                future = client.submit(_run, payload, digest, start, stop, key=key, pure=False)
                waiting.append((start, stop, future))
                start = stop
            first, last, future = waiting.popleft()
            try:
                partial, seconds = workers.result_of(future)
            except BaseException:
                waiting.appendleft((first, last, future))
                raise
            pace.took(last - first, seconds)
            yield partial
    finally:
        _cancel(client, [future for _, _, future in waiting])


def _cancel(client: Any, futures: list[Any]) -> None:
    """Tell the scheduler that what is given out is not wanted any more, if it is there."""
    if not futures or client.status != "running":
        return
    try:
        client.cancel(futures, force=True)
    except Exception as error:  # noqa: BLE001 (a scheduler that is lost has nothing to cancel)
        logging.getLogger(__name__).debug("not cancelled: %s", error)


class _Workers:
    """The workers of a cluster, each looked at when it comes."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.known: set[str] = set()
        self.seen = monotonic()
        """When there was a worker, or the sweep began."""
        self.heard = monotonic()
        """When the scheduler was there."""

    def count(self) -> int:
        """How many there are, at least one; waits for the first."""
        self.look()
        while not self.known:
            with suppress(TimeoutError):
                self.client.wait_for_workers(1, timeout=LOOK)
            self.look()
        return len(self.known)

    def result_of(self, future: Any) -> tuple[Partial, float]:
        """What a task gives, while the scheduler and workers are there."""
        import distributed

        wait: Any = distributed.wait
        while future.status == "pending":
            with suppress(TimeoutError), self.client.as_current():
                wait([future], timeout=LOOK)
            self.look()
        return self._given(future)

    def _given(self, future: Any) -> tuple[Partial, float]:
        """What a task that has ended gives."""
        from distributed import KilledWorker

        try:
            result: tuple[Partial, float] = future.result()
        except KilledWorker:
            message = (
                "a stretch of designs ended every worker that it was given to: they may have too "
                "little memory"
            )
            raise StoppedError(message) from None
        except CancelledError:
            raise StoppedError(self._lost()) from None
        except ImportError as error:
            message = f"a worker cannot import what a sweep takes: {error}"
            raise StoppedError(message) from None
        future.release()
        return result

    def look(self) -> None:
        """See who is there; raises `StoppedError` for what a sweep cannot go on with."""
        now = monotonic()
        if self.client.status == "running":
            self.heard = now
        elif now - self.heard > CONNECTING or self.client.status in ("closed", "closing"):
            raise StoppedError(self._lost())
        else:
            return
        there = set(self.client.scheduler_info(n_workers=-1)["workers"])
        if there:
            self.seen = now
        elif now - self.seen > PATIENCE:
            message = (
                f"the scheduler {self._address} has had no worker for {PATIENCE:.0f} s: start one, "
                f"dask worker {self._address}"
            )
            raise StoppedError(message)
        if there - self.known:
            self.compare(self.client.get_versions(packages=["convcalc"]))
        self.known = there

    @property
    def _address(self) -> str:
        return str(self.client.scheduler.address if self.client.scheduler else "of the cluster")

    def _lost(self) -> str:
        return "the scheduler is lost"

    def compare(self, versions: Mapping[str, Any]) -> None:
        """Raise `StoppedError` for a worker with another version of what decides on figures."""
        own = versions["client"]["packages"]
        for address, worker in versions["workers"].items():
            for name in ("convcalc", "python", "numpy"):
                mine, its = own.get(name), worker["packages"].get(name)
                if mine != its:
                    what = f"{name} {its}" if its else f"no {name}"
                    message = (
                        f"the worker {address} has {what}, and here it is {mine}: a sweep takes "
                        "the same everywhere"
                    )
                    raise StoppedError(message)


def _let_arrays_reuse_memory() -> None:
    """Have a worker's allocator keep what arrays leave, as it does where nobody set it.

    Dask starts workers with MALLOC_TRIM_THRESHOLD_, which has glibc take new pages for every larger
    array and give them back; filling these takes as long as the arithmetic. Source: mallopt(3).
    """
    if "MALLOC_TRIM_THRESHOLD_" not in os.environ:
        return
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(TRIM_THRESHOLD, ROOM)
        library.mallopt(MMAP_THRESHOLD, ROOM)


def _run(payload: bytes, digest: str, start: int, stop: int) -> tuple[Partial, float]:
    """Work a stretch out, on a worker; the sweep is read once."""
    began = monotonic()
    if getattr(_KEPT, "digest", "") != digest:
        _let_arrays_reuse_memory()
        _KEPT.job, _KEPT.digest = pickle.loads(payload), digest  # noqa: S301 (what it was given)
    partial = _KEPT.job.run(start, stop)
    return partial, monotonic() - began
