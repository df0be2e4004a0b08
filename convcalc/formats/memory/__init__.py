"""The formats of `convcalc memory`, and what those for people show: tables, one after the other."""

from collections.abc import Mapping, Sequence
from shlex import quote
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.memory import (
    GPUS,
    Answer,
    ArenaReport,
    Checkpointed,
    DeployReport,
    Fit,
    Gpu,
    Limit,
    MemoryReport,
    ShardedReport,
)
from convcalc.analysis.memory.arena_fits import ArenaFit
from convcalc.analysis.memory.arena_search import Searched
from convcalc.analysis.memory.banks import Banked
from convcalc.analysis.memory.boards import BOARDS
from convcalc.analysis.memory.gpus import SHARE
from convcalc.analysis.memory.patches import Patches
from convcalc.analysis.memory.program import LOSS
from convcalc.analysis.memory.runtimes import Operator
from convcalc.analysis.memory.terms import ATTENTION_WORDS
from convcalc.formats import Format
from convcalc.formats.diagnostics import printable
from convcalc.numbers import both_bytes, grouped, megabytes, plural

if TYPE_CHECKING:
    from convcalc.analysis.memory.automatic import Automatic

MEMORY_FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "table": Format("With bars, colours and a picture as wide as the terminal.", "text"),
        "plain": Format("Aligned text, for pipes and files.", "text"),
        "json": Format("Everything, stable; see docs/memory.schema.json.", "values"),
        "csv": Format(
            "One row a number; with --layers one a layer, with --timeline one an operation.", "rows"
        ),
        "markdown": Format("Tables for a README or a pull request.", "document"),
    }
)
"""The formats of `memory`, by name; one of values has `refused` besides `render`."""


SHOWN = 5
"""How many segments that do not pay are named."""


class Section(NamedTuple):
    """A table with a title, as every format for people shows it."""

    title: str
    """The line above the table, without a full stop."""
    head: tuple[str, ...] = ()
    """Titles of the columns; () where there is no table."""
    rows: Sequence[tuple[str, ...]] = ()
    """Cells as text, as many in a row as there are columns."""
    right: tuple[bool, ...] = ()
    """Which columns are aligned to the right."""
    shares: Sequence[float] = ()
    """Of each row, how long its bar is."""
    notes: Sequence[str] = ()
    """Sentences that stand below the table."""
    verdict: bool | None = None
    """Whether what is asked is so; None where nothing is asked."""


def title(report: MemoryReport) -> str:
    """The network, and under what terms it runs."""
    examples = plural(report.batch, "example") if report.batch > 1 else "one example"
    terms = [examples, report.dtype]
    if report.mixed_precision:
        terms.append("mixed precision")
    if report.training:
        terms.append(report.optimizer)
        if report.optimizer not in ("sgd", "momentum"):
            terms.append("fused" if report.fused else "tensor by tensor")
        if report.loss != LOSS:
            terms.append(report.loss)
    if report.attention:
        terms.append(ATTENTION_WORDS[report.attention])
    if not report.inplace:
        terms.append("nothing in place")
    if report.device != "cpu":
        terms.append(report.device)
    what = "a training step" if report.training else "inference"
    return f"{printable(report.name)}: memory of {what} ({', '.join(terms)})"


def sections(answer: Answer, *, layers: bool = False) -> list[Section]:
    """Everything but the picture, in order."""
    report = answer.report
    tables = [_parts(answer), _peaks(report), _at_peak(report)]
    if report.inexact:
        tables.append(_inexact(report))
    tables.append(Section("Not included", notes=report.not_included))
    if answer.checkpointed is not None:
        tables.append(_checkpointed(answer.checkpointed, answer.report))
    if answer.automatic is not None:
        tables.append(_automatic(answer.automatic, answer.fits[0].limit))
    if answer.sharded is not None:
        tables.append(_sharded(answer.sharded))
    if answer.deployed is not None:
        tables.append(_deployed(answer.deployed))
    if answer.arena is not None:
        tables += _arena(answer.arena)
        if answer.banked is not None:
            tables += _banks(answer.arena, answer.banked)
        if answer.searched is not None:
            tables.append(_searched(answer.arena, answer.searched))
        if answer.patches is not None:
            tables += _patches(answer.patches)
    if answer.arena_fits:
        of = "head of the arena" if answer.patches is None else "arena in patches"
        tables.append(_rooms(answer.arena_fits, of))
    if layers:
        tables.append(_layers(report))
    if answer.fits:
        tables.append(_fits(answer))
    return tables


