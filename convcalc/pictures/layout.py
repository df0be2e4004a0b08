"""Where everything stands: a structure as boxes, frames and lines between them, without overlaps.

Two axes are enough for both directions: `along` is the way that the network goes, `across` is the
other, and what the picture makes of them is for who draws it. A chain has one straight line
through all of its elements, its axis. Between two elements is a gap, where lines go across on
tracks of their own; beside its elements are lanes, where arcs go along. Both belong to the chain,
so what a group is as large as hangs on its inside alone. No line goes through a box: along it
runs in a lane or where nothing stands, and across in a gap, or beside all boxes of its chain.
"""

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from convcalc.pictures.structure import Card, Chain, Element, Flow, Frame, Repeat, Split

NEAR = 0.01
"""What is no distance, in pixels."""
MUCH_LONGER = 2.5
"""How many times as long as all others a branch is that goes straight on."""


class Room(NamedTuple):
    """Distances, in pixels."""

    behind: float = 20
    """What is kept free behind an element for the label of its line."""
    before: float = 13
    """What is kept free before an element for the head of an arrow."""
    track: float = 9
    """Between two lines that go across in one gap."""
    lane: float = 11
    """Between two lanes, in pixels."""
    first_lane: float = 16
    """Between the elements of a chain and its first lane."""
    branches: float = 26
    """Between two branches, in pixels."""
    head: float = 24
    """Before what stands in a frame, where its title is."""
    tail: float = 12
    """Behind what stands in a frame."""
    near: float = 14
    """Beside it on the side of its title."""
    far: float = 14
    """Beside it on the other side."""


class Extent(NamedTuple):
    """How large something is, or must at least be."""

    along: float
    """The way that the network goes, in pixels."""
    across: float
    """The other way, in pixels."""


Point = tuple[float, float]
"""Along and across."""


class Line(NamedTuple):
    """A line from an element to another one, or a part of it."""

    points: tuple[Point, ...]
    """Its corners, from its start to its end."""
    source: "Spot"
    """The box that it comes from."""
    target: "Spot | None"
    """The box that it goes to; None of what ends at a frame, where another line goes on."""
    bow: bool
    """Whether it goes round something, as a skip does."""
    entry: bool = False
    """Whether it comes into a box from its side."""


class Spot:
    """A visible element: a box, a frame round a chain, or branches side by side."""

    __slots__ = (
        "across", "along", "axis", "element", "frame", "left", "lefts", "place", "repeat",
        "run", "runs", "sides", "spare", "start",
    )  # fmt: skip

    def __init__(self, element: Element, run: "Run", place: int) -> None:
        self.element = element
        self.run = run
        """The chain that it stands in."""
        self.place = place
        """Where in it, from 0."""
        self.runs: list[Run] = []
        """The chains that stand in it; none in a box."""
        self.frame = False
        """Whether it is drawn as a frame."""
        self.repeat: Repeat | None = None
        """The repeat whose rounds it stands for."""
        self.along = self.across = self.axis = 0.0
        """How large it is, and where its axis is from its near side."""
        self.lefts: list[float] = []
        """Of branches, how far from its near side each is."""
        self.spare = 0.0
        """What is kept free behind it, as a part of `along`."""
        self.start = self.left = 0.0
        """Where it is: along, and across."""
        self.sides: list[Spot] = []
        """Of a box, what lines come from that come in from its side."""

    @property
    def rounds(self) -> int:
        """How many rounds it stands for."""
        return self.repeat.rounds if self.repeat else 1

    @property
    def repeats(self) -> "list[Repeat]":
        """The repeats that it stands in the first round of, inner before outer."""
        around: list[Repeat] = []
        here: Spot | None = self
        while here is not None:
            around += [here.repeat] if here.repeat else []
            here = here.run.owner
        return around

    @property
    def is_split(self) -> bool:
        """Whether it is branches side by side, whose labels stand behind each of them."""
        return bool(self.runs) and not self.frame

    @property
    def top(self) -> float:
        """Where it starts along."""
        return self.start

    @property
    def end(self) -> float:
        """Where its box or frame ends along."""
        return self.start + self.along - self.spare

    def side(self, source: "Spot") -> float:
        """Where a line comes in from its side."""
        part = (self.sides.index(source) + 1) / (len(self.sides) + 1)
        return self.start + (self.along - self.spare) * part

    @property
    def middle(self) -> float:
        """Where its axis is across."""
        return self.left + self.axis


