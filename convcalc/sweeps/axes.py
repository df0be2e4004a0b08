"""What is varied: parameters of the spec, its input, and what memory turns on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np

from convcalc.analysis.report import DTYPE_BYTES
from convcalc.diagnostics import ArgumentError, listed
from convcalc.nearness import asked
from convcalc.shape import Shape
from convcalc.spec.expressions import Expression, ExpressionError
from convcalc.spec.nodes import ScalarNode, Value
from convcalc.spec.parameters import value_set
from convcalc.spec.promises import OPTIMIZERS
from convcalc.spec.syntax import parse
from convcalc.spec.values import FieldError, parse_shape
from convcalc.sweeps.measures import is_measure
from convcalc.sweeps.subject import Subject
from convcalc.sweeps.values import MOST_VALUES, typed, written_values
from convcalc.sweeps.wording import COMMAND, Wording

Kind = Literal["parameter", "input", "batch", "dtype", "optimizer", "checkpoint"]
"""What an axis varies."""
MEMORY: tuple[Kind, ...] = ("batch", "dtype", "optimizer", "checkpoint")
"""Axes that change what memory a network takes, and not the network."""
TRAINING: tuple[Kind, ...] = ("optimizer", "checkpoint")
"""Axes of a training step."""
SET = "set."
"""What stands before the name of a parameter that is also that of something else."""
MOST_AXES = 64
"""Most axes of a sweep."""
MOST_CHANNELS = 10_000
"""Most combinations of what the channels of an input follow from."""
MOST_BATCH = 2**31
"""Most examples at once."""


class AxisError(ArgumentError):
    """An axis that is none; `axis` is its name as it was given, `named` whether that is wrong."""

    def __init__(self, message: str, axis: str, *, named: bool = False) -> None:
        super().__init__(message)
        self.axis = axis
        self.named = named


class Worked(NamedTuple):
    """How the values of an axis follow from those of others."""

    expression: Expression
    """The arithmetic that was written, over names of other axes."""
    sources: tuple[int, ...]
    """The axes that it turns on, by number; none of them is worked out from others."""
    codes: Any
    """An array of whole numbers with an axis for each of the sources: by their codes, its own."""


class Channels(NamedTuple):
    """The channels that inputs keep of which a number alone sets the extents, where they vary."""

    sources: tuple[int, ...]
    """The axes that the spec's inputs are made of, by number."""
    sizes: tuple[int, ...]
    """How many values each of these has."""
    known: tuple[Mapping[str, int], ...]
    """By their codes, the last changing fastest: the channels by input, of those that are known."""

    def at(self, codes: Sequence[int]) -> Mapping[str, int]:
        """Those of a design, by the codes of all axes."""
        place = 0
        for source, size in zip(self.sources, self.sizes, strict=True):
            place = place * size + codes[source]
        return self.known[place]


class Axis(NamedTuple):
    """Something that is varied, with all values that it takes."""

    name: str
    """How it is called: `alpha`, `set.batch`, `input`, `input.left`, `batch`."""
    kind: Kind
    """What it varies: a parameter, an input, or something of a run."""
    target: str
    """The parameter, or the input of several; empty for the rest."""
    texts: tuple[str, ...]
    """The values as one would type them; a design has the number of one, its code."""
    values: tuple[Any, ...]
    """The same as values: of a parameter what the spec has then, of an input a `Shape` or several
    by their names, of a batch a whole number, of a checkpoint what `RunTerms` takes."""
    worked: Worked | None = None
    """Of an axis that is worked out from others how; None for one that has its own values."""
    channels: Channels | None = None
    """Of an input with numbers alone the channels that it keeps, where other axes change them."""

    def shapes(self, codes: Sequence[int], code: int) -> Shape | Mapping[str, Shape]:
        """Of an input its value in a design, by the codes of all axes and its own."""
        value: Shape | Mapping[str, Shape] = self.values[code]
        if self.channels is None or not self.texts[code].isdecimal():
            return value
        channels = self.channels.at(codes)
        if isinstance(value, Shape):
            return value._replace(channels=next(iter(channels.values()), value.channels))
        return {
            name: shape._replace(channels=channels.get(name, shape.channels))
            for name, shape in value.items()
        }


