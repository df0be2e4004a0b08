"""What items are called, and which tensor a name means where it is used."""

from itertools import islice
from typing import Final

from convcalc.diagnostics import closest
from convcalc.spec.fields import Scope, quoted
from convcalc.spec.nodes import Node, ScalarNode
from convcalc.spec.reporter import Reporter, right_name
from convcalc.spec.tree import Item

MAX_SUGGESTED = 300
"""Names, the latest, that a misspelt one is compared with."""


class Open:
    """What the name of a group or block means that is still being written out."""


OPEN: Final = Open()


class Surroundings:
    """Where an item stands: what its names start with, and how many of each kind came before."""

    __slots__ = ("block", "counters", "numbered", "outer", "prefix", "scope")

    def __init__(
        self,
        prefix: str,
        scope: Scope,
        outer: "Surroundings | None" = None,
        *,
        numbered: bool = False,
        block: bool = False,
    ) -> None:
        self.block = block
        """The inside of a block, or the whole network: where parameters belong."""
        self.prefix = prefix
        self.scope = scope
        self.outer = outer
        self.counters: dict[str, int] = {}
        self.numbered = numbered

    def inner(self, scope: Scope, *, numbered: bool) -> "Surroundings":
        """This place with other names in scope; items are still counted together."""
        numbered = numbered or self.numbered
        place = Surroundings(self.prefix, scope, self.outer, numbered=numbered, block=self.block)
        place.counters = self.counters
        return place


class Names:
    """The names of a network so far."""

    def __init__(self, report: Reporter, sources: dict[str, int]) -> None:
        self.report = report
        self.sources = sources
        """The network's inputs by their names."""
        self.tensors: dict[str, int | Open | None] = {}
        """What every full name means: a layer's index, None where an error keeps it unknown."""
        self.claimed: dict[str, Node] = {}
        """The items that were given a name, by it."""
        self.rounds: dict[str, str] = {}
        """Of a group that is repeated, its latest round."""

    def numbered(self, name: str, place: Surroundings, index: int | Open | None) -> str:
        """The full name of the next of this name in a place: `conv2`, `relu6_2`."""
        base = f"{place.prefix}{name}_" if name[-1].isdigit() else place.prefix + name
        count = place.counters.get(name, 0) + 1
        while f"{base}{count}" in self.tensors:
            count += 1
        place.counters[name] = count
        self.tensors[f"{base}{count}"] = index
        return f"{base}{count}"

    def claim(self, name: str, place: Surroundings, node: Item, index: int | Open | None) -> str:
        """The full name of an item that was given `name`."""
        full = place.prefix + name
        if place.numbered:
            self.tensors[full] = index
            return self.numbered(name, place, index)
        at = node.entries.get("name", node)
        if full in self.tensors:
            first = self.claimed.get(full)
            self.report.error(
                "CC117",
                f"name `{full}` is taken",
                at,
                "choose another: items without a name are called by kind and number",
                related=() if first is None else ((self.report.place_of(first), "first here"),),
            )
            return full
        self.tensors[full] = index
        self.claimed[full] = at
        return full

    def resolve(self, node: Node, place: Surroundings) -> int | None:
        """The tensor that `from` names, looked for from the inside out.

        In each block, its items come before its parameters that hold text; a name that a parameter
        holds is looked for where the block is called.
        """
        if not isinstance(node, ScalarNode) or not node.text:
            self.report.error(
                "CC107",
                f"from is the name of an item, and this is {quoted(node)}",
                node,
                "write one name; several tensors are merged by `add`, `multiply` or `concat`",
            )
            return None
        name = node.text
        if name in self.sources:
            return self.sources[name]
        holder = ""
        around: Surroundings | None = place
        while around is not None:
            known = self.named(around.prefix, name)
            index = self.tensors[known] if known else None
            if isinstance(index, Open):
                self.report.error(
                    "CC201",
                    f"{quoted(node)} is the group or block that this item is in, and not finished",
                    node,
                    "name the item in it to start from",
                )
                return None
            if known:
                return index
            held = around.scope.values.get(name) if around.block and not holder else None
            if isinstance(held, str):
                name, holder = held, name
                if name in self.sources:
                    return self.sources[name]
                around = around.outer or around  # the network has no caller but itself
            else:
                around = around.outer
        if self.report.findings.full:
            return None
        latest = islice(reversed(self.tensors), MAX_SUGGESTED)
        near_by = [*self.sources, *(each.removeprefix(place.prefix) for each in latest)]
        near = closest(name, near_by)
        said = quoted(ScalarNode(name, 0, 0))
        if holder:
            said += f", which parameter `{holder}` holds"
        self.report.error(
            "CC201",
            f"nothing before this item is called {said}",
            node,
            f"did you mean `{near}`?"
            if near
            else "give the item to start from a `name`, before this one; `input` is the network's",
            fix=None if holder else right_name(near, name, near_by),
        )
        return None

    def named(self, prefix: str, name: str) -> str | None:
        """The full name of an item by its name in one place; dots reach into groups and blocks."""
        if prefix + name in self.tensors:
            return prefix + name
        if "." in name:
            first, _, rest = name.partition(".")
            latest = self.rounds.get(prefix + first)
            if latest is not None:
                return self.named(f"{latest}.", rest)
        return None
