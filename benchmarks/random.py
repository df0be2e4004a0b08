"""Random networks of every kind of layer beside PyTorch: none of them may differ.

`python -m benchmarks random [--networks N] [--memory N] [--seed S]`: of N networks (10,000) the
shape of every layer, the parameters and buffers of every layer beside those of PyTorch's module,
and multiply-accumulates as PyTorch counts them on the CPU; of others (500) the memory of inference
and of a training step with every normalization, in place and not, with every optimizer, as PyTorch
takes it on the CPU: to the byte, or the report names the layer that is not exact.
Networks have one to three spatial axes, branches, repeats that share their weights, one or two
inputs, of which the first may be looked up, and one to three outputs.
What differs, what PyTorch refuses and what could not be counted is printed as it is met.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, cast

from benchmarks.arguments import parser, positive
from convcalc.analysis import analyze
from convcalc.graph import INDEXING, Network, loads
from convcalc.layers import SOURCES, kinds, layer_class
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.analysis.memory import Inexact

TESTS = Path(__file__).parent.parent / "tests"
MOST_VALUES = 4096
"""Values of a map above which a network grows no further."""
KEEPING = ["relu", "tanh", "silu", {"leaky_relu": 0.1}, "batchnorm", "scale", "instancenorm"]
"""What leaves a map's shape as it is, for branches and blocks."""
MERGES = ("add", "multiply", "subtract", "maximum", "divide")
"""What takes branches of one shape."""
PROGRESS = 200
"""Networks after which a line tells how far it is."""
REFUSALS = ("view size is not compatible", "smaller than kernel size", "CC514")
"""How PyTorch refuses values that lie out of order where it wants to see them otherwise, and to
pool volumes by a kernel that reaches beyond what is not padding; and what convcalc says of kinds
whose memory in training is not known.
"""
WITHOUT_MODULE = (
    "scale",
    "locally_connected",
    "separable_conv",
    "l2norm",
    "learned",
    "lstm",
    "gru",
)
"""Kinds with weights for which PyTorch has no module."""


def main(arguments: list[str]) -> int:
    """Compare, and show every network that differs."""
    asked = parser("random", __doc__)
    asked.add_argument("--networks", type=positive, default=10_000)
    asked.add_argument("--memory", type=positive, default=500)
    asked.add_argument("--seed", default="0")
    given = asked.parse_args(arguments)
    sys.path[:0] = [str(TESTS / folder) for folder in (".", "analysis", "forward")]
    wrong = 0
    for what, count, compare in (
        ("counts", given.networks, counts),
        ("memory", given.memory, memory_of),
    ):
        tally: Counter[str] = Counter()
        for number, text in zip(range(count), texts(f"{what} {given.seed}"), strict=False):
            verdict, why = judged(compare, text, number)
            tally[verdict] += 1
            if why:
                print(f"{text}{verdict}: {why}\n", flush=True)
            if not (number + 1) % PROGRESS:
                print(f"{what}: {number + 1:,} of {count:,}, {told(tally)}", flush=True)
        print(f"{what}, seed {given.seed}: {count:,} networks, {told(tally)}", flush=True)
        wrong += count - tally["equal"] - tally["refused"] - tally["said"]
    return int(bool(wrong))


VERDICTS = {
    "equal": "equal",
    "different": "different",
    "said": "different as the report says",
    "refused": "that PyTorch does not run",
    "failed": "that PyTorch failed on",
}
"""What a comparison comes to, and how it is told."""


def told(tally: Counter[str]) -> str:
    """How many of each verdict; those that there should be none of in any case."""
    kinds = [kind for kind in VERDICTS if tally[kind] or kind in ("equal", "different")]
    return ", ".join(f"{tally[kind]:,} {VERDICTS[kind]}" for kind in kinds)


def judged(
    compare: Callable[[str, int], tuple[str, str]], text: str, number: int
) -> tuple[str, str]:
    """A verdict on one network, and why; PyTorch's failures are verdicts of their own."""
    try:
        return compare(text, number)
    except (RuntimeError, ValueError, IndexError, TypeError, NotImplementedError) as error:
        told_first, *_ = str(error).splitlines() or [""]
        if any(refusal in told_first for refusal in REFUSALS):
            return "refused", told_first
        return "failed", f"{type(error).__name__}: {told_first}"


