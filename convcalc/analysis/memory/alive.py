"""What is alive at the peak, tensor by tensor: what each is, who made it, who still needs it."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from math import prod
from typing import NamedTuple

from convcalc.analysis.memory.ledger import ALWAYS, Ledger, Piece, written
from convcalc.analysis.memory.optimizer import COUNTER, RULES, STATES, step_copies
from convcalc.analysis.memory.program import HALF, Program, Step
from convcalc.analysis.memory.report import Phase
from convcalc.analysis.memory.terms import Model, allowed, segments_of
from convcalc.analysis.memory.timeline import Highest
from convcalc.analysis.memory.walk import BITS, Event, at
from convcalc.analysis.report import DTYPE_BYTES, INDEX
from convcalc.graph.planned import Planned
from convcalc.layers.base import Weight
from convcalc.shape import Shape


class Use(NamedTuple):
    """When a tensor is read."""

    phase: Phase
    """The pass, or the optimizer's step."""
    layer: str
    """Full name of the layer that runs then; `loss` or `optimizer` behind the last."""
    again: bool = False
    """Whether it is one that runs forward again, in the backward pass."""


class Alive(NamedTuple):
    """A tensor that is alive at the peak."""

    name: str
    """What it is: `stage1.conv1.weight`, `output of stage1.conv1`, `mask of dropout1`."""
    part: str
    """The line of the peak that it belongs to: `parameters`, `kept for backward`, `temporaries`."""
    shape: tuple[int, ...]
    """Its extents, the batch first where it has one, as PyTorch has them; all of an example's
    values in one extent where the layer does not say more."""
    dtype: str
    """The data type of its values."""
    bytes: int
    """What it takes, for the whole batch."""
    each: int = 0
    """Bytes of it that each example of the batch adds."""
    layer: str = ""
    """Full name of the layer that made it, or that it belongs to; "" for what is no layer's."""
    made: Phase | None = None
    """In which pass it was made; None for what is there before."""
    needed: tuple[Use, ...] = ()
    """Who still reads it, from the peak on, each once, in order; () for what stays anyway."""
    until: Use | None = None
    """The last that it is alive at; None where it stays."""


class Peak(NamedTuple):
    """The moment at which most is alive, and all that is alive then."""

    bytes: int
    """All bytes; those of `tensors` add up to it."""
    phase: Phase
    """The pass in which it is, or the optimizer's step."""
    layer: str
    """Full name of the layer that runs then; `loss` or `optimizer` behind the last."""
    again: bool
    """Whether the layer runs forward again, in the backward pass."""
    came: int
    """Bytes of it that were not there at the operation before."""
    goes: int
    """Bytes of it that are gone at the next operation."""
    each: int
    """Bytes of it that each example of the batch adds."""
    tensors: tuple[Alive, ...]
    """What is alive, the largest first; of equal ones the older first."""


def alive(model: Model, batch: int, *, moment: int | None = None) -> Peak:
    """What is alive at the peak of a batch, or at another moment of its timeline.

    -1 is the moment before all others.
    """
    model = model.of(batch)
    terms, network = model.terms, model.network
    timeline = model.timeline(batch)
    highest = timeline.highest
    if moment is not None and moment >= 0:
        there = timeline.moments[moment]
        highest = Highest(there.bytes, there.phase, there.layer, 0, 0, moment)
    ledger, walked = model.ledger, model.walked
    if ledger is None:
        ledger, walked = written(
            model.program,
            training=terms.training,
            inplace=bool(terms.inplace),
            segments=segments_of(network, terms),
            allowed=allowed(network, terms),
        )
    namer = _Namer(model, batch, ledger, [*walked.forward, *walked.backward], len(walked.forward))
    tensors = list(namer.standing())
    came = goes = 0
    again = False
    if highest.phase == "step":
        tensors += namer.stepping()
        came = sum(each.bytes for each in tensors if each.part == "temporaries")
        goes = came
    elif highest.moment >= 0:
        now = highest.moment
        again = namer.again(now)
        pieces = [piece for piece in ledger.pieces if piece.alive(now)]
        tensors += [namer.tensor(piece, now) for piece in pieces if piece.bytes]
        came = sum(at(piece.bytes, batch) for piece in pieces if piece.first == now)
        goes = sum(at(piece.bytes, batch) for piece in pieces if piece.last == now)
    tensors.sort(key=lambda tensor: -tensor.bytes)
    return Peak(
        bytes=highest.bytes,
        phase=highest.phase,
        layer=highest.layer,
        again=again,
        came=came,
        goes=goes,
        each=sum(tensor.each for tensor in tensors),
        tensors=tuple(tensor for tensor in tensors if tensor.bytes),
    )


