"""A network as a few stages in a row, each with one shape: what volumes are drawn of.

The longest way from an input to the deepest output is the trunk. Where other ways part from it and
meet it again, all between the two is one stage, unless the map gets smaller in between and larger
again, or several such places lie there: then it is a skip. Layers that keep a shape belong to what
made it, and equal neighbours are one stage, so many times.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import prod
from typing import NamedTuple

from convcalc.graph import Group, Network
from convcalc.layers import CATALOGUE, GIVEN, READING_NOTHING, SOURCES, UNPOOL
from convcalc.numbers import plural
from convcalc.pictures.shades import family_of
from convcalc.shape import Shape

ENOUGH = 20
"""Most stages that are shown unless a depth is asked for."""
MANY_SKIPS = 8
"""More skips than these that stay at one size belong to what they skip."""
MANY_LINES = 3
"""Most lines that say what makes a stage."""
KEEPERS = frozenset({"norm", "activation", "softmax", "identity"})
"""Families whose layers belong to what made their shape."""
ARRANGERS = frozenset({"view", "resize", "channels"})
"""Families whose layers do nothing worth a stage where they leave the shape as it is."""
OPEN = 1_000
"""A depth at which every group is open."""
Interval = tuple[int, int]
"""Places of the trunk from which and to which something goes beside it."""


class Stage(NamedTuple):
    """Layers that end in one shape."""

    text: tuple[str, ...]
    """What makes the shape, line by line: a layer, or a block's name and what is in it."""
    role: str
    """The family of what makes it, which is a role; `fault` where an error keeps it unknown."""
    nodes: frozenset[int]
    """Indices of its layers, those beside the trunk among them."""
    end: int
    """Index of the layer whose output it is."""
    shape: Shape | None
    """What comes out of it; None where an error keeps that unknown."""
    times: int = 1
    """How many equal ones it stands for."""
    kernel: tuple[int, ...] = ()
    """Extents of the window that slides over what comes in, of a single layer that has one."""
    parts: tuple[int, ...] = ()
    """Channels of what it puts one behind the other."""

    @property
    def area(self) -> int:
        """Positions of its map: 1 of a vector, 0 where it is unknown."""
        return 0 if self.shape is None else prod(self.shape.spatial)


class Skip(NamedTuple):
    """A tensor that is read again behind stages that do not make it."""

    source: int
    """The stage that it leaves, counted from 0."""
    target: int
    """The stage that reads it."""
    text: str = ""
    """What is done to it on its way."""
    dashed: bool = False
    """Whether only places go along it, as those of maxima to what undoes a pool."""
    nodes: frozenset[int] = frozenset()
    """Indices of the layers on it."""


class Head(NamedTuple):
    """An output that leaves the row."""

    source: int
    """The stage that it leaves."""
    name: str
    """What the network calls it."""
    shape: Shape | None
    """Its shape; None where an error keeps it unknown."""
    nodes: frozenset[int]
    """Indices of the layers that lead to it."""


class Row(NamedTuple):
    """Stages one behind the other."""

    stages: tuple[Stage, ...]
    """The first is an input."""
    skips: tuple[Skip, ...] = ()
    """What goes beside them, each once."""
    heads: tuple[Head, ...] = ()
    """Outputs where there are several."""
    reader: int | None = None
    """The row that reads the last stage of this, counted from 0; None where none does."""
    joins: tuple[int, ...] = ()
    """The stages of that row that do."""
    whole: bool = True
    """Whether all that goes between it and its reader goes from its last stage."""


class _Beside(NamedTuple):
    """Layers beside the trunk that hang together, or nothing but a tensor that is read again."""

    nodes: tuple[int, ...]
    """Their indices, in order."""
    starts: tuple[int, ...]
    """Places of the trunk that they read, in order."""
    ends: tuple[int, ...]
    """Places of the trunk that read them, in order."""
    dashed: bool = False
    """Whether no values go along it."""