_SIZES = (False, True, False)
"""Alignment of a name, its bytes, and the same in units."""


def _size(name: str, count: int) -> tuple[str, str, str]:
    return name.capitalize() if name.islower() else name, grouped(count), both_bytes(count)


def _parts(answer: Answer) -> Section:
    report = answer.report
    shares = [line.bytes / report.peak if report.peak else 0.0 for line in report.lines]
    return Section(
        "Parts, which are not all alive at once" if report.training else "Parts",
        ("Part", "Bytes", "", "Of the peak"),
        [
            (*_size(line.name, line.bytes), f"{share:.1%}")
            for line, share in zip(report.lines, shares, strict=True)
        ],
        (*_SIZES, True),
        shares,
    )


def _peaks(report: MemoryReport) -> Section:
    rows = [(*_size(f"{moment.phase} peak", moment.bytes), moment.layer) for moment in report.peaks]
    if report.training:
        rows.insert(1, (*_size("after forward", report.after_forward), ""))
    rows.append((*_size("activation peak", report.activation_peak), ""))
    return Section("Peaks, all lines included", ("", "Bytes", "", "At"), rows, (*_SIZES, False))


def _at_peak(report: MemoryReport) -> Section:
    where = f"in the {report.peak_phase} pass at {report.peak_layer}"
    if report.peak_phase == "step":
        where = "in the optimizer's step"
    shares = [line.bytes / report.peak for line in report.at_peak]
    rows = [
        (*_size(line.name, line.bytes), f"{share:.1%}")
        for line, share in zip(report.at_peak, shares, strict=True)
    ]
    rows.append((*_size("peak", report.peak), "100.0%"))
    return Section(
        f"The peak: {both_bytes(report.peak)}, {where}",
        ("Part", "Bytes", "", "Of the peak"),
        rows,
        (*_SIZES, True),
        [*shares, 0.0],
    )


def _inexact(report: MemoryReport) -> Section:
    """Layers by one reason in one line, so that a repeat is told once."""
    reasons: dict[tuple[str, ...], list[str]] = {}
    for layer, *why in report.inexact:
        reasons.setdefault(tuple(why), []).append(printable(layer))
    notes = []
    for (figures, direction, reason), layers in reasons.items():
        more = f" and {len(layers) - SHOWN} more" if len(layers) > SHOWN else ""
        shown = f"{', '.join(layers[:SHOWN])}{more}"
        notes.append(f"{shown}: {figures} may be {direction} in PyTorch: {reason}")
    return Section("Not exact", notes=notes)


def _checkpointed(saving: Checkpointed, report: MemoryReport) -> Section:
    rows = [
        (name, grouped(before), grouped(after), both_bytes(before - after))
        for name, before, after in (
            ("Kept for backward", saving.kept_without, saving.kept),
            ("Peak", saving.peak_without, saving.peak),
        )
    ]
    macs = saving.recomputed_macs
    share = f", {macs / saving.forward_macs:.1%} of a forward pass" if saving.forward_macs else ""
    again = sum(layer.recomputed for layer in report.layers)
    notes = [
        f"{plural(again, 'layer')} run again: {grouped(macs)} MACs{share}."
        if again
        else "No layers run again."
    ]
    if saving.unpaid:
        shown = ", ".join(map(printable, saving.unpaid[:SHOWN]))
        more = len(saving.unpaid) - SHOWN
        shown += f" and {more} more" if more > 0 else ""
        notes.append(
            f"It does not pay for {shown}: what such a segment starts from is no less than what "
            "its layers keep anyway."
        )
    return Section(
        "Checkpointing",
        ("", "Without", "With", "Saved"),
        rows,
        (False, True, True, False),
        notes=notes,
    )


