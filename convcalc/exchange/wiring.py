"""Layers that read named tensors, as a spec writes them: in sequence, in branches, and by `from`.

A file from elsewhere lists operations with what each reads. A spec is read from top to bottom: each
item starts from the one before it, and branches of a merge from what stands before the merge. Any
format hands its layers over to a `Wiring`, which knows their shapes, and gets the spec's items.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.diagnostics import Problem
from convcalc.layers import CATALOGUE, CONSTANTS, layer_class
from convcalc.layers.base import Declared, Layer, Plan, Undone, declarations
from convcalc.shape import Shape
from convcalc.spec.as_item import as_item, merging, started
from convcalc.spec.names import RESERVED
from convcalc.spec.nodes import NOWHERE, List, Map, Node, ScalarNode, node_of
from convcalc.spec.origins import literal
from convcalc.spec.tree import Item

if TYPE_CHECKING:
    from convcalc.spec.fold.same import Said

MAX_NESTED = 3
"""Most merges inside one another; what nests deeper starts by `from`."""
MAX_BRANCH = 40
"""Most items of a branch that stands in its merge; a longer one is a sequence with a name."""
MAX_ORIGIN = 400
"""Characters of an origin, but for a number behind it that tells alike ones apart."""
MAX_NAME = 40
"""Characters of a name that is made of another."""


class CannotError(Exception):
    """What a spec cannot say, or a layer cannot be."""

    def __init__(self, message: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.help = help


class Made(NamedTuple):
    """A layer with what it reads."""

    kind: str
    """Its kind; `input` of an input."""
    fields: Mapping[str, Any]
    """The fields that an item says."""
    reads: tuple[int, ...]
    """Numbers of the layers that it reads, all of them earlier."""
    shape: Shape
    """The shape of its output."""
    origin: str = ""
    """What the file calls it."""
    layer: Layer | None = None
    """The layer with its fields; None of an input."""
    plan: Plan | None = None
    """Its plan; None of an input."""
    shared: int | None = None
    """The layer whose weights it uses."""
    undoes: int | None = None
    """The pool that it undoes, which it names."""


class Wiring:
    """The layers of a network as they are found, in an order in which each reads earlier ones."""

    def __init__(
        self, *, rounding: str = "floor", paths: Callable[[], Mapping[str, tuple[str, ...]]] = dict
    ) -> None:
        self.made: list[Made] = []
        self.paths = paths
        """What gives by the origin of layers the blocks that they stand in: a merge takes nothing
        into its branches that stands outside of its own. Asked where there are merges."""
        self.rounding = rounding
        """What the spec says of strides that do not tile."""
        self.stopgaps: set[int] = set()
        """Inputs that stand for what could not be said, and are left out where nothing reads
        them."""
        self._known: dict[Any, tuple[Layer, Plan, Mapping[str, Any]]] = {}
        """Layers by what they are made of, with their fields, which those that are alike share."""
        self._learned: dict[int, tuple[int, Plan]] = {}
        """By the identity of plans how many values their weights hold, and the plan, so that it
        stays."""
        self._alike: dict[tuple[str, int], Node] = {}
        """By the kind and the identity of fields what stands behind the kind."""

    def input(self, shape: Shape, origin: str) -> int:
        """An input of the network."""
        made = Made(kind="input", fields={}, reads=(), shape=shape, origin=origin)
        self.made.append(made)
        return len(self.made) - 1

    def add(
        self,
        kind: str,
        fields: Mapping[str, Any],
        reads: Sequence[int],
        origin: str,
        *,
        shared: int | None = None,
    ) -> int:
        """A layer, by its number; raises `CannotError` where it does not fit what it reads."""
        shapes = tuple([self.made[at].shape for at in reads])
        key = (kind, tuple(fields.items()), shapes)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = (*self._planned(kind, fields, shapes), fields)
        layer, plan, fields = known
        reads = () if kind in CONSTANTS else tuple(reads)
        self.made.append(
            Made(kind, fields, reads, plan.output, origin, layer=layer, plan=plan, shared=shared)
        )
        return len(self.made) - 1

    def undo(self, number: int, pool: int, origin: str) -> int:
        """The layer that undoes a max pooling, of what another layer makes."""
        from convcalc.layers.pooling import MaxPool  # which few files need
        from convcalc.layers.sliding import unrounded_windows

        made, source = self.made[pool], self.made[self.made[pool].reads[0]].shape
        windows = () if made.plan is None else tuple(made.plan.windows)
        if not isinstance(made.layer, MaxPool):
            message = "what it undoes is no pool"
            raise CannotError(message)
        written = unrounded_windows(made.layer, source.spatial)
        layer = layer_class("maxunpool")(indices="")
        undone = layer.undoing(Undone("the pool", windows), written)
        if isinstance(undone, Problem):
            raise CannotError(undone.message, undone.help)
        shapes = (self.made[number].shape, source)
        for problem in undone.check(shapes):
            if problem.severity == "error":
                raise CannotError(problem.message, problem.help)
        plan = undone.plan(shapes)
        made = Made("maxunpool", {}, (number,), plan.output, origin, layer=undone, plan=plan)
        self.made.append(made._replace(undoes=pool))
        return len(self.made) - 1

    def _planned(
        self, kind: str, fields: Mapping[str, Any], shapes: tuple[Shape, ...]
    ) -> tuple[Layer, Plan]:
        cls = layer_class(kind)
        given = dict(fields)
        if "rounding" in declarations(cls):
            given.setdefault("rounding", self.rounding)
        for name, value in given.items():
            _within(declarations(cls)[name], name, value)
        layer = cls(**given)
        if kind in CONSTANTS and not shapes:
            shapes = (Shape(1),)
        for problem in layer.check(shapes):
            if problem.severity == "error":
                raise CannotError(problem.message, problem.help)
        plan = layer.plan(shapes)
        if plan.output.rank > 3:
            message = f"the output {plan.output} has more than 3 spatial axes"
            raise CannotError(message)
        if plan.output.size > 2**62 or any(weight.size > 2**62 for weight in plan.weights):
            message = f"the output {plan.output} or a weight has more than 2^62 values"
            raise CannotError(message)
        return layer, plan

    def replace(self, number: int, **changes: Any) -> None:
        """Say something else of a layer that nothing but its reader has read so far."""
        old = self.made[number]
        new = old._replace(**changes)
        shapes = tuple(self.made[at].shape for at in new.reads)
        layer, plan = self._planned(new.kind, new.fields, shapes)
        self.made[number] = new._replace(layer=layer, plan=plan, shape=plan.output)

    def shape(self, number: int) -> Shape:
        """What comes out of a layer."""
        return self.made[number].shape

    def learned(self, number: int) -> int:
        """How many values the weights of a layer hold, which those that are alike share."""
        plan = self.made[number].plan
        if plan is None or not plan.weights:
            return 0
        known = self._learned.get(id(plan))
        if known is None:
            known = self._learned[id(plan)] = sum([each.size for each in plan.weights]), plan
        return known[0]

    def live(self, outputs: Sequence[int]) -> list[bool]:
        """Which layers these outputs need, and the inputs of the network."""
        live = [
            made.kind == "input" and at not in self.stopgaps for at, made in enumerate(self.made)
        ]
        for at in outputs:
            live[at] = True
        for at in range(len(self.made) - 1, -1, -1):
            if live[at]:
                for read in self.made[at].reads:
                    live[read] = True
                for named in (self.made[at].shared, self.made[at].undoes):
                    if named is not None:
                        live[named] = True
        return live

    def enliven(self, live: list[bool], number: int) -> None:
        """Add to what is live what one more output needs."""
        waiting = [number]
        while waiting:
            at = waiting.pop()
            if not live[at]:
                live[at] = True
                made = self.made[at]
                named = (made.shared, made.undoes)
                waiting += [*made.reads, *(each for each in named if each is not None)]

    # The spec

    def written(self, outputs: Sequence[int]) -> "Written":
        """The items that say all of this, and the names of the outputs where they need some."""
        return _Writer(self, outputs).written()

    def node_of(self, fields: Mapping[str, Any], kind: str) -> Node | None:
        """What stands behind a kind: nothing, its principal value, or its fields."""
        if not fields:
            return None
        key = (kind, id(fields))
        known = self._alike.get(key)
        if known is None:
            known = self._alike[key] = _fields_node(kind, fields)
        return known


def _within(declared: Declared, name: str, value: Any) -> None:
    """Refuse a number of a field that no spec may have there."""
    if isinstance(value, str) and declared.choices and value not in declared.choices:
        message = f"{name} would be {value[:60]}"
        raise CannotError(message)
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, tuple):
            waiting += each
        elif isinstance(each, int | float) and not isinstance(each, bool):
            low = declared.minimum is not None and each < declared.minimum
            above = declared.above is not None and each <= declared.above
            high = declared.maximum is not None and each > declared.maximum
            if low or above or high or each != each:  # noqa: PLR0124 (which is none)
                message = f"{name} would be {each}"
                raise CannotError(message)


class Written(NamedTuple):
    """A network as items."""

    items: tuple[Item, ...]
    """The items of `layers`."""
    inputs: dict[int, str]
    """Names of the inputs by the number of their layer; one alone has none."""
    outputs: tuple[str, ...]
    """Names of the outputs; none where the last item's is the only one."""
    said: "Callable[[], Said | None]"
    """What gives all that a spec of these items says of its network, as expanding it would."""


