"""What the formats of `convcalc verify --training` share: rows, totals, the curve, the ending."""

from collections.abc import Sequence
from math import isfinite
from statistics import fmean

from convcalc.checks.trained import NEAR, Peak, TrainedLayer, TrainingVerdict
from convcalc.checks.verdict import Pair
from convcalc.formats.diagnostics import printable
from convcalc.formats.verify import BAD, GOOD, UNSEEN, both
from convcalc.numbers import grouped, megabytes, plural

HEAD = ["Layer", "Kind", "Keeps", "Bytes", "Gradients", "MACs back", "Norm", "Of weights", ""]
RIGHT = [False, False, False, True, True, True, True, True, False]
MOST = 6
"""Names of kept arrays that a row has at most."""
WIDTH, HEIGHT = 60, 8
"""Columns and lines of the curve."""
EIGHTHS = " ▁▂▃▄▅▆▇█"


def title(verdict: TrainingVerdict) -> str:
    """The network, and how it was trained."""
    weights = "weights of a file" if verdict.seed is None else f"seed {verdict.seed}"
    how = [
        plural(verdict.batch, "example"),
        verdict.dtype,
        verdict.backend,
        weights,
        f"{verdict.optimizer} at {verdict.learning_rate:g}",
        verdict.loss,
    ]
    return f"{printable(verdict.name)}: a training step, {verdict.ends} ({', '.join(how)})"


def row(layer: TrainedLayer) -> list[str]:
    """A layer's cells: what is as predicted once, what is not with both."""
    norm = part = ""
    if layer.gradient_norm is not None:
        norm = f"{layer.gradient_norm:.2e}"
        part = f"{layer.gradient_norm / layer.weight_norm:.1e}" if layer.weight_norm else UNSEEN
    mark = BAD if layer.differences else GOOD
    return [
        layer.name,
        layer.kind,
        _few(layer.kept) or UNSEEN,
        both(layer.kept_bytes),
        both(layer.gradients),
        both(layer.macs),
        norm,
        part,
        f"{mark} {layer.flag}".rstrip(),
    ]


def _few(names: Sequence[str]) -> str:
    """The first names, and how many more there are: layers along a sequence keep dozens."""
    shown = names if len(names) <= MOST else names[: MOST - 1]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(shown) + more


def totals(verdict: TrainingVerdict) -> list[list[str]]:
    """What, predicted, observed, mark."""
    rows = [["", "Predicted", "Observed", ""]]
    pairs = [
        ("Kept for backward", verdict.kept_bytes, megabytes),
        ("Kept by the loss", verdict.loss_bytes, megabytes),
        ("Gradients", verdict.gradient_bytes, megabytes),
        ("Optimizer state", verdict.state_bytes, megabytes),
        ("MACs back", verdict.macs, grouped),
    ]
    for name, pair, shown in pairs:
        if pair is not None and pair.observed is not None:
            rows.append([name, shown(pair.predicted), shown(pair.observed), mark(pair)])
    if verdict.peak is not None:
        peak = verdict.peak
        rows.append(["Peak", megabytes(peak.predicted), megabytes(peak.observed), mark(peak)])
        rows.append(["at", peak.predicted_at, peak.observed_at, ""])
    return rows


def mark(pair: Pair | Peak) -> str:
    """Whether it is as predicted."""
    return GOOD if pair.fine else BAD


def curve(losses: Sequence[float]) -> list[str]:
    """The loss of every step, drawn from 0 up; several steps of a column are their mean."""
    columns = min(WIDTH, len(losses))
    means: list[float | None] = []
    for column in range(columns):
        first, end = (at * len(losses) // columns for at in (column, column + 1))
        some = [each for each in losses[first:end] if isfinite(each)]
        means.append(fmean(some) if some else None)
    most = max((mean for mean in means if mean is not None), default=0.0)
    if not most:
        return []
    heights = [None if mean is None else mean / most * HEIGHT for mean in means]
    label = f"{most:.4g}"
    lines = []
    for line in range(HEIGHT - 1, -1, -1):
        cells = (
            "×" if height is None and not line else EIGHTHS[_eighths(height, line)]
            for height in heights
        )
        name = label if line == HEIGHT - 1 else ""
        lines.append(f"{name:>{len(label)}} │{''.join(cells)}".rstrip())
    lines.append(f"{'0':>{len(label)}} └{'─' * columns}")
    last = f"step {len(losses):,}"
    lines.append(f"{'':>{len(label)}}  {'step 1':<{max(columns - len(last), 7)}}{last}")
    return lines


def _eighths(height: float | None, line: int) -> int:
    """How many eighths of a cell are full."""
    if height is None:
        return 0
    return max(0, min(8, round((height - line) * 8)))


def loss_line(verdict: TrainingVerdict) -> str:
    """The losses in words."""
    first, last = verdict.losses[0], verdict.losses[-1]
    if verdict.steps == 1:
        return f"Loss {first:.4g} before the step."
    done = f"{len(verdict.losses):,} of {plural(verdict.steps, 'step')}"
    ended = ", and then it was interrupted" if verdict.interrupted else ""
    return f"Loss {first:.4g} before the first step, {last:.4g} before the last: {done}{ended}."


def ending(verdict: TrainingVerdict) -> list[str]:
    """The verdict in words, every difference with it."""
    lines = [f"Note: {note}" for note in verdict.notes]
    if verdict.good:
        near = f", and the peak is within {NEAR} times" if verdict.peak else ""
        layers = plural(verdict.layer_count, "layer")
        lines.append(f"{layers} went back as predicted, all gradients are finite{near}.")
    else:
        lines += [f"  {difference}" for difference in verdict.differences]
        lines.append(f"{plural(len(verdict.differences), 'difference')} found.")
    return lines
