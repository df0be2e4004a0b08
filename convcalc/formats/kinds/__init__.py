"""The formats of `convcalc kinds`, and what they all say of kinds of layers."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from types import MappingProxyType

from convcalc.analysis.reference import FAMILIES, KindReference
from convcalc.formats import Format
from convcalc.numbers import grouped

KINDS_FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "plain": Format("Aligned text.", "text"),
        "markdown": Format("As docs/spec.md shows them.", "document"),
        "json": Format("Every part by itself.", "values"),
    }
)
"""The formats of `kinds`, by name."""


def by_family(kinds: Sequence[KindReference]) -> list[tuple[str, list[KindReference]]]:
    """Kinds under what their families are, in the order of the table of families."""
    order = [*FAMILIES]
    ordered = sorted(kinds, key=lambda each: order.index(each.family))
    groups = groupby(ordered, key=lambda each: each.family)
    return [(f"{FAMILIES[family]} ({family})", [*members]) for family, members in groups]


def takes_nothing(kind: KindReference) -> str:
    """What stands in the place of the fields of a kind that has none."""
    return "It takes a list of branches and has no fields." if kind.merges else "It has no fields."


def made(kind: KindReference) -> str:
    """What the example makes of its inputs."""
    inputs = " and ".join(map(str, kind.inputs))
    numbers = [
        f"{grouped(count)} {what}"
        for what, count in (
            ("parameters", kind.parameters),
            ("buffers", kind.buffers),
            ("MACs", kind.plan.macs),
        )
        if count
    ]
    with_numbers = f", with {', '.join(numbers)}" if numbers else ""
    return f"{inputs} → {kind.plan.output}{with_numbers}"


def formula_rows(kind: KindReference) -> list[tuple[str, str, str]]:
    """The formulas of the example: what, in letters, and with its numbers."""
    rows = []
    for each in kind.formulas:
        value = grouped(each.value)
        alone = each.numbers == str(each.value)
        worked = value if alone else f"{each.numbers} = {value}"
        rows.append((each.what, each.letters, worked))
    return rows
