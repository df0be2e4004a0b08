"""Why the peak of memory is where it is: every tensor alive there, and what would lower it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from convcalc.analysis.memory import Model, RunTerms, model, refusals
from convcalc.analysis.memory.alive import Alive, Peak, Use, alive
from convcalc.analysis.memory.changes import (
    TRIALS,
    WORK,
    Change,
    Changes,
    changes,
    device_changes,
    runtime_changes,
)
from convcalc.analysis.memory.library import run_terms
from convcalc.analysis.memory.runtime_peaks import arena_peak, deployed_peak, device_peak
from convcalc.analysis.memory.sharding import STAGES, Shard
from convcalc.analysis.memory.terms import ATTENTION_WORDS, Checkpoint, attention_of
from convcalc.arguments import whole
from convcalc.explanation.page import Page, Part, Section, Table
from convcalc.graph import Given, GivenShape, Network, SpecError, read
from convcalc.graph.planned import planned
from convcalc.numbers import both_bytes, grouped, megabytes, plural, times
from convcalc.spec.nodes import Value

SCHEMA = 1
"""Changes only when a field of the JSON changes its meaning or goes."""
SHOWN = 20
"""Tensors that a page lists, unless all are asked for; JSON has all."""
CHANGES = 15
"""Changes of each sort that a page lists; JSON has all."""
ALIKE = 3
"""Changes that a page lists of those that leave one and the same peak."""
NAMES = 3
"""Layers that a cell lists."""
AFTER = {"loss": "the loss", "optimizer": "the optimizer"}
"""What runs behind the last layer."""


class PeakExplanation(NamedTuple):
    """The peak of a network's memory: what is alive at it, and which changes lower it."""

    network: str
    """What the network calls itself."""
    path: str
    """The spec as it was named."""
    of: Literal["inference", "training", "device", "deploy", "arena"]
    """What it is the peak of: inference or a training step in PyTorch, that step on one of several
    devices, a runtime that folds and fuses, or the arena of a micro-controller."""
    batch: int
    """Examples that all bytes are of."""
    terms: RunTerms
    """How it runs, all but the batch; of a runtime and an arena only the data type counts."""
    peak: Peak
    """Where it is, and every tensor alive there; their bytes add up to it."""
    changes: Changes
    """The single changes that lower it, each worked out."""
    devices: int | None = None
    """How many devices there are; None where that is not asked."""
    shard: Shard = "none"
    """What they share, with all of the stages before it."""

    @property
    def parts(self) -> dict[str, int]:
        """The bytes of each line of the peak, as `convcalc memory` has them."""
        parts: dict[str, int] = {}
        for tensor in self.peak.tensors:
            parts[tensor.part] = parts.get(tensor.part, 0) + tensor.bytes
        return parts

    def __repr__(self) -> str:
        """Of what it is, and where the peak is, in one line; `print` shows everything."""
        return (
            f"<PeakExplanation {self.network!r}: {self.of}, batch {self.batch}, "
            f"{self.peak.bytes:,} bytes in {self.peak.phase} at {self.peak.layer}>"
        )

    def __str__(self) -> str:
        """The text that `convcalc explain --memory` prints."""
        return str(page(self)).removesuffix("\n")

    def to_markdown(self) -> str:
        """The same as Markdown."""
        return page(self).to_markdown()

    def to_json(self) -> str:
        """The same as JSON, with every tensor and every change; docs/explain.schema.json has it."""
        return page(self).to_json()


def explain_memory(
    spec: Given,
    *,
    batch: int = 1,
    dtype: str = "float32",
    training: bool = False,
    optimizer: str = "sgd",
    fused: bool = True,
    mixed_precision: bool = False,
    inplace: bool = True,
    overhead: int | str = 0,
    device: str = "cpu",
    checkpoint: Checkpoint | str | None = None,
    attention: str | None = None,
    input: GivenShape | None = None,  # noqa: A002 (the spec's own word)
    parameters: Mapping[str, Value] | None = None,
) -> PeakExplanation:
    """Explain the peak that `memory` gives under the same terms.

    `peak.tensors` is all that is alive there, the largest first, and `changes.lower` the single
    changes that lower it. Raises what `memory` raises.

    >>> found = explain_memory("alexnet_torchvision", training=True, optimizer="adam", batch=8)
    >>> found.peak.phase, found.peak.tensors[0].name, found.changes.lower[0].change
    ('step', 'linear1.weight', 'optimizer sgd')
    """
    network = read(spec, input=input, parameters=parameters)
    terms = run_terms(
        dtype=dtype,
        training=training,
        optimizer=optimizer,
        fused=fused,
        mixed_precision=mixed_precision,
        inplace=inplace,
        overhead=overhead,
        device=device,
        checkpoint=checkpoint,
        attention=attention,
    )
    return explain_peak(network, terms, whole(batch, "batch"))


