"""What a picture says of a layer or a group: in its box, on its line, and when pointed at."""

from collections.abc import Callable, Sequence
from typing import Any

from convcalc.graph import LayerNode, Network
from convcalc.layers import SOURCES
from convcalc.layers.base import Plan, declarations, hyperparameters
from convcalc.numbers import plural, scaled, value_text
from convcalc.shape import Shape

BARE = ("kernel", "filters", "features", "size", "rate")
"""Fields whose values stand for themselves, in this order, as papers write them: 3×3, 64."""
LEFT_OUT = frozenset({
    "padding", "bias", "rounding", "eps", "momentum", "affine", "track_running_stats",
    "count_include_pad", "padding_mode", "shape", "start", "alpha", "slope", "indices",
})  # fmt: skip
"""Fields that a box does not say: they are seen in the shapes, or are of no size."""
VARYING = ("dilation", "rate")
"""Fields that may differ from round to round of what is drawn once: they change no tensor."""
FEW_LETTERS = 10
"""How long a list of values in a box may be."""
OWN = {"pad": {"padding"}, "slice": {"start"}, "lrn": {"size"}}
"""Of these kinds such fields are what they are about; of the last, what they are not about."""


def details(node: LayerNode, rank: int, others: Sequence[LayerNode] = ()) -> str:
    """The hyperparameters of a layer as papers write them; `rank` is its input's.

    `others` are those of other rounds that it stands for.

    >>> from convcalc.graph import load
    >>> [details(node, 2) for node in load("resnet18").nodes[1:5]]
    ['7×7, 64, stride 2', '', '', '3×3, stride 2']
    """
    if node.layer is None or node.kind in SOURCES:
        return ""
    values = hyperparameters(node.layer)
    if node.kind == "lrn":
        values = {}
    for name in VARYING:
        several = varying(name, (node, *others)) if others else ()
        if several:
            values[name] = brief(several)
    said = [_bare(name, values[name], rank) for name in BARE if name in values]
    declared = declarations(type(node.layer))
    for name, value in values.items():
        own = name in OWN.get(node.kind, ())
        if name in BARE or (name in LEFT_OUT and not own) or value is None:
            continue
        text = value_text((value,) if declared[name].sided else value)
        said.append(
            f"{name.replace('_', ' ')} {text}" if value is not True else name.replace("_", " ")
        )
    return ", ".join(said)


def varying(name: str, rounds: Sequence[LayerNode]) -> list[Any]:
    """The values of a field in several rounds; none where all are the same, or there is none."""
    layers = [node.layer for node in rounds]
    if all(layer is layers[0] for layer in layers) or not hasattr(layers[0], name):
        return []
    values = [getattr(layer, name) for layer in layers]
    return values if any(value != values[0] for value in values) else []


def brief(values: Sequence[Any]) -> str:
    """Values of several rounds where there is little room: all of them, or from least to most.

    What is no number is from the first to the last.

    >>> brief([1, 1, 2, 1, 1, 2]), brief([2, 4, 8, 16, 1]), brief([(1, 2), (2, 4), (4, 8)])
    ('1, 1, 2', '1…16', '1×2…4×8')
    """
    listed = ", ".join(map(value_text, _cycle(values)))
    if len(listed) <= FEW_LETTERS:
        return listed
    ends = (min(values), max(values)) if _are_numbers(values) else (values[0], values[-1])
    return "…".join(map(value_text, ends))


def in_turn(values: Sequence[Any]) -> str:
    """Values of one round after the other.

    >>> in_turn([1, 2, 4]), in_turn([0.1, 0.2, 0.3, 0.4, 0.5]), in_turn([2, 4, 1, 2, 4, 1, 2])
    ('1, 2, 4', '0.1, 0.2, 0.3 … 0.5', '1, 2, 4 in turn')
    """
    cycle = _cycle(values)
    texts = [*map(value_text, cycle)]
    text = ", ".join(texts) if len(texts) < 5 else f"{', '.join(texts[:3])} … {texts[-1]}"
    return f"{text} in turn" if len(cycle) < len(values) else text


def _cycle(values: Sequence[Any]) -> list[Any]:
    """What comes again and again in values, from its least number on; all where nothing does."""
    for long in range(1, len(values)):
        if all(values[at] == values[at - long] for at in range(long, len(values))):
            first = values.index(min(values[:long])) if _are_numbers(values) else 0
            return [*values[first:long], *values[:first]]
    return [*values]


