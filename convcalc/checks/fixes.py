"""Safe fixes: those of the findings that are reported, each verified by checking the result.

Everything but the edits stays as it is, to the byte: comments, layout, line ends. A fix is kept
when its finding is gone afterwards, the spec is still read, and nothing new is found that the
finding did not hide. Errors and promises count whether they are selected or not.
"""

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from convcalc.checks.codes import Selection
from convcalc.checks.run import Checked, Task, check_opened
from convcalc.diagnostics import Diagnostic
from convcalc.findings import MAX_FINDINGS
from convcalc.spec.edit import applied
from convcalc.spec.source import Opened
from convcalc.spec.text import SourceText

MAX_TRIES = 300
"""Times that fixes are tried in one file, alike ones at once."""
NOT_YAML = "CC105"
GRAVE = ("CC1", "CC2", "CC3", "CC5")
"""What no fix may bring, even where it is not reported: errors and promises that are broken."""


class Fixed(NamedTuple):
    """A text with its fixes made."""

    text: str
    """The whole text afterwards; as it was where nothing could be fixed."""
    findings: tuple[Diagnostic, ...]
    """What was fixed, each as it was then."""
    unread: Diagnostic | None = None
    """Why the text could not be read at all."""

    @property
    def codes(self) -> tuple[str, ...]:
        """What was fixed, one code a fix."""
        return tuple(finding.code for finding in self.findings)


def fixed(opened: Opened, task: Task) -> Fixed:
    """The text with everything fixed that is safe to fix and would be reported."""
    text = opened.text.content
    reported = task.of(opened.text.path).selection_for(opened.text.path)
    task = _wide(task, opened.text.path, reported)
    done: list[Diagnostic] = []
    refused: set[tuple[object, ...]] = set()
    checked = _checked(opened, text, task)
    tries = 0
    while tries < MAX_TRIES:
        findings = checked.diagnostics
        for finding in findings:
            if finding.code == NOT_YAML and not finding.edits:
                return Fixed(text, tuple(done), finding)
            if not reported.includes(finding.code):
                continue
            alike = _alike(finding, findings, refused)
            if not alike or tries >= MAX_TRIES:
                continue
            edits = sorted(edit for each in alike for edit in each.edits)
            tries += 1
            candidate = applied(SourceText(opened.text.path, text), edits)
            after = _checked(opened, candidate, task)
            if better(alike, checked, after):
                text, checked = candidate, after
                done += alike
                break  # to what is found now
            refused.add(_kind(finding) if len(alike) > 1 else _words(finding))
        else:
            break
    return Fixed(text, tuple(done))


def marked(opened: Opened, task: Task) -> Checked:
    """Everything found in one spec, the findings marked that fixes would mend."""
    checked = check_opened(opened, task)
    items = [*checked.diagnostics]
    if not any(item.edits for item in items):
        return checked
    done = [*fixed(opened, task).findings]
    # An earlier fix may have given a later one's layer another number, or changed its numbers.
    for same in (_said, lambda item: (item.code, item.message), lambda item: item.code):
        left = Counter(map(same, done))
        for at, item in enumerate(items):
            if item.edits and not item.fixable and left[same(item)]:
                left[same(item)] -= 1
                items[at] = item._replace(fixable=True)
                done.remove(next(each for each in done if same(each) == same(item)))
    return checked._replace(diagnostics=tuple(items))


def _alike(
    finding: Diagnostic, findings: Iterable[Diagnostic], refused: Container[tuple[object, ...]]
) -> list[Diagnostic]:
    """The findings of the same code with the same fix, itself first; itself alone once refused."""
    if not finding.edits or _words(finding) in refused:
        return []
    if _kind(finding) in refused:
        return [finding]
    alike = [finding]
    last = finding.edits[-1][0][2:]
    for each in findings:  # in the order of their places
        if _kind(each) == _kind(finding) and each.edits and _words(each) not in refused:
            first = each.edits[0][0][:2]
            if first > last or (first == last and each.edits != alike[-1].edits):
                alike.append(each)
                last = each.edits[-1][0][2:]
    return alike


