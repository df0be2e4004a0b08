"""Laws of parameters that an input is made of: `size x size x 3`, and layers that read `size`.

Where layers read the parameter, another value makes another network. Those before the first that
does say which values may do; these are tried on the network that each makes, and the law is what
was found: not to be wrong beside the values that were tried, it is said that they were.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from convcalc.findings import Findings
from convcalc.graph import LayerNode, Network, network_of
from convcalc.graph.unread import all_dropped
from convcalc.laws.asked import Along, Extent
from convcalc.laws.follow import Start
from convcalc.laws.forms import IDENTITY, Form
from convcalc.laws.law import both
from convcalc.laws.linear import linear
from convcalc.laws.sets import Sizes, Stretch, holds, members, simplest, within
from convcalc.laws.steps import NotKnownError
from convcalc.shape import Shape
from convcalc.spec.expressions import ExpressionError
from convcalc.spec.made_of import names_in, read_by_layers
from convcalc.spec.nodes import List, Node, ScalarNode
from convcalc.spec.syntax import parse

BUILT = 40
"""Most networks that are made of other values of a parameter."""
IN_A_ROW = 3
"""So many values one after the other have to do, before all behind them are said to."""
FAR = (50, 1_000)
"""Which values behind those are tried besides, counted in values that may do."""


class Tied(NamedTuple):
    """A parameter that axes of the input are made of."""

    name: str
    """What the spec calls it."""
    value: int
    """Its value as the spec stands."""
    start: Start
    """The input's extents, with the parameter as the variable 0."""
    axes: tuple[int, ...]
    """The axes of the input that it makes, from 0."""
    elsewhere: bool
    """Whether anything reads it but extents of inputs that are followed."""
    others: Mapping[int, Start]
    """The extents of other inputs that it makes, by their indices."""


def tied(network: Network) -> tuple[Tied, ...]:
    """The parameters that make axes of the input; none where the input is given or in numbers."""
    shape, spec = network.input, network.written.spec if network.written else None
    node = network.nodes[0].item.entries.get("input")
    given = network.made is None or network.made.input is not None
    if shape is None or spec is None or given or not isinstance(node, List):
        return ()
    if len(node.items) != shape.rank + 1:
        return ()
    by_name: dict[str, list[tuple[int, Form]]] = {}
    for axis, item in enumerate(node.items[:-1]):
        said = _form(item, network.parameters)
        if said is None:
            continue
        name, how = said
        by_name.setdefault(name, []).append((axis, how))
    ties = []
    for name, axes in by_name.items():
        value = network.parameters[name]
        if not isinstance(value, int) or any(f.at(value) != shape.spatial[a] for a, f in axes):
            return ()
        start: list[Extent] = [shape.channels, *shape.spatial]
        for axis in range(shape.rank):
            start[axis + 1] = Along(axis + 1, IDENTITY)
        for axis, form in axes:
            start[axis + 1] = Along(0, form)
        elsewhere = name in names_in(node.items[-1]) or name in read_by_layers(spec.entries, name)
        others = {index: _other(network, index, name) for index in network.inputs[1:]}
        known = {index: extents for index, extents in others.items() if extents is not None}
        tie = Tied(
            name=name,
            value=value,
            start=tuple(start),
            axes=tuple(axis for axis, _ in axes),
            elsewhere=elsewhere or len(known) < len(others),
            others=known,
        )
        ties.append(tie)
    return tuple(ties)


def _other(network: Network, index: int, name: str) -> Start | None:
    """The extents of another input, with a parameter as the variable 0; None if not followed."""
    node, shape = network.nodes[index].item.entries.get("input"), network.shape_of(index)
    if shape is None:
        return None
    own: Start = (shape.channels, *shape.spatial)
    if name not in names_in(node):
        return own
    if (
        not isinstance(node, List)
        or len(node.items) != len(own)
        or name in names_in(node.items[-1])
    ):
        return None
    extents: list[Extent] = [shape.channels]
    for item, size in zip(node.items[:-1], shape.spatial, strict=True):
        said = _form(item, network.parameters) if name in names_in(item) else None
        if said is None and name in names_in(item):
            return None
        extents.append(size if said is None else Along(0, said[1]))
    return tuple(extents)


def reads(network: Network, index: int, tie: Tied) -> bool:
    """Whether an input is made of a parameter, too."""
    return tie.name in names_in(network.nodes[index].item.entries.get("input"))