def _are_numbers(values: Sequence[Any]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _bare(name: str, value: Any, rank: int) -> str:
    """A value that stands for itself; a kernel has as many extents as its input axes."""
    if name == "kernel" and isinstance(value, int):
        value = (value,) * max(rank, 1)
    return value_text(value)


def tail_of(name: str, around: str) -> str:
    """A full name, as what stands around it says the rest."""
    return name.removeprefix(f"{around}.") if around else name


def from_to(first: str, last: str) -> str:
    """What is called by a number, from the first to the last.

    >>> from_to("block2", "block8"), from_to("conv1", "relu4"), from_to("a.block2", "a.block9")
    ('block2…8', 'conv1 … relu4', 'a.block2…9')
    """
    if first == last:
        return first
    stem = first.rstrip("0123456789")
    if stem != first and last.rstrip("0123456789") == stem:
        return f"{first}…{last[len(stem) :]}"
    return f"{first} … {last}"


def shapes_text(shapes: Sequence[Shape | None], fits: Callable[[str], bool]) -> str:
    """The shapes of the same layer in several rounds: what differs from the first to the last.

    Where that does not fit it is the first one, and a sign that there are others.

    >>> shapes_text([Shape(64, (8, 8)), Shape(96, (8, 8)), Shape(128, (8, 8))], lambda _: True)
    '8×8×64…128'
    """
    first, last = shapes[0], shapes[-1]
    if first is None or last is None or first == last:
        return str(first or "?")
    if first.rank == last.rank:
        ends = zip((*first.spatial, first.channels), (*last.spatial, last.channels), strict=True)
        text = "×".join(str(one) if one == other else f"{one}…{other}" for one, other in ends)
        if fits(text):
            return text
    return f"{first} …"


def parameters_of(plan: Plan) -> int:
    """Values that an optimizer updates."""
    return sum(weight.size for weight in plan.weights if not weight.buffer)


def figures(network: Network, layers: Sequence[int]) -> str:
    """Parameters and MACs of layers; empty where an error keeps them unknown, or there are none."""
    plans = [network.plans[index] for index in layers]
    if None in plans:
        return ""
    own = [network.nodes[index].shared_with is None for index in layers]
    parameters = sum(
        parameters_of(plan) for plan, its in zip(plans, own, strict=True) if plan and its
    )
    macs = sum(plan.macs for plan in plans if plan)
    said = [plural(parameters, "parameter")] if parameters else []
    if macs:
        said.append(f"{scaled(macs)} MACs")
    return ", ".join(said)


def layer_title(network: Network, index: int, others: Sequence[int] = ()) -> str:
    """What is said of a layer where somebody points at it; it may stand for others, too."""
    node = network.nodes[index]
    values = hyperparameters(node.layer) if node.layer is not None else {}
    declared = declarations(type(node.layer)) if node.layer is not None else {}
    said = [
        f"{name} {value_text((value,) if declared[name].sided else value)}"
        for name, value in values.items()
        if node.kind not in SOURCES and name != "rounding"
    ]
    reads = [str(network.shape_of(read) or "?") for read in node.inputs]
    output = str(network.shape_of(index) or "?")
    parts = [", ".join([node.kind, *said])]
    parts.append(f"{' and '.join(reads)} → {output}" if reads else output)
    figured = figures(network, (index,))
    if figured:
        parts.append(figured)
    if node.shared_with is not None and network.plans[index] and network.plans[index].weights:  # type: ignore[union-attr]
        parts.append(f"weights of {network.nodes[node.shared_with].name}")
    name = from_to(node.name, network.nodes[others[-1]].name) if others else node.name
    if others:
        parts.append(f"{len(others) + 1} times")
    return f"{name}: {'; '.join(parts)}"


def group_title(network: Network, name: str, block: str, layers: Sequence[int], rounds: int) -> str:
    """What is said of a group where somebody points at it."""
    parts = [block, plural(len(layers), "layer"), figures(network, layers)]
    if rounds > 1:
        parts.append(f"{rounds} rounds")
    return f"{name}: {', '.join(part for part in parts if part)}"