def texts(seed: str) -> Iterator[str]:
    """Specs without errors, one after the other."""
    random = Random(seed)  # noqa: S311 (a benchmark repeats)
    while True:
        text = drawn(random)
        try:
            loads(text)
        except ValueError:
            continue
        yield text


def drawn(random: Random) -> str:
    """A random network, as a spec."""
    rank = random.randint(1, 3)
    x = Shape(random.randint(1, 8), tuple(random.randint(4, 10 - 2 * rank) for _ in range(rank)))
    written = first = "x".join(map(str, (*x.spatial, x.channels)))
    items: list[Any] = []
    if rank == 1 and random.random() < 1 / 4:
        first = f"{x.spatial[0]}x1"
        items.append({"embedding": {"entries": random.randint(1, 9), "features": x.channels}})
    several = random.random() < 1 / 4
    if several:
        items.append({random.choice(MERGES): [[], [{"from": "right"}, *_kept(random, x)]]})
    for _ in range(random.randint(2, 9)):
        item, x = _item(random, x)
        items += item
        if not 0 < x.size <= MOST_VALUES:
            break
    if x.spatial:
        items.append("flatten")
    items.append({"linear": random.randint(2, 5)})
    ends = _outputs(random, items) if random.random() < 1 / 4 else ""
    layers = "".join(f"  - {json.dumps(item)}\n" for item in items)
    inputs = f"{{left: {first}, right: {written}}}" if several else first
    return f"input: {inputs}\nrounding: floor\n{ends}layers:\n{layers}"


def _outputs(random: Random, items: list[Any]) -> str:
    """Outputs of a network: its last item and one or two on the way, which are named for it."""
    places = [at for at, item in enumerate(items[:-1]) if "repeat" not in item]
    tapped = random.sample(places, min(len(places), random.randint(1, 2)))
    for at in (*tapped, len(items) - 1):
        fields = items[at] if isinstance(items[at], dict) else {items[at]: {}}
        items[at] = fields | {"name": f"item{at}"}
    names = [f"item{at}" for at in (*tapped, len(items) - 1)]
    random.shuffle(names)
    return f"outputs: [{', '.join(names)}]\n"


def _kept(random: Random, x: Shape) -> list[Any]:
    """One or two items that leave a shape as it is."""
    kept = [each for each in KEEPING if x.spatial or each != "instancenorm"]
    return [random.choice(kept) for _ in range(random.randint(1, 2))]


def _item(random: Random, x: Shape) -> tuple[list[Any], Shape]:
    """An item for what there is, and what it makes of it; none where nothing fits."""
    import test_forward_against_torch as peers  # tests/, found by main

    same = _kept(random, x)
    manner = random.random()
    if manner < 1 / 8:
        return [{random.choice(MERGES): [same, random.choice(([], ["scale"]))]}], x
    if manner < 1 / 6:
        return [{"concat": [same, []]}], x._replace(channels=2 * x.channels)
    if manner < 1 / 4:
        weights = {"conv": {"filters": x.channels, "kernel": 1}}
        first = weights if x.spatial else {"linear": x.channels}
        return [{"repeat": 2, "shared": random.random() < 1 / 2, "layers": [first, *same]}], x
    # What looks up reads an input, and that alone.
    known = [kind for kind, (ranks, *_) in peers.PEERS.items() if x.rank in ranks]
    known = [kind for kind in known if kind not in INDEXING]
    for _ in range(20):
        kind = random.choice(known)
        if kind == "learned":  # alone, nothing would reach what stands before it
            return [{"add": [[], [{"learned": [*x.spatial, x.channels]}]]}], x
        if kind == "maxunpool":
            pool = {"kernel": random.choice((2, 3)), "rounding": random.choice(("floor", "ceil"))}
            name = f"pool{random.randrange(10**9)}"
            return [{"layers": [{"name": name, "maxpool": pool}, *same, {kind: name}]}], x
        fields, _ = peers.PEERS[kind][1](random, x.rank)
        if kind in kinds("merge") or (kind, x.rank) == ("locally_connected", 3):
            continue
        if kind == "dropout" and not 0 < fields.get("rate", 0.5) < 1:
            continue
        layer = layer_class(kind)(**fields)
        if not any(problem.severity == "error" for problem in layer.check([x])):
            made = layer.plan([x]).output
            if kind == "attention" and random.random() < 1 / 2:
                other = random.choice((same, ["channel_maxpool"]))
                fields = {**fields, "branches": [[], other, *([[]] if other == same else [])]}
            if made.rank <= len("DHW"):
                return [{kind: fields}], made
    return [], x


