"""The verdict as JSON: everything, stable, one layer a line."""

import json
from typing import Any

from convcalc.checks.verdict import LayerVerdict, Pair, Verdict
from convcalc.formats.json import input_value, shape_value

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""


def render(verdict: Verdict, *, color: bool = False) -> str:
    """The verdict as a JSON object, ending in a newline."""
    del color
    dump = json.JSONEncoder(ensure_ascii=False).encode
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "verified": verdict.good,
        "name": verdict.name,
        "spec": verdict.path,
        "batch": verdict.batch,
        "dtype": verdict.dtype,
        "backend": verdict.backend,
        "tier": verdict.tier,
        "seed": verdict.seed,
        "input": shape_value(verdict.input),
        "output": shape_value(verdict.output),
        "inputs": [input_value(each) for each in verdict.inputs],
        "outputs": [{**input_value(each), "layer": each.layer} for each in verdict.outputs],
        "totals": {
            "layers": verdict.layer_count,
            "weights": _pair(verdict.weights),
            "macs": _pair(verdict.macs),
            "activation_bytes": _pair(verdict.activation_bytes),
            "allocated_bytes": verdict.allocated,
            "finite": verdict.finite,
        },
        "differences": list(verdict.differences),
        "notes": list(verdict.notes),
        "top": [
            [{"class": number, "name": name, "probability": share} for number, name, share in best]
            for best in verdict.classes
        ],
        "profile": [
            {
                "layers": list(timing.layers),
                "kernel": timing.kernel,
                "seconds": timing.seconds,
                "macs": timing.macs,
            }
            for timing in verdict.times
        ],
    }
    lines = [f"{dump(key)}: {dump(value)}" for key, value in head.items()]
    layers = ",\n  ".join(dump(_layer(layer)) for layer in verdict.layers)
    return "{" + ",\n ".join([*lines, f'"layers": [\n  {layers}]']) + "}\n"


def _pair(pair: Pair) -> dict[str, int | None]:
    return {"predicted": pair.predicted, "observed": pair.observed}


def _layer(layer: LayerVerdict) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "line": layer.line,
        "output": {
            "predicted": list(layer.predicted.axes),
            "observed": None if layer.observed is None else list(layer.observed),
        },
        "weights": _pair(layer.weights),
        "macs": _pair(layer.macs),
        "finite": layer.finite,
        "differences": list(layer.differences),
    }
