"""Designs a second of a sweep, beside loops of one core, in time of the processor.

Designs of MobileNet v2 (widths from 0.1 to 2 by 0.001, ten inputs) and of a supernet (five stages,
kernel, expansion and depth of each) are worked out by pieces (`convcalc/sweeps/engine`), each with
what adds up, and with what composes besides. A loop around `convcalc.analyze` and `convcalc.memory`
reads the spec for every design, as one would write it, and one around PyTorch's FlopCounterMode
makes a network on the meta device; both are timed for a sample of the designs.
"""

import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from benchmarks.arguments import parser, positive
from benchmarks.timing import print_table
from convcalc import analyze, memory, read
from convcalc.sweeps.engine.evaluator import PiecewiseEvaluator
from convcalc.sweeps.measures import read_measure
from convcalc.sweeps.space import Design, Space, read_space
from convcalc.sweeps.subject import Subject

CHUNK = 2**16
"""Designs that are asked for at once."""
FEW = 100_000
"""Designs after which the memory of the process is looked at, beside that at the end."""
STAGES = range(1, 6)
"""The stages of the supernet that are varied."""


class Sweep(NamedTuple):
    """A sweep that is timed."""

    title: str
    """What stands in front of its row."""
    spec: str
    """The bundled spec."""
    vary: Sequence[tuple[str, str]]
    """Its axes, as one would type them."""
    measures: tuple[str, ...]
    """What is asked of each design."""


ADDED = ("parameters", "macs", "activations")
WIDTHS = (("alpha", "0.1..2:0.001"), ("input", ",".join(map(str, range(96, 256, 16)))))
CHOICES = tuple(
    axis
    for stage in STAGES
    for axis in (
        (f"kernel{stage}", "3,5,7"),
        (f"expansion{stage}", "3,4,6"),
        (f"depth{stage}", "2..4"),
    )
)
SWEEPS = (
    Sweep("MobileNet v2, what adds up", "mobilenet_v2", WIDTHS, ADDED),
    Sweep("MobileNet v2, and the peak", "mobilenet_v2", WIDTHS, (*ADDED, "memory")),
    Sweep("supernet, what adds up", "ofa_proxyless", CHOICES, ADDED),
    Sweep(
        "supernet, peak and field", "ofa_proxyless", CHOICES, (*ADDED, "memory", "receptive_field")
    ),
)
COLUMNS = (
    "",
    "designs",
    "networks",
    "seconds",
    "designs/s",
    "networks/s",
    "MB at 100,000",
    "MB at the end",
)


def _memory() -> float:
    """Most megabytes that the process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def by_pieces(sweep: Sweep, most: int | None) -> list[str]:
    """The row of a sweep by pieces."""
    subject = Subject(sweep.spec)
    space = read_space(subject, sweep.vary)
    measures = [read_measure(name) for name in sweep.measures]
    evaluator = PiecewiseEvaluator(subject)
    designs = min(space.designs, most or space.designs)
    digests: set[bytes] = set()
    few = 0.0
    spent = 0.0
    for start in range(0, designs, CHUNK):
        stop = min(start + CHUNK, designs)
        began = time.process_time()
        chunk = evaluator.evaluate(space, start, stop, measures)
        spent += time.process_time() - began
        if designs <= FEW:
            digests.update(map(bytes, chunk.digest))
        if stop >= min(FEW, designs) and not few:
            few = _memory()
    networks = len(digests)
    return [
        sweep.title,
        f"{designs:,}",
        f"{networks:,}" if networks else "",
        f"{spent:.2f}",
        f"{designs / spent:,.0f}",
        f"{networks / spent:,.0f}" if networks else "",
        f"{few:,.0f}",
        f"{_memory():,.0f}",
    ]


def in_a_loop(
    title: str, sweep: Sweep, sample: int, work: Callable[[Subject, Design], object]
) -> list[str]:
    """The row of a loop over some designs, as far apart as can be."""
    subject = Subject(sweep.spec)
    space = read_space(subject, sweep.vary)
    designs = list(_some(space, sample))
    work(subject, designs[0])  # what is imported for the first
    began = time.process_time()
    for design in designs:
        work(subject, design)
    spent = time.process_time() - began
    rate = f"{len(designs) / spent:,.0f}"
    return [title, f"{len(designs):,}", "", f"{spent:.2f}", rate, rate, "", ""]


def _some(space: Space, sample: int) -> Iterator[Design]:
    for number in np.linspace(0, space.designs - 1, min(sample, space.designs)).astype(int):
        yield space.design(int(number))


def _analyzed(subject: Subject, design: Design) -> None:
    analyze(read(subject.path, input=design.input, parameters=design.parameters))


def _with_memory(subject: Subject, design: Design) -> None:
    network = read(subject.path, input=design.input, parameters=design.parameters)
    analyze(network)
    memory(network)


def _by_torch(subject: Subject, design: Design) -> None:
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks.torch_program import torch_program

    network = read(subject.path, input=design.input, parameters=design.parameters)
    names: dict[str, object] = {}
    shape = network.input
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False):
        exec(torch_program(network), names)  # noqa: S102 (a program of our own making)
        forward = names["forward"]
        forward(torch.empty(1, shape.channels, *shape.spatial))  # type: ignore[operator, union-attr]


def main(arguments: list[str]) -> int:
    """Print a row for every way."""
    reader = parser("sweep", __doc__)
    reader.add_argument("--designs", type=positive, help="most designs of each sweep")
    reader.add_argument("--sample", type=positive, default=60, help="designs of a loop")
    given = reader.parse_args(arguments)
    rows = [list(COLUMNS)]
    for sweep in SWEEPS:
        rows.append(by_pieces(sweep, given.designs))
        loop = _with_memory if "memory" in sweep.measures else _analyzed
        rows.append(in_a_loop("  a loop around convcalc", sweep, given.sample, loop))
    with suppress(ModuleNotFoundError):  # last, because it takes memory
        title = "MobileNet v2, a loop around FlopCounterMode"
        rows.append(in_a_loop(title, SWEEPS[0], given.sample, _by_torch))
    print_table(rows)
    print("\nTime of the processor, of one core; loops are of a sample.")
    return 0
