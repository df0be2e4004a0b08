"""The calculator without a spec: the size that one layer makes of an input.

It asks the layers themselves: `check` says what is wrong, `plan` how large the output is, and the
same plan on numbers that remember is the formula.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from convcalc.arguments import one_of, shown, switch
from convcalc.diagnostics import ArgumentError, Diagnostic, Named, Problem, either
from convcalc.explanation.page import Formula, Page, Section
from convcalc.explanation.windows import AxisWindow, along, drawn, dropped_by, past_padding
from convcalc.layers.base import (
    ROUNDING,
    Axes,
    Declared,
    Layer,
    Padding,
    Rounding,
    declarations,
    extents,
    hyperparameters,
)
from convcalc.layers.conv_transpose import ConvTranspose
from convcalc.layers.convolution import Conv
from convcalc.layers.letters import lettered, lettered_shape
from convcalc.layers.sliding import AXIS_NAMES, LESS, per_axis, sides
from convcalc.numbers import times, value_text
from convcalc.reasons import filled, formula, named
from convcalc.shape import Shape
from convcalc.window import Window

SCHEMA = 1
"""Changes only when a field of the JSON changes its meaning or goes."""
ENUMERATED = 4096
"""Most values of a field that are all tried; more of them follow the law of the first."""
IMAGE_CHANNELS = (1, 3, 4)
"""Third extents of an input that are probably channels."""
MAX_RANK = 3
"""Most spatial axes of a layer that slides."""
NO_NAMES = "names are those of a spec: write a number"
"""What to do about a name where there is no spec that it could be declared in."""
_EXTENTS = extents("Extents of the input.")

Given = int | str | Sequence[Any]
"""A value as a spec has it: 3, "3x5", [3, 5], [[0, 1], [1, 2]], "same"."""


class Sized(NamedTuple):
    """What a layer makes of an input's extents."""

    layer: Conv | ConvTranspose
    """The layer, of one filter: filters and channels change no extent."""
    input: tuple[int, ...]
    """Extents of the input."""
    output: tuple[int, ...] | None
    """Extents of the output; None where the layer has an error."""
    windows: tuple[Window, ...]
    """What slides along each axis, the rounding applied; () where an error keeps that unknown."""
    dropped: tuple[int, ...]
    """By axis, values behind that no window reads, because the last step does not fit."""
    past: tuple[int, ...]
    """By axis, how many cells past the padding are read: in ceil mode, or for output padding."""
    diagnostics: tuple[Diagnostic, ...]
    """What is wrong, or doubtful; its places are the names of fields."""

    def __str__(self) -> str:
        """The text that `convcalc size` prints."""
        return str(page_of(self))


def size(
    input: Given,  # noqa: A002 (the spec's own word)
    kernel: Given,
    stride: Given = 1,
    padding: Given = 0,
    *,
    dilation: Given = 1,
    rounding: Rounding = "exact",
    transposed: bool = False,
    output_padding: Given = 0,
) -> Sized:
    """The size that one layer makes of an input: a convolution, pooling, or a transposed one.

    Values are as in a spec: one number for all axes, one per axis, `same`. Extents are those of the
    spatial axes, without channels. What is wrong with sizes is in the result's diagnostics; what is
    no value at all raises `ValueError`.

    >>> size(227, 11, 4).output
    (55,)
    >>> size(224, 11, 4).diagnostics[0].message
    'stride 4 does not tile the input: (224 − 11 + 2·0)/4 + 1 = 54.25'
    """
    given = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    layer = layer_of(given, rounding, transposed=transposed, output_padding=output_padding)
    return sized(layer, read_extents("input", input))


def read_extents(name: str, given: Given) -> tuple[int, ...]:
    """Extents of spatial axes: 224, 224x320, [224, 320].

    Raises `ValueError` for anything else, and `TypeError` for what is no such thing at all.
    """
    values: tuple[int, ...] = _read(name, given, _EXTENTS)
    if not 1 <= len(values) <= MAX_RANK:
        message = (
            f"{name}: a layer slides along 1 to {MAX_RANK} spatial axes, and this has {len(values)}"
        )
        raise ArgumentError(message)
    return values


def read_field(name: str, given: Given, *, transposed: bool = False) -> Any:
    """The value of a field, as a spec reads it. Raises `ValueError` where it is none."""
    kind: type[Layer] = ConvTranspose if transposed else Conv
    return _read(name, given, declarations(kind)[name])


