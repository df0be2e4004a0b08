"""A page as Markdown: headings, formulas as lists, tables, drawings as they stand."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from convcalc.explanation.page import Drawing, Formula, Page, Part, Table
from convcalc.formats.markdown import escaped


def render(page: Page, **_: object) -> str:
    """The page as Markdown, ending in a newline."""
    lines = [f"### {escaped(page.title)}"]
    for section in page.sections:
        if section.title:
            lines += ["", f"{'#' * min(3 + section.level, 6)} {escaped(section.title)}"]
        lines += _parts(section.parts)
    return "\n".join(lines) + "\n"


def _parts(parts: Sequence[Part]) -> Iterator[str]:
    for kind, group in groupby(parts, key=type):
        yield ""
        for number, part in enumerate(group):
            if isinstance(part, Formula):
                yield _formula(part)
                continue
            yield from [""] * (number > 0)
            if isinstance(part, str):
                yield escaped(part)
            elif isinstance(part, Table):
                yield from _table(part)
            elif isinstance(part, Drawing):
                yield from ("```text", *part.lines, "```")
        del kind


def _formula(each: Formula) -> str:
    label = f"{escaped(each.label)}: " if each.label else ""
    chain = f"`{each.chain}`" if each.chain else ""
    note = (f" ({escaped(each.note)})" if chain else escaped(each.note)) if each.note else ""
    return f"- {label}{chain}{note}"


def _table(table: Table) -> Iterator[str]:
    yield _row(table.columns)
    sides = ("--:" if number in table.right else ":--" for number in range(len(table.columns)))
    yield "| " + " | ".join(sides) + " |"
    yield from map(_row, table.rows)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"
