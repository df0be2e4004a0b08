"""Layers as boxes, groups as frames, and what they read as lines with the shapes on them."""

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from copy import copy
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from convcalc.arguments import one_of, switch, texts, whole
from convcalc.collector import without_collection
from convcalc.diagnostics import ArgumentError
from convcalc.graph import LayerNode, Network
from convcalc.graph.by_origin import by_origin
from convcalc.layers import CONSTANTS, SOURCES, kinds
from convcalc.layers.base import Plan, declarations, hyperparameters
from convcalc.nearness import nearest
from convcalc.numbers import plural
from convcalc.pictures.font import shortened, width, wrapped
from convcalc.pictures.found import with_groups
from convcalc.pictures.layout import Extent, Layout, Line, Room, Spot, end_of
from convcalc.pictures.lost import with_lost
from convcalc.pictures.scene import Box, Drawn, Label, Part, Path, Scene
from convcalc.pictures.shades import family_of, legend_of, shades_of
from convcalc.pictures.structure import Card, Chain, Flow, Frame, Repeat, structure
from convcalc.pictures.words import (
    VARYING,
    brief,
    details,
    from_to,
    group_title,
    in_turn,
    layer_title,
    shapes_text,
    tail_of,
    varying,
)
from convcalc.shape import Shape

DIRECTIONS = ("down", "right")
"""Ways that a network can go."""
NAMES = ("spec", "origin")
"""What layers can be called by."""
MOST_BOXES = 30
"""Boxes of a picture whose depth is not given."""
MOST_TITLE = 300
"""How wide the title of rounds may be, which says what differs between them."""
MOST_NOTES = 8
"""Errors that are written below a picture."""
NOTE = 420
"""How wide these are, which can be read at a glance however wide the picture is."""
TITLE = 170
"""How wide the title of a frame can always be; a longer one is whole where there is room."""
MARGIN = 20
"""What is left round all."""
NARROW, WIDE = 116, 236
"""Widths of boxes: at least, and at most."""
PAD = 9
"""What is left beside the text of a box."""
MAIN, ROW = 38, 18
"""Height of a box, and of each row in it."""
SIZE, SMALL, TINY = 12, 10.5, 10
"""Heights of fonts: what a layer is, what it is called and makes, and rows."""
CHANGES = ("+ added", "− removed", "~ changed")
"""What signs mean that say what became of a layer."""
NOTHING = "no layer added, removed or changed"
"""What is said where none has one."""
LEADING, MOST_LINES = 14, 3
"""Height of a line of what is said of a mark, and how many lines there are at most."""
SHADOW = 6
"""How far the boxes reach that stand behind one which stands for several."""
ARROW = 18
"""How long the arrow is that leaves the network."""
BELOW = 16
"""What is kept free below that for the shape of what leaves."""
ROWS = kinds("norm", "activation", "softmax", "identity")
"""Kinds that stand as a row below the layer that they read."""


class Mark(NamedTuple):
    """What is special of a layer."""

    role: str
    """What its box looks like."""
    sign: str
    """A sign before its text, so that colour alone tells nothing."""
    text: str = ""
    """What is said of it, below its name."""


class Choices(NamedTuple):
    """What is asked of a picture."""

    direction: str = "down"
    """Which way the network goes: `down` or `right`."""
    depth: int | None = None
    """Groups deeper than this are boxes; as many as `MOST_BOXES` allow unless given."""
    expand: Sequence[str] = ()
    """Patterns of groups that are open whatever the depth is."""
    collapse: Sequence[str] = ()
    """Patterns of groups that are boxes."""
    only_changes: bool = False
    """Whether layers that keep the shape of what they read are left out."""
    shade: str | None = None
    """What colours say; the kinds of layers, without a legend, unless given."""
    names: str = "spec"
    """What layers are called by: the spec, or their `origin`."""


def scene(
    network: Network,
    *,
    direction: str = "down",
    depth: int | None = None,
    expand: Sequence[str] = (),
    collapse: Sequence[str] = (),
    only_changes: bool = False,
    shade: str | None = None,
    names: str = "spec",
) -> Scene:
    """The network as a graph; what is asked of it is explained in `Choices`.

    Raises `ValueError` for other words, a depth below 1 and patterns that match no group, and
    `TypeError` for what is no such value.
    """
    choices = Choices(
        one_of(direction, "direction", DIRECTIONS),
        None if depth is None else whole(depth, "depth"),
        texts(expand, "expand", "'stage1'"),
        texts(collapse, "collapse", "'stage1'"),
        switch(only_changes, "only_changes"),
        shade,
        one_of(names, "names", NAMES),
    )
    return drawn(network, choices)


@without_collection
def drawn(
    network: Network,
    choices: Choices,
    marks: Mapping[int, Mark] | None = None,
    title: str | None = None,
    base: str | None = None,
    opened: Collection[str] = (),
) -> Scene:
    """The network as a graph, with marks at some of its layers; errors are marked unless given.

    `base` is what layers look like that have no mark; it hangs on their kinds unless given.
    `opened` are names of groups that are open whatever the depth is.
    """
    if choices.names == "origin":
        if not any(node.origin for node in network.nodes):
            message = f"names origin: no layer of {network.path} says where it comes from"
            raise ArgumentError(message)
        network = by_origin(network)
    network = with_groups(network)
    if marks is None:
        network, marks, _ = with_faults(network)
    picture = Picture(network, choices, marks, base, opened)
    return picture.scene(title or network.name)


