"""Random networks of every kind of layer beside PyTorch: none of them may differ.

`python -m benchmarks random [--networks N] [--memory N] [--seed S]`: of N networks (10,000) the
shape of every layer, parameters, buffers and multiply-accumulates, beside PyTorch on the CPU with
its FlopCounterMode; of others (500) the memory of inference and of a training step with every
normalization, in place and not, with every optimizer, as PyTorch takes it on the CPU, to the byte.
Networks have one to three spatial axes, branches, blocks and repeats that share their weights.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.arguments import parser, positive
from convcalc.graph import Network, loads
from convcalc.layers import layer_class
from convcalc.shape import Shape

TESTS = Path(__file__).parent.parent / "tests"
MOST_VALUES = 4096
"""Values of a map above which a network grows no further."""
KEEPING = ["relu", "tanh", "silu", {"leaky_relu": 0.1}, "batchnorm", "scale", "instancenorm"]
"""What leaves a map's shape as it is, for branches and blocks."""
NOT_EXACT = ("locally_connected", "circular")
"""What docs/memory.md says is not exact."""


def main(arguments: list[str]) -> int:
    """Compare, and show every network that differs."""
    asked = parser("random", __doc__)
    asked.add_argument("--networks", type=positive, default=10_000)
    asked.add_argument("--memory", type=positive, default=500)
    asked.add_argument("--seed", default="0")
    given = asked.parse_args(arguments)
    sys.path.insert(0, str(TESTS))
    different = 0
    for what, count, compare in (
        ("counts", given.networks, counts),
        ("memory", given.memory, memory_of),
    ):
        wrong = 0
        for number, text in zip(range(count), texts(f"{what} {given.seed}", what), strict=False):
            if differences := compare(text, number):
                wrong += 1
                print(f"{text}{differences}\n", flush=True)
        print(f"{what}: {count:,} networks, {wrong} differ", flush=True)
        different += wrong
    return int(bool(different))


def texts(seed: str, what: str) -> Iterator[str]:
    """Specs without errors, one after the other."""
    random = Random(seed)  # noqa: S311 (a benchmark repeats)
    while True:
        text = drawn(random)
        if what == "memory" and any(word in text for word in NOT_EXACT):
            continue
        try:
            net = loads(text)
        except ValueError:
            continue
        if runs(net):
            yield text


def runs(net: Network) -> bool:
    """Whether PyTorch runs it: some of its layers take no values that lie out of order."""
    import torch_memory

    if not any(node.kind in ("channel_shuffle", "lrn") for node in net.nodes):
        return True
    try:
        torch_memory.Peer(net, 2, "cpu").run(torch_memory.Flags(training=False), lambda _: False)
    except RuntimeError as error:
        if "view size is not compatible" in str(error):
            return False
        raise
    return True


def drawn(random: Random) -> str:
    """A random network, as a spec."""
    rank = random.randint(1, 3)
    x = Shape(random.randint(1, 8), tuple(random.randint(4, 10 - 2 * rank) for _ in range(rank)))
    written = "x".join(map(str, (*x.spatial, x.channels)))
    items: list[Any] = []
    for _ in range(random.randint(2, 9)):
        item, x = _item(random, x)
        items += item
        if not 0 < x.size <= MOST_VALUES:
            break
    if x.spatial:
        items.append("flatten")
    items.append({"linear": random.randint(2, 5)})
    layers = "".join(f"  - {json.dumps(item)}\n" for item in items)
    return f"input: {written}\nrounding: floor\nlayers:\n{layers}"


