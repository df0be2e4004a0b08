"""`convcalc verify` by the definitions beside `verify --engine`: whole processes, interleaved.

`python -m benchmarks verify [--rounds N] [--threads N] [NETWORK …]`

The definitions' BLAS works on one thread, the engine on as many as `--threads` says: one by
default, so that both do their work on one core. On a machine that does other things too the time of
the processor says more than that of the wall. Each network is printed when it is done.
"""

import resource
import sys
from collections.abc import Callable
from statistics import median

from benchmarks.arguments import parser, positive
from benchmarks.timing import process, seconds
from convcalc.spec.bundled import bundled_architectures

HEAD = ("engine", "definitions", "÷ engine", "processor", "÷ engine's")


def main(arguments: list[str]) -> int:
    """Measure the networks named, or all that are bundled."""
    options = parser("verify", __doc__)
    options.add_argument("networks", nargs="*", default=bundled_architectures())
    options.add_argument("--rounds", type=positive, default=5)
    options.add_argument("--threads", type=positive, default=1, help="of the engine")
    given = options.parse_args(arguments)
    width = max(map(len, ("whole process", *given.networks)))
    print("whole process".ljust(width), *(each.rjust(12) for each in HEAD))
    walls, processors = [], []
    for name in given.networks:
        command = [sys.executable, "-m", "convcalc", "verify", name]
        engine = process(*command, "--engine", "--threads", str(given.threads))
        definitions = process(*command)
        pairs = [(_measured(engine), _measured(definitions)) for _ in range(given.rounds)]
        walls.append(median(theirs[0] / mine[0] for mine, theirs in pairs))
        processors.append(median(theirs[1] / mine[1] for mine, theirs in pairs))
        cells = (
            *(f"{median(pair[which][0] for pair in pairs):.2f} s" for which in (0, 1)),
            f"{walls[-1]:.2f}",
            f"{median(theirs[1] for _, theirs in pairs):.2f} s",
            f"{processors[-1]:.2f}",
        )
        print(name.ljust(width), *(cell.rjust(12) for cell in cells), flush=True)
    for what, of in (("median", median), ("largest", max)):
        cells = ("", "", f"{of(walls):.2f}", "", f"{of(processors):.2f}")
        print(what.ljust(width), *(cell.rjust(12) for cell in cells))
    return 0


def _measured(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the wall and of the processor that a process took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall = seconds(run)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