class _Unit(NamedTuple):
    """Places of the trunk that are not to be told apart."""

    start: int
    """The first place, counted from 0."""
    stop: int
    """The place behind the last."""
    group: Group | None = None
    """The group that they are; None where they are none."""


def rows(network: Network, depth: int | None = None) -> tuple[Row, ...]:
    """The rows of a network, that of its deepest output first.

    Groups that are nested `depth` deep, from 1 on, are one stage, all of one size at 0. Without one
    it is the largest at which there are no more than `ENOUGH` stages.
    """
    shapes = [network.shape_of(index) for index in range(len(network.nodes))]
    made: list[Row] = []
    waiting = [_Wanted(range(len(network.nodes)))]
    while waiting:
        wanted = waiting.pop()
        trunk = _Trunk(network, shapes, wanted.nodes, wanted.end)
        row, homes = trunk.row(depth)
        last = len(row.stages) - 1
        ends = {
            stage
            for read, stage in wanted.reads
            if read in trunk.places and homes[trunk.places[read]] == last
        }
        whole = not wanted.others and all(
            read in trunk.places and homes[trunk.places[read]] == last for read, _ in wanted.reads
        )
        made.append(
            row._replace(reader=wanted.reader, joins=tuple(sorted(ends)), whole=row.whole and whole)
        )
        for beside in trunk.entering:
            own = set(beside.nodes)
            reads = tuple(
                (read, homes[end])
                for end in beside.ends
                for read in network.nodes[trunk.nodes[end]].inputs
                if read in own
            )
            last_read = max(read for read, _ in reads)
            waiting.append(
                _Wanted(beside.nodes, last_read, len(made) - 1, reads, bool(beside.starts))
            )
        waiting[:0] = [_Wanted(each.nodes) for each in trunk.detached]
    return _ordered(made)


def _ordered(made: Sequence[Row]) -> tuple[Row, ...]:
    """Rows below what reads them, what joins it first next to it: none is in another's way."""
    read_by: dict[int | None, list[int]] = defaultdict(list)
    for number, row in enumerate(made):
        read_by[row.reader].append(number)
    order: list[int] = []
    waiting = read_by[None][::-1]
    while waiting:
        number = waiting.pop()
        order.append(number)
        waiting += sorted(read_by[number], key=lambda each: made[each].joins, reverse=True)
    places = {number: place for place, number in enumerate(order)}
    return tuple(
        row if row.reader is None else row._replace(reader=places[row.reader])
        for row in (made[number] for number in order)
    )


class _Wanted(NamedTuple):
    """A row that is to be made."""

    nodes: Iterable[int]
    """Indices of the layers that it is among."""
    end: int | None = None
    """The layer that it ends in; the deepest where that is not asked for."""
    reader: int | None = None
    """The row that reads it, counted from 0."""
    reads: tuple[tuple[int, int], ...] = ()
    """Layers of it that this reads, with the stages that do."""
    others: bool = False
    """Whether it reads something of its reader."""


