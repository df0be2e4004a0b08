"""A network's memory as JSON: stable; docs/memory.schema.json describes it."""

import json
from collections.abc import Sequence
from typing import Any

from convcalc.analysis.memory import GPUS, Answer, Fit, MemoryReport, RunTerms
from convcalc.analysis.memory.gpus import GIB
from convcalc.analysis.memory.patches import Patches
from convcalc.diagnostics import Diagnostic
from convcalc.formats.json import diagnostic_value

SCHEMA = 1
"""Changes only when a field changes its meaning or goes."""


def render(answer: Answer, *, diagnostics: Sequence[Diagnostic] = (), **_: object) -> str:
    """The answer as a JSON object, ending in a newline."""
    report = answer.report
    unsaid = {"checkpoint"}
    if not report.attention:
        unsaid.add("attention")
    if not report.training:
        unsaid.add("loss")
    terms = {name: getattr(report, name) for name in RunTerms._fields if name not in unsaid}
    checkpointed = answer.checkpointed
    return _written(
        {
            "schema": SCHEMA,
            "name": report.name,
            "spec": report.path,
            "terms": {"batch": report.batch, **terms},
            "memory": _memory(report),
            "limits": [_fit(fit) for fit in answer.fits],
            "checkpointing": None
            if checkpointed is None
            else checkpointed._asdict() | _automatic(answer),
            "data_parallel": None if answer.sharded is None else answer.sharded._asdict(),
            "deploy": _deployed(answer),
            "arena": _arena(answer),
        },
        {
            "layers": [layer._asdict() for layer in report.layers],
            "timeline": [moment._asdict() for moment in report.timeline],
            "diagnostics": [diagnostic_value(diagnostic) for diagnostic in diagnostics],
        },
    )


def refused(name: str, path: str, diagnostics: Sequence[Diagnostic]) -> str:
    """What is written of a network with errors: its findings, and null for all that is unknown."""
    head: dict[str, Any] = {"schema": SCHEMA, "name": name, "spec": path}
    head |= dict.fromkeys(("terms", "memory"))
    head["limits"] = []
    head |= dict.fromkeys(("checkpointing", "data_parallel", "deploy", "arena"))
    values = [diagnostic_value(each) for each in diagnostics]
    return _written(head, {"layers": [], "timeline": [], "diagnostics": values})


def _written(head: dict[str, Any], lists: dict[str, list[dict[str, Any]]]) -> str:
    dump = json.JSONEncoder(ensure_ascii=False).encode
    lines = [f"{dump(key)}: {dump(value)}" for key, value in head.items()]
    for key, items in lists.items():
        inner = "[\n  " + ",\n  ".join(map(dump, items)) + "]" if items else "[]"
        lines.append(f"{dump(key)}: {inner}")
    return "{" + ",\n ".join(lines) + "}\n"


def _memory(report: MemoryReport) -> dict[str, Any]:
    numbers = {
        name: getattr(report, name)
        for name in (
            "parameters",
            "buffers",
            "gradients",
            "optimizer_state",
            "input",
            "targets",
            "kept",
            "overhead",
            "after_forward",
            "forward_peak",
            "backward_peak",
            "step_peak",
            "activation_peak",
            "peak",
            "peak_phase",
            "peak_layer",
        )
    }
    return {
        **numbers,
        "peaks": [moment._asdict() for moment in report.peaks],
        "at_peak": {line.name.replace(" ", "_"): line.bytes for line in report.at_peak},
        "not_included": list(report.not_included),
        "inexact": [each._asdict() for each in report.inexact],
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "limit": fit.limit.name,
        "bytes": fit.limit.bytes,
        "gpu": _gpu(fit.limit.gpu),
        "context": fit.limit.context,
        "peak": fit.peak,
        "fits": fit.fits,
        "largest_inference_batch": fit.inference,
        "largest_training_batch": fit.training,
        "one_example": fit.one,
        "most": {line.name.replace(" ", "_"): line.bytes for line in fit.most},
        "suggestions": [suggestion._asdict() for suggestion in fit.suggestions],
    }


