"""What every layer sees of the input, from its plan's windows and the fields before it."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, reduce
from typing import TYPE_CHECKING, TypeVar

from convcalc.graph import LayerNode, Network
from convcalc.layers import CONSTANTS, UNPOOL
from convcalc.layers.base import Joined, Plan, Positions, Tiles
from convcalc.shape import Shape
from convcalc.window import Field, Window, inside

if TYPE_CHECKING:
    from convcalc.spans import Spans

Fields = tuple[Field, ...]
"""One field per spatial axis of the network's input."""

COUNTED = 2**20
"""Most outputs that are counted one by one; beyond, fields are upper bounds."""

Known = TypeVar("Known")


def receptive_fields(
    network: Network, sight: "Sight | None" = None
) -> Iterator[tuple[Fields | None, bool]]:
    """For each layer its fields per axis of the input, and whether its paths have one stride.

    Of several inputs those count that the `sight` is of: without one, the first, and with it those
    of the same spatial extents, as if they were channels of one.
    Fields are None where outputs have no position in the input (a vector, a transposed map), see
    nothing of it, or where an error keeps them unknown. docs/definitions.md says what their
    numbers are.
    """
    sight = sight or Sight(network)
    nodes = network.nodes
    reported: list[Fields | None] = []
    for index, followed in enumerate(network.walk(sight.follow)):
        fields = None if index in sight.lost else followed
        if fields is not None:
            inputs = sight.reads(index) if sight.unseen else nodes[index].inputs
            if inputs and fields is sight.fields[inputs[0]]:
                fields = reported[inputs[0]]
            else:
                before: Field | None = None
                for field in fields:
                    if field is not before and (field.counted or field.whole):
                        fields = sight.counted(index, fields)
                        if 0 in [one.size for one in fields]:  # nothing of the input
                            fields = None
                        break
                    before = field
        reported.append(fields)
        yield fields or None, index not in sight.apart


def seen_of_inputs(network: Network) -> "list[dict[str, tuple[Fields | None, bool]]]":
    """For each layer by the names of the inputs that it sees what `receptive_fields` gives.

    Each input is followed by itself.
    """
    layers: list[dict[str, tuple[Fields | None, bool]]] = [{} for _ in network.nodes]
    for name, source in network.named_inputs.items():
        sight = Sight(network, (source,))
        for index, seen in enumerate(receptive_fields(network, sight)):
            if index not in sight.unseen and network.plans[index] is not None:
                layers[index][name] = seen
    return layers


def _at_one_place(one: Field, other: Field) -> Field:
    """The field of the only position of a map, computed from those of two maps."""
    if one is other:
        return one
    if one.phases or other.phases:
        one, other = one.collapsed(1), other.collapsed(1)
    return one.union(other._replace(jump=one.jump))


