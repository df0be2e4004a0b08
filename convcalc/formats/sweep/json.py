"""What a sweep comes to as JSON: everything but the designs one by one, stable."""

import json
from collections.abc import Iterator
from typing import Any

from convcalc.sweeps.axes import Axis
from convcalc.sweeps.digest import hex_of
from convcalc.sweeps.kept import Groups, values_by_size
from convcalc.sweeps.report import SweepReport

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""


def render(result: SweepReport, *, color: bool = False) -> str:
    """The result as a JSON object, ending in a newline; a network a line."""
    del color
    dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    job, space = result.job, result.job.space
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "name": job.subject.name,
        "spec": job.subject.path,
        "axes": [
            {
                "name": axis.name,
                "values": list(axis.texts),
                "worked_out": None if axis.worked is None else axis.worked.expression.text(),
            }
            for axis in space.axes
        ],
        "sample": None if space.sample is None else space.sample._asdict(),
        "where": job.asked["where"],
        "pareto": job.asked["pareto"],
        "sort": job.asked["sort"],
        "top": job.keeper.top,
        "columns": list(job.shown),
        "designs": space.designs,
        "done": result.done,
        "left": result.left,
        "invalid": result.invalid_designs,
        "reasons": [
            {
                "code": each.code or None,
                "where": each.where,
                "message": each.message,
                "designs": each.designs,
                "example": {"design": each.example, **_example(result, each.example)},
            }
            for each in result.invalid
        ],
        "invalid_values": [{"axis": axis, "value": value} for axis, value in result.spoilt],
    }
    lines = [f"{dump(key)}: {dump(value)}" for key, value in head.items()]
    for name, groups in (("front", result.front), ("best", result.best)):
        if groups is None:
            lines.append(f"{dump(name)}: {'null' if name == 'front' else '[]'}")
            continue
        networks = ",\n  ".join(map(dump, _networks(result, groups)))
        lines.append(f"{dump(name)}: [\n  {networks}]")
    return "{" + ",\n ".join(lines) + "}\n"


def _example(result: SweepReport, number: int) -> dict[str, Any]:
    space = result.job.space
    coded = zip(space.axes, space.codes_of(number), strict=True)
    return {"axes": {axis.name: _value(axis, code) for axis, code in coded}}


def _value(axis: Axis, code: int) -> Any:
    """A value of an axis: numbers and truths as such, anything else as one would type it."""
    value = axis.values[code]
    return value if isinstance(value, bool | int | float) else axis.texts[code]


def _networks(result: SweepReport, groups: Groups) -> Iterator[dict[str, Any]]:
    job, rows = result.job, groups.rows
    ordered = [values_by_size(axis) for axis in job.space.axes]
    columns = {name: rows.columns[name].tolist() for name in job.shown}
    digests = hex_of(rows.digest)
    for row, number in enumerate(rows.numbers.tolist()):
        axes = {
            axis.name: _value(axis, int(code[row]))
            for axis, code in zip(job.space.axes, rows.codes, strict=True)
        }
        ranges = {
            axis.name: [values[int(least[row])], values[int(greatest[row])]]
            for axis, values, least, greatest in zip(
                job.space.axes, ordered, groups.least, groups.greatest, strict=True
            )
            if least[row] != greatest[row]
        }
        yield {
            "design": number,
            "designs": int(groups.count[row]),
            "network": digests[row],
            "axes": axes,
            "ranges": ranges,
            "measures": {name: column[row] for name, column in columns.items()},
        }
