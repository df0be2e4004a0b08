"""The front as points over its first two goals: in letters, and as a picture."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from convcalc.formats.diagnostics import printable
from convcalc.formats.sweep import cell, heading
from convcalc.pictures.scatter import Dot, Side, letters
from convcalc.pictures.scatter import scene as scatter
from convcalc.pictures.scene import Scene
from convcalc.sweeps.job import Job
from convcalc.sweeps.kept import Groups, values_by_size
from convcalc.sweeps.report import SweepReport

FEWEST = 3
"""Networks on a front of which a picture in letters says something."""


def render(report: SweepReport, link: Callable[[int], str] | None = None) -> Scene | None:
    """The picture; None where there is no front, or nothing on it.

    `link` says where the point of a design leads, by its number.
    """
    if report.front is None:
        return None
    goals = report.job.keeper.goals
    names = ", ".join(f"-{name}" if most else name for name, most in goals)
    notes = [f"Front of {names}; less is better, and more of what stands behind a hyphen."]
    if len(goals) > 2:
        notes.append("Over the first two goals; a line joins the front of these two alone.")
    across, up = sides(report)[:2]
    title = f"{printable(report.job.subject.name)}: {across.name} and {up.name}"
    return scatter(title, across, up, [*_dots(report, link)], notes)


def text(report: SweepReport, width: int | None = None) -> list[str]:
    """The same in letters; nothing where there is too little on the front to see.

    It is at most `width` characters wide where that can be.
    """
    if report.front is None or len(report.front.count) < FEWEST:
        return []
    across, up = sides(report)[:2]
    return letters(across, up, [*_dots(report)], most=width)


def sides(report: SweepReport) -> list[Side]:
    """What stands along a side of the picture, for each goal."""
    job = report.job
    return [Side(heading(job, name), _shown(job, name), most) for name, most in job.keeper.goals]


def _shown(job: Job, name: str) -> Callable[[float], str]:
    def shown(value: float) -> str:
        whole = float(value).is_integer() and abs(value) < 2**53
        return cell(job, name, int(value)) if whole else f"{value:.4g}"

    return shown


def _dots(report: SweepReport, link: Callable[[int], str] | None = None) -> Iterator[Dot]:
    """The networks that are kept, those on the front first, each once."""
    seen: set[int] = set()
    ordered = list(map(values_by_size, report.job.space.axes))
    for groups, front in ((report.front, True), (report.best, False)):
        if groups is not None:
            for row, number in enumerate(groups.rows.numbers.tolist()):
                if number not in seen:
                    seen.add(number)
                    dot = _dot(report, groups, row, ordered, front=front)
                    yield dot if link is None else dot._replace(link=link(number))


def _dot(
    report: SweepReport, groups: Groups, row: int, ordered: Sequence[Sequence[str]], *, front: bool
) -> Dot:
    """A network; `ordered` has the values of each axis by size."""
    job = report.job
    values = [_plain(groups.rows.columns[name][row]) for name, _ in job.keeper.goals]
    named = []
    for axis, texts, least, greatest in zip(
        job.space.axes, ordered, groups.least, groups.greatest, strict=True
    ):
        first, last = texts[int(least[row])], texts[int(greatest[row])]
        named.append(f"{axis.name}={first if first == last else f'{first}..{last}'}")
    figures = [
        f"{name} {cell(job, name, value)}"
        for (name, _), value in zip(job.keeper.goals, values, strict=True)
    ]
    return Dot(values[0], values[1], front, printable(f"{', '.join(named)}: {', '.join(figures)}"))


def _plain(value: Any) -> float:
    plain: float = value.item() if hasattr(value, "item") else value
    return plain
