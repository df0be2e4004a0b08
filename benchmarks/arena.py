"""Arenas: time to plan, the best plans of bundled networks, and random ones beside the runtime."""

from collections import Counter
from functools import partial
from random import Random

from benchmarks.arguments import parser
from benchmarks.timing import print_table, seconds
from convcalc.analysis.memory import arena
from convcalc.analysis.memory.arena_search import search
from convcalc.analysis.memory.static_plan import ArenaReport
from convcalc.graph import SpecError, loads, read
from convcalc.graph.planned import Planned, planned
from convcalc.spec.bundled import bundled_names

ACTIVATIONS = (
    "relu", "relu", "relu6", "tanh", "sigmoid", "hardswish", "silu", "hardsigmoid",
    "leaky_relu: 0.1", "dropout", "batchnorm", "elu", "softmax",
)  # fmt: skip
"""Items that a random network has between its convolutions."""


def main(arguments: list[str]) -> int:
    """Print a row for each network; 1 where a random one is not what the runtime made."""
    options = parser("arena", __doc__)
    options.add_argument("--seconds", type=float, default=1, help="of search for each network")
    beside = "networks beside the runtime, which needs tensorflow and tflite-micro"
    options.add_argument("--random", type=int, default=0, metavar="N", help=beside)
    options.add_argument("--seed", type=int, default=0, help="of the random networks")
    options.add_argument("networks", nargs="*", help="all that are bundled, unless given")
    given = options.parse_args(arguments)
    wrong = _beside_the_runtime(given.random, given.seed) if given.random else 0
    if given.random and not given.networks:
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


def _beside_the_runtime(count: int, seed: int) -> int:
    """How many of some random networks are not what the runtime made of them."""
    from benchmarks.keras_program import measured

    draw = Random(seed)  # noqa: S311 (a benchmark repeats)
    kinds: Counter[str] = Counter()
    while kinds.total() < count:
        spec, network, report = _drawn(draw)
        peer = measured(network, report.dtype)
        said = verdict(report, peer.operators, peer.head)
        kinds[said] += 1
        if said == "different":
            print(f"{report.dtype}: head {report.size:,}, and {peer.head:,} of the runtime\n{spec}")
    for said, number in kinds.most_common():
        print(f"{number:>5,} {said}")
    return kinds["different"]


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


def _drawn(draw: Random) -> tuple[str, Planned, ArenaReport]:
    """A random network that every layer of has a rule."""
    while True:
        spec = _spec(draw)
        try:
            network = planned(loads(spec))
        except SpecError:
            continue
        report = arena(network, dtype=draw.choice(["int8", "int8", "int8", "float32"]))
        if report.exact:
            return spec, network, report


def _spec(draw: Random) -> str:
    rank = draw.choice([1, 2, 2])
    shape = draw.choice(["32", "41"]) if rank == 1 else draw.choice(["16x16", "15x20"])
    items = ["conv: {filters: 8, kernel: 3, padding: same}"]
    for _ in range(draw.randint(1, 5)):
        choice = draw.random()
        if choice < 0.3:
            items.append(draw.choice(ACTIVATIONS))
        elif choice < 0.5:
            items += [_dense(draw), draw.choice(ACTIVATIONS)]
        elif choice < 0.6:
            items.append(draw.choice(["maxpool: 2", "avgpool: 2", "pad: 1", "crop: 1"]))
        elif choice < 0.75:
            merge = draw.choice(["add", "add", "multiply"])
            items += ["conv: {filters: 8, kernel: 1}", f"{merge}: [[], {_branch(draw, 8)}]"]
        elif choice < 0.9:
            items.append(f"concat: [{_branch(draw, 4)}, {_branch(draw, 4)}]")
        else:
            gate = draw.choice(["sigmoid", "hardsigmoid"])
            squeeze = f"global_avgpool, conv: {{filters: 4, kernel: 1}}, relu, conv: {{filters: 8, kernel: 1}}, {gate}"  # noqa: E501
            items += ["conv: {filters: 8, kernel: 1}", f"multiply: [[], [{squeeze}]]"]
    items += draw.choice([[], ["flatten", "linear: 6"], ["global_avgpool", "flatten", "linear: 5"]])
    layers = "".join(f"  - {item}\n" for item in items)
    return f"rounding: floor\ninput: {shape}x{draw.choice([3, 8])}\nlayers:\n{layers}"


def _dense(draw: Random) -> str:
    kernel = draw.choice([1, 3, 5])
    padding, stride = draw.choice(["same", "0", f"{kernel // 2}"]), draw.choice([1, 1, 2])
    fields = f"kernel: {kernel}, padding: {padding}, stride: {stride}"
    if draw.random() < 0.3:
        return f"depthwise_conv: {{{fields}}}"
    bias = draw.choice(["true", "false"])
    return f"conv: {{filters: {draw.choice([4, 8, 12])}, {fields}, bias: {bias}}}"


def _branch(draw: Random, filters: int) -> str:
    kernel = draw.choice([1, 3])
    items = [f"conv: {{filters: {filters}, kernel: {kernel}, padding: same}}"]
    items += [draw.choice(ACTIVATIONS) for _ in range(draw.randint(0, 2))]
    return f"[{', '.join(items)}]"
