"""The pattern of a network: its layers without their hyperparameters, what comes again once."""

from collections.abc import Iterable

from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network, SpecError
from convcalc.graph.as_made import spec_as_made
from convcalc.layers import CATALOGUE, UNPOOL, kinds
from convcalc.patterns.grammar import Element, Layer, Merge, Sequential, written
from convcalc.patterns.repeats import folded
from convcalc.spec.tree import Item, Spec
from convcalc.spec.unfold import unfolded

BETWEEN = kinds("activation", "identity", "softmax") | {"batchnorm", "layernorm"}
"""Kinds that may stand between a `flatten` and the linear layer that it is for."""


class NoPatternError(ArgumentError):
    """A network is no pattern: some layer reads another than the one before it by its name."""


def pattern_of(network: Network) -> str:
    """The pattern of a network.

    A `flatten` before a linear layer is not said, as the notes do not. Raises `SpecError` for one
    with errors, and `NoPatternError` where a layer is wired otherwise than by its place.

    >>> from convcalc.graph import load
    >>> pattern_of(load("vgg16"))
    'INPUT -> [[CONV -> RELU]*2 -> POOL]*2 -> [[CONV -> RELU]*3 -> POOL]*3 -> \
[FC -> RELU -> DROPOUT]*2 -> FC'
    """
    if network.errors:
        raise SpecError(network.errors)
    spec = spec_as_made(network)
    if spec is None:
        message = f"{network.name} was made of no spec, whose items a pattern is of"
        raise NoPatternError(message)
    if len(network.outputs) == 1 and network.outputs[0] != len(network.nodes) - 1:
        last = network.nodes[network.outputs[0]].name
        message = f"the network's output is {last}, and that of a pattern is its last layer"
        raise NoPatternError(message)
    return written(sequential(spec))


def sequential(spec: Spec) -> Sequential:
    """The layers of a spec as a pattern."""
    flat = unfolded(spec) or spec
    if len(flat.outputs) > 1 or len(_inputs(flat)) > 1:
        what = "inputs" if len(_inputs(flat)) > 1 else "outputs"
        message = f"a pattern has one input and one output, and this network has several {what}"
        raise NoPatternError(message)
    return folded(_without_flatten(_elements(flat.layers, at_input=True)))


def _inputs(spec: Spec) -> tuple[str, ...]:
    """Names of the inputs; none of one without a name."""
    named = spec.input
    return tuple(named) if hasattr(named, "keys") else ()


def _elements(items: Iterable[Item], *, at_input: bool) -> list[Element]:
    """Items as elements; `at_input` where the first reads the network's input."""
    made: list[Element] = []
    for item in items:
        before_it = at_input and not made and item.from_ == "input"
        if item.from_ is not None and not before_it:
            name = item.name or item.kind or "an item"
            message = (
                f"{name} reads {item.from_} by its name, and in a pattern each layer reads the one "
                "before it"
            )
            raise NoPatternError(message)
        kind = item.kind
        if kind is None:
            continue
        if kind not in CATALOGUE:
            message = f"{item.name or kind} is {kind}, which a pattern does not say"
            raise NoPatternError(message)
        if kind == UNPOOL:
            message = (
                f"{item.name or kind} undoes a pool by its name, and in a pattern each layer reads "
                "the one before it"
            )
            raise NoPatternError(message)
        if item.branches:
            branches = tuple(
                tuple(_elements(branch, at_input=at_input and not made)) for branch in item.branches
            )
            made.append(Merge(kind, branches))
        else:
            made.append(Layer(kind))
    return made


def _without_flatten(elements: list[Element]) -> list[Element]:
    """The elements without the `flatten` that only makes a map a vector for a linear layer."""
    made: list[Element] = []
    for place, element in enumerate(elements):
        if isinstance(element, Merge):
            branches = tuple(tuple(_without_flatten([*each])) for each in element.branches)
            made.append(element._replace(branches=branches))
        elif element == Layer("flatten"):
            behind = (each for each in elements[place + 1 :] if not _is_between(each))
            if next(behind, None) != Layer("linear"):
                made.append(element)
        else:
            made.append(element)
    return made


def _is_between(element: Element) -> bool:
    return isinstance(element, Layer) and element.kind in BETWEEN