def explain_peak(
    network: Network,
    terms: RunTerms,
    batch: int = 1,
    *,
    lower: bool = True,
    known: Model | None = None,
) -> PeakExplanation:
    """Explain the peak of inference or of a training step in PyTorch.

    Changes that `lower` it are worked out unless that is not asked: each takes as long as the peak.
    `known` is the model of these terms, where that is known already.

    Raises `SpecError` for a network with errors and for a batch that a layer is too small for, and
    `ValueError` for terms there are not.

    >>> from convcalc.graph import load
    >>> found = explain_peak(load("vgg16"), RunTerms(training=True, optimizer="adam"), 8)
    >>> found.peak.bytes == sum(tensor.bytes for tensor in found.peak.tensors)
    True
    """
    sound = planned(network)
    mine = (known or model(sound, terms)).of(batch)
    if batch < mine.fewest:
        raise SpecError(refusals(sound, batch, training=terms.training))
    peak = alive(mine, batch)
    return PeakExplanation(
        network=sound.name,
        path=sound.path,
        of="training" if terms.training else "inference",
        batch=batch,
        terms=_with_attention(sound, terms),
        peak=peak,
        changes=changes(mine, peak, batch) if lower else Changes((), (), 0),
    )


def _with_attention(network: Network, terms: RunTerms) -> RunTerms:
    """The terms with how attention is computed, where there is any."""
    return terms._replace(attention=attention_of(network, terms))


def explain_device(
    network: Network, terms: RunTerms, batch: int, devices: int, shard: str
) -> PeakExplanation:
    """Explain the peak of a training step on one of several devices, which share what `shard` says.

    Raises what `explain_peak` raises.
    """
    sound = planned(network)
    mine = model(sound, terms).of(batch)
    if batch < mine.fewest:
        raise SpecError(refusals(sound, batch, training=terms.training))
    stage = next(each for each in STAGES if each == shard)
    peak = device_peak(mine, batch, devices=devices, stage=stage)
    lower = device_changes(mine, peak, batch, devices=devices, stage=stage)
    return PeakExplanation(
        network=sound.name,
        path=sound.path,
        of="device",
        batch=batch,
        terms=_with_attention(sound, terms),
        peak=peak,
        changes=lower,
        devices=devices,
        shard=stage,
    )


def explain_runtime(network: Network, terms: RunTerms, batch: int) -> PeakExplanation:
    """Explain the peak of a runtime that folds and fuses; of the terms the data type counts.

    Raises `SpecError` for a network with errors.
    """
    sound = planned(network)
    peak = deployed_peak(sound, batch=batch, dtype=terms.dtype)
    lower = runtime_changes(
        sound,
        peak,
        terms.dtype,
        lambda other, dtype: deployed_peak(other, batch=batch, dtype=dtype),
    )
    return PeakExplanation(
        network=sound.name,
        path=sound.path,
        of="deploy",
        batch=batch,
        terms=terms,
        peak=peak,
        changes=lower,
    )


def explain_arena(network: Network, terms: RunTerms) -> PeakExplanation:
    """Explain the size of a micro-controller's arena; of the terms the data type counts.

    Raises `SpecError` for a network with errors.
    """
    sound = planned(network)
    peak = arena_peak(sound, dtype=terms.dtype)
    lower = runtime_changes(
        sound, peak, terms.dtype, lambda other, dtype: arena_peak(other, dtype=dtype)
    )
    return PeakExplanation(
        network=sound.name,
        path=sound.path,
        of="arena",
        batch=1,
        terms=terms,
        peak=peak,
        changes=lower,
    )


# The page


def page(explanation: PeakExplanation, *, every: bool = False) -> Page:
    """The explanation as a page, with the largest tensors, or with every one."""
    sections = [
        Section("", tuple(_where(explanation))),
        Section("What it is made of", (_parts(explanation),)),
        Section("What is alive there", (_tensors(explanation, every=every),)),
    ]
    sections += _lower(explanation)
    return Page(_title(explanation), tuple(sections), _data(explanation))


