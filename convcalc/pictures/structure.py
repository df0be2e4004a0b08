"""What stands in what: a flat network as chains, branches side by side, frames and repeats.

A spec is nested, so its flat order says most: what reads the last layer goes on below it, what
reads an earlier one starts a branch, and what reads the ends of several branches merges them. What
fits none of this, as a skip does, is an arc along the chain that both of its ends stand in; so
there is a structure of every network, and of each the same.

    >>> flow = Flow([(), (0,), (1,), (1,), (2, 3)], "iabcm")
    >>> structure(flow).elements
    (Card(rows=(0,)), Card(rows=(1,)), Split(branches=(Chain(elements=(Card(rows=(2,)),)), \
Chain(elements=(Card(rows=(3,)),)))), Card(rows=(4,)))
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import NamedTuple, TypeAlias, Union

DEEPEST = 16
"""Splits in one another; what is nested deeper stands in one chain, with arcs."""
SHORT = 2
"""Elements of a line that reads nothing and stands beside the end of another one."""
LONGEST_ROUND = 12
"""Elements of a round that is looked for."""


class Flow(NamedTuple):
    """What is drawn, without what it is: who reads whom, and what looks alike."""

    inputs: Sequence[tuple[int, ...]]
    """By layer, those that it reads, all of them earlier."""
    alike: Sequence[Hashable]
    """By layer, what it is: rounds of a repeat have the same."""
    attached: Collection[int] = ()
    """Layers that may stand right below what they read, as a row of its box."""
    groups: Sequence[range] = ()
    """Layers of each group, outer before inner."""
    group_alike: Sequence[Hashable] = ()
    """By group, what it is."""
    framed: Collection[int] = ()
    """Groups that are frames even where all that stands in them is one box."""
    outputs: Collection[int] = ()
    """Layers whose outputs are the network's."""


class Card(NamedTuple):
    """A layer, and those that follow it right below as rows of its box."""

    rows: tuple[int, ...]
    """Numbers of the layers, the first one on top."""


class Frame(NamedTuple):
    """A group, with what stands in it."""

    group: int
    """The number of the group."""
    inside: "Chain"
    """What stands in it, from its start to its end."""


class Repeat(NamedTuple):
    """Rounds that are alike, each of which reads the one before."""

    rounds: int
    """How many there are."""
    start: int
    """First layer of the first round."""
    stride: int
    """Layers of a round."""
    inside: "Chain"
    """What stands in the first round."""


class Split(NamedTuple):
    """Branches side by side."""

    branches: tuple["Chain", ...]
    """What stands in each, in the order in which they are drawn."""


class Chain(NamedTuple):
    """Elements one below the other; most read the one before."""

    elements: tuple["Element", ...]
    """What stands in it, from its start to its end."""


Element: TypeAlias = Union[Card, Frame, Repeat, Split]  # noqa: UP007 (before Python 3.11)
"""What stands in a chain."""


def structure(flow: Flow) -> Chain:
    """The structure of a network; takes linear time, and no recursion."""
    return _Nesting(flow).built()


class _Piece:
    """An element, a chain in the making or a finished one, with what is asked of it."""

    __slots__ = ("alike", "depth", "element", "first", "nodes", "out", "reach", "reads")

    def __init__(
        self,
        element: "Element | Chain",
        nodes: Sequence[int],
        out: int | None,
        reads: tuple[int, ...],
    ) -> None:
        self.element = element
        self.nodes = nodes
        """Its layers."""
        self.out = out
        """The layer whose output leaves it at its end; None where there are several."""
        self.reads = reads
        """Layers outside that it reads, the one that its start reads first."""
        self.first = min(nodes)
        self.depth = 0
        """Splits in one another."""
        self.alike = 0
        """A number that pieces have together if they are made alike."""
        self.reach = -1
        """The last layer that reads one of its layers other than its end."""

    @property
    def adjoining(self) -> bool:
        """Whether its layers are neighbours in the flat network."""
        return max(self.nodes) - self.first + 1 == len(self.nodes)


