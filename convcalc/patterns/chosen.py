"""A spec from a pattern: what it leaves open is chosen as the notes advise.

Convolutions are 3×3 with stride 1 and padding 1, which keep the map's size; pooling is 2×2 with
stride 2, which halves it; and each stage, which is what ends in a pooling layer, has twice the
filters of the one before (notes of CS231n, "Layer Sizing Patterns"; Simonyan and Zisserman 2014).
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.diagnostics import ArgumentError
from convcalc.layers import CATALOGUE, layer_class
from convcalc.layers.base import declarations, defaults
from convcalc.patterns.grammar import (
    WRITTEN,
    Element,
    Group,
    Layer,
    Merge,
    Sequential,
    everything,
    inside,
    simplified,
)
from convcalc.shape import Shape
from convcalc.spec.tree import Block, Item, Spec

TIMES = 2
"""How many times over a name such as N says, unless it is given."""
SMALL = 64
"""Largest extent of an input that is small: CIFAR's 32, say."""


class Chosen(NamedTuple):
    """What a pattern leaves open."""

    filters: int
    """Filters of the first stage."""
    kernel: int = 3
    """Extent of the kernel of every convolution, an odd number."""
    pool: int = 2
    """Extent and stride of every pooling window."""
    features: int = 512
    """Features of every linear layer but the last."""
    classes: int = 10
    """Features of the last linear layer."""


def chosen_for(shape: Shape, **given: int | None) -> Chosen:
    """What is chosen for an input, but what is given."""
    small = max(shape.spatial, default=1) <= SMALL
    usual = {"filters": 32 if small else 64, "features": 512 if small else 4096}
    return Chosen(**{**usual, **{name: each for name, each in given.items() if each is not None}})


CHOICES: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "conv_transpose": {"kernel": 2, "stride": 2},
        "upsample": {"scale": 2},
        "lppool": {"kernel": 2},
        "adaptive_avgpool": {"size": 7},
        "adaptive_maxpool": {"size": 7},
        "kmaxpool": {"k": 4},
        "groupnorm": {"groups": 8},
        "lrn": {"size": 5},
        "pixel_shuffle": {"factor": 2},
        "space_to_depth": {"factor": 2},
        "channel_shuffle": {"groups": 2},
        "attention": {"heads": 8},
        "dropout": {"rate": 0.5},
        "pad": {"padding": 1},
        "crop": {"amount": 1},
    }
)
"""Kind → what is chosen of the fields that it has to be given; that of the kinds that `Chosen` says
something of is in `_fields`."""
ANYWHERE = ("activation", "softmax", "norm", "identity")
"""Families of kinds that take maps and vectors alike."""
HALVING = frozenset({"maxpool", "avgpool", "lppool"})
"""Kinds that end a stage: the one behind has twice the filters."""
DOUBLING = frozenset({"conv_transpose", "upsample", "pixel_shuffle"})
"""Kinds that make maps larger: what is behind has half the filters."""
SLIDING = frozenset({"conv", "depthwise_conv", "separable_conv", "locally_connected"})
"""Kinds whose kernel is chosen so that the map stays as large as it is."""


class _Width(NamedTuple):
    """Filters as an expression: a name, times two to the power of a sum."""

    name: str
    """The parameter of the spec or of the block."""
    power: int = 0
    """The number in the sum."""
    terms: tuple[tuple[int, str], ...] = ()
    """What else is in the sum: factor and name."""

    def times(self, power: int, times: int | str) -> "_Width":
        """The width after so many rounds that each multiply by two to a power."""
        if not power:
            return self
        if isinstance(times, int):
            return self._replace(power=self.power + power * times)
        factors = {name: factor for factor, name in self.terms}
        factors[times] = factors.get(times, 0) + power
        return self._replace(terms=tuple((each, name) for name, each in factors.items() if each))

    def __str__(self) -> str:
        if not self.terms:
            if not self.power:
                return self.name
            sign, factor = ("*", self.power) if self.power > 0 else ("//", -self.power)
            return f"{self.name} {sign} {2**factor}"
        said = " + ".join(
            name if factor == 1 else f"{factor} * {name}" for factor, name in self.terms
        )
        if self.power:
            said += f" {'+' if self.power > 0 else '-'} {abs(self.power)}"
        alone = len(self.terms) == 1 and self.terms[0][0] == 1 and not self.power
        return f"{self.name} * 2 ** {said if alone else f'({said})'}"


SAME = _Width("incoming.channels")
"""As many filters as channels come in."""