OPTIMIZER = Use("step", "optimizer")

BESIDE = {
    "cast": "input of {} in {}",
    "contiguous": "input of {} in order",
    "pad": "padded input of {}",
    "log_softmax": "log-softmax of {}",
}
"""Operation → what its output is called that is not the layer's; {} are the layer and the type."""


LOSSES = {
    "total": "total of the classes' weights",
    "loss": "loss",
    "sum": "sum of the losses",
    "loss gradient": "gradient of the loss",
}
"""Role → what is called so of the losses, each of one value."""
OF_WEIGHTS = {"weight gradient": "", "more": " once more"}
"""Role → what stands behind the name of a weight's gradient. No other role is left at the end."""


class _Namer:
    """Says what pieces are."""

    def __init__(
        self, model: Model, batch: int, ledger: Ledger, events: Sequence[Event], forward: int
    ) -> None:
        self.model = model
        self.network: Planned = model.network
        self.program: Program = model.program
        self.batch = batch
        self.ledger = ledger
        self.events = events
        self.forward = forward
        self.names = [*(node.name for node in self.network.nodes), "loss"]
        self.maker = {step.output: index for index, step in enumerate(self.program.steps)}
        # Of wholes of which a part was overwritten, what each was before.
        self.wholes = {each.after: each.before for each in ledger.overwritten.values()}
        self.owners: list[tuple[str, Weight]] = []
        for node, plan in zip(self.network.nodes, self.network.plans, strict=True):
            if node.shared_with is None:
                own = (weight for weight in plan.weights if not weight.buffer)
                self.owners += [(node.name, weight) for weight in own]

    # What is there all the time

    def standing(self) -> Iterator[Alive]:
        """Parameters, buffers, the optimizer's state, the input, targets and overhead."""
        model, program, batch = self.model, self.program, self.batch
        terms = model.terms
        for layer, weight in self.owners:
            yield self._of_weight(layer, weight, f"{layer}.{weight.name}", "parameters")
        for node, plan in zip(self.network.nodes, self.network.plans, strict=True):
            if node.shared_with is not None:
                continue
            for weight in plan.weights:
                if weight.buffer:
                    yield self._of_weight(
                        node.name, weight, f"{node.name}.{weight.name}", "buffers"
                    )
            shapes = [self.network.shape_of(read) for read in node.inputs]
            for name, held in node.layer.integers(shapes).items():
                size = INDEX * prod(held)
                yield self._alone(f"{node.name}.{name}", "buffers", held, "int64", size, node.name)
        if terms.training:
            yield from self._state()
        for tensor in program.inputs:
            source = self._input(tensor)
            each = program.sizes[tensor] * program.widths[tensor]
            shape = (batch, *self.network.shape_of(source).axes)
            name = self.names[source]
            dtype = "int64" if source in self.network.index_inputs else terms.dtype
            yield Alive(name, "input", shape, dtype, each * batch, each=each, layer=name)
        for number, output in enumerate(self.network.outputs if terms.training else ()):
            spatial = self.network.shape_of(output).spatial
            each = INDEX * prod(spatial)
            shape = (batch, *spatial)
            name = self._of_output("targets", number)
            yield Alive(name, "targets", shape, "int64", each * batch, each=each)
        if terms.overhead:
            yield self._alone("overhead", "overhead", (terms.overhead,), "uint8", terms.overhead)

    def _state(self) -> Iterator[Alive]:
        optimizer = self.model.terms.optimizer
        for layer, weight in self.owners:
            name = f"{layer}.{weight.name}"
            for state in STATES[optimizer]:
                yield self._of_weight(layer, weight, f"{state} of {name}", "optimizer state")
            if RULES[optimizer].counters:
                step = f"step counter of {name}"
                yield self._alone(step, "optimizer state", (), "float32", COUNTER, layer)

    def stepping(self) -> Iterator[Alive]:
        """Gradients, and what the optimizer's step makes."""
        terms = self.model.terms
        for number, (layer, weight) in enumerate(self.owners):
            name = f"gradient of {layer}.{weight.name}"
            gradient = self._of_weight(layer, weight, name, "gradients")
            yield gradient._replace(
                bytes=gradient.bytes + self.model.walked.beyond.get(number, 0),
                made="backward",
                needed=(OPTIMIZER,),
                until=OPTIMIZER,
            )
        sizes = [weight.size * self.program.width for _, weight in self.owners]
        for number, copies in step_copies(terms.optimizer, sizes, fused=terms.fused):
            layer, weight = self.owners[number]
            for copy in range(copies):
                name = f"temporary {copy + 1} of {terms.optimizer} for {layer}.{weight.name}"
                yield self._of_weight(layer, weight, name, "temporaries")._replace(
                    made="step", needed=(OPTIMIZER,), until=OPTIMIZER
                )

    def _of_weight(self, layer: str, weight: Weight, name: str, part: str) -> Alive:
        size = weight.size * self.program.width
        return self._alone(name, part, weight.shape, self.model.terms.dtype, size, layer)

    def _alone(
        self, name: str, part: str, shape: tuple[int, ...], dtype: str, size: int, layer: str = ""
    ) -> Alive:
        return Alive(name, part, shape, dtype, size, layer=layer)

    # Pieces of the walk

    def again(self, operation: int) -> bool:
        """Whether an operation is of a layer that runs forward again."""
        return any(first <= operation <= last for first, last in self.ledger.again)

    def use(self, operation: int) -> Use:
        """An operation, by its number."""
        phase: Phase = "forward" if operation < self.forward else "backward"
        return Use(phase, self.names[self.events[operation].layer], self.again(operation))

    def tensor(self, piece: Piece, now: int) -> Alive:
        """A piece as it is while an operation runs."""
        part = "temporaries"
        if piece.is_kept(now):
            part = "kept for backward"
        elif piece.learned <= now:
            part = "gradients"
        name, layer, shape, dtype = self._what(piece, now)
        uses = [self.use(each) for each in sorted(piece.uses) if each >= now]
        until = None if piece.last == ALWAYS else self.use(piece.last)
        if piece.role == "weight gradient":
            uses, until = [OPTIMIZER], OPTIMIZER if piece.last == ALWAYS else until
        return Alive(
            name=name,
            part=part,
            shape=shape,
            dtype=dtype,
            bytes=at(piece.bytes, self.batch),
            each=piece.bytes >> BITS,
            layer=layer,
            made=self.use(piece.first).phase,
            needed=tuple(dict.fromkeys(uses or ([until] if until else []))),
            until=until,
        )

    def _what(self, piece: Piece, now: int) -> tuple[str, str, tuple[int, ...], str]:
        """What a piece is called, whose it is, its shape and its data type."""
        role, number = piece.role, piece.number
        if role is None:
            return self._beside(piece)
        if role in LOSSES:
            name = LOSSES[role]
            if role in ("total", "loss"):
                name = self._of_output(name, number)
            return name, "loss", (), self.model.terms.dtype
        maker = self.names[self.events[piece.first].layer]
        if role == "factor gradient":
            output, dtype = self._whole(piece)
            if self.program.sizes[output] != self.program.sizes[number]:
                name = f"gradient of the {self._name(number)}, yet to be summed"
                return name, maker, self._shape(output), dtype
            return self._of_tensor(piece, now, maker)
        if role in ("output", "gradient"):
            return self._of_tensor(piece, now, maker)
        if role in ("scratch", "view"):
            values = self.program.sizes[self.program.steps[number].output]
            width = self.program.widths[self.program.steps[number].output]
            size = at(piece.bytes, self.batch)
            copies, rest = divmod(size, values * width * self.batch or 1)
            shape: tuple[int, ...] = (copies, *self._shape(self.program.steps[number].output))
            if rest or not copies:  # such as the scores of attention
                shape = (size // width,)
            back = "" if self.use(piece.first).phase == "forward" else " backward"
            return f"what {maker} works with{back}", maker, shape, self._dtype(width)
        layer, weight = self.owners[number]
        name, width = f"{layer}.{weight.name}", self.program.width
        if role in ("weight copy", "half gradient"):
            width = HALF
            copy = f"{name} in {self._dtype(HALF)}"
            name = copy if role == "weight copy" else f"gradient of {copy}"
        elif role == "product":
            output, dtype = self._whole(piece)
            return f"products for the gradient of {name}", layer, self._shape(output), dtype
        else:
            name = f"gradient of {name}{OF_WEIGHTS[role]}"
        return name, layer, weight.shape, self._dtype(width)

    def _of_tensor(
        self, piece: Piece, now: int, maker: str
    ) -> tuple[str, str, tuple[int, ...], str]:
        tensor = piece.number
        while tensor in self.wholes:
            tensor = self.wholes[tensor]
        values = self.program.sizes[tensor]
        width = (piece.bytes >> BITS) // values if values else self.program.width
        name = self._name(tensor)
        if piece.role != "output":
            name = f"gradient of the {name}"
        else:
            by = [step for operation, step in piece.overwritten if operation <= now]
            if by:
                name += f", overwritten by {self.names[self.program.steps[by[-1]].layer]}"
        dtype = "int64" if self._are_indices(tensor) else self._dtype(width)
        return name, maker, self._shape(tensor), dtype

    def _are_indices(self, tensor: int) -> bool:
        """Whether a tensor says where the largest values of a pool were."""
        if tensor in self.program.inputs:
            return False
        return self.program.steps[self.maker[tensor]].operation.name == "indices"

    def _name(self, tensor: int) -> str:
        """What a tensor of the program is called."""
        if tensor in self.program.inputs:
            several = len(self.program.inputs) > 1
            return self.names[self._input(tensor)] if several else "input"
        step = self.program.steps[self.maker[tensor]]
        layer = self.names[step.layer]
        if self._is_output(step):
            return f"output of {layer}"
        name = step.operation.name
        if step.layer == self.program.loss:
            layer = self._of_output(layer, self._loss_of(tensor))
        return BESIDE.get(name, f"{name or 'result'} of {{}}").format(
            layer, self._dtype(self.program.widths[tensor])
        )

    def _input(self, tensor: int) -> int:
        """The index of the input that a tensor of the program is."""
        return self.network.inputs[self.program.inputs.index(tensor)]

    def _loss_of(self, tensor: int) -> int:
        """The number of the output whose loss a tensor of the program is made for."""
        return bisect_left(self.program.losses, self.maker[tensor])

    def _of_output(self, what: str, number: int) -> str:
        """What belongs to an output, by its number; one that is alone goes without its name."""
        outputs = self.network.outputs
        return what if len(outputs) == 1 else f"{what} of {self.names[outputs[number]]}"

    def _is_output(self, step: Step) -> bool:
        """Whether a step makes its layer's output."""
        program = self.program
        if step.layer == program.loss:
            return False
        return program.steps[program.starts[step.layer + 1] - 1].output == step.output

    def _shape(self, tensor: int) -> tuple[int, ...]:
        """The extents of a tensor of the program."""
        program = self.program
        if tensor in program.inputs:
            return (self.batch, *self.network.shape_of(self._input(tensor)).axes)
        step = program.steps[self.maker[tensor]]
        if step.layer == program.loss:
            output = self.network.outputs[self._loss_of(tensor)]
            return (self.batch, *self.network.shape_of(output).axes)
        if step.operation.name in ("cast", "contiguous"):
            return self._shape(step.reads[0])
        if step.operation.name == "pad" and not self._is_output(step):
            return (self.batch, program.sizes[tensor])
        return self._sized(step.layer, program.sizes[tensor])

    def _sized(self, layer: int, values: int) -> tuple[int, ...]:
        """The extents of so many values of each example: those of a layer's output or input."""
        for shape in self._shapes(layer):
            if shape.size == values:
                return (self.batch, *shape.axes)
        return (self.batch, values)

    def _shapes(self, layer: int) -> Iterator[Shape]:
        yield self.network.plans[layer].output
        for read in self.network.nodes[layer].inputs:
            yield self.network.shape_of(read)

    def _beside(self, piece: Piece) -> tuple[str, str, tuple[int, ...], str]:
        """What a step made beside its output."""
        step = self.program.steps[piece.step]
        layer, array = self.names[step.layer], piece.array
        if array is None:
            name = f"copy of the input of {layer}, which it overwrites"
            width = self.program.widths[step.output]
            return name, layer, self._shape(step.output), self._dtype(width)
        if array.values:
            width = (piece.bytes >> BITS) // array.values
            shape = self._sized(step.layer, array.values)
        else:
            width = at(piece.bytes, 0) // array.constant
            shape = (array.constant,)
        dtype = "int64" if array.width == INDEX else self._dtype(width)
        return f"{array.name or 'array'} of {layer}", layer, shape, dtype

    def _whole(self, piece: Piece) -> tuple[int, str]:
        """What a layer makes that a gradient is as large as, and the type of the gradient."""
        layer = self.events[piece.first].layer
        output = self.program.steps[self.program.starts[layer + 1] - 1].output
        return output, self._dtype((piece.bytes >> BITS) // (self.program.sizes[output] or 1))

    def _dtype(self, width: int) -> str:
        """The data type of values of so many bytes."""
        dtype = self.model.terms.dtype
        if width == DTYPE_BYTES[dtype]:
            return dtype
        half = "float16" if self.program.cuda else "bfloat16"
        return {1: "bool", 2: half, 4: "float32", 8: "float64"}.get(width, dtype)
