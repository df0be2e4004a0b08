"""A sweep from its first design, or from where it stopped, to its end: merged, written and kept."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from convcalc.diagnostics import ArgumentError
from convcalc.sweeps.executors import cluster, processes, serial
from convcalc.sweeps.job import Job, Partial
from convcalc.sweeps.report import SweepReport, merged, nothing
from convcalc.sweeps.state import State

Partials = Callable[[Job, int], Iterator[Partial]]
"""An executor: what comes of all designs from a number on, in their order."""


def executor(
    jobs: int | None,
    scheduler: object = None,
    told: Callable[[str], None] = cluster.unheard,
) -> Partials:
    """This process, several, or a cluster; without any, this one, and several where that is long.

    `scheduler` is what `cluster.connected` takes, or Dask's `Client`, and `told` gets what is to be
    said of it.
    """
    if scheduler is not None:
        return lambda job, start: cluster.partials(job, start, scheduler, told)
    if jobs == 1:
        return serial.partials
    if jobs is not None:
        return lambda job, start: processes.partials(job, start, jobs)
    return processes.where_long


class RowFile:
    """A file of the designs that are left, which grows as they come."""

    def __init__(self, path: str, header: bytes, *, length: int | None = None) -> None:
        """Open it, new or, where `length` says how much of it holds, cut off there.

        Raises `ArgumentError` where that cannot be.
        """
        self.path = path
        self.length = 0
        try:
            if length is None:
                self.file: BinaryIO = Path(path).open("wb")  # noqa: SIM115 (closed by `close`)
                self.write(header)
                self.commit()
                return
            there = Path(path).stat().st_size
            if there < length:
                message = f"{path}: has {there:,} bytes, and {length:,} were written before"
                raise ArgumentError(message)
            self.file = Path(path).open("r+b")  # noqa: SIM115
            self.file.truncate(length)
            self.file.seek(length)
            self.length = length
        except OSError as error:
            message = f"{path}: cannot be written: {error.strerror or error}"
            raise ArgumentError(message) from None

    def write(self, data: bytes) -> None:
        """Put designs behind those that are there; raises `ArgumentError`."""
        try:
            self.file.write(data)
            self.file.flush()
        except OSError as error:
            message = f"{self.path}: cannot be written: {error.strerror or error}"
            raise ArgumentError(message) from None

    def commit(self) -> None:
        """What was written holds: the designs are counted as done."""
        self.length = self.file.tell()

    def close(self) -> None:
        """Cut off what does not hold, and close it."""
        self.file.truncate(self.length)
        self.file.close()


def run(
    job: Job,
    partials: Partials,
    *,
    files: Sequence[RowFile] = (),
    write: Callable[[bytes], None] | None = None,
    state: State | None = None,
    known: SweepReport | None = None,
) -> Iterator[SweepReport]:
    """What is known after each stretch; files and state are as far then, whatever ends it.

    `write` gets the designs that are left, as `files` do, and `known` is what was known before.
    """
    result = nothing(job) if known is None else known
    if state is not None:
        state.keep(result, _lengths(files), now=True)
    try:
        for partial in partials(job, result.done):
            after = merged(result, partial)
            for file in files:
                file.write(partial.written)
            if write is not None:
                write(partial.written)
            for file in files:
                file.commit()
            result = after
            if state is not None:
                state.keep(result, _lengths(files))
            yield result
    finally:
        for file in files:
            file.close()
        if state is not None:
            state.keep(result, _lengths(files), now=True)


def _lengths(files: Sequence[RowFile]) -> dict[str, int]:
    return {file.path: file.length for file in files}
