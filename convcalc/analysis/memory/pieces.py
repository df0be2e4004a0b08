"""A training step in pieces: what each layer takes, and each run of layers that runs again.

A choice of checkpoints cuts a network, in its order, into pieces: layers that run once, and
segments that run again. What a piece takes is told by little of what stands before it:

- The **cut**: the tensors that later layers still read, which of them share a storage, and which
  storages something before keeps for its backward pass. It decides what is overwritten in place,
  what is let go of, and what is kept already.
- **K**, the bytes that everything before keeps for the backward pass. K stays alive as long as the
  piece runs, in either pass, and nothing behind the piece does: forward nothing of it is there yet,
  and in the backward pass all of it is gone, but for gradients.
- **Gradients** at each operation of the backward pass, of tensors and of weights. The backward pass
  goes through the same operations in the same order whatever runs again, so they are the same for
  every choice of checkpoints, and one walk without any tells them.

So the most that is alive in a piece, in both passes, is K and a number of its own, for each cut in
front of it; and behind the piece K is more by another number of its own. For a chain a cut has one
tensor, which is kept or is not; for any network there are as many cuts as ways to keep what crosses
them. Numbers of pieces are found by the walk itself, which is put in front of a layer with a cut.

Layers that run again are layers that run once, with all that they start from kept: forward nothing
else is kept; going back, what the segment keeps inside grows layer by layer from nothing, whatever
its end. So segments from one cut to all ends are told by one run through the layers behind it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.analysis.memory.program import HALF, Program, Step
from convcalc.analysis.memory.walk import Event, Gradient, Role, Walk, at


class Group(NamedTuple):
    """A storage that crosses a cut."""

    tensors: tuple[int, ...]
    """The tensors on it that are still read, by their numbers."""
    size: int
    """Its bytes, of the walk's own numbers."""
    held: bool
    """Whether something else than these names holds it, as what keeps it for going back."""
    origin: int | None = None
    """Within a segment, a tensor of the group of the cut in front of it that it is."""


Cut = tuple[Group, ...]
"""What crosses a cut, by the first tensor of each."""


class Layer(NamedTuple):
    """What a layer that runs once takes behind a cut, in bytes of the batch beside K."""

    forward: int
    """The most alive when it runs."""
    stopping: int
    """The same where it is the last that runs again, which stops as soon as all is kept."""
    kept: int
    """What it keeps that nothing before it keeps."""
    casts: int
    """Of this, copies of weights, which are there in the forward pass in any case."""
    backward: int
    """The most alive when it goes back."""
    core: int
    """Of this, from the last operation that keeps anything down to the first."""
    cut: int
    """The cut behind it, by its number."""


class Static(NamedTuple):
    """What a layer takes whatever the cut, in bytes of the batch."""

    any: int
    """The most gradients when it goes back."""
    head: int
    """The same of what stands in front of the first operation that keeps anything."""
    tail: int
    """The same of what stands behind the last of these."""
    before: int
    """Gradients before the last of these goes back."""
    keeps: bool
    """Whether any operation keeps anything."""
    again: bool
    """Whether the layer counts as run again where it is the last that does."""
    casts: int
    """Copies of weights that its forward pass makes."""
    reads: tuple[int, ...]
    """Tensors that it reads or keeps, and did not make."""


class Piece(NamedTuple):
    """Layers that run once, or again, from one cut to another."""

    forward: int
    """The most alive when it runs, beside K without copies of weights."""
    backward: int
    """The most alive when it goes back, beside K."""
    adds: int
    """By how much K grows."""
    casts: int
    """Of this, copies of weights, which are there in the forward pass in any case."""
    macs: int
    """Multiply-accumulates that are done again, of one example."""
    stop: int
    """The layer behind it."""
    cut: int
    """The cut behind it, by its number."""
    again: bool
    """Whether it is a segment that runs again."""


