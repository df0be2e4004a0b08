"""What a card shows of each spec: what it takes, how much of its budget, and what became of it."""

import os
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from convcalc.analysis import analyze
from convcalc.analysis.compare import Comparison, compare
from convcalc.analysis.report import Report
from convcalc.checks.files import left_out
from convcalc.checks.promises import Used, used
from convcalc.checks.recognition import SUFFIXES, reads_as_spec
from convcalc.checks.revision import Moves, RevisionError, file_at_revision, moves
from convcalc.checks.run import CRASHED, Checked, Task, networks
from convcalc.graph import Network, written_of
from convcalc.spec.bundled import find_bundled
from convcalc.spec.source import Opened, open_spec

Status = Literal["", "new", "gone", "changed", "as it was", "unknown before"]


class Entry(NamedTuple):
    """A spec, or a member of a family, on a card."""

    name: str
    """What it is called: its path, and the member behind `#`."""
    status: Status = ""
    """What became of it since the base; empty where there is no base."""
    report: Report | None = None
    """What it takes, at a batch of 1; None where it is gone, or has errors."""
    peak: int | None = None
    """Bytes that inference takes at its peak."""
    used: tuple[Used, ...] = ()
    """How much of each limit it takes."""
    comparison: Comparison | None = None
    """What is not as it was; None of one that was not there, is not there, or has not changed."""
    was: str = ""
    """What its file was called before; empty where it is called the same."""
    why: str = ""
    """Why it is unknown what it was."""


class Card(NamedTuple):
    """What specs take, and what became of them since a base."""

    entries: tuple[Entry, ...]
    """The specs in the order in which they were checked, then those that are gone."""
    base: str = ""
    """The git revision that they are compared with; empty where they are with none."""


def card(checked: Sequence[Checked], task: Task, paths: Sequence[str], base: str = "") -> Card:
    """What the specs that were checked take, and what became of them since a git revision.

    `paths` are those of the command line, under which specs may be gone since. Raises
    `RevisionError` where git cannot say.
    """
    moved = moves(paths, base) if base else Moves({}, ())
    entries: list[Entry] = []
    for one in checked:
        entries += _entries(one, task, base, moved)
    files = {os.path.relpath(one.path) for one in checked}
    for path in moved.gone:
        if path not in files and path.lower().endswith(SUFFIXES):
            entries += _gone(path, task, base)
    return Card(tuple(entries), base)


def _entries(one: Checked, task: Task, base: str, moved: Moves) -> Iterator[Entry]:
    """A file's entry, or those of the members of a family."""
    opened = one.once.called(one.path) if one.once else open_spec(one.path, find_bundled)
    file = opened.text.path
    if any(item.code == CRASHED for item in one.diagnostics):
        yield Entry(one.path)
        return
    was = moved.renamed.get(os.path.relpath(file), "") if base else ""
    kept = base and one.once is None and os.path.lexists(file)  # git may know it
    before, why = _before(was or file, base) if kept else (None, "")
    old = {name: network for name, network, _ in _networks(before, task)}
    same = before is not None and (before.text.content, before.head) == (
        opened.text.content,
        opened.head,
    )
    settings = task.of(one.path)
    budget = [each for each in settings.budget_for(one.path) if settings.holds(each, one.path)]
    for name, network, _ in networks(opened, written_of(opened, task.shape), task):
        shown = network.path
        earlier = old.pop(name, None)
        status: Status = ""
        if kept and why:
            status = "unknown before"
        elif kept:
            status = "new" if earlier is None else "as it was" if same else "changed"
        if network.errors:
            yield Entry(shown, status, was=was, why=why)
            continue
        comparison, said = None, why
        if status == "changed" and earlier is not None:
            if earlier.errors:
                status, said = "unknown before", "errors before"
            else:
                comparison = compare(earlier, network)
                if not _differs(comparison):
                    status, comparison = "as it was", None
        report = analyze(network)
        yield Entry(
            shown,
            status,
            report=report,
            peak=report.inference_peak,
            used=tuple(used(network, report, budget)),
            comparison=comparison,
            was=was,
            why=said,
        )
    if not opened.preset and not opened.problems:  # other members were not asked for
        yield from (Entry(f"{file}#{name}" if name else file, "gone") for name in old)


def _before(file: str, base: str) -> tuple[Opened | None, str]:
    """A file as it was, if it was there, and why that is unknown, if it is."""
    try:
        return file_at_revision(file, base), ""
    except RevisionError as error:  # it was a folder, or is in no repository
        return None, str(error)


def _networks(opened: Opened | None, task: Task) -> Iterator[tuple[str, Network, object]]:
    """The networks of a spec as it was; none where there was none."""
    if opened is not None:
        yield from networks(opened, written_of(opened, task.shape), task)


def _differs(comparison: Comparison) -> bool:
    """Whether a change of the text is one of the network."""
    totals = any(delta.difference for delta in comparison.totals)
    old, new = comparison.old, comparison.new
    return bool(totals or comparison.changes or (old.given, old.made) != (new.given, new.made))


def _gone(path: str, task: Task, base: str) -> Iterator[Entry]:
    """The entry of a file that is gone, if it was a spec that would have been checked."""
    before, _ = _before(path, base)
    if before is None or not reads_as_spec(before.text.content):
        return
    if task.configurations is None or not left_out(os.path.abspath(path), task.configurations):
        yield Entry(path, "gone")
