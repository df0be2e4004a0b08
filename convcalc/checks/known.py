"""What of the findings of a run its baselines do not know, and what is amiss in those."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from convcalc.checks.baseline import Baseline, Looked, unknown
from convcalc.checks.run import Checked, Task
from convcalc.diagnostics import Diagnostic
from convcalc.numbers import plural


def of_baseline(
    path: str, checked: Sequence[Checked], task: Task
) -> tuple[list[Diagnostic], dict[str, Looked]]:
    """The findings in files of this baseline, and for each file which codes were looked for."""
    group = [one for one in checked if task.of(one.path).baseline == path]
    looked = {one.path: partial(one.looked_for, settings=task.of(one.path)) for one in group}
    return [item for one in group for item in one.diagnostics], {**looked}


def beyond(
    baselines: Mapping[str, Baseline | None], checked: Sequence[Checked], task: Task
) -> list[Diagnostic]:
    """The findings that the baseline of their file does not know, and what is amiss in those."""
    kept = {one.path: list(one.diagnostics) for one in checked}
    stale: list[Diagnostic] = []
    for path, known in baselines.items():
        if known is None:
            continue
        findings, looked = of_baseline(path, checked, task)
        kept |= {file: [] for file in looked}
        first = next(iter(looked), None)
        selection = task.settings.selection if first is None else task.of(first).selection
        for item in unknown(known, findings, looked):
            if item.path in kept:
                kept[item.path].append(item)
            elif selection.includes(item.code):
                stale.append(item)
    return [*(item for items in kept.values() for item in items), *stale]


def seen(checked: Sequence[Checked], findings: Sequence[Diagnostic]) -> list[Checked]:
    """What came of each file, with what nobody sees of it because its baseline knows its errors.

    `findings` are those that are beyond the baselines.
    """
    left = Counter(item.path for item in findings if item.severity == "error")
    made = []
    for one in checked:
        errors = sum(item.severity == "error" for item in one.diagnostics)
        if one.waiting is not None and left[one.path] < errors:
            unheld = one.unheld if left[one.path] else one.waiting
            one = one._replace(known=errors - left[one.path], unheld=unheld)  # noqa: PLW2901
        made.append(one)
    return made


def graver(diagnostics: Sequence[Diagnostic]) -> list[Diagnostic]:
    """The findings with warnings as errors, for `strict`."""
    return [
        item._replace(severity="error") if item.severity == "warning" else item
        for item in diagnostics
    ]


def unseen(checked: Sequence[Checked]) -> list[str]:
    """Where errors that are not reported kept the rest from being looked at, in words."""
    notes = []
    for one in checked:
        if one.skipped:
            errors = plural(one.skipped, "error")
            notes.append(
                f"{one.path} has {errors} of codes not selected or silenced; advice and promises "
                "need a valid spec and were not looked at"
            )
        if one.known:
            errors = plural(one.known, "error")
            notes.append(
                f"{one.path} has {errors} that the baseline knows; advice and promises need a "
                "valid spec and were not looked at"
            )
        if one.unheld:
            limits = ", ".join(dict.fromkeys(one.unheld))
            notes.append(f"{one.path}: whether it keeps to {limits} is not known")
    return notes
