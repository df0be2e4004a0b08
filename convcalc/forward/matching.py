"""Arrays with another library's names, as layers of a network: by what names count, and by shape.

A name that ends in a number comes before one that ends in a larger number and is the same but for
that: `layer1.0` before `layer1.1`, `features.3` before `features.10`; Keras's `conv2d` comes before
its `conv2d_1`. That is an order of some arrays; of others, such as `conv3` and `downsample`, names
say nothing. What is looked for is the
one way to put them into the network's order that keeps this order and every shape. Where there are
two, none is taken.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple

Signature = tuple[tuple[str, tuple[int, ...]], ...]
"""Names and shapes of a layer's weights, axes of one value at the end left out."""
LEAVES = ("weight", "bias", "running_mean", "running_var")
"""What PyTorch calls a layer's arrays; any other is a layer of its own."""
_PARTS = re.compile(r"\d+x\d+(?:x\d+)?|\d+|\.|[^\d.]+")
MAX_PARTS = 64
"""Parts of a name that are looked at one by one; no library has as many."""
MAX_NAME = 500
"""Characters of a name that are looked at."""
MAX_COMPARED = 500
"""Modules of one signature that are compared two by two."""
MAX_STRETCHES = 10_000
"""Stretches of ranks that are looked at for whether they are full."""


class Slot(NamedTuple):
    """A layer that wants weights, or one that has some."""

    name: str
    """Full name of the layer here, or of the module in the file."""
    signature: Signature
    """What its weights are."""


class Unclear(NamedTuple):
    """Layers that may be one of several."""

    layers: tuple[str, ...]
    """Full names of layers of the network, in their order."""
    modules: tuple[str, ...]
    """Names there, as many; which is which their names do not tell."""
    shapes: Signature
    """What the weights of each are."""


class Matched(NamedTuple):
    """Which layer of the network is which module of the file."""

    names: Mapping[str, str]
    """Layer → module, of all that are certain."""
    unclear: tuple[Unclear, ...]
    """What is not certain; () where everything is."""
    impossible: bool = False
    """Whether no way at all keeps the order that the names count."""


def slots(shapes: Iterable[tuple[str, Sequence[int]]]) -> list[Slot]:
    """Layers in the order in which their first array comes, of arrays by full name.

    >>> slots([("a.weight", (4, 3, 1, 1)), ("a.bias", (4,)), ("scale", (4, 1, 1))])
    [Slot(name='a', signature=(('bias', (4,)), ('weight', (4, 3)))), \
Slot(name='scale', signature=(('weight', (4,)),))]
    """
    modules: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
    for name, shape in shapes:
        module, leaf = module_of(name)
        modules.setdefault(module, []).append((leaf, plain_shape(shape)))
    return [Slot(module, tuple(sorted(arrays))) for module, arrays in modules.items()]


def module_of(name: str) -> tuple[str, str]:
    """The layer that an array is of, and what it is there; one of another name is its own layer.

    >>> module_of("conv1.bias"), module_of("attention1.in_proj_weight")
    (('conv1', 'bias'), ('attention1.in_proj_weight', 'weight'))
    """
    module, _, leaf = name.rpartition(".")
    return (module, leaf) if leaf in LEAVES and module else (name, "weight")


def plain_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """A shape without axes of one value at its end, which do not change where values lie.

    >>> plain_shape((64, 32, 1, 1)), plain_shape((64, 1, 3, 3))
    ((64, 32), (64, 1, 3, 3))
    """
    axes = tuple(shape)
    while axes and axes[-1] == 1:
        axes = axes[:-1]
    return axes


