"""Check one file, or many files in several processes."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from convcalc.checks.codes import ALWAYS, Selection
from convcalc.checks.configuration import Configurations
from convcalc.checks.ignores import silence
from convcalc.checks.settings import Limit, Settings
from convcalc.diagnostics import Diagnostic, Place, Span
from convcalc.findings import Findings, in_order
from convcalc.graph import Network, Written, network_of, written_of
from convcalc.graph.places import diagnose
from convcalc.rules import RULES, advice
from convcalc.shape import Shape
from convcalc.spec.bundled import find_bundled
from convcalc.spec.nodes import Map, Value
from convcalc.spec.promises import DEVICE, Promise, Promises, promise_code
from convcalc.spec.source import Opened, open_spec
from convcalc.spec.text import SourceText
from convcalc.spec.tree import Spec

UNNAMED = "CC505"
"""A layer of that name is not there."""
CRASHED = "CC100"
"""A file that convcalc itself failed on."""
CHUNK = 16
"""Files that a process is given at once."""
WORTH_PROCESSES = 48
"""Files from which on several processes are faster than one."""


class Task(NamedTuple):
    """What a run is told."""

    settings: Settings = Settings()
    """Those of the working folder."""
    shape: Shape | Mapping[str, Shape] | None = None
    """An input shape instead of the specs' own, of several some by name."""
    parameters: Mapping[str, str | Value] = {}
    """Values for parameters of the specs."""
    filename: str | None = None
    """What standard input is called."""
    configurations: Configurations | None = None
    """The settings file by file, where they may differ."""
    mark_fixable: bool = False
    """Whether it is found out of each finding whether `--fix` would mend it, by trying."""

    def of(self, path: str) -> Settings:
        """The settings for a file."""
        return self.settings if self.configurations is None else self.configurations.of(path)


class Checked(NamedTuple):
    """What came of one file."""

    path: str
    """The file as it was named, or what standard input is called."""
    diagnostics: tuple[Diagnostic, ...]
    """What is reported of it, the members of a family included."""
    skipped: int = 0
    """Errors that are not selected or are silenced, and kept the rest from being looked at."""
    left_out: int = 0
    """Promises that were not looked at, because their codes are not selected."""
    unheld: tuple[str, ...] = ()
    """Limits that hold whatever is selected, and could not be looked at because of errors that
    nobody sees."""
    waiting: tuple[str, ...] | None = None
    """The same limits, whether somebody sees the errors or not; None where there are none that
    keep anything from being looked at."""
    known: int = 0
    """Those of the reported errors that the baseline knows, and that kept the rest from being
    looked at."""
    complete: str = ""
    """The last stage of codes that was looked at; empty where the file could not be read, or was
    not checked as it is written."""
    errors: tuple[tuple[str, Diagnostic], ...] = ()
    """The errors of each member of a family, whether they are reported or silenced or not; a spec
    that is no family is the member ""."""
    once: Opened | None = None
    """What standard input held, which can be read once; None for a file."""

    def looked_for(self, code: str, settings: Settings) -> bool:
        """Whether a finding of this code would have been reported."""
        if code[:3] > self.complete or any(item.code in ALWAYS for item in self.diagnostics):
            return False
        return settings.selection_for(self.path).includes(code)


def check_file(path: str, task: Task) -> Checked:
    """Everything found in one file; this never raises."""
    name = task.filename if path == "-" and task.filename else path
    try:
        opened = open_spec(path, find_bundled)
        if task.mark_fixable and os.path.isfile(path):  # nothing else is fixed
            from convcalc.checks.fixes import marked

            return marked(opened, task)
        checked = check_opened(opened if name == path else opened.called(name), task)
        return checked._replace(once=opened) if path == "-" else checked
    except (Exception, RecursionError) as error:  # noqa: BLE001 (a crash is one file's, not the run's)
        return Checked(name, (_crash(name, error),))


