"""A network's memory for every batch at once, and for one batch as a report."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from convcalc.analysis.memory.batch import fewest, refusals, untrained
from convcalc.analysis.memory.optimizer import RULES, state_bytes, step_bytes
from convcalc.analysis.memory.program import LOSS, Program, program
from convcalc.analysis.memory.walk import Event, Segment, Walked, at, walk
from convcalc.analysis.report import DTYPE_BYTES
from convcalc.collector import without_collection
from convcalc.diagnostics import ArgumentError
from convcalc.graph import Network, SpecError
from convcalc.graph.planned import Planned, PlannedNode, planned
from convcalc.layers import SOURCES, kinds
from convcalc.spec import promises

if TYPE_CHECKING:  # the peak alone, as `analyze` shows it, needs none of it
    from convcalc.analysis.memory.ledger import Ledger
    from convcalc.analysis.memory.report import Line, MemoryReport, Phase
    from convcalc.analysis.memory.timeline import Highest, Timeline

MANY = 2
"""Examples that no layer finds too few."""
Checkpoint = int | Sequence[str]
"""Every so many layers, or the names of blocks, or `AUTO`."""
AUTO = promises.AUTO
"""The checkpoint that stands for the cheapest within a limit, once they are found."""


ATTENTION_WORDS = {"fused": "fused attention", "math": "attention written out"}
"""By one kernel, as PyTorch does unless told otherwise, or written out: how texts call it."""
ATTENTION = tuple(ATTENTION_WORDS)
SINGLE = kinds(having="single")
"""Kinds that take something else for a single example than for each of several."""


class RunTerms(NamedTuple):
    """How a network runs, as far as its memory depends on it; all but the batch."""

    dtype: str = "float32"
    """Data type of parameters and of the input, a key of `DTYPE_BYTES`."""
    training: bool = False
    """Whether a training step is meant: forward, backward, and the optimizer's; else inference."""
    optimizer: str = "sgd"
    """What steps in training, a key of `RULES`."""
    fused: bool = True
    """Whether the optimizer works on all tensors at once, as PyTorch does on CUDA."""
    mixed_precision: bool = False
    """Whether autocast is on: float32 parameters, and most operations in half precision."""
    inplace: bool | tuple[str, ...] = True
    """Whether activation functions overwrite their input where they can, or the names of the layers
    that alone may."""
    overhead: int = 0
    """Bytes that stand beside everything else at any time; never below 0."""
    device: str = "cpu"
    """"cpu" or "cuda": they differ in masks, and in what autocast leaves in float32."""
    checkpoint: Checkpoint | None = None
    """What runs again in the backward pass; None is nothing."""
    loss: str = LOSS
    """What a training step makes small, a key of the losses' `RULES`."""
    attention: str | None = None
    """How attention is computed, a word of `ATTENTION`; None is the first, where there is any."""