def with_faults(network: Network) -> tuple[Network, dict[int, Mark], list[int | None]]:
    """The network with the items that errors keep out, what is wrong, and what its layers were."""
    whole_network, lost, before = with_lost(network)
    marks = {index: Mark("fault", "✗", text) for index, text in lost.items()}
    return whole_network, marks | _faults(whole_network), before


def _faults(network: Network) -> dict[int, Mark]:
    """Layers that errors are about, and those that read what an error keeps unknown."""
    index_of = {node.name: index for index, node in enumerate(network.nodes)}
    marks: dict[int, Mark] = {}
    for error in network.errors:
        for name in (error.layer, *(each.name for each in error.built)):
            index = index_of.get(name or "")
            if index is not None and index not in marks:
                marks[index] = Mark("fault", "✗", error.message)
    for index, node in enumerate(network.nodes):
        if node.unknown and index not in marks:
            marks[index] = Mark("fault", "✗", "what it reads is not known")
        elif not node.inputs and network.plans[index] is None and node.kind in SOURCES:
            marks[index] = Mark("fault", "✗", "its shape is not known")
    return marks


class Picture:
    """A network on its way to a picture."""

    def __init__(
        self,
        network: Network,
        choices: Choices,
        marks: Mapping[int, Mark],
        base: str | None,
        opened: Collection[str],
    ) -> None:
        self.network = network
        self.opened = opened
        self.base = base
        self.choices = choices
        self.marks = marks
        self.down = choices.direction == "down"
        self.shown = self._shown()
        self.groups = [group for group in network.groups if group.layers]
        self.around = self._around()
        self.flow = self._flow()
        self.chain = structure(self.flow)
        self.named_by_layers: dict[range, list[str]] = {}
        for group, layers in zip(self.groups, self.flow.groups, strict=True):
            self.named_by_layers.setdefault(layers, []).append(group.name)
        self.shades = shades_of(network, choices.shade)
        self._texts: dict[int, tuple[str, str]] = {}
        self._known_texts: dict[tuple[str, int, int], tuple[str, str]] = {}
        self.readers = self._readers()
        self.shape_room = self._shape_room()
        self.box_width = self._width_of_boxes()
        self.room = self._room()
        self.open_to(choices.depth or self.deepest(MOST_BOXES))

    def open_to(self, depth: int) -> None:
        """Open groups down to a depth, but for those that are asked for, and place what is seen."""
        self.depth = depth
        self.open = self._open()
        self._made_by: dict[Spot, list[int]] = {}
        self.layout = Layout(self.flow, self.chain, self._opened)
        self.layout.place(self.extent, self.title_extent, self.spare, self.room)
        self._fault_sources = {
            line.source for line in self.layout.lines if self.at_fault(line.target)
        }

    def at_depth(self, depth: int) -> "Picture":
        """The same down to another depth."""
        if depth == self.depth and not self.choices.expand and not self.choices.collapse:
            return self
        other = copy(self)
        other.open_to(depth)
        return other

    # What is drawn

    def _shown(self) -> list[int]:
        """The layers that are drawn; without those that keep the shape, if that is asked."""
        network = self.network
        every = list(range(len(network.nodes)))
        if not self.choices.only_changes:
            return every
        return [index for index in every if self._changes(index)]

    def _changes(self, index: int) -> bool:
        """Whether a layer is drawn where only changes are."""
        inputs = self.network.nodes[index].inputs
        shape = self.network.shape_of(index)
        if len(inputs) != 1 or index in self.marks or shape is None:
            return True
        return shape != self.network.shape_of(inputs[0])

    def _around(self) -> list[str]:
        """By layer, the name of the group that it stands in."""
        around = [""] * len(self.network.nodes)
        for group in self.groups:
            for index in group.layers:
                around[index] = group.name
        return around

    def _flow(self) -> Flow:
        """Who reads whom, and what looks alike."""
        network, shown = self.network, self.shown
        place = {index: at for at, index in enumerate(shown)}
        through: list[int] = []
        for index, node in enumerate(network.nodes):
            through.append(index if index in place or not node.inputs else through[node.inputs[0]])
        inputs = [
            ()
            if network.nodes[index].kind in CONSTANTS
            else tuple(dict.fromkeys(place[through[read]] for read in network.nodes[index].inputs))
            for index in shown
        ]
        groups, kept = [], []
        self.starts = _positions(shown, len(network.nodes))
        for group in self.groups:
            layers = range(self.starts[group.layers.start], self.starts[group.layers.stop])
            if layers:
                groups.append(layers)
                kept.append(group)
        self.groups = kept
        collapsed = {
            number
            for number, group in enumerate(kept)
            if any(_means(pattern, group.name) for pattern in self.choices.collapse)
        }
        blocks = [group.block for group in kept]
        outputs = {place[through[index]] for index in network.outputs}
        attached = {at for at, index in enumerate(shown) if self._is_row(index, inputs[at])}
        return Flow(inputs, self._alike(), attached, groups, blocks, collapsed, outputs)

    def _is_row(self, index: int, reads: Sequence[int]) -> bool:
        """Whether a layer may stand as a row in the box of what it reads."""
        nodes = self.network.nodes
        return (
            nodes[index].kind in ROWS
            and index not in self.marks
            and all(nodes[self.shown[read]].kind not in SOURCES for read in reads)
        )

    def _alike(self) -> list[tuple[object, ...]]:
        """By layer that is drawn what it is: the same of layers that are drawn alike.

        Windows of other dilations that leave maps the same are, and dropouts of other rates.
        """
        forced = self._forced()
        by_layer: dict[Hashable, int] = {}
        by_object: dict[int, int] = {}  # rounds share theirs, and comparing fields takes long
        alike: list[tuple[object, ...]] = []
        for index in self.shown:
            node, mark = self.network.nodes[index], self.marks.get(index)
            number = by_object.get(id(node.layer))
            if number is None:
                key = _whatever_varies(node, self.network.plans[index])
                number = by_layer.setdefault(key, len(by_layer))
                by_object[id(node.layer)] = number
            special: object = mark if mark is None or mark.role != "fault" else index
            if node.layer is None or node.kind in SOURCES:
                special = index
            alike.append((number, special, forced.get(index)))
        return alike

    def _forced(self) -> dict[int, tuple[str, ...]]:
        """Which patterns mean a layer's groups: rounds that differ in that are drawn apart."""
        forced: dict[int, tuple[str, ...]] = {}
        patterns = (*self.choices.expand, *self.choices.collapse)
        for pattern in patterns:
            matched = [group for group in self.groups if _means(pattern, group.name)]
            if not matched:
                names = [group.name for group in self.groups]
                near = nearest(pattern, names)
                advice = f": did you mean {near}?" if near else ""
                message = f"no group of {self.network.path} matches {pattern!r}{advice}"
                raise ArgumentError(message)
            for group in matched:
                for index in group.layers:
                    forced[index] = (*forced.get(index, ()), pattern)
        return forced

    def _open(self) -> set[int]:
        """Numbers of the groups whose inside is drawn."""
        opened = set()
        inside: list[int] = []
        for number, (group, layers) in enumerate(zip(self.groups, self.flow.groups, strict=True)):
            while inside and layers.start >= self.flow.groups[inside[-1]].stop:
                inside.pop()
            if any(_means(pattern, group.name) for pattern in self.choices.collapse):
                is_open = False
            elif group.name in self.opened or any(
                _means(pattern, group.name) for pattern in self.choices.expand
            ):
                is_open = True
                opened.update(inside)
            else:
                is_open = len(inside) + 1 < self.depth
            if is_open:
                opened.add(number)
            inside.append(number)
        return opened

    def _opened(self, frame: Frame) -> bool:
        return frame.group in self.open

    def deepest(self, most: int) -> int:
        """The deepest depth with at most so many boxes; 1 where there is none."""
        cards: dict[int, int] = {}
        frames: dict[int, int] = {}
        waiting: list[tuple[Chain, int]] = [(self.chain, 0)]
        while waiting:
            chain, deep = waiting.pop()
            for element in chain.elements:
                if isinstance(element, Card):
                    cards[deep] = cards.get(deep, 0) + len(element.rows)
                elif isinstance(element, Frame):
                    frames[deep] = frames.get(deep, 0) + 1
                    waiting.append((element.inside, deep + 1))
                elif isinstance(element, Repeat):
                    waiting.append((element.inside, deep))
                else:
                    waiting += [(branch, deep) for branch in element.branches]
        best = 1
        total = 0
        for deep in range(max([*cards, *frames], default=0) + 1):
            total += cards.get(deep, 0)
            if total + frames.get(deep, 0) <= most:
                best = deep + 1
        return best

    def _readers(self) -> set[int]:
        """Places of the layers that something reads."""
        return {read for inputs in self.flow.inputs for read in inputs}

    # How large it is

    def _room(self) -> Room:
        """Distances, which hang on the direction: texts are wider than high.

        Where there are errors, shapes are written beside boxes, too, within the frames round them.
        """
        faults = any(mark.role == "fault" for mark in self.marks.values())
        wide = self.shape_room + 14 if self.down else 20
        lane = wide if faults else 16
        far = wide + 6 if faults else 14
        if self.down:
            return Room(first_lane=lane, far=far)
        behind = max(24, self.shape_room + 9)
        return Room(behind=behind, head=14, near=24, branches=22, first_lane=lane, far=far)

    def _shape_room(self) -> float:
        """How wide the texts on lines may be."""
        shapes = {self.network.shape_of(index) for index in self.shown}
        return max((width(f"{shape or '?'} …", SMALL) for shape in shapes), default=0)

    def _texts_of(self, index: int, others: Sequence[int] = ()) -> tuple[str, str]:
        """The kind of a layer, and its hyperparameters; those of other rounds with it."""
        if others and any(self._vary(index, others)):
            nodes = self.network.nodes
            kind, _ = self._texts_of(index)
            read = self.network.shape_of(nodes[index].inputs[0]) if nodes[index].inputs else None
            rounds = [nodes[other] for other in others]
            return kind, details(nodes[index], 2 if read is None else read.rank, rounds)
        texts = self._texts.get(index)
        if texts is None:
            node = self.network.nodes[index]
            read = self.network.shape_of(node.inputs[0]) if node.inputs else None
            key = (node.kind, id(node.layer), 2 if read is None else read.rank)
            if key not in self._known_texts:
                self._known_texts[key] = (node.kind.replace("_", " "), details(node, key[2]))
            texts = self._texts[index] = self._known_texts[key]
        return texts

    def _vary(self, index: int, others: Sequence[int]) -> Iterator[tuple[str, list[Any]]]:
        """What differs between a layer and those of other rounds: a field, and its values."""
        rounds = [self.network.nodes[each] for each in (index, *others)]
        for name in VARYING:
            values = varying(name, rounds)
            if values:
                yield name, values

    def _differing(self, spot: Spot, said: Callable[[Sequence[Any]], str]) -> list[str]:
        """What differs between the rounds that a box or a frame stands for, each once."""
        element = spot.element
        if isinstance(element, Repeat):
            places = range(element.start, element.start + element.stride)
        elif isinstance(element, Frame) and spot.rounds > 1:
            places = self.flow.groups[element.group]
        else:
            return []
        told: dict[str, None] = {}
        for place in places:
            first, *others = (self.shown[place + turn * len(places)] for turn in range(spot.rounds))
            for name, values in self._vary(first, others):
                told[f"{name} {said(values)}"] = None
        return [*told]

    def _width_of_boxes(self) -> float:
        """How wide all boxes are: as their texts need, whether they are shown or not."""
        known: dict[tuple[str, str], float] = {}
        for index in self.shown:
            kind, said = texts = self._texts_of(index)
            if texts not in known:
                known[texts] = width(kind, SIZE, bold=True) + (
                    (said and width(f" {said}", SIZE)) or 0
                )
            name = tail_of(self.network.nodes[index].name, self.around[index])
            name += ", output" if self._is_read_output(index) else ""
            if ("", name) not in known:
                known["", name] = width(name, SMALL)
        for card, repeats in self._repeated():
            for place in card.rows:
                index, *others = self._in_rounds(place, repeats)
                if any(self._vary(index, others)):
                    kind, said = self._texts_of(index, others)
                    badge = width(f"×{repeats[0].rounds}", SIZE, bold=True) + 6
                    known[kind, said] = (
                        width(f"{kind} ", SIZE, bold=True) + width(said, SIZE) + badge
                    )
        for group in self.groups:
            name = group.name.rpartition(".")[2]
            known["", name] = width(name, SIZE, bold=True) + 34
        text = max(known.values(), default=0) + 2 * PAD + 16
        return max(NARROW, 2 * self.shape_room + 14 if self.down else 0, min(WIDE, text))

    def _repeated(self) -> Iterator[tuple[Card, tuple[Repeat, ...]]]:
        """The layers that stand in rounds, shown or not, with these, inner before outer."""
        waiting: list[tuple[Chain, tuple[Repeat, ...]]] = [(self.chain, ())]
        while waiting:
            chain, repeats = waiting.pop()
            for element in chain.elements:
                if isinstance(element, Card):
                    if repeats:
                        yield element, repeats
                elif isinstance(element, Repeat):
                    waiting.append((element.inside, (element, *repeats)))
                elif isinstance(element, Frame):
                    waiting.append((element.inside, repeats))
                else:
                    waiting += [(branch, repeats) for branch in element.branches]

    def extent(self, spot: Spot) -> Extent:
        """How large a box is."""
        high = float(MAIN)
        if isinstance(spot.element, Card):
            high += ROW * (len(spot.element.rows) - 1)
            high += LEADING * len(self._said(self.shown[spot.element.rows[0]]))
        return Extent(high, self.box_width) if self.down else Extent(self.box_width, high)

    def spare(self, spot: Spot) -> float:
        """What is kept free behind a box or a frame: for the arrow that leaves the network."""
        spare = 0.0 if spot.frame or spot.rounds == 1 else SHADOW
        end = end_of(spot)
        if end is not None and self.leaves(end) and self._outermost(end) is spot:
            spare += ARROW
            spare += BELOW if self.down else width(self.made_text(end), SMALL, bold=True) + 6
        return spare

    def title_extent(self, spot: Spot) -> Extent:
        """How much room the title of a frame needs."""
        text = self.frame_title(spot, crowded=self._is_crowded(spot))
        wide = min(width(text, SMALL, bold=True), most_title(spot)) + 2 * PAD
        return Extent(0, wide) if self.down else Extent(wide + 30, 0)

    def frame_title(self, spot: Spot, *, crowded: bool) -> str:
        """What stands above a frame; where it is `crowded` that is how many rounds it is, too."""
        name = self._group_name(spot) if isinstance(spot.element, Frame) else ""
        badge = f"×{spot.rounds}" if crowded else ""
        differing = "; ".join(self._differing(spot, in_turn))
        return f"{': '.join(filter(None, (name, differing)))}  {badge}".strip()

    def _is_crowded(self, spot: Spot) -> bool:
        """Whether a line comes to a frame of rounds where else their number stands."""
        return spot.rounds > 1 and self.down and any(run.entered for run in spot.runs)

    def _group_name(self, spot: Spot) -> str:
        """The name of a group; of those of several rounds from the first to the last."""
        assert isinstance(spot.element, Frame)  # noqa: S101
        group = self.groups[spot.element.group]
        name = group.name
        outer = name.rpartition(".")[0]
        layers = self.flow.groups[spot.element.group]
        last = layers.start
        for repeat in spot.repeats:
            last += (repeat.rounds - 1) * repeat.stride
        # Groups that hold the same layers are one in the other, in every round.
        names = self.named_by_layers[layers]
        others = self.named_by_layers.get(range(last, last + len(layers)), names)
        other = others[names.index(name)] if len(others) == len(names) else name
        return from_to(tail_of(name, outer), tail_of(other, other.rpartition(".")[0]))

    def _last_of(self, spot: Spot) -> int:
        """The place of the layer whose output leaves a box."""
        element = spot.element
        if isinstance(element, Card):
            return element.rows[-1]
        assert isinstance(element, Frame)  # noqa: S101
        output = self.groups[element.group].output
        layers = self.flow.groups[element.group]
        if output is not None and self.starts[output + 1] - 1 in layers:
            return self.starts[output + 1] - 1
        return layers[-1]

    # The picture

    def scene(self, title: str) -> Scene:
        """All of it."""
        layout = self.layout
        inside: dict[int, list[Drawn]] = {}
        for run in reversed(layout.runs):
            parts: list[Drawn] = []
            for spot in run.spots:
                if not spot.runs:
                    parts.append(self.box(spot))
                elif spot.frame:
                    parts.append(self.frame(spot, inside[id(spot.runs[0])]))
                else:
                    for each in spot.runs:
                        parts += inside[id(each)]
            inside[id(run)] = parts
        root = layout.runs[0]
        items: list[Drawn] = [*inside[id(root)]]
        items += [self._line(line) for line in layout.lines]
        for spot in layout.boxes:
            items += self._made(spot)
        items += [
            self._comes_in(line)
            for line in layout.lines
            if line.entry and self.at_fault(line.target)
        ]
        wide, high = self._xy((root.along, root.across))
        foot = self.foot(max(wide - 2 * MARGIN, 0), high)
        right = max([wide, *(_right(item) for item in foot)])
        below = max([high, *(_below(item) for item in foot)])
        return Scene(
            title,
            self.about(),
            round(right + MARGIN, 2),
            round(below + MARGIN, 2),
            (*items, *foot),
        )

    def _xy(self, point: tuple[float, float]) -> tuple[float, float]:
        """A place along and across as x and y."""
        along, across = point
        return (MARGIN + across, MARGIN + along) if self.down else (MARGIN + along, MARGIN + across)

    def layers_of(self, spot: Spot) -> list[int]:
        """The layers that a box stands for, those of all rounds."""
        if isinstance(spot.element, Card):
            places: Sequence[int] = spot.element.rows
        else:
            assert isinstance(spot.element, Frame)  # noqa: S101
            places = self.flow.groups[spot.element.group]
        stride = len(places)
        return [
            self.shown[place + turn * stride] for turn in range(spot.rounds) for place in places
        ]

    def rounds_of(self, place: int) -> list[int]:
        """The layers that stand where one is drawn: itself, and those of other rounds."""
        spot = self.layout.spot_of[place]
        return self._in_rounds(place, spot.repeats if spot else ())

    def _in_rounds(self, place: int, repeats: Sequence[Repeat]) -> list[int]:
        """The same layer of all rounds of repeats."""
        layers = [place]
        for repeat in repeats:
            layers = [
                each + turn * repeat.stride for turn in range(repeat.rounds) for each in layers
            ]
        return sorted(self.shown[each] for each in layers)

    def box(self, spot: Spot) -> Part:
        """A layer with its rows, or a folded group."""
        x, y = self._xy((spot.start, spot.left))
        wide = self.box_width
        high = spot.along - spot.spare if self.down else spot.across
        items: list[Drawn] = []
        if spot.rounds > 1:
            items += [
                Box(x + SHADOW, y + SHADOW, wide, high, "behind", 5),
                Box(x + SHADOW / 2, y + SHADOW / 2, wide, high, "behind", 5),
            ]
        room = wide - 2 * PAD
        badge = f"×{spot.rounds}" if spot.rounds > 1 else ""
        if badge:
            room -= width(badge, SIZE, bold=True) + 6
            end = Label(x + wide - PAD, y + 16, badge, SIZE, anchor="end", bold=True)
        if isinstance(spot.element, Card):
            items += self._card(spot.element, x, y, high, room)
            if badge:
                items.append(end)
            return Part(tuple(items), "", "")
        assert isinstance(spot.element, Frame)  # noqa: S101
        group = self.groups[spot.element.group]
        layers = self.layers_of(spot)
        mark = _of_all([self.marks[index] for index in layers if index in self.marks])
        role = self.shades.role(layers) if self.shades else self.base or "folded"
        sign = ""
        if mark is not None:
            role, sign = mark.role, f"{mark.sign} "
        name = shortened(f"{sign}{self._group_name(spot)}", room, SIZE, bold=True)
        said = plural(len(group.layers), "layer")
        if group.block and group.block != self._group_name(spot):
            said = f"{group.block}, {said}"
        said = ", ".join((said, *self._differing(spot, brief)))
        items += [
            Box(x, y, wide, high, role, 5),
            Label(x + PAD, y + 16, name, SIZE, bold=True),
            Label(
                x + PAD, y + 30, shortened(said, wide - 2 * PAD, SMALL), SMALL, self._quiet(role)
            ),
        ]
        if badge:
            items.append(end)
        title = group_title(self.network, group.name, group.block, layers, spot.rounds)
        return Part(tuple(items), group.name, title)

    def _quiet(self, role: str) -> str:
        """What a second line looks like on a role."""
        return "text" if role.startswith("heat") else "quiet"

    def _role(self, index: int) -> str:
        """What a layer looks like."""
        mark = self.marks.get(index)
        if mark is not None:
            return mark.role
        if self.shades is not None:
            return self.shades.role(self.rounds_of(self.starts[index]))
        if self.base is not None:
            return self.base
        kind = self.network.nodes[index].kind
        return family_of(kind)

    def _card(self, card: Card, x: float, y: float, high: float, room: float) -> list[Part]:
        """A layer, and its rows in it."""
        parts = []
        for number, place in enumerate(card.rows):
            index = self.shown[place]
            others = self.rounds_of(place)[1:]
            if number:
                items = self._row(index, others, x, y + high - ROW * (len(card.rows) - number))
            else:
                items = self._main(index, others, (x, y, self.box_width, high), room)
            title = layer_title(self.network, index, others)
            for name, values in self._vary(index, others):
                title += f"; {name} {in_turn(values)}"
            mark = self.marks.get(index)
            if mark is not None and mark.text:
                title = f"{mark.sign} {mark.text}. {title}"
            parts.append(Part(tuple(items), self.network.nodes[index].name, title))
        return parts

    def _row(self, index: int, others: Sequence[int], x: float, y: float) -> list[Drawn]:
        """A layer as a row in the box of another one; `others` as in `_main`."""
        kind, said = self._texts_of(index, others)
        said += ", output" if self._is_read_output(index) else ""
        text = shortened(f"{kind} {said}".strip(), self.box_width - 2 * PAD - 4, TINY)
        return [
            Box(x + 5, y - 2, self.box_width - 10, ROW - 3, self._role(index), 3),
            Label(x + PAD + 2, y + 9.2, text, TINY),
        ]

    def _is_read_output(self, index: int) -> bool:
        """Whether the output of a layer is the network's, and something reads it."""
        place = self.starts[index]
        return place in self.flow.outputs and place in self.readers

    def _said(self, index: int) -> list[str]:
        """What is said of a layer's mark, in lines that its box has room for."""
        mark = self.marks.get(index)
        if mark is None or not mark.text:
            return []
        lines = wrapped(mark.text, self.box_width - 2 * PAD, SMALL)
        if len(lines) > MOST_LINES:
            last = wrapped(lines[MOST_LINES - 1], self.box_width - 2 * PAD - 12, SMALL)[0]
            lines = [*lines[: MOST_LINES - 1], f"{last} …"]
        return lines

    def _main(
        self,
        index: int,
        others: Sequence[int],
        place: tuple[float, float, float, float],
        room: float,
    ) -> list[Drawn]:
        """A layer as a box; `others` are those of the other rounds that it stands for."""
        x, y, wide, high = place
        node = self.network.nodes[index]
        kind, said = self._texts_of(index, others)
        role, mark = self._role(index), self.marks.get(index)
        if mark is not None:
            kind = f"{mark.sign} {kind}"
        name = tail_of(node.name, self.around[index])
        if others:
            last = others[-1]
            name = from_to(name, tail_of(self.network.nodes[last].name, self.around[last]))
        if self._is_read_output(index):
            name = f"{name}, output"
        items: list[Drawn] = [Box(x, y, wide, high, role, 5)]
        plain = name == node.kind and high == MAIN
        items += _two_fonts(x + PAD, y + (23 if plain else 16), kind, said, room)
        if not plain:
            name = shortened(name, wide - 2 * PAD, SMALL)
            items.append(Label(x + PAD, y + 30, name, size=SMALL, role=self._quiet(role)))
        for number, text in enumerate(self._said(index)):
            down = y + 30 + LEADING * (number + 1)
            items.append(Label(x + PAD, down, text, size=SMALL, role=f"{role} text"))
        return items

    def frame(self, spot: Spot, inside: Sequence[Drawn]) -> Part:
        """A group that is open, or the rounds of a repeat."""
        x, y = self._xy((spot.start, spot.left))
        long = spot.along - spot.spare
        wide, high = (spot.across, long) if self.down else (long, spot.across)
        deep = 0
        owner = spot.run.owner
        while owner is not None:
            deep += owner.frame
            owner = owner.run.owner
        items: list[Drawn] = [Box(x, y, wide, high, "inner frame" if deep % 2 else "frame", 8)]
        name = self.frame_title(spot, crowded=self._is_crowded(spot))
        room = (spot.axis if self.down else wide - 30) - 2 * PAD
        if name:
            fits = width(name, SMALL, bold=True) <= room
            text = name if fits else shortened(name, most_title(spot), SMALL, bold=True)
            items.append(Label(x + PAD, y + 15, text, SMALL, bold=True))
        if spot.rounds > 1 and not self._is_crowded(spot):
            items.append(
                Label(x + wide - PAD, y + 15, f"×{spot.rounds}", size=SIZE, anchor="end", bold=True)
            )
        key = title = ""
        if isinstance(spot.element, Frame):
            group = self.groups[spot.element.group]
            key = group.name
            title = group_title(self.network, key, group.block, group.layers, spot.rounds)
        elif isinstance(spot.element, Repeat):
            rounds = f"{spot.rounds} rounds of {plural(spot.element.stride, 'layer')}"
            title = ", ".join((rounds, *self._differing(spot, in_turn)))
        return Part((*items, *inside), key, title, frame=True)

    def _key(self, spot: Spot) -> str:
        """What paths call the end of a box."""
        if isinstance(spot.element, Frame):
            return self.groups[spot.element.group].name
        assert isinstance(spot.element, Card)  # noqa: S101
        return self.network.nodes[self.shown[spot.element.rows[-1]]].name

    def _start_key(self, spot: Spot) -> str:
        """What paths call the start of a box."""
        if isinstance(spot.element, Card):
            return self.network.nodes[self.shown[spot.element.rows[0]]].name
        return self._key(spot)

    def at_fault(self, spot: Spot | None) -> bool:
        """Whether an error is about what a box stands for."""
        if spot is None:
            return False
        return any(
            (mark := self.marks.get(index)) is not None and mark.role == "fault"
            for index in self.layers_of(spot)
        )

    def _is_gone(self, spot: Spot | None) -> bool:
        """Whether all that a box stands for was removed."""
        if spot is None or self.base is None:
            return False
        marks = [self.marks.get(index) for index in self.layers_of(spot)]
        return all(mark is not None and mark.role == "removed" for mark in marks)

    def _line(self, line: Line) -> Path:
        """A line, with a head where it comes to a box."""
        fault = self.at_fault(line.target)
        gone = self._is_gone(line.source) or self._is_gone(line.target)
        role = "fault line" if fault else "gone line" if gone else "skip" if line.bow else "line"
        return Path(
            tuple(self._xy(point) for point in line.points),
            role,
            arrow=line.target is not None,
            radius=6,
            source=self._key(line.source),
            target=self._start_key(line.target) if line.target else "",
            title=self.made_text(line.source),
        )

    def _comes_in(self, line: Line) -> Label:
        """The shape of what comes into a box with an error from its side."""
        text = str(self.made_shapes(line.source)[-1] or "?")
        x, y = self._xy(line.points[-1])
        if self.down:
            return Label(x + 10, y - 5, text, size=SMALL, role="fault text")
        return Label(x + 6, y + 15, text, size=SMALL, role="fault text")

    def _made(self, spot: Spot) -> list[Drawn]:
        """The shape of what a box makes, on its line, and the arrow that leaves the network."""
        leaves, outer = self.leaves(spot), self._outermost(spot)
        if not leaves and not self.is_read(spot):
            return []
        text = self.made_text(spot)
        shadow = SHADOW if spot is outer and spot.rounds > 1 else 0
        x, y = self._xy((outer.end + shadow, spot.middle))
        if leaves:
            start = self._xy((spot.end, spot.middle))
            end = self._xy((outer.end + shadow + ARROW, spot.middle))
            arrow = Path((start, end), "line", arrow=True, source=self._key(spot), title=text)
            if self.down:
                return [
                    arrow,
                    Label(end[0], end[1] + 12, text, size=SMALL, anchor="middle", bold=True),
                ]
            return [arrow, Label(end[0] + 5, end[1] + 4, text, SMALL, "text", bold=True)]
        unknown = self.made_shapes(spot)[-1] is None
        fault = spot in self._fault_sources or (unknown and self.at_fault(spot))
        role = "fault text" if fault else "quiet"
        if self.down:
            return [Label(x - 6, y + 13, text, size=SMALL, role=role, anchor="end")]
        return [Label(x + 5, y - 5, text, SMALL, role)]

    def _outermost(self, spot: Spot) -> Spot:
        """The outermost frame whose output is a box's, or the box."""
        owner = spot.run.owner
        while owner is not None and owner.frame and spot.place == len(spot.run.spots) - 1:
            spot, owner = owner, owner.run.owner
        return spot

    def made_layers(self, spot: Spot) -> list[int]:
        """The layers whose outputs stand on the line behind a box: of all rounds that it shows.

        Behind a frame that is of the last of its rounds.
        """
        if spot not in self._made_by:
            self._made_by[spot] = self._find_made(spot)
        return self._made_by[spot]

    def _find_made(self, spot: Spot) -> list[int]:
        """Find these layers."""
        left, here, outer = 0, spot, self._outermost(spot)
        while True:
            left += here.rounds > 1
            if here is outer or here.run.owner is None:
                break
            here = here.run.owner
        places = [self._last_of(spot)]
        for number, repeat in enumerate(spot.repeats):
            turns = range(repeat.rounds - 1 if number < left else 0, repeat.rounds)
            places = [place + turn * repeat.stride for turn in turns for place in places]
        return [self.shown[place] for place in places]

    def made_shapes(self, spot: Spot) -> list[Shape | None]:
        """Their shapes."""
        return [self.network.shape_of(index) for index in self.made_layers(spot)]

    def made_text(self, spot: Spot) -> str:
        """What stands on the line behind a box."""
        text = shapes_text(
            self.made_shapes(spot), lambda text: width(text, SMALL) <= self.shape_room
        )
        network = self.network
        if not self.leaves(spot) or len(network.outputs) == 1:
            return text
        several = set(self.layers_of(spot)) & {*network.outputs}
        if len(several) > 1:  # of a group that is folded
            return plural(len(several), "output")
        index = self.made_layers(spot)[-1]
        name = next((name for name, its in network.named_outputs.items() if its == index), "")
        return f"{name}: {text}" if name else text

    def is_read(self, spot: Spot) -> bool:
        """Whether something reads the output of a box."""
        return self.starts[self.made_layers(spot)[-1]] in self.readers

    def leaves(self, spot: Spot) -> bool:
        """Whether the output of a box is the network's, and nothing reads it."""
        place = self.starts[self.made_layers(spot)[-1]]
        return place in self.flow.outputs and place not in self.readers

    def foot(self, wide: float, high: float) -> list[Drawn]:
        """What stands below the picture: what colours mean, and what is wrong."""
        items: list[Drawn] = []
        y = high + 22.0
        if self.choices.shade:
            x = float(MARGIN)
            shown = [
                self.shown[place]
                for spot in self.layout.boxes
                if isinstance(spot.element, Card)
                for place in spot.element.rows
            ]
            rows = legend_of(self.network, self.shades, shown)
            if self.shades is None and any(
                isinstance(spot.element, Frame) for spot in self.layout.boxes
            ):
                rows.append(("folded", "group"))
            for role, text in rows:
                long = width(text, SMALL)
                if x > MARGIN and x + 20 + long > MARGIN + max(wide, 300):
                    x, y = float(MARGIN), y + 20
                items += [Box(x, y, 14, 12, role, 2), Label(x + 20, y + 10, text, SMALL)]
                x += 20 + long + 16
            y += 30
        if self.base is not None:
            texts = " · ".join(CHANGES) if self.marks else NOTHING
            items.append(Label(MARGIN, y + 10, texts, SMALL))
            y += 24
        room = NOTE - 16
        errors = self.network.errors
        for error in errors[:MOST_NOTES]:
            place = error.layer or (f"line {error.line}" if error.line else "")
            for number, text in enumerate(
                wrapped(f"{place}: {error.message}" if place else error.message, room, SMALL)
            ):
                if not number:
                    items.append(Label(MARGIN, y + 10, "✗", SMALL, "fault text", bold=True))
                items.append(Label(MARGIN + 16, y + 10, text, SMALL, "fault text"))
                y += 16
        if len(errors) > MOST_NOTES:
            items.append(
                Label(
                    MARGIN + 16,
                    y + 10,
                    f"and {len(errors) - MOST_NOTES:,} more",
                    SMALL,
                    "fault text",
                )
            )
        return items

    def about(self) -> str:
        """What the picture shows, in sentences."""
        network = self.network
        made = ", ".join(str(network.shape_of(index) or "?") for index in network.outputs) or "?"
        said = [f"{plural(len(network.layers), 'layer')}, from {network.shown_input} to {made}."]
        if network.errors:
            said.append(f"{plural(len(network.errors), 'error')}.")
        return " ".join(said)


