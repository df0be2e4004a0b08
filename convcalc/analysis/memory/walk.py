"""The one walk: bytes alive at every operation of the forward and the backward pass.

It follows storages, as PyTorch does: a storage lives as long as a tensor on it or a backward pass
that keeps it. Sizes are affine in the batch and nothing decides by it, so the walk is taken once,
for a batch of 2⁹⁶ examples: the high bits of every number then count bytes per example, and the
low bits those that a batch has once. `at` reads a number for any batch.

Sources: torch/csrc/autograd/engine.cpp (what lives while a node runs) and input_buffer.cpp (how
gradients of several consumers are added).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from convcalc.analysis.memory.program import HALF, Program, Step
from convcalc.layers.operations import Array, Move

BITS = 96
BATCH = 1 << BITS
"""The batch that the walk is taken for; larger than any number of bytes."""
_CONSTANT = BATCH - 1

STATISTIC = 4
"""Bytes that a mean or a deviation has at least on CUDA."""

Role = Literal[
    "output",
    "gradient",
    "factor gradient",
    "weight copy",
    "weight gradient",
    "half gradient",
    "product",
    "total",
    "loss",
    "sum",
    "loss gradient",
    "scratch",
    "more",
    "view",
]
"""What bytes are there for, with the number that goes with it: the output or the gradient of a
tensor, or the gradient of one that was spread over an output, before it is summed; autocast's copy
of a weight, the gradient of a weight, or of that copy, products that are yet to be summed to it;
of an output, by its number, the total of the classes' weights, the loss, and the sum of the losses
so far; the gradient of that sum; what a step's backward pass works with; a weight's gradient once
more, in the weight's order or summed with the one before; what goes back through a view that was
overwritten."""


def at(number: int, batch: int) -> int:
    """A number of the walk for `batch` examples.

    >>> at(3 * BATCH + 5, 8)
    29
    """
    return (number >> BITS) * batch + (number & _CONSTANT)


class Event(NamedTuple):
    """One operation, and the most bytes alive while it runs, of the walk's own numbers."""

    layer: int
    """Index of the layer that it is of; `Program.loss` for the losses."""
    live: int
    """Most alive while it runs, beside parameters, buffers, state, input and targets."""
    kept: int
    """Of these, what is kept for the backward pass."""
    learned: int
    """Of these, gradients of weights that are done."""


class Walked(NamedTuple):
    """What the walk found; numbers are the walk's own, read by `at`."""

    forward: list[Event]
    """Every operation of the forward pass, in the order in which they run."""
    backward: list[Event]
    """The same of the backward pass, with what runs again in it; empty for inference."""
    kept: int
    """Storages kept for the backward pass, the network's inputs left out."""
    after_forward: int
    """What is alive between the passes, as `Event.live` counts."""
    kept_by: list[int]
    """By layer, what it keeps that no earlier one kept; the loss is the last, here and below."""
    made_by: list[int]
    """By layer, the storage of its own that its output has."""
    in_place: list[bool]
    """By layer, whether its output overwrote its input."""
    recomputed: list[int]
    """Layers that run again in the backward pass."""
    unfollowed: Collection[int]
    """Layers of which it is not known whether they copy a gradient."""
    idle: Collection[int]
    """Weights that no loss is made of, by their numbers: there is no gradient of them."""
    beyond: Mapping[int, int]
    """By weight, what its gradient takes beyond its values, where it is a part of another: the rest
    of that, or less than nothing where that counts for another weight."""


class Segment(NamedTuple):
    """Layers `first` up to, not including, `stop`, which are run again in the backward pass."""

    first: int
    """Index of its first layer."""
    stop: int
    """Index of the layer behind its last."""


def walk(
    program: Program,
    *,
    training: bool,
    inplace: bool,
    segments: Sequence[Segment] = (),
    allowed: Sequence[bool] | None = None,
) -> Walked:
    """Run a program, counting bytes; `training` as the program was written.

    Layers work in place where that is right, if `inplace`; if `allowed` is given, only those whose
    entry in it is true.
    """
    return taken(Walk(program, training=training, inplace=inplace), segments, allowed)


def taken(
    walker: "Walk", segments: Sequence[Segment] = (), allowed: Sequence[bool] | None = None
) -> Walked:
    """Take a walk that has not begun; see `walk`."""
    walker.allowed = allowed
    if segments:
        # A layer works in place in both of its runs or in none, so what it may is decided without.
        once = Walk(walker.program, training=walker.training, inplace=walker.inplace)
        walker.allowed = taken(once, (), allowed).in_place
    return walker.run(segments)


def array_size(array: Array, width: int, program: Program, *, training: bool) -> int:
    """Bytes of an array beside an output whose values have `width`, read by `at`."""
    if array.when == "training" and not training:
        return 0
    if array.width:
        width = array.width
    elif array.kind == "statistic" and program.cuda:
        width = max(STATISTIC, program.width)
    elif array.kind == "change":
        same = array.beside_weights or width == program.width
        width = 0 if same else program.width
    elif array.kind != "value" and array.beside_weights:
        width = program.width
    elif array.cuda_width and program.cuda:
        width = array.cuda_width
    return (array.values * BATCH + array.constant) * width


