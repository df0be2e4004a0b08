"""Which inputs fit a network, as a page: the laws, the nearest sizes, who imposes what."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from convcalc.diagnostics import listed
from convcalc.explanation.page import Formula, Page, Part, Section, Table
from convcalc.laws import Fit, Law, Nearest, SizesReport, nearest
from convcalc.numbers import plural, times

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""
ASKED = {
    "least": "a least size",
    "remainders": "remainders",
    "alike": "branches alike",
    "within": "a map within another",
    "never": "what no size gives it",
}
"""What layers ask, in words."""
MOST_LAYERS = 40
"""Most layers that are shown for an axis; JSON has them all."""


def page_of_sizes(report: SizesReport, near: Sequence[int] = ()) -> Page:
    """The page of a report; `near` are sizes that are wanted, one for each axis, or for all.

    Raises `ValueError` where `near` has another number of sizes than the input has axes.
    """
    close = nearest(report, near) if near else ()
    sections = [_laws(report), *_near(close), *_outputs(report), *_weights(report), *_asks(report)]
    sections += [_now(report)]
    several = bool(report.following or report.staying)
    shown = f"{report.input_name} {report.input}" if several else str(report.input)
    if several:
        sections.insert(0, Section("", tuple(_others(report))))
    return Page(f"Inputs of {report.name} ({shown})", tuple(sections), data(report, close))


def _others(report: SizesReport) -> Iterator[Part]:
    """What becomes of the other inputs."""
    yield f"The sizes are those of the input {report.input_name}."
    if report.following:
        verb = "changes" if len(report.following) == 1 else "change"
        yield f"{listed(report.following)} {verb} with it."
    for name, shape in report.staying:
        yield f"{name} stays {shape}."


def text(report: SizesReport) -> str:
    """The page as plain text."""
    return f"{page_of_sizes(report)}\n"


def markdown(report: SizesReport) -> str:
    """The page as Markdown."""
    return page_of_sizes(report).to_markdown()


def json(report: SizesReport) -> str:
    """The page's data as JSON."""
    return page_of_sizes(report).to_json()


def _alike(fits: Sequence[Fit]) -> Iterator[tuple[str, Fit]]:
    """Each of several fits, those that follow one another and say the same as one."""

    def said(fit: Fit) -> tuple[object, ...]:
        outputs = tuple((each.part, each.text, each.axis in fit.axes) for each in fit.outputs)
        own = fit._replace(name="", axes=(), outputs=(), held={})
        return (*own, outputs, tuple(fit.held.values()))

    for _, some in groupby(fits, key=said):
        each = [*some]
        yield ", ".join(_titled(fit) for fit in each), each[0]


def _titled(fit: Fit) -> str:
    """The axis, or the parameter with the axes that it makes, and what is held."""
    text = fit.name
    if fit.held:
        text += f" ({', '.join(f'{name} {size}' for name, size in fit.held.items())})"
    elif fit.parameter:
        text += f" ({', '.join(fit.axes)})"
    return text


def _laws(report: SizesReport) -> Section:
    rows, parts = [], list[Part]()
    for title, fit in _alike(report.fits):
        if fit.unknown and fit.accepted.until == 0:
            rows.append((title, _number(fit.given), "not known", "not known", "–"))
            continue
        whole = "the same" if fit.whole == fit.accepted else _law(fit.whole)
        rows.append(
            (title, _number(fit.given), _law(fit.accepted), whole, _number(fit.accepted.smallest))
        )
    columns = ("Axis", "Now", "Accepted", "Drops nothing", "Smallest")
    parts.append(Table(columns, tuple(rows), frozenset({1, 4})))
    parts += dict.fromkeys(f"Not known, {fit.unknown}." for fit in report.fits if fit.unknown)
    parts += [
        f"Layers read {fit.name}: {plural(fit.tried, 'value')} that the layers before them leave "
        "were tried, and the law is what these show."
        for fit in report.fits
        if fit.tried
    ]
    for group in report.together:
        layers = ", ".join(report.mixing)
        parts.append(f"{' and '.join(group).capitalize()} hang together: {layers} reads both.")
    return Section("", tuple(parts))


def _law(law: Law) -> str:
    return "every size" if law.all else law.text()


def _number(size: int | None) -> str:
    return "–" if size is None else f"{size:,}"


def _near(close: Sequence[Nearest]) -> Iterator[Section]:
    if not close:
        return
    rows = tuple(
        (
            each.name,
            _number(each.wanted),
            *map(_number, each.accepted),
            *map(_number, each.whole),
        )
        for each in close
    )
    columns = ("Axis", "Wanted", "Below", "Above", "Drops nothing below", "Above")
    yield Section("Nearest", (Table(columns, rows, frozenset(range(1, 6))),))


