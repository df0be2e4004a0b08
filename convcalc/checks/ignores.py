"""Findings that a comment in the spec silences, and comments that silence none.

`# convcalc: ignore[CC401] reason` behind a value is for the findings on its line; alone above an
item it is for the whole item. `# convcalc: ignore-file[CC4]` above everything is for the file.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from convcalc.checks.codes import ALWAYS, Selection, UnknownCodeError, code_or_prefix
from convcalc.diagnostics import Diagnostic, closest
from convcalc.findings import Findings, in_order
from convcalc.spec.comments import comments
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Spec

_DIRECTIVE = re.compile(
    r"#\s*convcalc:\s*([A-Za-z][\w-]*)[ \t]*(?:\[([^\]#]*)(\])?)?", re.IGNORECASE
)
_CODE = re.compile(r"[^,\s]+")
_VERBS = ("ignore", "ignore-file")
_FOREIGN = frozenset({"noqa", "disable", "disable-line", "disable-file", "skip", "nolint"})
LAST = 2**31
"""Behind the last line."""


class Ignore(NamedTuple):
    """One code that one comment silences."""

    prefix: str
    """A code or its beginning; empty for all codes."""
    first: int
    """First line of the spec that it is for, from 1 on."""
    last: int
    """Last line that it is for; `LAST` for a whole file."""
    start: int
    """Offset where the code is written, or the word `ignore` if there is none."""
    end: int
    """Offset behind what stands at `start`."""
    verb: str
    """What was written: `ignore`, or `ignore-file`."""
    written: str = ""
    """The code as it is written: it may be the name of a rule."""
    above: bool = False
    """It stands above an item, and is for the whole of it."""

    def covers(self, diagnostic: Diagnostic) -> bool:
        """Whether a finding is one of those it is for."""
        on_its_lines = self.first <= (diagnostic.line or 0) <= self.last
        return on_its_lines and diagnostic.code.startswith(self.prefix)


class Directive(NamedTuple):
    """What one comment says to convcalc, as it is written."""

    verb: str
    """What it is told: `ignore`, `ignore-file`, or a word that it is not told."""
    codes: tuple[tuple[str, int, int], ...]
    """Codes with the offsets of their start and end; one that is empty stands for all codes."""
    closed: bool
    """Whether a list of codes has its `]`, or there is none."""
    line: int
    """Line that it stands on, from 1 on."""
    alone: bool
    """Whether nothing but the comment stands on the line."""
    start: int
    """Offset of the verb."""
    end: int
    """Offset behind the directive."""


def silence(
    text: SourceText,
    spec: Spec | None,
    diagnostics: Sequence[Diagnostic],
    selection: Selection,
    *,
    advised: bool,
    whole: bool = True,
) -> list[Diagnostic]:
    """The findings that no comment silences, and findings about comments that silence none.

    `advised` says whether advice and promises were looked at; where they were not, a comment
    about them may well be needed. The same goes for all comments where not the `whole` spec was
    checked as it is written, but one member of a family, or with another input.
    """
    if "convcalc:" not in text.content.lower():
        return list(diagnostics)
    about = Findings(text)
    top = text.line_of(spec.start) if spec is not None else LAST
    ignores = [
        ignore
        for directive in _directives(text)
        if not _misread(about, directive, top)
        for ignore in _ignores(text, about, directive)
    ]
    kept, used = _matched(ignores, diagnostics)
    if any(diagnostic.code in ALWAYS for diagnostic in diagnostics):
        return kept
    if not whole:
        ignores = []
    for ignore in ignores:
        if ignore in used or ignore.prefix.startswith("CC9"):
            continue
        if not advised and ignore.prefix[:3] in ("", "CC", "CC4", "CC5"):
            continue
        if selection.includes_some(ignore.prefix or "CC"):
            _unused(about, ignore, kept)
    kept += _about_comments(about, ignores, selection)
    return list(in_order(kept))


def without_idle(text: SourceText, diagnostics: Iterable[Diagnostic]) -> str:
    """The text without the comments of which every code silences nothing, as CC901 says."""
    idle = {(each.line, each.column) for each in diagnostics if each.code == "CC901"}
    content = text.content
    for directive in reversed([*_directives(text)]):
        if all(text.position(start) in idle for _, start, _ in directive.codes):
            begin = content.rindex("#", 0, directive.start)
            end = content.find("\n", begin) % (len(content) + 1)
            before = content[:begin].rstrip(" \t")
            content = before + content[end + 1 if directive.alone else end :]
    return content


def _matched(
    ignores: Sequence[Ignore], diagnostics: Iterable[Diagnostic]
) -> tuple[list[Diagnostic], set[Ignore]]:
    """The findings that nothing silences, and the ignores that silence one."""
    kept: list[Diagnostic] = []
    used: set[Ignore] = set()
    for diagnostic in diagnostics:
        matching = [ignore for ignore in ignores if ignore.covers(diagnostic)]
        if diagnostic.code in ALWAYS or not matching:
            kept.append(diagnostic)
        else:
            used.update(matching)
    return kept, used


def _about_comments(
    about: Findings, ignores: Sequence[Ignore], selection: Selection
) -> list[Diagnostic]:
    """The findings about comments that no other comment silences."""
    of_comments = [ignore for ignore in ignores if ignore.prefix.startswith("CC9")]
    reported = [item for item in about.diagnostics if selection.includes(item.code)]
    kept = [item for item in reported if not any(ignore.covers(item) for ignore in of_comments)]
    last = Findings(about.places)
    for ignore in of_comments:
        if selection.includes_some(ignore.prefix) and not any(map(ignore.covers, reported)):
            _unused(last, ignore, kept)
    return kept + [item for item in last.diagnostics if selection.includes(item.code)]


def _unused(about: Findings, ignore: Ignore, elsewhere: Iterable[Diagnostic]) -> None:
    """Report an ignore that silences nothing; it says where it belongs if there is such a place."""
    where = "line" if ignore.verb == "ignore" else "file"
    if ignore.above:
        where = "item below"
    reason = f"the {where} has no such finding" if ignore.first < LAST else "nothing is below"
    message = f"{ignore.verb}[{ignore.written}] silences nothing: {reason}"
    if not ignore.prefix:
        message = f"{ignore.verb} silences nothing: the file has no findings"
    lines = sorted(
        {item.line for item in elsewhere if item.line and item.code.startswith(ignore.prefix)}
    )
    advice = "remove it"
    if ignore.prefix and lines:
        listed = ", ".join(map(str, lines[:3])) + (", …" if len(lines) > 3 else "")
        advice = (
            f"such findings are at line{'s' if len(lines) > 1 else ''} {listed}: put it behind "
            "that line, alone above the item, or `ignore-file` at the top"
        )
    about.report("CC901", message, ignore.start, ignore.end, advice, "warning")


def _directives(text: SourceText) -> Iterator[Directive]:
    """All that comments say to convcalc, whether it can be told that or not."""
    for comment in comments(text):
        for match in _DIRECTIVE.finditer(comment.text):
            written, codes, closing = match.groups()
            at, end = comment.start + match.start(1), comment.start + match.end(1)
            start = comment.start + match.start(2)
            listed = [
                (code[0], start + code.start(), start + code.end())
                for code in _CODE.finditer(codes or "")
            ]
            if codes is None and written.lower() == "ignore-file":
                listed = [("", at, end)]
            yield Directive(
                verb=written,
                codes=tuple(listed),
                closed=codes is None or closing is not None,
                line=comment.line,
                alone=comment.alone,
                start=at,
                end=comment.start + match.end(),
            )


def _misread(about: Findings, directive: Directive, top: int) -> bool:
    """Report a directive that cannot be followed; the first key is in line `top`."""
    verb, at = directive.verb.lower(), directive.start
    behind = at + len(verb)
    if verb not in _VERBS:
        near = "ignore" if verb in _FOREIGN else closest(verb, _VERBS)
        message = f"`{directive.verb[:40]}` is not something convcalc is told in a comment"
        advice = (
            f"did you mean `{near}[CODE]`?"
            if near
            else "write `ignore[CODE]` or `ignore-file[CODE]`, and another comment without "
            "`convcalc:`"
        )
    elif not directive.codes or not directive.closed:
        message = "`]` is missing" if directive.codes else f"this {verb} names no code"
        advice, behind = f"write `# convcalc: {verb}[CC401] reason`", directive.end
    elif verb == "ignore-file" and directive.line > top:
        message = "ignore-file is for the whole file, and stands below its first key"
        advice = "move it to the top, or write `ignore[CODE]` for one line or item"
    else:
        return False
    about.report("CC902", message, at, behind, advice, "warning")
    return True


def _ignores(text: SourceText, about: Findings, directive: Directive) -> Iterator[Ignore]:
    """What a directive silences, code by code; a code that is none is reported."""
    first = last = directive.line
    verb = directive.verb.lower()
    above = verb == "ignore" and directive.alone
    if verb == "ignore-file":
        first, last = 1, LAST
    elif above:
        first, last = _item_below(text, directive.line)
    for code, start, end in directive.codes:
        prefix = _prefix(about, code, start, end)
        if prefix is not None:
            yield Ignore(
                prefix=prefix,
                first=first,
                last=last,
                start=start,
                end=end,
                verb=verb,
                written=code,
                above=above,
            )


def _prefix(about: Findings, code: str, start: int, end: int) -> str | None:
    """The codes that one word of a comment names; empty for all of them, None where it is none."""
    try:
        prefix = code_or_prefix(code) if code else ""
    except UnknownCodeError as error:
        about.report("CC902", str(error), start, end, "write a code: CC401", "warning")
        return None
    if prefix not in ALWAYS:
        return prefix
    message = f"{prefix} cannot be silenced: with it, nothing of a file could be checked"
    about.report("CC902", message, start, end, "remove it", "warning")
    return None


def _item_below(text: SourceText, above: int) -> tuple[int, int]:
    """The lines of the item below the line of a comment: the next, and those indented below it."""
    end = text.position(len(text.content))[0]
    number = above + 1
    while number <= end and text.line(number).strip()[:1] in ("", "#"):
        number += 1
    if number > end:
        return LAST, LAST
    first = text.line(number)
    indent = len(first) - len(first.lstrip())
    item = first.lstrip().startswith("- ")
    last = number
    for following in range(number + 1, end + 1):
        line = text.line(following)
        words = line.strip()
        if words[:1] in ("", "#"):
            continue
        depth = len(line) - len(line.lstrip())
        if depth > indent or (depth == indent and not item and words.startswith("- ")):
            last = following
        else:
            break
    return number, last
