"""Whose number a published one is: every tool's own figure, written as the number is written."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from convcalc.analysis.conventions import (
    CONVENTIONS,
    Conditions,
    conditions,
    counted,
    otherwise,
)
from convcalc.analysis.cost import analyze
from convcalc.arguments import switch
from convcalc.arguments import text as as_text
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Given, GivenShape, Network, SpecError, read
from convcalc.layers import CATALOGUE
from convcalc.methods import above, from_json
from convcalc.spec.nodes import Value

_NUMBER = re.compile(
    r"\s*[~≈]?\s*(?P<digits>\d{1,3}(?:[,_ ]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"\s*(?P<unit>[kmgbt]?)[\s-]*"
    r"(?P<what>(?:mac|flop|mult-add|multadd|mult_add|op|param|parameter)s?)?\s*",
    re.IGNORECASE,
)
MOST_DIGITS = 40
"""Most signs of a number, with what groups its digits."""
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}
OURS = "convcalc"
"""Who counts as docs/definitions.md says."""
AS_IT_IS, TWICE, HALF = "as it is", "2 ×", "half"
"""How a tool's number may have been published: as it is, as operations of which a multiply-add is
two, or as multiply-adds, each of which the tool counts twice."""


class Published(NamedTuple):
    """A number as somebody wrote it."""

    text: str
    """What was written, whole."""
    digits: str
    """Its digits, without what groups them."""
    unit: int
    """How much its unit is: 10⁹ of G."""

    @property
    def decimals(self) -> int:
        """How many digits stand behind the point."""
        return len(self.digits.partition(".")[2])

    @property
    def value(self) -> int | float:
        """The number itself: a whole one, or one that is none."""
        whole, rest = divmod(self._whole * self.unit, 10**self.decimals)
        return float(f"{self.digits}e{len(str(self.unit)) - 1}") if rest else whole

    def is_of(self, figure: float) -> bool:
        """Whether a figure, rounded to as many digits, is written so; a half goes up or down."""
        if self.unit == 1 and not self.decimals:
            return figure == self._whole
        off: int | float = 2 * figure * 10**self.decimals - 2 * self._whole * self.unit
        return abs(off) <= self.unit

    @property
    def _whole(self) -> int:
        """Its digits without the point."""
        return int(self.digits.replace(".", ""))

    @property
    def precision(self) -> str:
        """How exactly it is written, in words."""
        if self.unit == 1 and not self.decimals:
            return "exactly"
        return f"to {self.unit / 10**self.decimals:,.10g}"


class Owner(NamedTuple):
    """A figure of a tool that a number is compared with."""

    tool: str
    """The name of the tool, or `convcalc`."""
    figure: int | float
    """What it gives, in the way that `published` says."""
    published: str
    """How the number was published: as it is, 2 × it, or half of it."""
    change: str = ""
    """How layers would be written otherwise for it; empty where they are as the spec says."""


class Owners(NamedTuple):
    """Whose number it is that was published of a network."""

    network: Network
    """The network that the number is said of."""
    published: Published
    """The number as it was written."""
    owners: tuple[Owner, ...]
    """Those whose own figure, written as the number is, is this very text; with the lines as the
    spec has them first, then those that need a change."""
    nearest: Owner | None
    """Where none is so as the spec has the lines: the nearest of these."""
    of_parameters: bool = False
    """Whether it is a number of parameters, and no count of operations."""

    def __repr__(self) -> str:
        """Whose number it is, in one line; `print` shows the table."""
        tools = ", ".join(each.tool for each in self.owners if not each.change) or "nobody's"
        return f"<Owners of {self.published.text!r}, of {self.network.name!r}: {tools}>"

    def __str__(self) -> str:
        """The table, as `convcalc analyze --whose` writes it into a pipe."""
        text: str = above("Owners.__str__", self)
        return text.removesuffix("\n")

    def to_json(self) -> str:
        """Everything, stable; docs/counts.schema.json describes it."""
        text: str = above("Owners.to_json", self)
        return text

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` says, as Python has it."""
        return from_json(self.to_json())

    @property
    def off_by(self) -> int | float:
        """How much the nearest figure is more than the number; 0 where there is none."""
        return 0 if self.nearest is None else self.nearest.figure - self.published.value