class Model(NamedTuple):
    """A network's memory as lines that are affine in the batch."""

    network: Planned
    """The network, which has no errors."""
    terms: RunTerms
    """How it runs, whatever the batch."""
    program: Program
    """Its operations and tensors, with sizes of one example."""
    walked: Walked
    """Bytes alive at every operation, for any batch."""
    parameters: int
    """Bytes of all parameters, shared ones once."""
    state: int
    """Bytes that the optimizer remembers from step to step; 0 in inference."""
    step: int
    """Bytes of temporaries of the optimizer's step; 0 in inference."""
    moving: int
    """Bytes of the input and targets for each example."""
    fewest: int
    """The smallest batch that its layers take."""
    alone: "Model | None" = None
    """The same for a batch of one example, where that is not a line's; None where it is."""
    ledger: "Ledger | None" = None
    """Who every byte belongs to; None where that was not asked."""

    def of(self, batch: int) -> "Model":
        """The model that a batch is on."""
        return self.alone if batch == 1 and self.alone is not None else self

    def fixed(self) -> int:
        """Bytes that are there all the time, whatever the batch."""
        return self.parameters + self.program.buffers + self.state + self.terms.overhead

    @property
    def gradients(self) -> int:
        """Bytes of the gradients of all parameters that learn, and of what these are parts of."""
        return sum(self.learned) + sum(self.walked.beyond.values())

    @property
    def learned(self) -> list[int]:
        """Bytes of each parameter that learns: no other has a gradient, or an optimizer's state."""
        return learned(self.program, self.walked)

    def events(self) -> "Iterator[tuple[Phase, Event]]":
        """Every operation in the order in which they run."""
        for event in self.walked.forward:
            yield "forward", event
        for event in self.walked.backward:
            yield "backward", event

    def peak(self, batch: int) -> int:
        """Most bytes alive at once for a batch."""
        if self.of(batch) is not self:
            return self.of(batch).peak(batch)
        live = max((at(event.live, batch) for _, event in self.events()), default=0)
        step = self.gradients + self.step if self.terms.training else 0
        return self.fixed() + self.moving * batch + max(live, step)

    def largest_batch(self, limit: int) -> int:
        """The largest batch whose peak is at most `limit` bytes; 0 when none that works fits.

        Every line is affine in the batch, so each has its own largest batch, and the smallest of
        these holds for all.
        """
        lines = {(at(event.live, 0), at(event.live, 1)) for _, event in self.events()} or {(0, 0)}
        if self.terms.training:
            lines.add((self.gradients + self.step, self.gradients + self.step))
        batch = largest(lines, self.moving, limit - self.fixed())
        if batch <= 1 and self.alone is not None:
            batch = int(self.alone.peak(1) <= limit)
        return batch if batch >= self.fewest else 0

    def _not_included(self) -> tuple[str, ...]:
        from convcalc.analysis.memory.report import FINER_ON_CUDA, NOT_INCLUDED

        operations = (step.operation for step in self.program.steps)
        on_cpu = self.terms.mixed_precision and not self.program.cuda
        if on_cpu and any(each.precision == "full_on_cuda" for each in operations):
            return (*NOT_INCLUDED, FINER_ON_CUDA)
        return NOT_INCLUDED

    def timeline(self, batch: int) -> "Timeline":
        """What is alive when, and where the peak is, for a batch."""
        from convcalc.analysis.memory.timeline import stepped, timeline

        if self.of(batch) is not self:
            return self.of(batch).timeline(batch)
        nodes = self.network.nodes
        fixed = self.fixed() + self.moving * batch
        passes = timeline(
            self.events(),
            batch,
            fixed=fixed,
            names=[*(node.name for node in nodes), "loss"],
            start=nodes[self.network.inputs[0]].name,
        )
        if not self.terms.training:
            return passes
        return stepped(passes, fixed + self.gradients + self.step, self.gradients)

    def _at_peak(self, highest: "Highest", batch: int) -> "tuple[Line, ...]":
        """What the peak of a batch is made of; what is in no other line is a temporary."""
        from convcalc.analysis.memory.report import Line

        entry = self.program.entry * batch
        known = [
            Line("parameters", self.parameters),
            Line("buffers", self.program.buffers),
            Line("optimizer state", self.state),
            Line("input", entry),
            Line("targets", self.moving * batch - entry),
            Line("kept for backward", highest.kept),
            Line("gradients", highest.learned),
            Line("overhead", self.terms.overhead),
        ]
        rest = Line("temporaries", highest.bytes - sum(line.bytes for line in known))
        return tuple(line for line in (*known, rest) if line.bytes)

    @without_collection
    def report(self, batch: int) -> "MemoryReport":
        """The lines for a batch."""
        if self.of(batch) is not self:
            return self.of(batch).report(batch)
        from convcalc.analysis.memory.differences import inexact
        from convcalc.analysis.memory.report import LayerMemory, MemoryReport

        network, terms, walked = self.network, self.terms, self.walked
        training = terms.training
        entry = self.program.entry * batch
        fixed = self.fixed() + self.moving * batch
        alive = self.timeline(batch)
        peaks, lives, highest = alive.peaks, alive.lives, alive.highest
        again = set(walked.recomputed)
        return MemoryReport(
            name=network.name,
            path=network.path,
            batch=batch,
            dtype=terms.dtype,
            training=training,
            optimizer=terms.optimizer,
            loss=terms.loss,
            fused=terms.fused,
            mixed_precision=terms.mixed_precision,
            inplace=bool(terms.inplace),
            device=terms.device,
            parameters=self.parameters,
            buffers=self.program.buffers,
            gradients=self.gradients if training else 0,
            optimizer_state=self.state,
            input=entry,
            targets=self.moving * batch - entry,
            kept=at(walked.kept, batch),
            after_forward=fixed + at(walked.after_forward, batch),
            forward_peak=peaks["forward"],
            backward_peak=peaks["backward"],
            step_peak=peaks["step"],
            activation_peak=peaks["forward"] - fixed + entry,
            overhead=terms.overhead,
            peak=highest.bytes,
            peak_phase=highest.phase,
            peak_layer=highest.layer,
            at_peak=self._at_peak(highest, batch),
            not_included=self._not_included(),
            inexact=inexact(
                network,
                self.program,
                walked,
                segments_of(network, terms),
                batch=batch,
                training=training,
            ),
            layers=[
                LayerMemory(
                    name=node.name,
                    kind=node.kind,
                    output=at(walked.made_by[index], batch),
                    kept=at(walked.kept_by[index], batch),
                    live=lives["forward"][index] or fixed,
                    live_backward=lives["backward"][index],
                    in_place=walked.in_place[index],
                    recomputed=index in again,
                )
                for index, node in enumerate(network.nodes)
                if node.kind not in SOURCES
            ],
            timeline=alive.moments,
            learned=alive.learned,
            segments=names_of(network, terms),
            attention=attention_of(network, terms),
            recomputed_macs=batch * sum(network.plans[index].macs for index in again),
        )


