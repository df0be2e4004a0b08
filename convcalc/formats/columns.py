"""The columns a table can have, and how each writes a cell."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from convcalc.analysis.report import Report
from convcalc.diagnostics import ArgumentError
from convcalc.formats.rows import Row, rows
from convcalc.numbers import grouped, megabytes
from convcalc.window import Field

UNKNOWN = "?"
"""A cell that an error keeps unknown."""
NONE = "–"
"""A cell that has nothing to say."""

MISALIGNED = "*"
"""Behind a receptive field to which paths of different strides lead."""
OF_NEXT = " / "
"""Between the receptive fields in one input and in the next."""
AT_MOST = "≤"
"""Before a receptive field that is an upper bound."""


class Column(NamedTuple):
    """One column of the table."""

    title: str
    """What stands at its head in tables for people."""
    right: bool
    """Aligned to the right."""
    cell: Callable[[Row], str]
    """What a reader sees."""
    value: Callable[[Row], object]
    """What a program reads."""
    doc: str
    """What its cells are, in a sentence for the reference, with the unit."""


def _count(pick: Callable[[Row], int | None]) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        value = pick(row)
        if row.heading:
            return ""
        return UNKNOWN if value is None else grouped(value)

    return cell


def _bytes(row: Row) -> str:
    if row.heading:
        return ""
    count = row.activation_bytes
    if count is None:
        return UNKNOWN
    return megabytes(count) if count else NONE


def _output(row: Row) -> str:
    if row.heading:
        return ""
    return UNKNOWN if row.output is None else str(row.output)


def _per_axis(pick: Callable[[Field], object]) -> Callable[[Row], str]:
    def cell(row: Row) -> str:
        if row.heading:
            return ""
        if not any(row.fields):
            return NONE if row.known else UNKNOWN
        return OF_NEXT.join(
            "×".join(str(pick(field)) for field in fields) if fields else NONE
            for fields in row.fields
        )

    return cell


def _field(row: Row) -> str:
    """The receptive field, marked where it is a bound, and where paths of other strides meet."""
    if row.heading or not any(row.fields):
        return _per_axis(lambda field: field.size)(row)
    each = (
        AT_MOST * _bounded(fields) + "×".join(str(field.size) for field in fields)
        if fields
        else NONE
        for fields in row.fields
    )
    return OF_NEXT.join(each) + MISALIGNED * (not row.aligned)


def _bounded(fields: Sequence[Field]) -> bool:
    return not all(field.exact for field in fields)


def _raw_field(row: Row) -> object:
    if not any(row.fields):
        return None
    return " ".join(
        "<=" * _bounded(fields) + "x".join(str(field.size) for field in fields) if fields else "-"
        for fields in row.fields
    )


def _raw_axes(pick: Callable[[Field], object]) -> Callable[[Row], object]:
    def value(row: Row) -> object:
        if not any(row.fields):
            return None
        return " ".join(
            "x".join(str(pick(field)) for field in fields) if fields else "-"
            for fields in row.fields
        )

    return value


def _shape(row: Row) -> object:
    return str(row.output).replace("×", "x") if row.output is not None else None


COLUMNS: dict[str, Column] = {
    "name": Column("Layer", False, lambda row: row.name, lambda row: row.name, "Full name."),
    "origin": Column(
        "Origin",
        False,
        lambda row: row.origin,
        lambda row: row.origin or None,
        "What it is called where it comes from.",
    ),
    "kind": Column("Kind", False, lambda row: row.kind, lambda row: row.kind, "Kind of layer."),
    "hyperparameters": Column(
        "Hyperparameters",
        False,
        lambda row: row.hyperparameters,
        lambda row: row.hyperparameters,
        "Fields that are not as usual.",
    ),
    "inputs": Column(
        "Inputs",
        False,
        lambda row: ", ".join(row.inputs),
        lambda row: " ".join(row.inputs),
        "What it reads.",
    ),
    "output": Column("Output", True, _output, _shape, "Output of one example, H×W×C."),
    "parameters": Column(
        "Parameters",
        True,
        _count(lambda row: row.parameters),
        lambda row: row.parameters,
        "Values an optimizer updates.",
    ),
    "buffers": Column(
        "Buffers",
        True,
        _count(lambda row: row.buffers),
        lambda row: row.buffers,
        "Running statistics.",
    ),
    "macs": Column(
        "MACs",
        True,
        _count(lambda row: row.macs),
        lambda row: row.macs,
        "Multiply-accumulates of the batch.",
    ),
    "flops": Column(
        "FLOPs",
        True,
        _count(lambda row: None if row.macs is None else 2 * row.macs),
        lambda row: None if row.macs is None else 2 * row.macs,
        "2 × MACs.",
    ),
    "count": Column(
        "Count",
        True,
        _count(lambda row: row.counted),
        lambda row: row.counted,
        "What the tool of `--count` counts, in its unit.",
    ),
    "backward_macs": Column(
        "Backward MACs",
        True,
        _count(lambda row: row.backward_macs),
        lambda row: row.backward_macs,
        "Multiply-accumulates of the batch's backward pass.",
    ),
    "receptive_field": Column(
        "Receptive field",
        True,
        _field,
        _raw_field,
        "What one output sees of the input, per axis.",
    ),
    "stride": Column(
        "Stride",
        True,
        _per_axis(lambda field: field.jump),
        _raw_axes(lambda field: field.jump),
        "Effective stride, per axis.",
    ),
    "padding": Column(
        "Padding",
        True,
        _per_axis(lambda field: field.padding),
        _raw_axes(lambda field: field.padding),
        "Effective padding, per axis.",
    ),
    "activations": Column(
        "Activations",
        True,
        _count(lambda row: row.activations),
        lambda row: row.activations,
        "Values in storage of its own.",
    ),
    "memory": Column(
        "Memory", True, _bytes, lambda row: row.activation_bytes, "Bytes of its activations."
    ),
    "line": Column(
        "Line",
        True,
        lambda row: "" if row.heading or row.line is None else str(row.line),
        lambda row: row.line,
        "Line of the spec.",
    ),
}
"""Every column, by the name that --columns takes."""

DEFAULT_COLUMNS = (
    "name",
    "kind",
    "hyperparameters",
    "output",
    "parameters",
    "macs",
    "receptive_field",
    "memory",
)


def usual_columns(report: Report) -> tuple[str, ...]:
    """The columns that are shown where none are chosen: with a tool's count, where there is one."""
    if report.counted is None:
        return DEFAULT_COLUMNS
    after = DEFAULT_COLUMNS.index("macs") + 1
    return (*DEFAULT_COLUMNS[:after], "count", *DEFAULT_COLUMNS[after:])