def published(text: str) -> Published:
    """A number as it is written: `4.11G`, `4,111,512,576`, `4.13 GMac`. Raises `ValueError`.

    >>> published("4.13 GMac").value, published("25,557,032").precision
    (4130000000, 'exactly')
    """
    match = _NUMBER.fullmatch(as_text(text, "text", "'4.11G'"))
    if match is None or len(match["digits"]) > MOST_DIGITS:
        message = f"{text!r:.60} is no number as people write them: 4.11G, 4111512576, '4.13 GMac'"
        raise ArgumentError(message)
    digits = re.sub(r"[,_ ]", "", match["digits"]).lstrip("0")
    digits = digits if digits[:1].isdigit() else f"0{digits}"
    return Published(text.strip(), digits, _UNITS[match["unit"].lower()])


def whose(
    network: Given,
    text: str,
    *,
    batch: int = 1,
    mode: str = "eval",
    no_grad: bool = False,
    written: Mapping[str, str] | None = None,
    of_parameters: bool = False,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> Owners:
    """Which tools' own number for a network, written as it was published, is this text.

    It is a number of operations, or with `of_parameters` one of parameters; what is no whole number
    and has no unit is in billions, of parameters in millions. All else is as of `count`. Raises
    `ValueError` for what is no number, and `SpecError` for a network with errors.

    >>> import convcalc
    >>> found = whose(convcalc.load("resnet50"), "4111512576")
    >>> [(each.tool, each.published) for each in found.owners if not each.change]
    [('fvcore', 'as it is')]
    """
    number = published(text)
    network = read(network, input=input, parameters=parameters)
    if network.errors:
        raise SpecError(network.errors)
    given = conditions(batch, mode, no_grad=no_grad, written=written)
    of_parameters = switch(of_parameters, "of_parameters")
    if number.unit == 1 and isinstance(number.value, float):  # as a table gives it, such as timm's
        number = number._replace(unit=_UNITS["m" if of_parameters else "g"])
    candidates = [*(_of_parameters if of_parameters else figures)(network, given)]
    owners = [each for each in candidates if number.is_of(each.figure)]
    nearest = None
    usual = [each for each in candidates if not each.change]
    if not any(not each.change for each in owners):
        nearest = min(usual, key=lambda each: abs(each.figure - number.value))
    as_said = {(each.tool, each.published) for each in owners if not each.change}
    return Owners(
        network,
        number,
        tuple(
            sorted(
                (
                    each
                    for each in owners
                    if not each.change or (each.tool, each.published) not in as_said
                ),
                key=lambda each: bool(each.change),
            )
        ),
        nearest,
        of_parameters,
    )


def _ways(tool: str, each: int, figure: int, change: str = "") -> Iterator[Owner]:
    """A tool's figure in the ways that it may have been published."""
    yield Owner(tool, figure, AS_IT_IS, change)
    if each == 1:
        yield Owner(tool, 2 * figure, TWICE, change)
    else:
        yield Owner(tool, figure / 2 if figure % 2 else figure // 2, HALF, change)


def figures(network: Network, given: Conditions) -> Iterator[Owner]:
    """Every tool's figure, as layers are written, then as each kind would be otherwise."""
    macs = sum(plan.macs for plan in network.plans if plan) * given.batch
    yield from _ways(OURS, 1, macs)
    counts = [counted(network, tool, given) for tool in CONVENTIONS]
    for each in counts:
        if each.total is not None:
            yield from _ways(each.tool, each.convention.each, each.total)
    for each in counts:
        for change, total in otherwise(each).items():
            yield from _ways(each.tool, each.convention.each, total, change)


def _of_parameters(network: Network, given: Conditions) -> Iterator[Owner]:
    """Numbers of parameters, by what is in them and what is not."""
    report = analyze(network)
    parameters, buffers = report.totals.parameters or 0, report.totals.buffers or 0
    yield Owner(OURS, parameters, AS_IT_IS)
    for tool in CONVENTIONS:
        figure = counted(network, tool, given).parameters
        if figure is not None:
            yield Owner(tool, figure, AS_IT_IS)
    changes: dict[str, int] = {
        "with running statistics": parameters + buffers,
        "with tied weights as often as they are used": parameters
        + sum(
            sum(weight.size for weight in layer.weights if not weight.buffer)
            for layer in report.layers
            if layer.shared_with is not None
        ),
        "without frozen ones": parameters - (report.totals.frozen_parameters or 0),
    }
    for kinds, said in (
        (("attention",), "without attention"),
        (("batchnorm",), "without batch norms, which are frozen"),
        (tuple(kind for kind, row in CATALOGUE.items() if row.family == "norm"), "without norms"),
        (("embedding",), "without embeddings"),
    ):
        of = sum(layer.parameters or 0 for layer in report.layers if layer.kind in kinds)
        changes[said] = parameters - of
    for change, figure in changes.items():
        if figure != parameters:
            yield Owner(OURS, figure, AS_IT_IS, change)
