"""What `check` found, as values; formats make text of it."""

import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import REFUSED, SEVERITIES, Diagnostic
from convcalc.methods import above, from_json
from convcalc.numbers import plural

if TYPE_CHECKING:
    from convcalc.checks.card import Card


class About(NamedTuple):
    """What there is to say about a code."""

    summary: str
    """The first paragraph of its page, on one line."""
    name: str = ""
    """What an advice rule finds, in words joined by `-`."""
    severity: str = "error"
    """How grave its findings are, unless `strict` makes errors of warnings."""
    text: str = ""
    """Its whole page, in Markdown without a heading."""


class CheckReport(NamedTuple):
    """What a check found."""

    files: tuple[str, ...]
    """The files that were checked, as they were named."""
    diagnostics: tuple[Diagnostic, ...]
    """The findings, file by file and in the order of their places."""
    codes: Mapping[str, About]
    """What there is to say about codes; formats that need none are given none."""
    left_out: int = 0
    """Promises of specs and the configuration whose codes are not selected."""
    root: str = "."
    """The folder that paths in machine formats are relative to."""
    notes: tuple[str, ...] = ()
    """What was not looked at because of errors that are not reported, in words."""
    unheld: bool = False
    """Whether a limit that was to hold could not be looked at because of such errors."""
    card: "Card | None" = None
    """What the networks take; formats that do not show it are given none."""

    @property
    def statistics(self) -> dict[str, int]:
        """Code → how many findings have it."""
        codes = [diagnostic.code for diagnostic in self.diagnostics]
        return {code: codes.count(code) for code in sorted({*codes})}

    @property
    def promises_not_looked_at(self) -> int:
        """The same as `left_out`, as JSON calls it."""
        return self.left_out

    def exit_code(self, fail_on: str = "warning") -> int:
        """What the command line ends with: 0 fine, 1 findings, 2 something could not be worked on.

        `fail_on` is the least that matters: error, warning, note, or never.
        """
        from convcalc.arguments import one_of

        fail_on = one_of(fail_on, "fail_on", FAIL_ON)
        return 2 if self.unheld else exit_code(self.diagnostics, fail_on)

    def relative(self, path: str) -> str:
        """A path as machine formats have it: relative to the root, with `/`."""
        if path == "-":
            return path
        try:
            shown = os.path.relpath(path, self.root)
        except ValueError:  # another drive
            shown = path
        if shown.split(os.sep)[0] == os.pardir:
            shown = os.path.abspath(path)
        return shown.replace(os.sep, "/")

    def __repr__(self) -> str:
        """How many specs and findings, in one line; `print` shows the findings."""
        severities = [diagnostic.severity for diagnostic in self.diagnostics]
        counts = (plural(severities.count(severity), severity) for severity in SEVERITIES)
        specs = plural(len(self.files), "spec")
        said = ", ".join(count for count in counts if not count.startswith("0 "))
        return f"<CheckReport {specs}: {said or 'no findings'}>"

    def __str__(self) -> str:
        """The findings as plain text, as `convcalc check` writes them."""
        text: str = above("CheckReport.__str__", self)
        return "\n".join([text.removesuffix("\n"), *(f"Note: {note}" for note in self.notes)])

    def to_json(self) -> str:
        """Everything, stable; docs/check.schema.json describes it."""
        text: str = above("CheckReport.to_json", self)
        return text

    def to_dict(self) -> dict[str, Any]:
        """What `to_json` says, as Python has it."""
        return from_json(self.to_json())


def fingerprints(report: CheckReport) -> list[str]:
    """For each finding a hash that stays when lines above it come or go.

    It is made of the code, the file, the field and the text of the line; of findings that are
    alike in these, the second, third … are told apart by number.
    """
    counts: dict[str, int] = {}
    prints = []
    for diagnostic in report.diagnostics:
        text = " ".join(diagnostic.source_line.split())
        parts = (diagnostic.code, report.relative(diagnostic.path), diagnostic.field or "", text)
        base = "\0".join(parts)
        counts[base] = number = counts.get(base, 0) + 1
        if number > 1:
            base += f"\0{number}"
        prints.append(sha256(base.encode("utf-8", "surrogateescape")).hexdigest()[:32])
    return prints


FAIL_ON = (*SEVERITIES, "never")
"""The least that makes the exit code 1."""


def exit_code(diagnostics: Sequence[Diagnostic], fail_on: str) -> int:
    """0 without findings that matter, 1 with some, 2 where an input could not be worked on."""
    if any(item.code in REFUSED for item in diagnostics):
        return 2
    if fail_on == "never":
        return 0
    most = FAIL_ON.index(fail_on)
    return int(any(SEVERITIES.index(item.severity) <= most for item in diagnostics))


def rank(diagnostic: Diagnostic) -> int:
    """How grave a finding is: 0 could not run, 1 error, 2 warning, 3 note."""
    return 0 if diagnostic.code in REFUSED else 1 + SEVERITIES.index(diagnostic.severity)