def match(
    wanted: Sequence[Slot], there: Sequence[Slot], known: Mapping[str, str] | None = None
) -> Matched:
    """Which of the modules in a file each layer is, as far as that is certain.

    Both have as many of every signature. A rank is a layer's number among those of its signature;
    each module has a range of them, which is narrowed until nothing changes. `known` are modules by
    layer that are certain beforehand.
    """
    places: dict[Signature, list[int]] = {}
    for place, slot in enumerate(wanted):
        places.setdefault(slot.signature, []).append(place)
    ranges = _Ranges(there, places)
    layers = {module: layer for layer, module in (known or {}).items()}
    number = {slot.name: place for place, slot in enumerate(wanted)}
    for item, slot in enumerate(there):
        sure = number.get(layers.get(slot.name, ""))
        if sure is not None and sure in places[slot.signature]:
            ranges.fix(item, places[slot.signature].index(sure))
    if not ranges.narrow():
        return Matched({}, (), impossible=True)
    names: dict[str, str] = {}
    open_ones: dict[Signature, list[int]] = {}
    for item, slot in enumerate(there):
        low, high = ranges.low[item], ranges.high[item]
        if low == high:
            names[wanted[places[slot.signature][low]].name] = slot.name
        else:
            open_ones.setdefault(slot.signature, []).append(item)
    unclear = []
    for signature, items in open_ones.items():
        for group in ranges.overlapping(items):
            first = min(ranges.low[item] for item in group)
            last = max(ranges.high[item] for item in group)
            named = tuple(
                name
                for place in places[signature][first : last + 1]
                if (name := wanted[place].name) not in names
            )
            unclear.append(Unclear(named, tuple(there[item].name for item in group), signature))
    return Matched(names, tuple(unclear))


class _Node:
    """A beginning that names share; its children are what may come next."""

    __slots__ = ("chains", "children", "items", "others")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.items: list[int] = []
        self.chains: list[list[_Node]] = []
        """Children one before the other, as their numbers count."""
        self.others: list[_Node] = []
        """Children of which names do not tell the order."""


def _parts(name: str) -> list[str]:
    """The parts of a name; what goes on behind those that are looked at is one."""
    parts = _PARTS.findall(name[:MAX_NAME])
    beyond = "".join(parts[MAX_PARTS:]) + name[MAX_NAME:]
    return [*parts[:MAX_PARTS], beyond] if beyond else parts


def _counted(names: Sequence[str]) -> list[str]:
    """The names, with the number 0 where Keras leaves it out: `conv2d` beside `conv2d_1`.

    >>> _counted(["conv2d", "conv2d_1.a", "dense"])
    ['conv2d_0', 'conv2d_1.a', 'dense']
    """
    firsts = {name.partition(".")[0] for name in names}
    counted = []
    for name in names:
        first, dot, rest = name.partition(".")
        counted.append(f"{first}_0{dot}{rest}" if f"{first}_1" in firsts else name)
    return counted


def _order_of(one: Sequence[str], other: Sequence[str]) -> int:
    """Below 0 where the first comes before the second, above where behind; 0 where it is open."""
    before = ""
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            if mine.isdecimal() and theirs.isdecimal():
                return int(mine) - int(theirs)
            if before.isdecimal() and _is_letter(mine) and _is_letter(theirs):
                return ord(mine) - ord(theirs)
            return 0
        before = mine
    return 0


def _tree(names: Sequence[Sequence[str]]) -> _Node:
    root = _Node()
    for item, parts in enumerate(names):
        node = root
        for part in parts:
            node = node.children.setdefault(part, _Node())
        node.items.append(item)
    _order(root, counted=False)
    return root


def _order(node: _Node, *, counted: bool) -> None:
    """Put the children into chains: numbers by value, and letters behind a number (3a, 3b)."""
    numbers = sorted((part for part in node.children if part.isdecimal()), key=int)
    letters = sorted(part for part in node.children if counted and _is_letter(part))
    for chain in (numbers, letters):
        if chain:
            node.chains.append([node.children[part] for part in chain])
    told = {*numbers, *letters}
    node.others = [child for part, child in node.children.items() if part not in told]
    for part, child in node.children.items():
        _order(child, counted=part.isdecimal())


def _is_letter(part: str) -> bool:
    return len(part) == 1 and part.isalpha()