def worthwhile(program: Program, segments: Sequence[Segment]) -> list[Segment]:
    """The segments that keep fewer bytes if run again than if kept, taken one after the other.

    A segment that runs again keeps what it starts from, which may be more than its own layers keep.
    """
    trial = Walk(program, training=True, inplace=False)
    started = trial.look(segments)
    keepers = list(trial.keepers)
    paying = []
    for segment, outside in zip(segments, started, strict=True):
        steps = range(program.starts[segment.first], program.starts[segment.stop])
        kept = [trial.kept_of[index] for index in steps if index in trial.kept_of]
        inside = [storage for storages, _ in kept for storage in storages]
        difference = sum(own for _, own in kept)
        for storage in inside:
            keepers[storage] -= 1
            difference += 0 if keepers[storage] else trial.bytes[storage]
        for storage in outside:
            difference -= 0 if keepers[storage] else trial.bytes[storage]
            keepers[storage] += 1
        # A segment starts from activations alone, all of whose bytes grow with the batch; what does
        # not grow (a norm's statistics) is kept inside it. So the constant part of the difference
        # never counts against the segment, and one above 0 is above 0 for every batch.
        if difference > 0:
            paying.append(segment)
            continue
        for storage in outside:
            keepers[storage] -= 1
        for storage in inside:
            keepers[storage] += 1
    return paying


class Gradient:
    """A gradient: its storage, how many hold it, and whether it is a view of another."""

    __slots__ = ("holders", "storage", "view")

    def __init__(self, storage: int, *, view: bool = False) -> None:
        self.storage = storage
        self.holders = 1
        self.view = view


class _Overwritten(NamedTuple):
    """A view that was overwritten, with autograd at work."""

    before: int
    """The tensor that it is a view of; its gradient is that of the whole before the operation."""
    after: int
    """A number of its own for the gradient of the whole behind the operation."""