def check_text(text: SourceText, task: Task) -> Checked:
    """Everything found in one text; see `check_opened`."""
    return check_opened(Opened(text.path, text), task)


def check_opened(opened: Opened, task: Task) -> Checked:
    """Everything found in one spec, members of a family one after the other."""
    text, path = opened.text, opened.text.path
    settings = task.of(path)
    selection = settings.selection_for(path)
    limits = settings.budget_for(path)
    budget = [limit for limit in limits if settings.holds(limit, path)]
    written = written_of(opened, task.shape)
    members = [opened.preset] if opened.preset else _presets(written.spec)
    left_out: set[tuple[str, int]] = set()
    collected: list[list[Diagnostic]] = []
    failed = False
    for _, network, findings in networks(opened, written, task):
        if network.errors:
            failed = True
        else:
            _advise(network, findings, selection)
            left_out |= _verify(network, findings, selection, budget)
            _review(network, findings)
        collected.append(_gathered(network, findings))
    merged = _merged(members, collected)
    # Which promises are looked at was decided before; a limit may hold though not selected.
    chosen = [item for item in merged if item.code[:3] == "CC5" or selection.includes(item.code)]
    whole = not (opened.preset or task.shape or task.parameters)
    kept = silence(text, written.spec, chosen, selection, advised=not failed, whole=whole)
    errors, shown = (
        sum(item.severity == "error" for item in items) if failed else 0 for items in (merged, kept)
    )
    stages = [item.code[:3] for item in merged if item.severity == "error"]
    complete = "" if not whole else min(stages, default="CC9") if failed else "CC9"
    return Checked(
        path,
        tuple(kept),
        skipped=errors - shown,
        left_out=len(left_out) + len(limits) - len(budget),
        unheld=tuple(limit.origin for limit in budget) if failed and not shown else (),
        waiting=tuple(limit.origin for limit in budget) if failed else None,
        complete=complete,
        errors=tuple(
            (member, item)
            for member, items in zip(members or [""], collected, strict=True)
            for item in items
            if item.severity == "error"
        ),
    )


def check_network(network: Network, task: Task) -> Checked:
    """Everything found in a network that was read; see `check_opened`.

    Of one that was made otherwise these are its own findings alone.
    """
    path, written = network.path, network.written
    if written is None:
        return Checked(path, network.diagnostics)
    settings = task.of(path)
    selection = settings.selection_for(path)
    limits = settings.budget_for(path)
    budget = [limit for limit in limits if settings.holds(limit, path)]
    findings = Findings(written.places, network.diagnostics)
    left_out: set[tuple[str, int]] = set()
    if not network.errors:
        _advise(network, findings, selection)
        left_out = _verify(network, findings, selection, budget)
        _review(network, findings)
    gathered = _gathered(network, findings)
    kept = [item for item in gathered if item.code[:3] == "CC5" or selection.includes(item.code)]
    if isinstance(written.places, SourceText):
        advised = not network.errors
        whole = network.made is None or not any(network.made)
        kept = silence(written.places, written.spec, kept, selection, advised=advised, whole=whole)
    return Checked(path, tuple(kept), left_out=len(left_out) + len(limits) - len(budget))


class Member(NamedTuple):
    """A member of a family, or a spec that is none."""

    name: str
    """What the family calls it; empty for a spec that is no family."""
    network: Network
    """What it comes to, with its errors."""
    findings: Findings
    """What was found on the way, to which more may be added."""


def networks(opened: Opened, written: Written, task: Task) -> Iterator[Member]:
    """The network of a spec, or of each member of a family that none is named of."""
    path = opened.text.path
    for member in [opened.preset] if opened.preset else _presets(written.spec) or [""]:
        findings = Findings(written.places, written.findings.diagnostics)
        network = network_of(
            written,
            name=f"{path}#{member}" if member and not opened.preset else opened.name,
            preset=member,
            input=task.shape,
            parameters=task.parameters,
            findings=findings,
        )
        yield Member(member, network, findings)


