"""Which of the layers that are built of an item a finding is about, and who called them.

The line of a finding says that of an item of the spec's own list. In a block, a repeat or a branch
it does not: there a finding names the layers with what they read, and an error the calls of blocks
that lead there, as compilers do of templates.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from convcalc.diagnostics import Built, Diagnostic, Named, Place, Span
from convcalc.findings import Findings
from convcalc.spec.nodes import List

if TYPE_CHECKING:
    from convcalc.graph import Network

MAX_BUILT = 3
"""Most layers that a finding names."""
MAX_CALLS = 8
"""Most calls of blocks that an error names, the innermost of them."""
CALLED = "called here"


def located(
    network: "Network", findings: Findings, diagnostics: Iterable[Diagnostic] | None = None
) -> tuple[Diagnostic, ...]:
    """Findings, all that there are unless others are given, with the layers that they are about."""
    known = _Layers(network)
    given = findings.diagnostics if diagnostics is None else diagnostics
    return tuple(known.said(each, findings) for each in given)


class _Layers:
    """The layers of a network by name, and how many are built of each item."""

    def __init__(self, network: "Network") -> None:
        self.network = network
        self.indices: dict[str, int] = {}
        self.numbers: list[int] = []
        self.counts: Counter[int] = Counter()
        for index, node in enumerate(network.nodes):
            self.indices[node.name] = index
            self.counts[id(node.item)] += 1
            self.numbers.append(self.counts[id(node.item)])
        spec = None if network.written is None else network.written.spec
        layers = None if spec is None else spec.entries.get("layers")
        self.own = set(map(id, layers.items)) if isinstance(layers, List) else set()

    def said(self, diagnostic: Diagnostic, findings: Findings) -> Diagnostic:
        """The finding with its layers, where its place does not say which they are."""
        index = self.indices.get(diagnostic.layer or "")
        if index is None or diagnostic.built:
            return diagnostic
        node = self.network.nodes[index]
        if not node.inputs and not node.unknown:  # an input, which is said once
            return diagnostic
        if id(node.item) in self.own and self.counts[id(node.item)] == 1:
            return diagnostic
        names = findings.layers(diagnostic)
        built = tuple(self.built(name) for name in names[:MAX_BUILT] if name in self.indices)
        if diagnostic.severity != "error":
            return diagnostic._replace(built=built, alike=len(names) - len(built))
        calls = tuple(self.calls(index, diagnostic, findings.places.place))
        return diagnostic._replace(
            built=built, alike=len(names) - len(built), related=(*diagnostic.related, *calls)
        )

    def built(self, name: str) -> Built:
        """A layer with what it reads."""
        index = self.indices[name]
        node = self.network.nodes[index]
        read = [shape for at in node.inputs if (shape := self.network.shape_of(at)) is not None]
        known = not node.unknown and len(read) == len(node.inputs)
        among = self.counts[id(node.item)]
        return Built(name, tuple(read) if known else (), self.numbers[index], among)

    def calls(
        self, index: int, diagnostic: Diagnostic, place: Callable[[int, int], Place]
    ) -> Iterator[tuple[Place, str]]:
        """The calls of blocks that lead to a layer, from the inside out.

        One that the finding itself stands in, at an argument, need not be said.
        """
        groups = self.network.groups
        at: int | None = bisect_right(self.starts, index) - 1
        around = []
        while at is not None and at >= 0:
            if groups[at].block and index in groups[at].layers:
                around.append(groups[at])
            at = self.parents[at]
        for group in islice(around, MAX_CALLS):
            item, key = group.item, group.item.key(group.block)
            call = place(key.start, key.end)
            if not _holds(place(item.start, item.end), call, diagnostic.place):
                yield call, CALLED

    @cached_property
    def starts(self) -> list[int]:
        """Where each group starts, which is the order that they are in."""
        return [group.layers.start for group in self.network.groups]

    @cached_property
    def parents(self) -> list[int | None]:
        """The group that each group stands in."""
        parents: list[int | None] = []
        around: list[int] = []
        groups = self.network.groups
        for at, group in enumerate(groups):
            while around and groups[around[-1]].layers.stop <= group.layers.start:
                around.pop()
            parents.append(around[-1] if around else None)
            around.append(at)
        return parents


def _holds(whole: Place, call: Place, inner: Place) -> bool:
    """Whether a place stands in the item of a call."""
    if isinstance(whole, Span) and isinstance(inner, Span):
        return whole[:2] <= inner[:2] < whole[2:]
    if isinstance(call, Named) and isinstance(inner, Named):
        return inner.name.startswith(f"{call.name}.")
    return False