def largest(lines: Iterable[tuple[int, int]], moving: int, left: int) -> int:
    """The largest batch for which every line, and `moving` bytes per example, are within `left`.

    A line is its bytes for no example and for one.
    """
    best: int | None = None
    for once, with_one in lines:
        each = with_one - once + moving
        if once > left:
            return 0
        if each:
            fits = (left - once) // each
            best = fits if best is None else min(best, fits)
    return best or 0


@without_collection
def model(network: Network, terms: RunTerms, *, ledger: bool = False) -> Model:
    """Work a network's memory out for every batch at once; a `ledger` says whose every byte is.

    Raises `SpecError` for a network read with errors and, in training, for one whose memory is not
    known then, and `ValueError` for terms there are not.
    """
    network = planned(network)
    _check(terms)
    if terms.training and untrained(network):
        raise SpecError(refusals(network, MANY, training=True))
    if terms.attention is not None and attention_of(network, terms) is None:
        some = any(node.kind == "attention" for node in network.nodes)
        none = "all of it is written out anyway" if some else f"{network.name} has none"
        message = f"attention {terms.attention!r} would change nothing: {none}"
        raise ArgumentError(message)
    several = _model(network, terms, single=False, ledger=ledger)
    joins = any(node.kind == "concat" for node in network.nodes)
    if not any(one_is_another(node, joins=joins) for node in network.nodes):
        return several
    return several._replace(alone=_model(network, terms, single=True, ledger=ledger))


def one_is_another(node: PlannedNode, *, joins: bool) -> bool:
    """Whether a layer takes otherwise for one example: a linear layer does at each position.

    A norm copies slices of the gradient of what is joined, which have gaps between examples.
    """
    if joins and node.kind in ("groupnorm", "instancenorm"):
        return True
    by_position = node.kind == "linear" and getattr(node.layer, "axis", None) is not None
    return node.kind in SINGLE or by_position