class Walk:
    """The walk itself; `ledger` says who every byte of it belongs to."""

    def __init__(self, program: Program, *, training: bool, inplace: bool) -> None:
        self.program = program
        self.training = training
        self.inplace = inplace
        layers = program.loss + 1  # the loss among them
        # Storages, by number; first the network's inputs, which are a line of their own.
        given = len(program.inputs)
        self.bytes: list[int] = [0] * given
        self.held: list[int] = [1] * given
        self.keepers: list[int] = [1] * given
        self.counted: list[bool] = [True] * given
        self.storage: list[int] = [-1] * len(program.sizes)
        for number, tensor in enumerate(program.inputs):
            self.storage[tensor] = number
        # By tensor, its bytes, and the tensor that it is a view of: itself if it is none.
        self.size = [
            values * width * BATCH
            for values, width in zip(program.sizes, program.widths, strict=True)
        ]
        self.base = list(range(len(program.sizes)))
        self.live = self.kept = self.learned_bytes = 0
        self.forward: list[Event] = []
        self.backward: list[Event] = []
        self.kept_by = [0] * layers
        self.made_by = [0] * layers
        self.in_place = [False] * layers
        self.allowed: Sequence[bool] | None = None
        # What each step keeps: storages, and bytes of its own.
        self.kept_of: dict[int, tuple[list[int], int]] = {}
        # Half-precision copies of parameters: bytes, and how many steps keep each.
        self.casts: dict[int, int] = {}
        self.casts_kept: dict[int, int] = {}
        # How many steps have yet to add to the gradient of such a copy, and those that some have.
        self.casts_used: dict[int, int] = {}
        self.casts_learned: set[int] = set()
        self.gradients: dict[int, Gradient] = {}
        # Views that were overwritten, by step.
        self.overwritten: dict[int, _Overwritten] = {}
        # By such a step, the whole's gradient behind it and before it, while it goes back.
        self.copied: dict[int, tuple[Gradient, Gradient]] = {}
        # Storages that gradients of weights are parts of; by weight, how much larger they are.
        self.held_by_views: set[int] = set()
        self.beyond: dict[int, int] = {}
        # Steps that give weights as they are, by their tensors.
        self.leaves = {
            step.output: index
            for index, step in enumerate(program.steps)
            if not step.reads and step.operation.storage == "view"
        }
        # Gradients of those that are outputs, with their steps: all losses go back before them.
        self.given_out: list[tuple[int, Gradient]] = []
        # Steps that copy their output's gradient, and layers of which that is not known.
        self.copying: Collection[int] = ()
        self.unfollowed: Collection[int] = ()
        self.learned: set[int] = set()
        self.ending: dict[int, list[int]] = {}
        # Steps that lead to no output → the step behind which nothing of what they lead to is left.
        self.vain = self._vain() if training else {}
        self.recomputed: list[int] = []

    def _vain(self) -> dict[int, int]:
        """Steps that no loss is made of, each with the last step at which it is held.

        Autograd's node of a step lives as long as a tensor that it leads to, and what it keeps goes
        with it.
        """
        steps = self.program.steps
        wanted = {steps[index].output for index in self.program.losses}
        vain: dict[int, int] = {}
        until: dict[int, int] = {}
        freed = dict[int, int]()
        for index in range(len(steps) - 1, -1, -1):
            step = steps[index]
            if step.output in wanted:
                wanted.update(step.reads)
                continue
            if not freed:  # only now, because few networks have any
                freed = {tensor: at for at, each in enumerate(steps) for tensor in each.frees}
            last = max(until.get(step.output, index), freed.get(step.output, index))
            vain[index] = last
            for read in step.reads:
                until[read] = max(until.get(read, 0), last)
        for index, last in vain.items():
            self.ending.setdefault(last, []).append(index)
        return vain

    def _idle(self) -> Collection[int]:
        """Weights that only steps in vain use."""
        idle: set[int] = set()
        if self.vain:
            steps = [*enumerate(self.program.steps)]
            idle.update(
                number for at, step in steps if at in self.vain for number, *_ in step.learns
            )
            for at, step in steps:
                if at not in self.vain:
                    idle.difference_update(number for number, *_ in step.learns)
        return idle

    def run(self, segments: Sequence[Segment]) -> Walked:
        """Take it, with `segments` that run again."""
        steps = self.program.steps
        parts = self._parts(segments)
        boundaries: list[dict[int, int]] = []
        for part, again in parts:
            boundary = self._boundary(part) if again else {}
            runs_again = again and bool(self._keeping(part))
            if again and self.vain and not runs_again:
                self._hold_in_vain(part, boundary)
            self._hold(boundary, steps[part.start].layer if runs_again else None)
            self._forward(part, self.forward, keeping=self.training and not again)
            if again and not runs_again:
                self._release_all(boundary)
            boundaries.append(boundary)
        if self.training:
            self._losses()
        self._forget_casts()
        after, kept_by = self.live, list(self.kept_by)
        if self.training:
            self._seed()
            for (part, again), boundary in zip(reversed(parts), reversed(boundaries), strict=True):
                keeping = self._keeping(part) if again else []
                if not keeping:
                    self._backward(part)
                    continue
                # Nothing runs again before something is needed that was not kept, and what it
                # starts from is let go of with the last of what is needed. It stops with the last
                # that was saved, whether anything still needs that or not.
                first, last = keeping[0], keeping[-1]
                self._backward(range(last + 1, part.stop))
                if last in self.overwritten:
                    self._copy_of_view(last, steps[last])  # of the gradient, which needs nothing
                end = self._saving(part)[-1] if self.vain else last
                self._again(range(part.start, end + 1), boundary)
                self._backward(range(first, last + 1))
                for storage in boundary.values():
                    self._keep_no_more(storage)
                self._backward(range(part.start, first))
        return Walked(
            forward=self.forward,
            backward=self.backward,
            kept=sum(kept_by),
            after_forward=after,
            kept_by=kept_by,
            made_by=self.made_by,
            in_place=self.in_place,
            recomputed=self.recomputed,
            unfollowed=self.unfollowed,
            idle=self._idle(),
            beyond=self.beyond,
        )

    def _parts(self, segments: Sequence[Segment]) -> list[tuple[range, bool]]:
        """Steps in order, and whether they run again in the backward pass."""
        starts = self.program.starts
        parts: list[tuple[range, bool]] = []
        so_far = 0
        for segment in segments if self.training else ():
            first, stop = starts[segment.first], starts[segment.stop]
            parts += [(range(so_far, first), False), (range(first, stop), True)]
            so_far = stop
        return [*parts, (range(so_far, starts[self.program.loss]), False)]

    def look(self, segments: Sequence[Segment]) -> list[list[int]]:
        """Take the forward pass alone; the storages that each segment starts from."""
        steps = self.program.steps
        started = []
        for part, again in self._parts(segments):
            if again:
                made = {steps[index].output for index in part}
                reads = {read for index in part for read in steps[index].reads} - made
                started.append(sorted({self.storage[read] for read in reads}))
            self._forward(part, self.forward, keeping=True)
        return started

    def _losses(self) -> None:
        """The losses of the outputs, one after the other, each added to those before it.

        Whoever runs the network holds the outputs until all are added up.
        """
        program = self.program
        for number, (part, step) in enumerate(self._loss_parts()):
            self._forward(part, self.forward, keeping=True)
            made = self._loss_bytes(number)
            total = program.width if program.weighed else 0
            self._take(made, "loss", number)
            self._take(total, "total", number)
            self._note(self.forward, program.loss)
            self._release(step.output)
            if not step.backward:
                self._give(total, "total", number)
            if number:
                self._take(program.width, "sum", number)
                self._note(self.forward, program.loss)
                if number > 1:
                    self._give(program.width, "sum", number - 1)
                else:
                    self._give(self._loss_bytes(0), "loss", 0)
                self._give(made, "loss", number)
        for output in program.outputs:
            self._release(output)

    def _loss_bytes(self, number: int) -> int:
        """Bytes of the loss of an output, by its number."""
        each, once = self.program.loss_bytes[number]
        return each * BATCH + once

    def _loss_parts(self) -> Iterator[tuple[range, Step]]:
        """By output, the steps of its loss, and the last of them, whose result the loss is of."""
        start = self.program.starts[self.program.loss]
        for last in self.program.losses:
            yield range(start, last + 1), self.program.steps[last]
            start = last + 1

    # Storages

    def _new(self, size: int, role: Role, number: int) -> int:  # noqa: ARG002 (a ledger's)
        """Make a storage for the output or the gradient of a tensor."""
        self.bytes.append(size)
        self.held.append(1)
        self.keepers.append(0)
        self.counted.append(False)
        self.live += size
        return len(self.bytes) - 1

    def _let_go(self, storage: int) -> None:
        left = self.held[storage] - 1
        self.held[storage] = left
        if not left:
            self.live -= self.bytes[storage]

    def _take(self, size: int, role: Role, number: int) -> None:  # noqa: ARG002 (for the ledger)
        """Take bytes that are no storage of a tensor; `number` is of a weight."""
        self.live += size

    def _give(self, size: int, role: Role, number: int) -> None:  # noqa: ARG002 (for the ledger)
        """Give bytes back that were taken so."""
        self.live -= size

    def _release(self, tensor: int) -> None:
        storage = self.storage[tensor]
        if storage >= 0:
            self.storage[tensor] = -1
            self._let_go(storage)

    def _keep(self, storage: int, layer: int) -> None:
        self.held[storage] += 1
        if not self.keepers[storage]:
            self.kept += self.bytes[storage]
        if not self.counted[storage]:
            self.counted[storage] = True
            self.kept_by[layer] += self.bytes[storage]
        self.keepers[storage] += 1

    def _keep_no_more(self, storage: int) -> None:
        self.keepers[storage] -= 1
        if not self.keepers[storage]:
            self.kept -= self.bytes[storage]
        self._let_go(storage)

    def _note(
        self,
        events: list[Event],
        layer: int,
        more: int = 0,
        role: Role = "scratch",  # noqa: ARG002 (for the ledger)
        number: int = 0,  # noqa: ARG002 (for the ledger)
    ) -> None:
        """Note an operation; `more` bytes are there during it alone."""
        events.append(Event(layer, self.live + more, self.kept, self.learned_bytes))

    # The forward pass

    def _forward(
        self, part: range, events: list[Event], *, keeping: bool, idle: int | None = None
    ) -> None:
        """Run steps; of step `idle` only what it keeps is made: nobody reads its output."""
        program, storages = self.program, self.storage
        steps, widths = program.steps, program.widths
        for index in part:
            step = steps[index]
            layer, operation, _, output, keeps, frees, learns, backward = step
            own = gone = 0
            if operation.course is not None:
                self._course(index, step, events)
            size = self.size[output]
            overwrites = self._placed(index, step, idle=index == idle)
            if overwrites and keeps and operation.keeps_in_place is not None:
                keeps = (output,)
            elif overwrites and keeps and operation.keeps == "input":
                keeps = ()
                self._made(size, index, None, stays=keeping)
                if keeping:
                    own = size
                else:
                    gone = size
            for array in operation.extra:
                extra = array_size(array, widths[output], program, training=self.training)
                stays = array.kept and keeping and backward
                self._made(extra, index, array, stays=stays)
                if stays:
                    own += extra
                else:
                    gone += extra
            if program.mixed and learns and learns[0][2] == HALF:
                self._cast_weights(step, keeping=keeping and index not in self.vain)
            events.append(Event(layer, self.live, self.kept, self.learned_bytes))
            if gone:
                self._drop(gone, index, stayed=False)
            if keeping and backward and (keeps or own):
                self._keeps(index, keeps)
                kept = [storages[tensor] for tensor in keeps]
                before = [self.counted[storage] for storage in kept], self.kept_by[layer]
                for storage in kept:
                    self._keep(storage, layer)
                self.kept += own
                self.kept_by[layer] += own
                self.kept_of[index] = (kept, own)
                if index in self.vain:  # it will be gone when the forward pass is over
                    for storage, counted in zip(kept, before[0], strict=True):
                        self.counted[storage] = counted
                    self.kept_by[layer] = before[1]
            for tensor in frees:
                self._release(tensor)
            for gone_with in self.ending.get(index, ()):
                self._keep_nothing(gone_with)
            if operation.storage != "view":
                self.made_by[layer] = 0 if self.in_place[layer] else size

    def _placed(self, index: int, step: Step, *, idle: bool) -> bool:
        """Put a step's output into storage of its own, or into its input's, as a view or over it.

        True if it overwrites its input. Nobody reads the output of an `idle` step: what would be
        its own is not made.
        """
        output, manner = step.output, step.operation.storage
        if manner == "own":
            self.storage[output] = -1 if idle else self._new(self.size[output], "output", output)
            return False
        if not step.reads:  # a view of weights, which are there anyway
            self.storage[output] = self._new(0, "output", output)
            self.held[-1] += 1  # by the network, so that nothing overwrites them
            return False
        read = step.reads[0]
        shared = self.storage[read]
        if manner == "view":
            self.base[output] = self.base[read]
        elif self._overwritable(step, shared):
            self.in_place[step.layer] = True
            if self.training and step.backward and self.base[read] != read:
                self._overwrite_view(index, step)
        else:
            self.storage[output] = -1 if idle else self._new(self.size[output], "output", output)
            return False
        self.storage[output] = shared
        self.held[shared] += 1
        return manner != "view"

    def _overwritable(self, step: Step, storage: int) -> bool:
        """Whether nothing else reads a storage, needs it to go back, or holds it."""
        sole = self.held[storage] == 1 and step.reads[0] in step.frees
        wanted = self.training and step.backward and not step.operation.undone
        allowed = self.allowed is None or self.allowed[step.layer]
        return self.inplace and allowed and sole and not wanted

    def _overwrite_view(self, index: int, step: Step) -> None:
        """Autograd's new history of a view that is overwritten: the whole has changed."""
        read, output = step.reads[0], step.output
        known = self.overwritten.get(index)
        if known is None:
            before = self.base[read]
            after = len(self.size)
            self.size.append(self.size[before])
            self.base.append(after)
            known = self.overwritten[index] = _Overwritten(before, after)
        self.base[output] = known.after

    def _made(self, size: int, index: int, array: Array | None, *, stays: bool) -> None:  # noqa: ARG002 (for the ledger)
        """Take the bytes of an array that a step makes, or of a copy of its input.

        It is kept for the backward pass if it `stays`, and otherwise goes with the operation.
        """
        self.live += size

    def _drop(self, size: int, index: int, *, stayed: bool) -> None:  # noqa: ARG002 (for the ledger)
        """Give back what a step made and did not keep; or what `stayed`, once it went back."""
        self.live -= size

    def _keeps(self, index: int, tensors: tuple[int, ...]) -> None:
        """Learn which tensors a step keeps for its backward pass; for who says so in words."""

    def _cast_weights(self, step: Step, *, keeping: bool) -> None:
        """Autocast's copies of weights: kept until used, or until the pass ends.

        The latter are those of a bias, and those that only the gradient of an input would need that
        has none.
        """
        for position, (number, values, width, _) in enumerate(step.learns):
            if number not in self.casts:
                self.casts[number] = values * width
                self._take(values * width, "weight copy", number)
            if keeping:
                self.casts_used[number] = self.casts_used.get(number, 0) + 1
            if not position and keeping and self._keeps_weight(step):
                if not self.casts_kept.get(number):
                    self._keep_cast(number, values * width)
                    self.kept_by[step.layer] += values * width
                self.casts_kept[number] = self.casts_kept.get(number, 0) + 1

    def _forget_casts(self) -> None:
        """Where autocast ends it lets go of its copies of weights; those that are kept stay."""
        for number in [number for number in self.casts if not self.casts_kept.get(number)]:
            self._give(self.casts.pop(number), "weight copy", number)

    def _keep_cast(self, number: int, size: int) -> None:  # noqa: ARG002 (for the ledger)
        """Count the copy of a weight as kept for the backward pass."""
        self.kept += size

    def _keeps_weight(self, step: Step) -> bool:
        """Whether a step needs its weight's copy to go back."""
        return not step.operation.weighs_back or self.program.has_gradient[step.reads[0]]

    # Layers that run again

    def _boundary(self, part: range) -> dict[int, int]:
        """What some layers start from: tensors, with their storages."""
        steps = self.program.steps
        made = {steps[index].output for index in part}
        storages = {}
        for index in part:
            # What is kept may be more than is read: indices, by which a pool is undone.
            for read in (*steps[index].reads, *steps[index].keeps):
                if read not in made and read not in storages:
                    storages[read] = self.storage[read]
        return storages

    def _hold(self, boundary: dict[int, int], layer: int | None) -> None:
        """Hold what some layers start from while they run; keep it if they will run again."""
        for storage in boundary.values():
            if layer is None:
                self.held[storage] += 1
            else:
                self._keep(storage, layer)

    def _hold_in_vain(self, part: range, boundary: dict[int, int]) -> None:
        """Keep what layers start from as long as any is there that saved something for nothing."""
        last = max((self.vain[index] for index in self._saving(part)), default=-1)
        if last < part.stop:
            return
        storages, layer = list(boundary.values()), self.program.steps[part.start].layer
        before = [self.counted[storage] for storage in storages], self.kept_by[layer]
        for storage in storages:
            self._keep(storage, layer)
        for storage, counted in zip(storages, before[0], strict=True):
            self.counted[storage] = counted
        self.kept_by[layer] = before[1]
        self.kept_of[-1 - part.start] = storages, 0  # a number that no step has
        self.ending.setdefault(last, []).append(-1 - part.start)

    def _release_all(self, boundary: dict[int, int]) -> None:
        for storage in boundary.values():
            self._let_go(storage)
        boundary.clear()

    def _keeping(self, part: range) -> list[int]:
        """The steps of a part that keep anything for their backward pass."""
        return [index for index in self._saving(part) if index not in self.vain]

    def _saving(self, part: range) -> list[int]:
        """The same with those that no loss is made of, which keep it for nothing."""
        saving = []
        for index in part:
            step = self.program.steps[index]
            arrays = any(array.kept for array in step.operation.extra)
            # Of frozen weights its input is not kept, but they are: they are saved like any other.
            saves = step.keeps or arrays or (step.operation.keeps_to_learn and not step.learns)
            if step.backward and saves:
                saving.append(index)
        return saving

    def _again(self, part: range, boundary: dict[int, int]) -> None:
        """Run layers again from what was kept of them, now keeping what they need.

        As soon as all is kept they stop: the last does not run if it keeps nothing that it makes.
        """
        steps = self.program.steps
        last = steps[part.stop - 1]
        made = last.output in last.keeps or any(
            array.kept and not (array.first and not self.program.cuda)
            for array in last.operation.extra
        )
        ran = part if made else part[:-1]
        for tensor, storage in boundary.items():
            self.storage[tensor] = storage
            self.held[storage] += 1
        self._forward(part, self.backward, keeping=True, idle=None if made else part.stop - 1)
        for tensor in (*boundary, *(steps[index].output for index in part)):
            self._release(tensor)
        for index in part:
            if index in self.vain:
                self._keep_nothing(index)
        self._forget_casts()
        self.recomputed.extend(dict.fromkeys(steps[index].layer for index in ran))

    # The backward pass

    def _seed(self) -> None:
        """From the loss to the gradients of the outputs, the last one's first."""
        program = self.program
        if program.shapes is not None:
            from convcalc.analysis.memory.gradients import Gradients

            # Of a view that was overwritten twice the whole is that before the first time.
            wholes = {each.after: each.before for each in self.overwritten.values()}
            overwritten = {}
            for index, each in self.overwritten.items():
                whole = each.before
                while whole in wholes:
                    whole = wholes[whole]
                overwritten[index] = whole
            self.copying, self.unfollowed = Gradients(program, overwritten).copies()
        self._take(program.width, "loss gradient", 0)
        for number, (part, step) in reversed([*enumerate(self._loss_parts())]):
            if step.backward:
                storage = self._new(self.size[step.output], "gradient", step.output)
                self.gradients[step.output] = Gradient(storage)
                self._note(self.backward, program.loss)
                # The total of the classes' weights was kept for this.
                self._give(program.width if program.weighed else 0, "total", number)
                self._backward(part)
        for leaf, gradient in self.given_out:
            self._to_weights(leaf, gradient)

    def _backward(self, part: range) -> None:
        for index in reversed(part):
            if index in self.overwritten:
                self._backward_of_view(index, self.program.steps[index])
            else:
                self._backward_of(index)

    def _backward_of(self, index: int) -> None:
        steps = self.program.steps
        step = steps[index]
        incoming = self.gradients.pop(step.output, None)
        if incoming is None:
            return
        if step.operation.course is not None:
            self._back_on_course(index, step, incoming)
            return
        beside = step.operation.wants_back in ("output", "indices")
        gathers = index in self.copying
        if gathers and not beside:
            incoming = self._gathered(step, incoming)
        results = self._results(step, incoming)
        scratch = step.operation.scratch
        if gathers and beside:
            scratch += step.operation.output
        if step.operation.unasked:
            both = bool(step.learns) and self.program.has_gradient[step.reads[0]]
            scratch += 0 if both else step.operation.output
        scratch *= self.program.widths[step.output] * BATCH
        scratch += step.operation.masks * BATCH
        scratch = max(scratch, self._ahead(step, results))
        self._note(self.backward, step.layer, scratch, "scratch", index)
        summed = self._fit(step, results)
        self._let_go_gradient(incoming)
        self._keep_nothing(index)
        for layer in summed:
            self._note(self.backward, layer)
        half = bool(step.learns) and step.learns[0][2] != self.program.width
        if half:
            self._keep_no_cast(step)
        for read, result in zip(step.reads, results, strict=True):
            if result is not None:
                self._hand_over(step.layer, read, result)
        before = steps[index - 1]
        if half and before.operation.name == "cast" and before.output in step.reads:
            self._backward_of(index - 1)  # the input's copy was made last, after the weights'
        if step.learns:
            self._learn(step)

    def _to_weights(self, leaf: int, gradient: Gradient) -> None:
        """Make a gradient that of the weights that a step gives as they are.

        It is summed over the batch. Of one example it is the weights' as it is, where nobody else
        holds it and it lies as they do, and what it is a part of stays alive with it; otherwise it
        is copied.
        """
        step = self.program.steps[leaf]
        ((number, values, width, _),) = step.learns
        sole = self.program.single and gradient.holders == 1
        if number in self.learned and self.program.single:
            self._note(self.backward, step.layer)
            self._let_go_gradient(gradient)  # added in place
        elif sole and leaf not in self.copying:
            self._note(self.backward, step.layer)
            self._stays(number, values * width, gradient.storage)
        else:
            self._sum_to_weights(step, gradient, step.layer)

    def _sum_to_weights(self, step: Step, gradient: Gradient, layer: int) -> None:
        """Make another array of a gradient, for the weights that `step` gives as they are."""
        ((number, values, width, _),) = step.learns
        self._take(values * width, self._gradient_of(width), number)
        self._note(self.backward, layer)
        self._let_go_gradient(gradient)
        self._learn(step)

    def _stays(self, number: int, size: int, storage: int) -> None:
        """Count a storage as a weight's gradient, of `size` bytes; once, if several are its parts.

        It stays to the end, with all that it has beside the gradient.
        """
        taken = 0 if storage in self.held_by_views else at(self.bytes[storage], 1)
        self.held_by_views.add(storage)
        if taken != size:
            self.beyond[number] = taken - size
        self.learned.add(number)
        self.learned_bytes += taken

    def _course(self, index: int, step: Step, events: list[Event]) -> None:
        """What an operation takes on its way forward; what it leaves is made behind this."""
        course = step.operation.course
        moves = () if course is None else course.training if self.training else course.inference
        taken: list[int] = []
        for move in moves:
            size = self._moved(step, move)
            if size > 0:
                self._take(size, "scratch", index)
                taken.append(size)
                self._note(events, step.layer)
            elif size < 0:
                self._give(-size, "scratch", index)
                taken.remove(-size)
        for left in taken:
            self._give(left, "scratch", index)

    def _moved(self, step: Step, move: Move) -> int:
        """What a move takes, below 0 if it gives it back; 0 where it is about something else."""
        width = self.program.widths[step.output]
        if isinstance(move, int):
            return move * width * BATCH
        what, _, values = move.partition(" ")
        if what == "once":
            return int(values) * width
        if what == "bytes":
            return int(values)
        wanted = what == "asked" and self.program.has_gradient[step.reads[0]]
        return int(values) * width * BATCH if wanted else 0

    def _back_on_course(self, index: int, step: Step, incoming: Gradient) -> None:
        """The backward pass of an operation with a course, move by move."""
        course = step.operation.course
        program, width = self.program, self.program.widths[step.output]
        names = {weight.name: at for at, weight in enumerate(step.operation.learns)}
        arrays = {array.name: array for array in step.operation.extra}
        kept = dict(zip(step.keeps, self.kept_of.pop(index, ((), 0))[0], strict=True))
        made: dict[int, list[Gradient]] = {}
        for move in () if course is None else course.backward:
            what, _, name = move.partition(" ") if isinstance(move, str) else ("", "", "")
            taken = self._moved(step, move)
            if taken < 0:
                self._give(-taken, "scratch", index)
            if taken < 0 or (what == "asked" and not taken):
                continue
            if what == "incoming":
                self._let_go_gradient(incoming)
                continue
            if what == "kept":
                size = array_size(arrays[name], width, program, training=True)
                self._drop_one(size, index, name)
                self.kept -= size
                continue
            if what == "done":
                read = step.reads[int(name)]
                if read in kept and read not in step.reads[: int(name)]:
                    self._keep_no_more(kept.pop(read))
                continue
            if what == "sum":
                made[int(name)] = self._summed(step, step.reads[int(name)], made.get(int(name), []))
                continue
            if taken:
                self._take(taken, "scratch", index)
            elif what == "weight" and not step.learns:
                continue  # they are frozen
            elif what == "weight":
                number, size, wide, _ = step.learns[names[name]]
                self._take(size * wide, self._gradient_of(wide), number)
            elif program.has_gradient[step.reads[int(name)]]:
                read = step.reads[int(name)]
                gradient = Gradient(self._new(self.size[read], "gradient", read))
                made.setdefault(int(name), []).append(gradient)
            self._note(self.backward, step.layer)
        for storage in kept.values():
            self._keep_no_more(storage)
        if step.learns and step.learns[0][2] != program.width:
            self._keep_no_cast(step)
        for number, gradients in made.items():
            for gradient in gradients:
                self._hand_over(step.layer, step.reads[number], gradient)
        self._learn(step)

    def _summed(self, step: Step, read: int, gradients: list[Gradient]) -> list[Gradient]:
        """The sum of several gradients of one tensor, an array of its own."""
        if len(gradients) <= 1:
            return gradients
        total = Gradient(self._new(self.size[read], "gradient", read))
        self._note(self.backward, step.layer)
        for gradient in gradients:
            self._let_go_gradient(gradient)
        return [total]

    def _drop_one(self, size: int, index: int, name: str) -> None:  # noqa: ARG002 (for the ledger)
        """Give back one of the arrays that a step kept, once it went back."""
        self.live -= size

    def _gathered(self, step: Step, incoming: Gradient) -> Gradient:
        """A copy of a gradient with its values in order; that of a bias is summed before it."""
        copy = Gradient(self._new(self.size[step.output], "gradient", step.output))
        first = bool(step.operation.name)  # else one operation has both
        summed = sum(values * width for _, values, width, _ in step.learns[1:]) if first else 0
        number = step.learns[-1][0] if step.learns else 0
        self._note(self.backward, step.layer, summed, "more", number)
        self._let_go_gradient(incoming)
        return copy

    def _ahead(self, step: Step, results: list[Gradient | None]) -> int:
        """Bytes that the gradient made first takes, beyond what all gradients are at the end."""
        first, values = step.operation.ahead
        if not values or results[first] is None:
            return 0
        others = [each for at, each in enumerate(results) if at != first and each is not None]
        made = sum(self.bytes[each.storage] for each in others)
        return values * self.program.widths[step.output] * BATCH - made

    def _keep_nothing(self, index: int) -> None:
        """Let go of what a step kept."""
        kept = self.kept_of.pop(index, None)
        if kept is not None:
            for storage in kept[0]:
                self._keep_no_more(storage)
            self._drop(kept[1], index, stayed=True)
            self.kept -= kept[1]

    def _spread(self, index: int, step: Step) -> None:
        """From the gradient of an overwritten view to that of the whole, zeros around it."""
        incoming = self.gradients.pop(step.output, None)
        if incoming is not None:
            after = self.overwritten[index].after
            spread = Gradient(self._new(self.size[after], "gradient", after), view=True)
            self._note(self.backward, step.layer)
            self._let_go_gradient(incoming)
            self._hand_over(step.layer, after, spread)

    def _copy_of_view(self, index: int, step: Step) -> None:
        """Of an operation that overwrote a view: from its gradient to a copy that it goes back on.

        That is made of its part of the whole's gradient, which is copied itself.
        """
        self._spread(index, step)
        before, after = self.overwritten[index]
        incoming = self.gradients.pop(after, None)
        if incoming is not None:
            whole = Gradient(self._new(self.size[before], "gradient", before))
            self._take(self.size[step.output], "view", index)
            self.copied[index] = incoming, whole

    def _backward_of_view(self, index: int, step: Step) -> None:
        """Of an operation that overwrote a view: on the copy, and into the whole's gradient."""
        if index not in self.copied:  # by what runs again for it
            self._copy_of_view(index, step)
        incoming, whole = self.copied.pop(index, (None, None))
        if incoming is None or whole is None:
            return
        self._note(self.backward, step.layer, self.size[step.output], "view", index)
        self._give(self.size[step.output], "view", index)
        self._let_go_gradient(incoming)
        self._keep_nothing(index)
        self._hand_over(step.layer, self.overwritten[index].before, whole)

    def _results(self, step: Step, incoming: Gradient) -> list[Gradient | None]:
        """What the node makes: a gradient for each tensor read, and for each weight."""
        program = self.program
        operation = step.operation
        whole = self.size[step.output]
        results: list[Gradient | None] = []
        for position, read in enumerate(step.reads):
            kind = operation.gradient_of(position)
            if not program.has_gradient[read]:
                results.append(None)
            elif kind == "new":
                size = program.sizes[read] * self._made_in(step, position) * BATCH
                results.append(Gradient(self._new(size, "gradient", read)))
            elif kind == "product":
                results.append(Gradient(self._new(whole, "factor gradient", read)))
            elif kind == "view":
                self.held[incoming.storage] += 1
                results.append(Gradient(incoming.storage, view=True))
            else:
                incoming.holders += 1
                results.append(incoming)
        kind = operation.gradient_of(len(step.reads))
        for number, values, width, _ in step.learns:
            if kind == "product":
                self._take(whole, "product", number)
            elif kind == "new":
                self._take(values * width, self._gradient_of(width), number)
        return results

    def _gradient_of(self, width: int) -> Role:
        """What a weight's gradient of this width is: the parameter's, or that of its copy."""
        return "weight gradient" if width == self.program.width else "half gradient"

    def _made_in(self, step: Step, position: int) -> int:
        """Bytes of a value of the gradient that an operation makes for one of what it reads.

        What was read together with finer values has a gradient as fine, which is then its own.
        """
        widths, operation, read = self.program.widths, step.operation, step.reads[position]
        if operation.gradient_of(position) in ("same", "product"):
            return widths[step.output]
        finer = operation.name != "cast" and widths[step.output] > widths[read]
        return widths[step.output] if finer else widths[read]

    def _fit(self, step: Step, results: list[Gradient | None]) -> list[int]:
        """Sum gradients to the size of what was spread over the output, and give them its type.

        The layers whose weights were spread over the batch, and have their gradient now.
        """
        operation, summed = step.operation, list[int]()
        events, output = self.backward, step.output
        sizes, widths = self.program.sizes, self.program.widths
        for position, (read, result) in enumerate(zip(step.reads, results, strict=True)):
            if result is None:
                continue
            by_value = operation.gradient_of(position) in ("same", "product")
            made = self._made_in(step, position)
            changes = []
            if by_value and sizes[read] != sizes[output]:
                changes.append(made)
            if made != widths[read]:
                changes.append(widths[read])
            fitting = result
            if by_value and read in self.leaves and not self.program.single:
                # The weights are spread over the batch by the operation itself.
                weights = self.program.steps[self.leaves[read]]
                self._sum_to_weights(weights, fitting, step.layer)
                summed.append(weights.layer)
                results[position] = None
                continue
            for width in changes:
                next_one = Gradient(self._new(sizes[read] * width * BATCH, "gradient", read))
                self._note(events, step.layer)
                self._let_go_gradient(fitting)
                fitting = next_one
            results[position] = fitting
        kind = operation.gradient_of(len(step.reads))
        if kind not in ("same", "product"):
            return summed
        whole = self.size[output] if kind == "product" else 0
        for number, values, width, _ in step.learns:
            self._take(values * width, self._gradient_of(width), number)
            self._note(events, step.layer)
            if kind == "product":
                self._give(whole, "product", number)
        return summed

    def _let_go_gradient(self, gradient: Gradient) -> None:
        gradient.holders -= 1
        if not gradient.holders:
            self._let_go(gradient.storage)

    def _learn(self, step: Step) -> None:
        """Hand gradients of weights over; those of shared weights are added to what is there."""
        precise = self.program.width
        # The bias first: the weight's gradient has yet to be turned. Autocast's copies are last.
        learns = step.learns if self.program.mixed else step.learns[::-1]
        for number, values, width, copied in learns:
            if width != precise:  # autocast's copy: its gradient becomes one of the parameter
                self.casts_used[number] -= 1
                if self.casts_used[number]:  # when all of the copy's users have added theirs
                    if number in self.casts_learned:
                        self._give(values * width, "half gradient", number)
                    self.casts_learned.add(number)
                    continue
                if number in self.casts_learned:
                    self.casts_learned.remove(number)
                    self._give(values * width, "half gradient", number)
                self._take(values * precise, "weight gradient", number)
                self._note(self.backward, step.layer)
                self._give(values * width, "half gradient", number)
            elif copied:
                self._note(self.backward, step.layer, values * precise, "more", number)
            if number in self.learned:
                if step.operation.views_back and width == precise:
                    self._note(self.backward, step.layer, values * precise, "more", number)
                self._give(values * precise, "weight gradient", number)
            else:
                self._done(number, values * precise)

    def _done(self, number: int, size: int) -> None:
        """Count the gradient of a weight as done; others are added to it."""
        self.learned.add(number)
        self.learned_bytes += size

    def _keep_no_cast(self, step: Step) -> None:
        """Let go of the half-precision copy of a weight, if no other step needs it."""
        number = step.learns[0][0]
        if self._keeps_weight(step):
            self.casts_kept[number] -= 1
            if not self.casts_kept[number]:
                size = self.casts.pop(number)
                self._give(size, "weight copy", number)
                self.kept -= size

    def _hand_over(self, layer: int, read: int, result: Gradient) -> None:
        """Give a gradient to the tensor it is for; another consumer's may be there already."""
        if read in self.leaves:  # a weight's gradient is done as soon as it is there
            if layer == self.program.loss:
                self.given_out.append((self.leaves[read], result))
            else:
                self._to_weights(self.leaves[read], result)
            return
        older = self.gradients.get(read)
        if older is None:
            self.gradients[read] = result
        elif older.holders == 1 and not older.view and self.held[older.storage] == 1:
            self._let_go_gradient(result)  # added in place
        else:
            total = self._new(self.size[read], "gradient", read)
            self.gradients[read] = Gradient(total)
            self._note(self.backward, layer)
            self._let_go_gradient(older)
            self._let_go_gradient(result)