def _presets(spec: Spec | None) -> list[str]:
    return list(spec.presets) if spec is not None else []


def _advise(network: Network, findings: Findings, selection: Selection) -> None:
    codes: list[str] | None = None
    if any(selection):
        codes = [code for code in RULES if selection.includes(code)]
        if not codes:
            return
    for index, problem in advice(network, codes):
        diagnose(findings, network, index, problem)


def _verify(
    network: Network, findings: Findings, selection: Selection, budget: Sequence[Limit]
) -> set[tuple[str, int]]:
    """Report the promises that are not kept; those that are not looked at, by their places."""
    expect, own = network.promises
    if not (expect or own or budget):
        return set()
    looked_at = Promises(
        tuple(promise for promise in expect if _expected(promise, selection)),
        own
        if not any(selection)
        else tuple(
            promise for promise in own if selection.includes(promise_code(promise, budget=True))
        ),
    )
    kept = {_place(promise) for promise in (*looked_at.expect, *looked_at.budget)}
    left_out = {_place(promise) for promise in (*expect, *own)} - kept
    if not (any(looked_at) or budget):
        return left_out
    from convcalc.checks.promises import broken

    for promise, problem, origin in broken(network._replace(promises=looked_at), budget):
        if origin:
            diagnose(findings, network, None, problem._replace(field=None))
            continue
        # Where a limit cannot be told to be kept, that is found by who selects what is over it.
        code = promise_code(promise, budget=True) if promise.name in DEVICE else problem.code
        if not selection.includes(code) or selection.leaves_out(problem.code):
            continue  # only the name of the layer was looked for
        node = promise.node
        if problem.code == UNNAMED and promise.named is not None:
            node = promise.named
        if isinstance(node, Map) and "limit" in node.entries:
            of_checkpoint = (problem.field or "").endswith(".checkpoint")
            node = node.entries["checkpoint" if of_checkpoint else "limit"]
        findings.add(problem, findings.places.place(node.start, node.end))
    return left_out


def _review(network: Network, findings: Findings) -> None:
    """Report what is wrong with the sweep that a spec asks for."""
    if network.written is None or network.written.spec is None:
        return
    if "sweep" not in network.written.spec.entries:
        return
    from convcalc.sweeps.review import review  # which few specs have

    for problem, node in review(network):
        findings.add(problem, findings.places.place(node.start, node.end))


def _place(promise: Promise) -> tuple[str, int]:
    """What tells a promise from the others of its spec; members of a family may share it."""
    return promise.name, promise.node.start


def _expected(promise: Promise, selection: Selection) -> bool:
    """Whether an expectation is looked at."""
    code = promise_code(promise, budget=False)
    return selection.includes(code) or (promise.layer is not None and selection.includes("CC505"))


def _merged(members: Sequence[str], by_member: Sequence[list[Diagnostic]]) -> list[Diagnostic]:
    """The findings of the members of a family, each place and code once.

    A finding that not all members have says which ones do.
    """
    if not members:
        return by_member[0] if by_member else []
    groups: dict[tuple[str, Place, str | None, int], dict[str, Diagnostic]] = {}
    for member, diagnostics in zip(members, by_member, strict=True):
        counts: Counter[tuple[str, Place, str | None]] = Counter()
        for item in diagnostics:
            key = (item.code, item.place, item.field)
            counts[key] += 1
            groups.setdefault((*key, counts[key]), {})[member] = item
    merged = []
    for group in groups.values():
        first = next(iter(group.values()))
        if len(group) < len(members) or len({item.edits for item in group.values()}) > 1:
            first = first._replace(fix=None, edits=())  # what mends one member may break another
        if len(group) < len(members) or len({item.message for item in group.values()}) > 1:
            rest = f" and {len(group) - 1} more" if len(group) > 1 else ""
            first = first._replace(message=f"{next(iter(group))}{rest}: {first.message}")
        merged.append(first)
    return list(in_order(merged))