def _title(explanation: PeakExplanation) -> str:
    terms, batch = explanation.terms, explanation.batch
    said = [plural(batch, "example") if batch > 1 else "one example", terms.dtype]
    if terms.mixed_precision:
        said.append("mixed precision")
    if terms.training:
        said.append(terms.optimizer)
        if terms.optimizer not in ("sgd", "momentum"):
            said.append("fused" if terms.fused else "tensor by tensor")
    if terms.attention:
        said.append(ATTENTION_WORDS[terms.attention])
    if not terms.inplace:
        said.append("nothing in place")
    if terms.device != "cpu":
        said.append(terms.device)
    if terms.checkpoint is not None:
        every = isinstance(terms.checkpoint, int)
        said.append(
            f"checkpoints every {terms.checkpoint} layers"
            if every
            else f"checkpoints {', '.join(terms.checkpoint)}"  # type: ignore[arg-type]
        )
    of = {
        "inference": "inference",
        "training": "a training step",
        "device": f"a training step on one of {plural(explanation.devices or 1, 'device')}",
        "deploy": "a runtime that folds and fuses",
        "arena": "the arena",
    }[explanation.of]
    if explanation.shard != "none":
        said.append(f"{explanation.shard} shared")
    return f"{explanation.network}: the peak of {of} ({', '.join(said)})"


def _where(explanation: PeakExplanation) -> Iterator[Part]:
    peak = explanation.peak
    yield f"{grouped(peak.bytes)} bytes, {both_bytes(peak.bytes)}, {_moment(explanation)}."
    if peak.came:
        yield (
            f"{both_bytes(peak.came)} of it came with this operation, and {both_bytes(peak.goes)} "
            "are gone with the next."
        )
    if peak.each:
        there = peak.bytes - peak.each * explanation.batch
        yield (
            f"Each example of the batch takes {both_bytes(peak.each)} of it; {both_bytes(there)} "
            "are there whatever the batch."
        )


def _moment(explanation: PeakExplanation) -> str:
    """The moment of the peak, in words."""
    peak, terms = explanation.peak, explanation.terms
    if peak.phase == "step":
        return f"while the optimizer ({terms.optimizer}) steps, after both passes"
    if peak.layer == "loss":
        return f"in the {peak.phase} pass, at the loss"
    if any(tensor.part == "input" and tensor.name == peak.layer for tensor in peak.tensors):
        return "before any layer runs"
    if peak.again:
        return f"in the backward pass, while {peak.layer} runs forward again"
    if peak.phase == "backward":
        return f"in the backward pass, while {peak.layer} works out its gradients"
    if terms.training:
        return f"in the forward pass, while {peak.layer} runs"
    return f"while {peak.layer} runs"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "–"


def _parts(explanation: PeakExplanation) -> Table:
    whole = explanation.peak.bytes
    parts = sorted(explanation.parts.items(), key=lambda part: -part[1])
    counts: dict[str, int] = {}
    for tensor in explanation.peak.tensors:
        counts[tensor.part] = counts.get(tensor.part, 0) + 1
    rows = [
        (name, grouped(counts[name]), grouped(size), both_bytes(size), _share(size, whole))
        for name, size in parts
    ]
    rows.append(
        (
            "all",
            grouped(len(explanation.peak.tensors)),
            grouped(whole),
            both_bytes(whole),
            _share(whole, whole),
        )
    )
    return Table(("Part", "Tensors", "Bytes", "", "Share"), tuple(rows), frozenset((1, 2, 4)))


def _tensors(explanation: PeakExplanation, *, every: bool) -> Table:
    tensors = explanation.peak.tensors
    shown = tensors if every or len(tensors) <= SHOWN + 1 else tensors[:SHOWN]
    rows = [
        (
            tensor.name,
            times(tensor.shape),
            tensor.dtype,
            grouped(tensor.bytes),
            megabytes(tensor.bytes),
            _made(tensor),
            _needed(tensor, explanation.terms),
            _until(tensor),
        )
        for tensor in shown
    ]
    rest = tensors[len(shown) :]
    if rest:
        size = sum(tensor.bytes for tensor in rest)
        name = f"{len(rest):,} smaller ones"
        rows.append((name, "", "", grouped(size), megabytes(size), "", "", ""))
    size = explanation.peak.bytes
    rows.append(("all", "", "", grouped(size), megabytes(size), "", "", ""))
    columns = ("Tensor", "Shape", "Type", "Bytes", "", "Made", "Still needed by", "Until")
    return Table(columns, tuple(rows), frozenset((3, 4)))


