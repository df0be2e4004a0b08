"""The comparison as JSON: everything, stable, one changed layer a line."""

import json
from typing import Any

from convcalc.analysis.compare import Change, Comparison
from convcalc.analysis.report import Report
from convcalc.formats.diff import last_fields
from convcalc.formats.json import fields_value, input_value, layer_value, shape_value

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""


def render(comparison: Comparison, *, color: bool = False) -> str:
    """The comparison as a JSON object, ending in a newline."""
    del color
    dump = json.JSONEncoder(ensure_ascii=False).encode
    totals = {
        delta.name: {
            "old": delta.old,
            "new": delta.new,
            "difference": delta.difference,
            "ratio": delta.ratio,
        }
        for delta in comparison.totals
    }
    changes = ",\n  ".join(dump(change_value(change)) for change in comparison.changes)
    return (
        f'{{"schema": {SCHEMA},\n "old": {dump(_head(comparison.old))},\n'
        f' "new": {dump(_head(comparison.new))},\n "totals": {dump(totals)},\n'
        f' "layers": [{changes}]}}\n'
    )


def _head(report: Report) -> dict[str, Any]:
    fields, *others = last_fields(report)
    if others:
        fields = None
    layers = {layer.name: layer for layer in report.nodes}
    return {
        "name": report.name,
        "spec": report.path,
        "input": shape_value(report.input),
        "output": shape_value(report.output),
        "inputs": [input_value(each) for each in report.inputs],
        "outputs": [
            {**input_value(each), "layer": each.layer, **fields_value(layers[each.layer])}
            for each in report.outputs
        ],
        "receptive_field": [field.size for field in fields] if fields else None,
        "receptive_field_exact": all(field.exact for field in fields) if fields else None,
        "layers": len(report.layers),
    }


def change_value(change: Change) -> dict[str, Any]:
    """A change as JSON has it."""
    return {
        "status": change.status,
        "hyperparameters": {name: [old, new] for name, old, new in change.fields},
        "shared_with": change.weights and [*change.weights],
        "inputs": change.reads and [*map(list, change.reads)],
        "old": layer_value(change.old) if change.old else None,
        "new": layer_value(change.new) if change.new else None,
    }