def _gpu(name: str) -> dict[str, Any] | None:
    gpu = GPUS.get(name)
    if gpu is None:
        return None
    return {"name": name, "nominal": gpu.nominal * GIB, "reported": gpu.reported}


def _automatic(answer: Answer) -> dict[str, Any]:
    """The cheapest checkpoints, where they are asked for."""
    chosen = answer.automatic
    if chosen is None:
        return {}
    return {
        "auto": {
            "fits": chosen.fits,
            "proven": chosen.proven,
            "how": chosen.how,
            "fewest_recomputed_macs": chosen.fewest,
            "lowest_peak": None if chosen.fits else chosen.lowest,
            "argument": ",".join(chosen.names),
            "segments": [part._asdict() for part in chosen.parts],
        }
    }


def _deployed(answer: Answer) -> dict[str, Any] | None:
    lower_line = answer.deployed
    if lower_line is None:
        return None
    return {
        "parameters": lower_line.parameters,
        "activation_peak": lower_line.activation_peak,
        "peak_layer": lower_line.peak_layer,
    }


def _arena(answer: Answer) -> dict[str, Any] | None:
    arena = answer.arena
    if arena is None:
        return None
    return {
        "dtype": arena.dtype,
        "size": arena.size,
        "lower_bound": arena.lower_bound,
        "tensors": [buffer._asdict() for buffer in arena.buffers],
        "runtime": {
            "title": arena.runtime.title,
            "kernels": arena.runtime.kernels,
            "version": arena.runtime.version,
            "alignment": arena.runtime.alignment,
        },
        "exact": arena.exact,
        "tail_estimate": arena.tail,
        "flash": arena.flash,
        "scratch": [
            {"operator": each.name, "layer": each.layer, "bytes": size}
            for each, size in arena.scratch
        ],
        "operators": [each._asdict() for each in arena.operators],
        "unruled": [each._asdict() for each in arena.unruled],
        "banks": _banks(answer),
        "search": _searched(answer),
        "patches": None if answer.patches is None else _patches(answer.patches),
        "limits": [
            {
                "limit": fit.room.name,
                "of": fit.room.of,
                "board": fit.room.board or None,
                "bytes": fit.room.bytes,
                "takes": fit.takes,
                "tail_estimate": fit.tail
                if fit.room.of == "arena" and answer.patches is None
                else None,
                "fits": fit.fits if fit.known else None,
            }
            for fit in answer.arena_fits
        ],
    }


def _banks(answer: Answer) -> dict[str, Any] | None:
    arena, plan = answer.arena, answer.banked
    if arena is None or plan is None:
        return None
    return {
        "fits": plan.fits,
        "banks": [
            {"name": bank.name, "bytes": bank.bytes, "used": used}
            for bank, used in zip(plan.banks, plan.used, strict=True)
        ],
        "places": [
            {
                "name": buffer.name,
                "bank": None if place is None else plan.banks[place[0]].name,
                "offset": None if place is None else place[1],
                "bytes": buffer.bytes,
            }
            for buffer, place in zip(arena.buffers, plan.places, strict=True)
        ],
    }


def _patches(plan: Patches) -> dict[str, Any]:
    return {
        "until": plan.until,
        "grid": list(plan.grid),
        "input_memory": plan.input_memory,
        "peak": plan.peak,
        "stage_peak": plan.stage_peak,
        "rest_peak": plan.rest_peak,
        "peak_layer": plan.layer,
        "peak_patch": None if plan.patch < 0 else [*divmod(plan.patch, plan.grid[1])],
        "size": plan.size,
        "peak_without": plan.whole_peak,
        "size_without": plan.whole_size,
        "macs": plan.patched_macs,
        "macs_without": plan.macs,
        "layers": [each._asdict() for each in plan.layers],
    }


def _searched(answer: Answer) -> dict[str, Any] | None:
    searched = answer.searched
    if searched is None:
        return None
    ordered = searched.ordered
    return {
        "size": searched.plan.size,
        "proven": searched.plan.proven,
        "offsets": list(searched.plan.offsets),
        "order": {
            "lower_bound": searched.order.peak,
            "proven": searched.order.proven,
            "size": None if ordered is None else ordered.size,
            "operators": None if ordered is None else list(searched.order.order),
        },
    }
