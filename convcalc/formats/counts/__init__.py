"""What `analyze` says of other tools' counts: all tools, the bridge to one, whose a number is.

Each is a `Sheet`: cells for people and values for programs; the formats are those of `analyze`.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from convcalc.analysis.conventions import CONVENTIONS, Count, Missing, Summand, bridge
from convcalc.analysis.conventions.whose import OURS, Owner, Owners
from convcalc.formats.columns import NONE, UNKNOWN
from convcalc.formats.diagnostics import printable
from convcalc.formats.diff import signed
from convcalc.numbers import grouped, plural, scaled


class Head(NamedTuple):
    """The head of a column."""

    title: str
    """What stands at the head of the column."""
    right: bool = False
    """Whether cells are aligned to the right, as numbers are."""


class Sheet(NamedTuple):
    """A table that a format makes text of."""

    spec: str
    """The spec as it was named, which stands first in rows of several specs."""
    title: str
    """What it is of, in a line."""
    heads: tuple[Head, ...]
    """The columns, from left to right."""
    cells: tuple[tuple[str, ...], ...]
    """What a reader sees, row by row."""
    keys: tuple[str, ...]
    """The columns of what programs read."""
    values: tuple[tuple[object, ...], ...]
    """What a program reads, row by row."""
    notes: tuple[str, ...]
    """What is to be said below the table."""
    value: dict[str, Any]
    """All of it, as JSON has it."""


def _conditions(count: Count) -> str:
    """What a count is for, in words."""
    given = count.conditions
    words = [plural(given.batch, "example") if given.batch > 1 else "one example"]
    words += ["training mode"] * (given.mode == "train") + ["inside no_grad"] * given.no_grad
    words += [f"{pattern} {word}" for pattern, word in given.written.items()]
    return ", ".join(words)


def count_value(count: Count) -> dict[str, Any]:
    """A tool's count as JSON has it, without its layers."""
    return {
        "tool": count.tool,
        "version": count.convention.version,
        "unit": count.convention.unit,
        "macs": count.macs,
        "total": count.total,
        "printed": count.printed,
        "parameters": count.parameters,
        "activations": count.activations,
        "missing": [each._asdict() for each in count.missing],
    }


def missing_notes(*counts: Count) -> list[str]:
    """Why there are no totals, once for all tools and layers of which it is so."""
    reasons: dict[str, dict[str, list[Missing]]] = {}
    for count in counts:
        for each in count.missing:
            reasons.setdefault(each.reason, {}).setdefault(count.tool, []).append(each)
    notes = []
    for reason, tools in reasons.items():
        missing = next(iter(tools.values()))
        first = f"{printable(missing[0].layer)} ({missing[0].kind})"
        of = first if len(missing) == 1 else f"{plural(len(missing), 'layer')}, the first {first}"
        have = "has" if len(tools) == 1 else "have"
        notes.append(f"{', '.join(tools)} {have} no number of {of}: {reason}.")
    return notes


def lines(count: Count) -> Iterator[tuple[str, str, str]]:
    """What the totals of a report say of a count: the figure, and what else the tool gives."""
    row = count.convention
    if count.total is None:
        yield count.tool, UNKNOWN, f"{row.unit} ({row.version})"
    else:
        said = f"{row.unit}, printed as {count.printed!r} ({row.version})"
        yield count.tool, grouped(count.total), said
    if count.activations is not None:
        yield "", grouped(count.activations), f"activations, as {count.tool} counts them"
    if count.parameters is not None:
        yield "", grouped(count.parameters), f"parameters, as {count.tool} counts them"


def of_tools(counts: Sequence[Count]) -> Sheet:
    """One row a tool."""
    first = counts[0]
    heads = (
        Head("Tool"),
        Head("Count", right=True),
        Head("Unit"),
        Head("Printed", right=True),
        Head("Parameters", right=True),
        Head("Activations", right=True),
        Head("Version"),
    )
    rows: list[tuple[str, int | None, str, str | None, int | None, int | None, str]]
    rows = [(OURS, first.macs, "MACs", scaled(first.macs), None, None, "")]
    rows += [
        (
            each.tool,
            each.total,
            each.convention.unit,
            each.printed,
            each.parameters,
            each.activations,
            each.convention.version,
        )
        for each in counts
    ]
    return Sheet(
        spec=first.network.path,
        title=f"{printable(first.network.name)}: what tools count ({_conditions(first)})",
        heads=heads,
        cells=tuple(
            (
                tool,
                UNKNOWN if total is None else grouped(total),
                unit,
                printed or UNKNOWN,
                NONE if parameters is None else grouped(parameters),
                NONE if activations is None else grouped(activations),
                version,
            )
            for tool, total, unit, printed, parameters, activations, version in rows
        ),
        keys=("tool", "count", "unit", "printed", "parameters", "activations", "version"),
        values=tuple(rows),
        notes=tuple(missing_notes(*counts)),
        value={
            **_of_network(first),
            "counts": [count_value(each) for each in counts],
        },
    )


def _of_network(count: Count) -> dict[str, Any]:
    return {
        "schema": 1,
        "name": count.network.name,
        "spec": count.network.path,
        **count.conditions._asdict(),
        "written": dict(count.conditions.written),
    }


