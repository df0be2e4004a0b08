"""The page of one value: the formula, its names, the tables of products, and the run beside it."""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import isfinite, prod
from typing import TYPE_CHECKING, Any

from convcalc.explanation.page import Formula, Page, Part, Section, Table
from convcalc.explanation.value.base import (
    Array,
    Patch,
    index_text,
    position_names,
    real,
)
from convcalc.layers.sliding import LINE_NAMES
from convcalc.numbers import plural

if TYPE_CHECKING:
    from convcalc.explanation.value import ExplainedValue

SCHEMA = 1
"""Changes only when a field of the JSON changes its meaning or goes."""
CHANNELS = 16
"""Channels that a table has; of more, those whose sums are largest."""
ROWS, COLUMNS = 11, 7
"""Rows and columns of a patch that a table has."""
PAIRS = 5
"""Columns up to which a cell shows both factors; of more, each shows their product."""
SLICES = 3
"""Slices of a volume's patch that are shown."""


GIVEN = {
    (): "Weights and input are random, from seed {}.",
    ("weights",): "Weights are those given; the input is random, from seed {}.",
    ("input",): "The input is that given; weights are random, from seed {}.",
    ("weights", "input"): "Weights and input are those given.",
}
"""What was given → where the numbers come from."""


def page_of(value: "ExplainedValue") -> Page:
    """A value as a page."""
    shapes = " and ".join(map(str, value.inputs))
    title = (
        f"{value.layer}[{index_text(value.at)}] "
        f"({value.kind}): {shapes} → {value.output}, of {value.network}"
    )
    sections = [
        Section("", tuple(_formula(value))),
        Section("Names", tuple(_names(value))),
        *_products(value),
        Section("Forward pass", tuple(_run(value))),
    ]
    return Page(title, tuple(sections), data(value))


def _formula(value: "ExplainedValue") -> Iterator[Part]:
    made = value.made
    letters = f"V[{index_text(value.at)}] = {made.formula}"
    result = real(made.value)
    yield Formula("", letters, made.numbers, "" if result == made.formula else result)
    yield from made.notes


def _names(value: "ExplainedValue") -> Iterator[Formula]:
    axes = ", ".join(position_names(value.output.rank))
    yield Formula("V", f"what {value.layer} gives, by {axes}", note=str(value.output))
    several = len(value.reads) > 1
    for number, (name, shape) in enumerate(zip(value.reads, value.inputs, strict=True), 1):
        label = f"X{number}" if several else "X"
        yield Formula(label, f"what {name} gives", note=str(shape))
    for label, meant in value.made.names.items():
        result = "" if meant.number is None else real(meant.number)
        yield Formula(label, meant.text, "", result)


def _products(value: "ExplainedValue") -> Iterator[Section]:
    """Tables of what is added up, or chosen from."""
    patch = value.made.patch
    if patch is None or not patch.values.size:
        return
    single = prod(patch.values.shape[:-1]) == 1
    what = "Products" if patch.factors is not None else "Values"
    if len(patch.channels) > 1:
        title = f"{what} by input {'channel' if patch.places else 'feature'}"
        yield Section(title, (_by_channel(value, patch, single=single),))
    if single:
        return
    sums = _sums(patch)
    at = int(abs(sums).argmax())
    channel = patch.channels[at]
    title = f"Channel {channel} of X"
    if len(patch.channels) > 1:
        title += ", which adds most" if isfinite(float(sums[at])) else ""
    if patch.factors is not None:
        title += ": values times weights"
    yield Section(title, tuple(_cells(value, patch, at)))


def _sums(patch: Patch) -> Array:
    """What each channel adds."""
    return patch.products.sum(axis=tuple(range(patch.values.ndim - 1)))