def _fields_node(kind: str, fields: Mapping[str, Any]) -> Node:
    cls = layer_class(kind)
    first = next(iter(declarations(cls)))
    if len(fields) == 1 and first in fields and cls.stands_alone:
        return _value_node(fields[first], extents=kind == "learned")
    declared = declarations(cls)
    return Map(
        {
            name: node_of(value) if declared[name].sided else _value_node(value)
            for name, value in fields.items()
        }
    )


def _value_node(value: Any, *, extents: bool = False) -> Node:
    """A value of a field as a spec writes it: sizes as 3x5, pads as lists."""
    sizes = isinstance(value, tuple) and value and all(type(each) is int for each in value)
    if sizes and (extents or (len(value) > 1 and min(value) > 0)):
        return ScalarNode("x".join(map(str, value)), NOWHERE, 0)
    return node_of(value)


class _Step:
    """An item that is to be written: a layer with its branches, or `from` alone."""

    __slots__ = ("branches", "number", "start")

    def __init__(
        self,
        number: int | None,
        branches: "list[list[_Step]] | None" = None,
        start: int | None = None,
    ) -> None:
        self.number = number
        """The layer; None of a mere `from`."""
        self.branches = branches
        self.start = start
        """The layer that it starts from by name; None for what stands before it."""