class Run:
    """A visible chain."""

    __slots__ = (
        "across", "along", "arcs", "axis", "branch", "content", "entered", "gaps", "goes_on",
        "left", "main", "offsets", "owner", "room", "spots", "start", "tracks",
    )  # fmt: skip

    def __init__(self, owner: Spot | None, branch: int) -> None:
        self.owner = owner
        """What it stands in; None of the whole."""
        self.branch = branch
        self.spots: list[Spot] = []
        self.main: Spot | None = None
        """The box whose output comes in at its start."""
        self.goes_on = False
        """Whether something behind what it stands in reads it."""
        self.entered = False
        """Whether a line comes to one of its lanes from before its start."""
        self.tracks: dict[int, dict[tuple[str, object], int]] = {}
        """By gap (-1 before the first element) what goes across in it, in order."""
        self.arcs: dict[object, list[int]] = {}
        """What runs in a lane → first and last position there, and the lane."""
        self.along = self.across = self.axis = self.content = 0.0
        self.start = self.left = 0.0
        self.room = Room()
        self.gaps: list[float] = []
        """How far from its start the first track of each gap is, of the gap before it first."""
        self.offsets: list[float] = []
        """How far from its start each element is."""

    @property
    def framed(self) -> bool:
        """Whether it stands in a frame."""
        return self.owner is not None and self.owner.frame

    @property
    def last_branch(self) -> bool:
        """Whether nothing stands beside it on the far side, in what it stands in."""
        return self.owner is None or self.owner.frame or self.branch == len(self.owner.runs) - 1

    @property
    def top(self) -> float:
        """Where it starts along."""
        return self.start

    @property
    def middle(self) -> float:
        """Where its axis is across."""
        return self.left + self.axis

    def track(self, gap: int, name: tuple[str, object]) -> Callable[[], float]:
        """Reserve a track in a gap; what gives its place along."""
        tracks = self.tracks.setdefault(gap, {})
        tracks.setdefault(name, len(tracks))
        return lambda: self.start + self.gaps[gap + 1] + tracks[name] * self.room.track

    def occupy(self, name: object, position: int) -> None:
        """Reserve a part of a lane: positions are gaps and elements, counted together from 0."""
        arc = self.arcs.setdefault(name, [position, position, 0])
        arc[0], arc[1] = min(arc[0], position), max(arc[1], position)

    def lane(self, name: object) -> Callable[[], float]:
        """What gives the place of a lane across."""
        arc = self.arcs.setdefault(name, [2 * len(self.spots), 0, 0])
        return lambda: self.left + self.content + self.room.first_lane + arc[2] * self.room.lane

    def assign_lanes(self) -> None:
        """Give each arc a lane: those that meet have different ones, inner ones nearer."""
        arcs = sorted(self.arcs.values())
        at = 0
        while at < len(arcs):
            free: list[int] = []
            busy: list[tuple[int, int]] = []  # ends and lanes
            used = 0
            start, reach = at, arcs[at][1]
            while at < len(arcs) and (at == start or arcs[at][0] <= reach):
                arc = arcs[at]
                reach = max(reach, arc[1])
                while busy and busy[0][0] < arc[0]:
                    heappush(free, heappop(busy)[1])
                if free:
                    arc[2] = heappop(free)
                else:
                    arc[2], used = used, used + 1
                heappush(busy, (arc[1], arc[2]))
                at += 1
            for arc in arcs[start:at]:  # those that start first reach farthest
                arc[2] = used - 1 - arc[2]

    def measure(self, room: Room) -> None:
        """How large it is, once all that stands in it is."""
        self.room = room
        for names in self.tracks.values():
            for number, name in enumerate(sorted(names, key=lambda each: _ORDER[each[0]])):
                names[name] = number
        self.gaps, self.offsets = [], []
        along = room.head if self.framed else 0.0
        for gap in range(-1, len(self.spots)):
            tracks = len(self.tracks.get(gap, ()))
            if gap < 0:
                self.gaps.append(along)
                along += tracks and (tracks - 1) * room.track + room.before
            elif gap == len(self.spots) - 1:
                self.gaps.append(along + room.behind)
                several = self.framed and self.spots[gap].is_split
                along += room.behind if tracks or several else 0
                along += max(0, tracks - 1) * room.track
            else:
                self.gaps.append(along + room.behind)
                along += room.behind + room.before + max(0, tracks - 1) * room.track
            if gap + 1 < len(self.spots):
                self.offsets.append(along)
                along += self.spots[gap + 1].along
        self.along = along + (room.tail if self.framed else 0)
        self.axis = max(spot.axis for spot in self.spots)
        self.content = self.axis + max(spot.across - spot.axis for spot in self.spots)
        lanes = max((arc[2] + 1 for arc in self.arcs.values()), default=0)
        self.across = self.content + (lanes and room.first_lane + (lanes - 1) * room.lane)


