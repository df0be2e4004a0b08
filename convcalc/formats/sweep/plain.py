"""What a sweep comes to as aligned text, for pipes and files."""

from convcalc.formats.plain import aligned
from convcalc.formats.sweep import further, letters, reasons, summary, tables, title
from convcalc.sweeps.report import SweepReport


def render(result: SweepReport, *, color: bool = False) -> str:
    """The summary, the front and the best, and what is invalid, ending in a newline."""
    del color
    lines = [title(result), *summary(result)]
    for each in tables(result):
        lines += ["", each.title, *aligned([each.head, *each.rows], each.right)]
        lines += [each.more] if each.more else []
        if each.front and (drawn := letters(result)):
            lines += ["", *drawn]
    invalid = _invalid(result)
    return "\n".join([*lines, *([""] if invalid else []), *invalid]) + "\n"


def said(result: SweepReport) -> list[str]:
    """What is said beside rows: how many there are, and what is invalid."""
    return [*summary(result), *_invalid(result)]


def _invalid(result: SweepReport) -> list[str]:
    invalid = [*reasons(result)]
    if not invalid:
        return []
    head = "Why designs are invalid, with an example of each reason:"
    return [head, *aligned(invalid, [True, False, False, False, False]), *further(result)]
