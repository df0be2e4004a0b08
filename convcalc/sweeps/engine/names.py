"""What the names at the top of a spec are in each design, and the shapes of its inputs.

A name that is varied has a value for each code of its axis; one that is worked out from such has
one for each combination of those that it turns on; an input from outside may say what others are
(`spec.solved`). What is not known here, as an input whose own names are varied beside it, is
refused with `TooManyError`: designs are worked out whole then.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from convcalc.findings import Findings
from convcalc.shape import Shape
from convcalc.spec.expand import Expander
from convcalc.spec.fields import FieldReader
from convcalc.spec.made_of import names_in
from convcalc.spec.names import Reporter
from convcalc.spec.nodes import Node, ScalarNode, Value
from convcalc.spec.parameters import Member
from convcalc.spec.values import FieldError, Scope, evaluate
from convcalc.sweeps.axes import Axis
from convcalc.sweeps.engine.radix import Radix
from convcalc.sweeps.engine.watched import Column, TooManyError
from convcalc.sweeps.subject import GivenInput, Subject

MOST_HEADS = 10_000
"""Most combinations of what inputs are made of."""
MOST_VALUES = 200_000
"""Most values of a name that is worked out from others."""

Shapes = tuple[Shape, ...]
"""The shapes of a network's inputs."""


class Head(NamedTuple):
    """What stands above the layers, for some codes."""

    shapes: Shapes
    """The shapes of the inputs."""
    solved: Mapping[str, object]
    """What an input from outside makes of parameters."""


