"""Safe fixes: those of the findings that are reported, each verified by checking the result.

Everything but the edits stays as it is, to the byte: comments, layout, line ends. A fix is kept
when its finding is gone afterwards, the spec is still read, and nothing new is found that the
finding did not hide.
"""

from collections import Counter
from typing import NamedTuple

from convcalc.checks.run import Task, check_opened
from convcalc.diagnostics import Diagnostic
from convcalc.spec.edit import applied
from convcalc.spec.source import Opened
from convcalc.spec.text import SourceText

MAX_FIXES = 200
"""Fixes made in one file."""
NOT_YAML = "CC105"


class Fixed(NamedTuple):
    """A text with its fixes made."""

    text: str
    """The whole text afterwards; as it was where nothing could be fixed."""
    codes: tuple[str, ...]
    """What was fixed, one code a fix."""
    unread: Diagnostic | None = None
    """Why the text could not be read at all."""


def fixed(opened: Opened, task: Task) -> Fixed:
    """The text with everything fixed that is safe to fix and would be reported."""
    text = opened.text.content
    done: list[str] = []
    refused: set[tuple[str, str, str | None, str]] = set()
    found = _findings(opened, text, task)
    while len(done) < MAX_FIXES:
        for finding in found:
            if finding.code == NOT_YAML:
                return Fixed(text, (), finding)
            key = (finding.code, finding.source_line, finding.layer, finding.message)
            if not finding.edits or key in refused:
                continue
            candidate = applied(SourceText(opened.text.path, text), finding.edits)
            after = _findings(opened, candidate, task)
            if better(finding, found, after):
                text, found = candidate, after
                done.append(finding.code)
                break
            refused.add(key)
        else:
            break
    return Fixed(text, tuple(done))


def _again(opened: Opened, text: str) -> Opened:
    return opened._replace(text=SourceText(opened.text.path, text))


def _findings(opened: Opened, text: str, task: Task) -> tuple[Diagnostic, ...]:
    return check_opened(_again(opened, text), task).diagnostics


def better(
    finding: Diagnostic, before: tuple[Diagnostic, ...], after: tuple[Diagnostic, ...]
) -> bool:
    """Whether the finding is gone, and nothing came that it did not hide.

    An error hides what follows from what it is about, and a name that is not known all that
    stands behind it.
    """
    old, new = Counter(map(_said, before)), Counter(map(_said, after))
    if new[_said(finding)] >= old[_said(finding)]:
        return False
    worse = {code for (code, *_), count in (new - old).items() if count}
    if finding.severity != "error":
        codes, known = (Counter(item.code for item in items) for items in (after, before))
        return not any(codes[code] > known[code] for code in worse)
    came = [item for item in after if new[_said(item)] > old[_said(item)]]
    return not any(
        item.code[:3] in ("CC1", "CC9") and not (item.code in BEHIND and _within(finding, item))
        for item in came
    )


BEHIND = frozenset({"CC109"})
"""What may come to light behind a name that is known now."""


def _said(item: Diagnostic) -> tuple[str, str | None, str]:
    return item.code, item.layer, item.message


def _within(finding: Diagnostic, item: Diagnostic) -> bool:
    """Whether a place is behind another one in the same text; edits before it move it little."""
    return (
        finding.fix is not None
        and finding.fix.do == "rename"
        and ((item.line or 0, item.column or 0) >= (finding.line or 0, finding.column or 0))
    )