class _Ranges:
    """The ranks that each module may have, narrowed by the order of names and by one another."""

    def __init__(self, there: Sequence[Slot], places: Mapping[Signature, list[int]]) -> None:
        self.places = [places[slot.signature] for slot in there]
        self.alike: dict[Signature, list[int]] = {}
        for item, slot in enumerate(there):
            self.alike.setdefault(slot.signature, []).append(item)
        self.low = [0] * len(there)
        self.high = [len(ranks) - 1 for ranks in self.places]
        self.changed = True
        parts = [_parts(name) for name in _counted([slot.name for slot in there])]
        self._count(parts)
        self.root = _tree(parts)

    def _count(self, parts: Sequence[Sequence[str]]) -> None:
        """As many modules of one signature come before, so many ranks are taken."""
        for items in self.alike.values():
            if len(items) > MAX_COMPARED:
                continue
            for one, other in combinations(items, 2):
                order = _order_of(parts[one], parts[other])
                if order:
                    first, second = (one, other) if order < 0 else (other, one)
                    self.low[second] += 1
                    self.high[first] -= 1

    def fix(self, item: int, rank: int) -> None:
        """The module is the layer of this rank, whatever its name counts."""
        self.low[item] = self.high[item] = rank

    def narrow(self) -> bool:
        """Narrow until nothing changes; whether every module has a rank left."""
        while self.changed:
            self.changed = False
            self._forward(self.root, -1)
            self._backward(self.root, 1 << 62)
            if not all(low <= high for low, high in zip(self.low, self.high, strict=True)):
                return False
            if not all(self._apart(items) for items in self.alike.values()):
                return False
        return True

    def _forward(self, node: _Node, bound: int) -> int:
        """Put everything below a node behind a place; the earliest place where all of it ends."""
        end = bound
        for item in node.items:
            places, low = self.places[item], self.low[item]
            rank = max(low, bisect_right(places, bound))
            if rank > low:
                self.low[item], self.changed = rank, True
            end = max(end, places[rank] if rank < len(places) else bound)
        for child in node.others:
            end = max(end, self._forward(child, bound))
        for chain in node.chains:
            behind = bound
            for child in chain:
                behind = self._forward(child, behind)
            end = max(end, behind)
        return end

    def _backward(self, node: _Node, bound: int) -> int:
        """Put everything below a node before a place; the latest place where it may begin."""
        start = bound
        for item in node.items:
            places, high = self.places[item], self.high[item]
            rank = min(high, bisect_left(places, bound) - 1)
            if rank < high:
                self.high[item], self.changed = rank, True
            start = min(start, places[rank] if rank >= 0 else bound)
        for child in node.others:
            start = min(start, self._backward(child, bound))
        for chain in node.chains:
            before = bound
            for child in reversed(chain):
                before = self._backward(child, before)
            start = min(start, before)
        return start

    def overlapping(self, items: Iterable[int]) -> list[list[int]]:
        """Modules of one signature whose ranges hang together."""
        groups: list[list[int]] = []
        last = -1
        for item in sorted(items, key=lambda item: (self.low[item], self.high[item])):
            if not groups or self.low[item] > last:
                groups.append([])
                last = -1
            groups[-1].append(item)
            last = max(last, self.high[item])
        return groups

    def _apart(self, items: Sequence[int]) -> bool:
        """No two have one rank: ranks that others need are taken; whether there are enough."""
        for group in self.overlapping(items):
            if len(group) == 1 and self.low[group[0]] == self.high[group[0]]:
                continue
            if not self._share(group):
                return False
        return True

    def _share(self, group: Sequence[int]) -> bool:
        """Within each stretch that as many need as it has ranks, nobody else has one."""
        lows = sorted({self.low[item] for item in group})
        highs = sorted({self.high[item] for item in group})
        if len(lows) * len(highs) > MAX_STRETCHES:
            return True
        for first, last in product(lows, highs):
            inside = {i for i in group if first <= self.low[i] and self.high[i] <= last}
            if last < first or len(inside) < last - first + 1:
                continue
            if len(inside) > last - first + 1:
                return False
            for item in group:
                if item in inside:
                    continue
                if first <= self.low[item] <= last:
                    self.low[item], self.changed = last + 1, True
                if first <= self.high[item] <= last:
                    self.high[item], self.changed = first - 1, True
                if self.low[item] > self.high[item]:
                    return False
        return True