class Top:
    """The names of the top and the shapes of the inputs, for all designs."""

    def __init__(self, subject: Subject, axes: Sequence[Axis]) -> None:
        self.subject = subject
        self.axes = axes
        self.sizes = [len(axis.texts) for axis in axes]
        self.own: dict[str, int] = {
            axis.target: number for number, axis in enumerate(axes) if axis.kind == "parameter"
        }
        """The axis of each parameter that is varied."""
        self.member = _member(subject)
        self.radix = self._turns_on()
        """The axes that inputs turn on."""
        if self.radix.count > MOST_HEADS:
            raise TooManyError
        self.heads: list[Head | None] = [self._head(at) for at in range(self.radix.count)]
        """What stands above the layers by these; None where it has errors."""
        self.known = np.array([head is not None for head in self.heads])
        """Whether there is a head, as an array."""
        self.columns = self._columns()
        """Values of the names that are not the same in all designs."""

    def values(self, codes: Sequence[int]) -> dict[str, object]:
        """The values that parameters are given from outside in a design, by the codes of all."""
        varied = {name: self.axes[at].texts[codes[at]] for name, at in self.own.items()}
        return {**self.subject.parameters, **varied}

    def names(self, known: Mapping[str, Value], codes: Sequence[int]) -> dict[str, Value]:
        """All names of the top in a design; `known` are those of another one."""
        at = dict(enumerate(codes))
        varied = {name: value_in(column, at, self.sizes) for name, column in self.columns.items()}
        return {**known, **{name: value for name, value in varied.items() if value is not None}}

    def input(self, codes: Sequence[int]) -> GivenInput:
        """The input that is given from outside."""
        given = self.subject.input
        for axis, code in zip(self.axes, codes, strict=True):
            if axis.kind == "input":
                value = axis.shapes(codes, code)
                if isinstance(given, Mapping) and isinstance(value, Mapping):
                    given = {**given, **value}
                else:
                    given = value
        return given

    @property
    def usual(self) -> Sequence[int]:
        """The codes of a design whose inputs have no errors, if there is any."""
        codes = [0] * len(self.axes)
        start = next((at for at, head in enumerate(self.heads) if head is not None), 0)
        for axis, code in zip(self.radix.axes, self.radix.split(start), strict=True):
            codes[axis] = code
        return codes

    def _declared(self) -> Mapping[str, Node]:
        return self.subject.defaults

    def _turns_on(self) -> Radix:
        inputs = [number for number, axis in enumerate(self.axes) if axis.kind == "input"]
        made_of = self.subject.input_names
        varied = [number for name, number in self.own.items() if name in made_of]
        axes = sorted({*inputs, *varied})
        return Radix(axes, [self.sizes[axis] for axis in axes])

    def _head(self, place: int) -> Head | None:
        codes = [0] * len(self.axes)
        for axis, code in zip(self.radix.axes, self.radix.split(place), strict=True):
            codes[axis] = code
        findings = Findings(self.subject.written.places)
        expander = expander_of(Expander, self, codes, findings)
        earlier = errors_in(findings)
        scope = expander.scope(expander.parameters.top(expander.root.entries.get("parameters")))
        before = errors_in(findings)  # of names, which may be others' in another design
        if expander.solved is not None:
            expander.solved.check(scope.values)
        shapes = expander.read_inputs(scope)
        if earlier or errors_in(findings) > before:
            return None
        known = tuple([shape for shape in shapes if shape is not None])
        if len(known) < len(shapes):
            return None
        solved = {} if expander.solved is None else dict(expander.solved.values)
        return Head(known, solved)

    def _columns(self) -> dict[str, Column]:
        columns: dict[str, Column] = {
            name: Column((at,), tuple(self.axes[at].values)) for name, at in self.own.items()
        }
        solved = {name for head in self.heads if head is not None for name in head.solved}
        if solved & self.own.keys():
            raise TooManyError
        for name in solved:
            made = [None if head is None else head.solved.get(name) for head in self.heads]
            if any(
                head is not None and value is None
                for head, value in zip(self.heads, made, strict=True)
            ):
                raise TooManyError  # which one input says, and another leaves as it is
            columns[name] = Column(self.radix.axes, tuple(made))  # type: ignore[arg-type]
        expander = expander_of(Expander, self, self.usual, Findings(self.subject.written.places))
        fixed = expander.parameters.top(self.member.root.entries.get("parameters"))
        for name, node in self._declared().items():
            if name in columns or name in self.subject.parameters:
                continue
            if not isinstance(node, ScalarNode) or not node.plain:
                continue
            reads = sorted(names_in(node) & columns.keys())
            if reads:
                columns[name] = self._worked_out(node, reads, columns, fixed)
        return columns

    def _worked_out(
        self,
        node: ScalarNode,
        reads: Sequence[str],
        columns: Mapping[str, Column],
        fixed: Mapping[str, Value],
    ) -> Column:
        """The values of a name whose default reads others."""
        axes = sorted({axis for name in reads for axis in columns[name].axes})
        radix = Radix(axes, [self.sizes[axis] for axis in axes])
        if radix.count > MOST_VALUES:
            raise TooManyError
        values: list[Value | None] = []
        for place in range(radix.count):
            codes = dict(zip(axes, radix.split(place), strict=True))
            names = dict(fixed)
            failed = False
            for name in reads:
                value = value_in(columns[name], codes, self.sizes)
                failed |= value is None
                names[name] = value if value is not None else 0
            try:
                made = evaluate(node, Scope(names), "a number, true or false, or quoted text")
            except FieldError:
                failed = True
            values.append(None if failed else made)
        return Column(tuple(axes), tuple(values))


def value_in(column: Column, codes: Mapping[int, int], sizes: Sequence[int]) -> Value | None:
    """The value of a name where its axes have these codes."""
    place = 0
    for axis in column.axes:
        place = place * sizes[axis] + codes[axis]
    return column.values[place]


def errors_in(findings: Findings) -> int:
    """How many of the findings are errors."""
    return sum(each.severity == "error" for each in findings.diagnostics)


def _member(subject: Subject) -> Member:
    findings = Findings(subject.written.places)
    member = Member(Reporter(findings), FieldReader(findings), subject.spec)
    member.choose(subject.preset)
    return member


E = TypeVar("E", bound=Expander)


def expander_of(cls: type[E], top: Top, codes: Sequence[int], findings: Findings) -> E:
    """An expander of one design."""
    report, reader = Reporter(findings), FieldReader(findings)
    member = Member(report, reader, top.subject.spec)
    member.choose(top.subject.preset)
    return cls(report, reader, member, top.values(codes), top.input(codes))