def of_bridge(count: Count, *, by_layer: bool = False) -> Sheet:
    """The terms that lead from our MACs to a tool's number, and with `by_layer` those of layers."""
    terms = bridge(count)
    nodes = count.network.nodes
    heads = (
        Head(""),
        Head("Amount", right=True),
        Head("Term"),
    )
    cells: list[tuple[str, ...]] = []
    values: list[tuple[object, ...]] = []
    for at, term in enumerate(terms):
        cells.append((_sign(term, at), grouped(abs(term.amount)), _said(term)))
        values.append((count.tool, "", term.amount, term.says))
        for index, amount in term.layers.items() if by_layer else ():
            name = printable(nodes[index].name)
            cells.append(("", signed(amount), f"    {name}"))
            values.append((count.tool, nodes[index].name, amount, term.says))
    row = count.convention
    total = UNKNOWN if count.total is None else grouped(count.total)
    printed = "" if count.printed is None else f", printed as {count.printed!r}"
    cells.append(("=", total, f"{row.unit}{printed}"))
    values.append((count.tool, "", count.total, "total"))
    return Sheet(
        spec=count.network.path,
        title=f"{printable(count.network.name)}: from our MACs to what {count.tool} counts "
        f"({row.version}, {_conditions(count)})",
        heads=heads,
        cells=tuple(cells),
        keys=("tool", "layer", "amount", "term"),
        values=tuple(values),
        notes=tuple(missing_notes(count)),
        value={
            **_of_network(count),
            **count_value(count),
            "terms": [_term_value(count, term) for term in terms],
        },
    )


def _sign(term: Summand, at: int) -> str:
    if not at:
        return ""
    return "−" if term.amount < 0 else "+"


def _said(term: Summand) -> str:
    """A term in words, with how much there is of what it multiplies, and what else it may be."""
    said = term.says
    if term.amount and abs(term.times) != 1:
        said += f" ({grouped(abs(term.multiplied))})"
    ways: dict[tuple[int, str], list[str]] = {}
    for way in term.otherwise:
        ways.setdefault((way.amount, way.kind), []).append(way.word)
    others = [
        f"{grouped(amount).replace('-', '−')} with {kind} {' or '.join(words)}"
        for (amount, kind), words in ways.items()
    ]
    return "; ".join([said, *others])


def _term_value(count: Count, term: Summand) -> dict[str, Any]:
    nodes = count.network.nodes
    return {
        "term": term.says,
        "amount": term.amount,
        "times": term.times,
        "quantity": term.quantity,
        "layers": {nodes[index].name: amount for index, amount in term.layers.items()},
        "otherwise": [way._asdict() for way in term.otherwise],
    }


def of_owners(owners: Owners) -> Sheet:
    """Whose own number a published one is, or the nearest and by how much."""
    number, network = owners.published, owners.network
    heads = (
        Head("Tool"),
        Head("Figure", right=True),
        Head("Published"),
        Head("Change"),
    )
    shown = [*owners.owners]
    notes = []
    if owners.nearest is not None:
        nearest = owners.nearest
        more = owners.off_by
        notes.append(
            f"As the layers are written, nobody's: the nearest is {_named(nearest)}, "
            f"{_figure(nearest)}, which is {grouped(round(abs(more)))} "
            f"{'more' if more > 0 else 'less'}."
        )
    what = "number of parameters" if owners.of_parameters else "count"
    said = f"{printable(number.text)} ({number.precision})"
    return Sheet(
        spec=network.path,
        title=f"{printable(network.name)}: whose {what} is {said}",
        heads=heads,
        cells=tuple(
            (each.tool, _figure(each), each.published, each.change or NONE) for each in shown
        ),
        keys=("tool", "figure", "published", "change"),
        values=tuple(
            (each.tool, each.figure, each.published, each.change or None) for each in shown
        ),
        notes=tuple(notes),
        value={
            "schema": 1,
            "name": network.name,
            "spec": network.path,
            "text": number.text,
            "number": number.value,
            "of_parameters": owners.of_parameters,
            "owners": [each._asdict() for each in shown],
            "nearest": None if owners.nearest is None else owners.nearest._asdict(),
            "off_by": None if owners.nearest is None else owners.off_by,
        },
    )


def _figure(owner: Owner) -> str:
    figure = owner.figure
    return grouped(figure) if isinstance(figure, int) else f"{figure:,}"


def _named(owner: Owner) -> str:
    """A figure in words: who gives it, and how it was published."""
    unit = CONVENTIONS[owner.tool].title if owner.tool in CONVENTIONS else owner.tool
    return unit if owner.published == "as it is" else f"{owner.published} {unit}"


def bridge_text(count: Count) -> str:
    """The bridge to a tool's number as aligned text."""
    return _rendered("plain", of_bridge(count))


def bridge_json(count: Count) -> str:
    """The same as JSON."""
    return _rendered("json", of_bridge(count))


def owners_text(owners: Owners) -> str:
    """Whose number it is, as aligned text."""
    return _rendered("plain", of_owners(owners))


def owners_json(owners: Owners) -> str:
    """The same as JSON."""
    return _rendered("json", of_owners(owners))


def _rendered(name: str, sheet: Sheet) -> str:
    from convcalc.formats.counts import json, plain  # which import this

    text: str = {"plain": plain, "json": json}[name].render(sheet)
    return text
