"""A network's memory as comma-separated values, numbers as programs read them.

One row a number; or, asked for the layers, one row a layer; or, for the timeline, an operation.
"""

import csv
import io
from collections.abc import Iterable

from convcalc.analysis.memory import Answer, LayerMemory, Moment


def render(
    answer: Answer,
    *,
    layers: bool = False,
    timeline: bool = False,
    header: bool = True,
    several: bool = False,
    **_: object,
) -> str:
    """The answer as CSV; of `several` answers, each row starts with the spec's name."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    head: tuple[str, ...] = ("section", "name", "value", "unit", "layer")
    rows: Iterable[tuple[object, ...]] = _numbers(answer)
    if layers:
        head, rows = LayerMemory._fields, answer.report.layers
    elif timeline:
        head, rows = Moment._fields, answer.report.timeline
    if header:
        writer.writerow([*(["spec"] if several else []), *head])
    spec = [answer.report.path] if several else []
    for row in rows:
        writer.writerow([*spec, *map(_plain, row)])
    return text.getvalue()


def _plain(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value


def _numbers(answer: Answer) -> list[tuple[object, ...]]:
    report = answer.report
    rows: list[tuple[object, ...]] = [
        ("part", line.name, line.bytes, "bytes", "") for line in report.lines
    ]
    rows += [
        ("peak of a phase", moment.phase, moment.bytes, "bytes", moment.layer)
        for moment in report.peaks
    ]
    if report.training:
        rows.append(("between the passes", "after forward", report.after_forward, "bytes", ""))
    rows.append(("peak", "activations", report.activation_peak, "bytes", ""))
    rows.append(("peak", report.peak_phase, report.peak, "bytes", report.peak_layer))
    rows += [("at the peak", line.name, line.bytes, "bytes", "") for line in report.at_peak]
    if answer.checkpointed is not None:
        numbers = answer.checkpointed._asdict()
        numbers["segments that do not pay"] = len(numbers.pop("unpaid"))
        for name, value in numbers.items():
            unit = "MACs" if name.endswith("macs") else "" if " " in name else "bytes"
            rows.append(("checkpointing", name.replace("_", " "), value, unit, ""))
    if answer.automatic is not None:
        rows += [
            ("segment that runs again", part.name, part.recomputed_macs, "MACs", part.name)
            for part in answer.automatic.parts
        ]
    if answer.sharded is not None:
        for name, value in answer.sharded._asdict().items():
            if name not in ("devices", "stage"):
                rows.append(("one device", name.replace("_", " "), value, "bytes", ""))
    if answer.deployed is not None:
        lower_line = answer.deployed
        rows.append(("lower line", "parameters", lower_line.parameters, "bytes", ""))
        rows.append(
            (
                "lower line",
                "activations",
                lower_line.activation_peak,
                "bytes",
                lower_line.peak_layer,
            )
        )
    if answer.arena is not None:
        rows.append(("arena", "size", answer.arena.size, "bytes", ""))
        rows.append(("arena", "lower bound", answer.arena.lower_bound, "bytes", ""))
        rows += [
            ("arena scratch", each.name, size, "bytes", each.layer)
            for each, size in answer.arena.scratch
        ]
        if answer.arena.tail is not None:
            rows.append(("arena", "tail, an estimate", answer.arena.tail, "bytes", ""))
        rows.append(("arena", "flash", answer.arena.flash, "bytes", ""))
        rows += [
            ("arena limit", fit.room.name, fit.room.bytes - fit.takes, "bytes to spare", "")
            for fit in answer.arena_fits
            if fit.known
        ]
        if answer.banked is not None:
            rows += [
                ("arena bank", bank.name, used, "bytes", "")
                for bank, used in zip(answer.banked.banks, answer.banked.used, strict=True)
            ]
        if answer.searched is not None:
            searched = answer.searched
            rows.append(("arena search", "best plan", searched.plan.size, "bytes", ""))
            rows.append(("arena search", "lower bound of orders", searched.order.peak, "bytes", ""))
            if searched.ordered is not None:
                rows.append(("arena search", "plan in order", searched.ordered.size, "bytes", ""))
        if answer.patches is not None:
            plan = answer.patches
            for name, value, unit, layer in (
                ("peak", plan.peak, "bytes", plan.layer),
                ("while patches run", plan.stage_peak, "bytes", ""),
                ("behind them", plan.rest_peak, "bytes", ""),
                ("size", plan.size, "bytes", ""),
                ("patches", plan.grid[0] * plan.grid[1], "", plan.until),
                ("input", plan.input_memory, "", ""),
                ("MACs", plan.patched_macs, "MACs", ""),
            ):
                rows.append(("arena patches", name, value, unit, layer))
        rows.append(("arena", "without a rule", len(answer.arena.unruled), "layers", ""))
        rows += [
            ("arena offset", each.name, each.offset, "bytes", "") for each in answer.arena.buffers
        ]
    for fit in answer.fits:
        rows.append(("limit", fit.limit.name, fit.limit.bytes, "bytes", ""))
        if fit.limit.gpu:
            rows.append(("CUDA context", fit.limit.name, fit.limit.context, "bytes", ""))
        rows.append(("taken of the limit", fit.limit.name, fit.peak, "bytes", ""))
        rows.append(("fits", fit.limit.name, str(fit.fits).lower(), "", ""))
        rows.append(("largest batch of inference", fit.limit.name, fit.inference, "examples", ""))
        if fit.training is not None:
            rows.append(("largest batch of training", fit.limit.name, fit.training, "examples", ""))
    return rows