class _Segment:
    """Steps one behind the other, of which only the last one's tensor is read from outside."""

    __slots__ = ("depth", "entry", "path", "refers", "size", "steps")

    def __init__(self, entry: int | None) -> None:
        self.entry = entry
        """The tensor that it starts from; None where it reads none."""
        self.steps: list[_Step] = []
        self.path: tuple[str, ...] | None = None
        """The blocks that all of it stands in; None where that is not known."""
        self.refers: set[int] = set()
        """The tensors from elsewhere that it reads by `from`."""
        self.depth = 0
        """How many merges are inside one another in it."""
        self.size = 0
        """How many items it has, those in branches among them."""


class _Writer:
    """Finds sequence and branches of a wiring, and writes its items."""

    def __init__(self, wiring: Wiring, outputs: Sequence[int]) -> None:
        self.wiring = wiring
        self.made = wiring.made
        self.outputs = list(outputs)
        self.live = wiring.live(self.outputs)
        self.readers = [0] * len(self.made)
        for at, made in enumerate(self.made):
            if self.live[at]:
                for read in made.reads:
                    self.readers[read] += 1
                if made.undoes is not None:
                    self.readers[made.undoes] += 1
        for at in outputs:
            self.readers[at] += 1
        self.inputs = [
            at for at, made in enumerate(self.made) if made.kind == "input" and self.live[at]
        ]
        self.ends: dict[int, _Segment] = {}
        """The segments so far by the layer that they end with."""
        self.names: dict[int, str] = {}
        """What is called something, because it is read by that."""
        self.taken = {*RESERVED}
        self.owners: dict[int, int] = {}
        """The layer before it whose weights a layer uses."""
        self.paths: Mapping[str, tuple[str, ...]] = {}
        """By the origin of layers the blocks that they stand in, where there are merges."""

    def written(self) -> Written:
        """The items."""
        self._name_inputs()
        kinds = {made.kind for made in self.made}
        many = {kind for kind in kinds if layer_class(kind).inputs == "many"}
        merges = {
            at
            for at, made in enumerate(self.made)
            if (len(made.reads) > 1 or made.kind in many) and self.live[at]
        }
        self.paths = self.wiring.paths() if merges else {}
        for at, made in enumerate(self.made):
            if at in merges:
                self._merge(at)
            elif self.live[at] and made.kind != "input":
                self._follow(at)
        order = self._ordered()
        steps, last = self._joined(order)
        names: tuple[str, ...] = ()
        if self.outputs != [last]:
            names = tuple(self._name(at) for at in self.outputs)
        order = _numbers(steps)
        self.owners = self._owners(order)
        for at in sorted(self.owners):
            self._name(self.owners[at])
        for at, made in enumerate(self.made):
            if self.live[at] and made.undoes is not None:
                self._name(made.undoes)
        self._name_started(steps)
        self._name_what_meets(order)
        inputs = {at: self.names[at] for at in self.inputs} if len(self.inputs) > 1 else {}
        items = tuple([self._item(step) for step in steps])
        return Written(items, inputs, names, said=partial(self._said, order, names))

    def _said(self, order: list[int], outputs: tuple[str, ...]) -> "Said | None":
        """All that the items say of the network, with its inputs before the layers in `order`.

        None where a layer names the pool that it undoes, or is an array, which a spec lets stand
        behind what it does not read.
        """
        from convcalc.layers.source import Input
        from convcalc.spec.fold.same import Said
        from convcalc.spec.unfold import WEIGHTLESS

        places = {number: at for at, number in enumerate([*self.inputs, *order])}
        nodes: list[Any] = [
            ("input", Input.of(self.made[number].shape), (), None, None, False)
            for number in self.inputs
        ]
        for number in order:
            made = self.made[number]
            if made.undoes is not None or made.kind in CONSTANTS:
                return None
            owner = None
            if self.owners and number in self.owners and made.kind not in WEIGHTLESS:
                owner = places[self.owners[number]]
            reads = tuple([places[read] for read in made.reads])
            nodes.append((made.kind, made.layer, reads, None, owner, False))
        inputs = tuple(range(len(self.inputs)))
        ends = tuple([places[number] for number in self.outputs])
        origins = [("", self.names[number]) for number in self.inputs]
        for number, name in zip(order, self._full_names(order), strict=True):
            origins.append((self.made[number].origin, name))
        return Said((nodes, inputs, ends, outputs, []), tuple(origins))

    def _owners(self, order: list[int]) -> dict[int, int]:
        """Whose weights layers use: of those that share them it is the first in the spec.

        Branches stand before their merge in the order in which that reads them, whichever of them
        was made first.
        """
        first: dict[int, int] = {}
        owners: dict[int, int] = {}
        for number in order:
            root = number
            while (before := self.made[root].shared) is not None:
                root = before
            owner = first.setdefault(root, number)
            if owner != number:
                owners[number] = owner
        return owners

    # Names

    def _name_inputs(self) -> None:
        if len(self.inputs) == 1:
            self.names[self.inputs[0]] = "input"
        else:
            for at in self.inputs:
                self._name(at)

    def _name(self, number: int) -> str:
        """What a layer is called, which is given a name now."""
        name = self.names.get(number)
        if name is None:
            made = self.made[number]
            base = name = legal(made.origin, made.kind)
            count = 2
            while name in self.taken or name in CATALOGUE:
                name, count = f"{base}_{count}", count + 1
            self.names[number] = name
            self.taken.add(name)
        return name

    def _name_started(self, steps: list[_Step]) -> None:
        """Give a name to each layer that an item starts from, in the order of the spec."""
        stack = steps[::-1]
        while stack:
            step = stack.pop()
            if step.start is not None:
                self._name(step.start)
            for branch in reversed(step.branches or ()):
                stack.extend(reversed(branch))

    def _name_what_meets(self, order: list[int]) -> None:
        """Give a name to each layer whose kind and number are a name that one behind it was given.

        A spec numbers layers as they come, and has no name twice.
        """
        if len(self.taken) == len(RESERVED):
            return  # nothing was given a name
        while True:
            full = zip(order, self._full_names(order), strict=True)
            meeting = [at for at, name in full if name in self.taken and at not in self.names]
            if not meeting:
                return
            for number in meeting:  # numbers and so names of others change with it
                self._name(number)

    def _full_names(self, order: list[int]) -> list[str]:
        """What a spec calls layers: as they are named, or by their kinds and numbers."""
        before = {self.names[at] for at in self.inputs}
        counts: dict[str, int] = {}
        full: list[str] = []
        for number in order:
            name = self.names.get(number, "")
            if not name:
                kind = self.made[number].kind
                base = f"{kind}_" if kind[-1].isdigit() else kind
                count = counts.get(kind, 0) + 1
                while (name := f"{base}{count}") in before:
                    count += 1
                counts[kind] = count
            before.add(name)
            full.append(name)
        return full

    # Segments

    def _follow(self, at: int) -> None:
        """A layer that reads one tensor, or none, goes on behind what makes that."""
        made = self.made[at]
        entry = made.reads[0] if made.reads else None
        segment = None
        if entry is not None and self.readers[entry] == 1:
            segment = self.ends.pop(entry, None)
        if segment is None:
            segment = _Segment(entry)
        if made.undoes is not None:
            segment.refers.add(made.undoes)
        segment.steps.append(_Step(at))
        segment.size += 1
        if self.paths:
            self._stand(segment, at)
        self.ends[at] = segment

    def _merge(self, at: int) -> None:
        """A layer with branches: what only it reads stands in them."""
        branches: list[tuple[int | None, _Segment | None]] = []
        path = self.paths.get(self.made[at].origin)
        taken: set[int] = set()
        for read in self.made[at].reads:
            segment = self.ends.get(read)
            if (
                segment is not None
                and self.readers[read] == 1
                and read not in taken
                and segment.depth < MAX_NESTED
                and segment.size <= MAX_BRANCH
                and self._stands_within(segment, path)
            ):
                taken.add(read)
                branches.append((segment.entry, segment))
            else:
                branches.append((read, None))
        entry = self._entry(branches)
        segment = _Segment(entry)
        if entry is not None and entry in self.ends and entry not in taken:
            starting = sum(start == entry for start, _ in branches)
            if starting == self.readers[entry]:
                segment = self.ends.pop(entry)
        lists = []
        depth = 0
        for start, branch in branches:
            steps: list[_Step] = []
            if branch is not None:
                steps = branch.steps
                segment.refers |= branch.refers
                segment.size += branch.size
                depth = max(depth, branch.depth)
            if start is not None and start != entry:
                segment.refers.add(start)
                steps = _starting(start, steps)
            lists.append(steps)
        for read in taken:
            del self.ends[read]
        segment.steps.append(_Step(at, lists))
        segment.depth = max(segment.depth, depth + 1)
        segment.size += 1
        self._stand(segment, at)
        self.ends[at] = segment

    def _stand(self, segment: _Segment, at: int) -> None:
        """Remember which blocks a segment stands in that a layer comes to."""
        path = self.paths.get(self.made[at].origin)
        if path is not None:
            known = path if segment.path is None else segment.path
            shared = 0
            while shared < min(len(path), len(known)) and path[shared] == known[shared]:
                shared += 1
            segment.path = path[:shared]

    def _stands_within(self, segment: _Segment, path: tuple[str, ...] | None) -> bool:
        """Whether all of a segment stands in the blocks of a merge, as far as that is known."""
        if path is None or segment.path is None:
            return True
        return segment.path[: len(path)] == path

    def _entry(self, branches: list[tuple[int | None, _Segment | None]]) -> int | None:
        """The tensor that a merge stands behind, from which branches start without a word."""
        starts = [start for start, _ in branches if start is not None]
        if not starts:
            return None
        closed = [each for each in starts if starts.count(each) == self.readers[each]]
        ended = [each for each in closed if each in self.ends]
        often = sorted(set(starts), key=lambda each: (starts.count(each), each))
        return (ended or closed or often[::-1])[0]

    def _ordered(self) -> list[int]:
        """The ends of the segments, each behind those that it reads."""
        order: list[int] = []
        done = set(self.inputs)
        last = self.outputs[0] if len(self.outputs) == 1 else None
        for first in sorted(self.ends, key=lambda end: (end == last, end)):
            stack = [first]
            while stack:
                end = stack[-1]
                if end in done:
                    stack.pop()
                    continue
                segment = self.ends[end]
                needed = set(segment.refers)
                if segment.entry is not None:
                    needed.add(segment.entry)
                waiting = [each for each in needed if each not in done]
                if waiting:
                    stack.extend(sorted(waiting, reverse=True))
                else:
                    stack.pop()
                    done.add(end)
                    order.append(end)
        return order

    def _joined(self, order: list[int]) -> tuple[list[_Step], int | None]:
        """All steps, one behind the other, and the layer that the last one is."""
        steps: list[_Step] = []
        before = self.inputs[0] if self.inputs else None
        for end in order:
            segment = self.ends[end]
            entry = segment.entry
            apart = entry is not None and entry != before
            steps += _starting(entry, segment.steps) if apart else segment.steps
            before = end
        return steps, before

    # Items

    def _item(self, step: _Step) -> Item:
        start = None if step.start is None else self._name(step.start)
        if step.number is None:
            return started(start or "")
        made = self.made[step.number]
        value = self.wiring.node_of(made.fields, made.kind)
        if made.undoes is not None:
            value = Map({"indices": self._name(made.undoes)})
        if step.branches is not None:
            branches = List([List([self._item(each) for each in one]) for one in step.branches])
            value = merging(made.kind, branches, _entries(made.kind, value))
        owner = self.owners.get(step.number)
        return as_item(
            made.kind,
            value,
            name=self.names.get(step.number),
            start=start,
            weights=None if owner is None else self._name(owner),
            origin=literal(made.origin),
        )


