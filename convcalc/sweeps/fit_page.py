"""What `fit` found, as a page: the answer, its neighbours, and how far the search went."""

from collections.abc import Iterator
from typing import Any

from convcalc.diagnostics import listed
from convcalc.explanation.page import Page, Part, Section, Table
from convcalc.numbers import both_bytes, grouped, plural
from convcalc.sweeps.fit import ALL, SCHEMA, Fitted, Tried
from convcalc.sweeps.measures import read_measure

MOST_REASONS = 5
"""Reasons of invalid values that are shown; JSON has them all."""


def page_of_fit(found: Fitted) -> Page:
    """The page of what was found."""
    parts = [_answer(found), *_table(found), *_alike(found), *_broken(found), *_searched(found)]
    title = f"{found.name}: {found.axis} with {_wanted(found)}"
    sections = [Section("", tuple(parts)), *_invalid(found)]
    return Page(title, tuple(sections), data(found), answered=found.answer is not None)


def text(found: Fitted) -> str:
    """The page as plain text."""
    return f"{page_of_fit(found)}\n"


def json(found: Fitted) -> str:
    """The page's data as JSON."""
    return page_of_fit(found).to_json()


def _words(name: str) -> str:
    """What a measure is called in a sentence."""
    return {"macs": "MACs", "flops": "FLOPs"}.get(name) or name.replace("_", " ")


def _wanted(found: Fitted) -> str:
    if found.nearest is not None:
        name, figure = found.nearest
        return f"{_words(name)} nearest to {_figure(name, figure)}"
    return listed(
        [
            f"{_words(name)} {limit.text if limit.minimum is not None else _most(limit.text)}"
            for name, limit in found.limits.items()
        ]
    )


def _most(text: str) -> str:
    return text if text[:1] in "<≤" else f"≤ {text}"


def _figure(name: str, value: int) -> str:
    if read_measure(name).unit == "bytes":
        return f"{grouped(value)} B" + (f", {both_bytes(value)}" if value >= 1000 else "")
    return grouped(value)


def _answer(found: Fitted) -> str:
    if found.answer is None:
        if found.closest is None:
            return f"No {found.axis} that was tried is valid."
        last = f"the one that comes closest is {found.closest.value}"
        return f"No {found.axis} that was tried has {_wanted(found)}; {last}."
    value = f"{found.axis} {found.answer.value}"
    if found.nearest is not None:
        return f"{value} is the nearest."
    ends = "" if found.above is not None else ", the end of the range: more may hold"
    return f"{value} is the largest{ends}."


def _table(found: Fitted) -> Iterator[Table]:
    """The answer between its neighbours."""
    shown = found.answer or found.closest
    if shown is None:
        return
    names = [*shown.figures]
    around = (found.below, found.answer, found.above) if found.answer else (found.closest,)
    rows = [tried for tried in around if tried is not None]
    cells = [
        (
            f"→ {tried.value}" if tried is found.answer else tried.value,
            *(_figure(name, tried.figures[name]) if tried.figures else "–" for name in names),
            _verdict(found, tried),
        )
        for tried in rows
    ]
    heads = (found.axis, *(_words(name)[:1].upper() + _words(name)[1:] for name in names), "")
    yield Table(heads, tuple(cells), frozenset(range(len(names) + 1)))


def _verdict(found: Fitted, tried: Tried) -> str:
    """What is to be said of a value: how far away it is, or by how much it breaks a limit."""
    if not tried.figures:
        return f"{tried.code} {tried.problem}".strip()
    if found.nearest is not None:
        name, figure = found.nearest
        away = tried.figures[name] - figure
        return "exactly" if not away else f"{away:+,}"
    broken = []
    for name, limit in found.limits.items():
        value = tried.figures[name]
        if limit.maximum is not None and value > limit.maximum:
            broken.append(f"{_words(name)} {value - limit.maximum:,} over")
        elif limit.minimum is not None and value < limit.minimum:
            broken.append(f"{_words(name)} {limit.minimum - value:,} under")
    return ", ".join(broken) or "holds"


def _alike(found: Fitted) -> Iterator[str]:
    if found.alike is not None:
        first, last = found.alike
        yield f"{found.axis} from {first} to {last} gives the same figures."


def _broken(found: Fitted) -> Iterator[str]:
    if found.broken:
        verb = "does" if found.broken == 1 else "do"
        yield (
            f"{plural(found.broken, 'smaller value')} that {'was' if found.broken == 1 else 'were'}"
            f" tried {verb} not keep the limits."
        )


def _searched(found: Fitted) -> Iterator[Part]:
    """How far the search went, and what that says."""
    wrong = sum(each.values for each in found.invalid)
    invalid = f", {wrong:,} of them invalid" if wrong else ""
    if found.complete:
        count = "The one value" if found.values == 1 else f"All {found.values:,} values"
        yield f"{count} of the range {'was' if found.values == 1 else 'were'} worked out{invalid}."
        return
    yield (
        f"{found.tried:,} of {found.values:,} values were worked out{invalid}, by halving the range"
        f" again and again, because more than {ALL:,} are not all worked out."
    )
    if found.monotone:
        yield (
            "Over these every figure only rises, or only falls; if one does not in between, "
            "another value may be the answer."
        )
    else:
        yield (
            "Over these a figure both rises and falls, so another value may be the answer: give a "
            f"range of at most {ALL:,} values, all of which are worked out."
        )


def _invalid(found: Fitted) -> Iterator[Section]:
    """Why values are invalid."""
    if not found.invalid:
        return
    shown = found.invalid[:MOST_REASONS]
    rows = tuple(
        (f"{each.values:,}", each.code, each.where, f"{found.axis} {each.example}", each.problem)
        for each in shown
    )
    parts: list[Part] = [
        Table(("Values", "Code", "Where", "The first", "What is wrong with it"), rows)
    ]
    if len(found.invalid) > len(shown):
        parts.append(f"… and {len(found.invalid) - len(shown):,} more reasons.")
    yield Section("Invalid", tuple(parts))


def data(found: Fitted) -> dict[str, Any]:
    """Everything, as JSON has it."""
    nearest = None
    if found.nearest is not None:
        name, figure = found.nearest
        nearest = {"name": name, "figure": figure}
    return {
        "schema": SCHEMA,
        "name": found.name,
        "spec": found.path,
        "axis": found.axis,
        "limits": {
            name: {"minimum": limit.minimum, "maximum": limit.maximum}
            for name, limit in found.limits.items()
        },
        "nearest": nearest,
        "answer": _tried(found.answer),
        "below": _tried(found.below),
        "above": _tried(found.above),
        "closest": _tried(found.closest),
        "values": found.values,
        "tried": found.tried,
        "complete": found.complete,
        "monotone": found.monotone,
        "broken": found.broken,
        "alike": list(found.alike) if found.alike else None,
        "invalid": [each._asdict() for each in found.invalid],
    }


def _tried(tried: Tried | None) -> dict[str, Any] | None:
    if tried is None:
        return None
    value = tried._asdict()
    return {**value, "figures": dict(tried.figures) or None}