def chosen(report: Report, names: Sequence[str] | None) -> list[Column]:
    """The columns of these names, or the usual ones; `ValueError` for those there are not."""
    return [COLUMNS[name] for name in known_columns(names or usual_columns(report))]


NAMES = {"memory": "activation_bytes"}
"""Columns whose values for programs say what they are by another name."""


def table(
    report: Report,
    names: Sequence[str] | None,
    depth: int | None,
    *,
    header: bool = True,
    several: bool = False,
) -> Iterator[list[object]]:
    """A head and a row a layer, as programs read them; None is what is unknown or not there.

    Of `several` reports, one after the other, the first alone has the head, and each row starts
    with the spec's name. Raises `ValueError` for columns that there are not.
    """
    known = known_columns(names or usual_columns(report))
    if header:
        yield [*(["spec"] if several else []), *(NAMES.get(name, name) for name in known)]
    spec = [report.path] if several else []
    for row in rows(report, depth):
        if not row.heading:
            yield [*spec, *(COLUMNS[name].value(row) for name in known)]


def known_columns(names: Sequence[str]) -> list[str]:
    """Names of columns as they are given; `ValueError` where one is none."""
    unknown = [name for name in names if name not in COLUMNS]
    if unknown:
        said = ", ".join(map(repr, unknown))
        from convcalc.nearness import asked

        near, listed = asked(unknown, COLUMNS), ", ".join(COLUMNS)
        message = f"no column is called {said}{near or f'; there are {listed}'}"
        raise ArgumentError(message)
    return [*names]