def spec_of(
    pattern: Sequential,
    shape: Shape,
    chosen: Chosen,
    *,
    name: str | None = None,
    times: Mapping[str, int] | None = None,
    rounding: str | None = None,
) -> Spec:
    """The spec of a pattern for an input.

    `times` are values of the names that say how many times over something is, `TIMES` for others.
    `rounding` is what becomes of a stride that does not tile, as specs say it. Raises
    `ArgumentError` for a kind of which a pattern does not say enough, and for values of
    names that it has not.

    >>> from convcalc.patterns.grammar import parse
    >>> shape = Shape(3, (32, 32))
    >>> print(spec_of(parse("[CONV -> RELU -> POOL]*2 -> FC"), shape, chosen_for(shape)))
    input: 32x32x3
    parameters: {classes: 10, filters: 32}
    blocks:
      stage:
        parameters: {filters}
        layers:
          - conv: {filters: filters, kernel: 3, padding: 1}
          - relu
          - maxpool: 2
    layers:
      - {stage: {filters: filters * 2 ** (index - 1)}, repeat: 2}
      - flatten
      - linear: classes
    """
    return _Writer(simplified(pattern), shape, chosen, times or {}).spec(name, rounding)


class _Writer:
    """Writes a pattern as a spec."""

    def __init__(
        self, pattern: Sequential, shape: Shape, chosen: Chosen, times: Mapping[str, int]
    ) -> None:
        self.pattern, self.shape, self.chosen = pattern, shape, chosen
        self.blocks: dict[str, Block] = {}
        self.spatial = bool(shape.spatial)
        kinds = [each.kind for each in everything(pattern) if not isinstance(each, Group)]
        self.named = _names(pattern)
        self.given = dict(times)
        self.has_filters = any("filters" in _needed(kind) for kind in kinds)
        self.linear_layers = kinds.count("linear")
        for kind in kinds:
            _check(kind)
        for each in self.given:
            if each not in self.named:
                known = ", ".join(self.named) or "there is none"
                message = f"the pattern has no {each}: names that say how many times over: {known}"
                raise ArgumentError(message)

    def spec(self, name: str | None, rounding: str | None) -> Spec:
        """The whole spec."""
        self.last_at = max(
            (place for place, each in enumerate(self.pattern) if each == Layer("linear")),
            default=-1,
        )
        layers, _ = self.items(self.pattern, _Width("filters"), top=True)
        parameters: dict[str, Any] = {}
        if self.last_at >= 0:
            parameters["classes"] = self.chosen.classes
        if self.has_filters:
            parameters["filters"] = self.chosen.filters
        if self.linear_layers > (self.last_at >= 0):
            parameters["features"] = self.chosen.features
        for each, usual in self.named.items():
            parameters[each] = self.given.get(each, usual)
        return Spec(
            name=name,
            input=self.shape,
            rounding=rounding,
            parameters=parameters or None,
            blocks=self.blocks or None,
            layers=layers,
        )

    def items(
        self, pattern: Sequential, width: _Width, *, top: bool = False
    ) -> tuple[list[Item], _Width]:
        """Items of a list, and the width behind them."""
        made: list[Item] = []
        for place, element in enumerate(pattern):
            if self.spatial and _starts_linear(element):
                if not _is_flat(pattern[:place]):
                    made.append(Item("flatten"))
                self.spatial = False
            if isinstance(element, Group):
                items, width = self.group(element, width)
                made += items
            elif isinstance(element, Merge):
                inner = SAME if _keeps_channels(element) else width
                ends = [self.items(each, inner) for each in element.branches]
                made.append(Item(element.kind, branches=[items for items, _ in ends]))
                if inner != SAME:
                    width = next((each for _, each in ends if each != width), width)
            else:
                made.append(self.item(element.kind, width, last=top and place == self.last_at))
                width = width.times(_doubled(element.kind), 1)
        return made, width

    def item(self, kind: str, width: _Width, *, last: bool) -> Item:
        """One layer."""
        fields = self.fields(kind, width, last=last)
        principal = next(iter(declarations(layer_class(kind))), "")
        if [*fields] == [principal]:
            return Item(kind, fields[principal])
        return Item(kind, **fields)

    def fields(self, kind: str, width: _Width, *, last: bool) -> dict[str, Any]:
        """What is said of a layer."""
        fields = dict(CHOICES.get(kind, {}))
        needed = _needed(kind)
        if "filters" in needed:
            fields = {"filters": str(width.times(min(_doubled(kind), 0), 1)), **fields}
        if "features" in needed:
            fields["features"] = (
                "classes" if last else "features" if kind == "linear" else str(width)
            )
        if kind in SLIDING:
            fields["kernel"] = self.chosen.kernel
            fields["padding"] = self.chosen.kernel // 2
        if kind in ("maxpool", "avgpool"):
            fields["kernel"] = self.chosen.pool
        return {name: fields[name] for name in declarations(layer_class(kind)) if name in fields}

    def group(self, group: Group, width: _Width) -> tuple[list[Item], _Width]:
        """A group: written where it stands, or a block where its rounds are of other widths."""
        power, terms = _power(group.inside)
        times = group.times
        when = _option(group) if group.optional else None
        if times == 1:
            items, behind = self.items(group.inside, width)
            if len(items) == 1:
                return [items[0].replace(when=when)], behind
            return [Item(layers=items).replace(when=when)], behind
        same = not power and not terms
        if same or not any("filters" in _needed(kind) for kind in _leaves(group.inside)):
            items, behind = self.items(group.inside, width)
            made = items[0] if len(items) == 1 and not items[0].repeat else Item(layers=items)
            rounds = behind if same else width.times(power, times)
            return [made.replace(repeat=times, when=when)], rounds
        return self.block(group, width, when, power, terms)

    def block(
        self,
        group: Group,
        width: _Width,
        when: str | None,
        power: int,
        terms: tuple[tuple[int, str], ...],
    ) -> tuple[list[Item], _Width]:
        """A group as a block that is called with the filters of each round."""
        if terms:
            message = (
                "a stage of N stages is one that a pattern cannot size: give the inner one a number"
            )
            raise ArgumentError(message)
        name = self.block_name()
        self.blocks[name] = Block()  # its name is taken before those of the blocks in it
        items, _ = self.items(group.inside, _Width("filters"))
        self.blocks[name] = Block(["filters"], items)
        rounds = "(index - 1)" if power == 1 else f"({power} * (index - 1))"
        base = str(width)
        base = base if base.isidentifier() else f"({base})"
        filters = f"{base} * 2 ** {rounds}"
        if power < 0:
            rounds = "(index - 1)" if power == -1 else f"({-power} * (index - 1))"
            filters = f"{base} // 2 ** {rounds}"
        call = Item(name, filters=filters).replace(repeat=group.times, when=when)
        return [call], width.times(power, group.times)

    def block_name(self) -> str:
        """A name that no block has yet."""
        number = len(self.blocks) + 1
        return "stage" if number == 1 else f"stage{number}"