def _by_channel(value: "ExplainedValue", patch: Patch, *, single: bool) -> Table:
    """A row a channel, with what it adds; then the rest, the sum, the bias and the value."""
    sums = _sums(patch)
    order: Sequence[int] = range(len(sums))
    if len(sums) > CHANNELS:
        order = [int(each) for each in (-abs(sums)).argsort(kind="stable")[:CHANNELS]]
    shows = single and patch.factors is not None
    head = ("channel" if patch.places else "feature",)
    columns = (*head, "x", "w", "x·w") if shows else (*head, "sum")
    blank = ("", "") if shows else ()
    rows = []
    for at in order:
        both: tuple[str, ...] = ()
        if shows:
            values, factors = (each.reshape(-1, len(sums)) for each in patch[0:4:3])
            both = (real(float(values[0, at])), real(float(factors[0, at])))
        rows.append((str(patch.channels[at]), *both, real(float(sums[at]))))
    left = len(sums) - len(rows)
    if left:
        rest = float(sums.sum()) - float(sums[list(order)].sum())
        rows.append((f"{left:,} others", *blank, real(rest)))
    rows.append(("sum", *blank, real(float(sums.sum()))))
    for name, summand in value.made.summands.items():
        rows.append((name, *blank, real(summand)))
    if value.made.summands:
        rows.append((f"V[{index_text(value.at)}]", *blank, real(value.made.value)))
    return Table(columns, tuple(rows), frozenset(range(1, len(columns))))


def _cells(value: "ExplainedValue", patch: Patch, at: int) -> Iterator[Part]:
    """The patch of one channel, times the kernel: a table for each slice of a volume."""
    values, places = patch.values[..., at], patch.places
    factors = None if patch.factors is None else patch.factors[..., at]
    names, ndim = LINE_NAMES[len(places)], values.ndim
    if ndim == 1:
        yield _line(value, patch, at)
        return
    outer = list(places[0]) if ndim > len(names[-2:]) else [None]
    for number, depth in islice(enumerate(outer), SLICES):
        part = values[number] if depth is not None else values
        by = factors if factors is None or depth is None else factors[number]
        outside = patch.outside
        if outside is not None and depth is not None:
            outside = outside[number]
        if depth is not None:
            yield f"{names[0]} {real(depth, 10)}:"
        winner = value.made.winner
        if winner is not None and depth is not None and winner[0] != depth:
            winner = None
        yield _grid(patch, part, by, outside, winner)
    if len(outer) > SLICES:
        yield f"… and {plural(len(outer) - SLICES, 'slice')} more; JSON has all."


def _label(patch: Patch, axis: int, number: int) -> str:
    """Where a row or column of a patch stands, with its tap where that is not in order."""
    place = real(patch.places[axis][number], 10)
    return f"{place} (tap {patch.taps[axis][number]})" if patch.taps else place


def _cell(value: float, factor: float | None, *, padding: bool, wins: bool) -> str:
    shown = real(value, 3)
    if factor is not None:
        shown += f"·{real(factor, 3)}"
    if padding:
        shown += " p"
    return f"→ {shown}" if wins else shown


def _grid(
    patch: Patch, values: Array, factors: Array, outside: Array, winner: tuple[int, ...] | None
) -> Table:
    """Rows and columns of a patch, with the sum of each row where it is a sum."""
    rows_axis, columns_axis = len(patch.places) - 2, len(patch.places) - 1
    names = LINE_NAMES[len(patch.places)][-2:]
    products = values if factors is None else values * factors
    added = winner is None and factors is not None
    height, width = values.shape
    shown, by = (products, None) if width > PAIRS else (values, factors)
    few = range(min(width, COLUMNS))
    more = width > COLUMNS
    head = (
        f"{names[0]} \\ {names[1]}",
        *(_label(patch, columns_axis, column) for column in few),
        *(["…"] if more else []),
        *(["sum"] if added else []),
    )
    rows = []
    for row in range(min(height, ROWS)):
        place = patch.places[rows_axis][row]
        cells = [
            _cell(
                float(shown[row, column]),
                None if by is None else float(by[row, column]),
                padding=outside is not None and bool(outside[row, column]),
                wins=winner is not None
                and (place, patch.places[columns_axis][column]) == winner[-3:-1],
            )
            for column in few
        ]
        rows.append(
            (
                _label(patch, rows_axis, row),
                *cells,
                *(["…"] if more else []),
                *([real(float(products[row].sum()))] if added else []),
            )
        )
    blank = [""] * (len(few) + more)
    if height > ROWS:
        rest = [real(float(products[ROWS:].sum()))] if added else []
        rows.append((f"{height - ROWS:,} more", *blank, *rest))
    if added:
        rows.append(("sum", *blank, real(float(products.sum()))))
    return Table(head, tuple(rows), frozenset(range(1, len(head))))


