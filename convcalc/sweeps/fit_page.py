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


def page_of_fit(fitted: Fitted) -> Page:
    """The page of what was found."""
    parts = [
        _answer(fitted),
        *_table(fitted),
        *_alike(fitted),
        *_broken(fitted),
        *_searched(fitted),
    ]
    title = f"{fitted.name}: {fitted.axis} with {_wanted(fitted)}"
    sections = [Section("", tuple(parts)), *_invalid(fitted)]
    return Page(title, tuple(sections), data(fitted), answered=fitted.answer is not None)


def text(fitted: Fitted) -> str:
    """The page as plain text."""
    return f"{page_of_fit(fitted)}\n"


def json(fitted: Fitted) -> str:
    """The page's data as JSON."""
    return page_of_fit(fitted).to_json()


def _words(name: str) -> str:
    """What a measure is called in a sentence."""
    if "." in name:  # which is asked for so, with the name of a layer or GPU
        return name
    return {"macs": "MACs", "flops": "FLOPs"}.get(name) or name.replace("_", " ")


def _wanted(fitted: Fitted) -> str:
    if fitted.nearest is not None:
        name, figure = fitted.nearest
        return f"{_words(name)} nearest to {_figure(name, figure)}"
    return listed(
        [
            f"{_words(name)} {limit.text if limit.minimum is not None else _most(limit.text)}"
            for name, limit in fitted.limits.items()
        ]
    )


def _most(text: str) -> str:
    return text if text[:1] in "<≤" else f"≤ {text}"


def _figure(name: str, value: int) -> str:
    if read_measure(name).unit == "bytes":
        return f"{grouped(value)} B" + (f", {both_bytes(value)}" if value >= 1000 else "")
    return grouped(value)


def _answer(fitted: Fitted) -> str:
    if fitted.answer is None:
        if fitted.closest is None:
            return f"No {fitted.axis} that was tried is valid."
        last = f"the one that comes closest is {fitted.closest.value}"
        return f"No {fitted.axis} that was tried has {_wanted(fitted)}; {last}."
    value = f"{fitted.axis} {fitted.answer.value}"
    tried = "" if fitted.unseen is None else " that was tried"
    if fitted.nearest is not None:
        return f"{value} is the nearest{tried}."
    ends = "" if fitted.above is not None else ", the end of the range: more may hold"
    return f"{value} is the largest{tried}{ends}."


def _table(fitted: Fitted) -> Iterator[Table]:
    """The answer between its neighbours."""
    shown = fitted.answer or fitted.closest
    if shown is None:
        return
    names = [*shown.figures]
    around = (fitted.below, fitted.answer, fitted.above) if fitted.answer else (fitted.closest,)
    rows = [tried for tried in around if tried is not None]
    cells = [
        (
            f"→ {tried.value}" if tried is fitted.answer else tried.value,
            *(_figure(name, tried.figures[name]) if tried.figures else "–" for name in names),
            _verdict(fitted, tried),
        )
        for tried in rows
    ]
    heads = (fitted.axis, *(_words(name)[:1].upper() + _words(name)[1:] for name in names), "")
    yield Table(heads, tuple(cells), frozenset(range(len(names) + 1)))


def _verdict(fitted: Fitted, tried: Tried) -> str:
    """What is to be said of a value: how far away it is, or by how much it breaks a limit."""
    if not tried.figures:
        return f"{tried.code} {tried.problem}".strip()
    if fitted.nearest is not None:
        name, figure = fitted.nearest
        away = tried.figures[name] - figure
        return "exactly" if not away else f"{away:+,}"
    broken = []
    for name, limit in fitted.limits.items():
        value = tried.figures[name]
        if limit.maximum is not None and value > limit.maximum:
            broken.append(f"{_words(name)} {value - limit.maximum:,} over")
        elif limit.minimum is not None and value < limit.minimum:
            broken.append(f"{_words(name)} {limit.minimum - value:,} under")
    return ", ".join(broken) or "holds"


def _alike(fitted: Fitted) -> Iterator[str]:
    if fitted.alike is not None:
        first, last = fitted.alike
        yield f"{fitted.axis} from {first} to {last} gives the same figures."


def _broken(fitted: Fitted) -> Iterator[str]:
    if fitted.broken:
        tried, keep = ("was", "does") if fitted.broken == 1 else ("were", "do")
        count = plural(fitted.broken, "smaller value")
        yield f"{count} that {tried} tried {keep} not keep the limits."


def _searched(fitted: Fitted) -> Iterator[Part]:
    """How far the search went, and what that says."""
    wrong = sum(each.values for each in fitted.invalid)
    invalid = f", {wrong:,} of them invalid" if wrong else ""
    if fitted.complete:
        count = "The one value" if fitted.values == 1 else f"All {fitted.values:,} values"
        yield f"{count} of the range {'was' if fitted.values == 1 else 'were'} worked out{invalid}."
        return
    yield (
        f"{fitted.tried:,} of {fitted.values:,} values were worked out{invalid}, by halving the "
        f"range again and again, because more than {ALL:,} are not all worked out."
    )
    if fitted.unseen is not None:
        first, last = fitted.unseen
        yield (
            f"Halving ended early: between {first} and {last} no value is valid where it looked. "
            "So another value may be the answer: give a range whose steps meet valid values, or "
            f"one of at most {ALL:,}."
        )
    elif fitted.monotone:
        yield (
            "Over these every figure only rises, or only falls; if one does not in between, "
            "another value may be the answer."
        )
    else:
        yield (
            "Over these a figure both rises and falls, so another value may be the answer: give a "
            f"range of at most {ALL:,} values, all of which are worked out."
        )


def _invalid(fitted: Fitted) -> Iterator[Section]:
    """Why values are invalid."""
    if not fitted.invalid:
        return
    shown = fitted.invalid[:MOST_REASONS]
    rows = tuple(
        (f"{each.values:,}", each.code, each.where, f"{fitted.axis} {each.example}", each.problem)
        for each in shown
    )
    parts: list[Part] = [
        Table(("Values", "Code", "Where", "The first", "What is wrong with it"), rows)
    ]
    if len(fitted.invalid) > len(shown):
        parts.append(f"… and {len(fitted.invalid) - len(shown):,} more reasons.")
    yield Section("Invalid", tuple(parts))


def data(fitted: Fitted) -> dict[str, Any]:
    """Everything, as JSON has it."""
    nearest = None
    if fitted.nearest is not None:
        name, figure = fitted.nearest
        nearest = {"name": name, "figure": figure}
    return {
        "schema": SCHEMA,
        "name": fitted.name,
        "spec": fitted.path,
        "axis": fitted.axis,
        "limits": {
            name: {"minimum": limit.minimum, "maximum": limit.maximum}
            for name, limit in fitted.limits.items()
        },
        "nearest": nearest,
        "answer": _tried(fitted.answer),
        "below": _tried(fitted.below),
        "above": _tried(fitted.above),
        "closest": _tried(fitted.closest),
        "values": fitted.values,
        "tried": fitted.tried,
        "complete": fitted.complete,
        "monotone": fitted.monotone,
        "broken": fitted.broken,
        "unseen": list(fitted.unseen) if fitted.unseen else None,
        "alike": list(fitted.alike) if fitted.alike else None,
        "invalid": [each._asdict() for each in fitted.invalid],
    }


def _tried(tried: Tried | None) -> dict[str, Any] | None:
    if tried is None:
        return None
    value = tried._asdict()
    return {**value, "figures": dict(tried.figures) or None}