def _item(random: Random, x: Shape) -> tuple[list[Any], Shape]:
    """An item for what there is, and what it makes of it; none where nothing fits."""
    import test_forward_against_torch as peers  # tests/, found by main

    kept = [each for each in KEEPING if x.spatial or each != "instancenorm"]
    same = [random.choice(kept) for _ in range(random.randint(1, 2))]
    manner = random.random()
    if manner < 1 / 8:
        return [{random.choice(("add", "multiply")): [same, random.choice(([], ["scale"]))]}], x
    if manner < 1 / 6:
        return [{"concat": [same, []]}], x._replace(channels=2 * x.channels)
    if manner < 1 / 4:
        weights = {"conv": {"filters": x.channels, "kernel": 1}}
        first = weights if x.spatial else {"linear": x.channels}
        return [{"repeat": 2, "shared": random.random() < 1 / 2, "layers": [first, *same]}], x
    kinds = [kind for kind, (ranks, *_) in peers.PEERS.items() if x.rank in ranks]
    for _ in range(20):
        kind = random.choice(kinds)
        fields, _ = peers.PEERS[kind][1](random, x.rank)
        if kind in ("add", "multiply", "concat") or (kind, x.rank) == ("locally_connected", 3):
            continue
        if kind == "dropout" and not 0 < fields.get("rate", 0.5) < 1:
            continue
        layer = layer_class(kind)(**fields)
        if not any(problem.severity == "error" for problem in layer.check([x])):
            made = layer.plan([x]).output
            if made.rank <= len("DHW"):
                return [{kind: fields}], made
    return [], x


def counts(text: str, _: int) -> str:
    """How shapes, parameters, buffers and multiply-accumulates differ from PyTorch's, if at all."""
    import torch
    import torch_memory
    from torch.utils.flop_counter import FlopCounterMode

    net = loads(text)
    peer = torch_memory.Peer(net, 2, "cpu")
    counter = FlopCounterMode(display=False)
    flags, counted = torch_memory.Flags(training=False), True
    with torch.no_grad():
        try:
            with counter:
                peer.run(flags, lambda _: False)
        except RuntimeError as error:
            # The counter takes group norm apart by views, which values out of order have not.
            if "view size is not compatible" not in str(error):
                raise
            counted = False
            peer.run(flags, lambda _: False)
    plans = [plan for plan in net.plans if plan is not None]
    owned = [
        weight
        for node, plan in zip(net.nodes, plans, strict=True)
        if node.shared_with < 0
        for weight in plan.weights
    ]
    buffers = {id(one): one.numel() for own in peer.weights for one in own.values()}
    learned = {id(one): one.numel() for one in peer.parameters}
    pairs = {
        "shapes": (
            [(2, *plan.output.axes) for plan in plans],
            [peer.shapes[index] for index in range(len(plans))],
        ),
        "parameters": (
            sum(weight.size for weight in owned if not weight.buffer),
            sum(learned.values()),
        ),
        "buffers": (
            sum(weight.size for weight in owned if weight.buffer),
            sum(buffers.values()) - sum(learned.values()),
        ),
        "MACs": (sum(plan.macs for plan in plans) * 2, counter.get_total_flops() // 2),
    }
    if not counted:
        del pairs["MACs"]
    return _differences(pairs)


def memory_of(text: str, number: int) -> str:
    """How memory differs from PyTorch's, if at all: in place or not, by every optimizer in turn."""
    from functools import partial

    import test_memory_against_torch as beside
    import torch_memory

    from convcalc.analysis.memory import memory

    net: Network = loads(text)
    inplace, fused = number % 2 == 0, number % 4 < len("ab")
    batch = 2 + number % 3
    pairs: dict[str, Any] = dict(beside.compared(net, batch, inplace=inplace))
    optimizer, make = list(beside.OPTIMIZERS.items())[number % len(beside.OPTIMIZERS)]
    report = memory(
        net, batch=batch, training=True, optimizer=optimizer, fused=fused, inplace=inplace
    )
    measured = torch_memory.training(
        net,
        batch,
        lambda index: report.layers[index].in_place,
        partial(make, foreach=fused),
        device="cpu",
    )
    pairs[optimizer] = (report.step_peak, measured.step_peak)
    pairs["peak"] = (
        report.peak,
        max(measured.forward_peak, measured.backward_peak, measured.step_peak),
    )
    return _differences(pairs)


def _differences(pairs: dict[str, tuple[Any, Any]]) -> str:
    return "; ".join(
        f"{what}: {ours} here, {theirs} in PyTorch"
        for what, (ours, theirs) in pairs.items()
        if ours != theirs
    )
