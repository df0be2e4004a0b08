"""Findings with the source and a caret, for people; then how many there are."""

from collections import Counter

from convcalc.checks.report import CheckReport
from convcalc.formats.check import not_looked_at
from convcalc.formats.diagnostics import STYLES, render_one, tally
from convcalc.formats.plain import aligned
from convcalc.numbers import plural


def render(report: CheckReport, *, color: bool = False) -> str:
    """The findings one after the other, and how many there are in how many specs."""
    blocks = [render_one(diagnostic, color=color) for diagnostic in report.diagnostics]
    return "\n".join([*blocks, counts(report) + "\n" + _fixable(report)])


def counts(report: CheckReport) -> str:
    """How many findings there are in how many specs, and what was not looked at."""
    specs = plural(len(report.files), "spec")
    beyond = f" {not_looked_at(report.left_out)}" if report.left_out else ""
    if not report.diagnostics:
        return f"No findings in {specs}.{beyond}"
    with_findings = len({diagnostic.path for diagnostic in report.diagnostics})
    where = f"{with_findings:,} of {specs}" if len(report.files) > 1 else specs
    return f"Found {tally(report.diagnostics)} in {where}.{beyond}"


def _fixable(report: CheckReport) -> str:
    """How many findings a fix would mend, and how; nothing of none."""
    count = sum(diagnostic.fixable for diagnostic in report.diagnostics)
    return f"{count:,} fixable with `--fix`; `--diff` shows what it would write.\n" if count else ""


def statistics(report: CheckReport, *, short: bool = False, color: bool = False) -> str:
    """How many findings there are of each code, the most first; what it says unless `short`."""
    numbers = Counter(diagnostic.code for diagnostic in report.diagnostics)
    severities = {diagnostic.code: diagnostic.severity for diagnostic in report.diagnostics}
    rows = [
        [
            f"{count:,}",
            code,
            report.codes[code].summary if code in report.codes and not short else "",
        ]
        for code, count in sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
    ]
    lines = [line.rstrip() for line in aligned(rows, [True, False, False])]
    if color:
        for at, (_, code, _) in enumerate(rows):
            lines[at] = lines[at].replace(code, f"{STYLES[severities[code]]}{code}\x1b[0m", 1)
    return "\n".join([*lines, counts(report), ""])
