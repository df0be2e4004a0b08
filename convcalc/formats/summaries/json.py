"""Networks as JSON, with every total; docs/summary.schema.json describes it."""

import json
from collections.abc import Sequence
from typing import Any

from convcalc.analysis.memory.limits import Limit
from convcalc.analysis.summaries import Summary
from convcalc.formats.json import SCHEMA, diagnostic_value, input_value, shape_value


def render(
    rows: Sequence[Summary], columns: object, *, limits: Sequence[Limit] = (), **_: object
) -> str:
    """One object, ending in a newline: a network a line, whatever columns tables show."""
    del columns
    report = rows[0].report
    dump = json.JSONEncoder(ensure_ascii=False).encode
    networks = ",\n  ".join(dump(_network(row, limits)) for row in rows)
    head = f'"schema": {SCHEMA},\n "batch": {report.batch},\n "dtype": {dump(report.dtype)}'
    return f'{{{head},\n "networks": [\n  {networks}]}}\n'


def _network(row: Summary, limits: Sequence[Limit]) -> dict[str, Any]:
    report = row.report
    return {
        "spec": report.path,
        "name": report.name,
        "input": shape_value(report.input),
        "output": shape_value(report.output),
        "inputs": [input_value(each) for each in report.inputs],
        "outputs": [{**input_value(each), "layer": each.layer} for each in report.outputs],
        "layers": len(report.layers),
        "totals": {**report.totals._asdict(), "step_flops": report.totals.step_flops},
        "peak_bytes": row.peak,
        "largest_batches": [
            {"limit": limit.name, "gpu": limit.gpu or None, "bytes": limit.room, "batch": batch}
            for limit, batch in zip(limits, row.batches, strict=True)
        ],
        "diagnostics": [diagnostic_value(each) for each in report.diagnostics],
    }