def counts(text: str, _: int) -> tuple[str, str]:
    """How shapes, parameters, buffers and multiply-accumulates differ from PyTorch's, if at all."""
    import torch
    import torch_memory

    net = loads(text)
    peer = torch_memory.Peer(net, 2, "cpu")
    from torch.nn.attention import SDPBackend, sdpa_kernel

    # Written out: of its fused kernel on the CPU, PyTorch counts nothing.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
        flops = counted(lambda: peer.run(torch_memory.Flags(training=False), lambda _: False))
    plans = [plan for plan in net.plans if plan is not None]
    macs = [
        plan.macs
        for node, plan in zip(net.nodes, plans, strict=True)
        if node.kind != "lstm"  # which PyTorch counts as nothing on the CPU
    ]
    pairs: dict[str, tuple[Any, Any]] = {
        "shapes": (
            [(2, *plan.output.axes) for plan in plans[len(net.inputs) :]],
            [peer.shapes[index] for index in range(len(net.inputs), len(plans))],
        ),
        "MACs": (2 * sum(macs), flops // 2),
    }
    total: Counter[bool] = Counter()
    for index, (node, plan) in enumerate(zip(net.nodes, plans, strict=True)):
        ours = {weight.name: (weight.shape, weight.buffer) for weight in plan.weights}
        xs = [net.shape_of(read) or Shape(0) for read in node.inputs]
        counters = len(node.layer.integers(xs)) if node.layer else 0
        if node.kind not in (*WITHOUT_MODULE, *SOURCES):
            theirs, batches = tensors(net, index)
            pairs[f"weights of {node.name}"] = (ours, theirs)
            pairs[f"counters of {node.name}"] = (counters, batches)
            ours = theirs
        for shape, buffer in ours.values() if node.shared_with is None else ():
            total[buffer] += prod(shape)
    report = analyze(net).totals
    pairs["parameters"] = (report.parameters, total[False])
    pairs["buffers"] = (report.buffers, total[True])
    why = _differences(pairs)
    return ("different" if why else "equal"), why


def counted(run: Callable[[], object]) -> int:
    """Floating-point operations by PyTorch's own formulas, of what its dispatcher runs.

    FlopCounterMode takes some operations apart first, group norm into views among them, which
    values out of order do not have; the formulas are the same.
    """
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils.flop_counter import flop_registry

    total = 0

    class Counting(TorchDispatchMode):  # type: ignore[misc]
        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
        ) -> Any:
            nonlocal total
            out = func(*args, **(kwargs or {}))
            formula = flop_registry.get(func._overloadpacket)  # noqa: SLF001 (its keys)
            if formula is not None:
                total += formula(*args, **(kwargs or {}), out_val=out)
            return out

    with Counting():
        run()
    return total


Tensors = dict[str, tuple[tuple[int, ...], bool]]
"""Weights by name: their shape, and whether they are no parameters but buffers."""


def tensors(net: Network, index: int) -> tuple[Tensors, int]:
    """What PyTorch's module for a layer has: its weights, and how many tensors of integers."""
    module = module_of(net, index)
    if module is None:
        return {}, 0
    found = {name: (tuple(one.shape), False) for name, one in module.named_parameters()}
    buffers = {name: one for name, one in module.named_buffers() if one.is_floating_point()}
    found |= {name: (tuple(one.shape), True) for name, one in buffers.items()}
    return found, sum(not one.is_floating_point() for one in module.buffers())


def _with_relative_biases(module: Any, layer: Any, x: Shape) -> None:
    """What torchvision's ShiftedWindowAttention has beside projections, of any number of axes."""
    import torch

    from convcalc.layers.sliding import per_axis

    part = layer.window or layer.grid
    inner = per_axis(part, x.rank) if part else x.spatial
    table = torch.empty(prod(2 * size - 1 for size in inner), layer.heads, device="meta")
    module.relative_position_bias_table = torch.nn.Parameter(table)
    index = torch.empty(prod(inner) ** 2, dtype=torch.int64, device="meta")
    module.register_buffer("relative_position_index", index)


