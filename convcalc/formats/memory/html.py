"""A network's memory as HTML, for notebooks."""

from html import escape

from convcalc.analysis.memory import Answer, MemoryReport
from convcalc.formats.memory import Section, sections, title


def render(report: MemoryReport) -> str:
    """The breakdown as one HTML element."""
    lines = ["<div>", f"<p><b>{escape(title(report))}</b></p>"]
    for section in sections(Answer(report)):
        lines.append(f"<p>{escape(section.title)}</p>")
        lines += _table(section)
        if section.notes:
            items = "".join(f"<li>{escape(note)}</li>" for note in section.notes)
            lines.append(f"<ul>{items}</ul>")
    return "\n".join([*lines, "</div>"])


def _table(section: Section) -> list[str]:
    if not section.head:
        return []
    lines = ["<table>", "<thead><tr>", *(f"<th>{escape(text)}</th>" for text in section.head)]
    lines.append("</tr></thead><tbody>")
    for row in section.rows:
        cells = "".join(
            f'<td style="text-align:{"right" if right else "left"}">{escape(cell)}</td>'
            for cell, right in zip(row, section.right, strict=True)
        )
        lines.append(f"<tr>{cells}</tr>")
    return [*lines, "</tbody></table>"]