def _line(value: "ExplainedValue", patch: Patch, at: int) -> Table:
    """The patch of one channel along the only axis."""
    values = patch.values[..., at]
    factors = None if patch.factors is None else patch.factors[..., at]
    head = ("position", "x") if factors is None else ("position", "x", "w", "x·w")
    winner = value.made.winner
    rows = []
    for number in range(min(len(values), ROWS)):
        outside = patch.outside is not None and bool(patch.outside[number])
        wins = winner is not None and patch.places[0][number] == winner[0]
        x = _cell(float(values[number]), None, padding=outside, wins=wins)
        by = () if factors is None else (float(factors[number]),)
        products = (*map(real, by), *(real(float(values[number]) * each) for each in by))
        rows.append((_label(patch, 0, number), x, *products))
    blank = [""] * (len(head) - 2)
    if len(values) > ROWS:
        rows.append((f"{len(values) - ROWS:,} more", "…", *blank))
    if factors is not None:
        rows.append(("sum", "", "", real(float((values * factors).sum()))))
    return Table(head, tuple(rows), frozenset(range(1, len(head))))


def _run(value: "ExplainedValue") -> Iterator[Part]:
    yield GIVEN[value.given].format(value.seed)
    yield from (f"{note[:1].upper()}{note[1:]}." for note in value.notes)
    made, forward = real(value.made.value, 9), real(value.forward, 9)
    yield Formula("from the numbers above, in float64", "", "", made)
    apart = "the same" if not value.difference else f"{real(value.difference, 2)} apart"
    yield Formula(f"from the layer's definition, in {value.dtype}", "", "", forward, apart)
    bound = real(value.bound, 2)
    if not value.agrees:
        yield (
            f"They do NOT agree: rounding alone accounts for {bound} at most. One of the two is "
            "wrong, or a number on the way is too large or too small for the data type."
        )
    elif value.difference:
        yield f"They agree: rounding, and sums in another order, account for up to {bound}."
    else:
        yield "They agree."


def data(value: "ExplainedValue") -> dict[str, Any]:
    """The value as JSON has it; null stands for what is not finite."""
    made = value.made
    return {
        "schema": SCHEMA,
        "mode": "value",
        "name": value.network,
        "spec": value.spec,
        "layer": value.layer,
        "kind": value.kind,
        "reads": list(value.reads),
        "at": list(value.at),
        "dtype": value.dtype,
        "seed": value.seed,
        "given": list(value.given),
        "formula": made.formula,
        "names": {
            label: {"numpy": name.text, "value": _finite(name.number)}
            for label, name in made.names.items()
        },
        "value": _finite(made.value),
        "forward": _finite(value.forward),
        "difference": _finite(value.difference),
        "bound": _finite(value.bound),
        "agrees": value.agrees,
        "patch": None if made.patch is None else _patch(made.patch),
        "im2col": None if made.im2col is None else made.im2col._asdict(),
        "summands": {name: _finite(each) for name, each in made.summands.items()},
        "winner": None if made.winner is None else list(made.winner),
        "notes": [*made.notes, *value.notes],
    }


def _patch(patch: Patch) -> dict[str, Any]:
    return {
        "channels": list(patch.channels),
        "places": [list(along) for along in patch.places],
        "taps": [list(along) for along in patch.taps] or None,
        "padding": None if patch.outside is None else patch.outside.tolist(),
        "values": _numbers(patch.values.tolist()),
        "factors": None if patch.factors is None else _numbers(patch.factors.tolist()),
        "sums": _numbers(_sums(patch).tolist()),
    }


def _numbers(nested: Any) -> Any:
    """Lists in lists of numbers, with None for those that are not finite."""
    return [_numbers(each) for each in nested] if isinstance(nested, list) else _finite(nested)


def _finite(number: float | None) -> float | None:
    return number if number is not None and isfinite(number) else None
