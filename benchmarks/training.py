"""`convcalc verify --training` over the zoo: a step of each network, and what is said of it.

`python -m benchmarks training [--batch N] [--optimizer NAME] [--most PARAMETERS] [NETWORK …]`

Every network runs at the smallest input of 32, 64, 96, … that it takes, or at its own where it
takes none of these. Networks with more parameters than `--most` are listed as left out. The end is
1 where a network is not as predicted.
"""

from collections.abc import Iterator
from time import perf_counter

from benchmarks.arguments import parser, positive
from convcalc import analyze
from convcalc.analysis.memory.batch import fewest
from convcalc.analysis.memory.optimizer import RULES
from convcalc.checks.trained import TrainingRun, TrainingVerdict
from convcalc.checks.training import verify_training
from convcalc.graph import Network, load, read
from convcalc.graph.planned import Planned, planned
from convcalc.spec.bundled import bundled_architectures

MOST = 300_000_000
"""Parameters: with gradients and a copy of all, a larger network fills some gigabytes."""
EXTENTS = (32, 64, 96, 128, 160, 192, 224, 256, 299, 320)
"""Extents of square inputs, tried in order."""


def main(arguments: list[str]) -> int:
    """Train the networks named, or all that are bundled, for a step each."""
    options = parser("training", __doc__)
    options.add_argument("networks", nargs="*", default=bundled_architectures())
    options.add_argument("--batch", type=positive, default=2)
    options.add_argument("--optimizer", choices=[*RULES], default="sgd")
    options.add_argument("--most", type=positive, default=MOST, help="parameters of a network")
    given = options.parse_args(arguments)
    width = max(map(len, given.networks))
    print("".ljust(width), "input".rjust(14), "seconds".rjust(8), "peak ÷ predicted".rjust(17))
    left_out, wrong, done = [], [], 0
    for name in given.networks:
        network = smallest(name)
        parameters = analyze(network).totals.known("parameters")
        if parameters > given.most:
            left_out.append(f"{name} ({parameters / 1e6:,.0f} M parameters)")
            continue
        batch = max(given.batch, fewest(network, training=True).batch)
        before = perf_counter()
        run = TrainingRun(batch=batch, optimizer=given.optimizer)
        verdict = verify_training(network, run)
        done += 1
        print(*_row(verdict, network, perf_counter() - before, width), flush=True)
        for difference in verdict.differences:
            print(f"  {difference}", flush=True)
        for note in verdict.notes:
            print(f"  ({note})", flush=True)
        if not verdict.good:
            wrong.append(name)
    print(f"{done} networks, {len(wrong)} not as predicted: {', '.join(wrong) or 'none'}")
    print(f"left out: {', '.join(left_out) or 'none'}")
    return int(bool(wrong))


def smallest(name: str) -> Planned:
    """A network at the smallest input that it takes."""
    return planned(next(each for each in _tried(name) if not each.errors))


def _tried(name: str) -> Iterator[Network]:
    """It at square inputs of all sizes, and at its own."""
    own = load(name)
    shape = own.input
    if shape is not None and len(own.inputs) == 1 and len(shape.spatial) == len(("H", "W")):
        for extent in EXTENTS if max(shape.spatial) > EXTENTS[0] else ():
            yield read(name, input=shape._replace(spatial=(extent, extent)))
    yield own


def _row(verdict: TrainingVerdict, network: Network, seconds: float, width: int) -> list[str]:
    peak = verdict.peak
    ratio = "" if peak is None else f"{peak.observed / peak.predicted:.3f}"
    mark = "✓" if verdict.good else "✗"
    return [
        verdict.path.removesuffix(".yaml").ljust(width),
        str(network.input).rjust(14),
        f"{seconds:.1f}".rjust(8),
        ratio.rjust(17),
        mark,
    ]