_ORDER = {"out": 0, "fork": 1, "join": 1, "in": 2}
"""What goes across in a gap: what leaves the element before it, what is straight, what comes in."""


class Layout:
    """Where everything stands."""

    def __init__(self, flow: Flow, chain: Chain, opened: Callable[[Frame], bool]) -> None:
        """Find what is visible of a structure, and which way lines go.

        `opened` says of which groups the inside is shown.
        """
        self.flow = flow
        self.runs: list[Run] = []
        """Visible chains, outer before inner."""
        self.spot_of: list[Spot | None] = [None] * len(flow.inputs)
        """By layer, the box that it is drawn in."""
        self.lines: list[Line] = []
        self._repeats: list[Repeat] = []
        self._planned: list[tuple[_Route, Spot, Spot | None, bool, bool]] = []
        self._build(chain, opened)
        self._join()

    def place(
        self,
        box: Callable[[Spot], Extent],
        frame: Callable[[Spot], Extent],
        spare: Callable[[Spot], float],
        room: Room,
    ) -> None:
        """Give everything its place.

        `box` says how large a box is. `frame` says what the title of one takes: along, and across
        from its near side to its axis. `spare` is what is kept free behind a box or a frame.
        """
        self.room = room
        self._measure(box, frame, spare)
        self._put()
        self._draw()

    @property
    def boxes(self) -> list[Spot]:
        """What is drawn as a box."""
        return [spot for run in self.runs for spot in run.spots if not spot.runs]

    # What is visible

    def _build(self, chain: Chain, opened: Callable[[Frame], bool]) -> None:
        waiting: list[tuple[Chain, Run]] = [(chain, Run(None, 0))]
        while waiting:
            here, run = waiting.pop()
            self.runs.append(run)
            inner: list[tuple[Chain, Run]] = []
            for place, element in enumerate(here.elements):
                spot = Spot(element, run, place)
                run.spots.append(spot)
                inside = self._inside(spot, opened)
                for branch, each in enumerate(inside):
                    below = Run(spot, branch)
                    spot.runs.append(below)
                    inner.append((each, below))
            waiting += reversed(inner)
        for repeat in self._repeats:
            start, stride = repeat.start, repeat.stride
            for index in range(start + stride, start + repeat.rounds * stride):
                self.spot_of[index] = self.spot_of[start + (index - start) % stride]

    def _inside(self, spot: Spot, opened: Callable[[Frame], bool]) -> Sequence[Chain]:
        """The chains that stand in an element; what is drawn as a box has none."""
        element = spot.element
        if isinstance(element, Repeat):
            self._repeats.insert(0, element)  # inner ones first
            spot.repeat = element
            first = element.inside.elements[0]
            if len(element.inside.elements) > 1 or isinstance(first, Split | Repeat):
                spot.frame = True
                return (element.inside,)
            element = spot.element = first
        if isinstance(element, Split):
            return element.branches
        inner: Element | None = element
        while isinstance(inner, Frame) and opened(inner):
            # A group that holds nothing but another one is that one.
            only = inner.inside.elements[0]
            if len(inner.inside.elements) > 1 or not isinstance(only, Frame):
                spot.frame = True
                return (inner.inside,)
            inner = only
        assert isinstance(element, Card | Frame)  # noqa: S101 (for the type checker)
        for index in element.rows if isinstance(element, Card) else self.flow.groups[element.group]:
            self.spot_of[index] = spot
        return ()

    # Who is joined to whom

    def edges(self) -> list[tuple[Spot, Spot]]:
        """What boxes read, each once, in the order of the network."""
        edges: dict[tuple[Spot, Spot], None] = {}
        for index, inputs in enumerate(self.flow.inputs):
            target = self.spot_of[index]
            for read in inputs:
                source = self.spot_of[read]
                if source is not None and target is not None and source is not target:
                    edges[source, target] = None
        return [*edges]

    def _join(self) -> None:
        """Find which way each line goes, and reserve the tracks and lanes that it takes."""
        lines: list[tuple[Spot, Spot, Way, Way, int]] = []
        candidates: dict[Run, list[tuple[bool, Spot]]] = {}
        for source, target in self.edges():
            into, out = _way(target), _way(source)
            at = 0
            while into[at] == out[at]:
                at += 1
            if into[at][0] is not out[at][0] or into[at][1] < out[at][1]:
                continue  # from the end of a round that is not drawn to the next
            lines.append((source, target, into, out, at))
            for run, _ in out[at + 1 :]:
                run.goes_on = True
            for run, place in into[at + 1 :]:
                candidates.setdefault(run, []).append((place == 0, source))
        for run in self.runs:
            if run in candidates:
                run.main = _main(run, candidates[run])
        done: set[object] = set()
        for source, target, into, out, at in lines:
            self._line(source, target, into, out, at, done)
        for run in self.runs:
            run.assign_lanes()

    def _line(
        self, source: Spot, target: Spot, into: "Way", out: "Way", at: int, done: set[object]
    ) -> None:
        """A line in parts: to the start of a chain whose input is its source, and from there."""
        leaves: Way | None = out
        while True:
            stop = next(
                (
                    deep
                    for deep, (run, place) in enumerate(into)
                    if deep > at and run.main is source and (run.framed or place)
                ),
                None,
            )
            end = target if stop is None else into[stop][0]
            key = (source, into[at][0], leaves is None, end)
            if key not in done:
                done.add(key)
                last = len(into) - 1 if stop is None else stop - 1
                self._part(source, end, into[at : last + 1], leaves and leaves[at:])
            if stop is None:
                return
            at, leaves = stop, None

    def _part(self, source: Spot, end: "Spot | Run", into: "Way", out: "Way | None") -> None:
        """Reserve what a part of a line takes: from a box or the start of a chain to an end."""
        run, place = into[0]
        route = _Route()
        if out is None:
            gap, inside, plain = -1, False, True
            route.starts(lambda: run.top, lambda: run.middle)
        else:
            gap = out[0][1]
            inside, plain = _leave(route, source, out)
        straight = all(below == 0 and not each.framed for each, below in into[1:])
        on_axis = straight and len(into) == 1 and (isinstance(end, Spot) or end.framed)
        target = end if isinstance(end, Spot) else None
        bow = False
        if not inside and straight and gap == place - 1:
            if not (plain and on_axis):
                name = ("fork", source) if plain or not on_axis else ("join", end)
                route.along(run.track(gap, name))
                route.across(lambda: end.middle)
        else:
            bow = True
            name = ("arc", source)
            if not inside:
                route.along(run.track(gap, ("out", source)))
                run.occupy(name, 2 * gap + 2)
            else:
                run.occupy(name, 2 * gap + 1)
            route.across(run.lane(name))
            if self._arrive(route, source, end, into):
                self._planned.append((route, source, target, bow, True))
                return
        route.along(lambda: end.top)
        self._planned.append((route, source, target, bow, False))

    def _arrive(self, route: "_Route", source: Spot, end: "Spot | Run", into: "Way") -> bool:
        """Go on from a lane to the end; whether that is beside a box, and not before it."""
        name = ("arc", source)
        run, place = into[0]
        if len(into) > 1 and all(below == 0 and not each.framed for each, below in into[1:]):
            run.occupy(name, 2 * place)
            route.along(run.track(place - 1, ("in", source)))
            route.across(lambda: end.middle)
            return False
        direct = len(into) - 1
        while direct and into[direct][0].last_branch:
            direct -= 1
        for deep in range(direct):
            run, place = into[deep]
            below = into[deep + 1][0]
            run.occupy(name, 2 * place)
            below.occupy(name, 0)
            below.entered = True
            route.along(run.track(place - 1, ("in", source)))
            route.across(below.lane(name))
        run, place = into[direct]
        deepest, last = into[-1]
        if isinstance(end, Spot):
            run.occupy(name, 2 * place + 1)
            if source not in end.sides:
                end.sides.append(source)
            route.along(lambda: end.side(source))
            route.across(lambda: end.left + end.across)
            return True
        run.occupy(name, 2 * place + (deepest is not run))
        route.along(deepest.track(last - 1, ("in", source)))
        route.across(lambda: end.middle)
        return False

    # How large and where

    def _measure(
        self,
        box: Callable[[Spot], Extent],
        frame: Callable[[Spot], Extent],
        spare: Callable[[Spot], float],
    ) -> None:
        """How large everything is, what stands inside first."""
        room = self.room
        for run in reversed(self.runs):
            for spot in run.spots:
                if not spot.runs or spot.frame:
                    spot.spare = spare(spot)
                if not spot.runs:
                    spot.along, spot.across = box(spot)
                    spot.along += spot.spare
                    spot.axis = spot.across / 2
                elif spot.frame:
                    (inner,) = spot.runs
                    least = frame(spot)
                    spot.axis = max(room.near + inner.axis, least.across)
                    spot.across = spot.axis + inner.across - inner.axis + room.far
                    spot.along = max(inner.along, least.along) + spot.spare
                else:
                    spot.along = max(inner.along for inner in spot.runs)
                    spot.lefts = _lefts(spot, room)
                    ends = zip(spot.lefts, spot.runs, strict=True)
                    spot.across = max(left + inner.across for left, inner in ends)
                    spot.axis = _axis(spot)
            run.measure(room)

    def _put(self) -> None:
        """Where everything is, what stands outside first."""
        for run in self.runs:
            for spot, offset in zip(run.spots, run.offsets, strict=True):
                spot.start = run.start + offset
                spot.left = run.middle - spot.axis
                for number, inner in enumerate(spot.runs):
                    if spot.frame:
                        inner.start, inner.left = spot.start, spot.middle - inner.axis
                        continue
                    spare = spot.along - inner.along
                    if inner.main is None:  # it goes nearer to what it is merged with
                        inner.start = spot.start + spare
                    elif inner.goes_on:
                        inner.start = spot.start + spare / 2
                    else:
                        inner.start = spot.start
                    inner.left = spot.left + spot.lefts[number]

    def _draw(self) -> None:
        """Where lines are, now that everything has its place."""
        for route, source, target, bow, entry in self._planned:
            points = route.points()
            if len(points) > 1:
                self.lines.append(Line(points, source, target, bow, entry))


