"""What benchmarks share: interleaved runs, medians of paired ratios, tables."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median


def seconds(run: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def processor_seconds(run: Callable[[], object]) -> float:
    """Time that processors worked on the processes that one call runs, whatever else they do."""

    def worked() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = worked()
    run()
    return worked() - before


def interleaved(
    runs: Mapping[str, Callable[[], object]],
    rounds: int,
    clock: Callable[[Callable[[], object]], float] = seconds,
) -> dict[str, list[float]]:
    """Seconds of every call, one of each in turn, so that all see the same machine."""
    for run in runs.values():  # once unmeasured: caches of files and bytecode
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            times[name].append(clock(run))
    return times


def ratio(times: Mapping[str, Sequence[float]], name: str, peer: str) -> float:
    """Median of the ratios of runs that were made beside each other."""
    return median(mine / theirs for mine, theirs in zip(times[name], times[peer], strict=True))


def process(*command: str) -> Callable[[], object]:
    """A command to run to its end, as installed: with bytecode caches."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run() -> object:
        return subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
        )

    return run


def python(code: str) -> Callable[[], object]:
    """A Python program to run in a process of its own."""
    return process(sys.executable, "-c", code)


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Rows of cells, the first a heading, in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        first, *rest = (
            cell.ljust(width) if position == 0 else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print("  ".join([first, *rest]).rstrip())