class _Line:
    """A chain that may go on."""

    __slots__ = ("branches_off", "latest", "order", "pieces", "source")

    def __init__(self, source: int | None, order: int) -> None:
        self.pieces: list[int] = []
        self.source = source
        """The layer that its first element reads; None where it reads none."""
        self.order = order
        """Its place among the lines."""
        self.latest = -1
        """No layer behind this one is read by any of its pieces."""
        self.branches_off: list[_Line] = []
        """Lines that start from one of its layers."""


class _Nesting:
    """The work: groups from the inner ones to the outer ones, and then the whole."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.count = count = len(flow.inputs)
        self.parent = [-1] * (count + len(flow.groups))
        """By layer, and behind them by group, the group that it stands in; -1 for none."""
        self.items: list[list[int]] = [[] for _ in range(len(flow.groups) + 1)]
        """By group what stands in it, and last of the whole: layers, and groups behind them."""
        self.reads: list[tuple[int, ...]] = []
        """By layer and group, layers outside that it reads."""
        self.last_reader = [-1] * count
        """By layer, the last that reads it."""
        self.numbers: dict[Hashable, int] = {}
        self._nest()
        self._read()

    def _nest(self) -> None:
        flow, count = self.flow, self.count
        around: list[int] = []
        waiting = [number for number, layers in enumerate(flow.groups) if layers]
        waiting.reverse()
        for index in range(count):
            while around and index >= flow.groups[around[-1]].stop:
                around.pop()
            while waiting and flow.groups[waiting[-1]].start <= index:
                number = waiting.pop()
                self.parent[count + number] = around[-1] if around else -1
                self.items[around[-1] if around else -1].append(count + number)
                around.append(number)
            self.parent[index] = around[-1] if around else -1
            self.items[around[-1] if around else -1].append(index)

    def _read(self) -> None:
        flow, count = self.flow, self.count
        outside: list[dict[int, None]] = [{} for _ in flow.groups]
        for index, inputs in enumerate(flow.inputs):
            for read in inputs:
                self.last_reader[read] = max(self.last_reader[read], index)
                group = self.parent[index]
                while group >= 0 and read not in flow.groups[group]:
                    outside[group][read] = None
                    group = self.parent[count + group]
        for index in flow.outputs:
            self.last_reader[index] = count
        self.reads = [tuple(dict.fromkeys(inputs)) for inputs in flow.inputs]
        self.reads += [tuple(each) for each in outside]

    def built(self) -> Chain:
        """The structure of the whole."""
        pieces: dict[int, _Piece] = {}
        for number in range(len(self.flow.groups) - 1, -1, -1):
            if self.items[number]:
                inside = _Scope(self, self.items[number], pieces, number).chain()
                pieces[self.count + number] = self._frame(number, inside)
        whole = _Scope(self, self.items[-1], pieces, -1).chain()
        assert isinstance(whole.element, Chain)  # noqa: S101 (for the type checker)
        return whole.element

    def number(self, what: Hashable) -> int:
        """The same number for the same."""
        return self.numbers.setdefault(what, len(self.numbers))

    def card(self, index: int) -> _Piece:
        """The piece of a layer."""
        return self.cards((index,), self.reads[index])

    def cards(self, rows: tuple[int, ...], reads: tuple[int, ...]) -> _Piece:
        """The piece of a layer with rows below it."""
        piece = _Piece(Card(rows), rows, rows[-1], reads)
        piece.alike = self.number(("card", tuple(self.flow.alike[row] for row in rows), len(reads)))
        return piece

    def _frame(self, number: int, inside: _Piece) -> _Piece:
        assert isinstance(inside.element, Chain)  # noqa: S101
        only = inside.element.elements[0]
        alone = len(inside.element.elements) == 1 and number not in self.flow.framed
        if alone and isinstance(only, Card):
            return self.cards(only.rows, inside.reads)  # which needs no frame of its own
        piece = _Piece(Frame(number, inside.element), inside.nodes, inside.out, inside.reads)
        same = self.flow.group_alike[number] if self.flow.group_alike else None
        piece.alike = self.number(("frame", same, inside.alike))
        piece.reach = inside.reach
        return piece

    def joined(self, pieces: Sequence[_Piece]) -> _Piece:
        """Pieces one below the other as a chain, what comes again in it as a repeat."""
        for several in (False, True):
            for _ in range(3):  # rounds of rounds
                shorter = self._repeats(pieces, several=several)
                if len(shorter) == len(pieces):
                    break
                pieces = shorter
        elements = tuple(piece.element for piece in pieces)
        return self._made_of(Chain(elements), pieces, pieces[-1].out)  # type: ignore[arg-type]

    def side_by_side(self, chains: Sequence[_Piece]) -> _Piece:
        """Chains as branches."""
        branches = tuple(chain.element for chain in chains)
        piece = self._made_of(Split(branches), chains, None)  # type: ignore[arg-type]
        piece.depth += 1
        return piece

    def _made_of(
        self, element: Element | Chain, pieces: Sequence[_Piece], out: int | None
    ) -> _Piece:
        nodes = (
            [node for piece in pieces for node in piece.nodes]
            if len(pieces) > 1
            else pieces[0].nodes
        )
        own = {*nodes}
        reads = tuple(
            dict.fromkeys(read for piece in pieces for read in piece.reads if read not in own)
        )
        made = _Piece(element, nodes, out, reads)
        made.depth = max(piece.depth for piece in pieces)
        outside = {read: -1 - place for place, read in enumerate(reads)}
        wires = tuple(
            tuple(outside[read] if read in outside else read - made.first for read in piece.reads)
            for piece in pieces
        )
        made.alike = self.number(
            (type(element).__name__, tuple(piece.alike for piece in pieces), wires)
        )
        inner = [piece.out for piece in pieces if piece.out not in (None, out)]
        readers = [self.last_reader[each] for each in inner if each is not None]
        made.reach = max(*(piece.reach for piece in pieces), *readers, -1)
        return made

    def _repeats(self, pieces: Sequence[_Piece], *, several: bool) -> list[_Piece]:
        """Pieces with rounds that are alike as one piece; they hand on one tensor, or `several`."""
        made: list[_Piece] = []
        at = 0
        while at < len(pieces):
            piece = pieces[at]
            for long in range(1, min(LONGEST_ROUND, (len(pieces) - at) // 2) + 1):
                if piece.alike != pieces[at + long].alike:
                    continue
                rounds = 1
                while self._goes_on(
                    pieces, at + (rounds - 1) * long, long, rounds, several=several
                ):
                    rounds += 1
                if rounds > 1:
                    made.append(self._repeat(pieces[at : at + rounds * long], rounds))
                    at += rounds * long
                    break
            else:
                made.append(piece)
                at += 1
        return made

    def _goes_on(
        self, pieces: Sequence[_Piece], at: int, long: int, rounds: int, *, several: bool
    ) -> bool:
        """Whether behind the round of pieces that starts there comes another one like it.

        A round hands on what its end makes. Of `several` it may hand on other tensors, too, or have
        no end: each is read by the next round alone, where this one reads that of the one before.
        """
        behind = at + long
        out = pieces[behind - 1].out
        if (out is None and not several) or behind + long > len(pieces):
            return False
        start, stride = pieces[at].first, pieces[behind].first - pieces[at].first
        if out is not None and self.last_reader[out] >= start + 2 * stride:
            return False  # something else reads what it makes
        if any(pieces[at + each].alike != pieces[behind + each].alike for each in range(long)):
            return False
        here, there = pieces[at:behind], pieces[behind : behind + long]
        ends = (self.last_reader[one.out] for one in here[:-1] if one.out is not None)
        free = start + (2 if several else 1) * stride
        if sum(len(one.nodes) for one in here) != stride or free <= max(
            *(one.reach for one in here), *ends, -1
        ):
            return False  # or what is inside
        handed: dict[int, int] = {}
        """What a round hands on → what the first one reads in its place."""
        for one, other in zip(here, there, strict=True):
            if not one.adjoining or one.first + stride != other.first:
                return False
            for read, later in zip(one.reads, other.reads, strict=True):
                if start <= later < start + stride and read < start:
                    if handed.setdefault(later, read) != read:
                        return False
                elif later - read != (stride if start <= read < start + stride else 0):
                    return False
        return (out in handed if out is not None else bool(handed)) and (
            rounds == 1 or all(read == later - stride for later, read in handed.items())
        )

    def _repeat(self, pieces: Sequence[_Piece], rounds: int) -> _Piece:
        long = len(pieces) // rounds
        inside = self._made_of(
            Chain(tuple(piece.element for piece in pieces[:long])),  # type: ignore[misc]
            pieces[:long],
            pieces[long - 1].out,
        )
        assert isinstance(inside.element, Chain)  # noqa: S101
        nodes = [node for piece in pieces for node in piece.nodes]
        element = Repeat(rounds, inside.first, len(inside.nodes), inside.element)
        piece = _Piece(element, nodes, pieces[-1].out, inside.reads)
        piece.depth = inside.depth
        piece.alike = self.number(("repeat", rounds, inside.alike))
        ends = (self.last_reader[one.out] for one in pieces[:-1] if one.out is not None)
        piece.reach = max(*(one.reach for one in pieces), *ends, -1)
        return piece


class _Scope:
    """A group, or the whole, on the way from its items to a chain.

    Its pieces stand in lines. A line goes on with what reads its end; lines whose ends are read
    together become branches of the one that they start from.
    """

    def __init__(
        self, nesting: _Nesting, items: Sequence[int], pieces: dict[int, _Piece], group: int
    ) -> None:
        self.nesting = nesting
        self.group = group
        self.pieces: list[_Piece] = []
        self.parts: list[list[int]] = []
        """By piece, those that it was made of; none of an item's."""
        self.merged: list[int] = []
        """By piece, the one that it became part of; itself while it stands in a line."""
        self.place: list[tuple[_Line, int]] = []
        """By piece, the line that it stands in, and where."""
        self.lines: dict[_Line, None] = {}
        self.ends: dict[int, _Line] = {}
        """By layer, the line that ends with it."""
        self.piece_of: dict[int, int] = {}
        """By item, its piece."""
        self.patience = 40 * len(items) + 1_000
        """Pieces that may be looked at in closing branches, before all becomes one line."""
        for item in items:
            self._next(item, pieces)

    def chain(self) -> _Piece:
        """All of it as one chain."""
        hosted: dict[tuple[int, int], list[_Line]] = {}
        for line in self.lines:
            host = self._host(line)
            if host is not None:
                hosted.setdefault((host[0].order, host[1]), []).append(line)
        for key in sorted(hosted, reverse=True):
            (root, at), others = self._host(hosted[key][0]) or (None, 0), hosted[key]
            if root is not None and root not in others:
                self._fork(root, at, others)
        line = self._beside([*self.lines]) if len(self.lines) > 1 else next(iter(self.lines))
        return self.nesting.joined([self.pieces[number] for number in line.pieces])

    def _next(self, item: int, pieces: dict[int, _Piece]) -> None:
        """Put the next item where it belongs."""
        nesting = self.nesting
        if item < nesting.count:
            reads = nesting.reads[item]
            if item in nesting.flow.attached and len(reads) == 1 and self._attach(item, reads[0]):
                return
            piece = nesting.card(item)
        else:
            piece = pieces[item]
        number = self._keep(piece, [])
        self.piece_of[item] = number
        ends = list(dict.fromkeys(self.ends[read] for read in piece.reads if read in self.ends))
        if self.patience < 0 and self.lines:
            line = next(iter(self.lines))
        elif not ends:
            line = self._line(piece.reads[0] if piece.reads else None, len(self.pieces))
        else:
            line = ends[0] if len(ends) == 1 else self._merge(ends)
        self._append(line, number)
        if self.patience < 0 and len(self.lines) > 1:
            self._dissolve(self._line(None, -1), [line.pieces for line in self.lines])

    def _attach(self, item: int, read: int) -> bool:
        """Make a layer the last row of the box that ends with what it reads, if that is one."""
        nesting, line = self.nesting, self.ends.get(read)
        if line is None or nesting.last_reader[read] != item or nesting.parent[read] != self.group:
            return False
        number = line.pieces[-1]
        above = self.pieces[number]
        if not isinstance(above.element, Card):
            return False
        self.pieces[number] = nesting.cards((*above.element.rows, item), above.reads)
        del self.ends[read]
        self.ends[item] = line
        self.piece_of[item] = number
        return True

    def _keep(self, piece: _Piece, parts: list[int]) -> int:
        """Number a piece."""
        self.pieces.append(piece)
        self.parts.append(parts)
        self.merged.append(len(self.merged))
        self.place.append((_NOWHERE, 0))
        return len(self.pieces) - 1

    def _line(self, source: int | None, order: int) -> _Line:
        """A new line."""
        line = _Line(source, order)
        self.lines[line] = None
        host = self._host(line)
        if host is not None:
            host[0].branches_off.append(line)
        return line

    def _append(self, line: _Line, number: int) -> None:
        """Let a line go on with a piece."""
        self._no_end(line)
        self.place[number] = (line, len(line.pieces))
        line.latest = max(line.latest, *self.pieces[number].reads, -1)
        line.pieces.append(number)
        out = self.pieces[number].out
        if out is not None:
            self.ends[out] = line

    def _no_end(self, line: _Line) -> None:
        """Forget where a line ends."""
        out = self.pieces[line.pieces[-1]].out if line.pieces else None
        if out is not None and self.ends.get(out) is line:
            del self.ends[out]

    def _piece_with(self, layer: int | None) -> int | None:
        """The piece in a line that a layer of this scope stands in; None of one outside."""
        nesting = self.nesting
        item = layer
        while item is not None and nesting.parent[item] != self.group:
            item = None if nesting.parent[item] < 0 else nesting.count + nesting.parent[item]
        number = None if item is None else self.piece_of.get(item)
        if number is None:
            return None
        while self.merged[number] != number:
            self.merged[number] = self.merged[self.merged[number]]
            number = self.merged[number]
        return number

    def _host(self, line: _Line) -> tuple[_Line, int] | None:
        """The line that another one starts from, and behind which of its pieces."""
        number = self._piece_with(line.source)
        host = None if number is None else self.place[number]
        return None if host is None or host[0] in (line, _NOWHERE) else host

    def _merge(self, lines: list[_Line]) -> _Line:
        """One line of several whose ends are read together."""
        lines = self._beside_the_end(lines)
        for line in sorted(lines, key=lambda each: -each.order):
            host = self._host(line)
            if line not in lines or host is None or host[0] not in lines:
                continue
            root, at = host
            others = [each for each in lines if each is not root and self._host(each) == host]
            self._take_in(root, at, others)
            self._fork(root, at, others)
            lines = [each for each in lines if each not in others]
        return lines[0] if len(lines) == 1 else self._beside(lines)

    def _beside_the_end(self, lines: list[_Line]) -> list[_Line]:
        """The lines but short ones that read nothing: these stand beside the end of the longest.

        So what is learned, or a second input, stands near what it is merged with.
        """
        longest = max(lines, key=lambda line: len(line.pieces))
        short = [
            line
            for line in lines
            if line.source is None and len(line.pieces) <= SHORT and line is not longest
        ]
        most = max((len(line.pieces) for line in short), default=0)
        if not short or len(longest.pieces) < most + 2:
            return lines
        self._fork(longest, len(longest.pieces) - 1 - most, short)
        return [line for line in lines if line not in short]

    def _take_in(self, root: _Line, at: int, others: list[_Line]) -> None:
        """Lines that go nowhere, off what is about to be closed, become branches in there."""
        root.branches_off = [line for line in root.branches_off if line in self.lines]
        for line in reversed([*root.branches_off]):
            host = self._host(line)
            if line in others or host is None or host[0] is not root or host[1] <= at:
                continue
            out = self.pieces[line.pieces[-1]].out
            if out is None or self.nesting.last_reader[out] in (-1, self.nesting.count):
                self._fork(root, host[1], [line])

    def _fork(self, root: _Line, at: int, others: list[_Line]) -> None:
        """Let what stands in a line behind a place, and other lines, be branches of it there."""
        branches = [
            each for each in (root.pieces[at + 1 :], *(one.pieces for one in others)) if each
        ]
        self._no_end(root)
        del root.pieces[at + 1 :]
        self._close(root, branches, others)

    def _beside(self, lines: list[_Line]) -> _Line:
        """A line that starts with others as its branches."""
        source = max((line.source for line in lines if line.source is not None), default=None)
        made = self._line(source, min(line.order for line in lines))
        self._close(made, [line.pieces for line in lines], lines)
        return made

    def _close(self, line: _Line, branches: list[list[int]], lines: Iterable[_Line] = ()) -> None:
        """Put branches at the end of a line, side by side, or else one below the other.

        `lines` are those that are part of it from now on.
        """
        for each in lines:
            self._no_end(each)
            del self.lines[each]
            line.branches_off += each.branches_off
        branches.sort(key=self._order_of)
        if self._upward(line, branches):
            branches = [[*line.pieces], *branches]
            line.pieces = []
            self._dissolve(line, branches)
            return
        if len(branches) == 1:
            for number in branches[0]:
                self._append(line, number)
            return
        self.patience -= sum(map(len, branches))
        deepest = max(self.pieces[number].depth for branch in branches for number in branch)
        if deepest >= DEEPEST or self.patience < 0 or self._across(branches):
            self._dissolve(line, branches)
            return
        chains = [
            self.nesting.joined([self.pieces[number] for number in branch]) for branch in branches
        ]
        parts = [number for branch in branches for number in branch]
        made = self._keep(self.nesting.side_by_side(chains), parts)
        for number in parts:
            self.merged[number] = made
        self._append(line, made)

    def _order_of(self, branch: list[int]) -> tuple[int, int]:
        """Where a branch stands beside others: one that reads something else than they do is last.

        There lines come to it from the side. Others stand in the order in which they are written.
        """
        reads = self.pieces[branch[0]].reads
        return -max(reads, default=-1), min(self.pieces[number].first for number in branch)

    def _upward(self, line: _Line, branches: list[list[int]]) -> bool:
        """Whether what stands in a line reads something that is to stand below it."""
        below = {number for branch in branches for number in branch}
        if line.latest < min(self.pieces[number].first for number in below):
            return False
        self.patience -= len(line.pieces)
        return any(
            self._piece_with(read) in below
            for number in line.pieces
            for read in self.pieces[number].reads
        )

    def _across(self, branches: list[list[int]]) -> bool:
        """Whether one branch reads another."""
        branch_of = {number: place for place, branch in enumerate(branches) for number in branch}
        return any(
            branch_of.get(self._piece_with(read), place) != place  # type: ignore[arg-type]
            for place, branch in enumerate(branches)
            for number in branch
            for read in self.pieces[number].reads
        )

    def _dissolve(self, line: _Line, branches: list[list[int]]) -> None:
        """Put all items of branches one below the other, in the order of the network."""
        items = []
        waiting = [number for branch in branches for number in branch]
        for number in waiting:
            if self.parts[number]:
                waiting += self.parts[number]
            else:
                items.append(number)
        self.patience -= len(items)
        if line.order < 0:  # of all lines
            self.lines = {line: None}
            self.ends = {}
        for number in sorted(items, key=lambda each: self.pieces[each].first):
            self.merged[number] = number
            self._append(line, number)


_NOWHERE = _Line(None, -1)
"""Where a piece stands before it stands in a line."""