class _Trunk:
    """The longest way through some layers, and what is beside it."""

    def __init__(
        self,
        network: Network,
        shapes: Sequence[Shape | None],
        among: Iterable[int],
        end: int | None,
    ) -> None:
        self.network, self.shapes = network, shapes
        self.nodes = _longest(network, among, end)
        self.places = {node: place for place, node in enumerate(self.nodes)}
        self.areas = [
            1 if (shape := shapes[node]) is None else prod(shape.spatial) for node in self.nodes
        ]
        self._nest()
        besides = self._besides(among)
        inputs = set(network.inputs)
        self.entering = [each for each in besides if each.ends and inputs.intersection(each.nodes)]
        """What brings another input to the trunk."""
        self.leaving = [each for each in besides if each.starts and not each.ends]
        """What leads away from it."""
        others = [each for each in besides if not inputs.intersection(each.nodes)]
        self.passing = [each for each in others if each.starts and each.ends]
        """What passes by a part of it."""
        self.feeding = [each for each in others if each.ends and not each.starts]
        """What only brings something to it."""
        self.detached = [each for each in besides if not each.starts and not each.ends]
        """What nothing leads to or from, as where an error keeps that unknown."""

    def _besides(self, among: Iterable[int]) -> list[_Beside]:
        """What is beside the trunk."""
        nodes, places = self.network.nodes, self.places
        leader: dict[int, int] = {node: node for node in among if node not in places}

        def led(node: int) -> int:
            while leader[node] != node:
                leader[node] = leader[leader[node]]
                node = leader[node]
            return node

        for node in list(leader):
            for read in nodes[node].inputs:
                if read in leader:
                    leader[led(read)] = led(node)
        members: dict[int, list[int]] = defaultdict(list)
        for node in leader:
            members[led(node)].append(node)
        ends: dict[int, set[int]] = defaultdict(set)
        besides: list[_Beside] = []
        for place, node in enumerate(self.nodes):
            reads = nodes[node].inputs
            for read in reads:
                if read in leader:
                    ends[led(read)].add(place)
            passed = {places[read] for read in reads if read in places} - {place - 1}
            # What undoes a pool reads what that read, for its extents and the places of maxima.
            dashed = nodes[node].kind == UNPOOL
            besides += [_Beside((), (start,), (place,), dashed) for start in sorted(passed)]
        for head, own in members.items():
            starts = {places[read] for node in own for read in nodes[node].inputs if read in places}
            besides.append(
                _Beside(tuple(sorted(own)), tuple(sorted(starts)), tuple(sorted(ends[head])))
            )
        return besides

    def row(self, depth: int | None) -> tuple[Row, list[int]]:
        """Its stages with what is beside them, and the stage of each place of the trunk."""
        joined, skips = self._sorted()
        if depth is not None:
            units = self._units(joined, depth)
            stages, homes = self._stages(units, joined, by_size=depth <= 0)
        else:
            stages, homes = self._stages(self._units(joined, OPEN), joined, by_size=False)
            if len(stages) > ENOUGH:
                stages, homes = self._deepest(joined)
        drawn, between = self._skips(skips, homes)
        heads = self._heads(homes)
        # What leads nowhere, as behind an error, belongs to what it leaves.
        ends = {node for head in heads for node in head.nodes}
        for each in self.leaving:
            if each.starts and ends.isdisjoint(each.nodes):
                between[homes[each.starts[-1]]].update(each.nodes)
        for home, nodes in between.items():
            stages[home] = stages[home]._replace(nodes=stages[home].nodes | nodes)
        return Row(tuple(stages), drawn, heads), homes

    def _deepest(self, joined: list[tuple[Interval, _Beside]]) -> tuple[list[Stage], list[int]]:
        """The stages at the largest depth at which there are no more than `ENOUGH`, else at 0."""
        best = self._stages(self._units(joined, 0), joined, by_size=True)
        least, most = 1, len(self.levels)
        while least <= most:
            depth = (least + most) // 2
            made = self._stages(self._units(joined, depth), joined, by_size=False)
            if len(made[0]) <= ENOUGH:
                best, least = made, depth + 1
            else:
                most = depth - 1
        return best

    def _sorted(self) -> tuple[list[tuple[Interval, _Beside]], list[_Beside]]:
        """What is beside the trunk: what is one with a part of it, and what skips a part."""
        blocks: dict[str, list[range]] = defaultdict(list)
        for group in self.network.groups:
            if group.block:
                blocks[group.block].append(group.layers)
        repeated = sorted(
            (each.start, each.stop) for calls in blocks.values() if len(calls) > 1 for each in calls
        )
        starts = [start for start, _ in repeated]
        reach = list(accumulate((stop for _, stop in repeated), max))
        smallest = _Smallest(self.areas)
        joined: list[tuple[Interval, _Beside]] = []
        deep: list[_Beside] = []
        for beside in self.passing:
            start, end = min(beside.starts), max(beside.ends)
            least = min(self.areas[start], self.areas[end])
            inside = smallest.above_one(start + 1, end)
            # A block that is called again and again is one thing, whatever is in it.
            called = bisect_right(starts, self.nodes[min(start + 1, end)])
            within = bool(called) and reach[called - 1] > self.nodes[end]
            if start < end and (beside.dashed or (1 < inside < least)) and not within:
                deep.append(beside)
            else:
                # What reads a place and is read in front of it belongs to both.
                first = start if start < end else max(end - 1, 0)
                joined.append(((first, max(start, end)), beside))
        innermost = _innermost([interval for interval, _ in joined])
        level = [
            (interval, beside)
            for interval, beside in joined
            if _count_within(innermost, interval) > 1
        ]
        if len(level) <= MANY_SKIPS:
            far = {id(beside) for _, beside in level}
            joined = [(interval, beside) for interval, beside in joined if id(beside) not in far]
            deep += [beside for _, beside in level]
        return joined, deep

    def _nest(self) -> None:
        """Groups by how deep they are nested, what each is in, and the innermost of each layer."""
        self.levels: list[list[Group]] = []
        self.parents: dict[int, Group | None] = {}
        self.numbers: dict[int, int] = {}
        self.calls: Counter[str] = Counter()
        self.innermost: list[Group | None] = [None] * len(self.network.nodes)
        open_: list[Group] = []
        for number, group in enumerate(self.network.groups):
            while open_ and group.layers.start >= open_[-1].layers.stop:
                open_.pop()
            self.parents[id(group)] = open_[-1] if open_ else None
            self.numbers[id(group)] = number
            self.calls[group.block] += bool(group.block)
            self.innermost[group.layers.start : group.layers.stop] = [group] * len(group.layers)
            open_.append(group)
            if len(self.levels) < len(open_):
                self.levels.append([])
            self.levels[len(open_) - 1].append(group)

    def _units(self, joined: list[tuple[Interval, _Beside]], depth: int) -> list[_Unit]:
        """The trunk in units: what ways part and meet in, groups nested `depth` deep, layers."""
        intervals = _united([(start + 1, end + 1) for (start, end), _ in joined if start < end])
        levels = self.levels
        grouped: list[tuple[int, int, Group]] = []
        if 0 < depth <= len(levels):
            for group in levels[depth - 1]:
                start = bisect_left(self.nodes, group.layers.start)
                stop = bisect_left(self.nodes, group.layers.stop)
                if stop - start > 1:
                    grouped.append((start, stop, group))
        intervals = _united([*intervals, *((start, stop) for start, stop, _ in grouped)])
        named = {(start, stop): group for start, stop, group in grouped}
        units: list[_Unit] = []
        place = 0
        for start, stop in intervals:
            units += [_Unit(each, each + 1) for each in range(place, start)]
            units.append(_Unit(start, stop, named.get((start, stop))))
            place = stop
        units += [_Unit(each, each + 1) for each in range(place, len(self.nodes))]
        return units

    def _stages(
        self, units: list[_Unit], joined: list[tuple[Interval, _Beside]], *, by_size: bool
    ) -> tuple[list[Stage], list[int]]:
        """The stages of units, and the stage of each place of the trunk."""
        beside: dict[int, set[int]] = defaultdict(set)
        for (_, end), each in joined:
            beside[end].update(each.nodes)
        for each in self.feeding:
            beside[each.ends[0]].update(each.nodes)
        stages: list[Stage] = []
        homes: list[int] = []
        # Grown beside the stages: each is made once, however many units come to it.
        held: list[set[int]] = []
        lines: list[list[tuple[str, int]]] = []
        for unit in units:
            stage, keeps = self._stage(unit, beside)
            last = stages[-1] if stages else None
            if last is not None and last.text == ("flatten",) and _reads_vector(stage):
                stages[-1] = stage._replace(text=(f"flatten {_values(last)}", *stage.text))
                lines[-1] = []
            elif last is not None and (keeps or not lines[-1]) and _same(last, stage, keeps=keeps):
                again = not keeps and stage.shape is not None
                role = stage.role if again and last.role != "merge" else last.role
                stages[-1] = last._replace(role=role, end=stage.end, times=last.times + again)
            elif by_size and last is not None and last.role != "source" and _alike(last, stage):
                said = lines[-1] or [(" ".join(last.text), last.times)]
                text = " ".join(stage.text)
                if said[-1][0] == text:
                    said[-1] = text, said[-1][1] + 1
                else:
                    said.append((text, 1))
                stages[-1] = stage._replace(kernel=(), parts=())
                lines[-1] = said
            else:
                stages.append(stage)
                held.append(set())
                lines.append([])
            held[-1].update(stage.nodes)
            homes += [len(stages) - 1] * (unit.stop - unit.start)
        for number, (stage, nodes, said) in enumerate(zip(stages, held, lines, strict=True)):
            stages[number] = stage._replace(nodes=frozenset(nodes))
            if said:
                counted = tuple(line + f" ×{count}" * (count > 1) for line, count in said)
                if len(said) > MANY_LINES:
                    counted = (plural(len(nodes), "layer"),)
                stages[number] = stages[number]._replace(text=counted)
        return stages, homes

    def _stage(self, unit: _Unit, beside: Mapping[int, set[int]]) -> tuple[Stage, bool]:
        """A unit as a stage, and whether it belongs to what comes before it."""
        places = range(unit.start, unit.stop)
        own = [self.nodes[place] for place in places]
        more = set().union(*(beside.get(place, ()) for place in places))
        nodes, end = frozenset(own) | more, own[-1]
        shape = self.shapes[end]
        before = self.shapes[self.nodes[unit.start - 1]] if unit.start else None
        if shape is None:
            return Stage(self._unknown(own), "fault", nodes, end, None), False
        if unit.group is None and not more:
            weighty = [node for node in own if self._family(node) not in KEEPERS]
            if len(own) == 1:
                return self._single(end, nodes, end), self._keeps(end, before)
        else:
            weighty = [node for node in nodes if self._family(node) not in KEEPERS]
        if len(weighty) == 1 and weighty[0] in self.places:
            stage = self._single(weighty[0], nodes, end)
            return stage._replace(shape=shape), False
        if not weighty and shape == before:
            return self._single(end, nodes, end), True
        return self._block(unit, nodes, end, own), False

    def _single(self, node: int, nodes: frozenset[int], end: int) -> Stage:
        """What one layer makes."""
        kernel, _ = _window(self.network, node)
        kind = self.network.nodes[node].kind
        # What is transposed slides over what comes out.
        slides = kernel if max(kernel, default=1) > 1 and kind != "conv_transpose" else ()
        parts: tuple[int, ...] = ()
        if kind == "concat":
            parts = self._parts(node)
        return Stage(
            layer_text(self.network, node), self._family(node), nodes, end, self.shapes[end],
            kernel=slides, parts=parts,
        )  # fmt: skip

    def _block(self, unit: _Unit, nodes: frozenset[int], end: int, own: list[int]) -> Stage:
        """What several layers make."""
        alike = self._alike(own) if len(own) == len(nodes) else None
        if alike is not None:
            return alike._replace(nodes=nodes, end=end, shape=self.shapes[end])
        group = unit.group or self._group_of(nodes)
        merges = [node for node in own if self._family(node) == "merge"]
        last = merges[-1] if merges else None
        joined = 0 if last is None else len(self.network.nodes[last].inputs)
        parts = self._parts(last) if last == end and last is not None else ()
        inside = "" if group is None else self._inside(group)
        if joined > 2 and parts:
            inside = f"concat of {joined}"
        elif group is None and last is not None:
            inside = self._blocks(nodes) or self._merged(last)
        elif group is None:
            inside = plural(len(nodes), "layer")
        named = () if group is None else (self._called(group),)
        families = [self._family(node) for node in own]
        weighty = [family for family in families if family not in KEEPERS] or families
        role = next((each for each in ("merge", "dense") if each in weighty), weighty[0])
        text = (*named, inside) if inside else named
        return Stage(text, role, nodes, end, self.shapes[end], parts=parts)

    def _alike(self, own: list[int]) -> Stage | None:
        """Layers that are the same but for what keeps shapes, as one; None where some differ."""
        weighty = [node for node in own if self._family(node) not in KEEPERS]
        texts = [layer_text(self.network, node) for node in weighty]
        if not texts or any(text != texts[0] for text in texts):
            return None
        stage = self._single(weighty[0], frozenset(own), own[-1])
        *first, last = stage.text
        return stage._replace(text=(*first, f"{last} ×{len(texts)}"))

    def _merged(self, node: int) -> str:
        """What is merged, of what has no name: something learned, or so many branches."""
        network, reads = self.network, self.network.nodes[node].inputs
        kind = network.nodes[node].kind.replace("_", " ")
        learned = [read for read in reads if network.nodes[read].kind in READING_NOTHING]
        if len(learned) == 1:
            return f"{kind} {network.nodes[learned[0]].name.rpartition('.')[2]}"
        return f"{kind} of {len(reads)}"

    def _inside(self, group: Group) -> str:
        """The block that most of a group is calls of, with how often; else nothing."""
        calls: dict[str, list[Group]] = defaultdict(list)
        stop = -1
        for each in self._groups_in(group):
            if each.layers.start >= stop:
                calls[each.block].append(each)
                stop = each.layers.stop
        for block, called in calls.items():
            most = sum(len(each.layers) for each in called) * 2 > len(group.layers)
            branched = any(self._family(node) == "merge" for node in called[0].layers)
            if block and len(called) > 2 - branched and most and block != group.block:
                return f"{block} ×{len(called)}"
        return ""

    def _groups_in(self, group: Group) -> Iterator[Group]:
        """The groups inside one, outer before inner."""
        for each in self.network.groups[self.numbers[id(group)] + 1 :]:
            if each.layers.start >= group.layers.stop:
                break
            yield each

    def _group_of(self, nodes: frozenset[int]) -> Group | None:
        """The group that is mostly these layers, or that most of these layers are."""
        first, last = min(nodes), max(nodes)
        group = self.innermost[first]
        inside = None
        while group is not None and group.layers.stop <= last:
            inside, group = group, self.parents[id(group)]
        outer = 0 if group is None else len(nodes) / len(group.layers)
        inner = 0 if inside is None else len(inside.layers) / len(nodes)
        if max(outer, inner) <= 0.5:
            return None
        return group if outer >= inner else inside

    def _blocks(self, nodes: frozenset[int]) -> str:
        """The block that most of these layers are calls of, with how often; else nothing."""
        first, last = min(nodes), max(nodes)
        calls: dict[str, list[Group]] = defaultdict(list)
        stop = -1
        for node in sorted(nodes):
            group, whole = self.innermost[node], None
            while (
                group is not None and group.layers.start >= first and group.layers.stop <= last + 1
            ):
                whole, group = group, self.parents[id(group)]
            if whole is not None and whole.layers.start >= stop:
                calls[whole.block].append(whole)
                stop = whole.layers.stop
        for block, called in calls.items():
            if block and sum(len(each.layers) for each in called) * 2 > len(nodes):
                return block + (f" ×{len(called)}" if len(called) > 1 else "")
        return ""

    def _called(self, group: Group) -> str:
        """What a group is called: the block that is called most often of those that are it."""
        best, outer = group, self.parents[id(group)]
        while outer is not None and outer.layers == group.layers:
            if self.calls[outer.block] >= self.calls[best.block]:
                best = outer
            outer = self.parents[id(outer)]
        return best.block or best.name.rpartition(".")[2]

    def _keeps(self, node: int, before: Shape | None) -> bool:
        """Whether a layer leaves the shape as it is, or only drops extents of 1, by no weights."""
        shape, family = self.shapes[node], self._family(node)
        if shape is None or before is None or len(self.network.nodes[node].inputs) != 1:
            return False
        if family == "view" and prod(before.spatial) == 1:
            return shape.size == before.size == shape.channels
        return shape == before and (family in KEEPERS or family in ARRANGERS)

    def _parts(self, node: int) -> tuple[int, ...]:
        """Channels of what a layer puts one behind the other; none where it does not."""
        shape = self.shapes[node]
        shapes = [self.shapes[read] for read in self.network.nodes[node].inputs]
        channels = tuple(each.channels for each in shapes if each is not None)
        return channels if shape is not None and sum(channels) == shape.channels else ()

    def _unknown(self, own: list[int]) -> tuple[str, ...]:
        """What is said of layers whose shape is unknown: the first, and what comes in."""
        first = next(node for node in own if self.shapes[node] is None)
        node = self.network.nodes[first]
        given = [str(self.shapes[read] or "?") for read in node.inputs] + ["?"] * len(node.unknown)
        codes = sorted({each.code for each in self.network.errors if each.layer == node.name})
        return (*layer_text(self.network, first), *map("reads {}".format, given), *codes)

    def _family(self, node: int) -> str:
        kind = self.network.nodes[node].kind
        return family_of(kind)

    def _skips(
        self, skips: list[_Beside], homes: list[int]
    ) -> tuple[tuple[Skip, ...], dict[int, set[int]]]:
        """What skips stages, each pair of stages once, and the layers that no stage is between."""
        made: dict[Interval, Skip] = {}
        between: dict[int, set[int]] = defaultdict(set)
        for beside in skips:
            text = self._text(beside.nodes)
            pairs = set()
            for start in beside.starts:
                end = next((end for end in beside.ends if end > start), start)
                if homes[start] + 1 < homes[end]:
                    pairs.add((homes[start], homes[end]))
            if not pairs:
                between[homes[beside.ends[0]]].update(beside.nodes)
            for pair in pairs:
                skip = Skip(*pair, text, beside.dashed, frozenset(beside.nodes))
                other = made.get(pair, skip)
                made[pair] = skip._replace(
                    text=text if other.text == text else "",
                    dashed=skip.dashed and other.dashed,
                    nodes=skip.nodes | other.nodes,
                )
        return tuple(made[pair] for pair in sorted(made)), between

    def _text(self, nodes: tuple[int, ...]) -> str:
        """What layers do on the way of a skip; nothing where none does anything to its shape."""
        weighty = [node for node in nodes if self._family(node) not in KEEPERS]
        if len(weighty) == 1:
            return " ".join(layer_text(self.network, weighty[0]))
        return plural(len(weighty), "layer") if weighty else ""

    def _heads(self, homes: list[int]) -> tuple[Head, ...]:
        """Outputs that are not the last of the trunk."""
        network = self.network
        outputs = {index: name for name, index in network.named_outputs.items()}
        heads = [
            Head(homes[place], outputs[node], self.shapes[node], frozenset())
            for place, node in enumerate(self.nodes)
            if node in outputs and len(outputs) > 1
        ]
        for beside in (*self.leaving, *self.passing):
            if beside.starts:
                # It leaves what it reads last, as a head of a pyramid does its own level.
                source = homes[beside.starts[-1]]
                heads += [
                    Head(source, outputs[node], self.shapes[node], frozenset(beside.nodes))
                    for node in beside.nodes
                    if node in outputs
                ]
        return tuple(sorted(heads, key=lambda head: head.source))