class Sight:
    """A network, and what its layers see: by formulas, and where those end, counted."""

    def __init__(self, network: Network, sources: tuple[int, ...] | None = None) -> None:
        self.network = network
        self.sources = network.alike_inputs if sources is None else sources
        """The inputs that are looked at: all of one size."""
        shape = network.shape_of(self.sources[0])
        self.extents = shape.spatial if shape else ()
        """Extents of the input."""
        self.constants: set[int] = set()
        """Layers that see nothing of any input, though they stand behind a tensor."""
        self.unseen: set[int] = set()
        """Layers that see nothing of these inputs, and the other sources."""
        self.start: Fields = (Field(),) * len(self.extents)
        self.fields: list[Fields | None] = []
        """Fields by formula of the layers followed so far."""
        self.lost: set[int] = set()
        """Layers whose outputs have no position in the input."""
        self.apart: set[int] = set()
        """Layers to which paths of different strides lead."""
        self._loose: set[int] = set()
        """Layers of which formulas tell nothing, not even an upper bound."""
        self._spans: dict[tuple[int, int], Spans | None] = {}
        self._insides: dict[tuple[int, int], tuple[int, int]] = {}
        self._left = COUNTED

    def follow(
        self, node: LayerNode, plan: Plan | None, read: list[Fields | None]
    ) -> Fields | None:
        """The fields of the next layer by formula; None where they are unknown."""
        index, inputs = len(self.fields), node.inputs
        fields: Fields | None = None
        if plan is None:
            self.fields.append(None)
            return None
        constant = node.kind in CONSTANTS
        if not inputs or constant or (self.unseen and not self.unseen.isdisjoint(inputs)):
            if constant:
                self.constants.add(index)
            inputs = self.reads(index)
            if not inputs and index not in self.sources:
                self.unseen.add(index)
                self.fields.append(None)
                return None
            read = [self.fields[before] for before in inputs]
        if self._loose and not self._loose.isdisjoint(inputs):
            self._loose.add(index)
            if not self.apart.isdisjoint(inputs):
                self.apart.add(index)
        if len(node.inputs) == 1:  # a merge of which one input sees anything is none of them
            before, positions = inputs[0], plan.positions
            (fields,) = read
            if positions != "kept":
                shape = self.network.shape_of(before)
                if fields is not None and shape is not None:
                    fields = self._through(positions, fields, before, shape)
                else:
                    fields = None
                if positions == "lost":
                    self.lost.add(index)
            if before in self.lost:
                self.lost.add(index)
        elif not inputs:
            fields = self.start
        else:
            if node.kind == UNPOOL:
                inputs = self.reads(index)
                read = [self.fields[before] for before in inputs]
            known = [fields for fields in read if fields is not None]
            joined = plan.positions if isinstance(plan.positions, Joined) else None
            lost = self.lost.intersection(inputs)
            if plan.positions == "lost" or (lost and (joined or lost.issuperset(inputs))):
                self.lost.add(index)
            if len(known) == len(read):
                if joined and not lost:
                    fields = self._joined(index, joined, known)
                elif plan.windows and index not in self.lost:
                    fields = self._slid(index, plan.windows, inputs, known)
                else:
                    fields = self._merged(index, plan.output, known)
        self.fields.append(fields)
        return fields

    def reads(self, index: int) -> tuple[int, ...]:
        """What a layer reads that sees anything of the inputs that are looked at."""
        node = self.network.nodes[index]
        inputs = () if index in self.constants else node.looks_at
        if not self.unseen:
            return inputs
        return tuple([read for read in inputs if read not in self.unseen])

    def _through(self, positions: Positions, before: Fields, index: int, shape: Shape) -> Fields:
        """The fields after one layer that slides, or loses positions, over what another made."""
        if positions.__class__ is Tiles and index not in self.lost:  # which calls nothing
            positions = positions.windows
        if isinstance(positions, (str, Joined, Tiles)) or index in self.lost:
            sizes = shape.spatial if shape.rank == len(before) else (1,) * len(before)
            return tuple(
                field.collapsed(size).clamped() for field, size in zip(before, sizes, strict=True)
            )
        if 1 in shape.spatial:  # a single position that is spread is seen by every output
            before = tuple(
                field.collapsed(1) if size == 1 and window.up > 1 else field
                for field, size, window in zip(before, shape.spatial, positions, strict=True)
            )
        first, windows = before[0].through(positions[0]).clamped(), positions[1:]
        square = len(before) == 2 and windows == positions[:1] and before[1] is before[0]
        if square:  # as most maps are
            return first, first
        fields = [first]
        for field, window in zip(before[1:], windows, strict=True):
            alike = field is before[0] and window == positions[0]
            fields.append(first if alike else field.through(window).clamped())
        return tuple(fields)

    def _merged(self, index: int, output: Shape, read: list[Fields]) -> Fields:
        """The fields of a layer that merges several tensors."""
        if index in self.lost:
            return tuple(Field(size, 0, counted=True, exact=False) for size in self.extents)
        inputs = self.reads(index)
        merged: list[Field] = []
        seen: list[tuple[list[Field], list[int], int]] = []
        for axis, extent in enumerate(self.extents):
            fields = [each[axis] for each in read]
            positions = [self._positions(before, axis) for before in inputs]
            here = (fields, positions, extent)
            if seen and here == seen[0]:  # most maps are square
                merged.append(merged[0])
                continue
            seen.append(here)
            if output.spatial[axis] == 1:  # strides do not matter
                merged.append(reduce(_at_one_place, fields))
            else:
                merged.append(self._side_by_side(index, axis, fields, positions))
        return tuple(merged)

    def _slid(
        self, index: int, windows: tuple[Window, ...], inputs: Sequence[int], read: list[Fields]
    ) -> Fields | None:
        """The fields of a layer that slides over what several tensors of one size see together."""
        shape = self.network.shape_of(inputs[0])
        if shape is None:
            return None
        return self._through(windows, self._merged(index, shape, read), inputs[0], shape)

    def _joined(self, index: int, joined: Joined, read: list[Fields]) -> Fields:
        """The fields of outputs that are each one of several inputs', one behind the other.

        Where all those of each input see what they would as one map, all is as on one map. Else
        what outputs see has to be counted; stride and padding are those of the first outputs, or
        of the largest stride.
        """
        made: list[Field] = []
        pieces = [window for _, window in self._pieces(joined, index)]
        for axis, fields in enumerate(zip(*read, strict=True)):
            windows = pieces if axis == joined.axis else [Window()] * len(fields)
            placed = [field.through(window) for field, window in zip(fields, windows, strict=True)]
            first = placed[0]
            if all(field == first for field in placed):
                made.append(first)
                continue
            self._loose.add(index)
            if any(field.jump != first.jump for field in placed):
                self.apart.add(index)
                first = max(placed, key=lambda field: field.jump)
            size = max(field.size for field in placed)
            whole = max(field.whole for field in placed)
            made.append(first._replace(size=size, whole=whole, counted=True, exact=False))
        return tuple(made)

    def _pieces(self, joined: Joined, index: int) -> list[tuple[int, Window]]:
        """What stands one behind the other and sees anything of the input, each with its window."""
        inputs = self.network.nodes[index].inputs
        pieces = zip(inputs, joined.windows, strict=True)
        return [(read, window) for read, window in pieces if read not in self.unseen]

    def _side_by_side(
        self, index: int, axis: int, fields: list[Field], positions: list[int]
    ) -> Field:
        """The field along an axis of several positions."""
        inputs, extent = self.reads(index), self.extents[axis]
        both = zip(fields, positions, strict=True)
        placed = [field for field, count in both if field.jump and count > 1]
        merged, exact = (placed or [fields[0].collapsed(1)])[0], True
        for field in placed[1:]:
            if field is merged:
                continue
            if field.jump == merged.jump:
                merged = merged.union(field)
            else:
                self.apart.add(index)
                exact, merged = False, max(merged, field, key=lambda one: one.jump)
        whole = merged.whole
        if len(placed) < len(fields) and not whole:
            shown = [
                self._all(before, axis, field)
                for before, field, count in zip(inputs, fields, positions, strict=True)
                if not field.jump or count == 1
            ]
            # What a gate shows of a part has to be counted with what each output sees.
            whole, exact = extent * any(shown), exact and any(shown)
        if not exact:
            self._loose.add(index)
            return merged._replace(whole=whole, counted=True, exact=False)
        return merged if whole == merged.whole else merged._replace(whole=whole)

    def _positions(self, index: int, axis: int) -> int:
        """How many positions a map has along an axis; one where they are lost."""
        shape = self.network.shape_of(index)
        return 1 if index in self.lost or shape is None else shape.spatial[axis]

    def _extent(self, index: int, axis: int) -> int:
        """The extent of a map along an axis."""
        shape = self.network.shape_of(index)
        return 1 if shape is None else shape.spatial[axis]

    def _merged_extent(self, index: int, axis: int) -> int:
        """The extent of what a layer merges: its output's, unless it slides over that."""
        plan = self.network.plans[index]
        slides = plan is not None and plan.windows
        return self._extent(self.reads(index)[0] if slides else index, axis)

    def _all(self, index: int, axis: int, field: Field) -> bool:
        """Whether a layer's single position, shown to all outputs, sees the whole input."""
        extent = self.extents[axis]
        if self._sees_all(index, axis, field):
            return True
        if self._occurs(index, axis, field):
            return field.size == extent
        spans = self.spans(index, axis)
        return spans is not None and spans.exact and spans.size == extent

    def _sees_all(self, index: int, axis: int, field: Field) -> bool:
        """Whether outputs see the whole input by a gate, and not the padding alone."""
        low, high = self.inside(index, axis) if field.whole else (0, -1)
        return low <= high

    def counted(self, index: int, fields: Fields) -> Fields:
        """The fields whose sizes are what an output of the layer really sees."""
        first = self._counted(index, 0, fields[0])
        rest = enumerate(fields[1:], 1)
        return (
            first,
            *(
                first
                if field is fields[0] and (self._square or not field.counted)
                else self._counted(index, axis, field)
                for axis, field in rest
            ),
        )

    def _counted(self, index: int, axis: int, field: Field) -> Field:
        extent = self.extents[axis]
        size, exact = max(field.size, field.whole), field.exact
        if not field.counted:
            return Field(size, field.jump, field.start)
        if self._sees_all(index, axis, field):
            size, exact = extent, True
        elif not self._occurs(index, axis, field):
            spans = self.spans(index, axis)
            loose = self._wraps or index in self._loose
            size = spans.size if spans else extent if loose else min(size, extent)
            exact = spans is not None and spans.exact
        return field._replace(size=size, whole=0, exact=exact)

    def _occurs(self, index: int, axis: int, field: Field) -> bool:
        """Whether an output sees `size` values by way of values on the maps alone."""
        if not field.exact or field.size > self.extents[axis] or self._wraps:
            return False
        low, high = self.inside(index, axis)
        outputs = range(low, min(high, low + max(len(field.phases), 1) - 1) + 1)
        seen = (field.sees(output) for output in outputs)
        return any(span and span[1] - span[0] == field.size for span in seen)

    # What formulas leave open is worked out for the layers in question and those before them.

    @cached_property
    def _square(self) -> bool:
        """Whether all axes are alike."""
        return len(set(self.extents)) == 1 and all(
            plan is None
            or plan.positions.__class__ is str
            or (not isinstance(plan.positions, Joined) and len(set(plan.seen(0))) == 1)
            for plan in self.network.plans
        )

    def spans(self, index: int, axis: int) -> "Spans | None":
        """What every output of a layer sees; None where that is unknown or takes too long."""
        return self._worked_out(self._spans, index, axis, self._count)

    def inside(self, index: int, axis: int) -> tuple[int, int]:
        """The first and the last output that are computed without any border."""
        return self._worked_out(self._insides, index, axis, self._inside)

    def _worked_out(
        self,
        known: dict[tuple[int, int], Known],
        index: int,
        axis: int,
        work_out: Callable[[int, int], Known],
    ) -> Known:
        axis = 0 if self._square else axis
        needed, waiting = set[int](), [index]
        while waiting:
            read = waiting.pop()
            if read not in needed and (read, axis) not in known:
                needed.add(read)
                waiting.extend(self.reads(read))
        for read in sorted(needed):
            known[read, axis] = work_out(read, axis)
        return known[index, axis]

    def _inside(self, index: int, axis: int) -> tuple[int, int]:
        plan, inputs = self.network.plans[index], self.reads(index)
        if plan is None or index in self.lost:
            return 0, -1
        if not inputs:
            return 0, self.extents[axis] - 1
        if isinstance(plan.positions, Joined) and axis == plan.positions.axis:
            return self._longest_inside(plan.positions, index)
        many = self._merges(index) and self._merged_extent(index, axis) > 1
        placed = [
            self._insides[read, axis]
            for read in inputs
            if not many or self._positions(read, axis) > 1
        ]
        if not placed:  # a gate over a map that sees nothing of the input
            placed = [(0, self._merged_extent(index, axis) - 1)]
        low = max(low for low, _ in placed)
        high = min(high for _, high in placed)
        if windows := plan.seen(0):
            low, high = inside(windows[axis], low, high)
        return max(low, 0), min(high, plan.output.spatial[axis] - 1)

    def _longest_inside(self, joined: Joined, index: int) -> tuple[int, int]:
        """The longest stretch of neighbours without a border, of inputs one behind the other."""
        longest, low, high = (0, -1), 0, -1
        for read, window in self._pieces(joined, index):
            first, last = self._insides[read, joined.axis]
            first, last = first + window.before, last + window.before
            if first > last:
                continue
            low, high = (low, last) if first == high + 1 and low <= high else (first, last)
            longest = max(longest, (low, high), key=lambda one: one[1] - one[0])
        return longest

    def _count(self, index: int, axis: int) -> "Spans | None":
        from convcalc.spans import Spans, every  # most networks need no counting

        plan, inputs = self.network.plans[index], self.reads(index)
        if plan is not None and not inputs:
            return every(self.extents[axis]) if self._afford(self.extents[axis]) else None
        read = [self._spans[before, axis] for before in inputs]
        before = [spans for spans in read if spans is not None]
        if plan is None or len(before) < len(read):
            return None
        spans = before[0]
        if isinstance(plan.positions, Joined) and index not in self.lost:
            afforded = self._afford(plan.output.spatial[axis] * len(inputs))
            return self._spans_joined(plan, index, before, axis) if afforded else None
        if self._merges(index):
            afforded = self._afford(len(inputs) * max(len(spans.first) for spans in before))
            if not afforded:
                return None
            if plan.positions == "lost":
                before = [spans.collapsed() for spans in before]
            spans = reduce(Spans.beside, before)
            merged = 1 if index in self.lost else self._merged_extent(index, axis)
            if len(spans.first) == 1 < merged:
                # A single position that is spread over a map which sees nothing of the input.
                spans = spans.at([0] * merged)
            if not plan.windows or index in self.lost:
                return spans
            outputs = plan.output.spatial[axis]
            return spans.through(plan.windows[axis], outputs) if self._afford(outputs) else None
        if index in self.lost:
            spans = spans if inputs[0] in self.lost else spans.collapsed()
            mixes = plan.output.rank == 0 and plan.macs > 0  # every feature from every feature
            return spans._replace(exact=True) if mixes else spans
        windows = plan.seen(0)
        if not windows:
            return spans
        window, outputs = windows[axis], plan.output.spatial[axis]
        size = len(spans.first)
        border, mode = max(window.before, 0) + max(window.after, 0), self._border(index)
        taps = 1 if spans.ordered else min(window.kernel, size)
        if not self._afford(border + outputs * taps):
            return None
        if border and mode != "zero":
            from convcalc.layers.arrays import source  # few networks need it

            places = range(-window.before, size + window.after)
            spans = spans.at([source(place, size, mode) for place in places])
            window = window._replace(before=0, after=0)
        return spans.through(window, outputs)

    def _spans_joined(
        self, plan: Plan, index: int, before: Sequence["Spans"], axis: int
    ) -> "Spans":
        """What outputs see that are each one of several inputs', one behind the other."""
        from convcalc.spans import joined, nothing

        positions, seen = plan.positions, dict(zip(self.reads(index), before, strict=True))
        if isinstance(positions, Joined) and axis == positions.axis:
            reads = self.network.nodes[index].inputs
            parts = [seen[read] if read in seen else nothing() for read in reads]
            return joined(parts, [self._extent(read, axis) for read in reads])
        spans = reduce(type(before[0]).beside, before)
        # Along another axis each output sees what one of them does, and not what all do.
        return spans._replace(exact=spans.exact and all(one[:2] == spans[:2] for one in before))

    def _merges(self, index: int) -> bool:
        """Whether a layer reads several tensors, of this input or not."""
        return len(self.network.nodes[index].inputs) > 1

    def _border(self, index: int) -> str:
        """What the padding of a layer holds."""
        return getattr(self.network.nodes[index].layer, "padding_mode", "zero")

    @cached_property
    def _wraps(self) -> bool:
        """Whether a border shows the other end, which no formula knows of."""
        return any(self._border(index) == "circular" for index in range(len(self.network.nodes)))

    def _afford(self, outputs: int) -> bool:
        self._left -= outputs
        return self._left >= 0
