"""A Markdown table, for a README or a pull request."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from convcalc.analysis.report import Report
from convcalc.formats.columns import chosen
from convcalc.formats.rows import rows
from convcalc.formats.summary import notes, summary, title
from convcalc.numbers import plural

if TYPE_CHECKING:
    from convcalc.analysis.training import Training


def render(
    report: Report,
    *,
    columns: Sequence[str] | None = None,
    depth: int | None = None,
    peak: int | None = None,
    training: "Training | None" = None,
) -> str:
    """The report as Markdown, ending in a newline."""
    lines = [f"### {escaped(title(report))}", "", *table(report, columns=columns, depth=depth)]
    lines += ["", _row(["Total", "", ""]), _row([":--", "--:", ":--"])]
    lines += [_row(line) for line in summary(report, peak, training)]
    for note in notes(report):
        lines += ["", f"**{escaped(note)}**"]
    return "\n".join(lines) + "\n"


def table(
    report: Report,
    *,
    columns: Sequence[str] | None = None,
    depth: int | None = None,
    most: int | None = None,
) -> list[str]:
    """The lines of the table of layers, of which it lists so many, or all of them."""
    picked = chosen(report, columns)
    lines = [_row([column.title for column in picked])]
    lines.append(_row(["--:" if column.right else ":--" for column in picked]))
    listed = [row for row in rows(report, depth) if not row.heading]
    lines += [_row([column.cell(row) for column in picked]) for row in listed[:most]]
    if most is not None and len(listed) > most:
        lines += ["", f"… and {plural(len(listed) - most, 'layer')} more."]
    return lines


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(escaped, cells)) + " |"


def escaped(text: str) -> str:
    r"""Text whose signs are not Markdown's.

    >>> print(escaped("a_b [text](address)"))
    a\_b [text]\(address)
    """
    for character in "\\|`*_<":
        if character in text:
            text = text.replace(character, "\\" + character)
    return text.replace("](", "]\\(")