def _kind(finding: Diagnostic) -> tuple[object, ...]:
    return finding.code, finding.fix


def _words(finding: Diagnostic) -> tuple[object, ...]:
    return finding.code, finding.source_line, finding.layer, finding.message


def _wide(task: Task, path: str, reported: Selection) -> Task:
    """The task for one file, with all of `GRAVE` selected besides what is reported."""
    settings = task.of(path)
    ignore = tuple(code for code in reported.ignore if not code.startswith(GRAVE))
    selection = Selection(reported.select, (*reported.extend_select, *GRAVE), ignore)
    overrides = tuple(each._replace(selection=Selection()) for each in settings.overrides)
    wide = settings._replace(selection=selection, overrides=overrides, narrowed=False)
    return task._replace(settings=wide, configurations=None)


def _again(opened: Opened, text: str) -> Opened:
    return opened._replace(text=SourceText(opened.text.path, text))


def _checked(opened: Opened, text: str, task: Task) -> Checked:
    return check_opened(_again(opened, text), task)


def better(fixed: Sequence[Diagnostic], was: Checked, now: Checked) -> bool:
    """Whether findings of one code are gone, and nothing came that they did not hide.

    An error hides what follows from what it is about, and a name that is not known all that
    stands behind it.
    """
    before, after = was.diagnostics, now.diagnostics
    if all(item.code == NOT_YAML for item in fixed):  # all else was hidden by it
        last = max(map(_position, fixed))
        return not any(item.code == NOT_YAML and _position(item) <= last for item in after)
    old, new = Counter(map(_said, before)), Counter(map(_said, after))
    for said, count in Counter(map(_said, fixed)).items():
        if new[said] > old[said] - count:
            return False
    came = [item for item in after if new[_said(item)] > old[_said(item)]]
    if len(before) >= MAX_FINDINGS:  # what is behind the last of them was not kept before
        last = max(map(_position, before))
        came = [item for item in came if _position(item) <= last]
    if any(item.severity != "error" for item in fixed):
        if _errors(now) - _errors(was):
            return False
        # What only says it in other words, or with another number, was there before.
        gone = Counter(map(_place, before)) - Counter(map(_place, fixed))
        return not Counter(map(_place, came)) - (gone - Counter(map(_place, _kept(after, came))))
    mended = {(item.code, item.layer) for item in fixed}
    if any((item.code, item.layer) in mended and not _hidden(fixed, item) for item in came):
        return False
    return not any(item.code[:3] in ("CC1", "CC9") and not _hidden(fixed, item) for item in came)


def _hidden(fixed: Sequence[Diagnostic], item: Diagnostic) -> bool:
    """Whether an error stands behind a name that was not known before, and was not looked for.

    Behind a field that may have been guessed wrong, only what can be fixed in its turn.
    """
    finding = min(fixed, key=_position)
    renamed = finding.fix is not None and finding.fix.do == "rename"
    behind = _position(item) >= _position(finding)
    looked_at = finding.code != "CC113" and not item.edits
    return renamed and behind and item.code[:3] == "CC1" and not looked_at


def _said(item: Diagnostic) -> tuple[str, str | None, str]:
    return item.code, item.layer, item.message


def _errors(checked: Checked) -> set[tuple[object, ...]]:
    """The errors of each member of a family, those that a comment silences among them."""
    return {(member, *_place(item)) for member, item in checked.errors}


def _place(item: Diagnostic) -> tuple[object, ...]:
    """What tells a finding from others of its code wherever it has moved, whatever it says.

    A promise has no layer; no fix of a warning changes its line.
    """
    promise = (item.source_line, item.column) if item.code.startswith("CC5") else ()
    return item.code, item.severity, item.layer, item.field, *promise


def _kept(after: Sequence[Diagnostic], came: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings afterwards that did not come."""
    new = set(map(id, came))
    return [item for item in after if id(item) not in new]


def _position(item: Diagnostic) -> tuple[int, int]:
    return item.line or 0, item.column or 0