Way = list[tuple[Run, int]]
"""The chains that a box stands in, outer first, and where in each."""


class _Route:
    """A line on its way, whose coordinates are known once everything has its place."""

    def __init__(self) -> None:
        self._start: tuple[Callable[[], float], Callable[[], float]] = (float, float)
        self._turns: list[tuple[bool, Callable[[], float]]] = []

    def starts(self, along: Callable[[], float], across: Callable[[], float]) -> None:
        """Start there."""
        self._start = (along, across)

    def along(self, to: Callable[[], float]) -> None:
        """Go along, as far as that."""
        self._turns.append((True, to))

    def across(self, to: Callable[[], float]) -> None:
        """Go across, as far as that."""
        self._turns.append((False, to))

    def points(self) -> tuple[Point, ...]:
        """Its corners, from its start to its end."""
        along, across = (each() for each in self._start)
        points = [(along, across)]
        went_along: bool | None = None
        for goes_along, to in self._turns:
            end = to()
            if abs(end - (along if goes_along else across)) < NEAR:
                continue
            along, across = (end, across) if goes_along else (along, end)
            if goes_along is went_along:
                points.pop()
            points.append((along, across))
            went_along = goes_along
        return tuple(points)


def _way(spot: Spot) -> Way:
    """The chains that a box stands in, outer first, and where in each."""
    way: Way = []
    here: Spot | None = spot
    while here is not None:
        way.append((here.run, here.place))
        here = here.run.owner
    way.reverse()
    return way