class _Past(NamedTuple):
    """An operation of the backward pass."""

    gradients: int
    """Bytes alive that are not kept, of the batch."""
    keeps: bool
    """Whether what its step kept is still there."""
    cast: bool
    """Whether its weight's copy is."""
    rest: tuple[int, tuple[int, ...]] | None
    """Of what goes move by move, what is still there: bytes of its own, and tensors."""


class _Once(Walk):
    """A walk without checkpoints that says of every operation of the backward pass what is kept."""

    def __init__(self, program: Program, batch: int, *, inplace: bool) -> None:
        super().__init__(program, training=True, inplace=inplace)
        self.batch = batch
        self.past: dict[int, list[_Past]] = {}
        self.before: dict[int, int] = {}
        self.going: int | None = None
        self.rest: tuple[int, list[tuple[int, int]]] | None = None

    def _backward_of(self, index: int) -> None:
        outer = self.going
        if outer is None:
            self.going = index
            self.before[index] = at(self.live, self.batch) - at(self.kept, self.batch)
        super()._backward_of(index)
        self.going = outer

    def _back_on_course(self, index: int, step: Step, incoming: Gradient) -> None:
        storages, own = self.kept_of.get(index, ((), 0))
        self.rest = (own, list(zip(step.keeps, storages, strict=False)))
        super()._back_on_course(index, step, incoming)
        self.rest = None

    def _keep_no_more(self, storage: int) -> None:
        if self.rest is not None:
            own, tensors = self.rest
            gone = next((pair for pair in tensors if pair[1] == storage), None)
            if gone is not None:
                tensors.remove(gone)
            self.rest = own, tensors
        super()._keep_no_more(storage)

    def _drop_one(self, size: int, index: int, name: str) -> None:
        if self.rest is not None:
            self.rest = self.rest[0] - size, self.rest[1]
        super()._drop_one(size, index, name)

    def _note(
        self,
        events: list[Event],
        layer: int,
        more: int = 0,
        role: Role = "scratch",
        number: int = 0,
    ) -> None:
        super()._note(events, layer, more, role, number)
        if events is not self.backward or self.going is None:
            return
        step = self.program.steps[self.going]
        half = bool(step.learns) and step.learns[0][2] == HALF != self.program.width
        self.past.setdefault(self.going, []).append(
            _Past(
                at(self.live + more, self.batch) - at(self.kept, self.batch),
                self.going in self.kept_of,
                half and self.casts_kept.get(step.learns[0][0], 0) > 0,
                None
                if self.rest is None
                else (
                    at(self.rest[0], self.batch),
                    tuple(tensor for tensor, _ in self.rest[1]),
                ),
            )
        )


class _Probe(Walk):
    """A walk that is put in front of a layer."""

    def put(self, cut: Cut) -> None:
        """Start where the storages of a cut are there, and nothing else that is not kept."""
        self.bytes, self.held, self.keepers, self.counted = [], [], [], []
        self.casts, self.casts_kept, self.casts_used, self.kept_of = {}, {}, {}, {}
        self.live = self.kept = 0
        for number, group in enumerate(cut):
            self.bytes.append(group.size)
            self.held.append(len(group.tensors) + group.held)
            self.keepers.append(int(group.held))
            self.counted.append(True)
            for tensor in group.tensors:
                self.storage[tensor] = number
            if not group.held:
                self.live += group.size

    def cut(self, before: Cut, made: Sequence[int]) -> Cut:
        """The cut where it stands, `made` since the one `before`; it is taken away from there."""
        names: dict[int, list[int]] = {}
        for tensor in (*(each for group in before for each in group.tensors), *made):
            if self.storage[tensor] >= 0:
                names.setdefault(self.storage[tensor], []).append(tensor)
                self.storage[tensor] = -1
        return tuple(
            sorted(
                Group(
                    tuple(sorted(tensors)),
                    self.bytes[storage],
                    self.held[storage] > len(tensors),
                    before[storage].origin if storage < len(before) else None,
                )
                for storage, tensors in names.items()
            )
        )


