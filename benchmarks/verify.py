"""`convcalc verify` by the definitions beside `verify --engine`: whole processes, interleaved.

`python -m benchmarks verify [--rounds N] [--threads N] [NETWORK …]`

The definitions' BLAS works on one thread, the engine on as many as `--threads` says: one by
default, so that both do their work on one core. On a machine that does other things too the time of
the processor says more than that of the wall.
"""

import argparse
import resource
import sys
from collections.abc import Callable
from statistics import median

from benchmarks.timing import print_table, process, seconds
from convcalc.spec.bundled import bundled_architectures


def main(arguments: list[str]) -> int:
    """Measure the networks named, or all that are bundled."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks verify")
    parser.add_argument("networks", nargs="*", default=bundled_architectures())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="of the engine")
    given = parser.parse_args(arguments)
    command = [sys.executable, "-m", "convcalc", "verify"]
    rows = [["whole process", "engine", "definitions", "÷ engine", "of the processor"]]
    walls, processors = [], []
    for name in given.networks:
        engine = process(*command, name, "--engine", "--threads", str(given.threads))
        definitions = process(*command, name)
        pairs = [(measured(engine), measured(definitions)) for _ in range(given.rounds)]
        wall, processor = (
            median(theirs[which] / mine[which] for mine, theirs in pairs) for which in (0, 1)
        )
        walls.append(wall)
        processors.append(processor)
        times = (median(pair[which][0] for pair in pairs) for which in (0, 1))
        rows.append([name, *(f"{time:.2f} s" for time in times), f"{wall:.2f}", f"{processor:.2f}"])
    for what, of in (("median", median), ("largest", max)):
        rows.append([what, "", "", f"{of(walls):.2f}", f"{of(processors):.2f}"])
    print_table(rows)
    return 0


def measured(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the wall and of the processor that a process took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = seconds(run)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