def _lefts(spot: Spot, room: Room) -> list[float]:
    """How far from the near side of branches each of them is: one beside the other.

    Two of which the first is a box that nothing reads stand nearer, as an output of a pyramid does
    beside all that follows: only beside what of the other one is as far along as that box.
    """
    lefts, left = [], 0.0
    for run in spot.runs:
        lefts.append(left)
        left += run.across + room.branches
    one, other = spot.runs[0], spot.runs[-1]
    if len(lefts) > 2 or not _is_end(one) or other.main is None or other.goes_on:
        return lefts
    before, beside = 0.0, 0.0
    for offset, each in zip(other.offsets, other.spots, strict=True):
        if before >= one.along + room.branches:
            break
        beside, before = max(beside, each.axis), offset + each.along
    apart = other.axis - beside - room.branches - one.across
    return [max(apart, 0), max(-apart, 0)]


def _is_end(run: Run) -> bool:
    """Whether a branch is a box that reads what it starts from, and that nothing reads."""
    (first, *others) = run.spots
    plain = not (others or first.runs or first.sides or run.arcs or run.tracks)
    return plain and run.main is not None and not run.goes_on


def _axis(spot: Spot) -> float:
    """Where the axis of branches is: that of one which is much longer than all others, or between.

    So a shortcut with a projection stands beside what it goes round, and branches that are alike
    stand evenly.
    """
    axes = [left + run.axis for left, run in zip(spot.lefts, spot.runs, strict=True)]
    fed = [axis for axis, run in zip(axes, spot.runs, strict=True) if run.main is not None]
    if len(fed) == 1:  # the others read nothing, and stand beside it
        return fed[0]
    *_, second, longest = sorted(run.along for run in spot.runs)
    if longest >= MUCH_LONGER * second:
        return next(axis for axis, run in zip(axes, spot.runs, strict=True) if run.along == longest)
    return (axes[0] + axes[-1]) / 2


