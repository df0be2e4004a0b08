"""The comparison as comma-separated values: one row for each total and each figure that differs."""

import csv
import io
from collections.abc import Iterator

from convcalc.analysis.compare import Change, Comparison
from convcalc.analysis.report import LayerReport
from convcalc.numbers import value_text

HEAD = ("section", "name", "status", "field", "old", "new", "difference")
FIGURES = ("parameters", "buffers", "macs", "activations", "activation_bytes")
"""What layers are compared by, besides their kind, hyperparameters and output."""


def render(
    comparison: Comparison, *, color: bool = False, header: bool = True, several: bool = False
) -> str:
    """The comparison as CSV; of `several`, each row starts with the new spec's name."""
    del color
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if header:
        writer.writerow([*(["spec"] if several else []), *HEAD])
    spec = [comparison.new.path] if several else []
    for delta in comparison.totals:
        numbers = (delta.old, delta.new, delta.difference)
        writer.writerow([*spec, "total", "", "", delta.name, *numbers])
    for change in comparison.changes:
        for row in _rows(change):
            writer.writerow([*spec, "layer", change.name, change.status, *row])
    return text.getvalue()


def _rows(change: Change) -> Iterator[tuple[object, ...]]:
    """Field, old, new and difference of what is not as it was; None where there is no layer."""
    old, new = change.old, change.new
    kinds = tuple(None if one is None else one.kind for one in (old, new))
    if kinds[0] != kinds[1]:
        yield "kind", *kinds, None
    for name, *values in change.fields:
        yield name, *(None if each is None else value_text(each) for each in values), None
    if change.weights is not None:
        yield "shared_with", *change.weights, None
    if change.reads is not None:
        yield "inputs", *map(" ".join, change.reads), None
    outputs = tuple(map(_output, (old, new)))
    if outputs[0] != outputs[1]:
        yield "output", *outputs, None
    for name in FIGURES:
        before, after = (None if one is None else getattr(one, name) for one in (old, new))
        if before != after:
            yield name, before, after, (after or 0) - (before or 0)


def _output(layer: LayerReport | None) -> str | None:
    return None if layer is None else str(layer.output).replace("×", "x")