def _made(tensor: Alive) -> str:
    if tensor.made is None:
        return "before"
    named = not tensor.layer or tensor.layer in tensor.name
    return tensor.made if named else f"{tensor.made}, {_layer(tensor.layer)}"


def _layer(name: str) -> str:
    return AFTER.get(name, name)


def _needed(tensor: Alive, terms: RunTerms) -> str:
    if not tensor.needed:
        return {
            "parameters": "both passes and the step" if terms.training else "every pass",
            "buffers": "every pass",
            "optimizer state": "the optimizer",
            "input": "whoever runs it",
            "targets": "whoever runs it",
            "gaps": "no one",
        }.get(tensor.part, "whoever runs it" if tensor.part == "temporaries" else "")
    names = list(dict.fromkeys(_layer(use.layer) for use in tensor.needed))
    more = len(names) - NAMES
    return ", ".join(names[:NAMES]) + (f" and {more} more" if more > 0 else "")


def _until(tensor: Alive) -> str:
    return "stays" if tensor.until is None else _use(tensor.until)


def _use(use: Use) -> str:
    if use.phase == "step":
        return "the step"
    again = ", forward again" if use.again else ""
    return f"{use.phase}, {_layer(use.layer)}{again}"


def _lower(explanation: PeakExplanation) -> list[Section]:
    tried = explanation.changes
    sections = []
    for alters, title in (
        ("run", "What lowers it and leaves the network as it is"),
        ("network", "What lowers it and changes what the network computes"),
    ):
        lower = [change for change in tried.lower if change.alters == alters]
        if lower:
            parts: list[Part] = [_changes(lower[:CHANGES])]
            if len(lower) > CHANGES:
                parts.append(f"{len(lower) - CHANGES:,} more save less.")
            sections.append(Section(title, tuple(parts)))
    notes: list[Part] = []
    if not tried.lower:
        notes.append("Nothing that was tried lowers it.")
    if tried.idle:
        shown = tried.idle[:CHANGES]
        more = len(tried.idle) - len(shown)
        others = f" and {more} more" if more else ""
        notes.append(f"Tried, and no lower: {', '.join(shown)}{others}.")
    if tried.untried:
        notes.append(
            f"{plural(tried.untried, 'change')} not tried: all trials together work out "
            f"{WORK:,} layers at most, and there are at most {TRIALS}."
        )
    if notes:
        sections.append(
            Section("What was tried" if tried.lower else "What lowers it", tuple(notes))
        )
    return sections


def _changes(lower: Sequence[Change]) -> Table:
    """The changes; of many that leave one and the same peak, the first, and how many there are."""
    rows = []
    for _, alike in groupby(lower, key=lambda change: (change.peak, change.phase, change.layer)):
        same = list(alike)
        rows += [_change(change) for change in same[:ALIKE]]
        if len(same) > ALIKE:
            more = f"{len(same) - ALIKE} more, to the same peak"
            rows.append((more, "", *_change(same[0])[2:]))
    columns = ("Change", "What to write", "Peak", "", "Saved", "Where the peak is then")
    return Table(columns, tuple(rows), frozenset((2, 3, 4)))


def _change(change: Change) -> tuple[str, ...]:
    return (
        change.change,
        change.write,
        grouped(change.peak),
        megabytes(change.peak),
        megabytes(change.saved),
        _use(Use(change.phase, change.layer)),
    )


def _data(explanation: PeakExplanation) -> dict[str, Any]:
    peak = explanation.peak
    return {
        "schema": SCHEMA,
        "mode": "memory",
        "name": explanation.network,
        "spec": explanation.path,
        "of": explanation.of,
        "batch": explanation.batch,
        **explanation.terms._asdict(),
        "devices": explanation.devices,
        "shard": explanation.shard,
        "peak": {
            "bytes": peak.bytes,
            "phase": peak.phase,
            "layer": peak.layer,
            "again": peak.again,
            "came": peak.came,
            "goes": peak.goes,
            "each": peak.each,
            "parts": explanation.parts,
        },
        "tensors": [
            {
                **tensor._asdict(),
                "shape": [*tensor.shape],
                "needed": [use._asdict() for use in tensor.needed],
                "until": None if tensor.until is None else tensor.until._asdict(),
            }
            for tensor in peak.tensors
        ],
        "changes": [change._asdict() for change in explanation.changes.lower],
        "idle": [*explanation.changes.idle],
        "untried": explanation.changes.untried,
    }