def _form(node: Node, values: Mapping[str, object]) -> tuple[str, Form] | None:
    """The parameter that an extent is made of, and how; None where it is of none, or of several."""
    if not isinstance(node, ScalarNode):
        return None
    try:
        expression = parse(node.text)
    except ExpressionError:
        return None
    names = expression.names
    if len(names) != 1:
        return None
    (name,) = names
    form = linear(expression)
    return None if form is None or name not in values else (name, form)


def remade(network: Network, name: str, value: int) -> Network | None:
    """The network with another value of a parameter; None where that cannot be made."""
    written, made = network.written, network.made
    if written is None or made is None:
        return None
    given = {**(made.parameters or {}), name: value}
    return network_of(
        written,
        name=network.path,
        preset=made.preset,
        parameters=given,
        findings=Findings(written.places),
    )


def first_reading(network: Network, others: Sequence[Network]) -> int | None:
    """The first layer that is another one in other networks; None where they are built otherwise.

    As many as there are layers, where there is none.
    """
    for other in others:
        if [_built(node) for node in other.nodes] != [_built(node) for node in network.nodes]:
            return None
    for index, node in enumerate(network.nodes[1:], 1):
        if any(other.nodes[index].layer != node.layer or node.late for other in others):
            return index
    return len(network.nodes)


def _built(node: LayerNode) -> tuple[object, ...]:
    return node.name, node.kind, node.inputs, node.shared_with


class Made(NamedTuple):
    """Values of a parameter, as the networks that they make show."""

    accepted: Sizes
    """Those whose network has no error."""
    whole: Sizes
    """Those whose network drops nothing."""
    tried: int
    """How many were tried."""
    output: tuple[tuple[int, int], ...]
    """By axis of the output, its extent for the first value that does, and how much more for the
    next; () where it grows by no such rule."""


def made(network: Network, name: str, may: Sizes, whole: Sizes) -> Made | None:
    """The values of those that may do whose network does.

    None where there is no saying: where values that do and do not take turns. Each network is made,
    those of all values up to the first ones that do, and of some far behind.
    """
    tried: dict[int, tuple[Network, bool]] = {}

    def does(value: int) -> bool:
        other = remade(network, name, value)
        if other is None:
            return False
        tried[value] = other, not other.errors and not any(all_dropped(other))
        return not other.errors

    row: list[int] = []
    for value in islice(members(may), BUILT):
        row = [*row, value] if does(value) else []
        if len(row) == IN_A_ROW:
            break
    if len(row) < IN_A_ROW:
        ends = bool(may) and may[-1].last is not None and may[-1].last in tried
        if may and not ends:
            return None
        doing = simplest(
            Stretch(value, value) for value, (each, _) in tried.items() if not each.errors
        )
        return Made(doing, _whole(doing, whole, tried), len(tried), ())
    far = [value for step in FAR for value in _far(may, row[0], step)]
    if not all(does(value) for value in far):
        return None
    before = [
        Stretch(value, value)
        for value, (each, _) in tried.items()
        if value < row[0] and not each.errors
    ]
    accepted = simplest((*before, *within(may, row[0])))
    outputs = [(value, tried[value][0].shape_of(tried[value][0].output)) for value in (*row, *far)]
    return Made(accepted, _whole(accepted, whole, tried), len(tried), _affine(outputs))


def _whole(accepted: Sizes, whole: Sizes, tried: Mapping[int, tuple[Network, bool]]) -> Sizes:
    """Those that drop nothing by the layers before the first that reads, if all tried do so."""
    sizes = both([accepted, whole])
    if all(drops_nothing == holds(sizes, value) for value, (_, drops_nothing) in tried.items()):
        return sizes
    raise NotKnownError


def _far(may: Sizes, first: int, step: int) -> Iterator[int]:
    """A value that may do, some turns behind the first one."""
    end = may[-1]
    value = end.above(first + step * end.modulus)
    if value is not None:
        yield value


def _affine(outputs: Sequence[tuple[int, Shape | None]]) -> tuple[tuple[int, int], ...]:
    """How the output's axes grow with the value, where they all do so by one rule."""
    (one, first), (two, second), *_ = outputs
    if first is None or second is None or first.rank != second.rank:
        return ()
    rules = []
    for axis, (start, end) in enumerate(zip(first.spatial, second.spatial, strict=True)):
        above, below = end - start, two - one
        for value, shape in outputs:
            if shape is None or (shape.spatial[axis] - start) * below != (value - one) * above:
                return ()
        rules.append((start, end - start))
    return tuple(rules)