class Pieces:
    """All pieces of a training step of one batch."""

    def __init__(
        self,
        program: Program,
        batch: int,
        macs: Sequence[int],
        *,
        inplace: bool,
        allowed: Sequence[bool] | None = None,
    ) -> None:
        """Of a program of training; `macs` are by layer, of one example."""
        self.program, self.batch, self.macs, self.inplace = program, batch, macs, inplace
        first = Walk(program, training=True, inplace=inplace)
        first.allowed = allowed
        self.allowed = first.run(()).in_place
        once = _Once(program, batch, inplace=inplace)
        once.allowed = self.allowed
        once.run(())
        self.past = once.past
        numbers = [number for step in program.steps for number, *_ in step.learns]
        shared = len(set(numbers)) < len(numbers)
        self.known = not (once.vain or once.overwritten or (program.mixed and shared))
        """Whether pieces tell all: nothing is in vain, no view is overwritten, and in mixed
        precision no two operations share a weight."""
        self.probe = _Probe(program, training=True, inplace=inplace)
        self.probe.allowed = self.allowed
        self.stop = program.loss
        self.start = next(
            (at for at in range(self.stop) if program.starts[at] < program.starts[at + 1]),
            self.stop,
        )
        self.cuts: list[Cut] = []
        self._numbers: dict[Cut, int] = {}
        self._layers: dict[tuple[int, int], Layer] = {}
        self._free: dict[tuple[int, int], tuple[int, int]] = {}
        self._origins: dict[int, tuple[int, ...]] = {}
        self._behinds: dict[tuple[int, tuple[bool, ...]], int] = {}
        keeping = self.probe._keeping(range(program.starts[self.stop]))  # noqa: SLF001
        self.keeping: list[list[int]] = [[] for _ in range(self.stop)]
        for index in keeping:
            self.keeping[program.steps[index].layer].append(index)
        self.static = [self._static(layer, once) for layer in range(self.stop)]
        # By layer, copies of weights that are there in front of it, and those that can be kept.
        self.copies, self.kept_copies = [0], [0]
        for layer in range(self.stop):
            self.copies.append(self.copies[-1] + self.static[layer].casts)
            self.kept_copies.append(self.kept_copies[-1] + self._kept_casts(layer))
        given = (
            Group((tensor,), 0, held=True) for tensor in program.inputs if self._is_read(tensor)
        )
        self.first = self.number(tuple(sorted(given)))

    def number(self, cut: Cut) -> int:
        """The number of a cut."""
        known = self._numbers.get(cut)
        if known is None:
            known = self._numbers[cut] = len(self.cuts)
            self.cuts.append(cut)
        return known

    def loose(self, cut: int) -> int:
        """Bytes that cross a cut and are not kept."""
        return sum(at(group.size, self.batch) for group in self.cuts[cut] if not group.held)

    def layer(self, layer: int, number: int) -> Layer:
        """A layer that runs once, behind a cut."""
        known = self._layers.get((layer, number))
        if known is None:
            known = self._layers[layer, number] = self._layer(layer, number)
        return known

    def losses(self, number: int) -> Piece:
        """The losses, which are made and go back behind a cut."""
        walker = _Probe(self.program, training=True, inplace=self.inplace)
        walker.allowed = self.allowed
        walker.put(self.cuts[number])
        walker._losses()  # noqa: SLF001
        walker._seed()  # noqa: SLF001
        forward = max((at(event.live, self.batch) for event in walker.forward), default=0)
        backward = max((at(event.live, self.batch) for event in walker.backward), default=0)
        return Piece(
            forward=forward + self.copies[-1],
            backward=backward,
            adds=0,
            casts=0,
            macs=0,
            stop=self.stop,
            cut=number,
            again=False,
        )

    def once(self, layer: int, number: int) -> Piece:
        """A layer that runs once, behind a cut."""
        found = self.layer(layer, number)
        return Piece(
            forward=found.forward + self.copies[layer],
            backward=found.backward,
            adds=found.kept,
            casts=found.casts,
            macs=0,
            stop=layer + 1,
            cut=found.cut,
            again=False,
        )

    def segments(
        self, start: int, number: int, room: int, most: int, longest: int | None = None
    ) -> list[Piece]:
        """Segments from a cut in front of layer `start` that take `room` beside K, and `most` MACs.

        They are of `longest` layers at most.
        In the forward pass K is taken to have as many copies of weights as it can.
        """
        cut, batch = self.cuts[number], self.batch
        held = tuple(group._replace(held=True) for group in cut)
        behind = self.number(held)
        free = self.number(tuple(each._replace(origin=each.tensors[0]) for each in held))
        loose = self.loose(number)
        of = {tensor: group for group in cut for tensor in group.tensors}
        groups = {group.tensors[0]: group for group in cut}
        runs: list[Piece] = []
        kept_copies = self.kept_copies[start]
        inner = copies = grown = spent = 0
        highest = again = back = head = trail = last = 0
        begun: set[int] = set()
        first = closed = False
        macs = 0
        stop = self.stop if longest is None else min(start + longest, self.stop)
        for layer in range(start, stop):
            static = self.static[layer]
            top, free = self._run_free(layer, free)
            highest = max(highest, loose + top + self.copies[layer])
            run = self.layer(layer, behind)
            behind = run.cut
            for tensor in static.reads:
                group = of.get(tensor)
                if group is not None and group.tensors[0] not in begun:
                    begun.add(group.tensors[0])
                    if not group.held:
                        grown += at(group.size, batch)
            if static.keeps:
                if closed or spent > most:
                    break
                if first:
                    back = max(back, inner + static.head)
                else:
                    head, first = max(head, static.head), True
                stopping = max(again, inner + copies + run.stopping) + static.before
                last = max(stopping, back, inner + run.core)
                trail = static.tail
                back = max(back, inner + run.core)
                back = max(back, inner + run.kept + static.tail)
                macs = spent + (self.macs[layer] if static.again else 0)
            else:
                trail = max(trail, static.any)
                if first:
                    back = max(back, inner + static.any)
                else:
                    head = max(head, static.any)
            again = max(again, inner + copies + run.forward)
            # Copies that are not kept go when all has run again.
            copies += static.casts - run.casts
            inner += run.kept
            spent += self.macs[layer]
            if highest - kept_copies > room or head > room:
                break
            closed = closed or grown + back > room
            if not first or macs > most:
                continue
            need = max(grown + max(last, trail), head)
            if need <= room:
                runs.append(
                    Piece(
                        forward=highest,
                        backward=need,
                        adds=grown,
                        casts=0,
                        macs=macs,
                        stop=layer + 1,
                        cut=self._behind(free, groups, begun),
                        again=True,
                    )
                )
        return runs

    # What pieces are made of

    def _is_read(self, tensor: int) -> bool:
        return any(tensor in step.reads or tensor in step.keeps for step in self.program.steps)

    def _steps(self, layer: int) -> range:
        starts = self.program.starts
        return range(starts[layer], starts[layer + 1])

    def _static(self, layer: int, once: _Once) -> Static:
        steps = self.program.steps
        part, keeping = self._steps(layer), self.keeping[layer]
        most = {
            index: max((each.gradients for each in self.past.get(index, ())), default=0)
            for index in part
        }
        made = {steps[index].output for index in part}
        reads = (each for index in part for each in (*steps[index].reads, *steps[index].keeps))
        casts = 0
        if self.program.mixed:
            learned = (each for index in part for each in steps[index].learns)
            casts = sum(values * width for _, values, width, _ in learned if width == HALF)
        first, last = (keeping[0], keeping[-1]) if keeping else (part.stop, part.stop)
        return Static(
            any=max(most.values(), default=0),
            head=max((most[index] for index in part if index < first), default=0),
            tail=max((most[index] for index in part if index > last), default=0),
            before=once.before[last] if keeping else 0,
            keeps=bool(keeping),
            again=bool(keeping) and (self._makes(last) or last > part.start),
            casts=casts,
            reads=tuple({each: None for each in reads if each not in made}),
        )

    def _kept_casts(self, layer: int) -> int:
        """Copies of weights of a layer that runs once, which it keeps."""
        total = 0
        for index in self._steps(layer) if self.program.mixed else ():
            step = self.program.steps[index]
            if step.learns and step.learns[0][2] == HALF and self.probe._keeps_weight(step):  # noqa: SLF001
                _, values, width, _ = step.learns[0]
                total += values * width
        return total

    def _makes(self, index: int) -> bool:
        """Whether a step makes something that it keeps; see `Walk._again`."""
        step = self.program.steps[index]
        return step.output in step.keeps or any(
            array.kept and not (array.first and not self.program.cuda)
            for array in step.operation.extra
        )

    def _layer(self, layer: int, number: int) -> Layer:
        probe, batch, before = self.probe, self.batch, self.cuts[number]
        steps, keeping = self.program.steps, self.keeping[layer]
        probe.put(before)
        forward = probe.live and at(probe.live, batch)
        stopping, backward, core = forward, 0, 0
        casts = 0
        for index in self._steps(layer):
            events: list[Event] = []
            there, storages = at(probe.kept, batch), len(probe.bytes)
            keepers = list(probe.keepers)
            copies = sum(probe.casts[each] for each in probe.casts_kept)
            probe._forward(range(index, index + 1), events, keeping=True)  # noqa: SLF001
            lives = [at(event.live, batch) for event in events]
            if keeping and index == keeping[-1]:
                stopping = max(forward, *lives)
                if not self._makes(index):  # its output is not made
                    made = sum(at(size, batch) for size in probe.bytes[storages:])
                    stopping = max([forward, *lives[:-1], lives[-1] - made])
            forward = max(forward, *lives)
            copies = sum(probe.casts[each] for each in probe.casts_kept) - copies
            casts += copies
            kept = at(probe.kept, batch) - there - copies
            held, _ = probe.kept_of.get(index, ([], 0))
            on = dict(zip(steps[index].keeps, held, strict=False))
            most = 0
            for past in self.past.get(index, ()):
                still = copies if past.cast else 0
                if past.rest is not None:
                    own, tensors = past.rest
                    new = {on[each] for each in tensors}
                    still += own + sum(
                        at(probe.bytes[each], batch)
                        for each in new
                        if each >= len(keepers) or not keepers[each]
                    )
                elif past.keeps:
                    still += kept
                most = max(most, past.gradients + there + still)
            backward = max(backward, most)
            if keeping and keeping[0] <= index <= keeping[-1]:
                core = max(core, most)
        kept = at(probe.kept, batch)
        outputs = [steps[index].output for index in self._steps(layer)]
        behind = self.number(probe.cut(before, outputs))
        return Layer(forward, stopping, kept, casts, backward, core, behind)

    def _run_free(self, layer: int, number: int) -> tuple[int, int]:
        """A layer that keeps nothing, all held that its segment starts from: the most, the cut."""
        known = self._free.get((layer, number))
        if known is None:
            probe, before, part = self.probe, self.cuts[number], self._steps(layer)
            probe.put(before)
            events: list[Event] = [Event(layer, probe.live, 0, 0)]
            probe._forward(part, events, keeping=False)  # noqa: SLF001
            top = max(at(event.live, self.batch) for event in events)
            made = [self.program.steps[index].output for index in part]
            behind = self.number(probe.cut(before, made))
            known = self._free[layer, number] = top, behind
        return known

    def _behind(self, free: int, groups: dict[int, Group], begun: set[int]) -> int:
        """The cut behind a segment, which keeps what it has `begun` with."""
        origins = self._origins.get(free)
        if origins is None:
            of = {each.origin for each in self.cuts[free] if each.origin is not None}
            origins = self._origins[free] = tuple(sorted(of))
        if not origins:
            return free
        holds = tuple(groups[origin].held or origin in begun for origin in origins)
        known = self._behinds.get((free, holds))
        if known is None:
            held = dict(zip(origins, holds, strict=True))
            known = self._behinds[free, holds] = self.number(
                tuple(
                    group
                    if group.origin is None
                    else Group(group.tensors, group.size, held[group.origin])
                    for group in self.cuts[free]
                )
            )
        return known