def _outputs(report: SizesReport) -> Iterator[Section]:
    rows = []
    for title, fit in _alike(report.fits):
        for output in fit.outputs:
            axis = "" if output.axis in fit.axes else output.axis
            of = ", ".join(filter(None, (output.name, axis)))
            rows.append((title, str(output.part), output.text, of))
    if rows:  # axes that are alike are one
        columns = ("Axis", "Size", "Extent", "")
        yield Section("Output", (Table(columns, tuple(dict.fromkeys(rows))),))


def _weights(report: SizesReport) -> Iterator[Section]:
    parts = []
    for title, fit in _alike(report.fits):
        if fit.keeping is not None:
            parts.append(Formula(title, result=_law(fit.keeping)))
    layers = dict.fromkeys(name for fit in report.fits for name in fit.weighing)
    if parts:
        verb = "has" if len(layers) == 1 else "have"
        text = f"{', '.join(layers)} {verb} the same weights as now with these sizes alone:"
        yield Section("Weights", (text, *parts))


def _asks(report: SizesReport) -> Iterator[Section]:
    for title, fit in _alike(report.fits):
        rows = tuple(
            (
                each.layer,
                " and ".join(ASKED[what] for what in each.what),
                _law(each.law),
                "drops rows of others" if each.drops else "",
            )
            for each in fit.asks[:MOST_LAYERS]
        )
        if rows:
            parts: list[Part] = [Table(("Layer", "Asks for", "Leaves", ""), rows)]
            more = len(fit.asks) - len(rows)
            if more:
                parts.append(f"… and {plural(more, 'layer')} more.")
            yield Section(f"Which layer asks what: {title}", tuple(parts))


def _now(report: SizesReport) -> Section:
    parts: list[Part] = [
        *(Formula(each.layer, result=f"drops {times(each.rows)}") for each in report.dropped),
        *(
            Formula(each.layer, result=f"rounds up, {times(each.rows)} past the border")
            for each in report.past
        ),
    ]
    if any(fit.given not in fit.accepted for fit in report.fits if fit.given and not fit.unknown):
        parts.insert(0, "It is not accepted: a layer has an error with it.")
    elif not report.dropped:
        parts.insert(0, "No layer drops a row." if report.fits else "No layer has a size to fit.")
    return Section(f"With {report.input}", tuple(parts))


def data(report: SizesReport, close: Sequence[Nearest] = ()) -> dict[str, Any]:
    """The same as plain values; docs/sizes.schema.json describes them."""
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "name": report.name,
        "spec": report.path,
        "input": {"channels": report.input.channels, "spatial": [*report.input.spatial]},
        "input_name": report.input_name,
        "following": [*report.following],
        "staying": [
            {"name": name, "channels": shape.channels, "spatial": [*shape.spatial]}
            for name, shape in report.staying
        ],
        "sizes": [_fit_value(fit) for fit in report.fits],
        "together": [{"axes": [*group], "layers": [*report.mixing]} for group in report.together],
        "dropped": [{"layer": each.layer, "rows": [*each.rows]} for each in report.dropped],
        "past": [{"layer": each.layer, "rows": [*each.rows]} for each in report.past],
    }
    if close:
        value["near"] = [
            {
                "name": each.name,
                "wanted": each.wanted,
                "accepted": {"below": each.accepted[0], "above": each.accepted[1]},
                "drops_nothing": {"below": each.whole[0], "above": each.whole[1]},
            }
            for each in close
        ]
    return value


def _fit_value(fit: Fit) -> dict[str, Any]:
    return {
        "name": fit.name,
        "axes": [*fit.axes],
        "parameter": fit.parameter,
        "now": fit.given,
        "accepted": _law_value(fit.accepted),
        "drops_nothing": _law_value(fit.whole),
        "asks": [
            {
                "layer": each.layer,
                "what": [*each.what],
                "drops": each.drops,
                "leaves": each.law.written(),
            }
            for each in fit.asks
        ],
        "outputs": [
            {
                "axis": each.axis,
                "sizes": each.part.written(),
                "extent": each.text,
                "output": each.name,
            }
            for each in fit.outputs
        ],
        "keeping_weights": None if fit.keeping is None else _law_value(fit.keeping),
        "weighing": [*fit.weighing],
        "held": dict(fit.held),
        "tried": fit.tried,
        "unknown": fit.unknown,
    }


def _law_value(law: Law) -> dict[str, Any]:
    return {
        "text": law.written(),
        "smallest": law.smallest,
        "until": law.until,
        "parts": [
            {"first": part.first, "last": part.last, "step": part.step, "turns": part.turns}
            for part in law.parts
        ],
    }
