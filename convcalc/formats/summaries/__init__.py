"""What `analyze --summary` shows: its columns, their order, and what stands around the table.

The formats are those of `analyze`; each has a module here, too.
"""

from collections.abc import Callable, Mapping, Sequence
from math import inf
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.analysis.memory.limits import Limit
from convcalc.analysis.summaries import Summary
from convcalc.diagnostics import ArgumentError
from convcalc.formats.columns import UNKNOWN
from convcalc.formats.diagnostics import printable
from convcalc.numbers import grouped, megabytes, plural, scaled
from convcalc.shape import Shape


class SummaryColumn(NamedTuple):
    """One column of the table of networks."""

    title: str
    """What stands at its head in tables for people."""
    key: str
    """What stands there for programs, with the unit."""
    value: Callable[[Summary], Any]
    """What a cell is; None is unknown."""
    written: Callable[[Any], str]
    """How people read a cell that is known."""
    doc: str
    """What its cells are, in a sentence for the reference, with the unit."""

    @property
    def right(self) -> bool:
        """Whether it is aligned to the right, as all but names are."""
        return self.key not in ("spec", "name")

    def cell(self, row: Summary) -> str:
        """What a reader sees."""
        value = self.value(row)
        return UNKNOWN if value is None else self.written(value)

    def data(self, row: Summary) -> object:
        """What a program reads."""
        value = self.value(row)
        shapes = isinstance(value, Shape) or self.key in ("input", "output")
        return str(value).replace("×", "x") if shapes and value is not None else value


def _input(row: Summary) -> object:
    """The shape of the input; of several what the report shows of them."""
    return row.report.input if len(row.report.inputs) < 2 else row.report.given


def _output(row: Summary) -> object:
    """The shape of the output; of several what the report shows of them."""
    return row.report.output if len(row.report.outputs) < 2 else row.report.made


def _total(name: str) -> Callable[[Summary], int | None]:
    """A total, which is unknown where some layer is missing from it."""

    def value(row: Summary) -> int | None:
        total: int | None = getattr(row.report.totals, name)
        return total if row.report.totals.complete else None

    return value


SUMMARY_COLUMNS: Mapping[str, SummaryColumn] = MappingProxyType(
    {
        "spec": SummaryColumn(
            "Spec", "spec", lambda row: row.report.path, printable, "The spec as it was named."
        ),
        "name": SummaryColumn(
            "Name", "name", lambda row: row.report.name, printable, "What it calls itself."
        ),
        "input": SummaryColumn(
            "Input", "input", _input, str, "Shape of one example, H×W×C; of several by name."
        ),
        "output": SummaryColumn(
            "Output", "output", _output, str, "Output of one example, H×W×C; of several by name."
        ),
        "layers": SummaryColumn(
            "Layers",
            "layers",
            lambda row: len(row.report.layers) if row.report.totals.complete else None,
            grouped,
            "How many there are, blocks written out.",
        ),
        "parameters": SummaryColumn(
            "Parameters",
            "parameters",
            _total("parameters"),
            grouped,
            "Values an optimizer updates.",
        ),
        "buffers": SummaryColumn(
            "Buffers", "buffers", _total("buffers"), grouped, "Running statistics."
        ),
        "macs": SummaryColumn(
            "MACs", "macs", _total("macs"), scaled, "Multiply-accumulates of the batch."
        ),
        "flops": SummaryColumn("FLOPs", "flops", _total("flops"), scaled, "2 × MACs."),
        "activations": SummaryColumn(
            "Activations",
            "activations",
            _total("activations"),
            grouped,
            "Values in storage of their own, of the batch.",
        ),
        "memory": SummaryColumn(
            "Memory",
            "activation_bytes",
            _total("activation_bytes"),
            megabytes,
            "Bytes of the activations.",
        ),
        "peak": SummaryColumn(
            "Inference",
            "peak_bytes",
            lambda row: row.peak,
            megabytes,
            "Bytes that inference takes at its peak.",
        ),
    }
)
"""Every column, by the name that --columns and --sort take; each limit has one by its own."""
DEFAULT_SUMMARY_COLUMNS = ("spec", "input", "parameters", "macs", "activations", "peak")


def limit_columns(limits: Sequence[Limit]) -> dict[str, SummaryColumn]:
    """A column for each limit: the largest batch that fits."""

    def column(index: int, name: str) -> SummaryColumn:
        return SummaryColumn(
            f"Batch in {name}",
            f"largest_batch {name}",
            lambda row: row.batches[index],
            grouped,
            "The largest batch of inference that fits.",
        )

    return {limit.name: column(index, limit.name) for index, limit in enumerate(limits)}


def chosen(names: Sequence[str] | None, limits: Sequence[Limit]) -> list[SummaryColumn]:
    """The columns of these names, or the usual ones, and those of the limits."""
    own = [SUMMARY_COLUMNS[name] for name in names or DEFAULT_SUMMARY_COLUMNS]
    return [*own, *limit_columns(limits).values()]


def known_columns(names: Sequence[str]) -> list[str]:
    """Names of columns as they are given; `ValueError` where one is none."""
    unknown = [name for name in names if name not in SUMMARY_COLUMNS]
    if unknown:
        said = ", ".join(map(repr, unknown))
        from convcalc.nearness import asked

        near, listed = asked(unknown, SUMMARY_COLUMNS), ", ".join(SUMMARY_COLUMNS)
        message = f"no column of a summary is called {said}{near or f'; there are {listed}'}"
        raise ArgumentError(message)
    return [*names]


def ordered(rows: Sequence[Summary], by: str | None, limits: Sequence[Limit]) -> list[Summary]:
    """The rows by a column, the largest first behind a `-`; what is unknown comes last.

    Rows that are alike stay in their order. Raises `ValueError` for a column there is not.
    """
    if by is None:
        return [*rows]
    name, down = by.removeprefix("-"), by.startswith("-")
    columns = {**SUMMARY_COLUMNS, **limit_columns(limits)}
    if name not in columns:
        from convcalc.nearness import asked

        near = asked([name], columns) or f"; there are {', '.join(columns)}"
        message = f"no column of a summary is called {name!r}{near}"
        raise ArgumentError(message)
    value = columns[name].value
    known = [row for row in rows if value(row) is not None]
    known.sort(key=lambda row: _rank(value(row)), reverse=down)
    return [*known, *(row for row in rows if value(row) is None)]


def _rank(value: object) -> tuple[float, str]:
    """What a value is sorted by: a number, how many values a shape has, or its letters."""
    if isinstance(value, Shape):
        return value.size, ""
    return (float(value), "") if isinstance(value, int) else (inf, str(value).casefold())


def title(rows: Sequence[Summary]) -> str:
    """How many networks there are, and for how many examples."""
    report = rows[0].report
    examples = plural(report.batch, "example") if report.batch > 1 else "one example"
    return f"{plural(len(rows), 'network')} ({examples}, {report.dtype})"


def notes(rows: Sequence[Summary], columns: Sequence[SummaryColumn]) -> list[str]:
    """What is to be said of cells that are not known."""
    unknown = any(column.value(row) is None for row in rows for column in columns)
    return [f"{UNKNOWN} Errors keep it unknown."] if unknown else []