def most_title(spot: Spot) -> float:
    """How wide the title of a frame can be wherever it stands."""
    return TITLE if isinstance(spot.element, Frame) else MOST_TITLE


def _of_all(marks: Sequence[Mark]) -> Mark | None:
    """The mark of a group, of those of its layers; None where there are none."""
    signs = dict.fromkeys(mark.sign for mark in marks)
    if len(signs) > 1:
        return Mark("changed", " ".join(signs))
    return marks[0] if marks else None


def _two_fonts(x: float, y: float, kind: str, said: str, room: float) -> list[Label]:
    """A kind in bold with its hyperparameters behind it."""
    kind = shortened(kind, room, SIZE, bold=True)
    labels = [Label(x, y, kind, SIZE, bold=True)]
    taken = width(kind, SIZE, bold=True) + width(" ", SIZE)
    if said and room - taken > 20:
        labels.append(Label(x + taken, y, shortened(said, room - taken, SIZE), SIZE))
    return labels


def _right(item: Drawn) -> float:
    """Where an item of the foot ends to the right."""
    if isinstance(item, Label):
        return item.x + width(item.text, item.size, bold=item.bold)
    return item.x + item.width if isinstance(item, Box) else 0


def _below(item: Drawn) -> float:
    """Where an item of the foot ends below."""
    if isinstance(item, Label):
        return item.y + 4
    return item.y + item.height if isinstance(item, Box) else 0


