"""The formats of `convcalc verify`: every name, and the module that makes text of a verdict."""

from collections.abc import Mapping
from types import MappingProxyType

from convcalc.checks.verdict import LayerVerdict, Pair, Verdict
from convcalc.formats import Format
from convcalc.formats.diagnostics import printable
from convcalc.numbers import both_bytes, grouped, megabytes, plural
from convcalc.shape import Shape

VERIFY_FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "table": Format("Aligned text with colours.", "text"),
        "plain": Format("Aligned text, for pipes and files.", "text"),
        "json": Format("Everything, stable.", "values"),
    }
)
"""The formats of `verify`, by name."""

GOOD, BAD, UNSEEN = "✓", "✗", "–"


def title(verdict: Verdict) -> str:
    """The network, and how it ran."""
    examples = plural(verdict.batch, "example") if verdict.batch > 1 else "one example"
    weights = "weights of a file" if verdict.seed is None else f"seed {verdict.seed}"
    how = f"{examples}, {verdict.dtype}, {verdict.backend} {verdict.tier}, {weights}"
    return f"{printable(verdict.name)}: {verdict.ends} ({how})"


HEAD = ["Layer", "Kind", "Output", "Weights", "MACs", "Values", ""]
RIGHT = [False, False, True, True, True, False, False]


def row(layer: LayerVerdict) -> list[str]:
    """A layer's cells: what is as predicted once, what is not with both."""
    output = str(layer.predicted)
    if layer.observed is None:
        output += f" ≠ {UNSEEN}"
    elif layer.observed != layer.predicted.axes:
        output += f" ≠ {Shape.from_axes(layer.observed) if layer.observed else 1}"
    values = {None: UNSEEN, True: "finite", False: "not finite"}[layer.finite]
    mark = BAD if layer.differences else GOOD
    return [layer.name, layer.kind, output, both(layer.weights), both(layer.macs), values, mark]


def both(pair: Pair) -> str:
    """One number, or two with a sign between them."""
    if pair.observed == pair.predicted:
        return grouped(pair.predicted)
    sign = "≥" if pair.most and pair.fine else "≠"
    observed = UNSEEN if pair.observed is None else grouped(pair.observed)
    return f"{grouped(pair.predicted)} {sign} {observed}"


def totals(verdict: Verdict) -> list[list[str]]:
    """What, predicted, observed, mark."""
    rows = [["", "Predicted", "Observed", ""]]
    for name, pair in (("Weights", verdict.weights), ("MACs", verdict.macs)):
        observed = UNSEEN if pair.observed is None else grouped(pair.observed)
        rows.append([name, grouped(pair.predicted), observed, _mark(pair)])
    memory = verdict.activation_bytes
    observed = UNSEEN if memory.observed is None else megabytes(memory.observed)
    rows.append(["Activation peak", megabytes(memory.predicted), observed, _mark(memory)])
    return rows


def _mark(pair: Pair) -> str:
    if pair.observed is None:
        return UNSEEN
    return GOOD if pair.fine else BAD


def ending(verdict: Verdict) -> list[str]:
    """The verdict in words, every difference with it."""
    lines = [f"Note: {note}" for note in verdict.notes]
    if verdict.good:
        values = "all values are finite" if verdict.finite else "values were not looked at"
        lines.append(f"{plural(verdict.layer_count, 'layer')} as predicted, and {values}.")
    else:
        lines += [f"  {difference}" for difference in verdict.differences]
        lines.append(f"{plural(len(verdict.differences), 'difference')} found.")
    return lines


def class_rows(verdict: Verdict) -> list[list[str]]:
    """The likeliest classes: example, class, name, probability."""
    rows = [["Example", "Class", "Name", "Probability"]]
    for example, best in enumerate(verdict.classes, 1):
        for number, name, share in best:
            rows.append([str(example), str(number), printable(name), f"{share:.2%}"])
    return rows


BAR = 20
"""Characters of a full bar."""


def time_rows(verdict: Verdict) -> list[list[str]]:
    """Times: layers, kernel, milliseconds, GFLOP/s, share, bar."""
    total = sum(timing.seconds for timing in verdict.times) or 1.0
    most = max((timing.seconds for timing in verdict.times), default=0) or 1.0
    rows = [["Layers", "Kernel", "ms", "GFLOP/s", "Share", ""]]
    for timing in verdict.times:
        first, *others = timing.layers or ("(border of the input)",)
        name = f"{first} + {len(others)}" if others else first
        rate = f"{2 * timing.macs / timing.seconds / 1e9:.1f}" if timing.macs else ""
        share = timing.seconds / total
        bar = "█" * round(BAR * timing.seconds / most)
        cells = [name, timing.kernel, f"{timing.seconds * 1e3:.3f}", rate, f"{share:.1%}", bar]
        rows.append(cells)
    rate = f"{2 * sum(timing.macs for timing in verdict.times) / total / 1e9:.1f}"
    rows.append(["in all", "", f"{total * 1e3:.3f}", rate, "", ""])
    return rows


def allocated(verdict: Verdict) -> str:
    """The memory that a run had, in words."""
    what = "borders and scratch included" if verdict.tier == "engine" else "outputs held at once"
    return f"Allocated for activations, {what}: {both_bytes(verdict.allocated)}"
