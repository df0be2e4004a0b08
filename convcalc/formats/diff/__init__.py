"""The formats of `convcalc diff`: every name, and the module that makes text of a comparison."""

from collections.abc import Mapping
from types import MappingProxyType

from convcalc.analysis.compare import Change, Comparison, Delta
from convcalc.analysis.report import LayerReport, Report, enumerated
from convcalc.formats import Format
from convcalc.numbers import value_text
from convcalc.window import Field

DIFF_FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "table": Format("Aligned text, what changed in colours.", "text"),
        "plain": Format("Aligned text, for pipes and files.", "text"),
        "markdown": Format("For a comment on a pull request.", "document"),
        "csv": Format("One row for each total, and each figure of a layer that differs.", "rows"),
        "json": Format("Everything, stable.", "values"),
    }
)
"""The formats of `diff`, by name."""

TITLES = {
    "parameters": "Parameters",
    "buffers": "Buffers",
    "macs": "MACs",
    "activations": "Activations",
    "memory": "Inference bytes",
    "training_memory": "Training bytes",
}
"""Totals that people are shown, with their titles."""


def signed(value: int) -> str:
    """A difference with its sign.

    >>> signed(-1200), signed(3), signed(0)
    ('−1,200', '+3', '0')
    """
    return f"{value:+,}".replace("-", "−") if value else "0"


def percent(delta: Delta) -> str:
    """A difference as a part of what was."""
    ratio = delta.ratio
    if ratio is None:
        return "" if not delta.new else "new"
    return f"{ratio:+.2%}".replace("-", "−") if delta.difference else "0 %"


def totals(comparison: Comparison) -> list[list[str]]:
    """Title, old, new, difference and per cent of what people are shown."""
    rows = []
    for name, title in TITLES.items():
        delta = comparison.total(name)
        if delta is None:
            continue
        change = [signed(delta.difference), percent(delta)]
        rows.append([title, f"{delta.old:,}", f"{delta.new:,}", *change])
    for title, old, new in (
        ("Receptive field", field_text(comparison.old), field_text(comparison.new)),
        ("Input", comparison.old.given, comparison.new.given),
        ("Output", comparison.old.made, comparison.new.made),
    ):
        rows.append([title, old, new, "" if old == new else "changed", ""])
    return rows


def field_text(report: Report) -> str:
    """The receptive field of each of several outputs, or of the last layer that has one."""
    if len(report.outputs) > 1:
        return enumerated([f"{name} {_all_sizes(fields)}" for name, fields in of_outputs(report)])
    return _all_sizes(last_fields(report))


def of_outputs(report: Report) -> list[tuple[str, tuple[tuple[Field, ...] | None, ...]]]:
    """Every output's name, and what it sees of each input if they differ."""
    layers = {layer.name: layer for layer in report.nodes}
    return [(each.name, layers[each.layer].fields) for each in report.outputs]


def _all_sizes(fields: tuple[tuple[Field, ...] | None, ...]) -> str:
    return " / ".join(map(_sizes, fields))


def _sizes(fields: tuple[Field, ...] | None) -> str:
    if not fields:
        return "–"
    bound = "" if all(field.exact for field in fields) else "≤"
    return bound + "×".join(str(field.size) for field in fields)


def last_fields(report: Report) -> tuple[tuple[Field, ...] | None, ...]:
    """The receptive field of the last layer that has one, in each input if they differ."""
    return next((layer.fields for layer in reversed(report.layers) if any(layer.fields)), (None,))


def row(change: Change) -> list[str]:
    """Sign, name, kind, what changed, output, and the differences in parameters and MACs."""
    old, new = change.old, change.new
    sign = {"added": "+", "removed": "−", "changed": "~", "affected": "·"}[change.status]
    here = new or old
    kind = here.kind if here else ""
    if old and new and old.kind != new.kind:
        kind = f"{old.kind} → {new.kind}"
    what = [
        f"{name} {value_text(before)} → {value_text(after)}"
        for name, before, after in change.fields
    ]
    if change.weights is not None:
        what.append(f"weights {' → '.join(each or 'its own' for each in change.weights)}")
    if change.reads is not None:
        what.append(f"reads {' → '.join(map(enumerated, change.reads))}")
    return [
        sign,
        change.name,
        kind,
        ", ".join(what),
        _arrow(old, new),
        signed(_of(new, "parameters") - _of(old, "parameters")),
        signed(_of(new, "macs") - _of(old, "macs")),
    ]


def _of(layer: LayerReport | None, name: str) -> int:
    return getattr(layer, name) or 0 if layer else 0


def _arrow(old: LayerReport | None, new: LayerReport | None) -> str:
    before = str(old.output) if old else None
    after = str(new.output) if new else None
    if before is None or after is None or before == after:
        return after or before or ""
    return f"{before} → {after}"


HEAD = ["", "Layer", "Kind", "Hyperparameters", "Output", "Parameters", "MACs"]
RIGHT = [False, False, False, False, False, True, True]
