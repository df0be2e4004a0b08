"""Another input: the parameters that the spec's own is made of follow it."""

from collections.abc import Mapping
from typing import Any

from convcalc.graph import read
from convcalc.graph.planned import Planned
from convcalc.shape import Shape
from convcalc.spec.values import FieldError, parse_shape
from convcalc.surgery.edits import CannotConvertError, Result, Subject, without_promises


def convert(subject: Subject, value: str) -> Result:
    """The network for another input: SHAPE, or NAME=SHAPE of some of several, with commas."""
    shapes: dict[str, Shape] = {}
    for name, shape in map(_named, value.split(",")):
        if shapes.setdefault(name, shape) != shape:
            message = f"{name or 'the input'} is given twice, as {shapes[name]} and as {shape}"
            raise CannotConvertError(message)
    given: Shape | dict[str, Shape] = shapes.pop("") if [*shapes] == [""] else shapes
    if "" in shapes:
        message = "of several inputs each is given by its name, NAME=SHAPE"
        raise CannotConvertError(message)
    made = Subject.of(read(without_promises(subject.spec), input=given))
    same = _shapes(subject.network) == _shapes(made.network)
    before, after = subject.network.parameters, made.network.parameters
    remarks = [
        f"{each} is {after[each]} instead of {was}"
        for each, was in before.items()
        if after.get(each) != was
    ]
    if not same:
        remarks.append("some weights have other shapes: it has to be trained anew")
    return Result(made, _unchanged if same else None, tuple(remarks))


def _named(given: str) -> tuple[str, Shape]:
    """The name of an input, empty for the only one, and its shape."""
    name, _, text = given.rpartition("=")
    try:
        return name.strip(), parse_shape(text)
    except FieldError as error:
        message = f"{text[:40]!r}: {error.problem.message}; write height x width x channels"
        raise CannotConvertError(message) from None


def _unchanged(weights: Mapping[str, Any]) -> dict[str, Any]:
    return dict(weights)


def _shapes(network: Planned) -> list[tuple[str, tuple[int, ...]]]:
    """The names and shapes of all weights."""
    return [
        (f"{node.name}.{weight.name}", weight.shape)
        for node, plan in zip(network.nodes, network.plans, strict=True)
        for weight in plan.weights
    ]
