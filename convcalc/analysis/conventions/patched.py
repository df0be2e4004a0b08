"""What tools count that replace functions of torch: ptflops, calflops, deepspeed.

A function of torch.nn.functional runs where it is called as such and where a module calls it.
"""

from math import prod
from types import MappingProxyType

from convcalc.analysis.conventions.terms import (
    MADE,
    OF_MODULE,
    OWN_PARAMETERS,
    READ,
    SCORES,
    SLOW,
    WITHIN,
    Condition,
    Quantity,
    Rule,
    Rules,
    Site,
    Term,
    written,
)
from convcalc.layers import kinds
from convcalc.layers.sliding import unrounded_windows

METHOD = written("method")
SEEN = ~METHOD
"""That a function of torch.nn.functional runs."""
FUNCTION = written("function")
TORCH = Condition("torch", lambda site: site.has("torch") or site.has("matmul"))
"""That a function of torch runs, and no operator."""
EINSUM = written("einsum")
NO_MEAN = ~written("mean")
BIASED = Condition("with bias", lambda site: bool(site.layer.bias))
WEIGHTS = written("weights")


def _weights(site: Site) -> int:
    """Weights of attention: for each head and query one of each key that it sees."""
    width = site.inputs[0].channels
    return int(SCORES.of(site) * site.layer.heads // (2 * width))


def _states(site: Site) -> int:
    """Values of the hidden states of all layers and directions, at each step."""
    layer = site.layer
    directions = 2 if layer.bidirectional else 1
    return int(site.batch * site.positions * layer.features * directions * layer.layers)


def _biases(site: Site) -> int:
    """Values of the biases of all gates, at each step."""
    sizes = (each.size for each in site.plan.weights if each.name.startswith("bias"))
    return site.batch * site.positions * sum(sizes)


def _paired(site: Site) -> int:
    """Values of a product of a map and one factor a channel, axes paired from the left."""
    return max(site.batch, site.inputs[0].channels) * site.inputs[0].size


def _padded(site: Site) -> int:
    """Values that a local response norm pools: channels are padded by all but one of its size."""
    return int(site.read + site.read // site.inputs[0].channels * (site.layer.size - 1))


def _pooled(site: Site) -> int:
    """Values that a pool reads: of a copy with a border where PyTorch's pool has no such padding.

    That pads both sides alike, by half of a window at most, and a power-average pool not at all.
    """
    if not hasattr(site.layer, "padding"):  # it fits its windows to the output
        return site.read
    sizes = site.inputs[0].spatial
    windows = unrounded_windows(site.layer, sizes)
    if site.kind != "lppool" and all(
        window.before == window.after and 2 * window.before <= window.extent for window in windows
    ):
        return site.read
    padded = (
        window.before + size + window.after for size, window in zip(sizes, windows, strict=True)
    )
    return site.batch * site.inputs[0].channels * prod(padded)


POOLED_READ = Quantity("x, padded apart", _pooled)
ATTENDED = Quantity("h·L·S", _weights)
"""A weight of each key for each query and head."""
STATES = Quantity("B·T·H", _states)
BIASES = Quantity("B·T·b", _biases)
PAIRED = Quantity("max(B, C)·x/B", _paired)
JOINED = Quantity("(n − 1)·y", lambda site: (len(site.inputs) - 1) * site.made)
"""Values that are made where several inputs are joined one after the other."""
PADDED = Quantity("(C + size − 1)·S(x)", _padded)
PROJECTIONS = Quantity("MACs − 2·L·S·E", lambda site: site.macs - SCORES.of(site))

_FINITE = Condition("a finite norm", lambda site: site.layer.norm != float("inf"))
POOLED = Term("1 per value that a function of pooling reads", 1, POOLED_READ, (NO_MEAN,))
POOL: Rule = (POOLED,)
LPPOOL: Rule = (
    POOLED,
    Term("2 per value that an Lp pool makes, a ReLU and a product", 2, MADE, (_FINITE,)),
)
LRN: Rule = (
    Term("3 per value of a local response norm", 3, READ),
    Term("1 per value that it pools, with what it pads channels by", 1, PADDED),
)
SCALE: Rule = (
    Term("1 per value of torch.mul", 1, MADE, (TORCH,)),
    Term("1 per value of torch.add", 1, MADE, (TORCH, BIASED)),
)
PAIRED_SCALE: Rule = (
    Term("1 per value of torch.mul, whose axes it pairs from the left", 1, PAIRED, (TORCH,)),
    Term(
        "1 per value of torch.add, whose axes it pairs from the left",
        1,
        PAIRED,
        (TORCH, BIASED),
    ),
)
ADD: Rule = (Term("1 per value of torch.add", 1, JOINED, (TORCH,)),)
MULTIPLY: Rule = (Term("1 per value of torch.mul", 1, JOINED, (TORCH,)),)
AFFINE_FUNCTIONS: Rule = (
    Term(
        "1 per value of torch.mul",
        1,
        READ,
        (TORCH, Condition("times not 1", lambda site: site.layer.times != 1)),
    ),
    Term(
        "1 per value of torch.add",
        1,
        READ,
        (TORCH, Condition("plus not 0", lambda site: site.layer.plus != 0)),
    ),
)
SOFTMAX_OF_WEIGHTS = Term(
    "the softmax of attention, by its function", 1, ATTENDED, (OF_MODULE, WEIGHTS, SLOW)
)
SOFTMAX_WITHIN = Term("the softmax of attention, by its function", 1, ATTENDED, (WITHIN,))


def seen(what: str) -> Rule:
    """What is counted once a value, wherever the function runs."""
    return (Term(f"1 per value of a function {what}, which the module calls", 1, READ, (SEEN,)),)


FROZEN = Condition("frozen", lambda site: site.frozen)
LEARNING: Rules = MappingProxyType(
    {
        **dict.fromkeys(
            kinds(having="weighted"),
            (Term("parameters that are frozen", -1, OWN_PARAMETERS, (FROZEN,)),),
        )
    }
)
"""Parameters as tools count them that look at `requires_grad`."""
