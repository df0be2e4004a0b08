"""A sweep from its first design, or from where it stopped, to its end: merged, written and kept."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from convcalc.diagnostics import ArgumentError
from convcalc.sweeps.executors import serial
from convcalc.sweeps.job import Encoded, Job, Partial
from convcalc.sweeps.report import SweepReport, merged, nothing

if TYPE_CHECKING:
    from convcalc.sweeps.state import State

CSV = ".csv"
"""The ending of a file of comma-separated values."""
Partials = Callable[[Job, int], Iterator[Partial]]
"""An executor: what comes of all designs from a number on, in their order."""


def executor(
    jobs: int | None,
    scheduler: object = None,
    told: Callable[[str], None] | None = None,
) -> Partials:
    """This process, several, or a cluster; without any, this one, and several where that is long.

    `scheduler` is what `cluster.connected` takes, or Dask's `Client`, and `told` gets what is to be
    said of it.
    """
    if scheduler is not None:
        from convcalc.sweeps.executors import cluster

        return lambda job, start: cluster.partials(job, start, scheduler, told)
    if jobs is None:
        return serial.where_long
    if jobs == 1:
        return serial.partials
    from convcalc.sweeps.executors import processes

    return lambda job, start: processes.partials(job, start, jobs)


class Writer(Protocol):
    """Who writes designs, a row each; a module of the formats."""

    PART: str
    """What is put behind the name of a file while it grows; empty where it can grow as it is."""

    def header(self, job: Job) -> bytes:
        """What stands in front of the first design."""
        ...

    def encode(self, encoded: Encoded) -> bytes:
        """Designs, to be put behind those that are there."""
        ...

    def finish(self, part: str, path: str) -> None:
        """Make the file of what has grown; raises `OSError`."""
        ...


class RowFile:
    """A file of the designs that are left, which grows as they come."""

    def __init__(
        self, path: str, ending: str, writer: Writer, job: Job, *, length: int | None = None
    ) -> None:
        """Open it, new or, where `length` says how much of it holds, cut off there.

        Raises `ArgumentError` where that cannot be.
        """
        self.made = path
        self.path = path + writer.PART
        self.ending = ending
        self.writer = writer
        self.length = 0
        try:
            if length is None:
                self.file: BinaryIO = Path(self.path).open("wb")  # noqa: SIM115 (see `close`)
                self.write(writer.header(job))
                self.commit()
                return
            there = Path(self.path).stat().st_size
            if there < length:
                message = f"{self.path}: has {there:,} bytes, and {length:,} were written before"
                raise ArgumentError(message)
            self.file = Path(self.path).open("r+b")  # noqa: SIM115
            self.file.truncate(length)
            self.file.seek(length)
            self.length = length
        except OSError as error:
            message = f"{self.path}: cannot be written: {error.strerror or error}"
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

    def close(self, *, again: bool) -> None:
        """Cut off what does not hold, and close it; `again` is whether it may be gone on with."""
        self.file.truncate(self.length)
        self.file.close()
        if self.path == self.made:
            return
        try:
            self.writer.finish(self.path, self.made)
            if not again:
                Path(self.path).unlink()
        except OSError as error:
            message = f"{self.made}: cannot be written: {error.strerror or error}"
            raise ArgumentError(message) from None


def run(
    job: Job,
    partials: Partials,
    *,
    files: Sequence[RowFile] = (),
    write: Callable[[bytes], None] | None = None,
    state: "State | None" = None,
    known: SweepReport | None = None,
) -> Iterator[SweepReport]:
    """What is known after each stretch; files and state are as far then, whatever ends it.

    `write` gets the designs that are left as comma-separated values, and `known` is what was known
    before.
    """
    result = nothing(job) if known is None else known
    since, stretches = result.done, list[tuple[int, int]]()
    if state is not None:
        state.keep(result, _lengths(files), now=True)
    try:
        for partial in partials(job, result.done):
            after = merged(result, partial)
            for file in files:
                file.write(partial.written[file.ending])
            if write is not None:
                write(partial.written[CSV])
            for file in files:
                file.commit()
            result = after
            if job.parts is not None:
                stretches.append((partial.start, partial.stop))
            if state is not None:
                state.keep(result, _lengths(files))
            yield result
    finally:
        whole = result.done == job.space.designs
        for file in files:
            file.close(again=state is not None and not whole)
        if job.parts is not None:
            job.parts.settle(since, stretches)
        if state is not None:
            state.keep(result, _lengths(files), now=True)


def _lengths(files: Sequence[RowFile]) -> dict[str, int]:
    return {file.path: file.length for file in files}
