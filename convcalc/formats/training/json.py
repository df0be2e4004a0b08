"""A training step's verdict as JSON: everything, stable, one layer a line."""

import json
from math import isfinite
from typing import Any

from convcalc.checks.trained import TrainedLayer, TrainingVerdict
from convcalc.checks.verdict import Pair
from convcalc.formats.json import input_value

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""


def render(verdict: TrainingVerdict, *, color: bool = False) -> str:
    """The verdict as a JSON object, ending in a newline."""
    del color
    dump = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    peak = verdict.peak
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "verified": verdict.good,
        "name": verdict.name,
        "spec": verdict.path,
        "batch": verdict.batch,
        "dtype": verdict.dtype,
        "backend": verdict.backend,
        "seed": verdict.seed,
        "optimizer": verdict.optimizer,
        "learning_rate": verdict.learning_rate,
        "loss": verdict.loss,
        "inputs": [input_value(each) for each in verdict.inputs],
        "outputs": [{**input_value(each), "layer": each.layer} for each in verdict.outputs],
        "totals": {
            "layers": verdict.layer_count,
            "kept_bytes": _pair(verdict.kept_bytes),
            "loss_bytes": _pair(verdict.loss_bytes),
            "gradient_bytes": _pair(verdict.gradient_bytes),
            "state_bytes": _pair(verdict.state_bytes),
            "macs": _pair(verdict.macs),
            "peak_bytes": None
            if peak is None
            else {
                "predicted": peak.predicted,
                "observed": peak.observed,
                "predicted_at": peak.predicted_at,
                "observed_at": peak.observed_at,
            },
            "finite": verdict.finite,
        },
        "steps": verdict.steps,
        "interrupted": verdict.interrupted,
        "losses": [_number(each) for each in verdict.losses],
        "differences": list(verdict.differences),
        "notes": list(verdict.notes),
    }
    lines = [f"{dump(key)}: {dump(value)}" for key, value in head.items()]
    layers = ",\n  ".join(dump(_layer(layer)) for layer in verdict.layers)
    return "{" + ",\n ".join([*lines, f'"layers": [\n  {layers}]']) + "}\n"


def _pair(pair: Pair | None) -> dict[str, int | None] | None:
    return None if pair is None else {"predicted": pair.predicted, "observed": pair.observed}


def _number(value: float | None) -> float | None:
    """JSON has no word for what is not finite."""
    return value if value is not None and isfinite(value) else None


def _layer(layer: TrainedLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "line": layer.line,
        "kept": list(layer.kept),
        "kept_bytes": _pair(layer.kept_bytes),
        "gradients": _pair(layer.gradients),
        "macs": _pair(layer.macs),
        "gradient_norm": _number(layer.gradient_norm),
        "weight_norm": _number(layer.weight_norm),
        "flag": layer.flag or None,
        "finite": layer.finite,
        "differences": list(layer.differences),
    }