def _longest(network: Network, among: Iterable[int], end: int | None) -> list[int]:
    """The longest way through some layers, from an input if it can, to `end` or the deepest."""
    inputs = set(network.inputs)
    far: dict[int, tuple[int, int]] = {}
    before: dict[int, int | None] = {}
    for node in among:
        reads = [read for read in network.nodes[node].inputs if read in far]
        best = max(reads, key=lambda read: (far[read], -read), default=None)
        before[node] = best
        real, long = (int(node in inputs), 0) if best is None else far[best]
        far[node] = real, long + 1
    if end is None:
        outputs = [node for node in network.outputs if node in far]
        end = max(outputs or far, key=lambda node: (far[node], -node))
    way = [end]
    while (read := before[way[-1]]) is not None:
        way.append(read)
    return way[::-1]


class _Smallest:
    """The smallest of neighbours that is above 1, for many stretches of one list."""

    def __init__(self, values: Sequence[int]) -> None:
        none = 2**63
        self.levels = [[value if value > 1 else none for value in values]]
        while (step := 2 ** (len(self.levels) - 1)) * 2 <= len(values):
            last = self.levels[-1]
            self.levels.append([min(last[at], last[at + step]) for at in range(len(last) - step)])

    def above_one(self, start: int, stop: int) -> int:
        """The smallest from `start` to before `stop`; 1 where there is none."""
        if stop <= start:
            return 1
        level = (stop - start).bit_length() - 1
        least = min(self.levels[level][start], self.levels[level][stop - 2**level])
        return least if least < 2**63 else 1