def _read(name: str, given: Given, declared: Declared) -> Any:
    from convcalc.findings import Findings
    from convcalc.spec.expressions import UNKNOWN_NAME
    from convcalc.spec.nodes import node_of
    from convcalc.spec.source import compose
    from convcalc.spec.text import SourceText
    from convcalc.spec.values import FieldError, Scope, read_value

    if isinstance(given, str):
        text = SourceText(name, given)
        findings = Findings(text)
        node = compose(text, findings)
        if node is None or findings.diagnostics:
            why = findings.diagnostics[0].message if findings.diagnostics else "nothing is there"
            message = f"{name} {given!r:.60}: {why}"
            raise ArgumentError(message)
    elif isinstance(given, bool | bytes | Mapping) or not (
        hasattr(given, "__index__") or isinstance(given, float | Sequence)
    ):
        message = f"{name} is a number, one per axis, or a text such as '3x5', and this is "
        raise TypeError(message + shown(given))
    else:
        try:
            node = node_of(given)
        except (TypeError, ValueError) as error:
            message = f"{name} {given!r:.60}: {error}"
            raise type(error)(message) from None
    try:
        return read_value(declared, node, Scope({}))
    except FieldError as error:
        problem = error.problem
        help_text = NO_NAMES if problem.code == UNKNOWN_NAME else problem.help
        advice = f"; {help_text}" if help_text else ""
        message = f"{name} {given!r:.60}: {problem.message}{advice}"
        raise ArgumentError(message) from None


def layer_of(
    given: Mapping[str, Given], rounding: Rounding, *, transposed: bool, output_padding: Given
) -> Conv | ConvTranspose:
    """The layer of one filter with these fields; `ValueError` for values that are none."""
    one_of(rounding, "rounding", ROUNDING.choices)
    transposed = switch(transposed, "transposed")
    fields = {name: read_field(name, value, transposed=transposed) for name, value in given.items()}
    if not transposed:
        if read_field("output_padding", output_padding, transposed=True):
            message = "output_padding is a transposed convolution's"
            raise ArgumentError(message)
        return Conv(filters=1, rounding=rounding, **fields)
    if rounding != "exact":
        message = f"a transposed convolution has nothing to round, and rounding is {rounding}"
        raise ArgumentError(message)
    behind = read_field("output_padding", output_padding, transposed=True)
    return ConvTranspose(filters=1, output_padding=behind, **fields)


def one_channel(spatial: Sequence[int]) -> Shape:
    """The shape of a map of one channel."""
    return Shape(1, tuple(spatial))


def sized(layer: Conv | ConvTranspose, spatial: tuple[int, ...]) -> Sized:
    """What a layer makes of an input's extents."""
    x = one_channel(spatial)
    problems = [*layer.check([x])]
    diagnostics = tuple(_diagnostic(layer, x, problem) for problem in problems)
    errors = [problem for problem in problems if problem.severity == "error"]
    if any(problem.code in ("CC311", "CC314") for problem in errors):
        return Sized(layer, spatial, None, (), (), (), diagnostics)
    plan = layer.plan([x])
    dropped = [dropped_by(window, size) for window, size in zip(plan.windows, spatial, strict=True)]
    return Sized(
        layer=layer,
        input=spatial,
        output=None if errors else plan.output.spatial,
        windows=plan.windows,
        dropped=tuple(dropped),
        past=past_padding(layer, x),
        diagnostics=diagnostics,
    )


def _diagnostic(layer: Conv | ConvTranspose, x: Shape, problem: Problem) -> Diagnostic:
    """A problem of a layer that stands in no spec: its help is for one layer."""
    field = problem.field or "input"
    return Diagnostic(
        code=problem.code,
        severity=problem.severity,
        message=problem.message,
        help=_help(layer, x, problem),
        path="size",
        place=Named(field),
        source_line="",
        field=problem.field,
    )


def _help(layer: Conv | ConvTranspose, x: Shape, problem: Problem) -> str | None:
    """What to do about a layer by itself, whose help knows a spec and layers before it."""
    sizes = problem.sizes
    if sizes is None or problem.severity != "error":
        return problem.help
    clauses = []
    few = x.spatial[-1]
    if problem.code in ("CC301", "CC303") and x.rank == MAX_RANK and few in IMAGE_CHANNELS:
        clauses.append(f"write {times(x.spatial[:-1])} if the {few} are channels")
    if sizes.rounded is not None:
        clauses.append(f"round down as frameworks do, with `floor` ({sizes.rounded})")
    clauses += [sizes.own] if sizes.own else []
    clauses += [way.text for way in sizes.ways if way.text != LESS]
    if problem.code == "CC303":
        clauses += [f"use an input of {text}" for text in _enough(layer, x)]
    return either(clauses) if clauses else None