def module_of(net: Network, index: int) -> Any:
    """PyTorch's module for a layer, on the meta device; None for those that have no weights."""
    from torch import nn

    from convcalc.layers.sliding import per_axis

    node, layer = net.nodes[index], cast("Any", net.nodes[index].layer)
    x = net.shape_of(node.inputs[0]) or Shape(0)
    channels, rank, here = x.channels, x.rank, {"device": "meta"}
    if node.kind in ("conv", "depthwise_conv", "conv_transpose"):
        deep = node.kind == "depthwise_conv"
        name = "ConvTranspose" if node.kind == "conv_transpose" else "Conv"
        made = getattr(nn, f"{name}{rank}d")
        filters = channels * layer.multiplier if deep else layer.filters
        groups = channels if deep else layer.groups
        kernel = per_axis(layer.kernel, rank)
        return made(channels, filters, kernel, groups=groups, bias=layer.bias, **here)
    if node.kind == "linear":
        return nn.Linear(channels, layer.features, layer.bias, **here)
    if node.kind == "embedding":
        return nn.Embedding(layer.entries, layer.features, **here)
    if node.kind == "attention":
        read = [net.shape_of(each) or x for each in node.inputs]
        keys, values = read[min(1, len(read) - 1)].channels, read[-1].channels
        made = nn.MultiheadAttention(
            channels, layer.heads, bias=layer.bias, kdim=keys, vdim=values, **here
        )
        if layer.relative_bias:
            _with_relative_biases(made, layer, x)
        return made
    if node.kind in ("batchnorm", "instancenorm"):
        name = "BatchNorm" if node.kind == "batchnorm" else "InstanceNorm"
        made = getattr(nn, f"{name}{max(rank, 1)}d")
        tracked = {"track_running_stats": layer.track_running_stats}
        return made(channels, affine=layer.affine, **tracked, **here)
    if node.kind == "groupnorm":
        return nn.GroupNorm(layer.groups, channels, affine=layer.affine, **here)
    if node.kind == "layernorm":
        over = x.axes if layer.over == "all" else (channels,)
        return nn.LayerNorm(over, elementwise_affine=layer.affine, bias=layer.bias, **here)
    if node.kind == "prelu":
        return nn.PReLU(1 if layer.slopes == "one" else channels, **here)
    return None


def memory_of(text: str, number: int) -> tuple[str, str]:
    """How memory differs from PyTorch's, if at all: in place or not, by every optimizer in turn."""
    from functools import partial

    import test_memory_against_torch as beside
    import torch_memory

    from convcalc.analysis.memory import RunTerms, memory, model

    net: Network = loads(text)
    inplace, fused = number % 2 == 0, number % 4 < len("ab")
    batch = max(1 + number % 4, model(net, RunTerms(training=True)).fewest)
    pairs: dict[str, Any] = dict(beside.compared(net, batch, inplace=inplace))
    optimizer, make = list(beside.OPTIMIZERS.items())[number % len(beside.OPTIMIZERS)]
    report = memory(
        net, batch=batch, training=True, optimizer=optimizer, fused=fused, inplace=inplace
    )
    measured = torch_memory.training(
        net,
        batch,
        lambda index: report.layer(net.nodes[index].name).in_place,
        partial(make, foreach=fused),
        device="cpu",
    )
    pairs[optimizer] = (report.step_peak, measured.step_peak)
    pairs["peak"] = (
        report.peak,
        max(measured.forward_peak, measured.backward_peak, measured.step_peak),
    )
    inexact = (*report.inexact, *memory(net, batch=batch, inplace=inplace).inexact)
    why = _differences(pairs)
    if why and all(
        ours == theirs or any(said(each, what, theirs - ours) for each in inexact)
        for what, (ours, theirs) in pairs.items()
    ):
        return "said", f"{why}; said of {', '.join(each.layer for each in inexact)}"
    return ("different" if why else "equal"), why


def said(told: "Inexact", what: str, more: int) -> bool:
    """Whether a report says of a figure that PyTorch's may be so many bytes more (or less)."""
    figures = ("backward", "peak") if told.figures == "the backward peak" else (what,)
    return what in figures and ("higher" if more > 0 else "lower") in told.direction


def _differences(pairs: dict[str, tuple[Any, Any]]) -> str:
    return "; ".join(
        f"{what}: {ours} here, {theirs} in PyTorch"
        for what, (ours, theirs) in pairs.items()
        if ours != theirs
    )