def end_of(spot: Spot) -> Spot | None:
    """The box whose output leaves an element on its axis; None of branches."""
    while spot.runs:
        if not spot.frame:
            return None
        spot = spot.runs[0].spots[-1]
    return spot


def _main(run: Run, candidates: list[tuple[bool, Spot]]) -> Spot:
    """The box whose output comes in at the start of a chain: what its first element reads."""
    owner, before = run.owner, None
    if owner is not None:
        before = end_of(owner.run.spots[owner.place - 1]) if owner.place else owner.run.main
    first = [source for is_first, source in candidates if is_first]
    return before if before in first and before is not None else (first or [candidates[0][1]])[0]


def _leave(route: _Route, source: Spot, out: Way) -> tuple[bool, bool]:
    """Go from a box to the gap behind the element that it stands in, or over to a lane.

    Whether it is on its way across to a lane of the outer chain already; and whether it is on the
    axis of the outer chain.
    """
    route.starts(lambda: source.end, lambda: source.middle)
    plain = all(run.framed for run, _ in out[1:])
    deep = len(out) - 1
    while deep:
        run, place = out[deep]
        if place == len(run.spots) - 1:
            deep -= 1
            continue
        plain = False
        name = ("exit", source)
        route.along(run.track(place, ("out", source)))
        if all(each.last_branch for each, _ in out[1 : deep + 1]):
            return True, False
        run.occupy(name, 2 * place + 2)
        run.occupy(name, 2 * len(run.spots))
        route.across(run.lane(name))
        deep -= 1
    return False, plain