@contextmanager
def _of(name: str, *, named: bool = False) -> Iterator[None]:
    """Say of what is wrong that it is wrong with this axis, with its name or its values."""
    try:
        yield
    except AxisError:
        raise
    except ArgumentError as error:
        raise AxisError(str(error), name, named=named) from None


Given = str | Sequence[str]
"""The values of an axis: written as a text, or each as one would type it."""


def with_own(
    of_spec: Mapping[str, Given],
    vary: Sequence[tuple[str, Given]],
    *,
    fixed: AbstractSet[str] = frozenset(),
    input: object = None,  # noqa: A002 (the spec's own word)
) -> list[tuple[str, Given]]:
    """The axes that a spec asks for, with others in their places, and others behind them.

    Those that a value is given for, by their names in `fixed` or as an `input`, are left out, as
    what is given goes before what the spec asks for.
    """
    instead = dict(vary)
    if len(instead) < len(vary) or not of_spec:
        return [*vary]  # one that is given twice is told later
    kept = []
    for name, values in of_spec.items():
        if name in instead:
            kept.append((name, instead.pop(name)))
        elif name not in fixed and not (input and _is_input(name, input)):
            kept.append((name, values))
    return [*kept, *instead.items()]


def of_parameters(names: Iterable[str]) -> set[str]:
    """What the axes of parameters of these names may be called.

    >>> sorted(of_parameters(["width", "batch"]))
    ['set.batch', 'set.width', 'width']
    """
    return {
        called
        for name in names
        for called in (f"{SET}{name}", name)
        if called not in MEMORY and not _is_input(called, None)
    }


def _is_input(name: str, input: object) -> bool:  # noqa: A002
    """Whether an axis varies an input that is given: one of several, or all of them."""
    first, _, own = name.partition(".")
    return first == "input" and (not own or not isinstance(input, Mapping) or own in input)


def read_axes(
    subject: Subject,
    vary: Sequence[tuple[str, Given]],
    *,
    training: bool,
    wording: Wording = COMMAND,
) -> tuple[Axis, ...]:
    """The axes that are asked for, names with their values as they are written.

    Raises `ArgumentError` for names there are not, values that are none and axes that contradict
    what is given for all designs.
    """
    if not vary:
        message = f"a sweep varies something: {wording.vary}"
        raise ArgumentError(message)
    if len(vary) > MOST_AXES:
        message = f"{len(vary):,} axes are more than {MOST_AXES}"
        raise ArgumentError(message)
    reader = _Reader(subject, training=training, wording=wording)
    named = []
    for name, _ in vary:
        with _of(name, named=True):
            named.append(reader.named(name))
    for number, (kind, target) in enumerate(named):
        if (kind, target) in named[:number]:
            message = f"{vary[number][0]} is varied twice: write all its values at once"
            raise AxisError(message, vary[number][0], named=True)
    inputs = [vary[number][0] for number, (kind, _) in enumerate(named) if kind == "input"]
    if len(inputs) > 1 and ("input", "") in named:
        message = (
            f"{' and '.join(inputs)} are varied, and the first inputs change with `input`: vary "
            "each by its name"
        )
        raise AxisError(message, vary[named.index(("input", ""))][0], named=True)
    own: dict[int, Axis] = {}
    worked: dict[int, Expression] = {}
    names = {name.strip(): number for number, (name, _) in enumerate(vary)}
    for number, ((name, text), (kind, target)) in enumerate(zip(vary, named, strict=True)):
        with _of(name):
            expression = reader.expression(name.strip(), kind, target, text, names)
            if expression is None:
                texts = written_values(text, name.strip()) if isinstance(text, str) else [*text]
                own[number] = reader.axis(name.strip(), kind, target, texts)
            else:
                worked[number] = expression
    order = _order(vary, worked, names)
    for number in order:
        (name, _), (kind, target) = vary[number], named[number]
        with _of(name):
            own[number] = _work_out(reader, name.strip(), kind, target, number, own, worked)
    return _with_channels(subject, tuple(own[number] for number in range(len(vary))))