def _gathered(network: Network, findings: Findings) -> list[Diagnostic]:
    """The findings, advice about layers written at the same place being one."""
    if not findings.diagnostics:
        return []
    from convcalc.graph.occurrences import located

    groups: dict[tuple[object, ...], list[Diagnostic]] = {}
    for at, item in enumerate(findings.diagnostics):
        alone = item.code[:3] != "CC4" or item.layer is None
        key = (at,) if alone else (item.code, item.place, item.field)
        groups.setdefault(key, []).append(item)
    firsts = [group[0] for group in groups.values()]
    gathered = []
    named = located(network, findings, firsts)
    for group, of_layer in zip(groups.values(), named, strict=True):
        first = of_layer
        others = len({name for item in group for name in findings.layers(item)} - {first.layer})
        if others > 0:
            more = f" (and {others:,} more layer{'s' if others > 1 else ''} written here)"
            first = first._replace(message=first.message + more, built=first.built[:1], alike=0)
        gathered.append(first)
    if not any(item.fix for item in gathered):
        return gathered
    from convcalc.graph.fixes import settled

    return list(settled(network, gathered))


def _crash(path: str, error: BaseException) -> Diagnostic:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = ""
    if trace is not None:
        file = os.path.basename(trace.tb_frame.f_code.co_filename)
        where = f" at {file}:{trace.tb_lineno}"
    text = " ".join(str(error).split())[:200]
    return Diagnostic(
        code=CRASHED,
        severity="error",
        message=f"convcalc failed on this file: {type(error).__name__}{where}: {text}",
        help="please report it, with the file",
        path=path,
        place=Span(1, 1, 1, 2),
        source_line="",
    )


def check_files(
    files: Sequence[str],
    task: Task,
    *,
    jobs: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[Checked]:
    """Check files, in their order; `jobs` is how many processes, as many as useful when None.

    `progress` is told now and then how many files are done.
    """
    if jobs is None:
        jobs = min(_cpus(), 1 + len(files) // WORTH_PROCESSES)
    jobs = min(jobs, max(len(files), 1))
    if jobs > 1 and "-" not in files:
        return _in_processes(files, task, jobs, progress)
    checked = []
    for file in files:
        checked.append(check_file(file, task))
        if progress is not None:
            progress(len(checked))
    return checked


def _cpus() -> int:
    available = getattr(os, "sched_getaffinity", None)  # not everywhere
    return len(available(0)) if available else os.cpu_count() or 1


def _leave_interrupts() -> None:
    """Let Ctrl-C end the run from the process that started it, without a word from the others."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _check_chunk(files: Sequence[str], task: Task) -> list[Checked]:
    return [check_file(file, task) for file in files]


def _in_processes(
    files: Sequence[str], task: Task, jobs: int, progress: Callable[[int], None] | None
) -> list[Checked]:
    from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
    from concurrent.futures.process import BrokenProcessPool

    size = max(1, min(CHUNK, len(files) // jobs))
    chunks = [files[at : at + size] for at in range(0, len(files), size)]
    results: dict[int, list[Checked]] = {}
    pool = ProcessPoolExecutor(jobs, initializer=_leave_interrupts)
    try:
        pending: dict[Future[list[Checked]], int] = {
            pool.submit(_check_chunk, chunk, task): at for at, chunk in enumerate(chunks)
        }
        waiting = set(pending)
        while waiting:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                results[pending[future]] = future.result()
            if progress is not None:
                progress(sum(map(len, results.values())))
    except BrokenProcessPool:  # a process was killed, for memory say; find the file that does it
        for at, chunk in enumerate(chunks):
            if at not in results:
                results[at] = [
                    Checked(file, (_crash(file, MemoryError("its process was ended")),))
                    for file in chunk
                ]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [checked for at in range(len(chunks)) for checked in results[at]]