def _enough(layer: Conv | ConvTranspose, x: Shape) -> Iterator[str]:
    """The smallest larger input that the layer works with."""
    from convcalc.layers.remedies import works

    larger = []
    for one, size in zip(by_axis(layer, x.rank), x.spatial, strict=True):
        room = one.plan([one_channel((size,))]).windows[0].room(size)
        start = size - min(room, 0)
        fitting = (
            more for more in range(start, start + ENUMERATED) if works(one, one_channel((more,)))
        )
        larger.append(next(fitting, None))
    known = [size for size in larger if size is not None]
    if len(known) == x.rank and works(layer, one_channel(known)):
        yield times(known)


def by_axis(layer: Conv | ConvTranspose, rank: int) -> list[Conv | ConvTranspose]:
    """The layer along each axis by itself, as one of a single axis."""
    return [along(layer, rank, axis) for axis in range(rank)]


def page_of(answer: Sized, columns: int | None = None) -> Page:
    """The page of a size: its formula, what the windows do, and their drawing."""
    layer, spatial = answer.layer, answer.input
    to = times(answer.output) if answer.output is not None else "no size"
    sections = []
    formulas = [*_formulas(answer)]
    if formulas:
        sections.append(Section("Output size", tuple(formulas)))
    windows = [
        AxisWindow(axis, window, size, past)
        for axis, window, size, past in zip(
            AXIS_NAMES[len(spatial)], answer.windows, spatial, answer.past, strict=False
        )  # no windows where an error keeps them unknown
    ]
    sections += drawn(windows, columns=columns)
    return Page(f"{described(layer)}: {times(spatial)} → {to}", tuple(sections), _data(answer))


def described(layer: Conv | ConvTranspose, *without: str) -> str:
    """A layer's fields in a line, those that say nothing left out, and those in `without`."""
    values = {"kernel": layer.kernel, "stride": layer.stride, "padding": layer.padding}
    others = {
        name: value
        for name, value in hyperparameters(layer).items()
        if name not in (*values, "filters")
    }
    fields = [
        f"{name} {value_text(value)}"
        for name, value in {**values, **others}.items()
        if name not in without
    ]
    return ", ".join(["transposed"] * isinstance(layer, ConvTranspose) + fields)


def _formulas(answer: Sized) -> Iterator[Formula]:
    """The output's extents on numbers that remember; axes that come about alike are one."""
    if answer.output is None:
        return
    shape = one_channel(answer.input)
    known = lettered_shape(shape)
    if shape.rank == 1:  # as the notes have it
        known = known._replace(spatial=(named(answer.input[0], "W"),))
    extents = lettered(answer.layer).plan([known]).output.spatial
    names = AXIS_NAMES[shape.rank]
    texts = [(formula(extent), filled(extent), int(extent)) for extent in extents]
    for axis, (letters, numbers, extent) in enumerate(texts):
        if (letters.replace("W", "H"), numbers) in [
            (before.replace("W", "H"), other) for before, other, _ in texts[:axis]
        ]:
            continue
        yield Formula(names[axis], letters, numbers, f"{extent:,}")


def _data(answer: Sized) -> dict[str, Any]:
    layer, rank = answer.layer, len(answer.input)
    return {
        "schema": SCHEMA,
        **fields_of(layer, rank),
        "input": list(answer.input),
        "output": None if answer.output is None else list(answer.output),
        "formulas": [
            {"axis": each.label, "formula": each.letters, "filled": each.numbers}
            for each in _formulas(answer)
        ],
        "windows": [window._asdict() for window in answer.windows],
        "dropped": list(answer.dropped),
        "past": list(answer.past),
    }


def fields_of(layer: Conv | ConvTranspose, rank: int) -> dict[str, Any]:
    """The fields of a layer as JSON has them: one value per axis, where there are as many."""

    def listed(value: Axes) -> list[int]:
        return list(per_axis(value, rank))

    padding: Padding = layer.padding
    return {
        "transposed": isinstance(layer, ConvTranspose),
        "kernel": listed(layer.kernel),
        "stride": listed(layer.stride),
        "padding": padding if padding == "same" else [list(pair) for pair in sides(padding, rank)],
        "dilation": listed(layer.dilation),
        "output_padding": listed(getattr(layer, "output_padding", 0)),
        "rounding": getattr(layer, "rounding", "exact"),
    }
