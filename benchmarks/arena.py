"""Arenas: time to plan, the best plans of bundled networks, and random ones beside the runtime."""

from collections import Counter
from difflib import ndiff
from functools import partial
from random import Random

from benchmarks.arena_networks import drawn
from benchmarks.arguments import parser
from benchmarks.timing import print_table, seconds
from convcalc.analysis.memory import arena
from convcalc.analysis.memory.amounts import read_bytes
from convcalc.analysis.memory.arena_search import search
from convcalc.analysis.memory.patches import fitting
from convcalc.analysis.memory.static_plan import ArenaReport
from convcalc.diagnostics import ArgumentError
from convcalc.graph import read
from convcalc.graph.planned import planned
from convcalc.spec.bundled import bundled_names

HELD = ("equal", "equal operators, branches in another order")
"""Verdicts on networks that the runtime and the rules agree about."""


def main(arguments: list[str]) -> int:
    """Print a row for each network; 1 where a random one is not what the runtime made."""
    options = parser("arena", __doc__)
    options.add_argument("--seconds", type=float, default=1, help="of search for each network")
    beside = "networks beside the runtime, which needs tensorflow and tflite-micro"
    options.add_argument("--random", type=int, default=0, metavar="N", help=beside)
    options.add_argument("--seed", type=int, default=0, help="of the random networks")
    split = "the best split into patches whose plan fits, such as 256KiB, in place of plans"
    options.add_argument("--patches", metavar="LIMIT", help=split)
    options.add_argument("networks", nargs="*", help="all that are bundled, unless given")
    given = options.parse_args(arguments)
    if given.patches and not given.networks:
        options.error("--patches needs the names of networks")
    wrong = _beside_the_runtime(given.random, given.seed) if given.random else 0
    if given.random and not given.networks:
        return int(bool(wrong))
    if given.patches:
        try:
            print_table(_splits(given.networks, read_bytes(given.patches, "--patches")))
        except ArgumentError as error:
            options.error(str(error))
        return int(bool(wrong))
    rows = [["network", "operators", "ms", "lower bound", "plan", "best", "", "in order"]]
    for name in given.networks or bundled_names():
        network = planned(read(name))
        report = arena(network)
        if not report.exact:
            continue
        took = min(seconds(partial(arena, network)) for _ in range(3))
        searched = search(report, given.seconds)
        said = "proven" if searched.plan.proven else "searched"
        ordered = searched.ordered
        rows.append(
            [
                name,
                f"{len(report.operators):,}",
                f"{took * 1000:.1f}",
                f"{report.lower_bound:,}",
                f"{report.size:,}",
                f"{searched.plan.size:,}",
                said,
                "" if ordered is None else f"{ordered.size:,}",
            ]
        )
    print_table(rows)
    return int(bool(wrong))


def _splits(names: list[str], room: int) -> list[list[str]]:
    """The stage and the grid with the least MACs whose plan fits into so many bytes, a row each."""
    rows = [["network", "whole", "until", "patches", "bytes", "fits", "more MACs"]]
    for name in names:
        network = planned(read(name))
        report = arena(network)
        best = fitting(network, report, room)
        more = 100 * (best.patched_macs - best.macs) / best.macs
        rows.append(
            [
                name,
                f"{report.size:,}",
                best.until,
                "x".join(map(str, best.grid)),
                f"{best.size:,}",
                "yes" if best.size <= room else "no",
                f"{more:.1f}%",
            ]
        )
    return rows


def _beside_the_runtime(count: int, seed: int) -> int:
    """How many of some random networks are not what the runtime made of them."""
    from benchmarks.keras_program import NotRunError, measured, versions

    draw = Random(seed)  # noqa: S311 (a benchmark repeats)
    verdicts: Counter[str] = Counter()
    dtypes: Counter[str] = Counter()
    axes: Counter[int] = Counter()
    passed_over = 0
    print(f"seed {seed}: {versions()}")
    while verdicts.total() < count:
        each = drawn(draw)
        try:
            peer = measured(each.network, each.report.dtype)
        except NotRunError as error:
            said = f"not run: {error}"
            print(f"{each.report.dtype}: {error}\n{each.spec}")
        else:
            said = verdict(each.report, peer.operators, peer.head)
        verdicts[said] += 1
        dtypes[each.report.dtype] += 1
        axes[each.axes] += 1
        passed_over += each.passed_over
        if said == "different":
            print(
                f"{each.report.dtype}: head {each.report.size:,}, and {peer.head:,} of the "
                f"runtime\n{each.spec}"
            )
            for sign, operator in differences(each.report, peer.operators):
                print(sign, operator)
    for said, number in verdicts.most_common():
        print(f"{number:>5,} {said}")
    print(
        f"{dtypes['int8']:,} of them int8 and {dtypes['float32']:,} float32, {axes[1]:,} on one "
        f"axis and {axes[2]:,} on two; {passed_over:,} more had a layer without a rule, or were "
        "no networks"
    )
    return count - sum(verdicts[each] for each in HELD)


def differences(
    report: ArenaReport, operators: list[tuple[str, str, tuple[int, ...], int]]
) -> list[tuple[str, str]]:
    """Operators that the rules alone make, with `-`, and those of the runtime's alone, with `+`."""
    mine = [str((each.name, each.fused, each.reads, each.makes)) for each in report.operators]
    return [
        (line[0], line[2:])
        for line in ndiff(mine, [str(each) for each in operators])
        if line[0] in "-+"
    ]


def verdict(
    report: ArenaReport, operators: list[tuple[str, str, tuple[int, ...], int]], head: int
) -> str:
    """Whether operators and head are equal, or branches ran in another order.

    The converter chooses the order of branches, which the rules take from the spec.
    """
    mine = [(each.name, each.fused, each.reads, each.makes) for each in report.operators]
    if mine == operators and report.size == head:
        return "equal"
    same = Counter(each[:2] for each in mine) == Counter(each[:2] for each in operators)
    return (
        "equal operators, branches in another order"
        if same and mine != operators
        else ("different")
    )