def _whatever_varies(node: LayerNode, plan: Plan | None) -> Hashable:
    """What a layer is without what may vary from round to round, `words.VARYING`.

    Of a dilated window that is where its padding is, as a part of what it reaches over: it keeps
    the same then of maps of any size.
    """
    layer = node.layer
    if layer is None or not {*VARYING} & declarations(type(layer)).keys():
        return node.kind, layer
    left_out = {"rate"}
    sides: list[tuple[float, float]] = []
    if plan is not None and all(window.stride == window.up == 1 for window in plan.windows):
        left_out |= {"dilation", "padding"}
        for window in plan.windows:
            reach = window.dilation * (window.kernel - 1) or 1
            sides.append((window.before / reach, window.after / reach))
    values = hyperparameters(layer).items()
    kept = tuple((name, value) for name, value in values if name not in left_out)
    return node.kind, type(layer), kept, tuple(sides)


def _positions(shown: Sequence[int], count: int) -> list[int]:
    """How many of the layers that are drawn come before each layer, and how many there are."""
    positions = []
    at = 0
    for index in range(count + 1):
        positions.append(at)
        at += at < len(shown) and shown[at] == index
    return positions


def _means(pattern: str, name: str) -> bool:
    """Whether a pattern means a group: by its whole name, or by the last part of it."""
    return pattern == name or fnmatchcase(name, pattern)