def _united(intervals: list[Interval]) -> list[Interval]:
    """Stretches with those that overlap as one, in order."""
    united: list[Interval] = []
    for start, stop in sorted(intervals):
        if united and start < united[-1][1]:
            united[-1] = united[-1][0], max(stop, united[-1][1])
        else:
            united.append((start, stop))
    return united


def _innermost(intervals: list[Interval]) -> list[Interval]:
    """Stretches with no other inside that do not overlap, as many as there are, in order."""
    chosen: list[Interval] = []
    for start, end in sorted(set(intervals), key=lambda each: (each[1], -each[0])):
        if not chosen or start >= chosen[-1][1]:
            chosen.append((start, end))
    return chosen


def _count_within(chosen: list[Interval], interval: Interval) -> int:
    """How many of these lie in a stretch."""
    first = bisect_left(chosen, (interval[0], -1))
    last = bisect_right([end for _, end in chosen], interval[1])
    return max(last - first, 0)


def _same(last: Stage, stage: Stage, *, keeps: bool) -> bool:
    """Whether a stage goes on with the one before it."""
    if last.role == "fault":
        return stage.role == "fault"
    if keeps:
        return True
    if last.shape != stage.shape:
        return False
    # The first of them may say what it flattens.
    return last.text[-len(stage.text) :] == stage.text