def _with_channels(subject: Subject, axes: tuple[Axis, ...]) -> tuple[Axis, ...]:
    """The axes, those of inputs with the channels that a number alone keeps in each design."""
    alone = [axis.kind == "input" and any(map(str.isdecimal, axis.texts)) for axis in axes]
    made_of = subject.input_names if any(alone) else ()
    sources = [
        at for at, axis in enumerate(axes) if axis.kind == "parameter" and axis.target in made_of
    ]
    if not sources:
        return axes
    sizes = tuple(len(axes[source].texts) for source in sources)
    if prod(sizes) > MOST_CHANNELS:
        names = " and ".join(axes[source].name for source in sources)
        message = (
            f"a number alone keeps the channels of the input, of which {names} "
            f"{'make' if len(sources) > 1 else 'makes'} {prod(sizes):,}, and {MOST_CHANNELS:,} are "
            "the most: write shapes, or fewer values"
        )
        raise AxisError(message, axes[alone.index(True)].name)
    known = []
    for place in np.ndindex(*sizes):
        values = {
            axes[source].target: axes[source].texts[code]
            for source, code in zip(sources, place, strict=True)
        }
        network = subject.network(values)
        shapes = {name: network.shape_of(index) for name, index in network.named_inputs.items()}
        known.append({name: shape.channels for name, shape in shapes.items() if shape is not None})
    channels = Channels(tuple(sources), sizes, tuple(known))
    return tuple(
        axis._replace(channels=channels) if own else axis
        for axis, own in zip(axes, alone, strict=True)
    )


