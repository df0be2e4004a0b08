"""A card for a pull request, in Markdown: what specs take, what changed, and what was found."""

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape

from convcalc.analysis.compare import Comparison
from convcalc.checks.card import Card, Entry
from convcalc.checks.promises import Used
from convcalc.checks.report import CheckReport, rank
from convcalc.diagnostics import Diagnostic
from convcalc.formats.check import said
from convcalc.formats.check.text import counts
from convcalc.formats.columns import UNKNOWN
from convcalc.formats.diagnostics import printable, tally
from convcalc.formats.diff import percent
from convcalc.formats.diff.markdown import counts as layer_counts
from convcalc.formats.diff.markdown import layers
from convcalc.formats.markdown import escaped, table
from convcalc.numbers import grouped, megabytes, plural, scaled

MOST = 60_000
"""Characters; a comment takes 65,536, and whoever writes one may put something above."""
MAX_ROWS = 50
"""Networks that are listed."""
MAX_LAYERS = 200
"""Layers that are listed of a network."""
MAX_FINDINGS = 50
"""Findings that are listed."""

HEAD = ("Spec", "Parameters", "MACs", "Peak of inference", "Budget used")
_RULE = (":--", "--:", "--:", "--:", ":--")
_LEFT_OUT = "*The rest is left out: a comment takes no more.*"
_COMMIT = re.compile("[0-9a-f]{40,64}")
_SIGNS = re.compile(r"""[\\|`*_~<>&\[\]"']""")


def render(report: CheckReport, *, color: bool = False) -> str:
    """The card, ending in a newline, and never longer than a comment may be.

    Specs that are not as they were come first; layers and findings are folded.
    """
    del color
    text = f"### convcalc\n\n{escaped(counts(report))}\n"
    for part in _parts(report.card or Card(()), report):
        if len(text) + len(part) + len(_LEFT_OUT) + 3 > MOST:
            return f"{text}\n{_LEFT_OUT}\n"
        text += f"\n{part}\n"
    return text


def _parts(card: Card, report: CheckReport) -> Iterator[str]:
    """What stands below the heading, each part whole by itself."""
    same = [entry for entry in card.entries if entry.status == "as it was"]
    moved = [entry for entry in card.entries if entry.status != "as it was"]
    shown, folded = (moved, same) if moved else (same[:MAX_ROWS], same[MAX_ROWS:])
    if card.base:
        what = "Changes are those" if moved else "No network changed"
        yield f"{what} since {_code(_short(card.base))}."
    if shown:
        yield _table(shown[:MAX_ROWS])
    if len(shown) > MAX_ROWS:
        yield f"… and {plural(len(shown) - MAX_ROWS, 'network')} more."
    if report.diagnostics:
        yield _findings(report.diagnostics)
    for entry in shown[:MAX_ROWS]:
        if entry.comparison is not None and entry.comparison.changes:
            lines = layers(entry.comparison, MAX_LAYERS)
            yield _folded(f"{entry.name}, layers: {layer_counts(entry.comparison)}", lines)
        elif entry.report is not None and entry.comparison is None:
            lines = table(entry.report, most=MAX_LAYERS)
            yield _folded(f"{entry.name}, {plural(len(entry.report.layers), 'layer')}", lines)
    if folded:
        more = len(folded) - MAX_ROWS
        lines = ["", f"… and {plural(more, 'network')} more."] if more > 0 else []
        title = f"{plural(len(folded), 'network')} as before"
        yield _folded(title, [_table(folded[:MAX_ROWS]), *lines])


def _folded(title: str, lines: Sequence[str], *, opened: bool = False) -> str:
    head = f"<details{' open' if opened else ''}><summary>{escape(printable(title))}</summary>"
    return "\n".join([head, "", *lines, "", "</details>"])


def _table(entries: Sequence[Entry]) -> str:
    rows = [[_name(entry), *_figures(entry)] for entry in entries]
    return "\n".join(["| " + " | ".join(cells) + " |" for cells in (HEAD, _RULE, *rows)])


def _name(entry: Entry) -> str:
    """What an entry is called, and in words what became of it."""
    words: list[str] = []
    if entry.status in ("new", "gone"):
        words.append(entry.status)
    if entry.was:
        words.append(f"was {_code(entry.was)}")
    if entry.report is None and entry.status != "gone":
        words.append("errors")
    if entry.why:
        words.append(escaped(printable(entry.why)))
    return _code(entry.name) + (f"<br>*{', '.join(words)}*" if words else "")


def _figures(entry: Entry) -> list[str]:
    """The other cells of an entry's row."""
    report, comparison = entry.report, entry.comparison
    if report is None or entry.peak is None:
        return [*["–" if entry.status == "gone" else UNKNOWN] * 3, ""]
    totals = report.totals
    return [
        _figure(totals.known("parameters"), grouped, comparison, "parameters"),
        _figure(totals.known("macs"), scaled, comparison, "macs"),
        _figure(entry.peak, megabytes, comparison, "memory"),
        "<br>".join(map(_used, entry.used)),
    ]


def _figure(
    value: int, shown: Callable[[int], str], comparison: Comparison | None, name: str
) -> str:
    """A total, and below it how much more that is than before."""
    delta = comparison.total(name) if comparison is not None else None
    if delta is None or not delta.difference:
        return shown(value)
    sign = "+" if delta.difference > 0 else "−"
    share = f" ({percent(delta)})" if delta.old else ""
    return f"{shown(value)}<br>{sign}{shown(abs(delta.difference))}{share}"


def _used(one: Used) -> str:
    """How much of a limit is used: `parameters 87.0% of 100,000`, in bold where it is exceeded."""
    over = one.value > one.limit
    share = f"{one.share:.1%}" if one.limit or not one.value else "more"
    if over and share == "100.0%":
        share = "over 100%"
    limit = megabytes(one.limit) if one.memory else grouped(one.limit)
    text = f"{one.noun} {share} of {limit}"
    return f"**{text}**" if over else text


def _findings(diagnostics: Sequence[Diagnostic]) -> str:
    """The findings, the gravest first, open where some are errors."""
    listed = sorted(diagnostics, key=rank)
    lines = [_finding(each) for each in listed[:MAX_FINDINGS]]
    if len(listed) > MAX_FINDINGS:
        lines += ["", f"… and {plural(len(listed) - MAX_FINDINGS, 'finding')} more."]
    errors = any(each.severity == "error" for each in listed)
    return _folded(f"Findings: {tally(listed)}", lines, opened=errors)


def _finding(one: Diagnostic) -> str:
    """A finding as an item of a list, with what to do where that is known."""
    message = escaped(printable(said(one)))
    advice = f"<br>help: {escaped(printable(one.help))}" if one.help else ""
    return f"- **{one.severity}** {_code(_place(one))} {one.code}: {message}{advice}"


def _place(diagnostic: Diagnostic) -> str:
    return diagnostic.where if diagnostic.span else diagnostic.path


def _code(text: str) -> str:
    """A name as code: nothing in it is Markdown, a mention, or the number of an issue."""
    return f"<code>{_SIGNS.sub(lambda match: f'&#{ord(match[0])};', printable(text))}</code>"


def _short(revision: str) -> str:
    """A revision, of a commit's hash the beginning."""
    return revision[:12] if _COMMIT.fullmatch(revision) else revision
