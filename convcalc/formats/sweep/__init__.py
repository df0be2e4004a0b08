"""What the formats of `convcalc sweep` share: the words around its tables, and their cells."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.formats import Format
from convcalc.formats.diagnostics import printable
from convcalc.numbers import grouped, megabytes, plural, scaled
from convcalc.sweeps.job import Job
from convcalc.sweeps.kept import Groups, has_sizes, rank_of, values_by_size
from convcalc.sweeps.measures import MEASURES
from convcalc.sweeps.names import listed_names
from convcalc.sweeps.report import SweepReport
from convcalc.sweeps.values import typed
from convcalc.sweeps.where import named

SWEEP_FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "table": Format("The front, the best and what is invalid, as wide as needed.", "text"),
        "plain": Format("The same as aligned text, for pipes and files.", "text"),
        "json": Format("The same for programs, stable; see docs/sweep.schema.json.", "values"),
        "csv": Format("One row a design that is left, as they come, and nothing else.", "rows"),
    }
)
"""The formats of `sweep`, by name."""
MOST_REASONS = 20
"""Reasons for invalid designs that are listed; JSON has all of them."""
MOST_SPOILT = 8
"""Values of axes, or stretches of them, that are listed because all their designs are invalid."""
MOST_ROWS = 40
"""Networks of a front that a table shows; JSON has all of them."""
_TITLES = {"macs": "MACs", "flops": "FLOPs"}


class Table(NamedTuple):
    """Networks as cells."""

    title: str
    """What stands above the table, in a sentence."""
    names: list[str]
    """What each column is of, no two alike, as files of rows call it; of how many designs ""."""
    head: list[str]
    """The titles of the columns."""
    right: list[bool]
    """Whether each column is aligned to the right, as numbers are."""
    rows: list[list[str]]
    """The cells, a list a network."""
    front: bool = False
    """Whether they are those of the front."""
    more: str = ""
    """What is said of those that are not shown; empty where all are."""


def title(result: SweepReport) -> str:
    """What is swept, and how much of it there is."""
    job = result.job
    space = job.space
    axes = ", ".join(
        f"{axis.name} ({'worked out' if axis.worked else f'{len(axis.texts):,}'})"
        for axis in space.axes
    )
    many = plural(space.combinations, "design")
    if space.sample is not None:
        many = f"a sample of {space.designs:,} of {many}"
    return f"{printable(job.subject.name)}: {many} of {axes}"


def summary(result: SweepReport) -> list[str]:
    """How many designs are left, and why others are not, in sentences."""
    asked = result.job.asked["where"]
    lines = []
    if not result.whole:
        done, all_of_them = result.done, result.job.space.designs
        lines.append(f"Interrupted: {done:,} of {all_of_them:,} designs are worked out.")
    invalid = result.invalid_designs
    said = f"{plural(result.left, 'design')} {'is' if result.left == 1 else 'are'} valid"
    if asked is not None:
        meets = "meets" if result.left == 1 else "meet"
        said = f"{plural(result.left, 'design')} {meets} {printable(' '.join(asked.split()))}"
    if invalid:
        said += f"; {invalid:,} {'is' if invalid == 1 else 'are'} invalid"
    return [*lines, f"{said}."]


def reasons(result: SweepReport) -> Iterator[list[str]]:
    """Why designs are invalid: how many, the code, the place, what is wrong, and an example."""
    for each in result.invalid[:MOST_REASONS]:
        example = named(result.job.space, each.example)
        yield [
            f"{each.designs:,}",
            each.code or "-",
            printable(each.where),
            printable(each.message),
            f"at {printable(example)}",
        ]


def further(result: SweepReport) -> list[str]:
    """What is said below the reasons, in sentences."""
    lines = []
    more = len(result.invalid) - MOST_REASONS
    if more > 0:
        lines.append(f"{more:,} more reasons; json has all of them.")
    spoilt = [*_spoilt(result)]
    if spoilt:
        shown = ", ".join(spoilt[:MOST_SPOILT])
        more = len(spoilt) - MOST_SPOILT
        rest = f" and {more:,} more; json has all of them" if more > 0 else ""
        lines.append(f"Every design that was worked out is invalid with {shown}{rest}.")
    elif result.invalid and not any(valid.any() for valid in result.valid):
        lines.append("Every design that was worked out is invalid.")
    return lines


def _spoilt(result: SweepReport) -> Iterator[str]:
    """Values of axes of which every design is invalid; neighbours as a stretch: `width=3..9`."""
    for axis, codes in result.spoilt_codes:
        texts = [printable(text) for text in values_by_size(axis)]
        runs: list[list[int]] = []
        for place in sorted(rank_of(axis)[codes].tolist()):
            if runs and place == runs[-1][-1] + 1 and has_sizes(axis):
                runs[-1].append(place)
            else:
                runs.append([place])
        for run in runs:
            if len(run) > 2:
                yield f"{axis.name}={texts[run[0]]}..{texts[run[-1]]}"
            else:
                yield from (f"{axis.name}={texts[place]}" for place in run)


def tables(result: SweepReport, most: int | None = MOST_ROWS) -> Iterator[Table]:
    """The front, where one is asked for, `most` rows of it, and the best."""
    keeper = result.job.keeper
    if result.front is not None:
        goals = _ends(keeper.goals)
        count, designs = len(result.front.count), int(result.front.count.sum())
        many = plural(count, "network") + (
            f" of {plural(designs, 'design')}" if designs != count else ""
        )
        cut = most is not None and count > most
        more = f"{count - (most or 0):,} more; json has all of them." if cut else ""
        on = "is" if count == 1 else "are"
        head = f"The front of {goals}: {many} {on} on it"
        yield networks(result, result.front, f"{head}.", most=most)._replace(more=more, front=True)
    if result.best is not None:
        count = len(result.best.count)
        by = f"by {_ends(keeper.sort)}" if keeper.sort else "in the order of the designs"
        yield networks(
            result, result.best, f"The first {count:,} {by}." if count > 1 else "The first."
        )


def letters(result: SweepReport, width: int | None = None) -> list[str]:
    """The front as points in letters; nothing where there is too little on it to see.

    It is at most `width` characters wide where that can be.
    """
    from convcalc.formats.sweep.picture import text  # which few sweeps have one for

    return text(result, width)


def spare(job: Job) -> list[str]:
    """Columns that a narrow table can do without, the first to go first.

    These are what nobody asked for, and then what is only held against a condition.
    """
    asked = {name for name, _ in (*job.keeper.goals, *job.keeper.sort)}
    if job.asked["columns"] is not None:
        asked |= {*listed_names(job.asked["columns"], "columns")}
    others = [name for name in reversed(job.shown) if name not in asked]
    return sorted(others, key=lambda name: name in job.where.names)


def _ends(ends: tuple[tuple[str, bool], ...]) -> str:
    return ", ".join(f"-{name}" if most else name for name, most in ends)


def networks(result: SweepReport, groups: Groups, said: str, most: int | None = None) -> Table:
    """Networks as a table: their axes, what was worked out, and how many designs give each."""
    job = result.job
    rows = groups.rows
    count = len(groups.count) if most is None else min(most, len(groups.count))
    merged = bool((groups.count[:count] > 1).any())
    names = [*job.column_names[1:-1]]  # the number and the digest are no columns here
    head = [axis.name for axis in job.space.axes] + [heading(job, name) for name in job.shown]
    right = [*([True] * len(head))]
    ordered = [values_by_size(axis) for axis in job.space.axes]
    cells = []
    for row in range(count):
        own = []
        for values, least, greatest in zip(ordered, groups.least, groups.greatest, strict=True):
            first, last = values[int(least[row])], values[int(greatest[row])]
            own.append(printable(first if first == last else f"{first}..{last}"))
        own += [cell(job, name, rows.columns[name][row]) for name in job.shown]
        if merged:
            own.append(grouped(int(groups.count[row])))
        cells.append(own)
    if merged:
        names.append("")
        head.append("Designs")
        right.append(True)
    return Table(said, names, head, right, cells)


def heading(job: Job, name: str) -> str:
    """What stands above a column: a measure of one name in words, anything else as it is asked."""
    if name not in MEASURES or job.names.measure(name) is None:
        return name
    words = _TITLES.get(name, name)
    return words[:1].upper() + words[1:].replace("_", " ")


def form(job: Job, name: str) -> str:
    """How the numbers of a column are written: `scaled`, `bytes` or `count`, or as `text`."""
    measure = job.names.measure(name)
    if measure is None:
        return "text"
    if measure.unit == "bytes":
        return "bytes"
    return "scaled" if name in ("macs", "flops") else "count"


def cell(job: Job, name: str, value: Any) -> str:
    """A number as people read it."""
    plain = value.item() if hasattr(value, "item") else value
    return _WRITERS[form(job, name)](plain)


def _text(plain: Any) -> str:
    return printable(typed(plain))


_WRITERS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {"text": _text, "bytes": megabytes, "scaled": scaled, "count": grouped}
)