class _Reader:
    def __init__(self, subject: Subject, *, training: bool, wording: Wording) -> None:
        self.subject = subject
        self.training = training
        self.wording = wording
        self.defaults = subject.defaults

    def named(self, given: str) -> tuple[Kind, str]:
        """What the name of an axis means."""
        name = given.strip()
        if name.startswith(SET) and name.removeprefix(SET) in self.defaults:
            return self.parameter(name.removeprefix(SET))
        if name == "input" or name.startswith("input."):
            return "input", self.input(name.partition(".")[2])
        if name in MEMORY:
            if name in TRAINING and not self.training:
                step = self.wording.given("training", True)
                message = f"{self.vary} {name} is of a training step: add {step}"
                raise ArgumentError(message)
            return name, ""
        if name in self.defaults:
            return self.parameter(name)
        known = [*self.defaults, "input", *MEMORY]
        near = asked([name], known)
        there = f"there are {listed(known)}"
        message = f"{self.vary} {name[:60]!r}: nothing is called so{near or f'; {there}'}"
        if not near and is_measure(name):
            message = f"{self.vary} {name[:60]}: it is worked out, and nothing to vary; {there}"
        raise ArgumentError(message)

    @property
    def vary(self) -> str:
        """What is called so that says what is varied."""
        return self.wording.key("vary")

    def parameter(self, name: str) -> tuple[Kind, str]:
        if name in self.subject.parameters:
            given = self.wording.key("set")
            message = f"{name} is given by {given} and varied: leave one of them out"
            raise ArgumentError(message)
        return "parameter", name

    def input(self, name: str) -> str:
        given = self.subject.input
        if given is not None and (not name or not isinstance(given, Mapping) or name in given):
            by = self.wording.key("input")
            message = f"the input is given by {by} and varied: leave one of them out"
            raise ArgumentError(message)
        known = self.subject.shapes if name else {}
        if name and (name not in known or len(known) == 1):
            near = asked([name], known) if len(known) > 1 else ": the spec has one input"
            message = f"{self.vary} input.{name[:60]}: no input is called so{near}"
            raise ArgumentError(message)
        return name

    def expression(
        self, name: str, kind: Kind, target: str, text: Given, names: Mapping[str, int]
    ) -> Expression | None:
        """What an axis is worked out by, where its text says that; else None."""
        if kind in ("dtype", "optimizer", "checkpoint") or not isinstance(text, str):
            return None
        if ".." in text:
            return None
        default = self.defaults.get(target)
        if kind == "parameter" and isinstance(default, ScalarNode) and not default.plain:
            return None  # whose values are text
        try:
            expression = parse(text.strip())
        except ExpressionError:
            return None
        used = expression.names
        if not used:
            return None
        unknown = sorted(used - names.keys())
        if unknown:
            near = asked(unknown[:1], names)
            if not near and unknown[0] in self.defaults:
                near = ": vary it, too"
            message = (
                f"{name}={text.strip()[:60]} reads {unknown[0][:60]!r}, which is not varied{near}"
            )
            raise ArgumentError(message)
        return expression

    def axis(self, name: str, kind: Kind, target: str, texts: Sequence[str]) -> Axis:
        """An axis with values of its own; raises `ArgumentError` for one that is none."""
        if not texts:
            message = f"{name} has no values: write {name}=1,2,3 or {name}=1..3"
            raise ArgumentError(message)
        if kind == "input":
            texts = [*map(_bare, texts)]
        values = tuple(self.value(name, kind, target, text) for text in texts)
        seen: dict[object, str] = {}
        for text, value in zip(texts, values, strict=True):
            key = (type(value), repr(value))
            if key in seen:
                message = f"{name} has {seen[key]} twice" + (
                    f", once as {text}" if text != seen[key] else ""
                )
                raise ArgumentError(message)
            seen[key] = text
        return Axis(name, kind, target, tuple(texts), values)

    def value(self, name: str, kind: Kind, target: str, text: str) -> Any:
        """What a text stands for."""
        if kind == "parameter":
            try:
                return value_set(text, self.defaults[target])
            except FieldError as error:
                advice = f"; {error.problem.help}" if error.problem.help else ""
                message = f"{name}={text[:60]}: {error.problem.message}{advice}"
                raise ArgumentError(message) from None
        if kind == "input":
            return self.shape(name, target, text)
        if kind == "batch":
            digits = text.lstrip("0") if text.isascii() and text.isdecimal() else ""
            if not 1 <= int(digits[:11] or "0") <= MOST_BATCH:
                message = f"{name}={text[:60]}: a batch is a whole number from 1 to {MOST_BATCH:,}"
                raise ArgumentError(message)
            return int(digits)
        if kind == "checkpoint":
            from convcalc.analysis.memory.checkpoint import read_checkpoint

            try:
                return None if text == "none" else read_checkpoint(text)
            except ArgumentError as error:
                message = f"{name}: {error}"
                raise ArgumentError(message) from None
        known = [*DTYPE_BYTES] if kind == "dtype" else [*OPTIMIZERS]
        if text not in known:
            message = f"{name}={text[:60]}: it is none of {', '.join(known)}{asked([text], known)}"
            raise ArgumentError(message)
        return text

    def shape(self, name: str, target: str, text: str) -> Shape | Mapping[str, Shape]:
        """An input: a shape, or a bare number, which is every extent and keeps the channels."""
        try:
            if not (text.isascii() and text.isdecimal()):
                shape = parse_shape(text)
                return {target: shape} if target else shape
            size = parse_shape(text).channels
        except FieldError as error:
            message = f"{name}={text[:60]}: {error.problem.message}"
            raise ArgumentError(message) from None
        shapes = self.subject.shapes
        changed = {
            each: shapes[each]._replace(spatial=(size,) * shapes[each].rank)
            for each in ([target] if target else self.subject.alike)
        }
        if not any(shape.spatial for shape in changed.values()):
            message = (
                f"{name}={text}: a number alone sets every extent, and the input is a vector: "
                "make it of a parameter, as in `input: features`, and vary that"
            )
            raise ArgumentError(message)
        return changed if len(shapes) > 1 else next(iter(changed.values()))