def _keeps_channels(merge: Merge) -> bool:
    """Whether the branches of a merge must have as many channels as come in.

    One of them has no layer of which the filters are chosen, and it is no `concat`.
    """
    return merge.kind != "concat" and any(
        not any("filters" in _needed(kind) for kind in _leaves(branch)) for branch in merge.branches
    )


def _needed(kind: str) -> list[str]:
    """Fields that a layer has to be given."""
    usual = defaults(layer_class(kind))
    return [name for name in declarations(layer_class(kind)) if name not in usual]


def _check(kind: str) -> None:
    """Refuse a kind of which a pattern does not say enough."""
    said = {*CHOICES.get(kind, ()), "filters", "features"}
    if kind in SLIDING or kind in HALVING:
        said.add("kernel")
    missing = [name for name in _needed(kind) if name not in said or kind == "embedding"]
    if missing:
        message = (
            f"{kind.upper()} needs {' and '.join(missing)}, which a pattern does not say: write "
            "`new` without it, and add it to the spec"
        )
        raise ArgumentError(message)


def _doubled(kind: str) -> int:
    """The power of two by which the filters behind a layer are more than those before it."""
    return 1 if kind in HALVING else -1 if kind in DOUBLING else 0


def _power(pattern: Sequential) -> tuple[int, tuple[tuple[int, str], ...]]:
    """By which power of two a list makes filters more: a number, and factors of names."""
    number = 0
    terms: tuple[tuple[int, str], ...] = ()
    for element in pattern:
        if isinstance(element, Layer):
            number += _doubled(element.kind)
        elif isinstance(element, Group):
            inner, more = _power(element.inside)
            if isinstance(element.times, int):
                number += inner * element.times
                terms += tuple((factor * element.times, name) for factor, name in more)
            elif inner:
                terms += ((inner, element.times),)
        else:
            number += max((_power(branch)[0] for branch in element.branches), default=0)
    return number, terms


def _names(pattern: Sequential) -> dict[str, int | bool]:
    """Names of a pattern → their usual values: of what says how many times over, and of options."""
    values: dict[str, int | bool] = {}
    for element in pattern:
        for inner in inside(element):
            values.update(
                {name: each for name, each in _names(inner).items() if name not in values}
            )
        if isinstance(element, Group):
            if isinstance(element.times, str):
                values.setdefault(element.times, TIMES)
            if element.optional:
                values.setdefault(_option(element), True)
    return values


def _option(group: Group) -> str:
    """What says whether a group is there: POOL? asks `pool`."""
    kinds = (each.kind for each in everything(group.inside) if not isinstance(each, Group))
    return WRITTEN.get(kind := next(kinds), kind).lower()


def _leaves(pattern: Sequential) -> Iterator[str]:
    """The kinds of a list, merges behind their branches."""
    for element in pattern:
        for inner in inside(element):
            yield from _leaves(inner)
        if not isinstance(element, Group):
            yield element.kind


def _starts_linear(element: Element) -> bool:
    """Whether a linear layer is the first of an element that asks for a vector."""
    kinds = _leaves((element,))
    first = next((kind for kind in kinds if CATALOGUE[kind].family not in ANYWHERE), None)
    return first == "linear"


def _is_flat(before: Sequential) -> bool:
    """Whether a map is a vector already."""
    kinds = [kind for kind in _leaves(before) if CATALOGUE[kind].family not in ANYWHERE]
    return bool(kinds) and kinds[-1] == "flatten"
