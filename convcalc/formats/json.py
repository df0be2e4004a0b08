"""The report as JSON: stable, one layer a line; docs/report.schema.json describes it."""

import json
from typing import TYPE_CHECKING, Any

from convcalc.analysis.report import LayerReport, Report, Tensor
from convcalc.diagnostics import Diagnostic, Place, Span
from convcalc.shape import Shape
from convcalc.window import Field

if TYPE_CHECKING:
    from convcalc.analysis.training import Training

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""


def render(report: Report, *, training: "Training | None" = None) -> str:
    """The report as a JSON object, ending in a newline; `training` adds what a run takes."""
    dump = json.JSONEncoder(ensure_ascii=False).encode
    head = {
        "schema": SCHEMA,
        "name": report.name,
        "spec": report.path,
        "batch": report.batch,
        "dtype": report.dtype,
        "input": shape_value(report.input),
        "output": shape_value(report.output),
        "inputs": [input_value(each) for each in report.inputs],
        "outputs": [{**input_value(each), "layer": each.layer} for each in report.outputs],
    }
    totals = {**report.totals._asdict(), "step_flops": report.totals.step_flops}
    lines = [f"{dump(key)}: {dump(value)}" for key, value in head.items()]
    lines.append(f'"layers": {_list([dump(layer_value(layer)) for layer in report.layers])}')
    lines.append(f'"totals": {dump(totals)}')
    if training is not None and training.dataset_size is not None:
        run = {
            "dataset_size": training.dataset_size,
            "epochs": training.epochs,
            "steps": training.steps,
            "flops": training.run_flops,
        }
        lines.append(f'"run": {dump(run)}')
    if report.counted is not None:
        from convcalc.formats.counts import count_value

        lines.append(f'"count": {dump(count_value(report.counted))}')
    if report.notes:
        lines.append(f'"notes": {_list([dump(note) for note in report.notes])}')
    diagnostics = [dump(diagnostic_value(diagnostic)) for diagnostic in report.diagnostics]
    lines.append(f'"diagnostics": {_list(diagnostics)}')
    return "{" + ",\n ".join(lines) + "}\n"


def _list(items: list[str]) -> str:
    return "[\n  " + ",\n  ".join(items) + "]" if items else "[]"


def shape_value(shape: Shape | None) -> dict[str, Any] | None:
    """A shape as JSON has it."""
    return None if shape is None else {"channels": shape.channels, "spatial": list(shape.spatial)}


def input_value(tensor: Tensor) -> dict[str, Any]:
    """An input as JSON has it, and of an output all but its layer."""
    return {"name": tensor.name, "shape": shape_value(tensor.shape)}


def layer_value(layer: LayerReport) -> dict[str, Any]:
    """A layer as JSON has it; null where an error keeps something unknown."""
    return {
        "name": layer.name,
        "kind": layer.kind,
        "inputs": list(layer.inputs),
        "line": layer.line,
        "hyperparameters": layer.hyperparameters,
        "output": shape_value(layer.output),
        "weights": {
            weight.name: list(weight.shape) for weight in layer.weights if not weight.buffer
        },
        "buffer_shapes": {
            weight.name: list(weight.shape) for weight in layer.weights if weight.buffer
        },
        "shared_with": layer.shared_with,
        "parameters": layer.parameters,
        "buffers": layer.buffers,
        "macs": layer.macs,
        "activations": layer.activations,
        "activation_bytes": layer.activation_bytes,
        "backward_macs": layer.backward_macs,
        **fields_value(layer),
        **({"frozen": True} if layer.frozen else {}),
        **({"origin": layer.origin} if layer.origin else {}),
        **({} if layer.counted is None else {"count": layer.counted}),
    }


def fields_value(layer: LayerReport) -> dict[str, Any]:
    """What an output of a layer sees, of several inputs of each, as JSON has it."""
    value: dict[str, Any] = {
        "receptive_field": _field_value(layer.receptive_field, aligned=layer.aligned)
    }
    if layer.receptive_fields:
        value["receptive_fields"] = {
            name: _field_value(fields, aligned=aligned)
            for name, (fields, aligned) in layer.receptive_fields.items()
        }
    return value


def _field_value(fields: tuple[Field, ...] | None, *, aligned: bool) -> dict[str, Any] | None:
    if fields is None:
        return None
    return {
        "size": [field.size for field in fields],
        "stride": [_plain(field.stride) for field in fields],
        "padding": [_plain(field.padding) for field in fields],
        "aligned": aligned,
        "exact": all(field.exact for field in fields),
    }


def _plain(value: Any) -> int | float:
    return value if isinstance(value, int) else float(value)


def diagnostic_value(diagnostic: Diagnostic) -> dict[str, Any]:
    """A finding as JSON has it."""
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "path": diagnostic.path,
        **_place(diagnostic.place),
        "layer": diagnostic.layer,
        "field": diagnostic.field,
        "fix": None
        if diagnostic.fix is None
        else {
            "message": str(diagnostic.fix),
            "edits": [{**_place(place), "text": text} for place, text in diagnostic.edits],
        },
        "related": [{**_place(place), "message": text} for place, text in diagnostic.related],
    }


def _place(place: Place) -> dict[str, Any]:
    if isinstance(place, Span):
        return place._asdict()
    return {**dict.fromkeys(Span._fields), "named": place.name}
