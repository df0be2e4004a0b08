"""Patterns of layers, as the notes write them: a spec of one, and the one of a network."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from convcalc.arguments import by_name, shown, text, whole
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network, SpecError, read
from convcalc.graph.given import given_shape
from convcalc.patterns.chosen import Chosen, chosen_for, spec_of
from convcalc.patterns.grammar import Sequential, parse
from convcalc.patterns.reasoning import advice
from convcalc.patterns.recognition import pattern_of
from convcalc.shape import Shape

if TYPE_CHECKING:
    from convcalc.graph import Given, OneShape
    from convcalc.spec.tree import Spec

SHAPE = Shape(3, (32, 32))
"""The input of a new network, unless one is given: a picture of CIFAR-10."""
DOES_NOT_TILE = "CC301"
"""The error of a stride that does not tile."""


class Made(NamedTuple):
    """A spec that was made of a pattern."""

    spec: "Spec"
    """The spec, with what the pattern leaves open chosen."""
    network: Network
    """What it is: it may have errors, as a pool of a map that is too small for it has."""
    notes: tuple[str, ...]
    """Why it was chosen so, with its numbers, a sentence each."""


def pattern(spec: "Given") -> str:
    """The pattern of a network: its layers without hyperparameters, what comes again once.

    Raises `SpecError` for errors, and `ArgumentError` where a layer is wired by name.

    >>> pattern("cifar_tiny_vgg")
    'INPUT -> [[CONV -> RELU]*2 -> POOL]*3 -> FC'
    """
    return pattern_of(read(spec))


def new(
    pattern: str,
    *,
    input: "OneShape" = SHAPE,  # noqa: A002 (the spec's own word)
    name: str | None = None,
    times: Mapping[str, int] | None = None,
    filters: int | None = None,
    kernel: int | None = None,
    pool: int | None = None,
    features: int | None = None,
    classes: int | None = None,
) -> "Spec":
    """A spec of a pattern: 3×3 convolutions, 2×2 pools, twice the filters in each stage.

    `times` are values of the pattern's names, as N in `CONV*N`. Raises `ArgumentError` for what is
    no pattern, and `SpecError` where the pattern does not fit the input.

    >>> new("CONV -> RELU -> POOL -> FC", classes=10).network().shape_of(-1)
    Shape(channels=10, spatial=())
    """
    given = {
        "filters": filters,
        "kernel": kernel,
        "pool": pool,
        "features": features,
        "classes": classes,
    }
    numbers = {
        word: value if value is None else whole(value, word) for word, value in given.items()
    }
    if kernel is not None and kernel % 2 == 0:
        message = f"a kernel of {kernel} has no padding that keeps the size: take an odd one"
        raise ArgumentError(message)
    shape = given_shape(input)
    if not isinstance(shape, Shape):
        message = f"input is one shape, such as '32x32x3', and this is {shown(input)}"
        raise TypeError(message)
    counts = {} if times is None else by_name(times, "times", "{'N': 3}")
    made = made_of(
        parse(text(pattern, "pattern", "'CONV -> RELU -> FC'")),
        shape,
        chosen_for(shape, **numbers),
        name=None if name is None else text(name, "name", "'My network'"),
        times={word: whole(value, f"times of {word}") for word, value in counts.items()},
    )
    if made.network.errors:
        raise SpecError(made.network.errors)
    return made.spec


def made_of(
    pattern: Sequential,
    shape: Shape,
    chosen: Chosen,
    *,
    name: str | None = None,
    times: Mapping[str, int] | None = None,
) -> Made:
    """The spec of a pattern with what is to be said of it.

    It rounds down where some stride does not tile, as frameworks do, and says so.
    """
    spec = spec_of(pattern, shape, chosen, name=name, times=times)
    network = read(spec)
    if any(each.code == DOES_NOT_TILE for each in network.errors):
        spec = spec_of(pattern, shape, chosen, name=name, times=times, rounding="floor")
        network = read(spec)
    notes = () if network.errors else tuple(advice(network, chosen))
    return Made(spec, network, notes)
