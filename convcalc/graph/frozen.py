"""Weights that training leaves as they are: where a spec says so in vain, and who else says so."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from convcalc.arguments import texts
from convcalc.diagnostics import ArgumentError, Problem
from convcalc.graph import Given, GivenShape, LayerNode, Network, load
from convcalc.graph.matching import matching
from convcalc.layers import kinds
from convcalc.spec.flat import Frozen
from convcalc.spec.nodes import Value
from convcalc.spec.tree import Item

WEIGHTED = kinds(having="weighted")
"""Kinds that may have weights."""


def freeze(
    network: Given,
    patterns: str | Sequence[str],
    *,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> Network:
    """The network with the layers frozen that any of the patterns matches, or whose group it names.

    `network` is one, a `Spec`, or what `load` takes; `input` and `parameters` are for one that is
    read. Weights that several layers use are frozen where the layer is that has them. Raises
    `ValueError` for a pattern that matches none with weights of its own, and `SpecError` (which is
    one) for a network with errors.
    """
    patterns = texts(patterns, "patterns", "'stage1' or ['conv1', '*.batchnorm1']")
    return with_frozen(load(network, input=input, parameters=parameters), patterns)


def with_frozen(network: Network, patterns: Sequence[str]) -> Network:
    """The network with layers frozen as far as it is known; see `freeze`."""
    nodes = list(network.nodes)
    places = {node.name: index for index, node in enumerate(nodes)}
    for pattern in patterns:
        matched = [places[name] for name in matching(network, pattern)]
        own = [
            index
            for index in matched
            if nodes[index].kind in WEIGHTED and nodes[index].shared_with is None
        ]
        if not own and network.errors:  # what is wrong with it says more
            continue
        if not own:
            message = f"no layer matches {pattern!r}; `convcalc analyze` lists them"
            if matched:
                names = ", ".join(nodes[index].name for index in matched[:3])
                message = f"what {pattern!r} matches has no weights of its own: {names}"
            raise ArgumentError(message)
        for index in own:
            nodes[index] = nodes[index]._replace(frozen=True)
    return network._replace(nodes=nodes)


def idle(said: Iterable[Frozen], nodes: Sequence[LayerNode]) -> Iterator[tuple[Item, Problem]]:
    """Items that say whether their weights learn, and have none, or none of their own.

    Rounds of one item say it once.
    """
    done: set[int] = set()
    for item, layers in said:
        if id(item) in done:
            continue
        inside = [nodes[index] for index in layers if nodes[index].kind in WEIGHTED]
        if not inside:
            names = sorted({nodes[index].kind for index in layers})
            what = " and ".join(f"`{kind}`" for kind in names[:3])
            verb = "has" if len(names) == 1 else "have"
            message = f"{what} {verb} no weights, so nothing here learns or is frozen"
            problem = Problem("CC116", message, help="leave `frozen` out", severity="warning")
        else:
            other = next(filter(None, (_otherwise(node, nodes) for node in inside)), None)
            if other is None:
                continue
            problem = other
        done.add(id(item))
        yield item, problem


def _otherwise(node: LayerNode, nodes: Sequence[LayerNode]) -> Problem | None:
    """What is wrong where the weights that a layer uses are another's, which says otherwise."""
    if node.shared_with is None:
        return None
    owner = nodes[node.shared_with]
    if bool(owner.frozen) == bool(node.frozen):
        return None
    here, there = ("frozen", "learns") if node.frozen else ("learn", "is frozen")
    is_ = "is" if node.frozen else "is to"
    return Problem(
        "CC202",
        f"{node.name} {is_} {here}, and uses the weights of {owner.name}, which {there}",
        help=f"say it at {owner.name}, whose weights they are",
    )
