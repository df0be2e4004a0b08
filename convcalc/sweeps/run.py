"""A sweep from its first design, or from where it stopped, to its end: merged, written and kept."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from convcalc.sweeps.executors import serial
from convcalc.sweeps.job import Job, Partial, StoppedError
from convcalc.sweeps.report import SweepReport, merged, nothing

if TYPE_CHECKING:
    from convcalc.sweeps.row_file import RowFile
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


def run(
    job: Job,
    partials: Partials,
    *,
    files: Sequence["RowFile"] = (),
    write: Callable[[bytes], None] | None = None,
    state: "State | None" = None,
    known: SweepReport | None = None,
) -> Iterator[SweepReport]:
    """What is known after each stretch; files and state are as far then, whatever ends it.

    `write` gets the designs that are left as comma-separated values, and `known` is what was known
    before. Raises `StoppedError` where a file cannot be written.
    """
    result = nothing(job) if known is None else known
    since, stretches = result.done, list[tuple[int, int]]()
    holds = result, _lengths(files)  # one name, so that Ctrl-C finds both of one stretch
    if state is not None:
        state.keep(*holds, now=True)
    ended: BaseException | None = None
    try:
        for partial in partials(job, since):
            result = merged(result, partial)
            for file in files:
                file.write(partial.written[file.ending])
            if write is not None:
                write(partial.written[CSV])
            if job.parts is not None:
                stretches.append((partial.start, partial.stop))
            holds = result, _lengths(files)
            if state is not None:
                state.keep(*holds)
            yield result
    except BaseException as error:  # noqa: BLE001 (it is raised again)
        ended = error
    broken: list[StoppedError] = []
    result, lengths = holds
    again = state is not None and not result.whole
    if state is not None:
        with _gathered(broken):
            state.keep(result, lengths, now=True)  # before what has grown goes for what it is made
    for file in files:
        with _gathered(broken):
            file.close(lengths[file.path], again=again, keep=state is not None or result.whole)
    if job.parts is not None:
        with _gathered(broken):
            job.parts.settle(since, [each for each in stretches if each[1] <= result.done])
    if ended is None or (broken and not isinstance(ended, Exception)):
        ended = broken[0] if broken else None  # what follows from an error is less than it
    if isinstance(ended, StoppedError):
        ended.done = result.done
    if ended is not None:
        raise ended


@contextmanager
def _gathered(broken: list[StoppedError]) -> Iterator[None]:
    """Go on with the rest where something cannot be written."""
    try:
        yield
    except StoppedError as error:
        broken.append(error)


def _lengths(files: Sequence["RowFile"]) -> dict[str, int]:
    return {file.path: file.length for file in files}