def attention_of(network: Network, terms: RunTerms) -> str | None:
    """How a network's attention is computed; None where it has none.

    That of windows, and with biases of relative positions, is written out in any case.
    """
    there = any(
        node.kind == "attention" and not getattr(node.layer, "cuts", False)
        for node in network.nodes
    )
    return terms.attention or ATTENTION[0] if there else None


def _model(network: Planned, terms: RunTerms, *, single: bool, ledger: bool) -> Model:
    """The model for one example, or for several."""
    training, half = terms.training, terms.mixed_precision
    written = program(
        network,
        dtype=terms.dtype,
        training=training,
        mixed=half,
        cuda=terms.device == "cuda",
        written_out=terms.attention == "math",
        single=single,
        loss=terms.loss,
    )
    inplace, may = bool(terms.inplace), allowed(network, terms)
    again = segments_of(network, terms)
    noted = None
    if ledger:
        from convcalc.analysis.memory.ledger import written as noting

        noted, walked = noting(
            written, training=training, inplace=inplace, segments=again, allowed=may
        )
    else:
        walked = walk(written, training=training, inplace=inplace, segments=again, allowed=may)
    sizes = learned(written, walked)
    every = sum(weight.size for weight in written.weights) + written.frozen
    entry = written.entry
    return Model(
        network=network,
        terms=terms,
        program=written,
        walked=walked,
        parameters=every * written.width,
        state=state_bytes(terms.optimizer, sizes) if training else 0,
        step=step_bytes(terms.optimizer, sizes, fused=terms.fused) if training else 0,
        moving=entry + (written.targets if training else 0),
        fewest=fewest(network, training=training).batch,
        ledger=noted,
    )


def learned(program: Program, walked: Walked) -> list[int]:
    """Bytes of each parameter that learns, in the order of the layers."""
    idle = walked.idle
    return [
        weight.size * program.width
        for number, weight in enumerate(program.weights)
        if number not in idle
    ]


def allowed(network: Network, terms: RunTerms) -> list[bool] | None:
    """By layer, the loss last, whether it may overwrite its input; None if all may, or none."""
    if isinstance(terms.inplace, bool):
        return None
    return [*(node.name in terms.inplace for node in network.nodes), False]


def segments_of(network: Network, terms: RunTerms) -> Sequence[Segment]:
    """What runs again in the backward pass."""
    if not terms.training or terms.checkpoint is None:
        return ()
    from convcalc.analysis.memory.checkpoint import segments

    return segments(network, terms.checkpoint)


def names_of(network: Network, terms: RunTerms) -> tuple[str, ...]:
    """What runs again in the backward pass, as `--checkpoint` takes it."""
    again = segments_of(network, terms)
    if not again:
        return ()
    from convcalc.analysis.memory.checkpoint import written

    return tuple(written(network, segment) for segment in again)


def _check(terms: RunTerms) -> None:
    message = ""
    if terms.dtype not in DTYPE_BYTES:
        message = f"dtype {terms.dtype!r} is none of {', '.join(DTYPE_BYTES)}"
    elif terms.optimizer not in RULES:
        message = f"optimizer {terms.optimizer!r} is none of {', '.join(RULES)}"
    elif terms.device not in ("cpu", "cuda"):
        message = f"device {terms.device!r} is neither cpu nor cuda"
    elif terms.training and terms.dtype == "int8":
        message = "int8 cannot be trained: its gradients are no whole numbers"
    elif terms.mixed_precision and terms.dtype != "float32":
        message = f"mixed precision starts from float32, and the dtype is {terms.dtype}"
    elif terms.attention not in (None, *ATTENTION):
        message = f"attention {terms.attention!r} is none of {', '.join(ATTENTION)}"
    elif terms.loss != LOSS and terms.mixed_precision:
        message = f"mixed precision is known of {LOSS}, and the loss is {terms.loss}"
    elif terms.checkpoint == AUTO:
        message = "checkpoint 'auto' needs the limit that a batch has to fit into"
    elif terms.overhead < 0:
        message = f"overhead {terms.overhead} is below 0"
    if message:
        raise ArgumentError(message)