def _values(stage: Stage) -> str:
    """How many values come out of a stage; `?` where that is unknown."""
    return "?" if stage.shape is None else str(stage.shape.size)


def _reads_vector(stage: Stage) -> bool:
    """Whether a stage is one linear layer that makes a vector."""
    return stage.text == ("linear",) and stage.shape is not None and not stage.shape.spatial


def _alike(last: Stage, stage: Stage) -> bool:
    """Whether two maps have the same extents."""
    return (
        last.shape is not None
        and stage.shape is not None
        and last.shape.spatial == stage.shape.spatial
    )


def layer_text(network: Network, index: int) -> tuple[str, ...]:
    """What a layer is, in a line or two: its kind, its window and its stride."""
    node = network.nodes[index]
    if node.kind in SOURCES:
        return (node.name,) if node.kind in READING_NOTHING or node.name != "input" else ("input",)
    kind = node.kind.replace("_", " ")
    kernel, stride = _window(network, index)
    if not kernel:
        return (kind,)
    return kind, ("kernel " if len(kernel) == 1 else "") + "×".join(map(str, kernel)) + stride


def _window(network: Network, index: int) -> tuple[tuple[int, ...], str]:
    """Extents of the window that slides, and its step as `/2`, or `↑2` where the map gets larger.

    Nothing of a layer that has none.
    """
    node, plan = network.nodes[index], network.plans[index]
    if plan is None:
        return (), ""
    row = GIVEN.get(node.kind) or CATALOGUE[node.kind]
    larger = node.kind == "conv_transpose"
    if not ("slides" in row.facts or larger):
        return (), ""
    kernel = tuple(window.kernel for window in plan.windows)
    steps = tuple(window.up if larger else window.stride for window in plan.windows)
    same = str(steps[0]) if len(set(steps)) == 1 else "×".join(map(str, steps))
    return kernel, f" {'↑' if larger else '/'}{same}" if max(steps, default=1) > 1 else ""