def _automatic(chosen: "Automatic", limit: Limit) -> Section:
    """Which segments were chosen, and where they stand in code."""
    rows = [
        (
            printable(part.name),
            grouped(part.recomputed_macs),
            printable(", ".join(part.reads)),
            printable(", ".join(part.gives)),
        )
        for part in chosen.parts
    ]
    notes = []
    if not chosen.fits:
        least = "the lowest peak of all choices" if chosen.proven else "the lowest peak found"
        notes.append(f"Nothing fits into {limit.name}: {least} is {both_bytes(chosen.lowest)}.")
    elif chosen.proven:
        notes.append(
            "Proven best: of all choices of segments that fit, none does less again, and of those "
            "that do as little none has a lower peak."
        )
    else:
        notes.append(f"The best that was found, which is not proven: {chosen.how}.")
        again = sum(part.recomputed_macs for part in chosen.parts)
        if chosen.fits and 0 < chosen.fewest < again:
            # To a hundredth of a percent, rounded up.
            above = -((chosen.fewest - again) * 10_000 // chosen.fewest)
            notes.append(
                f"At most {above / 100:.2f}% more MACs again than the fewest of all choices that "
                f"fit: none does fewer than {chosen.fewest:,}."
            )
    if chosen.fits and chosen.peak_without <= limit.room:
        notes.append(f"Without checkpoints it fits, too: {both_bytes(chosen.peak_without)}.")
    if chosen.names:
        notes.append(f"The same: --checkpoint {quote(','.join(map(printable, chosen.names)))}")
        notes.append(
            "In PyTorch: `torch.utils.checkpoint.checkpoint(segment, *start, use_reentrant=False)`,"
            " where segment runs the layers from the first to the last on what it starts from, and "
            "returns what it gives."
        )
    else:
        notes.append("Nothing runs again.")
    return Section(
        f"The cheapest checkpoints within {limit.name}",
        ("Segment", "MACs again", "Starts from", "Gives") if rows else (),
        rows,
        (False, True, False, False) if rows else (),
        notes=notes,
    )


def _sharded(device: ShardedReport) -> Section:
    lines = (
        ("parameters", device.parameters),
        ("gradients", device.gradients),
        ("optimizer state", device.optimizer_state),
        ("model states", device.model_states),
        ("this device's activations", device.activations),
        ("the optimizer's temporaries", device.temporaries),
        ("peak of the passes", device.pass_peak),
        ("peak of the step", device.step_peak),
        ("total, the larger of these", device.total),
    )
    level = ("none", "optimizer", "gradients", "parameters").index(device.stage)
    sharding = f"ZeRO stage {level}" if level else "nothing sharded"
    return Section(
        f"One of {plural(device.devices, 'device')}, {sharding}",
        ("Part", "Bytes", ""),
        [_size(name, count) for name, count in lines],
        _SIZES,
        notes=["Model states by formula; buffers for gathering and reducing are not in it."],
    )


def _deployed(lower_line: DeployReport) -> Section:
    return Section(
        "The lower line, for a runtime that folds and fuses",
        ("Part", "Bytes", "", "At"),
        [
            (*_size("parameters", lower_line.parameters), ""),
            (*_size("activation peak", lower_line.activation_peak), lower_line.peak_layer),
            (*_size("together", lower_line.parameters + lower_line.activation_peak), ""),
        ],
        (*_SIZES, False),
    )


def _arena(arena: ArenaReport) -> list[Section]:
    """What the arena is made of, then where it holds what."""
    runtime = arena.runtime
    rows = [_size("head: maps and scratch", arena.size)]
    rows += [
        _size(f"of it scratch of {each.name} in {printable(each.layer)}", size)
        for each, size in arena.scratch[:SHOWN]
    ]
    more = len(arena.scratch) - SHOWN
    if more > 0:
        rest = sum(size for _, size in arena.scratch[SHOWN:])
        rows.append(_size(f"of it scratch of {plural(more, 'more operator')}", rest))
    if arena.tail is not None:
        rows.append(_size("tail: structs (an estimate)", arena.tail))
        rows.append(_size("head and tail (an estimate)", arena.size + arena.tail))
    rows.append(_size("flash: weights", arena.flash))
    parts = Section(
        f"Arena of one example in {arena.dtype}: {both_bytes(arena.size)}",
        ("Part", "Bytes", ""),
        rows,
        _SIZES,
        notes=[
            f"{runtime.title}, {runtime.kernels}: {runtime.version}.",
            "The tail is of pointers of 8 bytes; flash is without the runtime's code.",
        ],
    )
    made = dict(enumerate(arena.operators, 1))
    buffers = Section(
        "What the arena holds",
        ("Buffer", "Operator", "Offset", "Bytes", "From", "To"),
        [
            (
                printable(each.name),
                _operator(made[each.first]) if each.first and not each.scratch else "",
                grouped(each.offset),
                grouped(each.bytes),
                str(each.first),
                str(each.last),
            )
            for each in arena.buffers
        ],
        (False, False, True, True, True, True),
        notes=[
            f"No plan can do with less than {both_bytes(arena.lower_bound)}.",
            "From and To are operations: the one that makes a buffer and the last that reads it.",
        ],
    )
    return [parts, buffers, *([_unruled(arena)] if arena.unruled else [])]


def _banks(arena: ArenaReport, plan: Banked) -> list[Section]:
    """What each bank holds, and where each buffer lies."""
    rows = []
    for number, (bank, used) in enumerate(zip(plan.banks, plan.used, strict=True)):
        inside = sum(place is not None and place[0] == number for place in plan.places)
        rows.append((bank.name, grouped(bank.bytes), grouped(used), grouped(inside)))
    nowhere = sum(place is None for place in plan.places)
    if nowhere:
        rows.append(("in no bank", "", "", grouped(nowhere)))
    banks = Section(
        "Banks, the fastest first",
        ("Bank", "Bytes", "Used", "Buffers"),
        rows,
        (False, True, True, True),
        notes=[
            (
                "By falling size, each buffer goes into the first bank with a gap for it; the tail "
                "is in none."
            ),
        ],
        verdict=plan.fits,
    )
    places = [
        (
            printable(buffer.name),
            "–" if place is None else plan.banks[place[0]].name,
            "–" if place is None else grouped(place[1]),
            grouped(buffer.bytes),
        )
        for buffer, place in zip(arena.buffers, plan.places, strict=True)
    ]
    return [
        banks,
        Section(
            "What goes where",
            ("Buffer", "Bank", "Offset", "Bytes"),
            places,
            (False, False, True, True),
        ),
    ]


def _searched(arena: ArenaReport, searched: Searched) -> Section:
    """The runtime's plan beside the best that was found, and beside a better order."""
    plan, order = searched.plan, searched.order
    above = plan.size / plan.lower_bound - 1 if plan.lower_bound else 0.0
    said = "proven: none is lower" if plan.proven else f"at most {above:.1%} above the lowest"
    peak = "no order has less alive"
    if not order.proven:
        peak = "not all orders were gone through"
    rows = [
        (*_size("lower bound", plan.lower_bound), "alive at once"),
        (*_size("the runtime's plan", arena.size), "greedy"),
        (*_size("best plan found", plan.size), said),
        (*_size("lower bound in the best order", order.peak), peak),
    ]
    notes = []
    if searched.ordered is not None:
        rows.append((*_size("the runtime's plan in that order", searched.ordered.size), "greedy"))
        moved = [
            f"{each.name} of {printable(each.layer)}"
            for each, now in zip(arena.operators, searched.ordered.operators, strict=True)
            if (each.name, each.layer) != (now.name, now.layer)
        ]
        first = searched.ordered.operators[_first_moved(arena, searched.ordered)]
        notes.append(
            f"{plural(len(moved), 'operator')} stand elsewhere in that order, first "
            f"{first.name} of {printable(first.layer)}; it is the runtime's where the file has it."
        )
    return Section(
        "How good the plan is", ("", "Bytes", "", ""), rows, (*_SIZES, False), notes=notes
    )


def _first_moved(arena: ArenaReport, ordered: ArenaReport) -> int:
    both = zip(arena.operators, ordered.operators, strict=True)
    return next((number for number, (one, now) in enumerate(both) if one.layer != now.layer), 0)


def _patches(plan: Patches) -> list[Section]:
    """What the arena takes with a first stage in patches, and what patches need of each layer."""
    rows, columns = plan.grid
    at = printable(plan.layer)
    if plan.patch >= 0:
        at += f", patch {plan.patch // columns + 1} of {rows} down, {plan.patch % columns + 1} of "
        at += f"{columns} across"
    share = f", {plan.patched_macs / plan.macs - 1:.1%} more" if plan.macs else ""
    streamed = plan.input_memory == "streamed"
    peaks = Section(
        f"In {rows}x{columns} patches up to {printable(plan.until)}, the input {plan.input_memory}",
        ("", "Bytes", "", "Without patches"),
        [
            (*_size("while patches run", plan.stage_peak), ""),
            (*_size("behind them", plan.rest_peak), ""),
            (*_size("most alive at once", plan.peak), grouped(plan.whole_peak)),
            (*_size("planned, in one piece", plan.size), grouped(plan.whole_size)),
        ],
        (False, True, False, True),
        notes=[
            f"Most is alive at {at}.",
            f"{grouped(plan.patched_macs)} MACs{share} than {grouped(plan.macs)} without patches."
            if plan.macs
            else "There are no MACs.",
            "Of the input, the arena has the region of the patch that runs, and no more."
            if streamed
            else "The arena has the whole input until it is read for the last time.",
        ],
    )
    own = {step.operator.layer for step in plan.steps if step.patch >= 0}
    layers = [each for each in plan.layers if each.kind == "input" or each.name in own]
    needs = Section(
        "What patches need of each layer",
        ("Layer", "Map", "Largest region", "Halo", "MACs", "In patches"),
        [
            (
                printable(each.name),
                _by_axis(each.extents),
                _by_axis(each.region),
                _by_axis(each.halo),
                grouped(each.macs),
                grouped(each.patched_macs),
            )
            for each in layers
        ],
        (False, True, True, True, True, True),
        notes=["The halo is the rows, and the columns, that two patches side by side both need."],
    )
    return [peaks, needs]


def _by_axis(extents: Sequence[int]) -> str:
    return "×".join(map(str, extents))


def _rooms(fits: Sequence[ArenaFit], of_arena: str) -> Section:
    """Whether the arena and the weights fit into what there is."""
    rows = []
    for fit in fits:
        spare = fit.room.bytes - fit.takes
        said = f"fits, {both_bytes(spare)} to spare"
        if fit.close:
            said = f"the head fits; with the tail {both_bytes(fit.tail - spare)} over, about"
        elif not fit.known:
            said = "not known"
        elif not fit.fits:
            said = f"{both_bytes(-spare)} over"
        size, units = grouped(fit.room.bytes), both_bytes(fit.room.bytes)
        of = of_arena if fit.room.of == "arena" else "weights"
        rows.append((fit.room.name, size, units, of, grouped(fit.takes), said))
    boards = dict.fromkeys(fit.room.board for fit in fits if fit.room.board)
    notes = [f"{name}: {BOARDS[name].title}, {BOARDS[name].source}." for name in boards]
    if boards:
        notes.append("What else a program has on the board is in none of these.")
    return Section(
        "Does it fit",
        ("Limit", "Bytes", "", "Of", "Takes", ""),
        rows,
        (False, True, False, False, True, False),
        notes=notes,
        verdict=all(fit.fits for fit in fits),
    )


def _operator(operator: Operator) -> str:
    return f"{operator.name} + {operator.fused}" if operator.fused else operator.name


def _unruled(arena: ArenaReport) -> Section:
    """Layers without a rule, those of one kind and reason in one line."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for layer, kind, reason in arena.unruled:
        reasons.setdefault((kind, reason), []).append(printable(layer))
    notes = []
    for (kind, reason), layers in reasons.items():
        more = f" and {len(layers) - SHOWN} more" if len(layers) > SHOWN else ""
        shown = f"{', '.join(layers[:SHOWN])}{more}"
        notes.append(f"{shown} ({kind}): {reason}" if kind else reason)
    notes.append(
        "Each of these layers stands as one operator with a map of its own and no scratch, so the "
        "figures are no promise."
    )
    return Section("Not to the byte: without a rule", notes=notes)


def _layers(report: MemoryReport) -> Section:
    head = ["Layer", "Kind", "Output", "Live"]
    if report.training:
        head = ["Layer", "Kind", "Output", "Kept", "Live forward", "Live backward"]
    rows = []
    for layer in report.layers:
        numbers = [layer.output, layer.live]
        if report.training:
            numbers = [layer.output, layer.kept, layer.live, layer.live_backward]
        manner = "in place" if layer.in_place else ""
        if layer.recomputed:
            manner = ", ".join(filter(None, [manner, "runs again"]))
        rows.append((layer.name, layer.kind, *map(grouped, numbers), manner))
    return Section(
        "Layers, in bytes", (*head, ""), rows, (False, False, *[True] * (len(head) - 2), False)
    )


def _fits(answer: Answer) -> Section:
    report, rows = answer.report, []
    cards = {fit.limit.gpu: GPUS[fit.limit.gpu] for fit in answer.fits if fit.limit.gpu}
    for fit in answer.fits:
        limit, spare = fit.limit, fit.limit.room - fit.peak
        said = f"fits, {both_bytes(spare)} to spare" if fit.fits else f"{both_bytes(-spare)} over"
        size, units = grouped(limit.bytes), both_bytes(limit.bytes)
        context = [megabytes(limit.context) if limit.gpu else "–"] if cards else []
        batches = [_batch(fit.inference), _batch(fit.training)]
        rows.append((limit.name, size, units, *context, said, *batches))
    notes = [_card(name, gpu) for name, gpu in cards.items()]
    notes += [shortage(fit) for fit in answer.fits if fit.most]
    return Section(
        "Limits, and the largest batches that fit",
        (
            "Limit",
            "Bytes",
            "",
            *(["CUDA context"] if cards else []),
            f"Batch {report.batch:,}",
            "Inference",
            f"Training, {report.optimizer}",
        ),
        rows,
        (False, True, False, *([True] if cards else []), False, True, True),
        notes=notes,
        verdict=all(fit.fits for fit in answer.fits),
    )


def _card(name: str, gpu: Gpu) -> str:
    """How much of its memory a card lets have, and how that is known."""
    if gpu.reported:
        known = f"the smallest total that PyTorch was reported to find is {gpu.least} GiB"
    else:
        known = f"no total was found published, and {SHARE / 100:.2f} of it is assumed"
    return f"{name} has {gpu.nominal} GiB: {known}."


def _batch(largest: int | None) -> str:
    if largest is None:
        return "–"
    return grouped(largest) if largest else "none"


def shortage(fit: Fit) -> str:
    """That not even the smallest batch fits: what it takes, and what would help."""
    most = ", ".join(f"{line.name} {both_bytes(line.bytes)}" for line in fit.most[:3])
    beside = (
        f" beside the CUDA context's {megabytes(fit.limit.context)}" if fit.limit.context else ""
    )
    text = f"Not even {_smallest(fit)} fits into {fit.limit.name}{beside}: "
    text += f"it takes {both_bytes(fit.one)}"
    text += f", most of it {most}." if most else "."
    if not fit.suggestions:
        return text
    helps = "; ".join(
        f"{each.change}: {both_bytes(each.peak)}"
        + (", which fits" if each.peak <= fit.limit.room else "")
        for each in fit.suggestions
    )
    return f"{text} Lower is {helps}."


def _smallest(fit: Fit) -> str:
    return (
        "one example" if fit.fewest == 1 else f"a batch of {fit.fewest}, the smallest that works,"
    )


def over(answer: Answer, fit: Fit) -> tuple[str, str]:
    """What is over a limit, and what to do."""
    report = answer.report
    under = f"a training step with {report.optimizer}" if report.training else "inference"
    where = " on each device" if answer.sharded is not None else ""
    context = f" and a CUDA context of {megabytes(fit.limit.context)}" if fit.limit.context else ""
    message = (
        f"memory of {under} at batch {report.batch:,}{where}: {both_bytes(fit.peak)}{context}, and "
        f"the limit {fit.limit.name} is {both_bytes(fit.limit.bytes)}: "
        f"{both_bytes(fit.peak - fit.limit.room)} more"
    )
    if fit.most:
        advice = f"not even {_smallest(fit)} fits"
        if fit.suggestions:
            least = min(fit.suggestions, key=lambda suggestion: suggestion.peak)
            advice += f"; {least.change} would make {both_bytes(least.peak)} of it"
        return message, advice
    largest = fit.training if report.training else fit.inference
    return message, f"the largest batch that fits is {largest:,}"