def _numbers(steps: Sequence[_Step]) -> list[int]:
    """The layers of steps in the order in which a spec counts them: branches before their merge."""
    numbers: list[int] = []
    stack = [(step, False) for step in reversed(steps)]
    while stack:
        step, opened = stack.pop()
        if step.branches is not None and not opened:
            stack.append((step, True))
            inside = [each for branch in step.branches for each in branch]
            stack += [(each, False) for each in reversed(inside)]
        elif step.number is not None:
            numbers.append(step.number)
    return numbers


def _entries(kind: str, value: Node | None) -> dict[str, Node]:
    """What stands behind a kind, by the names of its fields."""
    if value is None:
        return {}
    if isinstance(value, Map):
        return dict(value.entries)
    return {next(iter(declarations(layer_class(kind)))): value}


def _starting(start: int | None, steps: list[_Step]) -> list[_Step]:
    """Steps of which the first starts from a tensor by its name."""
    if steps and steps[0].branches is None and steps[0].start is None:
        first = steps[0]
        return [_Step(first.number, None, start), *steps[1:]]
    return [_Step(None, None, start), *steps]


def called(name: str) -> str:
    r"""What a file calls something as an origin: the end of it, without what cannot be shown.

    >>> called("a\x00b")
    'a_b'
    """
    text = name[-MAX_ORIGIN:]
    return text if text.isprintable() else "".join(c if c.isprintable() else "_" for c in text)


_WORDS = re.compile(r"[^A-Za-z0-9_-]+")


def legal(origin: str, kind: str) -> str:
    """A name that an item may have, made of what a file calls it."""
    parts = [part for part in origin.split("/") if part]
    if len(parts) > 1:
        parts.pop()  # the operator, behind the path of the module
    name = ""
    for part in parts:
        name = part if part.startswith(f"{name}.") or not name else f"{name}.{part}"
    name = _WORDS.sub("_", name).strip("_-")
    if len(name) > MAX_NAME:
        name = name[-MAX_NAME:].strip("_-")
    if not name or not name[0].isalpha():
        name = f"{kind}_{name}" if name else kind
    return name
