"""What a sweep comes to as one page that loads nothing: the front as points, and its tables.

Its script, web/src/sweep.ts, draws the front over any two goals, sorts the tables, and marks a
point and its rows together; without it the page has the picture over the first two goals, whose
points lead to their rows.
"""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import chain
from typing import Any, TypeAlias

from convcalc.formats import sweep
from convcalc.formats.diagnostics import printable
from convcalc.formats.sweep import picture
from convcalc.formats.web.columns import packed
from convcalc.formats.web.frame import WebPage, document
from convcalc.formats.web.picture import rules
from convcalc.pictures.scatter import ROLES, ticks
from convcalc.pictures.scene import Box, Scene
from convcalc.pictures.svg import element
from convcalc.sweeps.kept import Groups, values_by_size
from convcalc.sweeps.measures import MEASURES
from convcalc.sweeps.report import SweepReport

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""
Shown: TypeAlias = Sequence[tuple[sweep.Table, Groups]]
"""The front and the best, so far as there are any: their cells, and what these are of."""


def render(result: SweepReport) -> str:
    """The page."""
    title = sweep.title(result)
    kept = [each for each in (result.front, result.best) if each is not None]
    shown = [*zip(sweep.tables(result, most=None), kept, strict=True)]
    scene = picture.render(result, lambda number: f"#{_row(number)}")
    lines = [
        '<main id="main">',
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(line)}</p>" for line in sweep.summary(result)),
        '<div id="page"></div>',
        "<noscript>",
        *_picture(scene),
        *_tables(shown),
        "</noscript>",
        *_reasons(result),
        "</main>",
    ]
    # All that the script may draw has its colours, whatever is on the picture without it.
    every = Scene("", "", 0, 0, tuple(Box(0, 0, 0, 0, role) for role in ROLES))
    style = rules([every] if scene is None else [every, scene])
    page = WebPage(
        "sweep", title, "\n".join(lines), _data(result, shown), licences=False, style=style
    )
    return document(page)


# What the script reads


def _data(result: SweepReport, shown: Shown) -> dict[str, Any]:
    """The networks of all tables, each once, those on the front first."""
    kept = _Networks([group for _, group in shown])
    tables = [
        {
            "title": table.title,
            "front": table.front,
            "merged": "" in table.names,
            "at": packed(kept.places(group)),
        }
        for table, group in shown
    ]
    return {
        "schema": SCHEMA,
        "designs": packed(kept.numbers),
        "count": packed(kept.each(lambda group: group.count)),
        "front": 0 if result.front is None else len(result.front.count),
        "columns": [*_axes(result, kept), *_measures(result, kept)],
        "goals": [*_goals(result, kept)],
        "tables": tables,
    }


class _Networks:
    """Networks of several groups, each once, by the number of its first design."""

    def __init__(self, groups: Sequence[Groups]) -> None:
        self._place: dict[int, int] = {}
        self._chosen: list[tuple[Groups, list[int]]] = []
        for group in groups:
            chosen = []
            for row, number in enumerate(group.rows.numbers.tolist()):
                if number not in self._place:
                    self._place[number] = len(self._place)
                    chosen.append(row)
            self._chosen.append((group, chosen))

    @property
    def numbers(self) -> list[int]:
        """Of each, the number of its first design."""
        return [*self._place]

    def places(self, group: Groups) -> list[int]:
        """Where those of a group stand among all."""
        return [self._place[number] for number in group.rows.numbers.tolist()]

    def each(self, column: Any) -> list[Any]:
        """A value of each: of a function that gives an array of them for a group."""
        return [*chain.from_iterable(column(group)[rows].tolist() for group, rows in self._chosen)]


def _axes(result: SweepReport, kept: _Networks) -> Iterator[dict[str, Any]]:
    names = result.job.column_names[1:]
    for at, axis in enumerate(result.job.space.axes):
        words = values_by_size(axis)
        least = kept.each(lambda group, at=at: group.least[at])
        greatest = kept.each(lambda group, at=at: group.greatest[at])
        used = sorted({*least, *greatest})
        place = {rank: number for number, rank in enumerate(used)}
        yield {
            "name": names[at],
            "title": axis.name,
            "says": "",
            "is": "axis",
            "words": [printable(words[rank]) for rank in used],
            "least": packed([place[rank] for rank in least]),
            "greatest": packed([place[rank] for rank in greatest]),
        }


def _measures(result: SweepReport, kept: _Networks) -> Iterator[dict[str, Any]]:
    job = result.job
    for name in job.shown:
        values = kept.each(lambda group, name=name: group.rows.columns[name])
        row, form = MEASURES.get(name), sweep.form(job, name)
        column = {
            "name": name,
            "title": sweep.heading(job, name),
            "says": "" if row is None or form == "text" else row.doc,
            "is": form,
            "values": packed(values),
        }
        if form == "text":
            column["texts"] = packed([sweep.cell(job, name, value) for value in values])
        yield column


def _goals(result: SweepReport, kept: _Networks) -> Iterator[dict[str, Any]]:
    """What a side of the picture can show: where numbers stand along it, and how they are written.

    The values of what is a column are there.
    """
    if result.front is None:
        return
    columns = [axis.name for axis in result.job.space.axes] + [*result.job.shown]
    for (name, most), side in zip(result.job.keeper.goals, picture.sides(result), strict=True):
        values = kept.each(lambda group, name=name: group.rows.columns[name])
        shown = name in result.job.shown
        yield {
            "name": name,
            "title": side.name,
            "most": most,
            "ticks": [[value, side.shown(value)] for value in ticks(values)],
            "column": columns.index(name, len(result.job.space.axes)) if shown else None,
            "values": None if shown else packed(values),
        }


# What there is without the script


def _row(number: int) -> str:
    """What the row of a design is called."""
    return f"design-{number}"


def _picture(scene: Scene | None) -> Iterator[str]:
    if scene is not None:
        yield f'<figure class="picture">{element(scene, "front")}</figure>'


def _tables(shown: Shown) -> Iterator[str]:
    """The tables; what is in both is called by its name in the first."""
    named: set[int] = set()
    for table, group in shown:
        yield from _table(table, group, named)


def _table(table: sweep.Table, group: Groups, named: set[int]) -> Iterator[str]:
    heads = [f'<th scope="col">{escape(head)}</th>' for head in table.head]
    yield f"<h2>{escape(table.title)}</h2>"
    yield '<table class="designs">'
    yield f"<thead><tr>{''.join(heads)}</tr></thead><tbody>"
    for number, cells in zip(group.rows.numbers.tolist(), table.rows, strict=True):
        name = "" if number in named else f' id="{_row(number)}"'
        named.add(number)
        yield f"<tr{name}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table>"


def _reasons(result: SweepReport) -> Iterator[str]:
    """Why designs are invalid."""
    reasons = [*sweep.reasons(result)]
    if not reasons:
        return
    titles = ("Designs", "Code", "Where", "What is wrong", "An example")
    heads = [f'<th scope="col">{title}</th>' for title in titles]
    yield '<section><h2 id="invalid">Why designs are invalid</h2>'
    yield '<div class="wide-table" tabindex="0" role="region" aria-labelledby="invalid"><table>'
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for cells in reasons:
        yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
    yield "</tbody></table></div>"
    yield from (f"<p>{escape(line)}</p>" for line in sweep.further(result))
    yield "</section>"