def _bare(text: str) -> str:
    """A number alone in its digits, however it is written: 1e2, 64*2."""
    if text.isdecimal():
        return text
    try:
        shape = parse_shape(text)
    except FieldError:
        return text  # which is told with its name
    return text if shape.spatial else str(shape.channels)


def _order(
    vary: Sequence[tuple[str, Given]], worked: Mapping[int, Expression], names: Mapping[str, int]
) -> list[int]:
    """The axes that are worked out, each behind those that it reads."""
    order: list[int] = []
    left = dict(worked)
    while left:
        ready = [
            number
            for number, expression in left.items()
            if not {names[name] for name in expression.names} & left.keys()
        ]
        if not ready:
            circle = [vary[number][0] for number in left]
            message = f"{' and '.join(circle)}: worked out from one another, in a circle"
            if len(circle) == 1:
                message = f"{circle[0]}: worked out from itself"
            raise AxisError(message, vary[min(left)][0])
        order += ready
        left = {number: expression for number, expression in left.items() if number not in ready}
    return order


def _work_out(
    reader: _Reader,
    name: str,
    kind: Kind,
    target: str,
    number: int,
    known: Mapping[int, Axis],
    worked: Mapping[int, Expression],
) -> Axis:
    """An axis whose values follow from those of others, which are known."""
    expression = worked[number]
    axes = {axis.name: index for index, axis in known.items()}
    reads = [axes[each] for each in sorted(expression.names)]
    sources = sorted({source for index in reads for source in sources_of(known[index], index)})
    sizes = tuple(len(known[index].texts) for index in sources)
    if prod(sizes) > MOST_VALUES:
        message = (
            f"{name} is worked out from {prod(sizes):,} combinations; {MOST_VALUES:,} are the most"
        )
        raise ArgumentError(message)
    codes = np.zeros(sizes, np.int64)
    texts: dict[str, int] = {}
    for place in np.ndindex(*sizes):
        at = dict(zip(sources, place, strict=True))
        values = {known[index].name: _value_at(known[index], index, at) for index in reads}
        try:
            text = typed(expression.evaluate(values))
        except ExpressionError as error:
            said = ", ".join(f"{each} {value}" for each, value in values.items())
            message = f"{name}, at {said}: {error.message}"
            raise ArgumentError(message) from None
        codes[place] = texts.setdefault(text, len(texts))
    axis = reader.axis(name, kind, target, [*texts])
    return axis._replace(worked=Worked(expression, tuple(sources), codes))


def sources_of(axis: Axis, index: int) -> tuple[int, ...]:
    """The axes with values of their own that an axis turns on: itself, which is `index`, if so."""
    return (index,) if axis.worked is None else axis.worked.sources


def _value_at(axis: Axis, index: int, at: Mapping[int, int]) -> Value:
    """The value that an axis has where its sources have these codes."""
    if axis.worked is None:
        code = at[index]
    else:
        code = int(axis.worked.codes[tuple(at[source] for source in axis.worked.sources)])
    value = axis.values[code]
    if isinstance(value, Shape | Mapping):
        text = axis.texts[code]
        if text.isdecimal():
            return int(text)
        message = f"{axis.name} is {text}, and arithmetic takes its number alone"
        raise ArgumentError(message)
    if isinstance(value, int | float | str):
        return value
    message = f"{axis.name} is no number to work with"
    raise ArgumentError(message)
